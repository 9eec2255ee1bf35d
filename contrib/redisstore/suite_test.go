// The suite that every store must pass, against a real Redis.

package redisstore

import (
	"context"
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

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
			Flush:   func(*testing.T) { r.do("FLUSHALL") },
			Restart: func(t *testing.T) { require.NoError(t, r.Restart()) },
		}
	})
}

// miniredis cannot stop answering, and its keys expire only as the test says.
func TestTheRedisStorePassesTheSuiteOnMiniredis(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		m := miniredis.RunT(t)
		clock := &miniredisClock{server: m, at: time.Now()}
		return storetest.Harness{
			Connect: func(t *testing.T) authkit.Store {
				client := redis.NewClient(&redis.Options{Addr: m.Addr()})
				client.AddHook(clock)
				t.Cleanup(func() { _ = client.Close() })
				return newStore(t, client)
			},
			Flush: func(*testing.T) { m.FlushAll() },
		}
	})
}

// miniredisClock lets the keys of miniredis expire in real time: it advances the
// server before each command.
type miniredisClock struct {
	server *miniredis.Miniredis
	mu     sync.Mutex
	at     time.Time
}

func (c *miniredisClock) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *miniredisClock) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.mu.Lock()
		now := time.Now()
		c.server.FastForward(now.Sub(c.at))
		c.at = now
		c.mu.Unlock()
		return next(ctx, cmd)
	}
}

func (c *miniredisClock) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
