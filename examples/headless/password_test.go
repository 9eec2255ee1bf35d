// Sign-in with a password, and sign-out.

package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestAPasswordSignsInAndReturnsToTheRequestedPage(t *testing.T) {
	t.Parallel()
	p := newSite(t).newPerson()
	p.get("/account?tab=1")
	p.assertPage("/login?return_to=%2Faccount%3Ftab%3D1", http.StatusOK, "Sign in")
	p.press("Sign in", "email", "  "+ada+" ", "password", password)
	p.assertSignedIn("/account?tab=1", ada)

	p.get("/")
	p.press("Sign out")
	p.assertPage("/", http.StatusOK, "Create an account")
	p.assertSignedOut()
}

func TestASignInReturnsOnlyToPagesOfThisApplication(t *testing.T) {
	t.Parallel()
	for _, target := range []string{
		"https://evil.example/", "//evil.example", `/\evil.example`, `\/evil.example`, "///evil.example", "javascript:alert(1)",
		"/account/..//evil.example", "/\t/evil.example", "/%2Fevil.example", "/%255Cevil.example", "account", "http:account", "/account\r\nX: y",
		"/account?" + strings.Repeat("x", 3000), "",
	} {
		t.Run(target, func(t *testing.T) {
			p := newSite(t).newPerson()
			p.get("/login?return_to=" + url.QueryEscape(target))
			p.press("Sign in", "email", ada, "password", password)
			p.assertSignedIn("/", ada)
		})
	}
}

func TestAWrongPasswordAndAnUnknownAddressGetTheSamePage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.newPerson()
	p.signIn(ada, "not the password")
	p.assertPage("/login", http.StatusUnprocessableEntity, "The email address or the password is wrong", `value="`+ada+`"`)
	known := p.Page().Body
	p.signIn(unknownUser, "not the password")
	p.assertPage("/login", http.StatusUnprocessableEntity)
	assert.Equal(t, strings.ReplaceAll(known, ada, unknownUser), p.Page().Body)
	p.assertSignedOut()

	p.press("Sign in", "email", ada, "password", password)
	p.assertSignedIn("/", ada)
}

func TestAFormWithEmptyFieldsIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.newPerson()
	for _, c := range [][2]string{{"", ""}, {ada, ""}, {"", password}, {" ", " "}} {
		p.signIn(c[0], c[1])
		p.assertPage("/login", http.StatusUnprocessableEntity, "fill in every field")
	}
	assert.Zero(t, s.fake.Calls(authkittest.RoutePassword))
}

func TestAPasswordThatIsNotPermittedIsExplained(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.newPerson()
	for code, words := range map[string]string{
		"email_password_auth_disabled":      "Passwords are switched off",
		"authentication_method_not_allowed": "switched off here",
	} {
		s.failOnce(authkittest.RoutePassword, http.StatusForbidden, `{"code":"`+code+`","message":"no"}`)
		p.signIn(ada, password)
		p.assertPage("/login", http.StatusForbidden, words, "Get a code by email")
	}
}

func TestAFormFromAnotherOriginIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, path := range []string{
		"/login", "/signup", "/login/code", "/login/code/enter", "/login/code/enter/again", "/login/verify", "/login/verify/again",
		"/login/authenticator", "/login/authenticator/new", "/login/totp", "/login/organization", "/forgot", "/reset-password",
		"/login/cancel", "/logout",
	} {
		t.Run(path, func(t *testing.T) {
			p := s.newPerson()
			form := url.Values{"email": {ada}, "password": {password}, "code": {"1"}, "organization_id": {"org_1"}}
			r, err := http.NewRequest(http.MethodPost, s.home+path, strings.NewReader(form.Encode()))
			require.NoError(t, err)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", "https://evil.example")
			for name, value := range map[string]string{"Site": "cross-site", "Mode": "navigate", "Dest": "document"} {
				r.Header.Set("Sec-Fetch-"+name, value)
			}
			response, err := p.Do(r)
			require.NoError(t, err)
			defer response.Body.Close()
			assert.Equal(t, http.StatusForbidden, response.StatusCode)
			assert.Empty(t, response.Cookies())
		})
	}
	assert.Zero(t, s.fake.Calls(authkittest.RouteAuthenticate))
	assert.Zero(t, s.fake.Calls(authkittest.RouteCreateUser))
}

func TestAStepWithoutAPendingSignInStartsOver(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, step := range []string{stepCode, stepVerify, stepEnroll, stepTOTP, stepOrganization, stepMethods, stepSSO, stepHosted} {
		p := s.newPerson()
		p.get(step)
		p.assertPage(step, http.StatusBadRequest, "Please start again")
		p.press("Sign in", "email", ada, "password", password)
		p.assertSignedIn("/", ada)
	}
}

func TestAnExpiredPendingSignInStartsOver(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.newPerson()
	p.signIn(chiara, password)
	p.assertPage("/login/organization", http.StatusOK)
	s.clock.Advance(11 * time.Minute)
	p.press("Harbor Press")
	p.assertPage("/login/organization", http.StatusBadRequest, "Please start again")
}

func TestAPendingSignInReplacedByAnotherTabStartsOver(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.newPerson()
	p.get("/account")
	p.press("Sign in", "email", chiara, "password", password)
	first := p.Page()
	p.get("/login/code")
	p.press("Email me a code", "email", dev)
	p.assertPage("/login/code/enter", http.StatusOK)

	r, err := http.NewRequest(http.MethodPost, first.URL.String(), strings.NewReader("organization_id=org_1"))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := p.Do(r)
	require.NoError(t, err)
	response.Body.Close()
	assert.Equal(t, http.StatusBadRequest, response.StatusCode)

	p.get("/login")
	p.press("Sign in", "email", ada, "password", password)
	p.assertSignedIn("/account", ada)
}

func TestAPendingSignInCanBeCancelled(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.newPerson()
	p.get("/account")
	p.press("Sign in", "email", chiara, "password", password)
	p.press("Cancel")
	p.assertPage("/login", http.StatusOK)
	p.get("/login/organization")
	p.assertPage("/login/organization", http.StatusBadRequest)
	p.press("Sign in", "email", ada, "password", password)
	p.assertSignedIn("/account", ada)
}

func TestAnOversizedFormIsRefused(t *testing.T) {
	t.Parallel()
	p := newSite(t).newPerson()
	p.signIn(ada, strings.Repeat("x", 100<<10))
	p.assertPage("/login", http.StatusBadRequest, "could not be read")
	p.askForCode(strings.Repeat("x", 10<<10) + "@example.com")
	assert.GreaterOrEqual(t, p.Page().StatusCode, 400)
}

func TestARequestFromAProgramIsNotRedirectedToSignIn(t *testing.T) {
	t.Parallel()
	p := newSite(t).newPerson()
	p.get("/")
	p.assertSignedOut()
	response, err := http.Get(p.site.home + "/account")
	require.NoError(t, err)
	defer response.Body.Close()
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
}
