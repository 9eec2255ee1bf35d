// Session cookies that were sealed for another purpose or changed.

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
	"github.com/authkit-go/authkit/seal"
)

func TestACopiedCookieEndsAtTheIdleAndAbsoluteLimits(t *testing.T) {
	const day = 24 * time.Hour
	m := newPlainApp(t, authkit.WithCookieMaxAge(day), authkit.WithIdleTimeout(2*time.Hour))
	first := m.signIn(Kim) // an attacker keeps it for good, whatever Max-Age says
	cookie := first
	for m.Clock.Now().Before(Start.Add(day - time.Hour)) {
		m.Clock.Advance(time.Hour)
		resp := m.Send(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()})
		require.Equal(t, Kim, m.visitorOf(resp))
		cookie = resp.session(t)
		require.NotEmpty(t, cookie)
	}
	m.Clock.Set(Start.Add(2 * time.Hour))
	m.isNobody(first, "at the idle limit, of a cookie that was renewed since")

	m.Clock.Set(Start.Add(day - time.Second))
	assert.Equal(t, Kim, m.visitor(cookie))
	before := m.Fake.Calls(authkittest.RouteRefresh)
	for _, beyond := range []time.Duration{0, time.Second, day, 365 * day} {
		m.Clock.Set(Start.Add(day + beyond))
		m.isNobody(cookie, "no renewal carries a session beyond the absolute limit")
	}
	assert.Equal(t, before, m.Fake.Calls(authkittest.RouteRefresh), "nor is one asked for")
}

func TestASealedSessionOpensOnlyInItsOwnApplication(t *testing.T) {
	m := newPlainApp(t)
	cookie := m.signIn(Kim)
	_, value, _ := strings.Cut(cookie, "=")
	for _, c := range []struct {
		name, cookie, password string
		opens                  bool
		opts                   []authkit.Option
	}{
		{"another process of the same application opens it", cookie, m.Password, true, nil},
		{"another password does not", cookie, newPassword(), false, nil},
		{"another name under the same password does not", "staff-session=" + value, m.Password, false, []authkit.Option{authkit.WithCookieName("staff-session")}},
		{"the family's format under the same password does not", "wos-session=" + value, m.Password, false, []authkit.Option{authkit.WithSharedSession()}},
		{"nor does one that accepts foreign sessions, in the place of those", "wos-session=" + value, m.Password, false, []authkit.Option{authkit.WithForeignSessions()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			other := newPlainInstance(t, m.Fake, m.Clock, c.password, c.opts...)
			if c.opens {
				assert.Equal(t, Kim, other.visitor(c.cookie))
				return
			}
			other.isNobody(c.cookie)
		})
	}
}

// The seals of others are of other formats, in which a change of one character must be noticed as well. What tells it is
// their authentication alone: the profile beside a good token is vouched for by nothing else.
func TestATamperedSharedOrForeignSessionIsAnonymousAndKeepsItsCookie(t *testing.T) {
	for _, c := range []struct {
		name string
		open func(*testing.T) *App
		seal func(...string) (seal.Sealer, error)
	}{
		{"of the JavaScript libraries, in a shared session", func(t *testing.T) *App { return newSharingApp(t) }, iron},
		{"of the JavaScript libraries, left behind", func(t *testing.T) *App { return newPlainApp(t, authkit.WithForeignSessions()) }, iron},
		{"of the official Go SDK, left behind", func(t *testing.T) *App { return newPlainApp(t, authkit.WithForeignSessions()) }, seal.WorkOSGo},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := c.open(t)
			m.publishKnown()
			session := marshal(object{
				"accessToken": m.forge(good), "refreshToken": "refresh-token-of-a-neighbours-session",
				"access_token": m.forge(good), "refresh_token": "refresh-token-of-a-neighbours-session",
				"user": object{"object": "user", "id": "user_kim", "email": Kim, "firstName": strings.Repeat("a long name ", 40)},
			})
			sealer, err := c.seal(m.Password)
			require.NoError(t, err)
			text, err := sealer.Seal([]byte(session))
			require.NoError(t, err)
			require.Equal(t, Kim, m.visitor("wos-session="+text))
			for at := range text {
				resp := m.Send(Request{Target: "/api/me", Cookie: "wos-session=" + flipAt(text, at)})
				if resp.Status != http.StatusUnauthorized || len(resp.Header["Set-Cookie"]) > 0 {
					t.Fatalf("%d with character %d of %d changed", resp.Status, at, len(text))
				}
			}
			for name, cookie := range map[string]string{
				"cut":             text[:len(text)-1],
				"longer":          text + "A",
				"doubled":         text + text,
				"another's":       anothers(t, c.seal, session),
				"cut, twice":      text[:len(text)-1] + "; wos-session=" + text[1:],
				"under our name":  "; " + sessionCookie + "=" + text,
				"in parts of one": "; wos-session.0=" + text,
			} {
				t.Run(name, func(t *testing.T) { m.isNobody("wos-session=" + cookie) })
			}
			for _, cookie := range []string{text + "; wos-session=" + text, text + "; wos-session=A", "A; wos-session=" + text, "; wos-session=" + text} {
				assert.Equal(t, Kim, m.visitor("wos-session="+cookie), "equal ones are one, and junk beside it changes nothing")
			}
		})
	}
}

// anothers is what somebody has sealed who does not know the password.
func anothers(t *testing.T, format func(...string) (seal.Sealer, error), plaintext string) string {
	t.Helper()
	sealer, err := format(newPassword())
	require.NoError(t, err)
	text, err := sealer.Seal([]byte(plaintext))
	require.NoError(t, err)
	return text
}

func iron(passwords ...string) (seal.Sealer, error) { return seal.Iron(passwords...) }

func TestASessionCookieWithAnyCharacterChangedIsAnonymous(t *testing.T) {
	m := newPlainApp(t)
	cookie := m.signIn(Kim)
	for at := range len(cookie) - len(sessionCookie+"=") {
		m.isNobodyWithOneCharacterChanged(cookie, at)
	}
	assert.Equal(t, Kim, m.visitor(cookie))
}
