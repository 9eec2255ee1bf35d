package authkit

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/jwks"
)

func TestSessionsThatCannotBeRenewedAreToldApart(t *testing.T) {
	f := newRefreshes(newSetClock())
	kims, lees := makeSession(sealedSession{accessToken: "kim"}, &jwks.Claims{}), makeSession(sealedSession{accessToken: "lee"}, &jwks.Claims{})
	f.supersede(kims)
	assert.False(t, f.isSpent(lees))
	assert.False(t, f.isSuperseded(lees))
}

// A request looked before another one's exchange, and its turn comes after it.
func TestAnExchangeThatWasMadeMeanwhileIsNotMadeAgain(t *testing.T) {
	f := newRefreshes(newSetClock())
	f.exchanged("a", "b")
	session := makeSession(sealedSession{accessToken: "1", refreshToken: "a"}, &jwks.Claims{})
	assert.Nil(t, f.run(t.Context(), session, wanted{}, func(context.Context, *Session, wanted, *renewal) exchangeResult {
		assert.Fail(t, "the refresh token is spent")
		return exchangeResult{}
	}))
	latest, _ := f.recall(session, wanted{})
	assert.Equal(t, "b", latest.sealed.refreshToken)
}

// isSpent reports whether no cookie may bring the session back.
func (f *refreshes) isSpent(s *Session) bool {
	_, spent := f.spent.get(s.sealed.refreshToken)
	return spent
}

// WorkOS hands out no refresh token twice; whatever does must not lead a
// request in a circle.
func TestNoWayFromTokenToTokenLeadsBack(t *testing.T) {
	clock := newSetClock()
	sessionOf := func(accessToken, refreshToken string) *Session {
		return makeSession(sealedSession{accessToken: accessToken, refreshToken: refreshToken}, &jwks.Claims{})
	}
	exchange := func(f *refreshes, old, next *Session, remembered bool) {
		f.exchanged(old.sealed.refreshToken, next.sealed.refreshToken)
		if remembered {
			f.remember(old, &renewal{sealed: *next.sealed, session: next}, clock.now.Add(time.Minute))
		}
	}
	first, second, again := sessionOf("1", "a"), sessionOf("2", "b"), sessionOf("3", "a")
	for _, remembered := range []bool{true, false} {
		f := newRefreshes(clock)
		exchange(f, first, second, remembered)
		assert.Equal(t, "b", f.newest(first).sealed.refreshToken)
		exchange(f, second, again, remembered)
		assert.Equal(t, "a", f.newest(second).sealed.refreshToken)
		assert.Same(t, again, f.newest(again))
		found, next := f.recall(again, wanted{})
		assert.Same(t, again, found)
		assert.Nil(t, next)
		assert.False(t, f.isSpent(again))
		assert.True(t, f.isSpent(second))
	}
}

// A server that hands out an old refresh token again makes no circle of what is
// replaced: the token is in use.
func TestATokenThatIsHandedOutASecondTimeIsNotReplacedByItself(t *testing.T) {
	f := newRefreshes(newSetClock())
	for _, step := range [][2]string{{"a", "b"}, {"b", "c"}, {"c", "a"}} {
		f.exchanged(step[0], step[1])
	}
	again := makeSession(sealedSession{accessToken: "4", refreshToken: "a"}, &jwks.Claims{})
	f.presented(again)
	assert.False(t, f.isSpent(again))
	assert.False(t, f.isSuperseded(again))
	f.forgetRetired(again)
	assert.Equal(t, "a", f.newest(again).sealed.refreshToken)
}

// Everything that a rotation consists of is changed and read at once; the race
// detector watches, and nobody ever gets another's session.
func TestWhatBecameOfARefreshTokenIsReadAndWrittenAtOnce(t *testing.T) {
	f := newRefreshes(newSetClock())
	first := makeSession(sealedSession{accessToken: "0", refreshToken: "r0"}, &jwks.Claims{SessionID: "session_1"})
	var exchanges atomic.Int64
	exchange := func(_ context.Context, old *Session, want wanted, _ *renewal) exchangeResult {
		n := strconv.FormatInt(exchanges.Add(1), 10)
		next := makeSession(sealedSession{accessToken: n, refreshToken: "r" + n}, &jwks.Claims{SessionID: old.ID(), OrganizationID: want.organization})
		return exchangeResult{next: &renewal{wanted: want, sealed: *next.sealed, session: next}, until: f.clock.Now().Add(time.Hour)}
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				next, err := f.await(t.Context(), first, wanted{organization: ""}, exchange)
				if assert.NoError(t, err) {
					assert.Equal(t, "session_1", next.session.ID())
				}
				newest, _ := f.latest(first)
				switch i {
				case 0:
					f.presented(newest)
				case 1:
					f.supersede(newest)
				case 2:
					f.forgetRetired(newest)
				case 3:
					f.isSuperseded(newest)
				}
			}
		})
	}
	wg.Wait()
	assert.Positive(t, exchanges.Load())
}
