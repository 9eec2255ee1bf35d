// Every form during rate limits, outages and unexpected responses: it says what to do, and works afterwards.

package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testrun"
)

// forms are all forms: how a person gets there, the route that it calls at WorkOS, and its fields.
var forms = []struct {
	name   string
	open   func(*testing.T) (*site, *person)
	route  authkittest.Route
	button string
	fields func(*site) []string
	target string // the page after a success
}{
	{"a password", atPage("/login"), authkittest.RoutePassword, "Sign in", constant("email", ada, "password", password), "/"},
	{"a new account", atPage("/signup"), authkittest.RouteCreateUser, "Create account", constant("email", kim, "password", password), "/login/verify"},
	{"a request for a code", atPage("/login/code"), authkittest.RouteCreateMagicAuth, "Email me a code", constant("email", ada), "/login/code/enter"},
	{"a code", atCode, authkittest.RouteMagicAuth, "Continue", mailedCode, "/"},
	{"a request for another code", atCode, authkittest.RouteCreateMagicAuth, "Send a new code", constant(), "/login/code/enter"},
	{"a verification", atVerification, authkittest.RouteEmailVerification, "Continue", mailedCode, "/"},
	{"a request for another verification", atVerification, authkittest.RouteSendEmailVerification, "Send a new code", constant(), "/login/verify"},
	{"an app to set up", atEnrollment, authkittest.RouteEnrollUserFactor, "Show the QR code", constant(), "/login/authenticator/new"},
	{"a challenge", atTOTP, authkittest.RouteChallengeFactor, "Continue", totpCode, "/account"},
	{"a code of an app", atTOTP, authkittest.RouteTOTP, "Continue", totpCode, "/account"},
	{"a code of a check by mail", atMailCheck, authkittest.RouteRadarEmailChallenge, "Continue", mailedCode, "/account"},
	{"a phone number", atPhone, authkittest.RouteSendRadarSMSChallenge, "Send the code", constant("phone_number", phone), "/login/check/sms"},
	{"a code of a check by SMS", atSMSCheck, authkittest.RouteRadarSMSChallenge, "Continue", textedCode, "/account"},
	{"a request for another SMS", atSMSCheck, authkittest.RouteSendRadarSMSChallenge, "Send a new code", constant(), "/login/check/sms"},
	{"an organization", atOrganizations, authkittest.RouteOrganizationSelection, "Harbor Press", constant(), "/account"},
	{"a forgotten password", atPage("/forgot"), authkittest.RouteCreatePasswordReset, "Email me a link", constant("email", ada), "/forgot/sent"},
	{"a new password", atNewPassword, authkittest.RouteConfirmPasswordReset, "Set password", constant("password", newPassword), "/reset-password/done"},
	{"an invited account", atInvitation(kim), authkittest.RouteCreateUser, "Create account and join", constant("password", password), "/"},
	{"an invited password", atInvitation(dev), authkittest.RoutePassword, "Sign in and join", constant("password", password), "/"},
	{"an invitation to send", atInvitations, authkittest.RouteSendInvitation, "Send invitation", constant("email", unknownUser), "/team?done=sent"},
	{"an invitation to send again", atInvitations, authkittest.RouteResendInvitation, "Send again", constant(), "/team?done=resent"},
	{"an invitation to revoke", atInvitations, authkittest.RouteRevokeInvitation, "Revoke", constant(), "/team?done=revoked"},
}

