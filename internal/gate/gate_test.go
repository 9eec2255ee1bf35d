// Tests of rules: who passes at which path.

package gate_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/gate"
)

func TestARuleOfTheGatePassesThoseWhoMeetIt(t *testing.T) {
	app := newApplication(t, withRules(
		gate.Rule{Path: "/public/*", Allow: []string{gate.Public}},
		gate.Rule{Path: "/admin/*", Roles: []string{"admin", "owner"}},
		gate.Rule{Path: "/admin/help", Allow: []string{gate.Public}},
		gate.Rule{Path: "/write", Permissions: []string{"posts:read", "posts:write"}},
		gate.Rule{Path: "/audit", Entitlements: []string{"audit-logs"}},
		gate.Rule{Path: "/beta", FeatureFlags: []string{"beta"}},
		gate.Rule{Path: "/acme", Organizations: []string{"org_acme"}},
		gate.Rule{Path: "/keys/*", Allow: []string{gate.APIKeys}, Permissions: []string{"posts:read"}},
		gate.Rule{Path: "/both", Allow: []string{gate.Sessions, gate.APIKeys}, Permissions: []string{"posts:write"}},
		gate.Rule{Path: "/posts/*", Methods: []string{"GET"}, Allow: []string{gate.Public}},
		gate.Rule{Path: "/posts/*", Methods: []string{"DELETE"}, Roles: []string{"admin"}},
		gate.Rule{Path: "/café/*", Allow: []string{gate.Public}},
	))
	reader := "Authorization: Bearer " + app.APIKey("posts:read")
	writer := "Authorization: Bearer " + app.APIKey("posts:read", "posts:write")
	for _, c := range []struct {
		request                                      string
		anonymous, member, admin, readKey, writerKey int
	}{
		{"GET /", 401, 200, 200, 401, 401},
		{"GET /public/a", 200, 200, 200, 200, 200},
		{"GET /public", 200, 200, 200, 200, 200},
		{"GET /publicity", 401, 200, 200, 401, 401},
		{"GET /admin", 401, 403, 200, 401, 401},
		{"GET /admin/", 401, 403, 200, 401, 401},
		{"GET /admin/users", 401, 403, 200, 401, 401},
		{"GET /ADMIN/users", 401, 403, 200, 401, 401},
		{"GET /admin/help", 200, 200, 200, 200, 200},
		{"GET /admin/help/more", 401, 403, 200, 401, 401},
		{"GET /write", 401, 403, 200, 401, 401},
		{"GET /write/", 401, 403, 200, 401, 401},
		{"GET /audit", 401, 403, 200, 401, 401},
		{"GET /beta", 401, 403, 403, 401, 401},
		{"GET /acme", 401, 403, 403, 401, 401},
		{"GET /keys/x", 401, 401, 401, 200, 200},
		{"GET /both", 401, 403, 200, 403, 200},
		{"GET /posts/1", 200, 200, 200, 200, 200},
		{"HEAD /posts/1", 200, 200, 200, 200, 200},
		{"POST /posts/1", 401, 200, 200, 401, 401},
		{"DELETE /posts/1", 401, 403, 200, 401, 401},
		{"delete /posts/1", 401, 403, 200, 401, 401},
		{"GET /posts/1?_method=DELETE", 401, 403, 200, 401, 401},
		{"GET /caf%C3%A9/menu", 200, 200, 200, 200, 200},
		{"GET /caf%c3%a9/menu", 200, 200, 200, 200, 200},
	} {
		t.Run(c.request, func(t *testing.T) {
			var method, target string
			_, err := fmt.Sscanf(c.request, "%s %s", &method, &target)
			require.NoError(t, err)
			send := func(user string, headers ...string) int {
				status, _ := app.send(t, user, method, target, headers...)
				return status
			}
			if method == http.MethodHead { // without a body to decode
				resp, err := app.APIClient("").Head(app.URL + target)
				require.NoError(t, err)
				resp.Body.Close()
				assert.Equal(t, c.anonymous, resp.StatusCode)
				return
			}
			assert.Equal(t, []int{c.anonymous, c.member, c.admin, c.readKey, c.writerKey},
				[]int{send(""), send(ben), send(ada), send("", reader), send("", writer)})
		})
	}
}

