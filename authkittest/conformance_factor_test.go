// Calls for second factors.

package authkittest_test

import (
	"strings"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// standaloneFactor enrolls a factor without a user.
func (c *conversation) standaloneFactor(kind string) *workos.AuthFactor {
	c.Helper()
	p := workos.EnrollStandaloneAuthFactorParams{Type: kind}
	switch kind {
	case workos.AuthFactorTOTP:
		p.Issuer, p.User = "Acme", "kim"
	case workos.AuthFactorSMS:
		p.PhoneNumber = "+15005550006"
	}
	return must(c.client.EnrollStandaloneAuthFactor(c.Context(), p))
}

var factorSteps = []step{
	{authkittest.RouteEnrollUserFactor, 201, func(c *conversation) error {
		return second(c.client.EnrollAuthFactor(c.Context(), c.userID(ada), workos.EnrollAuthFactorParams{Issuer: "Acme", User: "ada", Secret: totpSecret}))
	}},
	{authkittest.RouteEnrollUserFactor, 404, func(c *conversation) error {
		return second(c.client.EnrollAuthFactor(c.Context(), "user_none", workos.EnrollAuthFactorParams{}))
	}},
	{authkittest.RouteEnrollUserFactor, 422, func(c *conversation) error {
		return second(c.client.EnrollAuthFactor(c.Context(), c.userID(ada), workos.EnrollAuthFactorParams{Secret: "0189"}))
	}},
	{authkittest.RouteListUserFactors, 200, func(c *conversation) error {
		return drain(c.client.ListAuthFactors(c.Context(), c.userID(ada), workos.Paging{}))
	}},
	{authkittest.RouteListUserFactors, 404, func(c *conversation) error {
		return drain(c.client.ListAuthFactors(c.Context(), "user_none", workos.Paging{}))
	}},
	{authkittest.RouteEnrollFactor, 201, func(c *conversation) error {
		c.standaloneFactor(workos.AuthFactorTOTP)
		return nil
	}},
	{authkittest.RouteEnrollFactor, 201, func(c *conversation) error {
		return second(c.client.EnrollStandaloneAuthFactor(c.Context(), workos.EnrollStandaloneAuthFactorParams{
			Type: workos.AuthFactorSMS, PhoneNumber: "+15005550006", UserID: c.userID(ada),
		}))
	}},
	{authkittest.RouteEnrollFactor, 404, func(c *conversation) error {
		return second(c.client.EnrollStandaloneAuthFactor(c.Context(), workos.EnrollStandaloneAuthFactorParams{
			Type: workos.AuthFactorGenericOTP, UserID: "user_none",
		}))
	}},
	{authkittest.RouteEnrollFactor, 422, func(c *conversation) error {
		return second(c.client.EnrollStandaloneAuthFactor(c.Context(), workos.EnrollStandaloneAuthFactorParams{
			Type: workos.AuthFactorTOTP, Issuer: "Acme", User: strings.Repeat("x", 3000), // too long for a QR code
		}))
	}},
	{authkittest.RouteGetFactor, 200, func(c *conversation) error {
		return second(c.client.GetAuthFactor(c.Context(), c.standaloneFactor(workos.AuthFactorSMS).ID))
	}},
	{authkittest.RouteGetFactor, 404, func(c *conversation) error {
		return second(c.client.GetAuthFactor(c.Context(), "auth_factor_none"))
	}},
	{authkittest.RouteChallengeFactor, 201, func(c *conversation) error {
		return second(c.client.ChallengeAuthFactor(c.Context(), c.standaloneFactor(workos.AuthFactorTOTP).ID))
	}},
	{authkittest.RouteChallengeFactor, 201, func(c *conversation) error {
		return second(c.client.ChallengeSMSAuthFactor(c.Context(), c.standaloneFactor(workos.AuthFactorSMS).ID, "Code: {{code}}"))
	}},
	{authkittest.RouteChallengeFactor, 404, func(c *conversation) error {
		return second(c.client.ChallengeAuthFactor(c.Context(), "auth_factor_none"))
	}},
	{authkittest.RouteVerifyChallenge, 201, func(c *conversation) error {
		factor := c.standaloneFactor(workos.AuthFactorTOTP)
		challenge := must(c.client.ChallengeAuthFactor(c.Context(), factor.ID))
		_, _, err := c.client.VerifyAuthChallenge(c.Context(), challenge.ID, "wrong") // the response says that the code is wrong
		if err != nil {
			return err
		}
		_, _, err = c.client.VerifyAuthChallenge(c.Context(), challenge.ID, authkittest.TOTP(factor.TOTP.Secret, c.clock.Now()))
		return err
	}},
	{authkittest.RouteVerifyChallenge, 400, func(c *conversation) error {
		challenge := must(c.client.ChallengeAuthFactor(c.Context(), c.standaloneFactor(workos.AuthFactorSMS).ID))
		for range 5 {
			_, _, _ = c.client.VerifyAuthChallenge(c.Context(), challenge.ID, "wrong")
		}
		_, _, err := c.client.VerifyAuthChallenge(c.Context(), challenge.ID, "wrong")
		return err
	}},
	{authkittest.RouteVerifyChallenge, 404, func(c *conversation) error {
		_, _, err := c.client.VerifyAuthChallenge(c.Context(), "auth_challenge_none", "1")
		return err
	}},
	{authkittest.RouteVerifyChallenge, 422, func(c *conversation) error {
		challenge := must(c.client.ChallengeAuthFactor(c.Context(), c.standaloneFactor(workos.AuthFactorGenericOTP).ID))
		_, _, _ = c.client.VerifyAuthChallenge(c.Context(), challenge.ID, challenge.Code)
		_, _, err := c.client.VerifyAuthChallenge(c.Context(), challenge.ID, challenge.Code)
		return err
	}},
	{authkittest.RouteDeleteFactor, 200, func(c *conversation) error {
		return c.client.DeleteAuthFactor(c.Context(), c.standaloneFactor(workos.AuthFactorSMS).ID)
	}},
	{authkittest.RouteDeleteFactor, 404, func(c *conversation) error { return c.client.DeleteAuthFactor(c.Context(), "auth_factor_none") }},
}
