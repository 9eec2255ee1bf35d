// Whole sign-ins against the fake AuthKit, which refuses what WorkOS refuses.

package workos_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// The default users of the fake.
const (
	ada    = "ada@harborpress.test" // member of one organization
	chiara = "chiara@example.com"   // member of two organizations
	dev    = "dev@example.com"      // member of no organization
)

// newFake returns a fake AuthKit and a client for it, on the same clock.
func newFake(t *testing.T) (*authkittest.Server, *workos.Client, *fakeClock) {
	t.Helper()
	clock := newFakeClock()
	fake := authkittest.New(t, authkittest.WithClock(clock))
	client, err := workos.NewClient(fake.ClientID(), workos.WithAPIKey(fake.APIKey()), workos.WithBaseURL(fake.URL()), workos.WithClock(clock))
	require.NoError(t, err)
	return fake, client, clock
}

func withPassword(t *testing.T, client *workos.Client, email string) (*workos.Authentication, error) {
	t.Helper()
	return client.AuthenticateWithPassword(t.Context(), workos.AuthenticateWithPasswordParams{Email: email, Password: authkittest.DefaultPassword})
}

func TestThePasswordGrantSignsIn(t *testing.T) {
	_, client, _ := newFake(t)
	auth, err := withPassword(t, client, ada)
	require.NoError(t, err)
	assert.Equal(t, ada, auth.User.Email)
	assert.Equal(t, "Password", auth.AuthenticationMethod)
	assert.NotEmpty(t, auth.OrganizationID)

	_, err = client.AuthenticateWithPassword(t.Context(), workos.AuthenticateWithPasswordParams{Email: ada, Password: "e"})
	requireAs[*workos.InvalidCredentialsError](t, err)
}

func TestAPasswordAndAnMFAChallengeSignIn(t *testing.T) {
	fake, client, clock := newFake(t)
	const secret = "JBSWY3DPEHPK3PXP"
	fake.UpdateUser(ada, func(p *authkittest.User) { p.Factors = []authkittest.Factor{{Secret: secret}} })

	_, err := withPassword(t, client, ada)
	mfa := requireAs[*workos.MFAChallengeError](t, err)
	require.Len(t, mfa.Factors, 1)
	assert.Equal(t, ada, mfa.User.Email)
	challenge, err := client.ChallengeAuthFactor(t.Context(), mfa.Factors[0].ID)
	require.NoError(t, err)

	_, err = client.AuthenticateWithTOTP(t.Context(), mfa.TOTPParams(challenge.ID, "000000"))
	assert.Equal(t, workos.OneTimeCodeWrong, requireAs[*workos.OneTimeCodeError](t, err).Reason)

	challenge, err = client.ChallengeAuthFactor(t.Context(), mfa.Factors[0].ID)
	require.NoError(t, err)
	auth, err := client.AuthenticateWithTOTP(t.Context(), mfa.TOTPParams(challenge.ID, authkittest.TOTP(secret, clock.Now())))
	require.NoError(t, err)
	assert.Equal(t, ada, auth.User.Email)

	_, err = client.AuthenticateWithTOTP(t.Context(), mfa.TOTPParams(challenge.ID, authkittest.TOTP(secret, clock.Now())))
	assert.Equal(t, workos.CodeInvalidPendingAuthenticationToken, workos.ErrorCode(err), "a pending token works once")
}

func TestAPasswordAndARequiredMFAEnrollmentSignIn(t *testing.T) {
	fake, client, clock := newFake(t)
	fake.UpdateUser(ada, func(p *authkittest.User) { p.RequireMFA = true })

	_, err := withPassword(t, client, ada)
	mfa := requireAs[*workos.MFAEnrollmentError](t, err)
	enrollment, err := client.EnrollAuthFactor(t.Context(), mfa.User.ID, workos.EnrollAuthFactorParams{Issuer: "Harbor Press", User: ada})
	require.NoError(t, err)
	totp := enrollment.Factor.TOTP
	require.NotNil(t, totp)
	assert.Equal(t, "Harbor Press", totp.Issuer)
	assert.Contains(t, totp.URI, totp.Secret)
	assert.Contains(t, totp.QRCode, "data:image/png;base64,")

	auth, err := client.AuthenticateWithTOTP(t.Context(), mfa.TOTPParams(enrollment.Challenge.ID, authkittest.TOTP(totp.Secret, clock.Now())))
	require.NoError(t, err)
	assert.Equal(t, ada, auth.User.Email)

	listed, err := collect(client.ListAuthFactors(t.Context(), mfa.User.ID, workos.Paging{}))
	require.NoError(t, err)
	factors := listed.([]workos.AuthFactor)
	require.Len(t, factors, 1)
	assert.Equal(t, enrollment.Factor.ID, factors[0].ID)
	assert.Empty(t, factors[0].TOTP.Secret, "only the enrollment response contains the secret")
}

