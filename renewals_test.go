package authkit

import (
	"context"
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
	assert.Nil(t, f.run(t.Context(), session, "", func(context.Context, *Session, string, *renewal) (*renewal, time.Time) {
		assert.Fail(t, "the refresh token is spent")
		return nil, time.Time{}
	}))
	latest, _ := f.recall(session)
	assert.Equal(t, "b", latest.sealed.refreshToken)
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
		found, next := f.recall(again)
		assert.Same(t, again, found)
		assert.Nil(t, next)
		assert.False(t, f.isSpent(again))
		assert.True(t, f.isSpent(second))
	}
}
