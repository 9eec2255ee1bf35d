// The second factor: sign-in with an authenticator app, and enrollment of one.

package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

const appSecret = "JBSWY3DPEHPK3PXP"

// totp returns the code that an authenticator app with this secret shows now.
func (s *site) totp(secret string) string { return authkittest.TOTP(secret, s.clock.Now()) }

// atTOTP returns a person at the page that asks for the code of their app.
func atTOTP(t *testing.T) (*site, *person) {
	s := newSite(t)
	s.update(ada, func(p *authkittest.User) { p.Factors = []authkittest.Factor{{Secret: appSecret}} })
	p := s.newPerson()
	p.get("/account")
	p.press("Sign in", "email", ada, "password", password)
	p.assertPage("/login/totp", http.StatusOK, ada)
	p.assertSignedOut()
	return s, p
}

func TestACodeFromAnAuthenticatorAppSignsIn(t *testing.T) {
	t.Parallel()
	s, p := atTOTP(t)
	p.press("Continue", "code", s.totp(appSecret))
	p.assertSignedIn("/account", ada)
}

func TestAnAuthenticatorCodeThatFailsIsExplained(t *testing.T) {
	t.Parallel()
	t.Run("wrong, then right", func(t *testing.T) {
		s, p := atTOTP(t)
		for range 2 {
			p.press("Continue", "code", wrongCode)
			p.assertPage("/login/totp", http.StatusUnprocessableEntity, "That code is not right")
		}
		p.press("Continue", "code", s.totp(appSecret))
		p.assertSignedIn("/account", ada)
		assert.Equal(t, 1, s.fake.Calls(authkittest.RouteChallengeFactor), "all attempts answer one challenge")
	})
	t.Run("used already", func(t *testing.T) {
		s, p := atTOTP(t)
		other := s.newPerson()
		other.signIn(ada, password)
		other.press("Continue", "code", s.totp(appSecret))
		other.assertSignedIn("/", ada)
		p.press("Continue", "code", s.totp(appSecret))
		p.assertPage("/login/totp", http.StatusUnprocessableEntity, "used already. Wait until your app shows the next one.")
		s.clock.Advance(time.Minute)
		p.press("Continue", "code", s.totp(appSecret))
		p.assertSignedIn("/account", ada)
	})
	t.Run("expired", func(t *testing.T) {
		s, p := atTOTP(t)
		s.failOnce(authkittest.RouteTOTP, http.StatusBadRequest, `{"code":"one_time_code_expired","message":"old"}`)
		p.press("Continue", "code", s.totp(appSecret))
		p.assertPage("/login/totp", http.StatusUnprocessableEntity, "has expired. Wait until")
	})
	t.Run("guessed too often", func(t *testing.T) {
		s, p := atTOTP(t)
		for range 6 {
			p.press("Continue", "code", wrongCode)
		}
		p.assertPage("/login/totp", http.StatusBadRequest, "too many wrong codes. Please start again.")
		p.press("Sign in", "email", ada, "password", password)
		p.press("Continue", "code", s.totp(appSecret))
		p.assertSignedIn("/account", ada)
	})
	t.Run("of a sign-in that has expired at WorkOS", func(t *testing.T) {
		s, p := atTOTP(t)
		s.clock.Advance(6 * time.Minute)
		p.press("Continue", "code", wrongCode) // saves the pending sign-in again, with the challenge
		s.clock.Advance(6 * time.Minute)
		p.press("Continue", "code", s.totp(appSecret))
		p.assertPage("/login/totp", http.StatusBadRequest, "took too long. Please start again.")
	})
	t.Run("of an app that was deleted", func(t *testing.T) {
		s, p := atTOTP(t)
		s.update(ada, func(p *authkittest.User) { p.Factors = nil })
		p.press("Continue", "code", s.totp(appSecret))
		p.assertPage("/login/totp", http.StatusBadRequest, "Please start again.")
		p.press("Sign in", "email", ada, "password", password)
		p.assertSignedIn("/account", ada)
	})
}

func TestAFactorOtherThanTOTPContinuesAtWorkOS(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.failOnce(authkittest.RoutePassword, http.StatusForbidden,
		`{"code":"mfa_challenge","pending_authentication_token":"pending","authentication_factors":[{"id":"auth_factor_1","type":"sms"}],"user":{"id":"user_1","email":"`+ada+`"}}`)
	p := s.newPerson()
	p.get("/account")
	p.press("Sign in", "email", ada, "password", password)
	p.assertPage("/login/hosted-step", http.StatusOK, "One more check")
	p.follow("Continue")
	p.press("Ada Okafor")
	p.assertSignedIn("/account", ada)
}

