// Every form while WorkOS limits, fails, or answers what nobody expects: it says what to do, and works afterwards.

package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/authkittest"
)

// forms are all of them: how somebody gets to one, what it asks of WorkOS, and how it is filled in.
var forms = []struct {
	name   string
	to     func(*testing.T) (*site, *person)
	route  authkittest.Route
	button string
	fill   func(*site) []string
	then   string // where it leads when it works
}{
	{"a password", atPage("/login"), authkittest.RoutePassword, "Sign in", fixed("email", ada, "password", password), "/"},
	{"a new account", atPage("/signup"), authkittest.RouteCreateUser, "Create account", fixed("email", kim, "password", password), "/login/verify"},
	{"a request for a code", atPage("/login/code"), authkittest.RouteCreateMagicAuth, "Mail me a code", fixed("email", ada), "/login/code/enter"},
	{"a code", askedForCode, authkittest.RouteMagicAuth, "Continue", mailed, "/"},
	{"a request for another code", askedForCode, authkittest.RouteCreateMagicAuth, "Send a new code", fixed(), "/login/code/enter"},
	{"a verification", unverified, authkittest.RouteEmailVerification, "Continue", mailed, "/"},
	{"a request for another verification", unverified, authkittest.RouteSendEmailVerification, "Send a new code", fixed(), "/login/verify"},
	{"an app to set up", toEnroll, authkittest.RouteEnrollUserFactor, "Show the QR code", fixed(), "/login/authenticator/new"},
	{"a challenge", withApp, authkittest.RouteChallengeFactor, "Continue", shownByApp, "/account"},
	{"a code of an app", withApp, authkittest.RouteTOTP, "Continue", shownByApp, "/account"},
	{"an organization", choosing, authkittest.RouteOrganizationSelection, "Harbor Press", fixed(), "/account"},
	{"a forgotten password", atPage("/forgot"), authkittest.RouteCreatePasswordReset, "Mail me a link", fixed("email", ada), "/forgot/sent"},
	{"a new password", withLink, authkittest.RouteConfirmPasswordReset, "Set password", fixed("password", newPassword), "/reset-password/done"},
}

func TestEveryFormOutlastsWhateverWorkOSAnswers(t *testing.T) {
	for _, form := range forms {
		for _, c := range []struct {
			name       string
			fault      authkittest.Fault
			status     int
			words      string
			retryAfter string
		}{
			{
				"a limit with a wait", authkittest.Fault{Status: 429, Body: `{"error":"too_many_requests"}`, Header: http.Header{"Retry-After": {"30"}}},
				http.StatusTooManyRequests, "tried too often. Wait for 30 seconds", "30",
			},
			{
				"a limit without one", authkittest.Fault{Status: 429, Body: `{"error":"too_many_requests"}`},
				http.StatusTooManyRequests, "Wait for a minute", "60",
			},
			{
				"the quota of a day", authkittest.Fault{Status: 429, Body: `{"code":"daily_quota_exceeded"}`},
				http.StatusTooManyRequests, "Try again tomorrow", "",
			},
			{
				"an outage", authkittest.Fault{Status: 503, Body: "<h1>Down</h1>"},
				http.StatusServiceUnavailable, "Nothing is lost: try again in 10 seconds", "10",
			},
			{
				"an outage with an end", authkittest.Fault{Status: 503, Body: "{}", Header: http.Header{"Retry-After": {"1"}}},
				http.StatusServiceUnavailable, "try again in a second", "1",
			},
			{"a broken connection", authkittest.Fault{Reset: true}, http.StatusServiceUnavailable, "cannot be reached right now", "10"},
			{"a refusal of this application itself", authkittest.Fault{Status: 401, Body: `{"message":"bad key"}`}, http.StatusBadGateway, "not your fault", ""},
			{"a code that nobody has heard of", authkittest.Fault{Status: 400, Body: `{"code":"new_in_2030"}`}, http.StatusBadGateway, "not your fault", ""},
		} {
			t.Run(form.name+", "+c.name, func(t *testing.T) {
				s, p := form.to(t)
				c.fault.Times = 1
				s.fake.InjectFault(form.route, c.fault)
				page := p.press(form.button, form.fill(s)...)
				assert.Equal(t, c.status, page.StatusCode)
				assert.Contains(t, page.Body, c.words)
				assert.Equal(t, c.retryAfter, page.Header.Get("Retry-After"))
				assert.NotContains(t, page.Body, "new_in_2030")

				if form.route == authkittest.RouteOrganizationSelection {
					p.follow("Show my organizations")
				}
				p.press(form.button, form.fill(s)...)
				p.sees(form.then, http.StatusOK)
			})
		}
	}
}

func TestASignInThatCannotBeVerifiedSaysSo(t *testing.T) {
	s := newSite(t)
	s.fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: http.StatusServiceUnavailable})
	p := s.visitor()
	p.signIn(ada, password)
	p.sees("/login", http.StatusServiceUnavailable, "cannot be reached right now")
	p.isOut()
}

func TestPagesStayOpenWhileWorkOSIsDown(t *testing.T) {
	s := newSite(t)
	for _, route := range []authkittest.Route{authkittest.RouteAuthenticate, authkittest.RouteJWKS, authkittest.RouteCreateUser} {
		s.fake.InjectFault(route, authkittest.Fault{Status: http.StatusServiceUnavailable})
	}
	p := s.visitor()
	for _, path := range []string{"/", "/login", "/signup", "/login/code", "/forgot", "/healthz", "/style.css"} {
		p.get(path)
		p.sees(path, http.StatusOK)
	}
}

func atPage(path string) func(*testing.T) (*site, *person) {
	return func(t *testing.T) (*site, *person) {
		s := newSite(t)
		p := s.visitor()
		p.get(path)
		return s, p
	}
}

func askedForCode(t *testing.T) (*site, *person) {
	s := newSite(t)
	p := s.visitor()
	p.askForCode(ada)
	return s, p
}

func unverified(t *testing.T) (*site, *person) {
	s := newSite(t)
	s.update(ada, func(p *authkittest.User) { p.EmailUnverified = true })
	p := s.visitor()
	p.signIn(ada, password)
	p.sees("/login/verify", http.StatusOK)
	return s, p
}

func withLink(t *testing.T) (*site, *person) {
	s := newSite(t)
	p := s.visitor()
	p.forget(ada)
	p.open(ada)
	return s, p
}

func fixed(fill ...string) func(*site) []string { return func(*site) []string { return fill } }
func mailed(s *site) []string                   { return []string{"code", s.code(ada)} }
func shownByApp(s *site) []string               { return []string{"code", s.app(appSecret)} }
