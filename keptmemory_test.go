// What is remembered of a session keeps no memory of its cookie.

package authkit

import (
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/jwks"
)

// The IDs in the claims of a session are parts of its token. A token can have 12 KB, and a client can sign out many sessions.
func TestWhatIsRememberedByTheIDOfASessionDoesNotKeepItsToken(t *testing.T) {
	clock := newSetClock()
	revoked := newRevocations(nil, clock, slog.New(slog.DiscardHandler))
	revoked.calls = 1
	for name, remember := range map[string]func(t *testing.T, s *Session) (remembered any){
		"the mark of a sign-out": func(t *testing.T, s *Session) any {
			a := newOffline(t, clock)
			a.markSignedOut(s, true, 0)
			return a
		},
		"the mark of a sign-out of an expired session": func(t *testing.T, s *Session) any {
			a := newOffline(t, clock)
			s.claims.ExpiresAt = clock.now.Add(-time.Hour)
			a.markSignedOut(s, false, 0)
			assert.Equal(t, 1, a.signedOut.expired.Len())
			return a
		},
		"a mark that is kept": func(t *testing.T, s *Session) any {
			a := newOffline(t, clock)
			a.signedOut.mark("session_1", clock.now, clock.now.Add(time.Hour), false)
			a.signedOut.keep(s.ID(), clock.now.Add(2*time.Hour))
			assert.Equal(t, 1, a.signedOut.live.Len())
			return a
		},
		"a session that was revoked": func(t *testing.T, s *Session) any {
			revoked.finish(&revocation{session: s}, nil)
			assert.Equal(t, 1, revoked.done.Len())
			return revoked
		},
		"refused switches": func(t *testing.T, s *Session) any {
			refused := newSwitchRefusals(clock)
			refused.count(s)
			assert.Equal(t, 1, refused.counts.Len())
			return refused
		},
		"exchanges of a session without a seal": func(t *testing.T, s *Session) any {
			limit := newUnsealedLimit(clock)
			assert.True(t, limit.allows(s))
			assert.Equal(t, 1, limit.counts.Len())
			return limit
		},
		"answers about permissions on resources": func(t *testing.T, s *Session) any {
			answers := newResourceAnswers(clock, newPermissionChanges(clock, 10))
			answers.put(s, "question", resourceAnswer{permitted: true, until: clock.now.Add(time.Minute)})
			assert.Equal(t, 1, answers.users.Len())
			return answers
		},
	} {
		t.Run(name, func(t *testing.T) {
			const id, user = "session_1", "user_1"
			token, memory := InOwnMemory(id + user + strings.Repeat("x", 1000))
			remembered := remember(t, makeSession(payload.Session{RefreshToken: "refresh_1"},
				&jwks.Claims{SessionID: token[:len(id)], Subject: token[len(id):][:len(user)], IssuedAt: clock.now, ExpiresAt: clock.now.Add(5 * time.Minute)}))
			assert.True(t, IsFreed(memory))
			runtime.KeepAlive(remembered)
		})
	}
}
