// API keys: validation at WorkOS, the cache, the grace during an outage, and the guards that accept keys.

package behaviour

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// deleteKey deletes a key through the API of WorkOS, as a management page does.
func (a *App) deleteKey(name string) {
	a.T.Helper()
	client, err := workos.NewClient(a.Fake.ClientID(), workos.WithAPIKey(a.Fake.APIKey()), workos.WithBaseURL(a.Fake.URL()))
	require.NoError(a.T, err)
	require.NoError(a.T, client.DeleteAPIKey(a.T.Context(), "api_key_"+name))
}

func TestConcurrentRequestsWithOneAPIKeyMakeOneValidation(t *testing.T) {
	a := newGuardedApp(t)
	key := a.addKey("ci", "posts:write")
	a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Hang: true})
	handler := a.Handler()
	var wg sync.WaitGroup
	statuses := make(chan int, 1000)
	for range 1000 {
		wg.Go(func() {
			statuses <- a.ServeDirectly(handler, Request{Method: "GET", Target: "/apikey", Header: Bearer(key)}).Status
		})
	}
	a.Fake.AwaitCalls(t, authkittest.RouteValidateAPIKey, 1)
	a.Fake.ClearFault(authkittest.RouteValidateAPIKey)
	wg.Wait()
	close(statuses)
	for status := range statuses {
		assert.Equal(t, http.StatusOK, status)
	}
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteValidateAPIKey))
}

func TestADeletedAPIKeyIsRefusedAfterThirtySeconds(t *testing.T) {
	a := newGuardedApp(t)
	key := a.addKey("ci", "posts:write")
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/apikey", Header: Bearer(key)}).Status)
	a.deleteKey("ci")
	a.Clock.Advance(29 * time.Second)
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/apikey", Header: Bearer(key)}).Status)
	a.Clock.Advance(time.Second)
	resp := a.Send(Request{Target: "/apikey", Header: Bearer(key)})
	assert.Equal(t, http.StatusUnauthorized, resp.Status)
	assert.Contains(t, resp.Header.Get("WWW-Authenticate"), `error="invalid_token"`)
}

func TestACachedAPIKeyIsRefusedWhenItExpires(t *testing.T) {
	a := newGuardedApp(t)
	key := a.Fake.AddAPIKey(authkittest.APIKey{
		Name: "short", OrganizationID: "org_acme", Permissions: []string{"posts:write"}, ExpiresAt: Start.Add(10 * time.Second),
	})
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/apikey", Header: Bearer(key)}).Status)
	a.Clock.Advance(10 * time.Second)
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/apikey", Header: Bearer(key)}).Status)
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteValidateAPIKey))
}

func TestAnInvalidAPIKeyIsValidatedOnceAndAMalformedKeyNever(t *testing.T) {
	a := newGuardedApp(t)
	for range 5 {
		assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/apikey", Header: Bearer("sk_unknown")}).Status)
	}
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteValidateAPIKey))
	for _, value := range []string{"", "nonsense", "pk_1", a.nativeToken(nil), "sk_" + longText(600)} {
		assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/apikey", Header: Bearer(value)}).Status)
	}
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteValidateAPIKey))
}

func TestAPIKeysAreRefusedDuringAnOutageUnlessAGraceIsSet(t *testing.T) {
	for name, c := range map[string]struct {
		grace  time.Duration
		status int
	}{
		"without a grace": {0, http.StatusServiceUnavailable},
		"with a grace":    {10 * time.Minute, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{
				AuthKit: []authkit.Option{authkit.WithAPIKeyGrace(c.grace)},
				Routes: func(a *App, mux *http.ServeMux) {
					mux.Handle("/key", a.RequireAPIKey()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
				},
			})
			known, unknown := a.addKey("known"), a.addKey("unknown")
			assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/key", Header: Bearer(known)}).Status)
			a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: 500})
			a.Clock.Advance(time.Minute)

			assert.Equal(t, c.status, a.Send(Request{Target: "/key", Header: Bearer(known)}).Status)
			resp := a.Send(Request{Target: "/key", Header: Bearer(unknown)})
			assert.Equal(t, http.StatusServiceUnavailable, resp.Status, "a key that was never validated has no grace")
			assert.NotEmpty(t, resp.Header.Get("Retry-After"))
			calls := a.Fake.Calls(authkittest.RouteValidateAPIKey)
			a.Send(Request{Target: "/key", Header: Bearer(unknown)})
			assert.Equal(t, calls, a.Fake.Calls(authkittest.RouteValidateAPIKey), "and is not validated again at once")

			a.Clock.Advance(10 * time.Minute)
			assert.Equal(t, http.StatusServiceUnavailable, a.Send(Request{Target: "/key", Header: Bearer(known)}).Status, "the grace is over")
			a.Fake.ClearFault(authkittest.RouteValidateAPIKey)
			a.Clock.Advance(time.Minute)
			assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/key", Header: Bearer(known)}).Status)
			assert.NotContains(t, a.Logs.String(), known)
			assert.NotContains(t, a.Logs.String(), unknown)
		})
	}
}

