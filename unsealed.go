// Sessions in cookies without a seal, which newer AuthKit libraries for JavaScript may write.
//
// With a seal, only a holder of the cookie password can write a session. Without one, any client can. What follows from
// that is decided here, and in the places that ask for [payload.Session.Unsealed]:
//
//   - The signature of the access token is verified before the cookie counts as one that opens. So no invented token is
//     exchanged, ended or revoked. An expired token counts, because its user must be able to sign out.
//   - Profile, impersonator, times and unknown members are ignored. They could be invented, and sealing them at the next
//     refresh would make them look genuine to every side.
//   - Nothing proves that the refresh token belongs to the access token. If WorkOS refuses it, the session of the access
//     token has not ended (failedExchange). What an exchange returns must be for the same session and user
//     (checkSameSession, outcome.isFor).
//   - A client can choose a refresh token whose exchange fails, for example at a firewall before WorkOS. After a change of
//     its rights, such a failure does not let the access token serve (refreshSession).
//   - One session starts few exchanges, or one user with many invented refresh tokens would use up the rate limit that
//     WorkOS sets for the whole application.
//   - It is not cached. A client can write any number of cookies around one access token, and can choose their ends, which
//     are what the cache hashes (sessionOf).
//   - Its key IDs may be invented, so they share the rate limit of bearer tokens. A refusal is logged at Debug and causes
//     no 503.

package authkit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/authkit-go/authkit/internal/expiring"
	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/jwks"
)

const (
	// unsealedExchanges is how many exchanges the cookies without a seal of one session can start in unsealedPeriod.
	unsealedExchanges = 5
	unsealedPeriod    = time.Minute
)

// errUnsealedRefused is the error of a cookie without a seal whose access token is not accepted. It matches no other error:
// a client can cause it.
var errUnsealedRefused = errors.New("the session has no seal and its access token is not accepted")

// errTooManyUnsealed is the error of a refresh that is not made because cookies without a seal have started too many.
var errTooManyUnsealed = errors.New("cookies without a seal have started too many refreshes of this session")

// openOwn opens a reading of this application's own session cookie. With [WithSharedSession], that may be a session without
// a seal.
func (a *AuthKit) openOwn(ctx context.Context, text string) (payload.Session, error) {
	if a.unsealedVerifier == nil || !payload.IsUnsealed(text) {
		return a.format.open(text)
	}
	session, err := payload.DecodeUnsealed(text)
	if err != nil {
		return payload.Session{}, err
	}
	claims, err := session.AccessToken.Verify(ctx, a.unsealedVerifier)
	switch {
	case claims != nil && claims.Subject == session.User.ID: // the token is valid, or was valid until it expired
		return session, nil
	case claims != nil:
		return payload.Session{}, fmt.Errorf("%w: its user is not that of the token", errUnsealedRefused)
	case errors.Is(err, jwks.ErrUnavailable) && !errors.Is(err, jwks.ErrCoolDown):
		return payload.Session{}, err
	default:
		return payload.Session{}, fmt.Errorf("%w: %v", errUnsealedRefused, err) // not %w: see errUnsealedRefused
	}
}

// unsealedLimit counts the exchanges that cookies without a seal have started, by session.
type unsealedLimit struct {
	clock Clock

	mu     sync.Mutex // guards counts
	counts *expiring.Map[*int]
}

func newUnsealedLimit(clock Clock) *unsealedLimit {
	return &unsealedLimit{clock: clock, counts: expiring.New[*int](clock.Now, tokenLimit)}
}

// allows reports whether the session may start another exchange, and counts it.
func (l *unsealedLimit) allows(s *Session) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	count, known := l.counts.Get(s.ID())
	if !known {
		count = new(int)
		l.counts.Put(strings.Clone(s.ID()), count, l.clock.Now().Add(unsealedPeriod))
	}
	*count++
	return *count <= unsealedExchanges
}

// limitUnsealed returns exchange with the limit for cookies without a seal. What the limit refuses takes no room in a store.
func (a *AuthKit) limitUnsealed(exchange exchangeFunc) exchangeFunc {
	return func(ctx context.Context, old *Session, want exchangeTarget, earlier *outcome) exchangeResult {
		if earlier == nil && old.sealed.Unsealed && !a.unsealedLimit.allows(old) {
			return exchangeResult{
				outcome: failedOutcome(old, want, fmt.Errorf("%w: %w", errRefreshRefused, errTooManyUnsealed)),
				until:   a.clock.Now().Add(retryPause),
			}
		}
		return exchange(ctx, old, want, earlier)
	}
}
