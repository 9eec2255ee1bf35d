// Challenges of WorkOS Radar, by the calls of package workos and on the hosted pages.

package authkittest_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

const phone = "+15005550006"

// challenge makes Radar challenge the sign-ins of ada.
func (a *app) challenge(c authkittest.RadarChallenge, phoneNumber string) {
	a.UpdateUser(ada, func(u *authkittest.User) { u.RadarChallenge, u.PhoneNumber = c, phoneNumber })
}

// signInWithPassword signs ada in by a form of the application.
func (a *app) signInWithPassword() (*workos.Authentication, error) {
	a.Helper()
	return a.workos().AuthenticateWithPassword(context.Background(), workos.AuthenticateWithPasswordParams{
		Email: ada, Password: authkittest.DefaultPassword, IPAddress: "203.0.113.7", UserAgent: "test",
	})
}

// challenged signs ada in and returns the challenge.
func (a *app) challenged() *workos.RadarChallengeError {
	a.Helper()
	return a.radarError(second(a.signInWithPassword()))
}

func (a *app) radarError(err error) *workos.RadarChallengeError {
	a.Helper()
	var radar *workos.RadarChallengeError
	require.True(a, errors.As(err, &radar), "%v", err)
	return radar
}

// codeReason returns the reason of a refused code.
func codeReason(t *testing.T, err error) workos.OneTimeCodeReason {
	t.Helper()
	var wrong *workos.OneTimeCodeError
	require.True(t, errors.As(err, &wrong), "%v", err)
	return wrong.Reason
}

func TestAChallengeByMailIsPassedWithItsCode(t *testing.T) {
	a := newApp(t)
	a.challenge(authkittest.RadarEmail, "")
	ctx, client := context.Background(), a.workos()
	radar := a.challenged()
	assertCode(t, radar, 403, workos.CodeRadarChallenge)
	assert.Equal(t, ada, radar.User.Email)
	mail := a.LastMail(ada)
	assert.Equal(t, authkittest.MailRadarChallenge, mail.Kind)
	assert.Equal(t, "Confirm that it is you", mail.Subject())
	assert.Equal(t, &workos.RadarChallenge{
		ID: radar.RadarChallengeID, Type: "email", UserID: radar.User.ID, Email: ada, Code: mail.Code,
		ExpiresAt: start.Add(10 * time.Minute), CreatedAt: start, UpdatedAt: start,
	}, must(client.GetRadarChallenge(ctx, radar.RadarChallengeID)))
	assertCode(t, second(client.GetRadarChallenge(ctx, "radar_challenge_1")), 404, "")

	auth := must(client.AuthenticateWithRadarEmailChallenge(ctx, radar.EmailChallengeParams(mail.Code)))
	assert.Equal(t, ada, auth.User.Email)
	assert.Equal(t, "Password", auth.AuthenticationMethod)
	assert.Equal(t, http.StatusOK, a.refresh(auth.RefreshToken).status)
	assertCode(t, second(client.AuthenticateWithRadarEmailChallenge(ctx, radar.EmailChallengeParams(mail.Code))), 400, workos.CodeInvalidPendingAuthenticationToken)
	assert.Equal(t, 2, a.Calls(authkittest.RouteRadarEmailChallenge))
}

func TestARadarCodeThatFailsSaysWhy(t *testing.T) {
	a := newApp(t)
	a.challenge(authkittest.RadarEmail, "")
	ctx, client := context.Background(), a.workos()
	answer := func(radar *workos.RadarChallengeError, code string) error {
		return second(client.AuthenticateWithRadarEmailChallenge(ctx, radar.EmailChallengeParams(code)))
	}
	radar := a.challenged()
	code := a.LastMail(ada).Code
	for range 5 {
		assert.Equal(t, workos.OneTimeCodeWrong, codeReason(t, answer(radar, "wrong")))
	}
	assert.Equal(t, workos.OneTimeCodeTooManyAttempts, codeReason(t, answer(radar, code)))

	used := a.challenged()
	code = a.LastMail(ada).Code
	other := a.challenged()
	other.RadarChallengeID = used.RadarChallengeID
	require.NoError(t, answer(used, code), "a newer challenge does not end an older one")
	assert.Equal(t, workos.OneTimeCodeUsed, codeReason(t, answer(other, code)))

	old := a.challenged()
	code = a.LastMail(ada).Code
	a.clock.Advance(10 * time.Minute)
	assertCode(t, answer(old, code), 400, workos.CodeInvalidPendingAuthenticationToken)
	late := a.challenged()
	late.RadarChallengeID = old.RadarChallengeID
	assert.Equal(t, workos.OneTimeCodeExpired, codeReason(t, answer(late, code)))

	late.RadarChallengeID = "radar_challenge_1"
	assertCode(t, answer(late, code), 404, "")
	assertCode(t, second(client.AuthenticateWithRadarSMSChallenge(ctx, late.SMSChallengeParams(workos.RadarSMSChallenge{}, code))), 400, workos.CodeInvalidPendingAuthenticationToken)
	for _, missing := range []string{"code", "radar_challenge_id", "pending_authentication_token", "client_secret"} {
		got := a.grant("urn:workos:oauth:grant-type:radar-email-challenge:code", with(map[string]string{
			"code": code, "radar_challenge_id": "radar_challenge_1", "pending_authentication_token": "1",
		}, missing, ""))
		assertRefused(t, got, 400, "invalid_request")
	}
}

