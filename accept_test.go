// Accept: its construction, the credentials that are in the context already, and its cost.

package authkit_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/behaviour"
	"github.com/authkit-go/authkit/resource"
)

const postsAPI = "https://api.example.com/posts"

func newAPI(t testing.TB, issuer, address string) *resource.Server {
	t.Helper()
	api, err := resource.New(issuer, address, resource.WithLogger(slog.New(slog.DiscardHandler)))
	require.NoError(t, err)
	return api
}

func TestAcceptPanicsForCredentialsThatCannotBeToldApart(t *testing.T) {
	ak := withoutNetwork(t)
	public, err := authkit.New(authkit.WithPublicClient(), authkit.WithClientID("client_1"), authkit.WithCookiePassword(behaviour.Password))
	require.NoError(t, err)
	api := newAPI(t, "https://acme.authkit.app", postsAPI)
	for want, build := range map[string]func(){
		"authkit: Accept needs at least one credential":                                                  func() { ak.Accept() },
		"authkit: Accept: a credential is the zero value; Sessions, APIKeys and ResourceTokens make one": func() { ak.Accept(authkit.Sessions(), authkit.Credential{}) },
		"authkit: Accept: Sessions is given twice":                                                       func() { ak.Accept(authkit.Sessions(), authkit.Sessions("posts:read")) },
		"authkit: Accept: APIKeys is given twice":                                                        func() { ak.Accept(authkit.APIKeys(), authkit.APIKeys()) },
		"authkit: Accept with APIKeys needs WithAPIKey: a public client cannot validate API keys":        func() { public.Accept(authkit.APIKeys()) },
		"authkit: Accept: ResourceTokens is given twice for the issuer https://acme.authkit.app": func() {
			ak.Accept(authkit.ResourceTokens(api), authkit.ResourceTokens(newAPI(t, "https://acme.authkit.app/", postsAPI)))
		},
		"authkit: Sessions: permission 1 of 1 is empty":         func() { authkit.Sessions(" ") },
		"authkit: APIKeys: permission 2 of 2 is empty":          func() { authkit.APIKeys("posts:read", "") },
		"authkit: ResourceTokens: the resource.Server is nil":   func() { authkit.ResourceTokens(nil, "posts:read") },
		"authkit: ResourceTokens: scope 1 of 1 is empty":        func() { authkit.ResourceTokens(api, "") },
		"authkit: a guard needs a handler, and this one is nil": func() { ak.Accept(authkit.Sessions())(nil) },
	} {
		assert.PanicsWithValue(t, want, build)
	}
	assert.Panics(t, func() { authkit.ResourceTokens(api, "posts read") }, "RFC 6749 section 3.3")
	for _, kind := range []authkit.Credential{authkit.Sessions(), authkit.APIKeys(), authkit.ResourceTokens(api)} {
		assert.PanicsWithValue(t, "authkit: a guard needs a handler, and this one is nil", func() { ak.Accept(kind)(http.HandlerFunc(nil)) })
	}
	assert.NotPanics(t, func() {
		ak.Accept(authkit.ResourceTokens(api), authkit.ResourceTokens(newAPI(t, "https://globex.authkit.app", postsAPI)))
		public.Accept(authkit.Sessions(), authkit.ResourceTokens(api))
	})
}

func TestAcceptCopiesItsRights(t *testing.T) {
	ak := withoutNetwork(t)
	permissions := []string{"posts:write"}
	guard := ak.Accept(authkit.Sessions(permissions...))
	permissions[0] = "posts:read"
	r := httptest.NewRequest("POST", "/", nil)
	session := authkit.NewSession(authkit.SessionParams{ID: "session_1", Permissions: []string{"posts:read"}})
	w := httptest.NewRecorder()
	guard(showCredentials).ServeHTTP(w, r.WithContext(authkit.NewContext(r.Context(), session)))
	assert.Equal(t, http.StatusForbidden, w.Code)
}

// accepting is an AuthKit and an API of one fake, without a network between them.
type accepting struct {
	ak    *authkit.AuthKit
	fake  *authkittest.Server
	api   *resource.Server
	token *resource.Token
	text  string // of the token
}

