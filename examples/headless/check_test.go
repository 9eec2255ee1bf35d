// The check of WorkOS Radar: codes by email and by SMS.

package main

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

const phone = "+15005550006"

// atCheck returns a person who has signed in with a password, and whom Radar challenges.
func atCheck(t *testing.T, challenge authkittest.RadarChallenge, phoneNumber, page string) (*site, *person) {
	s := newSite(t)
	s.update(ada, func(p *authkittest.User) { p.RadarChallenge, p.PhoneNumber = challenge, phoneNumber })
	p := s.newPerson()
	p.get("/account")
	p.press("Sign in", "email", ada, "password", password)
	p.assertPage(page, http.StatusOK)
	p.assertSignedOut()
	return s, p
}

func atMailCheck(t *testing.T) (*site, *person) {
	return atCheck(t, authkittest.RadarEmail, "", "/login/check/mail")
}

func atPhone(t *testing.T) (*site, *person) {
	return atCheck(t, authkittest.RadarSMS, "", "/login/check/phone")
}

// atSMSCheck returns a person whose number this application knows.
func atSMSCheck(t *testing.T) (*site, *person) {
	s, p := atPhone(t)
	p.press("Send the code", "phone_number", phone)
	p.assertPage("/login/check/sms", http.StatusOK, "We sent a code to <strong>&#43;15005550006")
	return s, p
}

// atKnownNumber returns a person whose number only WorkOS knows.
func atKnownNumber(t *testing.T) (*site, *person) {
	return atCheck(t, authkittest.RadarSMS, phone, "/login/check/sms")
}

func TestASuspiciousSignInContinuesWithACodeByEmail(t *testing.T) {
	t.Parallel()
	s, p := atMailCheck(t)
	p.assertPage("/login/check/mail", http.StatusOK, "We sent a code to <strong>"+ada)
	assert.NotContains(t, p.Page().Body, "Send a new code")
	p.press("Continue", "code", s.code(ada))
	p.assertSignedIn("/account", "Password")
}

func TestASuspiciousSignInContinuesWithACodeBySMS(t *testing.T) {
	t.Parallel()
	s, p := atSMSCheck(t)
	p.press("Continue", "code", s.code(phone))
	p.assertSignedIn("/account", "Password")
}

func TestASuspiciousSignInToAKnownNumberAsksForTheCodeAtOnce(t *testing.T) {
	t.Parallel()
	s, p := atKnownNumber(t)
	p.assertPage("/login/check/sms", http.StatusOK, "We sent a code to <strong>your phone")
	assert.NotContains(t, p.Page().Body, "Send a new code")
	assert.NotContains(t, p.Page().Body, phone[1:], "the number is that of the user, and a password alone does not reveal it")
	p.press("Continue", "code", s.code(phone))
	p.assertSignedIn("/account", ada)
}

func TestTheCodeOfACheckThatFailsIsExplained(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]struct {
		open  func(*testing.T) (*site, *person)
		page  string
		to    string
		route authkittest.Route
	}{
		"by email":              {atMailCheck, "/login/check/mail", ada, authkittest.RouteRadarEmailChallenge},
		"by SMS to a number":    {atSMSCheck, "/login/check/sms", phone, authkittest.RouteRadarSMSChallenge},
		"by SMS of a known one": {atKnownNumber, "/login/check/sms", phone, authkittest.RouteRadarSMSChallenge},
	} {
		t.Run(name+", wrong, then right", func(t *testing.T) {
			s, p := at.open(t)
			for range 2 {
				p.press("Continue", "code", wrongCode)
				p.assertPage(at.page, http.StatusUnprocessableEntity, "That code is not right")
			}
			p.press("Continue", "code", s.code(at.to))
			p.assertSignedIn("/account", ada)
		})
		t.Run(name+", of a sign-in that has expired at WorkOS", func(t *testing.T) {
			s, p := at.open(t)
			code := s.code(at.to)
			s.clock.Advance(11 * time.Minute)
			p.press("Continue", "code", code)
			p.assertPage(at.page, http.StatusBadRequest, "took too long")
		})
		for code, resent := range map[string]string{
			workos.CodeOneTimeCodeExpired:         "That code has expired. Send a new one below.",
			workos.CodeOneTimeCodePreviouslyUsed:  "That code was used already. Send a new one below.",
			workos.CodeOneTimeCodeTooManyAttempts: "There were too many wrong codes. Send a new one below.",
		} {
			t.Run(name+", "+code, func(t *testing.T) {
				s, p := at.open(t)
				s.failOnce(at.route, http.StatusBadRequest, `{"code":"`+code+`","message":"no"}`)
				p.press("Continue", "code", s.code(at.to))
				if name == "by SMS to a number" {
					p.assertPage(at.page, http.StatusUnprocessableEntity, resent)
					p.press("Send a new code")
				} else {
					p.assertPage(at.page, http.StatusBadRequest, "Please sign in again to get a new one.")
					p.press("Sign in", "email", ada, "password", password)
				}
				p.press("Continue", "code", s.code(at.to))
				p.assertSignedIn("/account", ada)
			})
		}
	}
}