func TestAMethodThatAHeaderNamesIsUnderItsRuleToo(t *testing.T) {
	app := newApplication(t, withRules(
		gate.Rule{Path: "/posts/*", Methods: []string{"GET", "POST"}, Allow: []string{gate.Public}},
	))
	for _, header := range []string{
		"X-HTTP-Method-Override: DELETE", "X_HTTP_Method_Override: delete", "X-HTTP-Method: PUT", "X-Method-Override: GET, PATCH",
	} {
		status, _ := app.send(t, "", "POST", "/posts/1", header)
		assert.Equal(t, 401, status, header)
	}
	status, _ := app.send(t, "", "POST", "/posts/1", "X-HTTP-Method: GET", "X-HTTP-Method: DELETE")
	assert.Equal(t, 401, status, "a second line counts too")
	// PHP takes the last ones for _method too. A program that splits a query at ";" reads two parameters.
	for _, query := range []string{"_method=DELETE", "_METHOD=delete", ".method=DELETE", "%20_method=DELETE", "[method=DELETE", "_method%00x=DELETE", "a=1;_method=DELETE", "_method=DELETE;a=1", "_method=DELETE" + strings.Repeat("&a", 10_001)} {
		status, _ := app.send(t, "", "POST", "/posts/1?"+query)
		assert.Equal(t, 401, status, query[:min(len(query), 20)])
	}
	status, _ = app.send(t, "", "POST", "/posts/1?method=DELETE&a_method=DELETE&x;y", "X-HTTP-Method-Override: GET")
	assert.Equal(t, 200, status)
}

func TestTheOrderOfTheRulesDoesNotMatter(t *testing.T) {
	rules := []gate.Rule{{Path: "/a", Allow: []string{gate.Public}}, {Path: "/a", Methods: []string{"DELETE"}, Roles: []string{"admin"}}, {Path: "/*", Methods: []string{"GET"}, Allow: []string{gate.Public}}}
	for range 2 {
		app := newApplication(t, withRules(rules...))
		for request, want := range map[string]int{"POST /a": 200, "DELETE /a": 403, "GET /b": 200, "POST /b": 200} {
			method, target, _ := strings.Cut(request, " ")
			status, _ := app.send(t, ben, method, target)
			assert.Equal(t, want, status, request)
		}
		status, _ := app.send(t, "", "POST", "/b")
		assert.Equal(t, 401, status, "a rule for all paths and some methods leaves the default for the others")
		slices.Reverse(rules)
	}
}

func TestABearerTokenIsNoCookieAndStaysAtTheGate(t *testing.T) {
	var passes bool
	start := func() *application {
		return newApplication(t, func(env authkittest.Env, c *gate.Config) {
			c.AuthKit, c.PassAuthorization = env.AuthKit(authkit.WithBearerTokens()), passes
		})
	}
	for _, passes = range []bool{false, true} {
		app := start()
		status, upstream := app.send(t, "", "POST", "/a", "Authorization: Bearer "+app.BearerToken(ben), "Origin: https://elsewhere.example")
		assert.Equal(t, 200, status, "a page of another origin cannot know the token")
		assert.NotEmpty(t, upstream.Header.Get("X-Authkit-User"))
		assert.Equal(t, passes, upstream.Header.Get("Authorization") != "")
	}
}