func newAccepting(t testing.TB, opts ...authkit.Option) *accepting {
	t.Helper()
	fake := authkittest.New(t, authkittest.WithScopes("posts:read"))
	ak, err := authkit.New(behaviour.ValidOptions(append([]authkit.Option{
		authkit.WithBaseURL(fake.URL()), authkit.WithAPIKey(fake.APIKey()), authkit.WithClientID(fake.ClientID()),
		authkit.WithLogger(slog.New(slog.DiscardHandler)),
	}, opts...)...)...)
	require.NoError(t, err)
	a := &accepting{ak: ak, fake: fake, api: newAPI(t, fake.URL(), postsAPI)}
	a.text = fake.ResourceToken(fake.Users()[0].Email, postsAPI)
	a.token, err = a.api.Verify(t.Context(), a.text)
	require.NoError(t, err)
	return a
}

// showAll answers with what a handler finds.
var showAll = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	showCredentials(w, r)
	if _, ok := resource.FromContext(r.Context()); ok {
		fmt.Fprint(w, ", a token")
	}
})

func TestAcceptPassesOneOfTheCredentialsInAContext(t *testing.T) {
	a := newAccepting(t)
	session := authkit.NewSession(authkit.SessionParams{ID: "session_9", Permissions: []string{"posts:read"}})
	key := &authkit.APIKey{Name: "full", Permissions: []string{"posts:read"}}
	foreign := newAPI(t, a.fake.URL(), postsAPI)
	all := func(ctx context.Context) context.Context {
		return resource.NewContext(authkit.NewAPIKeyContext(authkit.NewContext(ctx, session), key), a.token)
	}
	sessionAndKey := func(ctx context.Context) context.Context {
		return authkit.NewContext(authkit.NewAPIKeyContext(resource.NewContext(ctx, a.token), key), session)
	}
	sessions, keys, tokens := authkit.Sessions("posts:read"), authkit.APIKeys("posts:read"), authkit.ResourceTokens(a.api, "posts:read")
	for name, c := range map[string]struct {
		guard  func(http.Handler) http.Handler
		ctx    func(context.Context) context.Context
		status int
		body   string
	}{
		"all, and a key counts":       {a.ak.Accept(sessions, keys, tokens), all, 200, "full, no session"},
		"all, and no key is accepted": {a.ak.Accept(sessions, tokens), all, 200, "no key, no session, a token"},
		"all, and a token counts":     {a.ak.Accept(tokens), all, 200, "no key, no session, a token"},
		"all, and a session counts":   {a.ak.Accept(sessions), sessionAndKey, 200, "no key, session_9"},
		"a token of another Server":   {a.ak.Accept(authkit.ResourceTokens(foreign)), all, 401, "unauthenticated"},
		"one guard inside another":    {chain(a.ak.Accept(sessions, tokens), a.ak.Accept(tokens)), all, 200, "no key, no session, a token"},
		"a guard of the API outside":  {chain(a.api.Require("posts:read"), a.ak.Accept(sessions, keys, tokens)), all, 200, "full, no session"},
		"a guard of sessions inside":  {chain(a.ak.Accept(tokens), a.ak.RequireAuth), all, 401, "unauthenticated"},
		"RequireAPIKey and a token":   {a.ak.RequireAPIKey(), all, 200, "full, no session"},
		"the scope is missing":        {a.ak.Accept(sessions, authkit.ResourceTokens(a.api, "posts:burn")), all, 403, "scope posts:burn"},
		"the middleware outside":      {chain(a.ak.Middleware, a.ak.Accept(sessions, keys, tokens)), all, 200, "full, no session"},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		w := httptest.NewRecorder()
		c.guard(showAll).ServeHTTP(w, r.WithContext(c.ctx(r.Context())))
		assert.Equal(t, c.status, w.Code, name)
		if c.status == http.StatusOK {
			assert.Equal(t, c.body, w.Body.String(), name)
		} else {
			assert.Contains(t, w.Body.String(), c.body, name)
		}
	}
}

func chain(outer, inner func(http.Handler) http.Handler) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return outer(inner(next)) }
}

