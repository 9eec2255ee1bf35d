// The grants, and the requests of browsers, devices and token verifiers.

package authkittest_test

import (
	"errors"
	"net/http"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// byPassword signs a user in with DefaultPassword.
func (c *conversation) byPassword(email string) (*workos.Authentication, error) {
	return c.client.AuthenticateWithPassword(c.Context(), workos.AuthenticateWithPasswordParams{
		Email: email, Password: authkittest.DefaultPassword, IPAddress: "192.0.2.1", UserAgent: "test",
	})
}

// stepOf signs a user in with DefaultPassword and returns the error for the next step.
func stepOf[T error](c *conversation, email string) (next T) {
	c.Helper()
	require.ErrorAs(c, second(c.byPassword(email)), &next)
	return next
}

// challenged is the email address of the user with an authenticator app whom grantSteps add.
const challenged = "mfa@acme.test"

// challenge returns the error of a sign-in that requires the second factor, and a challenge for it.
func (c *conversation) challenge() (next *workos.MFAChallengeError, challengeID string) {
	c.Helper()
	next = stepOf[*workos.MFAChallengeError](c, challenged)
	return next, must(c.client.ChallengeAuthFactor(c.Context(), next.Factors[0].ID)).ID
}

var grantSteps = []step{
	{authkittest.RouteCodeExchange, 200, func(c *conversation) error {
		return second(c.client.AuthenticateWithCode(c.Context(), workos.AuthenticateWithCodeParams{
			Code: c.code("Ada"), CodeVerifier: verifier, IPAddress: "192.0.2.1", UserAgent: "test",
		}))
	}},
	{authkittest.RouteCodeExchange, 200, func(c *conversation) error {
		public := c.clientOf(c.ClientID(), "")
		return second(public.AuthenticateWithCode(c.Context(), workos.AuthenticateWithCodeParams{Code: c.code("Ada"), CodeVerifier: verifier}))
	}},
	{authkittest.RouteCodeExchange, 400, func(c *conversation) error {
		return second(c.client.AuthenticateWithCode(c.Context(), workos.AuthenticateWithCodeParams{Code: "none", CodeVerifier: verifier}))
	}},
	{authkittest.RouteRefresh, 200, func(c *conversation) error {
		signedIn := must(c.byPassword(ada))
		return second(c.client.AuthenticateWithRefreshToken(c.Context(), workos.AuthenticateWithRefreshTokenParams{
			RefreshToken: signedIn.RefreshToken, OrganizationID: c.harborPress(), IPAddress: "192.0.2.1",
		}))
	}},
	{authkittest.RouteRefresh, 400, func(c *conversation) error {
		return second(c.client.AuthenticateWithRefreshToken(c.Context(), workos.AuthenticateWithRefreshTokenParams{RefreshToken: "none"}))
	}},
	{authkittest.RoutePassword, 200, func(c *conversation) error { return second(c.byPassword(ada)) }},
	{authkittest.RoutePassword, 400, func(c *conversation) error {
		return second(c.client.AuthenticateWithPassword(c.Context(), workos.AuthenticateWithPasswordParams{Email: ada, Password: "wrong"}))
	}},
	{authkittest.RouteMagicAuth, 200, func(c *conversation) error {
		sent := must(c.client.CreateMagicAuth(c.Context(), workos.CreateMagicAuthParams{Email: ada}))
		return second(c.client.AuthenticateWithMagicAuth(c.Context(), workos.AuthenticateWithMagicAuthParams{Email: ada, Code: sent.Code}))
	}},
	{authkittest.RouteMagicAuth, 400, func(c *conversation) error {
		return second(c.client.AuthenticateWithMagicAuth(c.Context(), workos.AuthenticateWithMagicAuthParams{Email: ada, Code: "wrong"}))
	}},

	{authkittest.RoutePassword, 403, func(c *conversation) error {
		c.AddUser(authkittest.User{Email: "new@acme.test", Password: authkittest.DefaultPassword, EmailUnverified: true})
		return second(c.byPassword("new@acme.test"))
	}},
	{authkittest.RouteEmailVerification, 400, func(c *conversation) error {
		next := stepOf[*workos.EmailVerificationRequiredError](c, "new@acme.test")
		return second(c.client.AuthenticateWithEmailVerification(c.Context(), workos.AuthenticateWithEmailVerificationParams{
			PendingAuthenticationToken: next.PendingAuthenticationToken, Code: "wrong",
		}))
	}},
	{authkittest.RouteEmailVerification, 200, func(c *conversation) error {
		next := stepOf[*workos.EmailVerificationRequiredError](c, "new@acme.test")
		return second(c.client.AuthenticateWithEmailVerification(c.Context(), workos.AuthenticateWithEmailVerificationParams{
			PendingAuthenticationToken: next.PendingAuthenticationToken, Code: c.LastMail("new@acme.test").Code,
		}))
	}},
	{authkittest.RoutePassword, 403, func(c *conversation) error {
		c.AddUser(authkittest.User{Email: "enrolls@acme.test", Password: authkittest.DefaultPassword, RequireMFA: true})
		return second(c.byPassword("enrolls@acme.test"))
	}},
	{authkittest.RoutePassword, 403, func(c *conversation) error {
		c.AddUser(authkittest.User{Email: challenged, Password: authkittest.DefaultPassword, Factors: []authkittest.Factor{{Secret: totpSecret}}})
		return second(c.byPassword(challenged))
	}},
	{authkittest.RouteTOTP, 200, func(c *conversation) error {
		next, challengeID := c.challenge()
		return second(c.client.AuthenticateWithTOTP(c.Context(), workos.AuthenticateWithTOTPParams{
			PendingAuthenticationToken: next.PendingAuthenticationToken, AuthenticationChallengeID: challengeID,
			Code: authkittest.TOTP(totpSecret, c.clock.Now()),
		}))
	}},
	{authkittest.RouteTOTP, 400, func(c *conversation) error {
		next, challengeID := c.challenge()
		return second(c.client.AuthenticateWithTOTP(c.Context(), workos.AuthenticateWithTOTPParams{
			PendingAuthenticationToken: next.PendingAuthenticationToken, AuthenticationChallengeID: challengeID, Code: "wrong",
		}))
	}},
	{authkittest.RoutePassword, 403, func(c *conversation) error { return second(c.byPassword("chiara@example.com")) }},
	{authkittest.RouteOrganizationSelection, 200, func(c *conversation) error {
		next := stepOf[*workos.OrganizationSelectionRequiredError](c, "chiara@example.com")
		return second(c.client.AuthenticateWithOrganizationSelection(c.Context(), workos.AuthenticateWithOrganizationSelectionParams{
			PendingAuthenticationToken: next.PendingAuthenticationToken, OrganizationID: next.Organizations[0].ID,
		}))
	}},
	{authkittest.RouteOrganizationSelection, 400, func(c *conversation) error {
		next := stepOf[*workos.OrganizationSelectionRequiredError](c, "chiara@example.com")
		return second(c.client.AuthenticateWithOrganizationSelection(c.Context(), workos.AuthenticateWithOrganizationSelectionParams{
			PendingAuthenticationToken: next.PendingAuthenticationToken, OrganizationID: "org_none",
		}))
	}},
	{authkittest.RoutePassword, 400, func(c *conversation) error {
		c.UpdateOrganization(c.harborPress(), func(o *authkittest.Organization) { o.AllowedMethods = []string{"GoogleOAuth"} })
		return second(c.byPassword(ada))
	}},
	{authkittest.RoutePassword, 400, func(c *conversation) error {
		c.UpdateOrganization(c.harborPress(), func(o *authkittest.Organization) { o.AllowedMethods, o.RequireSSO = nil, true })
		return second(c.byPassword(ada))
	}},

	{authkittest.RouteAuthorizeDevice, 200, func(c *conversation) error { return second(c.client.AuthorizeDevice(c.Context())) }},
	{authkittest.RouteAuthorizeDevice, 400, func(c *conversation) error {
		return second(c.clientOf("client_none", "").AuthorizeDevice(c.Context()))
	}},
	{authkittest.RouteDeviceToken, 200, func(c *conversation) error {
		device := must(c.client.AuthorizeDevice(c.Context()))
		c.ApproveDevice(device.UserCode, "dev@example.com")
		return second(c.client.AuthenticateWithDeviceCode(c.Context(), workos.AuthenticateWithDeviceCodeParams{DeviceCode: device.DeviceCode}))
	}},
	{authkittest.RouteDeviceToken, 400, func(c *conversation) error {
		device := must(c.client.AuthorizeDevice(c.Context()))
		poll := func() error {
			return second(c.client.AuthenticateWithDeviceCode(c.Context(), workos.AuthenticateWithDeviceCodeParams{DeviceCode: device.DeviceCode}))
		}
		pending, slowDown := poll(), poll()
		c.DenyDevice(device.UserCode)
		return errors.Join(pending, slowDown, poll())
	}},
	{authkittest.RouteDeviceToken, 400, func(c *conversation) error {
		device := must(c.client.AuthorizeDevice(c.Context()))
		c.clock.Advance(time.Hour)
		return second(c.client.AuthenticateWithDeviceCode(c.Context(), workos.AuthenticateWithDeviceCodeParams{DeviceCode: device.DeviceCode}))
	}},
}

// visit requests a URL as a browser does, and does not follow a redirect.
func (c *conversation) visit(address string) (err error) {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Context(), http.MethodGet, address, nil)
	require.NoError(c, err)
	response, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(c, err)
	defer response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		return &workos.Error{StatusCode: response.StatusCode}
	}
	return nil
}

