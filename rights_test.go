// Whose rights a request has, and what it is told of them.

package authkit_test

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
	a := newApp(t, appOptions{routes: func(a *app, mux *http.ServeMux) {
		mux.Handle("DELETE /posts", a.RequireAuthOrAPIKey("posts:delete")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if s, ok := authkit.FromContext(r.Context()); ok {
				io.WriteString(w, "deleted in "+s.OrganizationID())
				return
			}
			key, _ := authkit.APIKeyFromContext(r.Context())
			io.WriteString(w, "deleted in "+key.OrganizationID())
		})))
	}})
	cookie := a.signedIn(kim).cookieHeader() // kim may not delete in org_acme
	a.fake.UpdatePerson("lee@example.com", func(p *authkittest.Person) {
		p.Memberships = []authkittest.Membership{{OrganizationID: "org_own"}} // makes the organization
	})
	key := a.fake.AddAPIKey(authkittest.APIKey{Name: "own", OrganizationID: "org_own", Permissions: []string{"posts:delete"}})
	require.Equal(t, 403, a.send(request{method: "DELETE", target: "/posts", cookie: cookie}).status)
	resp := a.send(request{method: "DELETE", target: "/posts", cookie: cookie, header: http.Header{"Authorization": {"Bearer " + key}}})
	assert.Equal(t, "deleted in org_own", resp.body)
}

func TestAnOwnHandlerAtLogoutKnowsWhoIsAsking(t *testing.T) {
	a := newApp(t, appOptions{routes: func(a *app, mux *http.ServeMux) {
		mux.Handle("POST /logout", a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "goodbye "+visitor(r))
		})))
	}})
	cookie := a.signedIn(kim).cookieHeader()
	assert.Equal(t, 200, a.send(request{method: "POST", target: "/logout", cookie: cookie, header: scripted()}).status)
}

func TestASignOutIsToldOnce(t *testing.T) {
	var calls atomic.Int32
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithOnSignOut(func(context.Context, authkit.SignOutEvent) { calls.Add(1) })}})
	cookie, id := a.signedIn(kim).cookieHeader(), a.sessionID()
	a.expireToken(2 * time.Minute)
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Hang: true, Times: 1})
	done := make(chan struct{})
	go func() { a.do(request{target: "/account", cookie: cookie}); close(done) }()
	a.fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	a.send(request{method: "POST", target: "/logout", cookie: cookie})
	a.fake.RevokeSession(id) // the browser went through WorkOS's logout
	a.fake.Heal(authkittest.RouteRefresh)
	<-done
	assert.EqualValues(t, 1, calls.Load(), "in-flight refresh")
	a.send(request{method: "POST", target: "/logout", cookie: cookie}) // the button pressed twice, or the cookie replayed
	assert.LessOrEqual(t, calls.Load(), int32(2), "replayed logout")
}

func TestASwitchIsNotAnsweredWithAnEarlierOne(t *testing.T) {
	a := switching(t)
	cookie := a.acme()
	a.fake.AddKey()
	a.fake.Fail(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	r := a.switchTo("org_beta", cookie, scripted())
	require.Equal(t, 503, r.status)
	cookie = jarAfter(cookie, r)
	a.fake.Heal(authkittest.RouteJWKS)
	a.clock.Advance(40 * time.Second)
	r = a.switchTo("org_gamma", cookie, scripted())
	assert.Equal(t, 200, r.status, r.body)
	cookie = jarAfter(cookie, r)
	assert.Equal(t, "org_gamma", a.me(cookie)["organization"])
}

func TestManyRequestsMeetATokenThatCannotBeVerifiedYetAndAllAreServed(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	a.clock.Advance(4*time.Minute + 30*time.Second)
	a.fake.AddKey()
	a.fake.Fail(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				resp, err := a.do(request{target: "/account", cookie: cookie})
				assert.NoError(t, err)
				assert.Equal(t, http.StatusOK, resp.status)
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
}

func TestOnlyBearerIsAKey(t *testing.T) {
	a := guarded(t)
	key := a.fake.AddAPIKey(authkittest.APIKey{Name: "full", OrganizationID: "org_acme", Permissions: []string{"posts:write"}})
	r := a.send(request{target: "/apikey", header: http.Header{"Authorization": {"Basic " + key}}})
	assert.Equal(t, 401, r.status)
	r = a.send(request{target: "/apikey", header: http.Header{"Authorization": {"Basic dXNlcjpwYXNz"}}})
	assert.Equal(t, "Bearer", r.header.Get("WWW-Authenticate"), "no key came")
}

func TestAGuardThatTakesKeysSaysSo(t *testing.T) {
	a := newApp(t, appOptions{routes: func(a *app, mux *http.ServeMux) {
		mux.Handle("/either", a.RequireAuthOrAPIKey()(http.NotFoundHandler()))
	}})
	r := a.send(request{target: "/either", header: scripted()})
	assert.Equal(t, 401, r.status)
	assert.Equal(t, "Bearer", r.header.Get("WWW-Authenticate"))
}

func TestTheLinkOfARefusedFormLeadsToAPage(t *testing.T) {
	a := switching(t)
	r := a.send(request{method: "POST", target: "/organization", header: http.Header{"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Accept": {"text/html"}},
		form: url.Values{"organization_id": {"org_beta"}, "return_to": {"/account"}}})
	assert.Equal(t, 401, r.status)
	assert.NotContains(t, r.body, "return_to=%2Forganization")
}

func TestABearerIsNotSentToSignInForAProof(t *testing.T) {
	a := guarded(t)
	cookie := a.signedIn(kim).cookieHeader()
	a.clock.Advance(20 * time.Minute)
	cookie = jarAfter(cookie, a.send(request{target: "/account", cookie: cookie}))
	r := a.send(request{target: "/recent", header: http.Header{"Authorization": {"Bearer " + a.bearerOf(cookie)}, "Accept": {"text/html"}}})
	assert.Equal(t, 403, r.status)
}