func TestAChallengeBySMSIsPassedWithItsCode(t *testing.T) {
	a := newApp(t)
	a.challenge(authkittest.RadarSMS, "")
	ctx, client := context.Background(), a.workos()
	radar := a.challenged()
	assertCode(t, radar, 403, workos.CodeRadarSignUpChallenge)
	assert.Empty(t, radar.RadarChallengeID)
	assert.Empty(t, a.Mailbox(ada))

	to := workos.SendRadarSMSChallengeParams{UserID: radar.User.ID, PendingAuthenticationToken: radar.PendingAuthenticationToken, PhoneNumber: phone}
	first := must(client.SendRadarSMSChallenge(ctx, to))
	assert.Equal(t, phone, first.PhoneNumber)
	firstCode := a.LastMail(phone).Code
	again := must(client.SendRadarSMSChallenge(ctx, to))
	assert.Equal(t, authkittest.MailSMS, a.LastMail(phone).Kind)
	assert.Len(t, a.Mailbox(phone), 2)
	assert.Equal(t, a.Mailbox(phone), a.Outbox())
	answer := func(challenge workos.RadarSMSChallenge, code string) error {
		return second(client.AuthenticateWithRadarSMSChallenge(ctx, radar.SMSChallengeParams(challenge, code)))
	}
	assert.Equal(t, workos.OneTimeCodeWrong, codeReason(t, answer(*first, firstCode)), "the second code replaces the first")
	code := a.LastMail(phone).Code
	assertCode(t, answer(workos.RadarSMSChallenge{VerificationID: again.VerificationID}, code), 400, workos.CodePhoneNumberRequired)
	assertCode(t, answer(workos.RadarSMSChallenge{PhoneNumber: phone}, code), 400, workos.CodeVerificationIDRequired)
	assert.Equal(t, workos.OneTimeCodeWrong, codeReason(t, answer(workos.RadarSMSChallenge{VerificationID: again.VerificationID, PhoneNumber: "+15005550007"}, code)))
	for range 5 {
		assert.Equal(t, workos.OneTimeCodeWrong, codeReason(t, answer(*again, "wrong")))
	}
	assert.Equal(t, workos.OneTimeCodeTooManyAttempts, codeReason(t, answer(*again, code)))
	require.NoError(t, answer(*must(client.SendRadarSMSChallenge(ctx, to)), a.LastMail(phone).Code))
}

func TestAChallengeBySMSToAKnownNumberNeedsTheCodeAlone(t *testing.T) {
	a := newApp(t)
	a.challenge(authkittest.RadarSMS, phone)
	ctx, client := context.Background(), a.workos()
	radar := a.challenged()
	assertCode(t, radar, 403, workos.CodeRadarSMSSignInChallenge)
	code := a.LastMail(phone).Code
	to := workos.SendRadarSMSChallengeParams{UserID: radar.User.ID, PendingAuthenticationToken: radar.PendingAuthenticationToken, PhoneNumber: "+15005550007"}
	assertCode(t, second(client.SendRadarSMSChallenge(ctx, to)), 422, workos.CodeInvalidRequestParameters)
	auth := must(client.AuthenticateWithRadarSMSChallenge(ctx, radar.SMSChallengeParams(workos.RadarSMSChallenge{}, code)))
	assert.Equal(t, ada, auth.User.Email)
	require.Len(t, a.Mailbox(phone), 1)

	radar = a.challenged()
	to.PendingAuthenticationToken, to.PhoneNumber = radar.PendingAuthenticationToken, phone
	sent := must(client.SendRadarSMSChallenge(ctx, to))
	require.NoError(t, second(client.AuthenticateWithRadarSMSChallenge(ctx, radar.SMSChallengeParams(*sent, a.LastMail(phone).Code))))
}