func TestAnAPIKeyThatWorkOSCalledInvalidHasNoGrace(t *testing.T) {
	a := NewApp(t, AppOptions{
		AuthKit: []authkit.Option{authkit.WithAPIKeyGrace(time.Hour)},
		Routes: func(a *App, mux *http.ServeMux) {
			mux.Handle("/key", a.RequireAPIKey()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
		},
	})
	key := a.addKey("ci")
	require.Equal(t, http.StatusOK, a.Send(Request{Target: "/key", Header: Bearer(key)}).Status)
	a.deleteKey("ci")
	a.Clock.Advance(time.Minute)
	require.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/key", Header: Bearer(key)}).Status)
	a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: 500})
	a.Clock.Advance(time.Minute)
	assert.Equal(t, http.StatusServiceUnavailable, a.Send(Request{Target: "/key", Header: Bearer(key)}).Status)
}

func TestAnAPIKeyValidationContinuesAfterItsRequestIsCancelled(t *testing.T) {
	a := newGuardedApp(t)
	key := a.addKey("ci", "posts:write")
	a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Hang: true})
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", a.URL+"/apikey", nil)
	require.NoError(t, err)
	r.Header = Bearer(key)
	cancelled := make(chan error)
	go func() {
		_, err := http.DefaultTransport.RoundTrip(r)
		cancelled <- err
	}()
	a.Fake.AwaitCalls(t, authkittest.RouteValidateAPIKey, 1)
	cancel()
	require.ErrorIs(t, <-cancelled, context.Canceled)
	answered := make(chan Response)
	go func() {
		resp, _ := a.Do(Request{Target: "/apikey", Header: Bearer(key)})
		answered <- resp
	}()
	a.Fake.ClearFault(authkittest.RouteValidateAPIKey)
	assert.Equal(t, http.StatusOK, (<-answered).Status)
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteValidateAPIKey))
}

func TestAnAPIKeyOfAUserHasAnOwnerAndAnOrganization(t *testing.T) {
	var seen []*authkit.APIKey
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/key", a.RequireAPIKey()(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			key, _ := authkit.APIKeyFromContext(r.Context())
			seen = append(seen, key)
			assert.Equal(t, []string{"posts:read"}, key.Permissions, "each handler gets a copy")
			key.Permissions[0] = "planted"
		})))
	}})
	userKey := a.Fake.AddAPIKey(authkittest.APIKey{Name: "kim's", OrganizationID: "org_acme", UserID: "user_kim", Permissions: []string{"posts:read"}})
	for range 2 {
		assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/key", Header: Bearer(userKey)}).Status)
	}
	for _, key := range seen {
		assert.Equal(t, "user", key.Owner.Type)
		assert.Equal(t, "user_kim", key.Owner.ID)
		assert.Equal(t, "org_acme", key.OrganizationID())
		assert.Empty(t, key.Value)
	}
}

func TestUnknownAPIKeysAreNotSentAgainBeforeTheRetryAfterOfA429(t *testing.T) {
	a := newGuardedApp(t)
	known := a.addKey("known", "posts:write")
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/apikey", Header: Bearer(known)}).Status)
	a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: 429, Header: http.Header{"Retry-After": {"20"}}, Body: `{"message":"slow down"}`})
	for i := range 50 {
		resp := a.Send(Request{Target: "/apikey", Header: Bearer(fmt.Sprint("sk_guess", i))})
		assert.Equal(t, http.StatusTooManyRequests, resp.Status)
		assert.Equal(t, "20", resp.Header.Get("Retry-After"))
	}
	assert.Equal(t, 2, a.Fake.Calls(authkittest.RouteValidateAPIKey))
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/apikey", Header: Bearer(known)}).Status, "a cached key needs no validation")
	a.Fake.ClearFault(authkittest.RouteValidateAPIKey)
	a.Clock.Advance(20 * time.Second)
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/apikey", Header: Bearer("sk_guess99")}).Status)
}

