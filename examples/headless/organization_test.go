// Organizations: choosing one, and what one may demand.

package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// organization finds one of the fake's by its name.
func (s *site) organization(name string) string {
	for _, o := range s.fake.Organizations() {
		if o.Name == name {
			return o.ID
		}
	}
	s.t.Fatalf("no organization %q", name)
	return ""
}

// choosing is somebody at the page with their organizations.
func choosing(t *testing.T) (*site, *person) {
	s := newSite(t)
	p := s.visitor()
	p.get("/account")
	p.press("Sign in", "email", chiara, "password", password)
	p.sees("/login/organization", http.StatusOK, "Harbor Press", "Pine Street Studio", chiara)
	return s, p
}

func TestAnOrganizationIsChosen(t *testing.T) {
	s, p := choosing(t)
	p.press("Pine Street Studio")
	p.isIn("/account", s.organization("Pine Street Studio"))
}

func TestAnOrganizationThatCannotBeChosenLeavesTheOthers(t *testing.T) {
	s, p := choosing(t)
	s.update(chiara, func(p *authkittest.User) { p.Memberships[0].Status = authkittest.MembershipInactive })
	p.press("Harbor Press")
	p.sees("/login/organization", http.StatusUnprocessableEntity, "cannot sign in to that organization")
	p.follow("Show my organizations")
	assert.NotContains(t, p.Page().Body, "Harbor Press")
	p.press("Pine Street Studio")
	p.isIn("/account", s.organization("Pine Street Studio"))
}

func TestOrganizationsThatCannotBeListedAreAskedForAgain(t *testing.T) {
	s := newSite(t)
	s.fake.InjectFault(authkittest.RouteListMemberships, authkittest.Fault{
		Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"45"}}, Times: 1,
	})
	p := s.visitor()
	p.signIn(chiara, password)
	p.sees("/login/organization", http.StatusServiceUnavailable, "try again in 45 seconds")
	assert.Equal(t, "45", p.Page().Header.Get("Retry-After"))
	p.follow("Show my organizations")
	p.press("Harbor Press")
	p.isIn("/", s.organization("Harbor Press"))
}

func TestOneStepLeadsToTheNext(t *testing.T) {
	s := newSite(t)
	s.update(chiara, func(p *authkittest.User) { p.EmailUnverified = true })
	s.fake.UpdateOrganization(s.organization("Pine Street Studio"), func(o *authkittest.Organization) { o.RequireMFA = true })
	p := s.visitor()
	p.get("/account?tab=2")
	p.press("Sign in", "email", chiara, "password", password)
	p.sees("/login/verify", http.StatusOK)
	p.press("Continue", "code", s.code(chiara))
	p.sees("/login/organization", http.StatusOK)
	p.press("Pine Street Studio")
	p.sees("/login/authenticator", http.StatusOK)
	p.press("Show the QR code")
	p.press("Continue", "code", s.app(p.secret()))
	p.isIn("/account?tab=2", s.organization("Pine Street Studio"))
}

// authorization is what the browser was last sent to WorkOS with.
func authorization(t *testing.T, p *person, start func()) url.Values {
	t.Helper()
	var asked url.Values
	p.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/user_management/authorize" {
			asked = r.URL.Query()
		}
		return nil
	}
	start()
	require.NotNil(t, asked)
	return asked
}

func TestAnOrganizationWithSingleSignOnSendsTheBrowserThere(t *testing.T) {
	s := newSite(t)
	s.fake.UpdateOrganization(s.organization("Harbor Press"), func(o *authkittest.Organization) {
		o.RequireSSO, o.Connections = true, []string{"conn_harbor"}
	})
	p := s.visitor()
	p.get("/account?tab=3")
	asked := authorization(t, p, func() { p.press("Sign in", "email", ada, "password", password) })
	assert.Equal(t, "conn_harbor", asked.Get("connection_id"))
	assert.Equal(t, ada, asked.Get("login_hint"))
	assert.Empty(t, asked.Get("provider"))
	p.press("Ada Okafor")
	p.isIn("/account?tab=3", "SSO")
}

func TestSingleSignOnIsDemandedAfterTheChoice(t *testing.T) {
	s := newSite(t)
	s.fake.UpdateOrganization(s.organization("Pine Street Studio"), func(o *authkittest.Organization) { o.RequireSSO = true })
	p := s.visitor()
	p.signIn(chiara, password)
	asked := authorization(t, p, func() { p.press("Pine Street Studio") })
	assert.NotEmpty(t, asked.Get("connection_id"))
	p.press("Chiara Rossi")
	p.isIn("/", s.organization("Pine Street Studio"))
}

func TestASingleSignOnThatIsCancelledCanBeTriedAgain(t *testing.T) {
	s := newSite(t)
	s.fake.UpdateOrganization(s.organization("Harbor Press"), func(o *authkittest.Organization) { o.RequireSSO = true })
	p := s.visitor()
	p.get("/account")
	p.press("Sign in", "email", ada, "password", password)
	p.press("Cancel")
	assert.Equal(t, http.StatusForbidden, p.Page().StatusCode)
	assert.Contains(t, p.Page().Body, "Sign-in was cancelled")
	p.follow("Try again")
	p.press("Sign in", "email", ada, "password", password)
	p.press("Ada Okafor")
	p.isIn("/account", "SSO")
}

