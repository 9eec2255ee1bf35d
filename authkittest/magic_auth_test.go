// Magic Auth, one-time codes and email verification.

package authkittest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func (a *app) magicAuth(email string) object {
	a.Helper()
	return a.mustCall(http.StatusCreated, http.MethodPost, userManagement+"/magic_auth", object{"email": email})
}

func TestTheMagicAuthGrantSignsIn(t *testing.T) {
	a := newApp(t)
	created := a.magicAuth(ada)
	mail := a.LastMail(ada)
	assert.Equal(t, authkittest.MailMagicAuth, mail.Kind)
	assert.Equal(t, object{
		"object": "magic_auth", "id": created["id"], "user_id": a.userID(ada), "email": ada, "code": mail.Code,
		"expires_at": "2026-05-04T10:10:00.000Z", "created_at": "2026-05-04T10:00:00.000Z", "updated_at": "2026-05-04T10:00:00.000Z",
	}, created)
	assert.Equal(t, created, a.mustCall(http.StatusOK, http.MethodGet, userManagement+"/magic_auth/"+created["id"].(string), nil))
	assert.Regexp(t, `^\d{6}$`, mail.Code)
	got := a.grant(grantMagicAuth, map[string]string{"email": ada, "code": mail.Code})
	require.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, "MagicAuth", got.text("authentication_method"))
}

func TestMagicAuthSignsUpAnUnknownEmailAddress(t *testing.T) {
	a := newApp(t)
	a.magicAuth("kim@acme.test")
	assert.True(t, a.Users()[4].EmailUnverified)
	got := a.grant(grantMagicAuth, map[string]string{"email": "kim@acme.test", "code": a.LastMail("kim@acme.test").Code})
	require.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, true, got.body["user"].(object)["email_verified"])
}

func TestInvalidMagicAuthCallsAreRefused(t *testing.T) {
	a := newApp(t)
	assertRefused(t, a.api(http.MethodPost, userManagement+"/magic_auth", object{"email": "x"}), http.StatusUnprocessableEntity, "invalid_request_parameters")
	assertRefused(t, a.api(http.MethodPost, userManagement+"/magic_auth", object{"email": ada, "invitation_token": "none"}), http.StatusBadRequest, "invitation_invalid")
	assertRefused(t, a.api(http.MethodGet, userManagement+"/magic_auth/none", nil), http.StatusNotFound, "")
	assertRefused(t, a.grant(grantMagicAuth, map[string]string{"email": "nobody@acme.test", "code": "123456"}), http.StatusBadRequest, "invalid_one_time_code")
	assertRefused(t, a.grant(grantMagicAuth, map[string]string{"email": ada, "code": "123456"}), http.StatusBadRequest, "invalid_one_time_code")
	assertRefused(t, a.grant(grantMagicAuth, map[string]string{"email": ada}), http.StatusBadRequest, "invalid_request")
	assertRefused(t, a.grant(grantMagicAuth, map[string]string{"email": ada, "code": "1", "invitation_token": "none"}), http.StatusBadRequest, "invitation_invalid")
}

func TestAOneTimeCodeWorksOnceAndWithinItsLimits(t *testing.T) {
	guess := func(a *app, code string) apiResponse {
		return a.grant(grantMagicAuth, map[string]string{"email": ada, "code": code})
	}
	cases := map[string]struct {
		before func(a *app, code string)
		code   string
	}{
		"expires after ten minutes": {func(a *app, _ string) { a.clock.Advance(10 * time.Minute) }, "one_time_code_expired"},
		"works once":                {func(a *app, code string) { guess(a, code) }, "one_time_code_previously_used"},
		"is replaced by the next code": {func(a *app, code string) {
			for a.LastMail(ada).Code == code { // one new code, unless it is equal to the old one
				a.magicAuth(ada)
			}
		}, "invalid_one_time_code"},
		"allows five wrong guesses": {func(a *app, _ string) {
			for range 5 {
				assertRefused(a.T, guess(a, "wrong"), http.StatusBadRequest, "invalid_one_time_code")
			}
		}, "one_time_code_too_many_attempts"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			a := newApp(t)
			a.magicAuth(ada)
			code := a.LastMail(ada).Code
			c.before(a, code)
			assertRefused(t, guess(a, code), http.StatusBadRequest, c.code)
			a.magicAuth(ada)
			assert.Equal(t, http.StatusOK, guess(a, a.LastMail(ada).Code).status, "a new code works")
		})
	}
}

func TestAnEmailAddressIsVerifiedByACode(t *testing.T) {
	a := newApp(t)
	kim := a.mustCall(http.StatusCreated, http.MethodPost, userManagement+"/users", object{"email": "kim@acme.test"})["id"].(string)
	path := userManagement + "/users/" + kim + "/email_verification/"
	confirm := func(code string) apiResponse { return a.api(http.MethodPost, path+"confirm", object{"code": code}) }
	send := func() string {
		a.mustCall(http.StatusOK, http.MethodPost, path+"send", nil)
		return a.LastMail("kim@acme.test").Code
	}

	assertRefused(t, confirm("123456"), http.StatusBadRequest, "email_verification_code_incorrect")
	assertRefused(t, a.api(http.MethodPost, userManagement+"/users/none/email_verification/send", nil), http.StatusNotFound, "")
	assertRefused(t, a.api(http.MethodPost, userManagement+"/users/none/email_verification/confirm", object{"code": "1"}), http.StatusNotFound, "")
	assertRefused(t, a.api(http.MethodPost, path+"confirm", object{}), http.StatusUnprocessableEntity, "invalid_request_parameters")
	assertRefused(t, a.api(http.MethodGet, userManagement+"/email_verification/none", nil), http.StatusNotFound, "")

	code := send()
	a.clock.Advance(10 * time.Minute)
	assertRefused(t, confirm(code), http.StatusBadRequest, "email_verification_code_expired")
	code = send()
	for range 5 {
		assertRefused(t, confirm("wrong"), http.StatusBadRequest, "email_verification_code_incorrect")
	}
	assertRefused(t, confirm(code), http.StatusBadRequest, "email_verification_code_incorrect")
	code = send()
	got := confirm(code)
	require.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, true, got.body["user"].(object)["email_verified"])
	assertRefused(t, confirm(code), http.StatusBadRequest, "email_previously_verified")
	assertRefused(t, a.api(http.MethodPost, path+"send", nil), http.StatusBadRequest, "email_already_verified")
	a.UpdateUser("kim@acme.test", func(p *authkittest.User) { p.EmailUnverified = true })
	assertRefused(t, confirm(code), http.StatusBadRequest, "email_verification_code_previously_used")
}

func TestACodeIsNotMailedForABrowserOfTheWrongType(t *testing.T) {
	a := newApp(t)
	for _, member := range []string{"ip_address", "user_agent"} {
		got := a.api(http.MethodPost, userManagement+"/magic_auth", object{"email": ada, member: 7})
		assertRefused(t, got, http.StatusUnprocessableEntity, "invalid_request_parameters")
	}
	assert.Empty(t, a.Mailbox(ada))
}