// At the short length, each form gets two of the errors, and each error comes to some forms.
func TestEveryFormExplainsAnErrorOfWorkOSAndCanBeRetried(t *testing.T) {
	t.Parallel()
	every := testrun.Length(4, 1)
	for i, form := range forms {
		for n, c := range []struct {
			name       string
			fault      authkittest.Fault
			status     int
			words      string
			retryAfter string
		}{
			{
				"a rate limit with Retry-After", authkittest.Fault{Status: 429, Body: `{"error":"too_many_requests"}`, Header: http.Header{"Retry-After": {"30"}}},
				http.StatusTooManyRequests, "Too many attempts. Wait for 30 seconds", "30",
			},
			{
				"a rate limit without Retry-After", authkittest.Fault{Status: 429, Body: `{"error":"too_many_requests"}`},
				http.StatusTooManyRequests, "Wait for a minute", "60",
			},
			{
				"the daily quota", authkittest.Fault{Status: 429, Body: `{"code":"daily_quota_exceeded"}`},
				http.StatusTooManyRequests, "Try again tomorrow", "",
			},
			{
				"an outage", authkittest.Fault{Status: 503, Body: "<h1>Down</h1>"},
				http.StatusServiceUnavailable, "Nothing is lost: try again in 10 seconds", "10",
			},
			{
				"an outage with Retry-After", authkittest.Fault{Status: 503, Body: "{}", Header: http.Header{"Retry-After": {"1"}}},
				http.StatusServiceUnavailable, "try again in a second", "1",
			},
			{"a broken connection", authkittest.Fault{Reset: true}, http.StatusServiceUnavailable, "cannot be reached right now", "10"},
			{"an invalid API key", authkittest.Fault{Status: 401, Body: `{"message":"bad key"}`}, http.StatusBadGateway, "not your fault", ""},
			{"an unknown error code", authkittest.Fault{Status: 400, Body: `{"code":"new_in_2030"}`}, http.StatusBadGateway, "not your fault", ""},
		} {
			if (i+n)%every != 0 {
				continue
			}
			t.Run(form.name+", "+c.name, func(t *testing.T) {
				s, p := form.open(t)
				c.fault.Times = 1
				s.fake.InjectFault(form.route, c.fault)
				page := p.press(form.button, form.fields(s)...)
				assert.Equal(t, c.status, page.StatusCode)
				assert.Contains(t, page.Body, c.words)
				assert.Equal(t, c.retryAfter, page.Header.Get("Retry-After"))
				assert.NotContains(t, page.Body, "new_in_2030")

				if form.route == authkittest.RouteOrganizationSelection {
					p.follow("Show my organizations")
				}
				p.press(form.button, form.fields(s)...)
				p.assertPage(form.target, http.StatusOK)
			})
		}
	}
}

func TestASignInWithoutSigningKeysIsExplained(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: http.StatusServiceUnavailable})
	p := s.newPerson()
	p.signIn(ada, password)
	p.assertPage("/login", http.StatusServiceUnavailable, "cannot be reached right now")
	p.assertSignedOut()
}

func TestThePagesWorkDuringAnOutageOfWorkOS(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, route := range []authkittest.Route{authkittest.RouteAuthenticate, authkittest.RouteJWKS, authkittest.RouteCreateUser} {
		s.fake.InjectFault(route, authkittest.Fault{Status: http.StatusServiceUnavailable})
	}
	p := s.newPerson()
	for _, path := range []string{"/", "/login", "/signup", "/login/code", "/forgot", "/healthz", "/style.css"} {
		p.get(path)
		p.assertPage(path, http.StatusOK)
	}
}

func atPage(path string) func(*testing.T) (*site, *person) {
	return func(t *testing.T) (*site, *person) {
		s := newSite(t)
		p := s.newPerson()
		p.get(path)
		return s, p
	}
}

func atCode(t *testing.T) (*site, *person) {
	s := newSite(t)
	p := s.newPerson()
	p.askForCode(ada)
	return s, p
}

func atVerification(t *testing.T) (*site, *person) {
	s := newSite(t)
	s.update(ada, func(p *authkittest.User) { p.EmailUnverified = true })
	p := s.newPerson()
	p.signIn(ada, password)
	p.assertPage("/login/verify", http.StatusOK)
	return s, p
}

func atNewPassword(t *testing.T) (*site, *person) {
	s := newSite(t)
	p := s.newPerson()
	p.requestReset(ada)
	p.openLink(ada)
	return s, p
}

func constant(fill ...string) func(*site) []string { return func(*site) []string { return fill } }
func mailedCode(s *site) []string                  { return []string{"code", s.code(ada)} }
func textedCode(s *site) []string                  { return []string{"code", s.code(phone)} }
func totpCode(s *site) []string                    { return []string{"code", s.totp(appSecret)} }
