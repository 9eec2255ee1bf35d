// The suite: session cookies that are altered, truncated or mixed.

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
	s := a.StartSignInAs("/login", Kim)
	_, value, _ := strings.Cut(cookie, "=")
	_, state, _ := strings.Cut(s.Cookie, "=")
	_, foreign, _ := strings.Cut(newPlainApp(t).signIn(Kim), "=") // sealed with another password
	half := len(value) / 2
	for _, c := range []struct{ name, cookie string }{
		{"an empty value", sessionCookie + "="},
		{"a name without a value", sessionCookie},
		{"a value of one character", sessionCookie + "=A"},
		{"without its last character", cookie[:len(cookie)-1]},
		{"without its second half", cookie[:len(cookie)-half]},
		{"without its first character", sessionCookie + "=" + value[1:]},
		{"with an extra character", cookie + "A"},
		{"with padding", cookie + "="},
		{"with double padding", cookie + "=="},
		{"with its value twice", cookie + value},
		{"with its halves exchanged", sessionCookie + "=" + value[half:] + value[:half]},
		{"in lower case", sessionCookie + "=" + strings.ToLower(value)},
		{"in quotes", sessionCookie + `="` + value + `"`},
		{"percent-encoded", sessionCookie + "=%" + fmt.Sprintf("%X", value[0]) + value[1:]},
		{"under a name in another case", "Authkit-Session=" + value},
		{"under the name of the shared session cookie", "wos-session=" + value},
		{"under the name with the __Host- prefix", "__Host-" + cookie},
		{"beside the session of another user", cookie + "; " + a.signIn(lee)},
		{"after the session of another user", a.signIn(lee) + "; " + cookie},
		{"the value of a state cookie", sessionCookie + "=" + state},
		{"sealed with another password", sessionCookie + "=" + foreign},
		{"a kilobyte of the letter A", sessionCookie + "=" + strings.Repeat("A", 1<<10)},
		{"40 kilobytes of the letter A", sessionCookie + "=" + strings.Repeat("A", 40<<10)},
		{"a token instead of a seal", sessionCookie + "=eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c2VyX2tpbSJ9."},
		{"JSON instead of a seal", sessionCookie + `={"user":{"id":"user_kim"}}`},
	} {
		t.Run(c.name, func(t *testing.T) { a.checkAnonymous(c.cookie) })
	}

	for _, c := range []struct{ name, cookie string }{
		{"the same cookie twice", cookie + "; " + cookie},
		{"before an empty cookie", cookie + "; " + sessionCookie + "="},
		{"after an empty cookie", sessionCookie + "=; " + cookie},
		{"before a chunk", cookie + "; " + chunks("A")},
		{"after chunks", chunks("A", "B") + "; " + cookie},
		{"before junk", cookie + "; " + sessionCookie + "=A"},
		{"after junk", sessionCookie + "=A; " + sessionCookie + "=B; " + cookie},
		{"before a truncated copy", cookie + "; " + cookie[:len(cookie)-1]},
		{"after a cookie sealed with another password", sessionCookie + "=" + foreign + "; " + cookie},
	} {
		assert.Equal(t, Kim, a.visitor(c.cookie), c.name)
	}

	for at := 0; at < len(value); at += 37 {
		a.checkAnonymousWithOneCharacterChanged(cookie, at)
	}
	assert.Equal(t, Kim, a.visitor(cookie), "the unaltered cookie is still valid")

	t.Run("a sign-in replaces it", func(t *testing.T) {
		resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie + "; " + flipAt(cookie, 40), Header: Navigation()})
		assert.Equal(t, Kim, a.visitor(resp.session(t)))
	})
	t.Run("a sign-out clears it", func(t *testing.T) {
		resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: flipAt(cookie, 40), Header: Navigation()})
		require.Equal(t, http.StatusSeeOther, resp.Status)
		assert.Negative(t, resp.SetCookies(t)[sessionCookie].MaxAge)
		assert.Equal(t, Kim, a.visitor(cookie), "the session that it does not name is kept")
	})
}