// atEnrollment returns a person at the page that asks them to set up an authenticator app.
func atEnrollment(t *testing.T) (*site, *person) {
	s := newSite(t)
	s.update(ada, func(p *authkittest.User) { p.RequireMFA = true })
	p := s.newPerson()
	p.get("/account")
	p.press("Sign in", "email", ada, "password", password)
	p.assertPage("/login/authenticator", http.StatusOK, "You need an authenticator app")
	p.assertSignedOut()
	return s, p
}

var secretShown = regexp.MustCompile(`<code class="secret">([A-Z2-7 ]+)</code>`)

// secret returns the secret that the page shows.
func (p *person) secret() string {
	p.site.t.Helper()
	found := secretShown.FindStringSubmatch(p.Page().Body)
	require.NotNil(p.site.t, found)
	return strings.ReplaceAll(found[1], " ", "")
}

func TestAnAuthenticatorAppIsEnrolled(t *testing.T) {
	t.Parallel()
	s, p := atEnrollment(t)
	p.press("Show the QR code")
	p.assertPage("/login/authenticator/new", http.StatusOK, `<img class="qr" src="data:image/png;base64,iVBOR`, `href="otpauth://totp/`)
	secret := p.secret()
	p.press("Continue", "code", s.totp(secret))
	p.assertSignedIn("/account", ada)

	s.clock.Advance(time.Minute)
	later := s.newPerson()
	later.signIn(ada, password)
	later.assertPage("/login/totp", http.StatusOK)
	later.press("Continue", "code", s.totp(secret))
	later.assertSignedIn("/", ada)
}

func TestAFailedEnrollmentIsExplained(t *testing.T) {
	t.Parallel()
	t.Run("wrong, then right, while the secret is still shown", func(t *testing.T) {
		s, p := atEnrollment(t)
		p.press("Show the QR code")
		secret := p.secret()
		p.press("Continue", "code", wrongCode)
		p.assertPage("/login/authenticator", http.StatusUnprocessableEntity, "That code is not right")
		require.Equal(t, secret, p.secret())
		p.get("/login/authenticator")
		require.Equal(t, secret, p.secret())
		p.press("Continue", "code", s.totp(secret))
		p.assertSignedIn("/account", ada)
	})
	t.Run("guessed too often, then of a new app that replaces the other", func(t *testing.T) {
		s, p := atEnrollment(t)
		p.press("Show the QR code")
		old := p.secret()
		for range 6 {
			p.press("Continue", "code", wrongCode)
		}
		p.assertPage("/login/authenticator", http.StatusUnprocessableEntity, "too many wrong codes. Get a new QR code below.")
		p.press("Show a new QR code")
		p.assertPage("/login/authenticator/new", http.StatusOK, `src="data:image/png;base64,`)
		require.NotEqual(t, old, p.secret())
		p.press("Continue", "code", s.totp(old))
		p.assertPage("/login/authenticator", http.StatusUnprocessableEntity, "That code is not right")
		p.press("Continue", "code", s.totp(p.secret()))
		p.assertSignedIn("/account", ada)
		assert.Equal(t, 1, s.fake.Calls(authkittest.RouteDeleteFactor))
	})
	t.Run("of an app that could not be replaced", func(t *testing.T) {
		s, p := atEnrollment(t)
		p.press("Show the QR code")
		s.failOnce(authkittest.RouteEnrollUserFactor, http.StatusServiceUnavailable, "")
		p.press("Show a new QR code")
		p.assertPage("/login/authenticator/new", http.StatusServiceUnavailable, "You need an authenticator app")
		p.press("Show the QR code")
		p.press("Continue", "code", s.totp(p.secret()))
		p.assertSignedIn("/account", ada)
	})
	t.Run("of an app whose predecessor cannot be deleted", func(t *testing.T) {
		s, p := atEnrollment(t)
		p.press("Show the QR code")
		s.failOnce(authkittest.RouteDeleteFactor, http.StatusServiceUnavailable, "")
		p.press("Show a new QR code")
		p.press("Continue", "code", s.totp(p.secret()))
		p.assertSignedIn("/account", ada)
	})
	t.Run("of an app that WorkOS returns without a secret", func(t *testing.T) {
		s, p := atEnrollment(t)
		s.fake.InjectFault(authkittest.RouteEnrollUserFactor, authkittest.Fault{Status: 201, Times: 1,
			Body: `{"authentication_factor":{"id":"auth_factor_1"},"authentication_challenge":{"id":"auth_challenge_1"}}`})
		p.press("Show the QR code")
		p.assertPage("/login/authenticator/new", http.StatusBadGateway, "not your fault")
	})
	t.Run("before an app is enrolled", func(t *testing.T) {
		s, p := atEnrollment(t)
		r, err := http.NewRequest(http.MethodPost, s.home+"/login/authenticator", strings.NewReader("code=1"))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		response, err := p.Do(r)
		require.NoError(t, err)
		response.Body.Close()
		assert.Equal(t, http.StatusOK, response.StatusCode)
		assert.Zero(t, s.fake.Calls(authkittest.RouteTOTP))
	})
}

