// Organizations: selection, and the sign-in methods that an organization requires.

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

// organization returns the ID of an organization with this name.
func (s *site) organization(name string) string {
	for _, o := range s.fake.Organizations() {
		if o.Name == name {
			return o.ID
		}
	}
	s.t.Fatalf("no organization %q", name)
	return ""
}

// atOrganizations returns a person at the page with their organizations.
func atOrganizations(t *testing.T) (*site, *person) {
	s := newSite(t)
	p := s.newPerson()
	p.get("/account")
	p.press("Sign in", "email", chiara, "password", password)
	p.assertPage("/login/organization", http.StatusOK, "Harbor Press", "Pine Street Studio", chiara)
	return s, p
}

func TestTheChosenOrganizationIsSignedInTo(t *testing.T) {
	t.Parallel()
	s, p := atOrganizations(t)
	p.press("Pine Street Studio")
	p.assertSignedIn("/account", s.organization("Pine Street Studio"))
}

func TestAfterARefusedOrganizationAnotherCanBeChosen(t *testing.T) {
	t.Parallel()
	s, p := atOrganizations(t)
	s.update(chiara, func(p *authkittest.User) { p.Memberships[0].Status = authkittest.MembershipInactive })
	p.press("Harbor Press")
	p.assertPage("/login/organization", http.StatusUnprocessableEntity, "can no longer sign in to that organization")
	p.follow("Show my organizations")
	assert.NotContains(t, p.Page().Body, "Harbor Press")
	p.press("Pine Street Studio")
	p.assertSignedIn("/account", s.organization("Pine Street Studio"))
}

func TestTheListOfOrganizationsCanBeRetriedAfterAnOutage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.fake.InjectFault(authkittest.RouteListMemberships, authkittest.Fault{
		Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"45"}}, Times: 1,
	})
	p := s.newPerson()
	p.signIn(chiara, password)
	p.assertPage("/login/organization", http.StatusServiceUnavailable, "try again in 45 seconds")
	assert.Equal(t, "45", p.Page().Header.Get("Retry-After"))
	p.follow("Show my organizations")
	p.press("Harbor Press")
	p.assertSignedIn("/", s.organization("Harbor Press"))
}

func TestASignInCanHaveSeveralSteps(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.update(chiara, func(p *authkittest.User) { p.EmailUnverified = true })
	s.fake.UpdateOrganization(s.organization("Pine Street Studio"), func(o *authkittest.Organization) { o.RequireMFA = true })
	p := s.newPerson()
	p.get("/account?tab=2")
	p.press("Sign in", "email", chiara, "password", password)
	p.assertPage("/login/verify", http.StatusOK)
	p.press("Continue", "code", s.code(chiara))
	p.assertPage("/login/organization", http.StatusOK)
	p.press("Pine Street Studio")
	p.assertPage("/login/authenticator", http.StatusOK)
	p.press("Show the QR code")
	p.press("Continue", "code", s.totp(p.secret()))
	p.assertSignedIn("/account?tab=2", s.organization("Pine Street Studio"))
}

// authorization returns the query of the last authorization request during start.
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

func TestAnOrganizationThatRequiresSSORedirectsToItsConnection(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.fake.UpdateOrganization(s.organization("Harbor Press"), func(o *authkittest.Organization) {
		o.RequireSSO, o.Connections = true, []string{"conn_harbor"}
	})
	p := s.newPerson()
	p.get("/account?tab=3")
	asked := authorization(t, p, func() { p.press("Sign in", "email", ada, "password", password) })
	assert.Equal(t, "conn_harbor", asked.Get("connection_id"))
	assert.Equal(t, ada, asked.Get("login_hint"))
	assert.Empty(t, asked.Get("provider"))
	p.press("Ada Okafor")
	p.assertSignedIn("/account?tab=3", "SSO")
}

func TestAChosenOrganizationCanRequireSSO(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.fake.UpdateOrganization(s.organization("Pine Street Studio"), func(o *authkittest.Organization) { o.RequireSSO = true })
	p := s.newPerson()
	p.signIn(chiara, password)
	asked := authorization(t, p, func() { p.press("Pine Street Studio") })
	assert.NotEmpty(t, asked.Get("connection_id"))
	p.press("Chiara Rossi")
	p.assertSignedIn("/", s.organization("Pine Street Studio"))
}

func TestACancelledSSOSignInCanBeRetried(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.fake.UpdateOrganization(s.organization("Harbor Press"), func(o *authkittest.Organization) { o.RequireSSO = true })
	p := s.newPerson()
	p.get("/account")
	p.press("Sign in", "email", ada, "password", password)
	p.press("Cancel")
	assert.Equal(t, http.StatusForbidden, p.Page().StatusCode)
	assert.Contains(t, p.Page().Body, "Sign-in was cancelled")
	p.follow("Try again")
	p.press("Sign in", "email", ada, "password", password)
	p.press("Ada Okafor")
	p.assertSignedIn("/account", "SSO")
}

func TestTheSSORedirectIgnoresTheQuery(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.fake.UpdateOrganization(s.organization("Harbor Press"), func(o *authkittest.Organization) {
		o.RequireSSO, o.Connections = true, []string{"conn_harbor"}
	})
	p := s.newPerson()
	p.signIn(ada, password)
	asked := authorization(t, p, func() {
		p.get("/login/sso?connection_id=conn_evil&login_hint=evil&state=evil&redirect_uri=https://evil.example&return_to=https://evil.example")
	})
	assert.Equal(t, "conn_harbor", asked.Get("connection_id"))
	assert.NotContains(t, asked.Encode(), "evil")
	p.press("Ada Okafor")
	p.assertSignedIn("/", ada)
}