func TestAPublicClientCannotValidateAPIKeys(t *testing.T) {
	a, err := authkit.New(authkit.WithPublicClient(), authkit.WithClientID("client_1"), authkit.WithCookiePassword(Password))
	assert.NoError(t, err)
	assert.Panics(t, func() { a.RequireAPIKey() })
	assert.Panics(t, func() { a.RequireAuthOrAPIKey() })
}

func TestAnAPIKeyGuardPanicsForAnEmptyPermission(t *testing.T) {
	a := NewApp(t, AppOptions{})
	for name, guard := range map[string]func(...string) func(http.Handler) http.Handler{
		"RequireAPIKey": a.RequireAPIKey, "RequireAuthOrAPIKey": a.RequireAuthOrAPIKey,
	} {
		for position, lists := range map[string][][]string{
			"1 of 1": {{""}, {" "}, {"\t\n"}}, "2 of 2": {{"posts:read", ""}}, "1 of 2": {{"", "posts:read"}},
		} {
			for _, permissions := range lists {
				assert.PanicsWithValue(t, "authkit: "+name+": permission "+position+" is empty", func() { guard(permissions...) }, "%q", permissions)
			}
		}
		assert.NotPanics(t, func() { guard() }, "an empty list is allowed")
		assert.NotPanics(t, func() { guard([]string{}...) })
	}
}

func TestAnAPIKeyGuardCopiesItsPermissions(t *testing.T) {
	permissions := [][]string{{"posts:write"}, {"posts:write"}}
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		pass := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		mux.Handle("/key", a.RequireAPIKey(permissions[0]...)(pass))
		mux.Handle("/either", a.RequireAuthOrAPIKey(permissions[1]...)(pass))
	}})
	poor := a.addKey("poor", "posts:read")
	permissions[0][0], permissions[1][0] = "posts:read", "posts:read"
	assert.Equal(t, http.StatusForbidden, a.WithKey(t.Context(), "/key", poor).Status)
	assert.Equal(t, http.StatusForbidden, a.WithKey(t.Context(), "/either", poor).Status)
}

func TestRequireAuthOrAPIKeyWithoutPermissionsRequiresCredentials(t *testing.T) {
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/either", a.RequireAuthOrAPIKey()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if key, ok := authkit.APIKeyFromContext(r.Context()); ok {
				io.WriteString(w, "key "+key.Name)
				return
			}
			io.WriteString(w, Visitor(r))
		})))
	}})
	cookie := a.SignedIn(lee).CookieHeader() // has no permission
	key := a.addKey("bare")
	for name, c := range map[string]struct {
		q      Request
		status int
		body   string
	}{
		"an anonymous navigation":          {Request{Header: Navigation()}, 303, ""},
		"an anonymous fetch":               {Request{Header: Scripted()}, 401, "unauthenticated"},
		"an anonymous POST":                {Request{Method: "POST", Header: Scripted()}, 401, "unauthenticated"},
		"a cookie that does not open":      {Request{Cookie: "authkit-session=x", Header: Scripted()}, 401, "unauthenticated"},
		"an unknown key":                   {Request{Header: Bearer("sk_made_up")}, 401, "unauthenticated"},
		"an unknown key and a cookie":      {Request{Header: Bearer("sk_made_up"), Cookie: cookie}, 401, "unauthenticated"},
		"a bare prefix":                    {Request{Header: Bearer("sk_")}, 401, "unauthenticated"},
		"a bearer token that is not a key": {Request{Header: Bearer("nonsense")}, 401, "unauthenticated"},
		"an empty bearer token":            {Request{Header: Bearer("")}, 401, "unauthenticated"},
		"a user without permissions":       {Request{Cookie: cookie}, 200, lee},
		"a key without permissions":        {Request{Header: Bearer(key)}, 200, "key bare"},
		"a key and a session cookie":       {Request{Header: Bearer(key), Cookie: cookie}, 200, "key bare"},
	} {
		t.Run(name, func(t *testing.T) {
			c.q.Target = "/either"
			resp := a.Send(c.q)
			assert.Equal(t, c.status, resp.Status)
			assert.Contains(t, resp.Body, c.body)
		})
	}
}

func TestACancelledAPIKeyRequestIsLoggedAtDebug(t *testing.T) {
	a := NewAPIKeyApp(t)
	a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Hang: true})
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan Response)
	go func() { answered <- a.WithKey(ctx, "/key", "sk_made_up") }()
	a.Fake.AwaitCalls(t, authkittest.RouteValidateAPIKey, 1)
	cancel()
	assert.Equal(t, http.StatusServiceUnavailable, (<-answered).Status)
	assert.Contains(t, a.Logs.String(), "context canceled")
	assert.NotContains(t, a.Logs.String(), "level=WARN")
}

