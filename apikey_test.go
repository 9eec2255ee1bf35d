package authkit_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

func bearerOptions() []authkit.Option {
	return []authkit.Option{authkit.WithBearerTokens("client_native")}
}

func (a *app) addKey(name string, permissions ...string) string {
	return a.fake.AddAPIKey(authkittest.APIKey{ID: "api_key_" + name, Name: name, OrganizationID: "org_acme", Permissions: permissions})
}

// deleteKey deletes a key as the application's own management does.
func (a *app) deleteKey(name string) {
	a.t.Helper()
	client, err := workos.NewClient(a.fake.ClientID(), workos.WithAPIKey(a.fake.APIKey()), workos.WithBaseURL(a.fake.URL()))
	require.NoError(a.t, err)
	require.NoError(a.t, client.DeleteAPIKey(a.t.Context(), "api_key_"+name))
}

func TestAThousandRequestsWithOneKeyMakeOneValidation(t *testing.T) {
	a := guarded(t)
	key := a.addKey("ci", "posts:write")
	a.fake.Fail(authkittest.RouteValidateAPIKey, authkittest.Fault{Hang: true})
	handler := a.handler()
	var wg sync.WaitGroup
	statuses := make(chan int, 1000)
	for range 1000 {
		wg.Go(func() {
			statuses <- a.direct(handler, request{method: "GET", target: "/apikey", header: bearer(key)}).status
		})
	}
	a.fake.AwaitCalls(t, authkittest.RouteValidateAPIKey, 1)
	a.fake.Heal(authkittest.RouteValidateAPIKey)
	wg.Wait()
	close(statuses)
	for status := range statuses {
		assert.Equal(t, http.StatusOK, status)
	}
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteValidateAPIKey))
}

func TestADeletedKeyStopsWithinThirtySeconds(t *testing.T) {
	a := guarded(t)
	key := a.addKey("ci", "posts:write")
	assert.Equal(t, http.StatusOK, a.send(request{target: "/apikey", header: bearer(key)}).status)
	a.deleteKey("ci")
	a.clock.Advance(29 * time.Second)
	assert.Equal(t, http.StatusOK, a.send(request{target: "/apikey", header: bearer(key)}).status)
	a.clock.Advance(time.Second)
	resp := a.send(request{target: "/apikey", header: bearer(key)})
	assert.Equal(t, http.StatusUnauthorized, resp.status)
	assert.Contains(t, resp.header.Get("WWW-Authenticate"), `error="invalid_token"`)
}

func TestAKeyStopsWhenItExpiresThoughItIsRemembered(t *testing.T) {
	a := guarded(t)
	key := a.fake.AddAPIKey(authkittest.APIKey{
		Name: "short", OrganizationID: "org_acme", Permissions: []string{"posts:write"}, ExpiresAt: start.Add(10 * time.Second),
	})
	assert.Equal(t, http.StatusOK, a.send(request{target: "/apikey", header: bearer(key)}).status)
	a.clock.Advance(10 * time.Second)
	assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/apikey", header: bearer(key)}).status)
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteValidateAPIKey))
}

func TestAKeyThatIsNotValidIsAskedAboutOnceAndAKeyOfNoKeysShapeNever(t *testing.T) {
	a := guarded(t)
	for range 5 {
		assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/apikey", header: bearer("sk_unknown")}).status)
	}
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteValidateAPIKey))
	for _, value := range []string{"", "nonsense", "pk_1", a.nativeToken(nil), "sk_" + longText(600)} {
		assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/apikey", header: bearer(value)}).status)
	}
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteValidateAPIKey))
}

