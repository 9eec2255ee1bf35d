// Factors that the application asks for itself, by the calls of package workos.

package authkittest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

func TestAPhoneIsEnrolledAndItsCodeVerified(t *testing.T) {
	a := newApp(t)
	ctx, client := context.Background(), a.workos()
	factor := must(client.EnrollStandaloneAuthFactor(ctx, workos.EnrollStandaloneAuthFactorParams{
		Type: workos.AuthFactorSMS, PhoneNumber: phone, UserID: a.userID(ada),
	}))
	assert.Equal(t, &workos.SMS{PhoneNumber: phone}, factor.SMS)
	assert.Equal(t, a.userID(ada), factor.UserID)
	assert.Empty(t, a.Outbox(), "the enrollment sends no code")

	challenge := must(client.ChallengeSMSAuthFactor(ctx, factor.ID, "{{code}} is your code for Acme. Do not tell {{code}} anyone."))
	assert.Empty(t, challenge.Code, "only the phone has the code")
	assert.Equal(t, start.Add(10*time.Minute), challenge.ExpiresAt)
	code := a.LastMail(phone).Code
	assert.Equal(t, code+" is your code for Acme. Do not tell "+code+" anyone.", a.LastMail(phone).Text)
	answered, valid, err := client.VerifyAuthChallenge(ctx, challenge.ID, "wrong")
	require.NoError(t, err)
	assert.False(t, valid)
	assert.Equal(t, factor.ID, answered.AuthenticationFactorID)
	_, valid, err = client.VerifyAuthChallenge(ctx, challenge.ID, code)
	require.NoError(t, err)
	assert.True(t, valid)

	must(client.ChallengeAuthFactor(ctx, factor.ID))
	assert.Contains(t, a.LastMail(phone).Text, a.LastMail(phone).Code, "the text of WorkOS has the code too")
	assert.Contains(t, a.get(newBrowser(t), a.URL()+"/mailbox").Body, a.LastMail(phone).Text)
}

func TestTheCodeOfAGenericOTPIsDeliveredByTheApplication(t *testing.T) {
	a := newApp(t)
	ctx, client := context.Background(), a.workos()
	factor := must(client.EnrollStandaloneAuthFactor(ctx, workos.EnrollStandaloneAuthFactorParams{Type: workos.AuthFactorGenericOTP}))
	assert.Equal(t, workos.AuthFactorGenericOTP, factor.Type)
	challenge := must(client.ChallengeAuthFactor(ctx, factor.ID))
	require.NotEmpty(t, challenge.Code)
	assert.Empty(t, a.Outbox())
	_, valid, err := client.VerifyAuthChallenge(ctx, challenge.ID, "wrong")
	require.NoError(t, err)
	assert.False(t, valid)
	_, valid, err = client.VerifyAuthChallenge(ctx, challenge.ID, challenge.Code)
	require.NoError(t, err)
	assert.True(t, valid)
	assertCode(t, third(client.VerifyAuthChallenge(ctx, challenge.ID, challenge.Code)), 422, "authentication_challenge_previously_verified")

	challenge = must(client.ChallengeAuthFactor(ctx, factor.ID))
	for range 5 {
		_, valid, err = client.VerifyAuthChallenge(ctx, challenge.ID, "wrong")
		require.NoError(t, err)
		assert.False(t, valid)
	}
	assert.Equal(t, workos.OneTimeCodeTooManyAttempts, codeReason(t, third(client.VerifyAuthChallenge(ctx, challenge.ID, challenge.Code))))
}

// third returns the error of three results.
func third[A, B any](_ A, _ B, err error) error { return err }

func TestASignInWithAnSMSFactorTakesTheCodeOfThePhone(t *testing.T) {
	a := newApp(t)
	ctx, client := context.Background(), a.workos()
	factor := must(client.EnrollStandaloneAuthFactor(ctx, workos.EnrollStandaloneAuthFactorParams{
		Type: workos.AuthFactorSMS, PhoneNumber: phone, UserID: a.userID(ada),
	}))
	_, err := a.signInWithPassword()
	var mfa *workos.MFAChallengeError
	require.ErrorAs(t, err, &mfa)
	assert.Equal(t, []workos.AuthFactorChoice{{ID: factor.ID, Type: workos.AuthFactorSMS}}, mfa.Factors)
	challenge := must(client.ChallengeAuthFactor(ctx, factor.ID))
	auth := must(client.AuthenticateWithTOTP(ctx, mfa.TOTPParams(challenge.ID, a.LastMail(phone).Code)))
	assert.Equal(t, ada, auth.User.Email)
	assert.Equal(t, authkittest.MailSMS, a.LastMail(phone).Kind)
}
