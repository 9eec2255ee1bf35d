// Session cookies: chunks, duplicates, and the names under which they open.

package behaviour

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// incompressible returns a claim of n characters that do not compress, to make a token large.
func incompressible(n int) map[string]any { return map[string]any{"padding": randomText(n)} }

// fillTokens adds n characters to each access token that kim gets from now on.
func (a *App) fillTokens(n int) {
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) { p.Claims = incompressible(n) })
}

func TestASessionWithALargeTokenIsSplitIntoCookieChunks(t *testing.T) {
	a := NewApp(t, AppOptions{})
	a.fillTokens(6000)
	b := a.SignedIn(Kim)
	assert.Contains(t, b.get("/account").Body, "page of "+Kim)
	names := b.cookieNames()
	assert.Equal(t, []string{"authkit-session.0", "authkit-session.1", "authkit-session.2"}, names)
	for _, c := range b.cookies() {
		assert.LessOrEqual(t, len(c.Name)+len(c.Value), 4096)
	}

	a.fillTokens(3200)
	a.ExpireToken(0)
	assert.Contains(t, b.get("/account").Body, "page of "+Kim)
	assert.Len(t, b.cookieNames(), 2, "a refresh to a smaller session expires the other chunks")

	a.fillTokens(10)
	a.ExpireToken(0)
	assert.Contains(t, b.get("/account").Body, "page of "+Kim)
	assert.Equal(t, []string{"authkit-session"}, b.cookieNames())

	a.fillTokens(6000)
	a.ExpireToken(0)
	assert.Contains(t, b.get("/account").Body, "page of "+Kim)
	assert.Equal(t, names, b.cookieNames(), "a refresh to a larger session")

	_, err := b.SignIn(a.URL+"/login?return_to=/account", lee)
	if err != nil { // the fake still has kim's session: sign out first
		b.get("/")
		_, err = b.Submit("Sign out", nil)
		require.NoError(t, err)
		_, err = b.SignIn(a.URL+"/account", lee)
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"authkit-session"}, b.cookieNames(), "a sign-in expires the other chunks")
}

func TestASessionOfMoreThanEightCookiesFailsAtSignIn(t *testing.T) {
	for name, opts := range bothSeals {
		t.Run(name, func(t *testing.T) { testASessionOfMoreThanEightCookies(t, NewApp(t, AppOptions{AuthKit: opts})) })
	}
}

func testASessionOfMoreThanEightCookies(t *testing.T, a *App) {
	a.fillTokens(9000) // a 12 KB token; the verifier accepts 16 KB at most
	a.SignedIn(Kim)
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) {
		p.Metadata = map[string]string{}
		for i := range 40 {
			p.Metadata[fmt.Sprintf("key%d", i)] = strings.Repeat("v", 500)
		}
	})
	s := a.StartSignIn("/login?return_to=/account")
	resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
	assert.Equal(t, http.StatusInternalServerError, resp.Status)
	assert.NotContains(t, strings.Join(resp.Header["Set-Cookie"], ";"), "authkit-session")
	assert.Contains(t, a.Logs.String(), "session_too_large")
	assert.Contains(t, a.Logs.String(), "bytes sealed")
}

