// Session cookies that are copied, changed, or sealed for another application or purpose.

package behaviour

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testrun"
	"github.com/authkit-go/authkit/seal"
)

func TestACopiedCookieEndsAtTheIdleAndAbsoluteLimits(t *testing.T) {
	const day = 24 * time.Hour
	a := newPlainApp(t, authkit.WithCookieMaxAge(day), authkit.WithIdleTimeout(2*time.Hour))
	first := a.signIn(Kim) // an attacker who copied it ignores Max-Age
	cookie := first
	for a.Clock.Now().Before(Start.Add(day - time.Hour)) {
		a.Clock.Advance(time.Hour)
		resp := a.Send(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()})
		require.Equal(t, Kim, a.visitorOf(resp))
		cookie = resp.session(t)
		require.NotEmpty(t, cookie)
	}
	a.Clock.Set(Start.Add(2 * time.Hour))
	a.checkAnonymous(first, "the first cookie, at the idle limit")

	a.Clock.Set(Start.Add(day - time.Second))
	assert.Equal(t, Kim, a.visitor(cookie))
	before := a.Fake.Calls(authkittest.RouteRefresh)
	for _, beyond := range []time.Duration{0, time.Second, day, 365 * day} {
		a.Clock.Set(Start.Add(day + beyond))
		a.checkAnonymous(cookie, "a refresh does not extend the absolute limit")
	}
	assert.Equal(t, before, a.Fake.Calls(authkittest.RouteRefresh), "no refresh is attempted")
}

func TestASealedSessionOpensOnlyInItsOwnApplication(t *testing.T) {
	for name, opts := range bothSeals {
		t.Run(name, func(t *testing.T) { testASealOpensOnlyInItsOwnApplication(t, newPlainApp(t, opts...)) })
	}
}

func testASealOpensOnlyInItsOwnApplication(t *testing.T, a *App) {
	cookie := a.signIn(Kim)
	_, value, _ := strings.Cut(cookie, "=")
	for _, c := range []struct {
		name, cookie, password string
		opens                  bool
		opts                   []authkit.Option
	}{
		{"another process of the same application", cookie, a.Password, true, nil},
		{"another password", cookie, newPassword(), false, nil},
		{"another cookie name, the same password", "staff-session=" + value, a.Password, false, []authkit.Option{authkit.WithCookieName("staff-session")}},
		{"an application with a shared session, the same password", "wos-session=" + value, a.Password, false, []authkit.Option{authkit.WithSharedSession()}},
		{"an application with foreign sessions, the same password", "wos-session=" + value, a.Password, false, []authkit.Option{authkit.WithForeignSessions()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			other := newPlainInstance(t, a.Fake, a.Clock, c.password, c.opts...)
			if c.opens {
				assert.Equal(t, Kim, other.visitor(c.cookie))
				return
			}
			other.checkAnonymous(c.cookie)
		})
	}
}

// tamperedStep is which characters are changed: each one, or each fourth one.
var tamperedStep = testrun.Length(9, 1)

// Other libraries seal sessions in other formats. The authentication of the seal is the only protection of the user profile,
// which is stored beside a valid token. So a change of any character must be detected there as well.
func TestATamperedSharedOrForeignSessionIsAnonymousAndKeepsItsCookie(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		open func(*testing.T) *App
		seal func(...string) (seal.Sealer, error)
	}{
		{"JavaScript libraries, shared session", func(t *testing.T) *App { return newPlainSharedSessionApp(t) }, iron},
		{"JavaScript libraries, foreign session", func(t *testing.T) *App { return newPlainApp(t, authkit.WithForeignSessions()) }, iron},
		{"official Go SDK, foreign session", func(t *testing.T) *App { return newPlainApp(t, authkit.WithForeignSessions()) }, seal.WorkOSGo},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := c.open(t)
			a.addKnownToJWKS()
			session := marshal(object{
				"accessToken": a.forge(unchangedToken), "refreshToken": "refresh-token-of-another-library",
				"access_token": a.forge(unchangedToken), "refresh_token": "refresh-token-of-another-library",
				"user": object{"object": "user", "id": "user_kim", "email": Kim, "firstName": strings.Repeat("a long name ", 40)},
			})
			sealer, err := c.seal(a.Password)
			require.NoError(t, err)
			text, err := sealer.Seal([]byte(session))
			require.NoError(t, err)
			require.Equal(t, Kim, a.visitor("wos-session="+text))
			for at := range text {
				if at%tamperedStep != 0 && at < len(text)-8 { // the last ones are the end of the authentication
					continue
				}
				resp := a.Send(Request{Target: "/api/me", Cookie: "wos-session=" + flipAt(text, at)})
				if resp.Status != http.StatusUnauthorized || len(resp.Header["Set-Cookie"]) > 0 {
					t.Fatalf("%d with character %d of %d changed", resp.Status, at, len(text))
				}
			}
			for name, cookie := range map[string]string{
				"cut":                   text[:len(text)-1],
				"one character longer":  text + "A",
				"doubled":               text + text,
				"another password":      sealedWithAnotherPassword(t, c.seal, session),
				"cut, duplicate":        text[:len(text)-1] + "; wos-session=" + text[1:],
				"under our cookie name": "; " + sessionCookie + "=" + text,
				"in one chunk":          "; wos-session.0=" + text,
			} {
				t.Run(name, func(t *testing.T) { a.checkAnonymous("wos-session=" + cookie) })
			}
			for _, cookie := range []string{text + "; wos-session=" + text, text + "; wos-session=A", "A; wos-session=" + text, "; wos-session=" + text} {
				assert.Equal(t, Kim, a.visitor("wos-session="+cookie), "an equal or invalid duplicate changes nothing")
			}
		})
	}
}

// sealedWithAnotherPassword seals a session with a random password.
func sealedWithAnotherPassword(t *testing.T, format func(...string) (seal.Sealer, error), plaintext string) string {
	t.Helper()
	sealer, err := format(newPassword())
	require.NoError(t, err)
	text, err := sealer.Seal([]byte(plaintext))
	require.NoError(t, err)
	return text
}

// iron is seal.Iron with the result type that seal.WorkOSGo has.
func iron(passwords ...string) (seal.Sealer, error) { return seal.Iron(passwords...) }

func TestASessionCookieWithAnyCharacterChangedIsAnonymous(t *testing.T) {
	for name, opts := range bothSeals {
		t.Run(name, func(t *testing.T) {
			a := newPlainApp(t, opts...)
			cookie := a.signIn(Kim)
			length := len(cookie) - len(sessionCookie+"=")
			for at := (length - 1) % tamperedStep; at < length; at += tamperedStep {
				a.checkAnonymousWithOneCharacterChanged(cookie, at)
			}
			assert.Equal(t, Kim, a.visitor(cookie))
		})
	}
}
