// Whose rights a request has, and what it is told of them.

package behaviour

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func TestARequestWithAKeyIsNotThePersonOfItsCookie(t *testing.T) {
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
	cookie := a.SignedIn(Kim).CookieHeader() // kim may not delete in org_acme
	a.Fake.UpdateUser("lee@example.com", func(p *authkittest.User) {
		p.Memberships = []authkittest.Membership{{OrganizationID: "org_own"}} // makes the organization
	})
	key := a.Fake.AddAPIKey(authkittest.APIKey{Name: "own", OrganizationID: "org_own", Permissions: []string{"posts:delete"}})
	require.Equal(t, 403, a.Send(Request{Method: "DELETE", Target: "/posts", Cookie: cookie}).Status)
	resp := a.Send(Request{Method: "DELETE", Target: "/posts", Cookie: cookie, Header: http.Header{"Authorization": {"Bearer " + key}}})
	assert.Equal(t, "deleted in org_own", resp.Body)
}

func TestAnOwnHandlerAtLogoutKnowsWhoIsAsking(t *testing.T) {
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("POST /logout", a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "goodbye "+Visitor(r))
		})))
	}})
	cookie := a.SignedIn(Kim).CookieHeader()
	assert.Equal(t, 200, a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Scripted()}).Status)
}

func TestASignOutIsToldOnce(t *testing.T) {
	var calls atomic.Int32
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithOnSignOut(func(context.Context, authkit.SignOutEvent) { calls.Add(1) })}})
	cookie, id := a.SignedIn(Kim).CookieHeader(), a.SessionID()
	a.ExpireToken(2 * time.Minute)
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true, Times: 1})
	done := make(chan struct{})
	go func() { a.Do(Request{Target: "/account", Cookie: cookie}); close(done) }()
	a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie})
	a.Fake.RevokeSession(id) // the browser went through WorkOS's logout
	a.Fake.ClearFault(authkittest.RouteRefresh)
	<-done
	assert.EqualValues(t, 1, calls.Load(), "in-flight refresh")
	a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie}) // the button pressed twice, or the cookie replayed
	assert.LessOrEqual(t, calls.Load(), int32(2), "replayed logout")
}

func TestASwitchIsNotAnsweredWithAnEarlierOne(t *testing.T) {
	a := Switching(t)
	cookie := a.Acme()
	a.Fake.AddSigningKey()
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	r := a.SwitchTo("org_beta", cookie, Scripted())
	require.Equal(t, 503, r.Status)
	cookie = JarAfter(cookie, r)
	a.Fake.ClearFault(authkittest.RouteJWKS)
	a.Clock.Advance(40 * time.Second)
	r = a.SwitchTo("org_gamma", cookie, Scripted())
	assert.Equal(t, 200, r.Status, r.Body)
	cookie = JarAfter(cookie, r)
	assert.Equal(t, "org_gamma", a.Me(cookie)["organization"])
}

func TestManyRequestsMeetATokenThatCannotBeVerifiedYetAndAllAreServed(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(4*time.Minute + 30*time.Second)
	a.Fake.AddSigningKey()
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				resp, err := a.Do(Request{Target: "/account", Cookie: cookie})
				assert.NoError(t, err)
				assert.Equal(t, http.StatusOK, resp.Status)
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestOnlyBearerIsAKey(t *testing.T) {
	a := guarded(t)
	key := a.Fake.AddAPIKey(authkittest.APIKey{Name: "full", OrganizationID: "org_acme", Permissions: []string{"posts:write"}})
	r := a.Send(Request{Target: "/apikey", Header: http.Header{"Authorization": {"Basic " + key}}})
	assert.Equal(t, 401, r.Status)
	r = a.Send(Request{Target: "/apikey", Header: http.Header{"Authorization": {"Basic dXNlcjpwYXNz"}}})
	assert.Equal(t, "Bearer", r.Header.Get("WWW-Authenticate"), "no key came")
}

func TestAGuardThatTakesKeysSaysSo(t *testing.T) {
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/either", a.RequireAuthOrAPIKey()(http.NotFoundHandler()))
	}})
	r := a.Send(Request{Target: "/either", Header: Scripted()})
	assert.Equal(t, 401, r.Status)
	assert.Equal(t, "Bearer", r.Header.Get("WWW-Authenticate"))
}

func TestTheLinkOfARefusedFormLeadsToAPage(t *testing.T) {
	a := Switching(t)
	r := a.Send(Request{Method: "POST", Target: "/organization", Header: http.Header{"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Accept": {"text/html"}},
		Form: url.Values{"organization_id": {"org_beta"}, "return_to": {"/account"}}})
	assert.Equal(t, 401, r.Status)
	assert.NotContains(t, r.Body, "return_to=%2Forganization")
}

func TestABearerIsNotSentToSignInForAProof(t *testing.T) {
	a := guarded(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(20 * time.Minute)
	cookie = JarAfter(cookie, a.Send(Request{Target: "/account", Cookie: cookie}))
	r := a.Send(Request{Target: "/recent", Header: http.Header{"Authorization": {"Bearer " + a.bearerOf(cookie)}, "Accept": {"text/html"}}})
	assert.Equal(t, 403, r.Status)
}