func TestARequestThatNamesManyMethodsIsRefused(t *testing.T) {
	app := newApplication(t, withRules(
		gate.Rule{Path: "/posts/*", Methods: []string{"GET", "POST"}, Allow: []string{gate.Public}},
	))
	var names []string
	for i := range 100 {
		names = append(names, fmt.Sprintf("M%d", i))
	}
	list := strings.Join(names, ",")
	status, _ := app.send(t, "", "POST", "/posts/1", "X-HTTP-Method: "+list)
	assert.Equal(t, 400, status, "each method is compared with the rules for each reading of the path")
	status, _ = app.send(t, "", "POST", "/posts/1?_method="+strings.Join(names, "&_method="))
	assert.Equal(t, 400, status)
	status, _ = app.send(t, "", "POST", "/posts/1", "X-HTTP-Method: GET, POST, get", "X-HTTP-Method-Override: POST")
	assert.Equal(t, 200, status)
}

func TestThePartsOfAPathThatNoRuleHasCostLittle(t *testing.T) {
	var rules []gate.Rule
	for i := range 20 {
		rules = append(rules, gate.Rule{Path: fmt.Sprintf("/rule/%d/*", i)})
	}
	var env authkittest.Env
	authkittest.Run(t, func(e authkittest.Env) http.Handler { env = e; return http.NotFoundHandler() })
	g, err := gate.New(gate.Config{AuthKit: env.AuthKit(), Rules: rules})
	require.NoError(t, err)
	// cost is the least time of several, so that another program does not count.
	cost := func(path string) time.Duration {
		least := time.Hour
		for range 5 {
			r := httptest.NewRequest("GET", path, nil)
			begin := time.Now()
			g.Serve(httptest.NewRecorder(), r, http.NotFoundHandler())
			least = min(least, time.Since(begin))
		}
		return least
	}
	one, many := cost("/"+strings.Repeat("a", 60_000)), cost(strings.Repeat("/a", 30_000))
	assert.Less(t, many, 20*one+5*time.Millisecond, "30,000 segments, of which a rule has at most two")
}

func TestANavigationAtTheGateSignsInAndReturnsToItsPage(t *testing.T) {
	app := newApplication(t, withRules())
	page, err := app.SignInAt("/reports?year=2026", ben).Get("/reports?year=2026")
	require.NoError(t, err)
	assert.Equal(t, "upstream", page.Header.Get("X-Reached"))
	assert.Equal(t, "private, no-store", page.Header.Get("Cache-Control"))
}

func TestASignOutOfAnAnonymousVisitorDoesNotReachTheUpstream(t *testing.T) {
	var withoutLogout func(authkittest.Env, *gate.Config) = func(_ authkittest.Env, c *gate.Config) { delete(c.Own, "/logout") }
	app := newApplication(t, withoutLogout)
	status, upstream := app.send(t, "", "POST", "/logout")
	assert.Equal(t, 401, status)
	assert.Empty(t, upstream.Path)
}

