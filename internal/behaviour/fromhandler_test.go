// Refresh, SwitchTo and SignOut: calls of a handler that change the session of its own request.

package behaviour

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// fromHandler is an application whose handlers make the calls. Each answers with what it got.
type fromHandler struct {
	*App
	refresh, switchTo, signOut http.HandlerFunc
}

func newFromHandler(t *testing.T, opts ...authkit.Option) *fromHandler {
	f := &fromHandler{}
	f.App = NewSwitchingApp(t, opts...)
	f.addHandlers()
	return f
}

// addHandlers adds the handlers to the router.
func (f *fromHandler) addHandlers() {
	answer := func(w http.ResponseWriter, r *http.Request, s *authkit.Session, err error) {
		if err != nil {
			f.Fail(w, r, err)
			return
		}
		before := ""
		if old, ok := authkit.FromContext(r.Context()); ok {
			before = old.Role()
		}
		json.NewEncoder(w).Encode(map[string]string{"before": before, "role": s.Role(), "organization": s.OrganizationID()})
	}
	f.refresh = func(w http.ResponseWriter, r *http.Request) {
		s, err := f.AuthKit.Refresh(w, r)
		answer(w, r, s, err)
	}
	f.switchTo = func(w http.ResponseWriter, r *http.Request) {
		s, err := f.AuthKit.SwitchTo(w, r, r.PostFormValue("to"))
		answer(w, r, s, err)
	}
	f.signOut = func(w http.ResponseWriter, r *http.Request) {
		location, err := f.AuthKit.SignOut(w, r)
		if errors.Is(err, authkit.ErrUnauthenticated) {
			w.Header().Set("X-Error", "unauthenticated")
		}
		http.Redirect(w, r, location, http.StatusSeeOther)
	}
	f.Mux.HandleFunc("POST /now/refresh", f.refresh)
	f.Mux.HandleFunc("POST /now/signout", f.signOut)
	f.Mux.Handle("POST /now/key", f.RequireAuthOrAPIKey()(f.refresh))
}

// post sends a POST of a script with a session.
func (f *fromHandler) post(target, cookie string) Response {
	f.T.Helper()
	return f.Send(Request{Method: http.MethodPost, Target: target, Cookie: cookie, Header: Scripted()})
}

// setRole changes kim's role in org_acme at WorkOS.
func (f *fromHandler) setRole(role string) {
	f.Fake.UpdateUser(Kim, func(p *authkittest.User) { p.Memberships[0].Role = role })
}

func TestRefreshShowsAChangeAtWorkOSAtOnce(t *testing.T) {
	f := newFromHandler(t)
	cookie := f.AcmeCookie()
	f.setRole("owner")
	resp := f.post("/now/refresh", cookie)
	require.Equal(t, http.StatusOK, resp.Status, resp.Body)
	assert.JSONEq(t, `{"before":"admin","role":"owner","organization":"org_acme"}`, resp.Body)
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
	assert.Equal(t, "owner", f.Me(resp.NewCookie(t))["role"])
	assert.Equal(t, 1, f.Fake.Calls(authkittest.RouteRefresh))
}

func TestABrowserThatLosesTheCookieOfARefreshKeepsTheSession(t *testing.T) {
	f := newFromHandler(t)
	cookie := f.AcmeCookie()
	f.setRole("owner")
	require.Equal(t, http.StatusOK, f.post("/now/refresh", cookie).Status)
	assert.Equal(t, "admin", f.Me(cookie)["role"], "the old token is valid")
	f.Clock.Advance(10 * time.Minute)
	assert.Equal(t, "owner", f.Me(cookie)["role"])
}

func TestEachRefreshOfAHandlerCallsWorkOS(t *testing.T) {
	f := newFromHandler(t)
	cookie := f.AcmeCookie()
	first := f.post("/now/refresh", cookie)
	f.setRole("owner")
	assert.Contains(t, f.post("/now/refresh", cookie).Body, `"role":"owner"`, "with the cookie that was already exchanged")
	f.setRole("guest")
	assert.Contains(t, f.post("/now/refresh", first.NewCookie(t)).Body, `"role":"guest"`)
	assert.Equal(t, 3, f.Fake.Calls(authkittest.RouteRefresh))
}