func TestSingleSignOnTakesNothingFromTheQuery(t *testing.T) {
	s := newSite(t)
	s.fake.UpdateOrganization(s.organization("Harbor Press"), func(o *authkittest.Organization) {
		o.RequireSSO, o.Connections = true, []string{"conn_harbor"}
	})
	p := s.visitor()
	p.signIn(ada, password)
	asked := authorization(t, p, func() {
		p.get("/login/sso?connection_id=conn_evil&login_hint=evil&state=evil&redirect_uri=https://evil.example&return_to=https://evil.example")
	})
	assert.Equal(t, "conn_harbor", asked.Get("connection_id"))
	assert.NotContains(t, asked.Encode(), "evil")
	p.press("Ada Okafor")
	p.isIn("/", ada)
}

func TestAnOrganizationThatDoesNotPermitThisWayNamesTheOthers(t *testing.T) {
	permitting := func(t *testing.T, methods ...string) (*site, *person) {
		s := newSite(t)
		s.fake.UpdateOrganization(s.organization("Harbor Press"), func(o *authkittest.Organization) {
			o.AllowedMethods, o.Connections = methods, []string{"conn_harbor"}
		})
		p := s.visitor()
		p.get("/account")
		p.press("Sign in", "email", ada, "password", password)
		p.sees("/login/methods", http.StatusOK, "Please sign in another way", ada)
		assert.NotContains(t, p.Page().Body, "Your password")
		return s, p
	}
	t.Run("a provider", func(t *testing.T) {
		_, p := permitting(t, "GoogleOAuth", "MagicAuth")
		asked := authorization(t, p, func() { p.follow("Google") })
		assert.Equal(t, "GoogleOAuth", asked.Get("provider"))
		assert.Equal(t, ada, asked.Get("login_hint"))
		p.press("Ada Okafor")
		p.isIn("/account", "GoogleOAuth")
	})
	t.Run("a code", func(t *testing.T) {
		s, p := permitting(t, "MagicAuth")
		p.follow("A code by email")
		p.press("Mail me a code")
		p.press("Continue", "code", s.code(ada))
		p.isIn("/account", "MagicAuth")
	})
	t.Run("single sign-on", func(t *testing.T) {
		_, p := permitting(t, "SSO")
		asked := authorization(t, p, func() { p.follow("single sign-on") })
		assert.Equal(t, "conn_harbor", asked.Get("connection_id"))
		p.press("Ada Okafor")
		p.isIn("/account", "SSO")
	})
	t.Run("a password, after a code", func(t *testing.T) {
		s := newSite(t)
		s.fake.UpdateOrganization(s.organization("Harbor Press"), func(o *authkittest.Organization) { o.AllowedMethods = []string{"Password"} })
		p := s.visitor()
		p.askForCode(ada)
		p.press("Continue", "code", s.code(ada))
		p.sees("/login/methods", http.StatusOK)
		p.follow("Your password")
		p.press("Sign in", "email", ada, "password", password)
		p.isIn("/", ada)
	})
	t.Run("none that there is here", func(t *testing.T) {
		s := newSite(t)
		s.refuse(authkittest.RoutePassword, http.StatusBadRequest,
			`{"error":"organization_authentication_methods_required","email":"`+ada+`","sso_connection_ids":[],"auth_methods":{"smoke_signals":true}}`)
		p := s.visitor()
		p.signIn(ada, password)
		p.sees("/login/methods", http.StatusOK, "ask its administrator")
	})
}

func TestASignInThatWorkOSWantsToLookAtGoesThere(t *testing.T) {
	for _, code := range []string{"radar_challenge", "passkey_progressive_enrollment", "application_consent_required"} {
		t.Run(code, func(t *testing.T) {
			s := newSite(t)
			s.refuse(authkittest.RoutePassword, http.StatusForbidden, `{"code":"`+code+`","pending_authentication_token":"pending"}`)
			p := s.visitor()
			p.get("/account")
			p.press("Sign in", "email", ada, "password", password)
			p.sees("/login/elsewhere", http.StatusOK)
			asked := authorization(t, p, func() { p.follow("Continue") })
			assert.Equal(t, "authkit", asked.Get("provider"))
			p.press("Ada Okafor")
			p.isIn("/account", ada)
		})
	}
}

// A provider vouches for the person, and WorkOS may still want more: the callback then leads to a page of this
// application.
func TestANextStepAfterAProviderIsOneOfThisApplication(t *testing.T) {
	s := newSite(t)
	p := s.visitor()
	p.get("/login?return_to=/account")
	p.get("/login/with/google_oauth")
	s.refuse(authkittest.RouteCodeExchange, http.StatusForbidden,
		`{"code":"organization_selection_required","pending_authentication_token":"pending-1","user":{"id":"`+s.person(chiara).ID+`","email":"`+chiara+`"},"organizations":[]}`)
	p.press("Ada Okafor")
	p.sees("/login/organization", http.StatusOK, "Harbor Press")
}

func TestACallbackThatFailsIsAPageOfThisApplication(t *testing.T) {
	s := newSite(t)
	p := s.visitor()
	p.get("/login/with/google_oauth")
	s.refuse(authkittest.RouteCodeExchange, http.StatusBadRequest, `{"error":"invalid_grant"}`)
	p.press("Ada Okafor")
	assert.Equal(t, http.StatusBadRequest, p.Page().StatusCode)
	assert.Contains(t, p.Page().Body, "Sign-in did not work")
	assert.True(t, strings.HasSuffix(p.Page().URL.Path, "/callback"))
	p.follow("Sign in")
	p.sees("/login", http.StatusOK)
}

func (s *site) person(email string) authkittest.User {
	for _, p := range s.fake.Users() {
		if p.Email == email {
			return p
		}
	}
	s.t.Fatalf("nobody has the address %q", email)
	return authkittest.User{}
}
