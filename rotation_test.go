// Rotation: the chain of refresh tokens, the outcomes that are remembered, and
// their limits.

package authkit

import (
	"context"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/internal/testrun"
	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

func TestSupersedingASessionWithoutARefreshTokenChangesNoOther(t *testing.T) {
	r := newRotations(newSetClock())
	first, second := makeSession(payload.Session{AccessToken: payload.NewToken("1")}, &jwks.Claims{}), makeSession(payload.Session{AccessToken: payload.NewToken("2")}, &jwks.Claims{})
	r.supersede(first)
	assert.False(t, r.isConsumed(second))
	assert.False(t, r.isSuperseded(second))
}

// A sign-in may replace a session while it is refreshed. Late requests with the old
// token get the outcome in the replay window only.
func TestTheOutcomeOfAReplacedTokenIsKeptForTheReplayWindowOnly(t *testing.T) {
	clock := newSetClock()
	r := newRotations(clock)
	old := makeSession(payload.Session{AccessToken: payload.NewToken("1"), RefreshToken: "a"}, &jwks.Claims{})
	next := makeSession(payload.Session{AccessToken: payload.NewToken("2"), RefreshToken: "b"}, &jwks.Claims{})
	r.supersede(old)
	r.commitOutcome(old, exchangeTarget{}, nil, exchangeResult{
		outcome: &outcome{sealed: *next.sealed, session: next}, until: clock.now.Add(time.Hour),
	})
	_, known := r.findOutcome(old, exchangeTarget{})
	require.NotNil(t, known)
	assert.Same(t, next, known.session)
	clock.now = clock.now.Add(replayWindow)
	_, known = r.findOutcome(old, exchangeTarget{})
	assert.Nil(t, known)
}

// A request looks for an outcome before another flight makes the exchange, and
// starts its own flight after it.
func TestAnExchangeThatAnotherFlightMadeIsNotRepeated(t *testing.T) {
	r := newRotations(newSetClock())
	r.linkSuccessor("a", "b")
	session := makeSession(payload.Session{AccessToken: payload.NewToken("1"), RefreshToken: "a"}, &jwks.Claims{})
	assert.Zero(t, r.runExchange(t.Context(), &flight{}, session, exchangeTarget{}, func(context.Context, *Session, exchangeTarget, *outcome) exchangeResult {
		assert.Fail(t, "the refresh token was exchanged already")
		return exchangeResult{}
	}))
	latest, _ := r.findOutcome(session, exchangeTarget{})
	assert.Equal(t, "b", latest.sealed.RefreshToken)
}

// isConsumed reports whether the session must not be set again.
func (r *rotations) isConsumed(s *Session) bool {
	_, consumed := r.consumed.Get(s.sealed.RefreshToken)
	return consumed
}

// isSuperseded reports whether the browser has a replacement for the session.
func (r *rotations) isSuperseded(s *Session) bool { return !r.mayClear(s, r.counts, 0) }

// WorkOS issues no refresh token twice. If a server does, no request may follow the
// chain without end.
func TestAChainOfRefreshTokensHasNoCircle(t *testing.T) {
	clock := newSetClock()
	sessionOf := func(accessToken, refreshToken string) *Session {
		return makeSession(payload.Session{AccessToken: payload.NewToken(accessToken), RefreshToken: refreshToken}, &jwks.Claims{})
	}
	exchange := func(r *rotations, old, next *Session, remembered bool) {
		r.linkSuccessor(old.sealed.RefreshToken, next.sealed.RefreshToken)
		if remembered {
			r.storeOutcome(old, &outcome{sealed: *next.sealed, session: next}, clock.now.Add(time.Minute))
		}
	}
	first, second, again := sessionOf("1", "a"), sessionOf("2", "b"), sessionOf("3", "a")
	for _, remembered := range []bool{true, false} {
		r := newRotations(clock)
		exchange(r, first, second, remembered)
		assert.Equal(t, "b", r.newestSuccessor(first).sealed.RefreshToken)
		exchange(r, second, again, remembered)
		assert.Equal(t, "a", r.newestSuccessor(second).sealed.RefreshToken)
		assert.Same(t, again, r.newestSuccessor(again))
		found, next := r.findOutcome(again, exchangeTarget{})
		assert.Same(t, again, found)
		assert.Nil(t, next)
		assert.False(t, r.isConsumed(again))
		assert.True(t, r.isConsumed(second))
	}
}

// heavySession returns a session with 12 KB of metadata and 50 permissions.
func heavySession(i int, organization string) *Session {
	sealed := payload.Session{
		AccessToken:  payload.NewToken(strings.Repeat("t", 2000) + strconv.Itoa(i)),
		RefreshToken: "refresh-token-" + strconv.Itoa(i),
	}
	metadata := map[string]string{}
	for field := range 10 {
		metadata["field-"+strconv.Itoa(field)] = strings.Repeat(strconv.Itoa(i%10), 1200)
	}
	sealed.SetUser(workos.User{Metadata: metadata})
	claims := &jwks.Claims{SessionID: "session_1", OrganizationID: organization}
	for permission := range 50 {
		claims.Permissions = append(claims.Permissions, "p"+strconv.Itoa(i)+":"+strconv.Itoa(permission))
	}
	return makeSession(sealed, claims)
}

// heap returns the bytes that are allocated on the heap.
func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func TestOutcomesOfExchangesAreLimitedInBytes(t *testing.T) {
	clock := newSetClock()
	r := newRotations(clock)
	before := heap()
	session := heavySession(0, "org_0")
	middle := session
	exchanges := testrun.Length(1800, 9000) // about half of the short number fits
	for i := range exchanges {
		organization := "org_" + strconv.Itoa(i%2)
		next, err := r.exchange(t.Context(), session, exchangeTarget{organization, true}, func(_ context.Context, old *Session, want exchangeTarget, _ *outcome) exchangeResult {
			next := heavySession(i+1, want.organization)
			return exchangeResult{
				outcome: &outcome{target: want, sealed: *next.sealed, session: next, cookie: pendingCookie{sealed: strings.Repeat("s", 18_000) + strconv.Itoa(i)}},
				until:   clock.now.Add(time.Hour),
			}
		})
		require.NoError(t, err)
		session = next.session
		if i == exchanges-500 {
			middle = session
		}
	}
	grown := heap() - before
	assert.Greater(t, r.outcomes.Bytes(), outcomeBytes/2, "the limit is used")
	assert.LessOrEqual(t, r.outcomes.Bytes(), outcomeBytes)
	counted := r.outcomes.Bytes() + r.successors.Bytes() + r.predecessors.Bytes() + r.consumed.Bytes() + r.refusals.outcomes.Bytes() + r.refusals.counts.Bytes()
	assert.LessOrEqual(t, counted, 64<<20)
	assert.Less(t, grown, counted*5/4, "the estimated sizes are close to the real ones")

	latest, known := r.findOutcome(middle, exchangeTarget{organization: middle.OrganizationID()})
	assert.Equal(t, "session_1", latest.ID())
	require.NotNil(t, known, "an outcome that was not evicted is found")
	assert.Equal(t, "session_1", known.session.ID())
	runtime.KeepAlive(r)
}

func TestRecordsOfRefreshTokensAreLimitedInBytes(t *testing.T) {
	assert.LessOrEqual(t, outcomeBytes+3*tokenBytes+refusalBytes+refusalCountBytes, 64<<20)
	r := newRotations(newSetClock())
	longToken := strings.Repeat("x", 4000)
	for i := range testrun.Length(5000, 20_000) {
		r.linkSuccessor(longToken+strconv.Itoa(i), longToken+strconv.Itoa(i+1))
	}
	for _, bytes := range []int{r.successors.Bytes(), r.predecessors.Bytes(), r.consumed.Bytes()} {
		assert.Greater(t, bytes, tokenBytes/2)
		assert.LessOrEqual(t, bytes, tokenBytes)
	}
}

// A server issues an old refresh token again. The token is in use then, so it must
// not be marked as replaced.
func TestARefreshTokenThatIsIssuedTwiceIsNotReplacedByItself(t *testing.T) {
	r := newRotations(newSetClock())
	for _, step := range [][2]string{{"a", "b"}, {"b", "c"}, {"c", "a"}} {
		r.linkSuccessor(step[0], step[1])
	}
	again := makeSession(payload.Session{AccessToken: payload.NewToken("4"), RefreshToken: "a"}, &jwks.Claims{})
	r.markDelivered(again)
	assert.False(t, r.isConsumed(again))
	assert.False(t, r.isSuperseded(again))
	r.forgetPredecessors(again)
	assert.Equal(t, "a", r.newestSuccessor(again).sealed.RefreshToken)
}

// Several goroutines call the methods at the same time, under the race detector.
// Every exchange must return the same WorkOS session.
func TestRotationsAreSafeForConcurrentUse(t *testing.T) {
	r := newRotations(newSetClock())
	first := makeSession(payload.Session{AccessToken: payload.NewToken("0"), RefreshToken: "r0"}, &jwks.Claims{SessionID: "session_1"})
	var exchanges atomic.Int64
	exchange := func(_ context.Context, old *Session, want exchangeTarget, _ *outcome) exchangeResult {
		n := strconv.FormatInt(exchanges.Add(1), 10)
		next := makeSession(payload.Session{AccessToken: payload.NewToken(n), RefreshToken: "r" + n}, &jwks.Claims{SessionID: old.ID(), OrganizationID: want.organization})
		return exchangeResult{outcome: &outcome{target: want, sealed: *next.sealed, session: next}, until: r.clock.Now().Add(time.Hour)}
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				next, err := r.exchange(t.Context(), first, exchangeTarget{organization: ""}, exchange)
				if assert.NoError(t, err) {
					assert.Equal(t, "session_1", next.session.ID())
				}
				newest, _ := r.newest(first)
				switch i {
				case 0:
					r.markDelivered(newest)
				case 1:
					r.supersede(newest)
				case 2:
					r.forgetPredecessors(newest)
				case 3:
					r.claimClear(newest, r.currentCounts(), 0)
				}
			}
		})
	}
	wg.Wait()
	assert.Positive(t, exchanges.Load())
}

// A refresh is refused. Then a switch succeeds, but its token cannot be verified
// yet.
func TestAnExchangeForgetsAnEarlierRefusal(t *testing.T) {
	clock := newSetClock()
	r := newRotations(clock)
	session := heavySession(0, "org_0")
	refresh, change := exchangeTarget{organization: "org_0"}, exchangeTarget{"org_1", true}
	r.commitOutcome(session, refresh, nil, exchangeResult{outcome: failedOutcome(session, refresh, errRefreshRefused), until: clock.now.Add(time.Minute)})
	unverified := &outcome{target: change, sealed: *heavySession(1, "org_1").sealed}
	r.commitOutcome(session, change, nil, exchangeResult{outcome: unverified, until: clock.now.Add(time.Hour)})
	latest, known := r.findOutcome(session, refresh)
	assert.Equal(t, "refresh-token-1", latest.sealed.RefreshToken)
	assert.Same(t, unverified, known)
}