func TestRefreshDoesNotReturnTheOutcomeOfAnExchangeThatBeganBefore(t *testing.T) {
	f := newFromHandler(t)
	cookie := f.AcmeCookie()
	f.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true, Times: 1})
	first := f.SendAsync(Request{Method: http.MethodPost, Target: "/now/refresh", Cookie: cookie, Header: Scripted()})
	f.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	second := f.SendAsync(Request{Method: http.MethodPost, Target: "/now/refresh", Cookie: cookie, Header: Scripted()})
	f.Fake.ClearFault(authkittest.RouteRefresh)
	assert.Equal(t, http.StatusOK, (<-first).Status)
	assert.Equal(t, http.StatusOK, (<-second).Status)
	assert.Equal(t, 2, f.Fake.Calls(authkittest.RouteRefresh))
}

func TestRefreshAndSwitchToWorkWithoutTheMiddleware(t *testing.T) {
	f := newFromHandler(t)
	cookie := f.AcmeCookie()
	f.setRole("owner")
	resp := f.ServeDirectly(f.refresh, Request{Method: http.MethodPost, Target: "/", Cookie: cookie})
	require.Equal(t, http.StatusOK, resp.Status, resp.Body)
	assert.JSONEq(t, `{"before":"","role":"owner","organization":"org_acme"}`, resp.Body)
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
	assert.Equal(t, "Cookie", resp.Header.Get("Vary"))

	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	resp = f.ServeDirectly(f.switchTo, Request{
		Method: http.MethodPost, Target: "/", Cookie: resp.NewCookie(t), Header: form, Form: map[string][]string{"to": {"org_beta"}},
	})
	require.Equal(t, http.StatusOK, resp.Status, resp.Body)
	assert.Equal(t, "org_beta", f.Me(resp.NewCookie(t))["organization"])
}

func TestRefreshOfAnExpiredSessionWorksWithoutTheMiddleware(t *testing.T) {
	f := newFromHandler(t)
	cookie := f.AcmeCookie()
	f.Clock.Advance(10 * time.Minute)
	f.setRole("owner")
	resp := f.ServeDirectly(f.refresh, Request{Method: http.MethodPost, Target: "/", Cookie: cookie})
	require.Equal(t, http.StatusOK, resp.Status, resp.Body)
	assert.Equal(t, "owner", f.Me(resp.NewCookie(t))["role"])
	assert.Equal(t, 1, f.Fake.Calls(authkittest.RouteRefresh), "the session is not refreshed before the call refreshes it")
}

func TestASwitchOfAnExpiredSessionMakesOneExchangeWithoutTheMiddleware(t *testing.T) {
	f := newFromHandler(t)
	cookie := f.AcmeCookie()
	f.Clock.Advance(10 * time.Minute)
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	resp := f.ServeDirectly(f.switchTo, Request{
		Method: http.MethodPost, Target: "/", Cookie: cookie, Header: form, Form: map[string][]string{"to": {"org_beta"}},
	})
	require.Equal(t, http.StatusOK, resp.Status, resp.Body)
	assert.Equal(t, "org_beta", f.Me(resp.NewCookie(t))["organization"])
	assert.Equal(t, 1, f.Fake.Calls(authkittest.RouteRefresh))
}

// The middleware does so for every response. Without it, the calls do.
func TestACallOfAHandlerVariesOnEveryCredentialWithoutTheMiddleware(t *testing.T) {
	f := newFromHandler(t, authkit.WithBearerTokens("client_native"))
	cookie := f.AcmeCookie()
	for name, handler := range map[string]http.HandlerFunc{"Refresh": f.refresh, "SwitchTo": f.switchTo, "SignOut": f.signOut} {
		resp := f.ServeDirectly(handler, Request{Method: http.MethodPost, Target: "/", Cookie: cookie})
		assert.Equal(t, []string{"Cookie", "Authorization"}, resp.Header.Values("Vary"), name)
		assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"), name)
	}
}