func TestWhileWorkOSCannotBeAskedKeysAreClosedUnlessAGraceIsGiven(t *testing.T) {
	for name, c := range map[string]struct {
		grace  time.Duration
		status int
	}{
		"without a grace": {0, http.StatusServiceUnavailable},
		"with a grace":    {10 * time.Minute, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, appOptions{
				authkit: []authkit.Option{authkit.WithAPIKeyGrace(c.grace)},
				routes: func(a *app, mux *http.ServeMux) {
					mux.Handle("/key", a.RequireAPIKey()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
				},
			})
			known, unknown := a.addKey("known"), a.addKey("unknown")
			assert.Equal(t, http.StatusOK, a.send(request{target: "/key", header: bearer(known)}).status)
			a.fake.Fail(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: 500})
			a.clock.Advance(time.Minute)

			assert.Equal(t, c.status, a.send(request{target: "/key", header: bearer(known)}).status)
			resp := a.send(request{target: "/key", header: bearer(unknown)})
			assert.Equal(t, http.StatusServiceUnavailable, resp.status, "a key that was never seen is closed in any case")
			assert.NotEmpty(t, resp.header.Get("Retry-After"))
			calls := a.fake.Calls(authkittest.RouteValidateAPIKey)
			a.send(request{target: "/key", header: bearer(unknown)})
			assert.Equal(t, calls, a.fake.Calls(authkittest.RouteValidateAPIKey), "and is not asked about again at once")

			a.clock.Advance(10 * time.Minute)
			assert.Equal(t, http.StatusServiceUnavailable, a.send(request{target: "/key", header: bearer(known)}).status, "the grace is over")
			a.fake.Heal(authkittest.RouteValidateAPIKey)
			a.clock.Advance(time.Minute)
			assert.Equal(t, http.StatusOK, a.send(request{target: "/key", header: bearer(known)}).status)
			assert.NotContains(t, a.logs.String(), known)
			assert.NotContains(t, a.logs.String(), unknown)
		})
	}
}

func TestAKeyThatWorkOSCalledInvalidHasNoGrace(t *testing.T) {
	a := newApp(t, appOptions{
		authkit: []authkit.Option{authkit.WithAPIKeyGrace(time.Hour)},
		routes: func(a *app, mux *http.ServeMux) {
			mux.Handle("/key", a.RequireAPIKey()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
		},
	})
	key := a.addKey("ci")
	require.Equal(t, http.StatusOK, a.send(request{target: "/key", header: bearer(key)}).status)
	a.deleteKey("ci")
	a.clock.Advance(time.Minute)
	require.Equal(t, http.StatusUnauthorized, a.send(request{target: "/key", header: bearer(key)}).status)
	a.fake.Fail(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: 500})
	a.clock.Advance(time.Minute)
	assert.Equal(t, http.StatusServiceUnavailable, a.send(request{target: "/key", header: bearer(key)}).status)
}

func TestAValidationGoesOnWhenTheRequestThatAskedGoesAway(t *testing.T) {
	a := guarded(t)
	key := a.addKey("ci", "posts:write")
	a.fake.Fail(authkittest.RouteValidateAPIKey, authkittest.Fault{Hang: true})
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", a.url+"/apikey", nil)
	require.NoError(t, err)
	r.Header = bearer(key)
	gone := make(chan error)
	go func() {
		_, err := http.DefaultTransport.RoundTrip(r)
		gone <- err
	}()
	a.fake.AwaitCalls(t, authkittest.RouteValidateAPIKey, 1)
	cancel()
	require.ErrorIs(t, <-gone, context.Canceled)
	answered := make(chan response)
	go func() {
		resp, _ := a.do(request{target: "/apikey", header: bearer(key)})
		answered <- resp
	}()
	a.fake.Heal(authkittest.RouteValidateAPIKey)
	assert.Equal(t, http.StatusOK, (<-answered).status)
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteValidateAPIKey))
}

func TestTheKeyOfAUserHasItsOrganizationWhereItReallyIs(t *testing.T) {
	var seen []*authkit.APIKey
	a := newApp(t, appOptions{routes: func(a *app, mux *http.ServeMux) {
		mux.Handle("/key", a.RequireAPIKey()(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			key, _ := authkit.APIKeyFromContext(r.Context())
			seen = append(seen, key)
			assert.Equal(t, []string{"posts:read"}, key.Permissions, "what one handler changes, the next does not see")
			key.Permissions[0] = "planted"
		})))
	}})
	users := a.fake.AddAPIKey(authkittest.APIKey{Name: "kim's", OrganizationID: "org_acme", UserID: "user_kim", Permissions: []string{"posts:read"}})
	for range 2 {
		assert.Equal(t, http.StatusOK, a.send(request{target: "/key", header: bearer(users)}).status)
	}
	for _, key := range seen {
		assert.Equal(t, "user", key.Owner.Type)
		assert.Equal(t, "user_kim", key.Owner.ID)
		assert.Equal(t, "org_acme", key.OrganizationID())
		assert.Empty(t, key.Value)
	}
}