func TestAnAuthFactorIsChallengedVerifiedAndDeleted(t *testing.T) {
	_, client, clock := newFake(t)
	auth, err := withPassword(t, client, ada)
	require.NoError(t, err)
	enrollment, err := client.EnrollAuthFactor(t.Context(), auth.User.ID, workos.EnrollAuthFactorParams{})
	require.NoError(t, err)
	code := authkittest.TOTP(enrollment.Factor.TOTP.Secret, clock.Now())
	answered, valid, err := client.VerifyAuthChallenge(t.Context(), enrollment.Challenge.ID, code)
	require.NoError(t, err)
	assert.True(t, valid)
	assert.Equal(t, enrollment.Factor.ID, answered.AuthenticationFactorID)

	challenge, err := client.ChallengeAuthFactor(t.Context(), enrollment.Factor.ID)
	require.NoError(t, err)
	_, valid, err = client.VerifyAuthChallenge(t.Context(), challenge.ID, "000000")
	require.NoError(t, err)
	assert.False(t, valid)

	require.NoError(t, client.DeleteAuthFactor(t.Context(), enrollment.Factor.ID))
	_, err = client.GetAuthFactor(t.Context(), enrollment.Factor.ID)
	assert.True(t, workos.IsNotFound(err))
}

func TestAPasswordAndAnEmailVerificationSignIn(t *testing.T) {
	fake, client, _ := newFake(t)
	fake.UpdateUser(ada, func(p *authkittest.User) { p.EmailUnverified = true })

	_, err := withPassword(t, client, ada)
	required := requireAs[*workos.EmailVerificationRequiredError](t, err)
	assert.Equal(t, ada, required.Email)
	sent, err := client.GetEmailVerification(t.Context(), required.EmailVerificationID)
	require.NoError(t, err)
	assert.Equal(t, fake.LastMail(ada).Code, sent.Code)

	_, err = client.AuthenticateWithEmailVerification(t.Context(), required.VerificationParams("wrong"))
	assert.Equal(t, workos.OneTimeCodeWrong, requireAs[*workos.OneTimeCodeError](t, err).Reason)
	auth, err := client.AuthenticateWithEmailVerification(t.Context(), required.VerificationParams(fake.LastMail(ada).Code))
	require.NoError(t, err)
	assert.True(t, auth.User.EmailVerified)
}

func TestAnEmailAddressIsVerifiedOutsideASignIn(t *testing.T) {
	fake, client, _ := newFake(t)
	fake.UpdateUser(ada, func(p *authkittest.User) { p.EmailUnverified = true })
	user := findUser(t, client, ada)
	_, err := client.SendEmailVerification(t.Context(), user.ID)
	require.NoError(t, err)
	_, err = client.ConfirmEmailVerification(t.Context(), user.ID, "wrong")
	assert.Equal(t, workos.OneTimeCodeWrong, requireAs[*workos.OneTimeCodeError](t, err).Reason)
	confirmed, err := client.ConfirmEmailVerification(t.Context(), user.ID, fake.LastMail(ada).Code)
	require.NoError(t, err)
	assert.True(t, confirmed.EmailVerified)
	_, err = client.SendEmailVerification(t.Context(), user.ID)
	assert.Equal(t, workos.CodeEmailAlreadyVerified, workos.ErrorCode(err))
}

func TestAPasswordAndAnOrganizationSelectionSignIn(t *testing.T) {
	_, client, _ := newFake(t)
	_, err := withPassword(t, client, chiara)
	selection := requireAs[*workos.OrganizationSelectionRequiredError](t, err)
	require.Len(t, selection.Organizations, 2)
	assert.Equal(t, "Pine Street Studio", selection.Organizations[1].Name)

	_, err = client.AuthenticateWithOrganizationSelection(t.Context(), selection.SelectionParams("org_of_others"))
	assert.Equal(t, workos.CodeInvalidOrganizationID, workos.ErrorCode(err))
	auth, err := client.AuthenticateWithOrganizationSelection(t.Context(), selection.SelectionParams(selection.Organizations[1].ID))
	require.NoError(t, err)
	assert.Equal(t, selection.Organizations[1].ID, auth.OrganizationID)
}

func TestAnOrganizationPolicyErrorNamesThePermittedMethods(t *testing.T) {
	fake, client, _ := newFake(t)
	press := fake.Organizations()[0].ID
	fake.UpdateOrganization(press, func(o *authkittest.Organization) { o.RequireSSO, o.Connections = true, []string{"conn_1"} })
	_, err := withPassword(t, client, ada)
	sso := requireAs[*workos.SSORequiredError](t, err)
	assert.Equal(t, ada, sso.Email)
	assert.Equal(t, []string{"conn_1"}, sso.ConnectionIDs)

	fake.UpdateOrganization(press, func(o *authkittest.Organization) { o.RequireSSO, o.AllowedMethods = false, []string{"GoogleOAuth"} })
	_, err = withPassword(t, client, ada)
	assert.Equal(t, []string{"google_oauth"}, requireAs[*workos.OrganizationAuthMethodsRequiredError](t, err).Methods)
}

