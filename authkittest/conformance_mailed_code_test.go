// Calls for codes and links that WorkOS mails: Magic Auth, email verification and password reset.

package authkittest_test

import (
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// unverified adds a user whose email address is not verified, with a code in the mailbox.
func (c *conversation) unverified(email string) (id string) {
	c.Helper()
	id = c.AddUser(authkittest.User{Email: email, Password: authkittest.DefaultPassword, EmailUnverified: true}).ID
	must(c.client.SendEmailVerification(c.Context(), id))
	return id
}

var mailedCodeSteps = []step{
	{authkittest.RouteCreateMagicAuth, 201, func(c *conversation) error {
		return second(c.client.CreateMagicAuth(c.Context(), workos.CreateMagicAuthParams{Email: ada, IPAddress: "192.0.2.1", UserAgent: "test"}))
	}},
	{authkittest.RouteCreateMagicAuth, 400, func(c *conversation) error {
		return second(c.client.CreateMagicAuth(c.Context(), workos.CreateMagicAuthParams{Email: ada, InvitationToken: "none"}))
	}},
	{authkittest.RouteCreateMagicAuth, 422, func(c *conversation) error {
		return second(c.client.CreateMagicAuth(c.Context(), workos.CreateMagicAuthParams{Email: "ada"}))
	}},
	{authkittest.RouteGetMagicAuth, 200, func(c *conversation) error {
		created := must(c.client.CreateMagicAuth(c.Context(), workos.CreateMagicAuthParams{Email: "new@acme.test"}))
		return second(c.client.GetMagicAuth(c.Context(), created.ID))
	}},
	{authkittest.RouteGetMagicAuth, 404, func(c *conversation) error { return second(c.client.GetMagicAuth(c.Context(), "magic_auth_none")) }},

	{authkittest.RouteSendEmailVerification, 200, func(c *conversation) error {
		c.unverified("send@acme.test")
		return nil
	}},
	{authkittest.RouteSendEmailVerification, 400, func(c *conversation) error {
		return second(c.client.SendEmailVerification(c.Context(), c.userID(ada)))
	}},
	{authkittest.RouteSendEmailVerification, 404, func(c *conversation) error {
		return second(c.client.SendEmailVerification(c.Context(), "user_none"))
	}},
	{authkittest.RouteConfirmEmailVerification, 200, func(c *conversation) error {
		id := c.unverified("confirm@acme.test")
		return second(c.client.ConfirmEmailVerification(c.Context(), id, c.LastMail("confirm@acme.test").Code))
	}},
	{authkittest.RouteConfirmEmailVerification, 400, func(c *conversation) error {
		id := c.unverified("guess@acme.test")
		for range 5 {
			_ = second(c.client.ConfirmEmailVerification(c.Context(), id, "wrong"))
		}
		return second(c.client.ConfirmEmailVerification(c.Context(), id, c.LastMail("guess@acme.test").Code))
	}},
	{authkittest.RouteConfirmEmailVerification, 404, func(c *conversation) error {
		return second(c.client.ConfirmEmailVerification(c.Context(), "user_none", "1"))
	}},
	{authkittest.RouteGetEmailVerification, 200, func(c *conversation) error {
		c.AddUser(authkittest.User{Email: "step@acme.test", Password: authkittest.DefaultPassword, EmailUnverified: true})
		return second(c.client.GetEmailVerification(c.Context(), stepOf[*workos.EmailVerificationRequiredError](c, "step@acme.test").EmailVerificationID))
	}},
	{authkittest.RouteGetEmailVerification, 404, func(c *conversation) error {
		return second(c.client.GetEmailVerification(c.Context(), "email_verification_none"))
	}},

	{authkittest.RouteCreatePasswordReset, 201, func(c *conversation) error { return second(c.client.CreatePasswordReset(c.Context(), ada)) }},
	{authkittest.RouteCreatePasswordReset, 404, func(c *conversation) error {
		return second(c.client.CreatePasswordReset(c.Context(), "none@acme.test"))
	}},
	{authkittest.RouteGetPasswordReset, 200, func(c *conversation) error {
		return second(c.client.GetPasswordReset(c.Context(), must(c.client.CreatePasswordReset(c.Context(), ada)).ID))
	}},
	{authkittest.RouteGetPasswordReset, 404, func(c *conversation) error {
		return second(c.client.GetPasswordReset(c.Context(), "password_reset_none"))
	}},
	{authkittest.RouteConfirmPasswordReset, 200, func(c *conversation) error {
		token := must(c.client.CreatePasswordReset(c.Context(), ada)).Token
		return second(c.client.ConfirmPasswordReset(c.Context(), workos.ConfirmPasswordResetParams{Token: token, NewPassword: "staple battery horse"}))
	}},
	{authkittest.RouteConfirmPasswordReset, 400, func(c *conversation) error {
		return second(c.client.ConfirmPasswordReset(c.Context(), workos.ConfirmPasswordResetParams{Token: "none", NewPassword: "staple battery horse"}))
	}},
}