func TestWhoeverTriesKeysUntilWorkOSHasEnoughUsesUpNoMore(t *testing.T) {
	a := guarded(t)
	known := a.addKey("known", "posts:write")
	assert.Equal(t, http.StatusOK, a.send(request{target: "/apikey", header: bearer(known)}).status)
	a.fake.Fail(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: 429, Header: http.Header{"Retry-After": {"20"}}, Body: `{"message":"slow down"}`})
	for i := range 50 {
		resp := a.send(request{target: "/apikey", header: bearer(fmt.Sprint("sk_guess", i))})
		assert.Equal(t, http.StatusTooManyRequests, resp.status)
		assert.Equal(t, "20", resp.header.Get("Retry-After"))
	}
	assert.Equal(t, 2, a.fake.Calls(authkittest.RouteValidateAPIKey))
	assert.Equal(t, http.StatusOK, a.send(request{target: "/apikey", header: bearer(known)}).status, "what is known is known")
	a.fake.Heal(authkittest.RouteValidateAPIKey)
	a.clock.Advance(20 * time.Second)
	assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/apikey", header: bearer("sk_guess99")}).status)
}

func TestAPublicClientCannotValidateKeys(t *testing.T) {
	a, err := authkit.New(authkit.WithPublicClient(), authkit.WithClientID("client_1"), authkit.WithCookiePassword(password))
	assert.NoError(t, err)
	assert.Panics(t, func() { a.RequireAPIKey() })
	assert.Panics(t, func() { a.RequireAuthOrAPIKey() })
}

func TestAnEmptyPermissionOfAnAPIKeyGuardIsAMistake(t *testing.T) { // A15
	a := newApp(t, appOptions{})
	for name, guard := range map[string]func(...string) func(http.Handler) http.Handler{
		"RequireAPIKey": a.RequireAPIKey, "RequireAuthOrAPIKey": a.RequireAuthOrAPIKey,
	} {
		for place, lists := range map[string][][]string{
			"1 of 1": {{""}, {" "}, {"\t\n"}}, "2 of 2": {{"posts:read", ""}}, "1 of 2": {{"", "posts:read"}},
		} {
			for _, permissions := range lists {
				assert.PanicsWithValue(t, "authkit: "+name+": name "+place+" is empty", func() { guard(permissions...) }, "%q", permissions)
			}
		}
		assert.NotPanics(t, func() { guard() }, "none at all is allowed")
		assert.NotPanics(t, func() { guard([]string{}...) })
	}
}

func TestAnAPIKeyGuardKeepsThePermissionsThatItWasBuiltWith(t *testing.T) { // A15
	permissions := [][]string{{"posts:write"}, {"posts:write"}}
	a := newApp(t, appOptions{routes: func(a *app, mux *http.ServeMux) {
		pass := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		mux.Handle("/key", a.RequireAPIKey(permissions[0]...)(pass))
		mux.Handle("/either", a.RequireAuthOrAPIKey(permissions[1]...)(pass))
	}})
	poor := a.addKey("poor", "posts:read")
	permissions[0][0], permissions[1][0] = "posts:read", "posts:read"
	assert.Equal(t, http.StatusForbidden, a.withKey(t.Context(), "/key", poor).status)
	assert.Equal(t, http.StatusForbidden, a.withKey(t.Context(), "/either", poor).status)
}

func TestAGuardForPeopleOrAPIKeysWithoutAPermissionStillWantsOneOfThem(t *testing.T) { // A20
	a := newApp(t, appOptions{routes: func(a *app, mux *http.ServeMux) {
		mux.Handle("/either", a.RequireAuthOrAPIKey()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if key, ok := authkit.APIKeyFromContext(r.Context()); ok {
				io.WriteString(w, "key "+key.Name)
				return
			}
			io.WriteString(w, visitor(r))
		})))
	}})
	cookie := a.signedIn("lee@example.com").cookieHeader() // has no permission at all
	key := a.addKey("bare")
	for name, c := range map[string]struct {
		q      request
		status int
		body   string
	}{
		"a stranger's navigation":        {request{header: navigation()}, 303, ""},
		"a stranger's fetch":             {request{header: scripted()}, 401, "signed_out"},
		"a stranger's POST":              {request{method: "POST", header: scripted()}, 401, "signed_out"},
		"a cookie that does not open":    {request{cookie: "authkit-session=x", header: scripted()}, 401, "signed_out"},
		"a made-up key":                  {request{header: bearer("sk_made_up")}, 401, "signed_out"},
		"a made-up key beside a cookie":  {request{header: bearer("sk_made_up"), cookie: cookie}, 401, "signed_out"},
		"a bare prefix":                  {request{header: bearer("sk_")}, 401, "signed_out"},
		"a bearer token that is no key":  {request{header: bearer("nonsense")}, 401, "signed_out"},
		"an empty bearer token":          {request{header: bearer("")}, 401, "signed_out"},
		"a person without any right":     {request{cookie: cookie}, 200, "lee@example.com"},
		"a key without any right":        {request{header: bearer(key)}, 200, "key bare"},
		"a key beside a person's cookie": {request{header: bearer(key), cookie: cookie}, 200, "key bare"},
	} {
		t.Run(name, func(t *testing.T) {
			c.q.target = "/either"
			resp := a.send(c.q)
			assert.Equal(t, c.status, resp.status)
			assert.Contains(t, resp.body, c.body)
		})
	}
}