func redeemMagicAuth(t *testing.T, client *workos.Client, email, code string) (*workos.Authentication, error) {
	t.Helper()
	return client.AuthenticateWithMagicAuth(t.Context(), workos.AuthenticateWithMagicAuthParams{Email: email, Code: code})
}

func requireReason(t *testing.T, want workos.OneTimeCodeReason, err error) {
	t.Helper()
	require.Equal(t, want, requireAs[*workos.OneTimeCodeError](t, err).Reason)
}

func TestAMagicAuthCodeSignsInOnce(t *testing.T) {
	fake, client, _ := newFake(t)
	sent, err := client.CreateMagicAuth(t.Context(), workos.CreateMagicAuthParams{Email: ada})
	require.NoError(t, err)
	mailed := fake.LastMail(ada).Code
	assert.Equal(t, mailed, sent.Code)
	again, err := client.GetMagicAuth(t.Context(), sent.ID)
	require.NoError(t, err)
	assert.Equal(t, sent.ID, again.ID)

	auth, err := redeemMagicAuth(t, client, ada, mailed)
	require.NoError(t, err)
	assert.Equal(t, "MagicAuth", auth.AuthenticationMethod)
	_, err = redeemMagicAuth(t, client, ada, mailed)
	requireReason(t, workos.OneTimeCodeUsed, err)
}

func TestAMagicAuthCodeExpires(t *testing.T) {
	fake, client, clock := newFake(t)
	_, err := client.CreateMagicAuth(t.Context(), workos.CreateMagicAuthParams{Email: ada})
	require.NoError(t, err)
	clock.advance(10 * time.Minute)
	_, err = redeemMagicAuth(t, client, ada, fake.LastMail(ada).Code)
	requireReason(t, workos.OneTimeCodeExpired, err)
}

func TestAMagicAuthCodeAllowsFiveWrongAttempts(t *testing.T) {
	fake, client, _ := newFake(t)
	_, err := client.CreateMagicAuth(t.Context(), workos.CreateMagicAuthParams{Email: ada})
	require.NoError(t, err)
	for range 5 {
		_, err = redeemMagicAuth(t, client, ada, "wrong")
		requireReason(t, workos.OneTimeCodeWrong, err)
	}
	_, err = redeemMagicAuth(t, client, ada, fake.LastMail(ada).Code)
	requireReason(t, workos.OneTimeCodeTooManyAttempts, err)
}

func TestMagicAuthSignsUp(t *testing.T) {
	fake, client, _ := newFake(t)
	sent, err := client.CreateMagicAuth(t.Context(), workos.CreateMagicAuthParams{Email: "new@acme.test"})
	require.NoError(t, err)
	auth, err := redeemMagicAuth(t, client, "new@acme.test", fake.LastMail("new@acme.test").Code)
	require.NoError(t, err)
	assert.Equal(t, sent.UserID, auth.User.ID)
	assert.True(t, auth.User.EmailVerified)
}

// startFakePoll starts a device sign-in at the fake and polls for it.
func startFakePoll(t *testing.T) (*authkittest.Server, *poll, *workos.DeviceAuthorization) {
	t.Helper()
	fake, client, clock := newFake(t)
	device, err := client.AuthorizeDevice(t.Context())
	require.NoError(t, err)
	clock.next()
	p := &poll{t: t, clock: clock}
	p.done = start(func() (err error) {
		p.got, err = client.PollDevice(t.Context(), device)
		return err
	})
	return fake, p, device
}

func TestAnApprovedDeviceSignsIn(t *testing.T) {
	fake, p, device := startFakePoll(t)
	p.sleeps(5, 5)
	assert.Equal(t, 5*time.Second, p.clock.next())
	fake.ApproveDevice(device.UserCode, ada)
	p.clock.advance(5 * time.Second)
	require.NoError(t, <-p.done)
	assert.Equal(t, ada, p.got.User.Email)
}

func TestADeniedDeviceDoesNotSignIn(t *testing.T) {
	fake, p, device := startFakePoll(t)
	p.sleeps(5)
	assert.Equal(t, 5*time.Second, p.clock.next())
	fake.DenyDevice(device.UserCode)
	p.clock.advance(5 * time.Second)
	requireAs[*workos.DeviceDeniedError](t, <-p.done)
}

func TestADeviceWithoutApprovalExpires(t *testing.T) {
	_, p, device := startFakePoll(t)
	assert.Equal(t, 5*time.Second, p.clock.next())
	p.clock.advance(device.ExpiresAt.Sub(p.clock.Now()))
	requireAs[*workos.DeviceExpiredError](t, <-p.done)
}

func TestDevicePollingStaysSlowAfterTwoSlowDowns(t *testing.T) {
	fake, p, device := startFakePoll(t)
	fake.SlowDownDevices(2)
	p.sleeps(5, 10, 15)
	assert.Equal(t, 15*time.Second, p.clock.next())
	fake.ApproveDevice(device.UserCode, ada)
	p.clock.advance(15 * time.Second)
	require.NoError(t, <-p.done)
}
