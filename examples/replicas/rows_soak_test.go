//go:build unix

// Instances and Redis are killed, stopped and flushed in turn, for as long as -rows.for says.

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// inExchange is how long before the death of its instance an exchange began that may be lost. An exchange takes a few
// milliseconds, and its instance has to answer the fake and Redis on a busy machine.
const inExchange = time.Second

func TestUsersStaySignedInWhileInstancesAndRedisAreKilled(t *testing.T) {
	t.Parallel()
	for mode, strict := range map[string]bool{"with the replay window": false, "with strict rotation": true} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			r := startServer(t)
			l := startLoad(t, r.engine(), strict)
			l.failing.Store(true)
			storeBefore, instancesBefore := r.info("used_memory"), l.residentMemory()

			var killed []time.Time
			killInstance := func() {
				i := l.f.fleet[len(killed)%len(l.f.fleet)]
				i.kill()
				killed = append(killed, time.Now())
				require.NoError(t, i.start())
			}
			steps := []struct {
				begin, end func()
			}{
				{killInstance, func() {}},
				{r.Kill, r.restart},
				{killInstance, func() {}},
				{r.stop, r.resume},
				{killInstance, func() {}},
				{func() { r.do("FLUSHALL") }, func() {}},
			}
			over, done := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(done)
				l.run(2 * *rowsFor)
				close(over)
			}()
			each := time.NewTicker(time.Second / 2)
			defer each.Stop()
			rounds := 0
			for n := 0; !isClosed(over); n++ {
				step := steps[n%len(steps)]
				step.begin()
				<-each.C
				step.end()
				<-each.C
				rounds++
			}
			<-done
			l.awaitServed()
			t.Logf("Redis and instances are killed in turn, %s: %v; %d failures, %d instances killed; memory of Redis %d kB before and %d kB after, of the instances %d MB and %d MB",
				mode, l, rounds, len(killed), storeBefore>>10, r.info("used_memory")>>10, instancesBefore>>20, l.residentMemory()>>20)

			for n := range l.signedOut {
				assert.True(t, strict && l.killedInExchange(n, killed), "user %d was signed out without a reason", n)
			}
			assert.Less(t, r.info("used_memory"), storeBefore+8<<20, "the memory of Redis has grown")
			if instancesBefore > 0 {
				assert.Less(t, l.residentMemory(), instancesBefore+len(l.f.fleet)*64<<20, "the memory of the instances has grown")
			}
		})
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// killedInExchange reports whether the last exchange of a user's session began just before an instance was killed, and logs
// that. Then only that instance knew the new refresh token.
func (l *load) killedInExchange(n int, killed []time.Time) bool {
	email := fmt.Sprintf("user%d@example.com", n)
	for _, s := range l.f.fake.Sessions() {
		if s.Email != email {
			continue
		}
		for i, at := range killed {
			if ago := at.Sub(s.RefreshedAt.Add(-loadOffset)); ago > -inExchange && ago < inExchange {
				l.f.Logf("%s was signed out: the exchange %v before the death of instance %s was lost", email, ago, l.f.fleet[i%len(l.f.fleet)].name)
				return true
			}
		}
	}
	return false
}

// residentMemory returns the memory of the instances together in bytes, 0 where the system does not tell.
func (l *load) residentMemory() (all int) {
	for _, i := range l.f.fleet {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", i.state().PID))
		if err != nil {
			return 0
		}
		pages, err := strconv.Atoi(strings.Fields(string(text))[1])
		require.NoError(l.f, err)
		all += pages * os.Getpagesize()
	}
	return all
}