// checkAnonymousWithOneCharacterChanged checks that a session cookie with one altered character in its value is anonymous.
func (a *Instance) checkAnonymousWithOneCharacterChanged(cookie string, at int) {
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
	p, another, whole := values(good), values(a.signIn(val)), values(a.signIn(Kim))[0]
	require.GreaterOrEqual(t, len(p), 3, "the session has at least three chunks")
	require.Len(t, another, len(p))
	last := len(p) - 1
	var thousand, repeated []string
	for i := range 1000 {
		thousand = append(thousand, fmt.Sprintf("%s.%d=AAAA", sessionCookie, i))
		repeated = append(repeated, sessionCookie+".1=AAAA")
	}
	var broken []string
	for _, c := range []struct{ name, cookie string }{
		{"without the first chunk", strings.Join(strings.Split(good, "; ")[1:], "; ")},
		{"without a middle chunk", chunks(p[0]) + "; " + strings.SplitN(good, "; ", 3)[2]},
		{"without the last chunk", chunks(p[:last]...)},
		{"with two chunks exchanged", chunks(append([]string{p[1], p[0]}, p[2:]...)...)},
		{"with one chunk in place of another", chunks(append([]string{p[0], p[0]}, p[2:]...)...)},
		{"with duplicates of two chunks, before and after", fmt.Sprintf("%s.1=x; %s.0=x; %s; %s.2=x", sessionCookie, sessionCookie, good, sessionCookie)},
		{"with an extra chunk", chunks(append(append([]string{}, p...), p[last])...)},
		{"with an extra chunk of a higher number", good + "; " + sessionCookie + ".7=AAAA"},
		{"with a session in one cookie", good + "; " + sessionCookie + "=" + whole},
		{"with an empty chunk", chunks(append([]string{p[0], ""}, p[2:]...)...)},
		{"with a chunk of another session of the same user", chunks(append([]string{p[0], another[1]}, p[2:]...)...)},
		{"with the first chunk of another session of the same user", chunks(append([]string{another[0]}, p[1:]...)...)},
		{"with a truncated last chunk", good[:len(good)-1]},
		{"with an altered character in the last chunk", flipAt(good, len(good)-20)},
		{"with a whole session in each chunk", chunks(whole, whole)},
		{"with a thousand chunks", strings.Join(thousand, "; ")},
		{"with a thousand chunks of one name", strings.Join(repeated, "; ")},
		{"with a thousand extra chunks", good + "; " + strings.Join(thousand[len(p):], "; ")},
	} {
		t.Run(c.name, func(t *testing.T) { a.checkAnonymous(c.cookie) })
		broken = append(broken, c.cookie)
	}
	for _, c := range []struct{ name, cookie string }{
		{"a chunk twice", good + "; " + fmt.Sprintf("%s.1=%s", sessionCookie, p[1])},
		{"a chunk twice, first with junk", fmt.Sprintf("%s.1=A; ", sessionCookie) + good},
		{"each chunk twice, first with junk", chunks(append([]string{"A", "B", "C"}, p[3:]...)...) + "; " + good},
		{"each chunk twice, last with junk", good + "; " + chunks("A", "B", "C")},
		{"a single cookie that does not open, before the chunks", sessionCookie + "=" + p[0] + "; " + good},
	} {
		assert.Equal(t, val, a.visitor(c.cookie), c.name)
	}
	assert.Equal(t, val, a.visitor("theme=dark; "+good+"; "+sessionCookie+".9=x; "+sessionCookie+".00=x; "+sessionCookie+"s=x"), "cookies with similar names are ignored")

	for _, cookie := range broken {
		resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Navigation()})
		assert.LessOrEqual(t, len(resp.SetCookies(t)), 9, "no more cookies are expired than a session can have")
	}
	a.checkAnonymous(good, "an extra chunk does not prevent the sign-out")
}

// flipAt replaces one character of a text by another character of base64url.
func flipAt(text string, at int) string {
	other := byte('A')
	if text[at] == 'A' {
		other = 'B'
	}
	return text[:at] + string(other) + text[at+1:]
}

// chunks returns the Cookie header of a session that is split into chunks.
func chunks(values ...string) string {
	var pairs []string
	for i, value := range values {
		pairs = append(pairs, fmt.Sprintf("%s.%d=%s", sessionCookie, i, value))
	}
	return strings.Join(pairs, "; ")
}
