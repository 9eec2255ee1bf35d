// The suite that every store must pass, against a real Redis.

package redisstore

import (
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/storetest"
)

func TestTheRedisStorePassesTheSuite(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		p := startProxy(t, r.addr)
		prefix := WithPrefix(rand.Text() + ":")
		return storetest.Harness{
			Connect: func(t *testing.T) authkit.Store { return newStore(t, p.client(), prefix) },
			ShortLog: func(t *testing.T, retention time.Duration) authkit.Store {
				s := newStore(t, p.client(), WithPrefix(rand.Text()+":"))
				s.retention = retention
				return s
			},
			Break: func(*testing.T) { p.cut() },
			Freeze: func(*testing.T) (thaw func()) {
				r.stop()
				return r.resume
			},
			Flush: func(*testing.T) { r.do("FLUSHALL") },
			Restart: func(*testing.T) {
				r.kill()
				r.start()
			},
		}
	})
}

// miniredis cannot stop answering, and its keys expire only as the test says.
func TestTheRedisStorePassesTheSuiteOnMiniredis(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		m := miniredis.RunT(t)
		done := make(chan struct{})
		var running sync.WaitGroup
		running.Go(func() {
			last := time.Now()
			for tick := time.NewTicker(time.Millisecond); ; {
				select {
				case <-done:
					tick.Stop()
					return
				case now := <-tick.C:
					m.FastForward(now.Sub(last))
					last = now
				}
			}
		})
		t.Cleanup(func() {
			close(done)
			running.Wait()
		})
		return storetest.Harness{
			Connect: func(t *testing.T) authkit.Store {
				client := redis.NewClient(&redis.Options{Addr: m.Addr()})
				t.Cleanup(func() { _ = client.Close() })
				return newStore(t, client)
			},
			Flush: func(*testing.T) { m.FlushAll() },
		}
	})
}
