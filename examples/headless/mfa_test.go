// The second factor: an authenticator app that is there, and one that is set up.

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

// app is the code that an authenticator app with a secret shows now.
func (s *site) app(secret string) string { return authkittest.TOTP(secret, s.clock.Now()) }

// withApp is somebody at the page that asks for the code of their app.
func withApp(t *testing.T) (*site, *person) {
	s := newSite(t)
	s.update(ada, func(p *authkittest.User) { p.Factors = []authkittest.Factor{{Secret: appSecret}} })
	p := s.visitor()
	p.get("/account")
	p.press("Sign in", "email", ada, "password", password)
	p.sees("/login/totp", http.StatusOK, ada)
	p.isOut()
	return s, p
}

func TestTheCodeOfAnAuthenticatorAppSignsIn(t *testing.T) {
	s, p := withApp(t)
	p.press("Continue", "code", s.app(appSecret))
	p.isIn("/account", ada)
}

func TestACodeOfAnAppThatDoesNotWorkSaysWhatToDo(t *testing.T) {
	t.Run("wrong, then right", func(t *testing.T) {
		s, p := withApp(t)
		for range 2 {
			p.press("Continue", "code", wrongCode)
			p.sees("/login/totp", http.StatusUnprocessableEntity, "That code is not right")
		}
		p.press("Continue", "code", s.app(appSecret))
		p.isIn("/account", ada)
		assert.Equal(t, 1, s.fake.Calls(authkittest.RouteChallengeFactor), "attempts are counted together")
	})
	t.Run("used already", func(t *testing.T) {
		s, p := withApp(t)
		other := s.visitor()
		other.signIn(ada, password)
		other.press("Continue", "code", s.app(appSecret))
		other.isIn("/", ada)
		p.press("Continue", "code", s.app(appSecret))
		p.sees("/login/totp", http.StatusUnprocessableEntity, "used already. Wait until your app shows the next one.")
		s.clock.Advance(time.Minute)
		p.press("Continue", "code", s.app(appSecret))
		p.isIn("/account", ada)
	})
	t.Run("too old", func(t *testing.T) {
		s, p := withApp(t)
		s.refuse(authkittest.RouteTOTP, http.StatusBadRequest, `{"code":"one_time_code_expired","message":"old"}`)
		p.press("Continue", "code", s.app(appSecret))
		p.sees("/login/totp", http.StatusUnprocessableEntity, "too old. Wait until")
	})
	t.Run("guessed too often", func(t *testing.T) {
		s, p := withApp(t)
		for range 6 {
			p.press("Continue", "code", wrongCode)
		}
		p.sees("/login/totp", http.StatusBadRequest, "too many wrong codes. Please start again.")
		p.press("Sign in", "email", ada, "password", password)
		p.press("Continue", "code", s.app(appSecret))
		p.isIn("/account", ada)
	})
	t.Run("of a sign-in that WorkOS has given up", func(t *testing.T) {
		s, p := withApp(t)
		s.clock.Advance(6 * time.Minute)
		p.press("Continue", "code", wrongCode) // remembers the challenge, and so the sign-in, anew
		s.clock.Advance(6 * time.Minute)
		p.press("Continue", "code", s.app(appSecret))
		p.sees("/login/totp", http.StatusBadRequest, "took too long. Please start again.")
	})
	t.Run("of an app that is gone", func(t *testing.T) {
		s, p := withApp(t)
		s.update(ada, func(p *authkittest.User) { p.Factors = nil })
		p.press("Continue", "code", s.app(appSecret))
		p.sees("/login/totp", http.StatusBadRequest, "Please start again.")
		p.press("Sign in", "email", ada, "password", password)
		p.isIn("/account", ada)
	})
}

func TestAFactorThatIsNoAppIsLeftToWorkOS(t *testing.T) {
	s := newSite(t)
	s.refuse(authkittest.RoutePassword, http.StatusForbidden,
		`{"code":"mfa_challenge","pending_authentication_token":"pending","authentication_factors":[{"id":"auth_factor_1","type":"sms"}],"user":{"id":"user_1","email":"`+ada+`"}}`)
	p := s.visitor()
	p.get("/account")
	p.press("Sign in", "email", ada, "password", password)
	p.sees("/login/elsewhere", http.StatusOK, "One more check")
	p.follow("Continue")
	p.press("Ada Okafor")
	p.isIn("/account", ada)
}

// toEnroll is somebody at the page that says that an app is needed.
func toEnroll(t *testing.T) (*site, *person) {
	s := newSite(t)
	s.update(ada, func(p *authkittest.User) { p.RequireMFA = true })
	p := s.visitor()
	p.get("/account")
	p.press("Sign in", "email", ada, "password", password)
	p.sees("/login/authenticator", http.StatusOK, "You need an authenticator app")
	p.isOut()
	return s, p
}

