package behaviour

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
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

// incompressible is a claim that fills a token.
func incompressible(n int) map[string]any {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	random := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[random.IntN(len(letters))]
	}
	return map[string]any{"padding": string(b)}
}

func (a *App) fillTokens(n int) {
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) { p.Claims = incompressible(n) })
}

func TestASessionWithALargeTokenIsSplitIntoCookieChunks(t *testing.T) {
	a := NewApp(t, AppOptions{})
	a.fillTokens(4200)
	b := a.SignedIn(Kim)
	assert.Contains(t, b.get("/account").Body, "page of "+Kim)
	names := b.cookieNames()
	assert.Equal(t, []string{"authkit-session.0", "authkit-session.1", "authkit-session.2"}, names)
	for _, c := range b.cookies() {
		assert.LessOrEqual(t, len(c.Name)+len(c.Value), 4096)
	}

	a.fillTokens(2200)
	a.ExpireToken(0)
	assert.Contains(t, b.get("/account").Body, "page of "+Kim)
	assert.Len(t, b.cookieNames(), 2, "a refresh to a smaller session leaves no stale chunk")

	a.fillTokens(10)
	a.ExpireToken(0)
	assert.Contains(t, b.get("/account").Body, "page of "+Kim)
	assert.Equal(t, []string{"authkit-session"}, b.cookieNames())

	a.fillTokens(4200)
	a.ExpireToken(0)
	assert.Contains(t, b.get("/account").Body, "page of "+Kim)
	assert.Equal(t, names, b.cookieNames(), "and back")

	_, err := b.SignIn(a.URL+"/login?return_to=/account", "lee@example.com")
	if err != nil { // the fake still knows Kim's browser: sign out first
		b.get("/")
		_, err = b.Submit("Sign out", nil)
		require.NoError(t, err)
		_, err = b.SignIn(a.URL+"/account", "lee@example.com")
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"authkit-session"}, b.cookieNames(), "so does a sign-in")
}

func TestASessionOfMoreThanEightCookiesFailsAtSignIn(t *testing.T) {
	a := NewApp(t, AppOptions{})
	a.fillTokens(9000) // a 12 KB token: the verifier takes 16 at most
	a.SignedIn(Kim)
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) {
		p.Metadata = map[string]string{}
		for i := range 40 {
			p.Metadata[fmt.Sprintf("key%d", i)] = strings.Repeat("v", 500)
		}
	})
	s := a.Begin("/login?return_to=/account")
	resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
	assert.Equal(t, http.StatusInternalServerError, resp.Status)
	assert.NotContains(t, strings.Join(resp.Header["Set-Cookie"], ";"), "authkit-session")
	assert.Contains(t, a.Logs.String(), "session_too_large")
	assert.Contains(t, a.Logs.String(), "bytes sealed")
}

func TestASplitSessionOpensOnlyWithAllChunksInOrder(t *testing.T) {
	a := NewApp(t, AppOptions{})
	a.fillTokens(4200)
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
		"as it was set":                  {good, true},
		"in another order in the header": {"authkit-session.2=" + three + "; authkit-session.0=" + one + ";authkit-session.1=" + two, true},
		"beside other cookies":           {"theme=dark; " + good + "; authkit-session.9=x; authkit-session.00=x; authkit-sessions=x", true},
		"the first missing":              {"authkit-session.1=" + two + "; authkit-session.2=" + three, false},
		"the middle missing":             {"authkit-session.0=" + one + "; authkit-session.2=" + three, false},
		"the last missing":               {join(one, two), false},
		"reordered":                      {join(two, one, three), false},
		"one twice":                      {join(one, one, three), false},
		"a surplus one":                  {join(one, two, three, three), false},
		"a surplus one at the end":       {good + "; authkit-session.7=AAAA", false},
		"an empty one":                   {join(one, "", three), false},
		"one of another session":         {join(one, chunk(another, 1), three), false},
		"a name twice with one value":    {good + "; authkit-session.1=" + two, true},
		"a junk chunk beside":            {good + "; authkit-session.1=junk", true},
		"a junk chunk before":            {"authkit-session.1=junk; " + good, true},
		"two junk chunks before":         {"authkit-session.1=junk; authkit-session.2=junk; " + good, true},
		"two junk chunks on two sides":   {"authkit-session.1=junk; " + good + "; authkit-session.2=junk", true},
		"three junk chunks on two sides": {"authkit-session.0=junk; authkit-session.1=junk; " + good + "; authkit-session.2=junk", false},
		"a junk whole beside":            {good + "; authkit-session=" + one, true},
		"a junk whole before":            {"authkit-session=" + one + "; " + good, true},
		"an empty whole before":          {"authkit-session=; " + good, true},
		"an empty chunk before":          {"authkit-session.0=; " + good, true},
		"another whole session beside":   {good + "; authkit-session=" + whole, false},
		"joined in one":                  {"authkit-session=" + one + two + three, true},
		"a thousand":                     {strings.Join(thousand, "; "), false},
		"a flipped bit":                  {join(one, two, flip(three)), false},
		"cut":                            {join(one, two, three[:len(three)-1]), false},
		"quoted":                         {`authkit-session="` + one + two + three + `"`, false},
		"empty":                          {"authkit-session=", false},
		"no cookie but its name":         {"authkit-session", false},
		"separators and nothing else":    {";;; ; =; ==", false},
	} {
		t.Run(name, func(t *testing.T) {
			resp := a.Send(Request{Target: "/", Cookie: c.cookie})
			assert.Equal(t, http.StatusOK, resp.Status)
			assert.Equal(t, c.opens, strings.Contains(resp.Body, Kim), resp.Body)
			assert.Empty(t, resp.SetCookies(t), "it stays until sign-in or logout")
		})
	}
}

