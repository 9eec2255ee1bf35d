//go:build unix

// The failure table of docs/replicas.md, a row a test: what users meet while Redis or an instance fails.
//
// In the long form, the failures last longer than an access token:
//
//	go test -run TestUsersStaySignedIn -v -timeout 0 -rows.for 2m

package main

import (
	"crypto/rand"
	"flag"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var rowsFor = flag.Duration("rows.for", 5*time.Second, "how long the load of each row of the failure table lasts")

// failure is a row of the table. It fails and ends in the middle of the load.
type failure struct {
	shared engine
	begin  func()
	during func(over <-chan struct{}) // runs while it fails; may be nil
	end    func()
}

// failures returns a function for each row, which starts the servers of the row.
var failures = map[string]func(t *testing.T) *failure{
	"Redis is killed and starts again empty": func(t *testing.T) *failure {
		r := startServer(t)
		return &failure{shared: r.engine(), begin: r.Kill, end: r.restart}
	},
	"Redis restarts empty at once": func(t *testing.T) *failure {
		r := startServer(t)
		return &failure{shared: r.engine(), begin: r.restart, end: r.restart}
	},
	"Redis is stopped": func(t *testing.T) *failure {
		r := startServer(t)
		return &failure{shared: r.engine(), begin: r.stop, end: r.resume}
	},
	"Redis is partitioned": func(t *testing.T) *failure {
		n, addr := startNetwork(t, startServer(t).addr())
		return &failure{
			shared: engine{redisURL, "redis://" + addr},
			begin:  func() { n.set(0, true) },
			end:    func() { n.set(0, false); n.cut() },
		}
	},
	"Redis is delayed by 20 ms":  delayed(10 * time.Millisecond),
	"Redis is delayed by 300 ms": delayed(150 * time.Millisecond),
	"Redis is flushed": func(t *testing.T) *failure {
		r := startServer(t)
		flush := func() { r.do("FLUSHALL") }
		return &failure{shared: r.engine(), begin: flush, during: every(500*time.Millisecond, flush), end: flush}
	},
	"Redis fails over": func(t *testing.T) *failure {
		master := startServer(t)
		replica := startServer(t, "--replicaof", "127.0.0.1 "+master.Port.String(), "--repl-ping-replica-period", "1")
		require.Eventually(t, func() bool {
			return strings.Contains(replica.do("INFO", "replication").(string), "master_link_status:up")
		},
			time.Minute, 10*time.Millisecond, "the replica has a first copy")
		sentinel := startSentinel(t, master)
		require.Eventually(t, func() bool { return len(sentinel.do("SENTINEL", "REPLICAS", "authkit").([]any)) == 1 },
			time.Minute, 20*time.Millisecond, "Sentinel knows the replica")
		shared := engine{redisURL, "redis://" + sentinel.addr() + "?master_name=authkit"}
		require.NoError(t, shared.ask(t.Context()))
		return &failure{
			shared: shared,
			begin:  master.Kill,
			end: func() {
				require.Eventually(t, func() bool { return strings.Contains(replica.do("INFO", "replication").(string), "role:master") },
					time.Minute, 20*time.Millisecond, "the replica is the master")
			},
		}
	},
	"Redis evicts": func(t *testing.T) *failure {
		r := startServer(t, "--maxmemory", "3mb", "--maxmemory-policy", "allkeys-random")
		fill := func() {
			for range 20 {
				r.do("SET", "other:"+rand.Text(), strings.Repeat("x", 16<<10))
			}
		}
		return &failure{
			shared: r.engine(),
			begin: func() {
				for range 100 { // of 320 kB each
					if fill(); r.info("evicted_keys") > 0 {
						break
					}
				}
			},
			during: every(20*time.Millisecond, fill),
			end:    func() { assert.Positive(t, r.info("evicted_keys"), "evicted keys") },
		}
	},
}

func delayed(each time.Duration) func(t *testing.T) *failure {
	return func(t *testing.T) *failure {
		n, addr := startNetwork(t, startServer(t).addr())
		return &failure{
			shared: engine{redisURL, "redis://" + addr},
			begin:  func() { n.set(each, false) },
			end:    func() { n.set(0, false) },
		}
	}
}

// every calls f again and again until over is closed.
func every(d time.Duration, f func()) func(over <-chan struct{}) {
	return func(over <-chan struct{}) {
		ticker := time.NewTicker(d)
		defer ticker.Stop()
		for {
			select {
			case <-over:
				return
			case <-ticker.C:
				f()
			}
		}
	}
}

func TestUsersStaySignedInWhileTheStoreFails(t *testing.T) {
	t.Parallel()
	for name, start := range failures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for mode, strict := range map[string]bool{"with the replay window": false, "with strict rotation": true} {
				t.Run(mode, func(t *testing.T) {
					t.Parallel()
					f := start(t)
					l := startLoad(t, f.shared, strict)
					l.meet(f)
					t.Logf("%s, %s: %v", name, mode, l)
					assert.Empty(t, l.signedOut, "users signed out")
					assert.Zero(t, l.early503, "answers of 503 while nothing failed")
					if !strict {
						assert.Zero(t, l.statuses[http.StatusServiceUnavailable], "answers of 503")
					}
					assert.Equal(t, len(l.took), l.statuses[http.StatusOK]+l.statuses[http.StatusServiceUnavailable], "%v", l.statuses)
					assert.Less(t, l.quantile(0.99), 5*time.Second)
				})
			}
		})
	}
}

// meet runs the load, and the failure from a fifth of it to three fifths. The instances have the rest to recover.
func (l *load) meet(f *failure) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.run(*rowsFor)
	}()
	<-time.After(*rowsFor / 5)
	l.failing.Store(true)
	over, ended := make(chan struct{}), make(chan struct{})
	f.begin()
	go func() {
		defer close(ended)
		if f.during != nil {
			f.during(over)
		}
	}()
	<-time.After(*rowsFor * 2 / 5)
	close(over)
	<-ended
	f.end()
	<-time.After(min(*rowsFor/5, 10*time.Second)) // the instances connect again within two seconds
	l.failing.Store(false)
	<-done
	l.awaitServed()
}