func TestAllFaultsOfTheRulesAreReportedAtOnce(t *testing.T) {
	app := newApplication(t, withRules())
	var public gate.Config
	authkittest.Run(t, func(env authkittest.Env) http.Handler {
		public.AuthKit = env.AuthKit()
		return http.NotFoundHandler()
	})
	public.Own = map[string]http.Handler{"login": http.NotFoundHandler()}
	public.Headers = map[string]string{"X-Authkit-User": "user", "Cookie": "email", "X User": "user", "X-Mail": "mail", "X-Who": "user", "x-who": "email", "X-Original-Url": "user", "True-Client-Ip": "user"}
	public.Rules = []gate.Rule{
		{Path: "admin"},
		{Path: "/a*b"},
		{Path: "/a/../b"},
		{Path: "/a/"},
		{Path: "/a%20b"},
		{Path: "/b", Allow: []string{"everybody"}},
		{Path: "/c", Allow: []string{gate.Public, gate.Sessions}},
		{Path: "/d", Allow: []string{gate.Public}, Roles: []string{"admin"}},
		{Path: "/e", Allow: []string{gate.APIKeys}, Roles: []string{"admin"}},
		{Path: "/f", Roles: []string{}},
		{Path: "/g", Permissions: []string{" "}},
		{Path: "/h", Methods: []string{"get"}},
		{Path: "/i", Organizations: []string{"acme"}},
		{Path: "/J", Methods: []string{"GET", "PUT"}},
		{Path: "/j", Methods: []string{"PUT"}},
		{Path: "//*", Allow: []string{gate.Public}},
	}
	_, err := gate.New(public)
	var faults gate.Faults
	require.ErrorAs(t, err, &faults)
	places := map[string]string{}
	for _, fault := range faults {
		places[fault.Place] = fault.Problem
	}
	for place, problem := range map[string]string{
		"own": "not a path", "headers.X-Authkit-User": "always set", "headers.Cookie": "something else", "headers.X User": "not one of a header",
		"headers.X-Mail": "is not a field",
		"headers.x-who":  "is also given as X-Who", "headers.X-Original-Url": "something else", "headers.True-Client-Ip": "something else",
		"rules[15].path":    "an empty segment",
		"rules[0].path":     "does not begin with /",
		"rules[1].path":     "not a whole segment",
		"rules[2].path":     `segment "." or ".."`,
		"rules[3].path":     "a / at its end",
		"rules[4].path":     "without escapes",
		"rules[5].allow":    "not one of public, sessions and api_keys",
		"rules[6].allow":    "must stand alone",
		"rules[7].roles":    "a public rule requires nothing",
		"rules[8].roles":    "An API key",
		"rules[9].roles":    "empty list",
		"rules[10]":         "permission 1 of 1 is empty",
		"rules[12]":         "is not an organization ID",
		"rules[11].methods": "capital letters",
		"rules[14].path":    "differ in case alone",
	} {
		assert.Contains(t, fmt.Sprint(places[place]), problem[1:], place)
	}
	assert.NotContains(t, places, "rules[5]", "that no credential is left follows from the fault of allow")
	status, _ := app.send(t, ben, "GET", "/")
	assert.Equal(t, 200, status)
}

func TestAPageOfAnotherOriginCannotUseASession(t *testing.T) {
	app := newApplication(t, func(_ authkittest.Env, c *gate.Config) {
		c.Rules = []gate.Rule{{Path: "/public/*", Allow: []string{gate.Public}}, {Path: "/api/*", Allow: []string{gate.APIKeys}}}
		c.TrustedOrigins = []string{"https://app.example.com"}
	})
	for _, c := range []struct {
		method  string
		headers []string
		status  int
	}{
		{"POST", []string{"Origin: https://evil.example"}, 403},
		{"DELETE", []string{"Sec-Fetch-Site: same-site"}, 403},
		{"GET", []string{"Origin: https://evil.example", "Connection: Upgrade", "Upgrade: websocket"}, 403},
		{"GET", []string{"Origin: https://evil.example"}, 200},
		{"POST", []string{"Origin: " + app.URL}, 200},
		{"POST", []string{"Origin: https://app.example.com"}, 200},
		{"POST", nil, 200},
		{"GET", []string{"Origin: " + app.URL, "Connection: Upgrade", "Upgrade: websocket"}, 200},
	} {
		status, _ := app.send(t, ben, c.method, "/a", c.headers...)
		assert.Equal(t, c.status, status, c)
		status, upstream := app.send(t, ben, c.method, "/public/a", c.headers...)
		assert.Equal(t, 200, status, c)
		assert.Equal(t, c.status == 200, upstream.Header.Get("X-Authkit-User") != "", "at a public path it is anonymous: %v", c)
	}
	status, _ := app.send(t, "", "POST", "/api/a", "Origin: https://evil.example", "Authorization: Bearer "+app.APIKey("posts:read"))
	assert.Equal(t, 200, status, "a browser does not send an API key by itself")
}
