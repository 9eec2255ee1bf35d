// Challenges of WorkOS Radar: the steps of sign-ins, and the calls and the grants for them.

package authkittest_test

import (
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// challengedBy makes Radar challenge the sign-ins of ada, and returns the error of one.
func (c *conversation) challengedBy(how authkittest.RadarChallenge, phoneNumber string) *workos.RadarChallengeError {
	c.Helper()
	c.app.challenge(how, phoneNumber)
	return stepOf[*workos.RadarChallengeError](c, ada)
}

// assertChallenged makes Radar challenge a sign-in of ada, requires the code of the error and returns the error.
func (c *conversation) assertChallenged(how authkittest.RadarChallenge, phoneNumber, code string) error {
	c.Helper()
	c.app.challenge(how, phoneNumber)
	err := second(c.byPassword(ada))
	assert.Equal(c, code, workos.ErrorCode(err))
	return err
}

// answerEmail continues a sign-in with a code that was mailed.
func (c *conversation) answerEmail(next *workos.RadarChallengeError, code string) error {
	return second(c.client.AuthenticateWithRadarEmailChallenge(c.Context(), next.EmailChallengeParams(code)))
}

// answerSMS continues a sign-in with a code that was sent by SMS.
func (c *conversation) answerSMS(next *workos.RadarChallengeError, sent workos.RadarSMSChallenge, code string) error {
	return second(c.client.AuthenticateWithRadarSMSChallenge(c.Context(), next.SMSChallengeParams(sent, code)))
}

// text sends the code of a challenge by SMS.
func (c *conversation) text(next *workos.RadarChallengeError, phoneNumber string) (*workos.RadarSMSChallenge, error) {
	return c.client.SendRadarSMSChallenge(c.Context(), workos.SendRadarSMSChallengeParams{
		UserID: next.User.ID, PendingAuthenticationToken: next.PendingAuthenticationToken, PhoneNumber: phoneNumber,
		IPAddress: "192.0.2.1", UserAgent: "test",
	})
}

var radarSteps = []step{
	{authkittest.RoutePassword, 403, func(c *conversation) error {
		return c.assertChallenged(authkittest.RadarEmail, "", workos.CodeRadarChallenge)
	}},
	{authkittest.RoutePassword, 403, func(c *conversation) error {
		return c.assertChallenged(authkittest.RadarSMS, "", workos.CodeRadarSignUpChallenge)
	}},
	{authkittest.RoutePassword, 403, func(c *conversation) error {
		return c.assertChallenged(authkittest.RadarSMS, phone, workos.CodeRadarSMSSignInChallenge)
	}},

	{authkittest.RouteGetRadarChallenge, 200, func(c *conversation) error {
		return second(c.client.GetRadarChallenge(c.Context(), c.challengedBy(authkittest.RadarEmail, "").RadarChallengeID))
	}},
	{authkittest.RouteGetRadarChallenge, 404, func(c *conversation) error {
		return second(c.client.GetRadarChallenge(c.Context(), "radar_challenge_none"))
	}},
	{authkittest.RouteRadarEmailChallenge, 200, func(c *conversation) error {
		return c.answerEmail(c.challengedBy(authkittest.RadarEmail, ""), c.LastMail(ada).Code)
	}},
	{authkittest.RouteRadarEmailChallenge, 400, func(c *conversation) error {
		return c.answerEmail(c.challengedBy(authkittest.RadarEmail, ""), "wrong")
	}},
	{authkittest.RouteRadarEmailChallenge, 400, func(c *conversation) error { // too many attempts
		next := c.challengedBy(authkittest.RadarEmail, "")
		for range 5 {
			_ = c.answerEmail(next, "wrong")
		}
		return c.answerEmail(next, c.LastMail(ada).Code)
	}},
	{authkittest.RouteRadarEmailChallenge, 400, func(c *conversation) error { // a code that was used
		next := c.challengedBy(authkittest.RadarEmail, "")
		used := *next
		code := c.LastMail(ada).Code
		if err := c.answerEmail(next, code); err != nil {
			return err
		}
		next = c.challengedBy(authkittest.RadarEmail, "")
		next.RadarChallengeID = used.RadarChallengeID
		return c.answerEmail(next, code)
	}},
	{authkittest.RouteRadarEmailChallenge, 400, func(c *conversation) error { // a code that has expired
		old := c.challengedBy(authkittest.RadarEmail, "")
		code := c.LastMail(ada).Code
		c.clock.Advance(time.Hour)
		next := c.challengedBy(authkittest.RadarEmail, "")
		next.RadarChallengeID = old.RadarChallengeID
		return c.answerEmail(next, code)
	}},
	{authkittest.RouteRadarEmailChallenge, 400, func(c *conversation) error { // a sign-in that has expired
		next := c.challengedBy(authkittest.RadarEmail, "")
		c.clock.Advance(time.Hour)
		return c.answerEmail(next, c.LastMail(ada).Code)
	}},
	{authkittest.RouteRadarEmailChallenge, 404, func(c *conversation) error {
		next := c.challengedBy(authkittest.RadarEmail, "")
		next.RadarChallengeID = "radar_challenge_none"
		return c.answerEmail(next, c.LastMail(ada).Code)
	}},

	{authkittest.RouteSendRadarSMSChallenge, 201, func(c *conversation) error {
		return second(c.text(c.challengedBy(authkittest.RadarSMS, ""), phone))
	}},
	{authkittest.RouteSendRadarSMSChallenge, 400, func(c *conversation) error { // another user
		next := c.challengedBy(authkittest.RadarSMS, "")
		next.User.ID = c.userID(ben)
		return second(c.text(next, phone))
	}},
	{authkittest.RouteSendRadarSMSChallenge, 400, func(c *conversation) error { // another step
		return second(c.text(c.challengedBy(authkittest.RadarEmail, ""), phone))
	}},
	{authkittest.RouteSendRadarSMSChallenge, 422, func(c *conversation) error {
		return second(c.text(c.challengedBy(authkittest.RadarSMS, ""), "5005550006"))
	}},
	{authkittest.RouteRadarSMSChallenge, 200, func(c *conversation) error {
		next := c.challengedBy(authkittest.RadarSMS, "")
		return c.answerSMS(next, *must(c.text(next, phone)), c.LastMail(phone).Code)
	}},
	{authkittest.RouteRadarSMSChallenge, 200, func(c *conversation) error { // a number that WorkOS has
		next := c.challengedBy(authkittest.RadarSMS, phone)
		return c.answerSMS(next, workos.RadarSMSChallenge{}, c.LastMail(phone).Code)
	}},
	{authkittest.RouteRadarSMSChallenge, 400, func(c *conversation) error {
		next := c.challengedBy(authkittest.RadarSMS, "")
		return c.answerSMS(next, *must(c.text(next, phone)), "wrong")
	}},
	{authkittest.RouteRadarSMSChallenge, 400, func(c *conversation) error { // without the number
		next := c.challengedBy(authkittest.RadarSMS, "")
		sent := *must(c.text(next, phone))
		sent.PhoneNumber = ""
		return c.answerSMS(next, sent, c.LastMail(phone).Code)
	}},
	{authkittest.RouteRadarSMSChallenge, 400, func(c *conversation) error { // without the ID
		next := c.challengedBy(authkittest.RadarSMS, "")
		sent := *must(c.text(next, phone))
		sent.VerificationID = ""
		return c.answerSMS(next, sent, c.LastMail(phone).Code)
	}},
}