// Guards can be built in a handler. What they register at the AuthKit must not grow, and must not race with requests.
func TestAcceptCanBeBuiltWhileRequestsAreServed(t *testing.T) {
	a := newAccepting(t, authkit.WithBearerTokens())
	user := a.fake.Users()[0].Email
	cookie := signedInCookie(t, a.ak, a.fake, 1)
	key := a.fake.AddAPIKey(authkittest.APIKey{Name: "ci", OrganizationID: a.fake.Organizations()[0].ID})
	handler := a.ak.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.ak.Accept(authkit.Sessions(), authkit.APIKeys(), authkit.ResourceTokens(a.api, "posts:read"))(showAll).ServeHTTP(w, r)
	}))
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	var wg sync.WaitGroup
	for want, header := range map[string]http.Header{
		"no key, no session, a token":               behaviour.Bearer(a.text),
		"ci, no session":                            behaviour.Bearer(key),
		"no key, session_01JQ4ZK6X9YV3W8T5R2N00001": {"Cookie": {cookie}},
		"no key, session_native":                    behaviour.Bearer(a.fake.BearerToken(user, authkittest.Claims{"sid": "session_native"})),
	} {
		for range 20 {
			wg.Go(func() {
				r, err := http.NewRequest(http.MethodGet, server.URL, nil)
				if !assert.NoError(t, err) {
					return
				}
				r.Header = header.Clone()
				resp, err := server.Client().Do(r)
				if !assert.NoError(t, err) {
					return
				}
				defer resp.Body.Close()
				body := make([]byte, len(want))
				_, _ = resp.Body.Read(body)
				assert.Equal(t, want, string(body))
			})
		}
	}
	wg.Wait()
}

func TestACachedSessionBehindAcceptAllocatesNoMoreThanBehindRequireAuth(t *testing.T) {
	for name, opts := range map[string][]authkit.Option{"cookies alone": nil, "with bearer tokens": {authkit.WithBearerTokens()}} {
		t.Run(name, func(t *testing.T) {
			a := newAccepting(t, opts...)
			cookie := signedInCookie(t, a.ak, a.fake, 1)
			passed := 0
			pass := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed++ })
			allocations := func(guard func(http.Handler) http.Handler) float64 {
				handler := guard(pass)
				w := &reply{http.Header{}}
				r := httptest.NewRequest(http.MethodGet, "/", nil)
				r.Header.Set("Cookie", cookie)
				return testing.AllocsPerRun(100, func() {
					clear(w.header)
					handler.ServeHTTP(w, r)
				})
			}
			accept := a.ak.Accept(authkit.Sessions("posts:read"), authkit.APIKeys("posts:read"), authkit.ResourceTokens(a.api, "posts:read"))
			for _, outer := range []func(http.Handler) http.Handler{func(h http.Handler) http.Handler { return h }, a.ak.Middleware} {
				plain, accepting := allocations(chain(outer, a.ak.RequireAuth)), allocations(chain(outer, accept))
				t.Logf("allocations: %v behind RequireAuth, %v behind Accept", plain, accepting)
				assert.LessOrEqual(t, accepting, plain)
			}
			assert.Equal(t, 4*101, passed)
		})
	}
}

func TestUntilEndEndsWithATokenOfConnect(t *testing.T) {
	clock := authkittest.NewFakeClock(time.Now())
	a := newAccepting(t, authkit.WithClock(clock))
	var ctx context.Context
	guard := a.ak.Accept(authkit.Sessions(), authkit.ResourceTokens(a.api, "posts:read"))
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header = behaviour.Bearer(a.text)
	guard(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ctx = a.ak.UntilEnd(r.Context()) })).ServeHTTP(w, r)
	require.NotNil(t, ctx, w.Body)
	accepted := a.token.ExpiresAt().Add(time.Minute)
	clock.Advance(accepted.Sub(clock.Now()) - time.Second)
	require.NoError(t, ctx.Err())
	clock.Advance(time.Second)
	<-ctx.Done()
	assert.ErrorIs(t, context.Cause(ctx), authkit.ErrUnauthenticated)
	assert.ErrorIs(t, context.Cause(ctx), resource.ErrInvalidToken)
}