func TestASplitSessionOpensOnlyWithAllChunksInOrder(t *testing.T) {
	a := NewApp(t, AppOptions{})
	a.fillTokens(6000)
	b := a.SignedIn(Kim)
	another := a.SignedIn(Kim)
	chunk := func(b *Browser, i int) string {
		cookies := b.cookies()
		slices.SortFunc(cookies, func(x, y *http.Cookie) int { return strings.Compare(x.Name, y.Name) })
		return cookies[i].Value
	}
	one, two, three := chunk(b, 0), chunk(b, 1), chunk(b, 2)
	join := func(values ...string) string {
		var pairs []string
		for i, v := range values {
			pairs = append(pairs, fmt.Sprintf("authkit-session.%d=%s", i, v))
		}
		return strings.Join(pairs, "; ")
	}
	good := join(one, two, three)
	a.fillTokens(10)
	whole := a.SignedIn(Kim).cookies()[0].Value
	var thousand []string
	for i := range 1000 {
		thousand = append(thousand, fmt.Sprintf("authkit-session.%d=%s", i, "AAAA"))
	}
	for name, c := range map[string]struct {
		cookie string
		opens  bool
	}{
		"unchanged":                             {good, true},
		"in another order in the header":        {"authkit-session.2=" + three + "; authkit-session.0=" + one + ";authkit-session.1=" + two, true},
		"beside other cookies":                  {"theme=dark; " + good + "; authkit-session.9=x; authkit-session.00=x; authkit-sessions=x", true},
		"the first missing":                     {"authkit-session.1=" + two + "; authkit-session.2=" + three, false},
		"the middle missing":                    {"authkit-session.0=" + one + "; authkit-session.2=" + three, false},
		"the last missing":                      {join(one, two), false},
		"reordered":                             {join(two, one, three), false},
		"one twice":                             {join(one, one, three), false},
		"an additional chunk":                   {join(one, two, three, three), false},
		"an additional chunk with a high index": {good + "; authkit-session.7=AAAA", false},
		"an empty chunk":                        {join(one, "", three), false},
		"a chunk of another session":            {join(one, chunk(another, 1), three), false},
		"a duplicate with the same value":       {good + "; authkit-session.1=" + two, true},
		"a junk chunk after":                    {good + "; authkit-session.1=junk", true},
		"a junk chunk before":                   {"authkit-session.1=junk; " + good, true},
		"two junk chunks before":                {"authkit-session.1=junk; authkit-session.2=junk; " + good, true},
		"two junk chunks on two sides":          {"authkit-session.1=junk; " + good + "; authkit-session.2=junk", true},
		"three junk chunks on two sides":        {"authkit-session.0=junk; authkit-session.1=junk; " + good + "; authkit-session.2=junk", false},
		"an invalid whole cookie after":         {good + "; authkit-session=" + one, true},
		"an invalid whole cookie before":        {"authkit-session=" + one + "; " + good, true},
		"an empty whole cookie before":          {"authkit-session=; " + good, true},
		"an empty chunk before":                 {"authkit-session.0=; " + good, true},
		"another session in one cookie after":   {good + "; authkit-session=" + whole, false},
		"all chunks in one cookie":              {"authkit-session=" + one + two + three, true},
		"a thousand chunks":                     {strings.Join(thousand, "; "), false},
		"a flipped bit":                         {join(one, two, flip(three)), false},
		"cut":                                   {join(one, two, three[:len(three)-1]), false},
		"quoted":                                {`authkit-session="` + one + two + three + `"`, false},
		"empty":                                 {"authkit-session=", false},
		"a name without a value":                {"authkit-session", false},
		"only separators":                       {";;; ; =; ==", false},
	} {
		t.Run(name, func(t *testing.T) {
			resp := a.Send(Request{Target: "/", Cookie: c.cookie})
			assert.Equal(t, http.StatusOK, resp.Status)
			assert.Equal(t, c.opens, strings.Contains(resp.Body, Kim), resp.Body)
			assert.Empty(t, resp.SetCookies(t), "the cookies stay until a sign-in or a logout")
		})
	}
}

func TestOfDuplicateCookiesTheOneThatOpensIsTheSession(t *testing.T) {
	a := NewApp(t, AppOptions{})
	kimCookie, leeCookie := a.SignedIn(Kim).CookieHeader(), a.SignedIn(lee).CookieHeader()
	for _, cookie := range []string{
		kimCookie + "; " + kimCookie, "authkit-session=; " + kimCookie, kimCookie + "; authkit-session=",
		kimCookie + "; authkit-session=x", "authkit-session=x; " + kimCookie,
		"authkit-session.0=x; " + kimCookie, kimCookie + "; authkit-session.0=x; authkit-session.1=y",
		kimCookie + "; " + flip(kimCookie), "authkit-session=a; authkit-session=b; " + kimCookie,
	} {
		assert.Contains(t, a.Send(Request{Target: "/", Cookie: cookie}).Body, Kim)
	}
	for _, cookie := range []string{kimCookie + "; " + leeCookie, leeCookie + "; " + kimCookie} {
		assert.Contains(t, a.Send(Request{Target: "/", Cookie: cookie}).Body, "anonymous", "sessions of two users make the request anonymous")
	}
}

// flip changes one character of a text.
func flip(s string) string {
	b := []byte(s)
	if b[10] == 'A' {
		b[10] = 'B'
	} else {
		b[10] = 'A'
	}
	return string(b)
}

func TestASealedCookieOpensOnlyUnderItsOwnName(t *testing.T) {
	a := NewApp(t, AppOptions{})
	session := a.SignedIn(Kim).CookieHeader()
	_, value, _ := strings.Cut(session, "=")
	s := a.StartSignIn("/login")
	stateName, stateValue, _ := strings.Cut(s.Cookie, "=")

	assert.Contains(t, a.Send(Request{Target: "/", Cookie: "authkit-session=" + stateValue}).Body, "anonymous")
	resp := a.Send(Request{Target: s.Target(), Cookie: stateName + "=" + value})
	assert.Equal(t, http.StatusBadRequest, resp.Status)
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteCodeExchange))
}

func TestTheNextSignInExpiresDuplicateCookies(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{
		authkit.WithRedirectURL("https://app.example.com/callback"), authkit.WithCookieDomain("example.com"),
	}})
	duplicates := "authkit-session=host-only; authkit-session=with-domain"
	resp := a.Send(Request{Target: "/login?x=/not/a/path", Cookie: duplicates})
	assert.Equal(t, http.StatusSeeOther, resp.Status)
	assert.ElementsMatch(t, []string{
		"authkit-session  /", "authkit-session app.example.com /",
		"authkit-session  /login", "authkit-session app.example.com /login", "authkit-session example.com /login",
	}, resp.expiredForms(t), "the start of a sign-in expires each possible Domain and Path except the one in use, which the callback replaces")
}

