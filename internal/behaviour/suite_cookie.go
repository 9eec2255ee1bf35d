// The suite: session cookies that were changed, cut or mixed.

package behaviour

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestATamperedSessionCookieIsAnonymousAndNotExpired(t *testing.T, a *Instance) {
	cookie := a.signIn(Kim)
	s := a.BeginAs("/login", Kim)
	_, value, _ := strings.Cut(cookie, "=")
	_, state, _ := strings.Cut(s.Cookie, "=")
	_, elsewhere, _ := strings.Cut(newPlainApp(t).signIn(Kim), "=") // another password's
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
		assert.Equal(t, Kim, a.visitor(c.cookie), c.name)
	}

	for at := 0; at < len(value); at += 37 {
		a.isNobodyWithOneCharacterChanged(cookie, at)
	}
	assert.Equal(t, Kim, a.visitor(cookie), "untampered it is kim's still")

	t.Run("a sign-in replaces it", func(t *testing.T) {
		resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie + "; " + flipAt(cookie, 40), Header: Navigation()})
		assert.Equal(t, Kim, a.visitor(resp.session(t)))
	})
	t.Run("a sign-out clears it", func(t *testing.T) {
		resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: flipAt(cookie, 40), Header: Navigation()})
		require.Equal(t, http.StatusSeeOther, resp.Status)
		assert.Negative(t, resp.SetCookies(t)[sessionCookie].MaxAge)
		assert.Equal(t, Kim, a.visitor(cookie), "and ends nobody's session, since it named none")
	})
}

// isNobodyWithOneCharacterChanged checks a session cookie of which one character of the value is another.
func (a *Instance) isNobodyWithOneCharacterChanged(cookie string, at int) {
	a.T.Helper()
	tampered := flipAt(cookie, len(sessionCookie)+1+at)
	if resp := a.Send(Request{Target: "/api/me", Cookie: tampered}); resp.Status != http.StatusUnauthorized || len(resp.Header["Set-Cookie"]) > 0 {
		a.T.Fatalf("%d with character %d changed", resp.Status, at)
	}
}

func TestASplitSessionIsAnonymousUnlessAllChunksAreInOrder(t *testing.T, a *Instance) {
	values := func(cookie string) (values []string) {
		for pair := range strings.SplitSeq(cookie, "; ") {
			_, value, _ := strings.Cut(pair, "=")
			values = append(values, value)
		}
		return values
	}
	good := a.signIn(val)
	p, another, small := values(good), values(a.signIn(val)), values(a.signIn(Kim))[0]
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
		{"a character of the last has changed", flipAt(good, len(good)-20)},
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
		resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Navigation()})
		assert.LessOrEqual(t, len(resp.SetCookies(t)), 9, "what is cleared away is as much as there can be")
	}
	a.isNobody(good, "a surplus part protects no session from its sign-out")
}

// flip changes one character of a text for another that base64url has.
func flipAt(text string, at int) string {
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
