// The session cookie: lines 11 to 14 of the list.

package attack_test

import (
	"fmt"
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

// flip changes one character of a text for another that base64url has.
func flip(text string, at int) string {
	other := byte('A')
	if text[at] == 'A' {
		other = 'B'
	}
	return text[:at] + string(other) + text[at+1:]
}

// chunks is the Cookie header of a session in several cookies.
func chunks(values ...string) string {
	var pairs []string
	for i, value := range values {
		pairs = append(pairs, fmt.Sprintf("%s.%d=%s", sessionCookie, i, value))
	}
	return strings.Join(pairs, "; ")
}

func TestACookieThatWasTamperedWithIsNobodysAndStays(t *testing.T) {
	everywhere(t, func(t *testing.T, a *target) {
		cookie := a.signIn(kim)
		s := a.begin("/login", kim)
		_, value, _ := strings.Cut(cookie, "=")
		_, state, _ := strings.Cut(s.cookie, "=")
		_, elsewhere, _ := strings.Cut(newMinimal(t).signIn(kim), "=") // another password's
		half := len(value) / 2
		for _, c := range []struct{ name, cookie string }{
			{"an empty one", sessionCookie + "="},
			{"one without a value", sessionCookie},
			{"one character", sessionCookie + "=A"},
			{"one that was cut by a character", cookie[:len(cookie)-1]},
			{"one that was cut in half", cookie[:len(cookie)-half]},
			{"one without its beginning", sessionCookie + "=" + value[1:]},
			{"one with a character more", cookie + "A"},
			{"one that was padded", cookie + "="},
			{"one that was padded twice", cookie + "=="},
			{"one that was doubled", cookie + value},
			{"one whose halves were exchanged", sessionCookie + "=" + value[half:] + value[:half]},
			{"one in other letters", sessionCookie + "=" + strings.ToLower(value)},
			{"one in quotes", sessionCookie + `="` + value + `"`},
			{"one that was percent-encoded", sessionCookie + "=%" + fmt.Sprintf("%X", value[0]) + value[1:]},
			{"one under a name in other letters", "Authkit-Session=" + value},
			{"one under the name of a neighbour's", "wos-session=" + value},
			{"one under the name with the prefix", "__Host-" + cookie},
			{"one beside another's", cookie + "; " + a.signIn(lee)},
			{"one beside another's, which came first", a.signIn(lee) + "; " + cookie},
			{"a sign-in's under the session's name", sessionCookie + "=" + state},
			{"one that another password sealed", sessionCookie + "=" + elsewhere},
			{"a kilobyte of nothing", sessionCookie + "=" + strings.Repeat("A", 1<<10)},
			{"40 kilobytes of nothing", sessionCookie + "=" + strings.Repeat("A", 40<<10)},
			{"a token in place of a seal", sessionCookie + "=eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c2VyX2tpbSJ9."},
			{"JSON in place of a seal", sessionCookie + `={"user":{"id":"user_kim"}}`},
		} {
			t.Run(c.name, func(t *testing.T) { a.isNobody(c.cookie) })
		}

		for _, c := range []struct{ name, cookie string }{
			{"one that came twice", cookie + "; " + cookie},
			{"one beside an empty one", cookie + "; " + sessionCookie + "="},
			{"one behind an empty one", sessionCookie + "=; " + cookie},
			{"one beside a part", cookie + "; " + chunks("A")},
			{"one behind parts", chunks("A", "B") + "; " + cookie},
			{"one beside junk", cookie + "; " + sessionCookie + "=A"},
			{"one behind junk", sessionCookie + "=A; " + sessionCookie + "=B; " + cookie},
			{"one beside itself, cut", cookie + "; " + cookie[:len(cookie)-1]},
			{"one beside another password's", sessionCookie + "=" + elsewhere + "; " + cookie},
		} {
			assert.Equal(t, kim, a.visitor(c.cookie), c.name)
		}

		step := 37
		if a.name == "minimal" {
			step = 1
		}
		for at := 0; at < len(value); at += step {
			tampered := sessionCookie + "=" + flip(value, at)
			if resp := a.send(request{path: "/api/me", cookie: tampered}); resp.status != http.StatusUnauthorized || len(resp.header["Set-Cookie"]) > 0 {
				t.Fatalf("%d with character %d changed", resp.status, at)
			}
		}
		assert.Equal(t, kim, a.visitor(cookie), "untampered it is kim's still")

		t.Run("a sign-in replaces it", func(t *testing.T) {
			resp := a.send(request{path: s.path(), cookie: s.cookie + "; " + flip(cookie, 40), header: navigation()})
			assert.Equal(t, kim, a.visitor(resp.session(t)))
		})
		t.Run("a sign-out clears it", func(t *testing.T) {
			resp := a.send(request{method: "POST", path: "/logout", cookie: flip(cookie, 40), header: navigation()})
			require.Equal(t, http.StatusSeeOther, resp.status)
			assert.Negative(t, resp.setCookies(t)[sessionCookie].MaxAge)
			assert.Equal(t, kim, a.visitor(cookie), "and ends nobody's session, since it named none")
		})
	})
}

func TestASessionInPartsIsWholeAndInItsOrderOrNobodys(t *testing.T) {
	everywhere(t, func(t *testing.T, a *target) {
		values := func(cookie string) (values []string) {
			for pair := range strings.SplitSeq(cookie, "; ") {
				_, value, _ := strings.Cut(pair, "=")
				values = append(values, value)
			}
			return values
		}
		good := a.signIn(val)
		p, another, small := values(good), values(a.signIn(val)), values(a.signIn(kim))[0]
		require.GreaterOrEqual(t, len(p), 3, "the session is a large one")
		require.Len(t, another, len(p))
		last := len(p) - 1
		var thousand, thousandTimes []string
		for i := range 1000 {
			thousand = append(thousand, fmt.Sprintf("%s.%d=AAAA", sessionCookie, i))
			thousandTimes = append(thousandTimes, sessionCookie+".1=AAAA")
		}
		var mixed []string
		for _, c := range []struct{ name, cookie string }{
			{"the first is missing", strings.Join(strings.Split(good, "; ")[1:], "; ")},
			{"one in the middle is missing", chunks(p[0]) + "; " + strings.SplitN(good, "; ", 3)[2]},
			{"the last is missing", chunks(p[:last]...)},
			{"two have changed places", chunks(append([]string{p[1], p[0]}, p[2:]...)...)},
			{"one is there in place of another", chunks(append([]string{p[0], p[0]}, p[2:]...)...)},
			{"two names came twice, before and behind", fmt.Sprintf("%s.1=x; %s.0=x; %s; %s.2=x", sessionCookie, sessionCookie, good, sessionCookie)},
			{"there is one more", chunks(append(append([]string{}, p...), p[last])...)},
			{"there is one more, far behind", good + "; " + sessionCookie + ".7=AAAA"},
			{"there is the whole as well", good + "; " + sessionCookie + "=" + small},
			{"one is empty", chunks(append([]string{p[0], ""}, p[2:]...)...)},
			{"one is of another session of the same person", chunks(append([]string{p[0], another[1]}, p[2:]...)...)},
			{"the first is of another session of the same person", chunks(append([]string{another[0]}, p[1:]...)...)},
			{"the last is cut", good[:len(good)-1]},
			{"a character of the last has changed", flip(good, len(good)-20)},
			{"there is a whole session in one that is counted", chunks(small, small)},
			{"there are a thousand", strings.Join(thousand, "; ")},
			{"there are a thousand of one name", strings.Join(thousandTimes, "; ")},
			{"there are a thousand besides", good + "; " + strings.Join(thousand[len(p):], "; ")},
		} {
			t.Run("where "+c.name, func(t *testing.T) { a.isNobody(c.cookie) })
			mixed = append(mixed, c.cookie)
		}
		for _, c := range []struct{ name, cookie string }{
			{"a name came twice", good + "; " + fmt.Sprintf("%s.1=%s", sessionCookie, p[1])},
			{"a name came twice, once with junk", fmt.Sprintf("%s.1=A; ", sessionCookie) + good},
			{"each name came twice, first with junk", chunks(append([]string{"A", "B", "C"}, p[3:]...)...) + "; " + good},
			{"each name came twice, then with junk", good + "; " + chunks("A", "B", "C")},
			{"there is a whole beside, which does not open", sessionCookie + "=" + p[0] + "; " + good},
		} {
			assert.Equal(t, val, a.visitor(c.cookie), c.name)
		}
		assert.Equal(t, val, a.visitor("theme=dark; "+good+"; "+sessionCookie+".9=x; "+sessionCookie+".00=x; "+sessionCookie+"s=x"), "other names do no harm")

		for _, cookie := range mixed {
			resp := a.send(request{method: "POST", path: "/logout", cookie: cookie, header: navigation()})
			assert.LessOrEqual(t, len(resp.setCookies(t)), 9, "what is cleared away is as much as there can be")
		}
		a.isNobody(good, "a surplus part protects no session from its sign-out")
	})
}

func TestASessionEndsAtItsLimitsWhateverTheCookieSays(t *testing.T) {
	const day = 24 * time.Hour
	m := newMinimal(t, authkit.WithCookieMaxAge(day), authkit.WithIdleTimeout(2*time.Hour))
	first := m.signIn(kim) // an attacker keeps it for good, whatever Max-Age says
	cookie := first
	for m.clock.Now().Before(startOfTime.Add(day - time.Hour)) {
		m.clock.Advance(time.Hour)
		resp := m.send(request{path: "/api/me", cookie: cookie, header: scripted()})
		require.Equal(t, kim, m.visitorOf(resp))
		cookie = resp.session(t)
		require.NotEmpty(t, cookie)
	}
	m.clock.Set(startOfTime.Add(2 * time.Hour))
	m.isNobody(first, "at the idle limit, of a cookie that was renewed since")

	m.clock.Set(startOfTime.Add(day - time.Second))
	assert.Equal(t, kim, m.visitor(cookie))
	before := m.fake.Calls(authkittest.RouteRefresh)
	for _, beyond := range []time.Duration{0, time.Second, day, 365 * day} {
		m.clock.Set(startOfTime.Add(day + beyond))
		m.isNobody(cookie, "no renewal carries a session beyond the absolute limit")
	}
	assert.Equal(t, before, m.fake.Calls(authkittest.RouteRefresh), "nor is one asked for")
}

func TestASealOfOneApplicationOpensInNoOther(t *testing.T) {
	m := newMinimal(t)
	cookie := m.signIn(kim)
	_, value, _ := strings.Cut(cookie, "=")
	for _, c := range []struct {
		name, cookie, password string
		opens                  bool
		opts                   []authkit.Option
	}{
		{"another process of the same application opens it", cookie, m.password, true, nil},
		{"another password does not", cookie, newPassword(), false, nil},
		{"another name under the same password does not", "staff-session=" + value, m.password, false, []authkit.Option{authkit.WithCookieName("staff-session")}},
		{"the family's format under the same password does not", "wos-session=" + value, m.password, false, []authkit.Option{authkit.WithSharedSession()}},
		{"nor does one that accepts foreign sessions, in the place of those", "wos-session=" + value, m.password, false, []authkit.Option{authkit.WithForeignSessions()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			other := newProcess(t, m.fake, m.clock, c.password, c.opts...)
			if c.opens {
				assert.Equal(t, kim, other.visitor(c.cookie))
				return
			}
			other.isNobody(c.cookie)
		})
	}
}

// The seals of others are of other formats, in which a change of one character must be noticed as well. What tells it is
// their authentication alone: the profile beside a good token is vouched for by nothing else.
func TestASealOfANeighboursThatWasTamperedWithIsNobodysAndStays(t *testing.T) {
	for _, c := range []struct {
		name string
		open func(*testing.T) *minimal
		seal func(...string) (seal.Sealer, error)
	}{
		{"of the JavaScript libraries, in a shared session", func(t *testing.T) *minimal { return sharing(t) }, iron},
		{"of the JavaScript libraries, left behind", func(t *testing.T) *minimal { return newMinimal(t, authkit.WithForeignSessions()) }, iron},
		{"of the official Go SDK, left behind", func(t *testing.T) *minimal { return newMinimal(t, authkit.WithForeignSessions()) }, seal.WorkOSGo},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := c.open(t)
			m.publishKnown()
			session := marshal(object{
				"accessToken": m.forge(good), "refreshToken": "refresh-token-of-a-neighbours-session",
				"access_token": m.forge(good), "refresh_token": "refresh-token-of-a-neighbours-session",
				"user": object{"object": "user", "id": "user_kim", "email": kim, "firstName": strings.Repeat("a long name ", 40)},
			})
			sealer, err := c.seal(m.password)
			require.NoError(t, err)
			text, err := sealer.Seal([]byte(session))
			require.NoError(t, err)
			require.Equal(t, kim, m.visitor("wos-session="+text))
			for at := range text {
				resp := m.send(request{path: "/api/me", cookie: "wos-session=" + flip(text, at)})
				if resp.status != http.StatusUnauthorized || len(resp.header["Set-Cookie"]) > 0 {
					t.Fatalf("%d with character %d of %d changed", resp.status, at, len(text))
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
				assert.Equal(t, kim, m.visitor("wos-session="+cookie), "equal ones are one, and junk beside it changes nothing")
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