func TestCookiesOverTLSHaveTheHostPrefix(t *testing.T) {
	a := NewApp(t, AppOptions{TLS: true})
	b := a.SignedIn(Kim)
	assert.Equal(t, []string{"__Host-authkit-session"}, b.cookieNames())
	assert.Contains(t, b.get("/account").Body, "page of "+Kim)
	a.ExpireToken(2 * time.Minute)
	assert.Contains(t, b.get("/account").Body, "page of "+Kim)
	b.get("/")
	_, err := b.Submit("Sign out", nil)
	require.NoError(t, err)
	assert.Empty(t, b.cookieNames())
}

// A request does not show the Domain and Path of a duplicate cookie, so the response expires every possible combination.
func TestADuplicateCookieIsExpiredForEveryPossibleDomainAndPath(t *testing.T) {
	ak, err := authkit.New(
		authkit.WithAPIKey("sk_1"), authkit.WithClientID("client_1"), authkit.WithCookiePassword(Password),
		authkit.WithRedirectURL("https://app.eu.example.com/callback"), authkit.WithCookieName("sid"),
		authkit.WithClock(authkittest.NewFakeClock(Start)),
	)
	require.NoError(t, err)
	a := &App{AuthKit: ak}
	handler := ak.RequireAuth(http.NotFoundHandler())
	expired := map[string]bool{}
	jar := "sid=a; sid=b; sid.0=c"
	for _, count := range []string{"", "; " + conflictCookie("__Host-", "client_1", "sid") + "=1"} {
		resp := a.ServeDirectly(handler, Request{Method: "GET", Target: "/a/b%3b?c=/d", Cookie: jar + count, Header: Navigation()})
		require.Equal(t, http.StatusSeeOther, resp.Status)
		bytes := 0
		for _, line := range resp.Header["Set-Cookie"] {
			if strings.HasPrefix(line, "sid") {
				bytes += len("Set-Cookie: ") + len(line) + len("\r\n")
			}
		}
		assert.LessOrEqual(t, bytes, 2048)
		for _, form := range resp.expiredForms(t) {
			expired[form] = true
		}
	}
	for _, name := range []string{"sid", "sid.0"} {
		for _, domain := range []string{"", "example.com", "eu.example.com", "app.eu.example.com"} {
			for _, path := range []string{"/", "/a", "/a/", "/a/b%3b"} {
				form := name + " " + domain + " " + path
				inUse := form == name+"  /" || form == name+" app.eu.example.com /" // both are one cookie (RFC 6265, section 5.3)
				assert.Equal(t, !inUse, expired[form], form)
			}
		}
	}
	for _, path := range []string{"/" + strings.Repeat("x", 5000), "/" + strings.Repeat("x/", 2500)} {
		resp := a.ServeDirectly(handler, Request{Method: "GET", Target: path, Cookie: jar, Header: Navigation()})
		assert.Less(t, len(strings.Join(resp.Header["Set-Cookie"], "")), 4096)
	}
}

// conflictCookie returns the name of the cookie that counts sign-ins which did not resolve a cookie conflict.
func conflictCookie(prefix, clientID, session string) string {
	sum := sha256.Sum256([]byte(clientID + "\x00" + session))
	return prefix + "authkit-conflict-" + base64.RawURLEncoding.EncodeToString(sum[:6])
}

func TestNoCookieIsExpiredWithoutAConflict(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	for name, resp := range map[string]Response{
		"a sign-in": a.Send(Request{Target: "/login", Cookie: cookie}),
		"a page":    a.Send(Request{Target: "/account", Cookie: cookie + "; authkit-session=x"}),
	} {
		assert.Empty(t, resp.expiredForms(t), name)
	}
	assert.Equal(t, []string{"authkit-session  /"}, a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie}).expiredForms(t))
}

func TestACookieWithANameSimilarToAChunkIsIgnored(t *testing.T) {
	a := NewApp(t, AppOptions{})
	a.fillTokens(6000)
	chunks := a.SignedIn(Kim).CookieHeader()
	require.Equal(t, 3, strings.Count(chunks, "authkit-session."))
	for _, separator := range []string{"x", "-", "_", "0"} {
		renamed := strings.ReplaceAll(chunks, "authkit-session.", "authkit-session"+separator)
		assert.Contains(t, a.Send(Request{Target: "/", Cookie: renamed}).Body, "anonymous", renamed[:20])
		similar := chunks + "; authkit-session" + separator + "0=planted"
		assert.Contains(t, a.Send(Request{Target: "/", Cookie: similar}).Body, Kim, separator)
		gone := a.Send(Request{Method: "POST", Target: "/logout", Cookie: "authkit-session" + separator + "0=another-applications"}).SetCookies(t)
		assert.NotContains(t, gone, "authkit-session"+separator+"0", "the cookie of another application stays")
	}
}