func TestASMSChallengeThatCannotBeSentIsRefused(t *testing.T) {
	a := newApp(t)
	a.challenge(authkittest.RadarSMS, "")
	ctx, client := context.Background(), a.workos()
	radar := a.challenged()
	valid := workos.SendRadarSMSChallengeParams{UserID: radar.User.ID, PendingAuthenticationToken: radar.PendingAuthenticationToken, PhoneNumber: phone}
	for name, c := range map[string]struct {
		change func(*workos.SendRadarSMSChallengeParams)
		status int
		code   string
	}{
		"an unknown token":     {func(p *workos.SendRadarSMSChallengeParams) { p.PendingAuthenticationToken = "1" }, 400, workos.CodeInvalidPendingAuthenticationToken},
		"another user":         {func(p *workos.SendRadarSMSChallengeParams) { p.UserID = a.userID("ben@harborpress.test") }, 400, workos.CodeUserMismatch},
		"no country code":      {func(p *workos.SendRadarSMSChallengeParams) { p.PhoneNumber = "5005550006" }, 422, workos.CodeInvalidRequestParameters},
		"a number with spaces": {func(p *workos.SendRadarSMSChallengeParams) { p.PhoneNumber = "+1 500 555 0006" }, 422, workos.CodeInvalidRequestParameters},
	} {
		t.Run(name, func(t *testing.T) {
			p := valid
			c.change(&p)
			assertCode(t, second(client.SendRadarSMSChallenge(ctx, p)), c.status, c.code)
		})
	}
	body := object{"user_id": valid.UserID, "pending_authentication_token": valid.PendingAuthenticationToken, "phone_number": phone}
	for name := range body {
		less := object{name: ""}
		for other, value := range body {
			if other != name {
				less[other] = value
			}
		}
		assertRefused(t, a.api("POST", userManagement+"/radar_challenges", less), 422, "invalid_request_parameters")
	}
	assert.Empty(t, a.Mailbox(phone))
	assert.Equal(t, workos.OneTimeCodeWrong, codeReason(t, second(client.AuthenticateWithRadarSMSChallenge(ctx,
		radar.SMSChallengeParams(workos.RadarSMSChallenge{VerificationID: "vrf_1", PhoneNumber: phone}, "1")))), "no code was sent")
}

func TestEveryGrantThatProvesAUserIsChallenged(t *testing.T) {
	ctx := context.Background()
	for name, signIn := range map[string]func(*app) error{
		"a password": func(a *app) error { return second(a.signInWithPassword()) },
		"a code by mail": func(a *app) error {
			a.magicAuth(ada)
			return second(a.workos().AuthenticateWithMagicAuth(ctx, workos.AuthenticateWithMagicAuthParams{Email: ada, Code: a.LastMail(ada).Code}))
		},
		"a provider": func(a *app) error {
			b, _ := a.authorize(map[string]string{"provider": "GoogleOAuth"})
			code := a.callbackQuery(a.press(b, "Ada", nil)).Get("code")
			return second(a.workos().AuthenticateWithCode(ctx, workos.AuthenticateWithCodeParams{Code: code, CodeVerifier: verifier}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t)
			a.challenge(authkittest.RadarEmail, "")
			radar := a.radarError(signIn(a))
			assert.Empty(t, a.Sessions())
			must(a.workos().AuthenticateWithRadarEmailChallenge(ctx, radar.EmailChallengeParams(a.LastMail(ada).Code)))
			assert.Len(t, a.Sessions(), 1)
		})
	}
}

func TestTheOtherStepsFollowARadarChallenge(t *testing.T) {
	a := newApp(t)
	a.challenge(authkittest.RadarEmail, "")
	a.UpdateUser(ada, func(u *authkittest.User) { u.EmailUnverified = true })
	ctx, client := context.Background(), a.workos()
	radar := a.challenged()
	var verify *workos.EmailVerificationRequiredError
	require.True(t, errors.As(second(client.AuthenticateWithRadarEmailChallenge(ctx, radar.EmailChallengeParams(a.LastMail(ada).Code))), &verify))
	must(client.AuthenticateWithEmailVerification(ctx, verify.VerificationParams(a.LastMail(ada).Code)))
}