func TestAnAPIKeyRequestPastItsDeadlineIsLoggedAtWarn(t *testing.T) {
	a := NewAPIKeyApp(t)
	key := a.addKey("ci")
	expired, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	assert.Equal(t, http.StatusServiceUnavailable, a.WithKey(expired, "/key", key).Status)
	assert.Contains(t, a.Logs.String(), "level=WARN", "the client has not cancelled")
}

func TestACancelledRequestDoesNotMarkItsAPIKeyInvalid(t *testing.T) {
	a := NewAPIKeyApp(t)
	key := a.addKey("ci")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	resp := a.WithKey(cancelled, "/key", key)
	assert.Equal(t, http.StatusServiceUnavailable, resp.Status, "cancelled before the validation")
	assert.Empty(t, resp.Header.Get("WWW-Authenticate"))
	assert.Zero(t, a.Fake.Calls(authkittest.RouteValidateAPIKey))

	a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Hang: true})
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan Response)
	go func() { answered <- a.WithKey(ctx, "/key", key) }()
	a.Fake.AwaitCalls(t, authkittest.RouteValidateAPIKey, 1)
	cancel()
	resp = <-answered
	assert.Equal(t, http.StatusServiceUnavailable, resp.Status, "cancelled during the validation")
	assert.Empty(t, resp.Header.Get("WWW-Authenticate"))
	assert.NotContains(t, a.Logs.String(), "level=WARN")

	a.Fake.ClearFault(authkittest.RouteValidateAPIKey)
	assert.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", key).Status)
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteValidateAPIKey), "the validation has completed")
	assert.Equal(t, http.StatusOK, a.WithKey(cancelled, "/key", key).Status, "a cached key needs no validation")
}

// longText returns n characters that an API key may have.
func longText(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'x'
	}
	return string(b)
}

func TestAnAPIKeyTakesPrecedenceOverTheSessionCookie(t *testing.T) {
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("DELETE /posts", a.RequireAuthOrAPIKey("posts:delete")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if s, ok := authkit.FromContext(r.Context()); ok {
				io.WriteString(w, "deleted in "+s.OrganizationID())
				return
			}
			key, _ := authkit.APIKeyFromContext(r.Context())
			io.WriteString(w, "deleted in "+key.OrganizationID())
		})))
	}})
	cookie := a.SignedIn(Kim).CookieHeader() // has no permission to delete in org_acme
	a.Fake.UpdateUser(lee, func(p *authkittest.User) {
		p.Memberships = []authkittest.Membership{{OrganizationID: "org_own"}} // adds the organization to the fake
	})
	key := a.Fake.AddAPIKey(authkittest.APIKey{Name: "own", OrganizationID: "org_own", Permissions: []string{"posts:delete"}})
	require.Equal(t, 403, a.Send(Request{Method: "DELETE", Target: "/posts", Cookie: cookie}).Status)
	resp := a.Send(Request{Method: "DELETE", Target: "/posts", Cookie: cookie, Header: http.Header{"Authorization": {"Bearer " + key}}})
	assert.Equal(t, "deleted in org_own", resp.Body)
}

func TestOnlyTheBearerSchemeCarriesAnAPIKey(t *testing.T) {
	a := newGuardedApp(t)
	key := a.Fake.AddAPIKey(authkittest.APIKey{Name: "full", OrganizationID: "org_acme", Permissions: []string{"posts:write"}})
	r := a.Send(Request{Target: "/apikey", Header: http.Header{"Authorization": {"Basic " + key}}})
	assert.Equal(t, 401, r.Status)
	r = a.Send(Request{Target: "/apikey", Header: http.Header{"Authorization": {"Basic dXNlcjpwYXNz"}}})
	assert.Equal(t, "Bearer", r.Header.Get("WWW-Authenticate"), "the request has no key")
}

func TestAGuardThatAcceptsAPIKeysChallengesWithBearer(t *testing.T) {
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/either", a.RequireAuthOrAPIKey()(http.NotFoundHandler()))
	}})
	r := a.Send(Request{Target: "/either", Header: Scripted()})
	assert.Equal(t, 401, r.Status)
	assert.Equal(t, "Bearer", r.Header.Get("WWW-Authenticate"))
}