func TestAClientThatLeavesWhileItsAPIKeyIsAskedAboutIsLoggedAtDebug(t *testing.T) { // A5
	a := keyed(t)
	a.fake.Fail(authkittest.RouteValidateAPIKey, authkittest.Fault{Hang: true})
	ctx, leave := context.WithCancel(t.Context())
	answered := make(chan response)
	go func() { answered <- a.withKey(ctx, "/key", "sk_made_up") }()
	a.fake.AwaitCalls(t, authkittest.RouteValidateAPIKey, 1)
	leave()
	assert.Equal(t, http.StatusServiceUnavailable, (<-answered).status)
	assert.Contains(t, a.logs.String(), "context canceled")
	assert.NotContains(t, a.logs.String(), "level=WARN")
}

func TestARequestThatRunsOutOfItsOwnTimeIsLoggedAsAFailure(t *testing.T) {
	a := keyed(t)
	key := a.addKey("ci")
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	assert.Equal(t, http.StatusServiceUnavailable, a.withKey(late, "/key", key).status)
	assert.Contains(t, a.logs.String(), "level=WARN", "no client has left")
}

func TestAClientThatLeavesIsNotToldThatItsAPIKeyIsBadAndNothingIsRememberedOfThat(t *testing.T) { // A20
	a := keyed(t)
	key := a.addKey("ci")
	gone, leave := context.WithCancel(t.Context())
	leave()
	resp := a.withKey(gone, "/key", key)
	assert.Equal(t, http.StatusServiceUnavailable, resp.status, "it was gone before it was asked about")
	assert.Empty(t, resp.header.Get("WWW-Authenticate"))
	assert.Zero(t, a.fake.Calls(authkittest.RouteValidateAPIKey))

	a.fake.Fail(authkittest.RouteValidateAPIKey, authkittest.Fault{Hang: true})
	ctx, leave := context.WithCancel(t.Context())
	answered := make(chan response)
	go func() { answered <- a.withKey(ctx, "/key", key) }()
	a.fake.AwaitCalls(t, authkittest.RouteValidateAPIKey, 1)
	leave()
	resp = <-answered
	assert.Equal(t, http.StatusServiceUnavailable, resp.status, "it left while it was asked about")
	assert.Empty(t, resp.header.Get("WWW-Authenticate"))
	assert.NotContains(t, a.logs.String(), "level=WARN")

	a.fake.Heal(authkittest.RouteValidateAPIKey)
	assert.Equal(t, http.StatusOK, a.withKey(t.Context(), "/key", key).status)
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteValidateAPIKey), "the question went on")
	assert.Equal(t, http.StatusOK, a.withKey(gone, "/key", key).status, "what is known is known")
}

func longText(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'x'
	}
	return string(b)
}

// keyed is an application with a route that any valid API key opens.
func keyed(t *testing.T, opts ...authkit.Option) *app {
	return newApp(t, appOptions{authkit: opts, routes: func(a *app, mux *http.ServeMux) {
		mux.Handle("/key", a.RequireAPIKey()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	}})
}

// withKey sends a request with an API key straight to the handler. It returns when the handler does, also where the
// request's context ends.
func (a *app) withKey(ctx context.Context, path, key string) response {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	r.Header = bearer(key)
	w := httptest.NewRecorder()
	a.handler().ServeHTTP(w, r)
	return response{w.Code, w.Header(), w.Body.String()}
}