func TestOfDuplicateCookiesTheOneThatOpensIsTheSession(t *testing.T) {
	a := NewApp(t, AppOptions{})
	mine, theirs := a.SignedIn(Kim).CookieHeader(), a.SignedIn("lee@example.com").CookieHeader()
	for _, cookie := range []string{
		mine + "; " + mine, "authkit-session=; " + mine, mine + "; authkit-session=", mine + "; authkit-session=x", "authkit-session=x; " + mine,
		"authkit-session.0=x; " + mine, mine + "; authkit-session.0=x; authkit-session.1=y", mine + "; " + flip(mine), "authkit-session=a; authkit-session=b; " + mine,
	} {
		assert.Contains(t, a.Send(Request{Target: "/", Cookie: cookie}).Body, Kim)
	}
	for _, cookie := range []string{mine + "; " + theirs, theirs + "; " + mine} {
		assert.Contains(t, a.Send(Request{Target: "/", Cookie: cookie}).Body, "nobody", "sessions of two people are none")
	}
}

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
	s := a.Begin("/login")
	stateName, stateValue, _ := strings.Cut(s.Cookie, "=")

	assert.Contains(t, a.Send(Request{Target: "/", Cookie: "authkit-session=" + stateValue}).Body, "nobody")
	resp := a.Send(Request{Target: s.Target(), Cookie: stateName + "=" + value})
	assert.Equal(t, http.StatusBadRequest, resp.Status)
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteCodeExchange))
}

func TestTheNextSignInExpiresDuplicateCookies(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{
		authkit.WithRedirectURL("https://app.example.com/callback"), authkit.WithCookieDomain("example.com"),
	}})
	twice := "authkit-session=host-only; authkit-session=with-domain"
	resp := a.Send(Request{Target: "/login?x=/not/a/path", Cookie: twice})
	assert.Equal(t, http.StatusSeeOther, resp.Status)
	assert.ElementsMatch(t, []string{
		"authkit-session  /", "authkit-session app.example.com /",
		"authkit-session  /login", "authkit-session app.example.com /login", "authkit-session example.com /login",
	}, resp.expiredForms(t), "each form that can exist goes at the start but the one in use, which is replaced at the end")
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

// Which Domain and Path a second form of the cookie has cannot be seen.
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
		resp := a.Direct(handler, Request{Method: "GET", Target: "/a/b%3b?c=/d", Cookie: jar + count, Header: Navigation()})
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
				inUse := form == name+"  /" || form == name+" app.eu.example.com /" // one cookie, by RFC 6265
				assert.Equal(t, !inUse, expired[form], form)
			}
		}
	}
	for _, path := range []string{"/" + strings.Repeat("x", 5000), "/" + strings.Repeat("x/", 2500)} {
		resp := a.Direct(handler, Request{Method: "GET", Target: path, Cookie: jar, Header: Navigation()})
		assert.Less(t, len(strings.Join(resp.Header["Set-Cookie"], "")), 4096)
	}
}

// conflictCookie is the name of the cookie that counts fruitless sign-ins.
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
	a.fillTokens(4200)
	chunks := a.SignedIn(Kim).CookieHeader()
	require.Equal(t, 3, strings.Count(chunks, "authkit-session."))
	for _, separator := range []string{"x", "-", "_", "0"} {
		renamed := strings.ReplaceAll(chunks, "authkit-session.", "authkit-session"+separator)
		assert.Contains(t, a.Send(Request{Target: "/", Cookie: renamed}).Body, "nobody", renamed[:20])
		beside := chunks + "; authkit-session" + separator + "0=planted"
		assert.Contains(t, a.Send(Request{Target: "/", Cookie: beside}).Body, Kim, separator)
		gone := a.Send(Request{Method: "POST", Target: "/logout", Cookie: "authkit-session" + separator + "0=a-neighbours"}).SetCookies(t)
		assert.NotContains(t, gone, "authkit-session"+separator+"0", "a neighbour's cookie stays")
	}
}