func TestRefreshOfARequestWithoutACookieSessionIsAClearError(t *testing.T) {
	f := newFromHandler(t, authkit.WithBearerTokens("client_native"))
	resp := f.post("/now/refresh", "")
	assert.Equal(t, http.StatusUnauthorized, resp.Status)
	assert.Equal(t, "unauthenticated", resp.Problem(t)["code"])

	key := f.Fake.AddAPIKey(authkittest.APIKey{Name: "full", OrganizationID: "org_acme"})
	resp = f.Send(Request{Method: http.MethodPost, Target: "/now/key", Header: Bearer(key)})
	assert.Equal(t, "unauthenticated", resp.Problem(t)["code"])
	assert.Contains(t, f.Logs.String(), "the request has no session")

	resp = f.Send(Request{Method: http.MethodPost, Target: "/now/refresh", Header: Bearer(f.nativeToken(nil))})
	assert.Equal(t, http.StatusForbidden, resp.Status)
	assert.Equal(t, "refresh_refused", resp.Problem(t)["code"])
	assert.Contains(t, f.Logs.String(), "the session has no refresh token")
}

func TestRefreshReportsWhyItFailed(t *testing.T) {
	for name, c := range map[string]struct {
		fault  authkittest.Fault
		status int
		code   string
		clears bool
	}{
		"WorkOS is down":               {authkittest.Fault{Status: 503}, http.StatusServiceUnavailable, "unavailable", false},
		"WorkOS refuses for a reason":  {authkittest.Fault{Status: 404, Body: `{"message":"x"}`}, http.StatusForbidden, "refresh_refused", false},
		"WorkOS has ended the session": {authkittest.Fault{Status: 400, Body: `{"error":"invalid_grant"}`}, http.StatusUnauthorized, "unauthenticated", true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFromHandler(t)
			cookie := f.AcmeCookie()
			f.Fake.InjectFault(authkittest.RouteRefresh, c.fault)
			answer := f.SendAsync(Request{Method: http.MethodPost, Target: "/now/refresh", Cookie: cookie, Header: Scripted()})
			var resp Response
			require.Eventually(t, func() bool {
				select {
				case resp = <-answer:
					return true
				default:
					f.Clock.Advance(time.Second) // the exchange waits between its attempts
					return false
				}
			}, 10*time.Second, 5*time.Millisecond)
			assert.Equal(t, c.status, resp.Status, resp.Body)
			assert.Equal(t, c.code, resp.Problem(t)["code"])
			set := resp.SetCookies(t)["authkit-session"]
			assert.Equal(t, c.clears, set != nil && set.MaxAge < 0)
		})
	}
}

func TestSignOutFromAHandlerEndsTheSessionHereAndAtWorkOS(t *testing.T) {
	f := newFromHandler(t)
	cookie := f.AcmeCookie()
	resp := f.post("/now/signout", cookie)
	assert.Equal(t, f.Client().LogoutURL(f.SessionID(), f.URL+"/"), resp.Header.Get("Location"))
	assert.Negative(t, resp.SetCookies(t)["authkit-session"].MaxAge)
	assert.Equal(t, `"cache"`, resp.Header.Get("Clear-Site-Data"))
	assert.Empty(t, f.Me(cookie), "a copy of the cookie is refused")
	assert.Equal(t, "unauthenticated", f.post("/now/refresh", cookie).Problem(t)["code"])
	f.Clock.Advance(time.Minute)
	f.Fake.AwaitCalls(t, authkittest.RouteRevokeSession, 1)

	again := f.post("/now/signout", "")
	assert.Equal(t, f.URL+"/", again.Header.Get("Location"))
	assert.Equal(t, "unauthenticated", again.Header.Get("X-Error"))
}

func TestRefreshWithAStoreCallsWorkOSAfterAnotherInstanceHas(t *testing.T) {
	replicas := NewReplicas(t, 2, AppOptions{})
	a, b := &fromHandler{App: replicas.Instances[0]}, &fromHandler{App: replicas.Instances[1]}
	a.addHandlers()
	b.addHandlers()
	cookie := a.SignedIn(Kim).CookieHeader()
	a.setRole("owner")
	require.Contains(t, a.post("/now/refresh", cookie).Body, `"role":"owner"`)
	a.setRole("guest")
	resp := b.post("/now/refresh", cookie)
	assert.Contains(t, resp.Body, `"role":"guest"`, "the outcome of the first instance is older than the call")
	assert.Equal(t, 2, replicas.Fake.Calls(authkittest.RouteRefresh))
	assert.Equal(t, http.StatusOK, a.Status(t, resp.NewCookie(t)))
}