func TestAnotherSMSReplacesTheFirst(t *testing.T) {
	t.Parallel()
	s, p := atSMSCheck(t)
	first := s.code(phone)
	p.press("Send a new code")
	p.assertPage("/login/check/sms", http.StatusOK, "We sent another code to")
	require.Len(t, s.fake.Mailbox(phone), 2)
	p.press("Continue", "code", first)
	p.assertPage("/login/check/sms", http.StatusUnprocessableEntity, "That code is not right")
	p.press("Continue", "code", s.code(phone))
	p.assertSignedIn("/account", ada)
}

func TestTheNumberOfACheckCanBeCorrected(t *testing.T) {
	t.Parallel()
	s, p := atPhone(t)
	for _, number := range []string{"555 0006", "my number"} {
		p.press("Send the code", "phone_number", number)
		p.assertPage("/login/check/phone", http.StatusUnprocessableEntity, "That is not a phone number")
	}
	p.press("Send the code", "phone_number", "+1 (500) 555-0007")
	p.assertPage("/login/check/sms", http.StatusOK, "&#43;15005550007")
	p.press("Use another number")
	p.assertPage("/login/check/phone", http.StatusOK, `value="&#43;15005550007"`)
	p.press("Send the code", "phone_number", phone)
	p.press("Continue", "code", s.code(phone))
	p.assertSignedIn("/account", ada)
}

func TestACheckThatIsCancelledStartsOver(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]func(*testing.T) (*site, *person){"by email": atMailCheck, "before the number": atPhone, "by SMS": atSMSCheck} {
		t.Run(name, func(t *testing.T) {
			_, p := at(t)
			page := p.Page().URL.Path
			p.press("Cancel and start again")
			p.assertPage("/login", http.StatusOK)
			p.get(page)
			p.assertPage(page, http.StatusBadRequest, "Please start again")
		})
	}
}

func TestASuspiciousSignInWithACodeContinuesWithAnotherCode(t *testing.T) {
	t.Parallel()
	s, p := atCode(t)
	s.update(ada, func(p *authkittest.User) { p.RadarChallenge = authkittest.RadarEmail })
	p.press("Continue", "code", s.code(ada))
	p.assertPage("/login/check/mail", http.StatusOK, ada)
	p.press("Continue", "code", s.code(ada))
	p.assertSignedIn("/", "MagicAuth")
}

func TestASuspiciousSignInAtAProviderContinuesOnPagesOfThisApplication(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.update(ada, func(p *authkittest.User) { p.RadarChallenge = authkittest.RadarSMS })
	p := s.newPerson()
	p.get("/login?return_to=/account")
	p.get("/login/with/google_oauth")
	p.press("Ada Okafor")
	p.assertPage("/login/check/phone", http.StatusOK)
	p.press("Send the code", "phone_number", phone)
	p.press("Continue", "code", s.code(phone))
	p.assertSignedIn("/account", "GoogleOAuth")
}

// WorkOS may not send the user with a check. The address that was typed finds the user.
func TestACheckThatDoesNotNameTheUserContinues(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.update(ada, func(p *authkittest.User) { p.RadarChallenge = authkittest.RadarSMS })
	client, err := workos.NewClient(s.fake.ClientID(), workos.WithAPIKey(s.fake.APIKey()), workos.WithBaseURL(s.fake.URL()), workos.WithClock(s.clock))
	require.NoError(t, err)
	_, err = client.AuthenticateWithPassword(context.Background(), workos.AuthenticateWithPasswordParams{Email: ada, Password: password})
	var radar *workos.RadarChallengeError
	require.True(t, errors.As(err, &radar), "%v", err)

	s.failOnce(authkittest.RoutePassword, http.StatusForbidden,
		`{"code":"radar_sms_challenge","pending_authentication_token":"`+radar.PendingAuthenticationToken+`"}`)
	p := s.newPerson()
	p.signIn(ada, password)
	p.assertPage("/login/check/phone", http.StatusOK)
	s.failOnce(authkittest.RouteListUsers, http.StatusBadRequest, `{"code":"new"}`)
	p.press("Send the code", "phone_number", phone)
	p.assertPage("/login/check/phone", http.StatusBadGateway, "not your fault")
	p.press("Send the code", "phone_number", phone)
	p.press("Continue", "code", s.code(phone))
	p.assertSignedIn("/", ada)
}

func TestACheckBySMSWithoutAUserContinuesAtWorkOS(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.newPerson()
	p.get("/login/with/google_oauth")
	s.failOnce(authkittest.RouteCodeExchange, http.StatusForbidden, `{"code":"radar_sign_up_challenge","pending_authentication_token":"pending"}`)
	p.press("Ada Okafor")
	p.assertPage("/login/hosted-step", http.StatusOK, "One more check")
}