// authorizationURL returns an authorization URL of the proxy.
func (c *conversation) authorizationURL(change func(*workos.AuthorizationParams)) string {
	c.Helper()
	p := workos.AuthorizationParams{Provider: workos.ProviderAuthKit, RedirectURI: c.callback, State: state, CodeChallenge: challenge(verifier)}
	change(&p)
	return must(c.client.AuthorizationURL(p))
}

var browserSteps = []step{
	{authkittest.RouteAuthorize, 302, func(c *conversation) error {
		maxAge := time.Hour
		return c.visit(c.authorizationURL(func(p *workos.AuthorizationParams) {
			p.LoginHint, p.ScreenHint, p.MaxAge, p.Prompt, p.DomainHint = ada, "sign-up", &maxAge, "login", "acme.test"
		}))
	}},
	{authkittest.RouteAuthorize, 302, func(c *conversation) error {
		return c.visit(c.authorizationURL(func(p *workos.AuthorizationParams) {
			p.Provider, p.ProviderScopes = "GoogleOAuth", []string{"email", "calendar"}
			p.ProviderQueryParams = map[string]string{"hd": "acme.test"}
		}))
	}},
	{authkittest.RouteAuthorize, 302, func(c *conversation) error { // with an error for the application
		return c.visit(c.authorizationURL(func(p *workos.AuthorizationParams) { p.OrganizationID = "org_none" }))
	}},
	{authkittest.RouteAuthorize, 302, func(c *conversation) error { // a browser that is signed in
		b := authkittest.NewBrowser()
		c.Cleanup(b.CloseIdleConnections)
		address := c.authorizationURL(func(*workos.AuthorizationParams) {})
		c.get(b, address)
		c.press(b, "Chiara", nil)
		c.get(b, address)
		return nil
	}},
	{authkittest.RouteAuthorize, 400, func(c *conversation) error {
		return c.visit(c.authorizationURL(func(p *workos.AuthorizationParams) { p.RedirectURI = "https://other.test/callback" }))
	}},
	{authkittest.RouteLogout, 302, func(c *conversation) error {
		c.token(ada)
		return c.visit(c.client.LogoutURL(c.Sessions()[0].ID, "http://localhost/"))
	}},
	{authkittest.RouteLogout, 422, func(c *conversation) error { return c.visit(c.client.LogoutURL("session_none", "")) }},
	{authkittest.RouteJWKS, 200, func(c *conversation) error { return c.visit(c.client.JWKSURL()) }},
	{authkittest.RouteJWKS, 404, func(c *conversation) error { return c.visit(c.clientOf("client_none", "").JWKSURL()) }},
	{authkittest.RouteDiscovery, 200, func(c *conversation) error { return second(c.client.GetOpenIDConfiguration(c.Context())) }},
	{authkittest.RouteDiscovery, 404, func(c *conversation) error {
		return second(c.clientOf("client_none", c.APIKey()).GetOpenIDConfiguration(c.Context()))
	}},
}