func TestACancelledEnrollmentDeletesTheAuthenticatorApp(t *testing.T) {
	t.Parallel()
	_, p := atEnrollment(t)
	p.press("Show the QR code")
	p.press("Cancel")
	p.assertPage("/login", http.StatusOK)
	p.signIn(ada, password)
	p.assertPage("/login/authenticator", http.StatusOK, "You need an authenticator app")
}

// The user closes the page with the QR code.
func TestAnEnrollmentThatWasLeftIsTakenBackAtTheNextSignIn(t *testing.T) {
	t.Parallel()
	for name, left := range map[string]time.Duration{"at once": time.Second, "when the pending sign-in has expired": time.Hour} {
		t.Run(name, func(t *testing.T) {
			s, p := atEnrollment(t)
			p.press("Show the QR code")
			s.clock.Advance(left)

			later := s.newPerson()
			later.signIn(ada, password)
			later.assertPage("/login", http.StatusBadRequest, "was not set up completely", "Sign in again")
			later.signIn(ada, password)
			later.assertPage("/login/authenticator", http.StatusOK, "You need an authenticator app")
			later.press("Show the QR code")
			secret := later.secret()
			later.press("Continue", "code", s.totp(secret))
			later.assertSignedIn("/", ada)

			s.clock.Advance(time.Minute)
			again := s.newPerson()
			again.signIn(ada, password)
			again.assertPage("/login/totp", http.StatusOK)
			again.press("Continue", "code", s.totp(secret))
			again.assertSignedIn("/", ada)
			assert.Equal(t, 1, s.fake.Calls(authkittest.RouteDeleteFactor), "a completed enrollment is never taken back")
		})
	}
}

func TestAnEnrollmentThatCouldNotBeTakenBackIsTakenBackLater(t *testing.T) {
	t.Parallel()
	s, p := atEnrollment(t)
	p.press("Show the QR code")
	s.failOnce(authkittest.RouteDeleteFactor, http.StatusServiceUnavailable, "")
	later := s.newPerson()
	later.signIn(ada, password)
	later.assertPage("/login/totp", http.StatusOK)
	later.signIn(ada, password)
	later.assertPage("/login", http.StatusBadRequest, "was not set up completely")
}

// WorkOS has accepted the code, so the app is the second factor of the account. If it were deleted, the password alone would
// be enough to enroll another one.
func TestAnEnrollmentWhoseResponseIsLostIsNotTakenBack(t *testing.T) {
	t.Parallel()
	s, p := atEnrollment(t)
	p.press("Show the QR code")
	secret := p.secret()
	s.fake.InjectFault(authkittest.RouteTOTP, authkittest.Fault{Status: http.StatusBadGateway, TakeEffect: true, Times: 1})
	p.press("Continue", "code", s.totp(secret))
	p.assertSignedOut()

	s.clock.Advance(time.Minute)
	later := s.newPerson()
	later.signIn(ada, password)
	later.assertPage("/login/totp", http.StatusOK)
	later.press("Continue", "code", s.totp(secret))
	later.assertSignedIn("/", ada)
	assert.Zero(t, s.fake.Calls(authkittest.RouteDeleteFactor))
}

func TestAnEnrollmentWithAWrongCodeIsTakenBackAtTheNextSignIn(t *testing.T) {
	t.Parallel()
	s, p := atEnrollment(t)
	p.press("Show the QR code")
	p.press("Continue", "code", wrongCode)
	later := s.newPerson()
	later.signIn(ada, password)
	later.assertPage("/login", http.StatusBadRequest, "was not set up completely")
}