var secretShown = regexp.MustCompile(`<code class="secret">([A-Z2-7 ]+)</code>`)

// secret is what the page shows for typing in.
func (p *person) secret() string {
	p.site.t.Helper()
	found := secretShown.FindStringSubmatch(p.Page().Body)
	require.NotNil(p.site.t, found)
	return strings.ReplaceAll(found[1], " ", "")
}

func TestAnAuthenticatorAppIsSetUp(t *testing.T) {
	s, p := toEnroll(t)
	p.press("Show the QR code")
	p.sees("/login/authenticator/new", http.StatusOK, `<img class="qr" src="data:image/png;base64,iVBOR`, `href="otpauth://totp/`)
	secret := p.secret()
	p.press("Continue", "code", s.app(secret))
	p.isIn("/account", ada)

	s.clock.Advance(time.Minute)
	later := s.visitor()
	later.signIn(ada, password)
	later.sees("/login/totp", http.StatusOK)
	later.press("Continue", "code", s.app(secret))
	later.isIn("/", ada)
}

func TestAFirstCodeThatDoesNotWorkSaysWhatToDo(t *testing.T) {
	t.Run("wrong, then right by the secret that is still shown", func(t *testing.T) {
		s, p := toEnroll(t)
		p.press("Show the QR code")
		secret := p.secret()
		p.press("Continue", "code", wrongCode)
		p.sees("/login/authenticator", http.StatusUnprocessableEntity, "That code is not right")
		require.Equal(t, secret, p.secret())
		p.get("/login/authenticator")
		require.Equal(t, secret, p.secret())
		p.press("Continue", "code", s.app(secret))
		p.isIn("/account", ada)
	})
	t.Run("guessed too often, then of a new app that replaces the other", func(t *testing.T) {
		s, p := toEnroll(t)
		p.press("Show the QR code")
		old := p.secret()
		for range 6 {
			p.press("Continue", "code", wrongCode)
		}
		p.sees("/login/authenticator", http.StatusUnprocessableEntity, "too many wrong codes. Get a new QR code below.")
		p.press("Show a new QR code")
		p.sees("/login/authenticator/new", http.StatusOK, `src="data:image/png;base64,`)
		require.NotEqual(t, old, p.secret())
		p.press("Continue", "code", s.app(old))
		p.sees("/login/authenticator", http.StatusUnprocessableEntity, "That code is not right")
		p.press("Continue", "code", s.app(p.secret()))
		p.isIn("/account", ada)
		assert.Equal(t, 1, s.fake.Calls(authkittest.RouteDeleteFactor))
	})
	t.Run("of an app that could not be replaced", func(t *testing.T) {
		s, p := toEnroll(t)
		p.press("Show the QR code")
		s.refuse(authkittest.RouteEnrollUserFactor, http.StatusServiceUnavailable, "")
		p.press("Show a new QR code")
		p.sees("/login/authenticator/new", http.StatusServiceUnavailable, "You need an authenticator app")
		p.press("Show the QR code")
		p.press("Continue", "code", s.app(p.secret()))
		p.isIn("/account", ada)
	})
	t.Run("of an app whose predecessor stays behind", func(t *testing.T) {
		s, p := toEnroll(t)
		p.press("Show the QR code")
		s.refuse(authkittest.RouteDeleteFactor, http.StatusServiceUnavailable, "")
		p.press("Show a new QR code")
		p.press("Continue", "code", s.app(p.secret()))
		p.isIn("/account", ada)
	})
	t.Run("of an app that WorkOS tells nothing of", func(t *testing.T) {
		s, p := toEnroll(t)
		s.fake.InjectFault(authkittest.RouteEnrollUserFactor, authkittest.Fault{Status: 201, Times: 1,
			Body: `{"authentication_factor":{"id":"auth_factor_1"},"authentication_challenge":{"id":"auth_challenge_1"}}`})
		p.press("Show the QR code")
		p.sees("/login/authenticator/new", http.StatusBadGateway, "not your fault")
	})
	t.Run("before there is an app", func(t *testing.T) {
		s, p := toEnroll(t)
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

func TestAnAppThatWasNotSetUpIsNotAskedForLater(t *testing.T) {
	_, p := toEnroll(t)
	p.press("Show the QR code")
	p.press("Cancel")
	p.sees("/login", http.StatusOK)
	p.signIn(ada, password)
	p.sees("/login/authenticator", http.StatusOK, "You need an authenticator app")
}
