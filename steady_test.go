// Steady sessions: the time that is computed in advance is that of the checks which it replaces.

package authkit

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/internal/testrun"
	"github.com/authkit-go/authkit/jwks"
)

// Random sessions, at the instants at which a check can have another result.
func TestASessionIsSteadyExactlyUntilALimitOrItsRefresh(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(durations ...time.Duration) time.Duration { return durations[random.IntN(len(durations))] }
	for range testrun.Length(300, 2000) {
		clock := newSetClock()
		start := clock.now
		a := newOffline(t, clock)
		a.absoluteTimeout = pick(0, time.Minute, 7*time.Minute, time.Hour)
		a.idleTimeout = pick(0, time.Minute, 9*time.Minute, time.Hour)
		issuedAt := start.Add(-pick(0, time.Second, time.Minute, 4*time.Minute))
		s := makeSession(
			payload.Session{SignedInAt: start.Add(-pick(0, time.Second, 5*time.Minute)), RefreshedAt: start.Add(pick(0, -time.Second, -3*time.Minute, 2*time.Minute))},
			&jwks.Claims{IssuedAt: issuedAt, ExpiresAt: issuedAt.Add(pick(10*time.Second, time.Minute, 5*time.Minute, time.Hour))})
		if random.IntN(5) == 0 {
			s.claims.IssuedAt = time.Time{}
		}
		until := a.steadyUntil(s)
		edges := []time.Time{start, until}
		for _, at := range []time.Time{s.SignedInAt(), s.RefreshedAt(), s.ExpiresAt()} {
			for _, offset := range []time.Duration{0, a.absoluteTimeout, a.idleTimeout, a.idleTimeout / 2, -refreshedAhead(s), refreshedAhead(s)} {
				edges = append(edges, at.Add(offset))
			}
		}
		for _, edge := range edges {
			for _, offset := range []time.Duration{-time.Nanosecond, 0, time.Nanosecond} {
				clock.now = edge.Add(offset)
				passes := a.checkLimits(s.sealed) == nil && !a.needsRefresh(s)
				if !assert.Equal(t, passes, clock.now.Before(until), "%s from the start: %s %s", clock.now.Sub(start), a.absoluteTimeout, a.idleTimeout) {
					return
				}
			}
		}
	}
}