func TestARadarChallengeHasItsEvents(t *testing.T) {
	a := newApp(t)
	a.challenge(authkittest.RadarEmail, "")
	radar := a.challenged()
	created := a.Events("radar.challenge_created")
	require.Len(t, created, 1)
	assert.JSONEq(t, `{"type":"email","radar_challenge_id":"`+radar.RadarChallengeID+`","user_id":"`+radar.User.ID+`","email":"`+ada+`"}`, string(created[0].Data))
	listed := a.list(workos.ListEventsParams{Types: []string{workos.EventRadarChallengeCreated}})
	require.Len(t, listed, 1)
	assert.Equal(t, &workos.MailedRadarChallenge{
		RadarChallengeID: radar.RadarChallengeID, Type: "email", UserID: radar.User.ID, Email: ada,
	}, must(listed[0].Payload()))
	assert.Empty(t, a.Events(workos.EventAuthenticationRadarRiskDetected))

	must(a.workos().AuthenticateWithRadarEmailChallenge(context.Background(), radar.EmailChallengeParams(a.LastMail(ada).Code)))
	events := a.list(workos.ListEventsParams{Types: []string{workos.EventAuthenticationRadarRiskDetected}})
	require.Len(t, events, 1)
	risk := must(events[0].Payload()).(*workos.RadarRisk)
	assert.Equal(t, &workos.RadarRisk{AuthMethod: "Password", Action: "login", Control: "bot_detection", IPAddress: "203.0.113.7", UserAgent: "test", UserID: radar.User.ID, Email: ada}, risk)
}

func TestTheHostedPagesAskAChallengedUserForTheCode(t *testing.T) {
	a := newApp(t)
	a.challenge(authkittest.RadarEmail, "")
	b, _ := a.authorize(nil)
	page := a.press(b, "Ada", nil)
	assert.Contains(t, page.Body, "was sent to <strong>"+ada)
	first := a.LastMail(ada).Code
	page = a.press(b, "Continue", url.Values{"code": {"wrong"}})
	assert.Equal(t, http.StatusUnprocessableEntity, page.StatusCode)
	assert.Contains(t, page.Body, "The one-time code is incorrect.")
	a.press(b, "Send another code", nil)
	assert.Equal(t, http.StatusUnprocessableEntity, a.press(b, "Continue", url.Values{"code": {first}}).StatusCode)
	assert.Empty(t, a.Sessions())
	done := a.callbackQuery(a.press(b, "Continue", url.Values{"code": {a.LastMail(ada).Code}}))
	assert.Equal(t, http.StatusOK, a.exchange(done.Get("code")).status)

	a.callbackQuery(a.get(b, a.authorizeURL(nil)))
	assert.Len(t, a.Mailbox(ada), 2, "a browser that has passed is not challenged again")
}

func TestTheHostedPagesAskAChallengedUserForTheNumber(t *testing.T) {
	for name, known := range map[string]string{"unknown": "", "known": phone} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t)
			a.challenge(authkittest.RadarSMS, known)
			b, _ := a.authorize(nil)
			page := a.press(b, "Ada", nil)
			if known == "" {
				page = a.press(b, "Continue", url.Values{"phone_number": {"555"}})
				assert.Equal(t, http.StatusUnprocessableEntity, page.StatusCode)
				assert.Contains(t, page.Body, "country code")
				page = a.press(b, "Continue", url.Values{"phone_number": {phone}})
			}
			assert.Contains(t, page.Body, "was sent to <strong>&#43;15005550006")
			a.press(b, "Send another code", nil)
			assert.Len(t, a.Mailbox(phone), 2)
			done := a.callbackQuery(a.press(b, "Continue", url.Values{"code": {a.LastMail(phone).Code}}))
			assert.Equal(t, http.StatusOK, a.exchange(done.Get("code")).status)
		})
	}
}

func TestAChallengedSignInAtAProviderContinuesOnTheHostedPages(t *testing.T) {
	a := newApp(t)
	a.challenge(authkittest.RadarEmail, "")
	b, got := a.signInAt(map[string]string{"provider": "GoogleOAuth"})
	assertRefused(t, got, http.StatusForbidden, "radar_challenge")
	page := a.get(b, a.authorizeURL(nil))
	assert.Contains(t, page.Body, "Confirm that it is you", "the pages know the user, but not that the code was entered")
	done := a.callbackQuery(a.press(b, "Continue", url.Values{"code": {a.LastMail(ada).Code}}))
	assert.Equal(t, http.StatusOK, a.exchange(done.Get("code")).status)
}

func TestTheChallengePageOfAUserWhoIsNotChallengedLeadsToTheSignInPage(t *testing.T) {
	a := newApp(t)
	b, page := a.authorize(nil)
	assert.Equal(t, page.URL, a.get(b, page.URL.String()+"/radar").URL)
}

func TestSignInFailsForAChallengedUser(t *testing.T) {
	a := newApp(t)
	a.challenge(authkittest.RadarEmail, "")
	b := newBrowser(t)
	_, err := b.SignIn(a.server.URL+"/login", ada)
	require.Error(t, err)
	assert.Contains(t, err.Error(), "/radar")
	a.callbackQuery(a.press(b, "Continue", url.Values{"code": {a.LastMail(ada).Code}}))
}