func TestARefusedSignInMethodShowsThePermittedOnes(t *testing.T) {
	t.Parallel()
	permitting := func(t *testing.T, methods ...string) (*site, *person) {
		s := newSite(t)
		s.fake.UpdateOrganization(s.organization("Harbor Press"), func(o *authkittest.Organization) {
			o.AllowedMethods, o.Connections = methods, []string{"conn_harbor"}
		})
		p := s.newPerson()
		p.get("/account")
		p.press("Sign in", "email", ada, "password", password)
		p.assertPage("/login/methods", http.StatusOK, "Please sign in another way", ada)
		assert.NotContains(t, p.Page().Body, "Your password")
		return s, p
	}
	t.Run("a provider", func(t *testing.T) {
		_, p := permitting(t, "GoogleOAuth", "MagicAuth")
		asked := authorization(t, p, func() { p.follow("Google") })
		assert.Equal(t, "GoogleOAuth", asked.Get("provider"))
		assert.Equal(t, ada, asked.Get("login_hint"))
		p.press("Ada Okafor")
		p.assertSignedIn("/account", "GoogleOAuth")
	})
	t.Run("a code", func(t *testing.T) {
		s, p := permitting(t, "MagicAuth")
		p.follow("A code by email")
		p.press("Email me a code")
		p.press("Continue", "code", s.code(ada))
		p.assertSignedIn("/account", "MagicAuth")
	})
	t.Run("single sign-on", func(t *testing.T) {
		_, p := permitting(t, "SSO")
		asked := authorization(t, p, func() { p.follow("single sign-on") })
		assert.Equal(t, "conn_harbor", asked.Get("connection_id"))
		p.press("Ada Okafor")
		p.assertSignedIn("/account", "SSO")
	})
	t.Run("a password, after a code", func(t *testing.T) {
		s := newSite(t)
		s.fake.UpdateOrganization(s.organization("Harbor Press"), func(o *authkittest.Organization) { o.AllowedMethods = []string{"Password"} })
		p := s.newPerson()
		p.askForCode(ada)
		p.press("Continue", "code", s.code(ada))
		p.assertPage("/login/methods", http.StatusOK)
		p.follow("Your password")
		p.press("Sign in", "email", ada, "password", password)
		p.assertSignedIn("/", ada)
	})
	t.Run("none of this application's", func(t *testing.T) {
		s := newSite(t)
		s.failOnce(authkittest.RoutePassword, http.StatusBadRequest,
			`{"error":"organization_authentication_methods_required","email":"`+ada+`","sso_connection_ids":[],"auth_methods":{"smoke_signals":true}}`)
		p := s.newPerson()
		p.signIn(ada, password)
		p.assertPage("/login/methods", http.StatusOK, "ask its administrator")
	})
}

func TestAStepWithoutAFormHereContinuesAtWorkOS(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"radar_challenge", "passkey_progressive_enrollment", "application_consent_required"} {
		t.Run(code, func(t *testing.T) {
			s := newSite(t)
			s.failOnce(authkittest.RoutePassword, http.StatusForbidden, `{"code":"`+code+`","pending_authentication_token":"pending"}`)
			p := s.newPerson()
			p.get("/account")
			p.press("Sign in", "email", ada, "password", password)
			p.assertPage("/login/hosted-step", http.StatusOK)
			asked := authorization(t, p, func() { p.follow("Continue") })
			assert.Equal(t, "authkit", asked.Get("provider"))
			p.press("Ada Okafor")
			p.assertSignedIn("/account", ada)
		})
	}
}

// After a sign-in with a provider, WorkOS may require another step. The callback then redirects to a page of this
// application.
func TestAStepAfterAProviderSignInIsAPageOfThisApplication(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.newPerson()
	p.get("/login?return_to=/account")
	p.get("/login/with/google_oauth")
	s.failOnce(authkittest.RouteCodeExchange, http.StatusForbidden,
		`{"code":"organization_selection_required","pending_authentication_token":"pending-1","user":{"id":"`+s.person(chiara).ID+`","email":"`+chiara+`"},"organizations":[]}`)
	p.press("Ada Okafor")
	p.assertPage("/login/organization", http.StatusOK, "Harbor Press")
}

func TestAFailedCallbackShowsAPageOfThisApplication(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.newPerson()
	p.get("/login/with/google_oauth")
	s.failOnce(authkittest.RouteCodeExchange, http.StatusBadRequest, `{"error":"invalid_grant"}`)
	p.press("Ada Okafor")
	assert.Equal(t, http.StatusBadRequest, p.Page().StatusCode)
	assert.Contains(t, p.Page().Body, "Sign-in did not work")
	assert.True(t, strings.HasSuffix(p.Page().URL.Path, "/callback"))
	p.follow("Sign in")
	p.assertPage("/login", http.StatusOK)
}

func (s *site) person(email string) authkittest.User {
	for _, p := range s.fake.Users() {
		if p.Email == email {
			return p
		}
	}
	s.t.Fatalf("no user has the address %q", email)
	return authkittest.User{}
}
