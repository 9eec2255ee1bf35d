// Second factors, challenges and TOTP.

package authkittest_test

import (
	"bytes"
	"encoding/base64"
	"image/png"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestTOTPMatchesTheTestVectorsOfRFC6238(t *testing.T) {
	secret := "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" // 12345678901234567890, from appendix B, whose codes have eight digits
	for seconds, code := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		assert.Equal(t, code, authkittest.TOTP(secret, time.Unix(seconds, 0)))
	}
	assert.Equal(t, "287082", authkittest.TOTP(strings.ToLower(secret)+"==", time.Unix(59, 0)))
	assert.Panics(t, func() { authkittest.TOTP("not base32!", start) })
}

const totpSecret = "JBSWY3DPEHPK3PXP"

// enrolled enrolls a factor for Ada with the API and returns its ID and its first challenge.
func (a *app) enrolled() (factor, challenge string) {
	a.Helper()
	got := a.mustCall(http.StatusCreated, http.MethodPost, userManagement+"/users/"+a.userID(ada)+"/auth_factors", object{"type": "totp", "totp_secret": totpSecret})
	return got["authentication_factor"].(object)["id"].(string), got["authentication_challenge"].(object)["id"].(string)
}

func (a *app) challengeOf(factor string) string {
	a.Helper()
	return a.mustCall(http.StatusCreated, http.MethodPost, "/auth/factors/"+factor+"/challenge", object{})["id"].(string)
}

func TestOnlyTheEnrollmentShowsTheTOTPSecret(t *testing.T) {
	a := newApp(t)
	path := userManagement + "/users/" + a.userID(ada) + "/auth_factors"
	got := a.mustCall(http.StatusCreated, http.MethodPost, path, object{"type": "totp", "totp_issuer": "Harbor Press", "totp_user": "ada", "totp_secret": totpSecret})
	factor := got["authentication_factor"].(object)
	totp := factor["totp"].(object)
	assert.Equal(t, "otpauth://totp/Harbor%20Press:ada?secret=JBSWY3DPEHPK3PXP&issuer=Harbor%20Press&algorithm=SHA1&digits=6&period=30", totp["uri"])
	assert.Equal(t, totpSecret, totp["secret"])
	uri, err := url.Parse(totp["uri"].(string))
	require.NoError(t, err)
	assert.Equal(t, "/Harbor Press:ada", uri.Path)
	text, isPNG := strings.CutPrefix(totp["qr_code"].(string), "data:image/png;base64,")
	require.True(t, isPNG)
	picture, err := base64.StdEncoding.DecodeString(text)
	require.NoError(t, err)
	_, err = png.Decode(bytes.NewReader(picture))
	require.NoError(t, err)
	assert.Equal(t, object{
		"object": "authentication_challenge", "id": got["authentication_challenge"].(object)["id"], "authentication_factor_id": factor["id"],
		"created_at": "2026-05-04T10:00:00.000Z", "updated_at": "2026-05-04T10:00:00.000Z",
	}, got["authentication_challenge"])

	bare := object{
		"object": "authentication_factor", "id": factor["id"], "type": "totp", "user_id": a.userID(ada),
		"totp": object{"issuer": "Harbor Press", "user": "ada"}, "created_at": "2026-05-04T10:00:00.000Z", "updated_at": "2026-05-04T10:00:00.000Z",
	}
	assert.Equal(t, []any{bare}, a.mustCall(http.StatusOK, http.MethodGet, path, nil)["data"])
	assert.Equal(t, bare, a.mustCall(http.StatusOK, http.MethodGet, "/auth/factors/"+factor["id"].(string), nil))
	assert.Equal(t, totpSecret, a.Users()[0].Factors[0].Secret)

	a.mustCall(http.StatusOK, http.MethodDelete, "/auth/factors/"+factor["id"].(string), nil)
	assert.Empty(t, a.Users()[0].Factors)
	assertRefused(t, a.api(http.MethodPost, "/auth/challenges/"+got["authentication_challenge"].(object)["id"].(string)+"/verify", object{"code": "1"}), http.StatusNotFound, "")
}

func TestInvalidFactorCallsAreRefused(t *testing.T) {
	a := newApp(t)
	path := userManagement + "/users/" + a.userID(ada) + "/auth_factors"
	for name, c := range map[string]struct {
		method, path string
		body         object
		status       int
	}{
		"an unknown type":                      {"POST", path, object{"type": "sms"}, 422},
		"a secret that is not base32":          {"POST", path, object{"type": "totp", "totp_secret": "0189"}, 422},
		"a URI that is too long for a QR code": {"POST", path, object{"type": "totp", "totp_user": strings.Repeat("x", 300)}, 422},
		"a factor of an unknown user":          {"POST", userManagement + "/users/none/auth_factors", object{"type": "totp"}, 404},
		"the factors of an unknown user":       {"GET", userManagement + "/users/none/auth_factors", nil, 404},
		"an unknown standalone type":           {"POST", "/auth/factors/enroll", object{"type": "carrier pigeon"}, 422},
		"no phone number":                      {"POST", "/auth/factors/enroll", object{"type": "sms"}, 422},
		"a phone number without its country":   {"POST", "/auth/factors/enroll", object{"type": "sms", "phone_number": "5550100"}, 422},
		"an unknown user of a standalone":      {"POST", "/auth/factors/enroll", object{"type": "totp", "user_id": "none"}, 404},
		"an unknown factor":                    {"GET", "/auth/factors/none", nil, 404},
		"deleting an unknown factor":           {"DELETE", "/auth/factors/none", nil, 404},
		"challenging an unknown factor":        {"POST", "/auth/factors/none/challenge", object{}, 404},
		"verifying an unknown challenge":       {"POST", "/auth/challenges/none/verify", object{"code": "1"}, 404},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.status, a.api(c.method, c.path, c.body).status)
		})
	}
	assert.Empty(t, a.Users()[0].Factors)
}

func TestVerifyingAChallengeReportsWhetherTheCodeIsValid(t *testing.T) {
	a := newApp(t)
	factor, challenge := a.enrolled()
	verify := func(challenge, code string) apiResponse {
		return a.api(http.MethodPost, "/auth/challenges/"+challenge+"/verify", object{"code": code})
	}
	code := authkittest.TOTP(totpSecret, start)

	wrong := verify(challenge, "wrong")
	assert.Equal(t, http.StatusCreated, wrong.status)
	assert.Equal(t, false, wrong.body["valid"])
	right := verify(challenge, code)
	assert.Equal(t, http.StatusCreated, right.status)
	assert.Equal(t, true, right.body["valid"])
	assert.Equal(t, challenge, right.body["challenge"].(object)["id"])
	assertRefused(t, verify(challenge, code), 422, "authentication_challenge_previously_verified")
	assert.Equal(t, false, verify(a.challengeOf(factor), code).body["valid"], "a time step works once")
	assert.Equal(t, 422, verify(a.challengeOf(factor), "").status)

	challenge = a.challengeOf(factor)
	for range 5 {
		assert.Equal(t, false, verify(challenge, "wrong").body["valid"])
	}
	assertRefused(t, verify(challenge, authkittest.TOTP(totpSecret, start.Add(30*time.Second))), http.StatusBadRequest, "one_time_code_too_many_attempts")
}

func TestATOTPCodeOfAnAdjacentTimeStepIsAccepted(t *testing.T) {
	for offset, valid := range map[time.Duration]bool{
		-60 * time.Second: false, -30 * time.Second: true, 0: true, 30 * time.Second: true, 60 * time.Second: false,
	} {
		a := newApp(t)
		_, challenge := a.enrolled()
		got := a.api(http.MethodPost, "/auth/challenges/"+challenge+"/verify", object{"code": authkittest.TOTP(totpSecret, start.Add(offset))})
		assert.Equal(t, valid, got.body["valid"], "%v", offset)
	}
}

func TestFactorsCanBeEnrolledWithoutAUser(t *testing.T) {
	a := newApp(t)
	sms := a.mustCall(http.StatusCreated, http.MethodPost, "/auth/factors/enroll", object{"type": "sms", "phone_number": "+15550100"})
	assert.Equal(t, object{"phone_number": "+15550100"}, sms["sms"])
	assert.NotContains(t, sms, "user_id")
	challenge := a.mustCall(http.StatusCreated, http.MethodPost, "/auth/factors/"+sms["id"].(string)+"/challenge", object{"sms_template": "{{code}}"})
	assert.NotContains(t, challenge, "code")
	assert.Equal(t, "2026-05-04T10:10:00.000Z", challenge["expires_at"])
	path := "/auth/challenges/" + challenge["id"].(string) + "/verify"
	a.clock.Advance(10 * time.Minute)
	assertRefused(t, a.api(http.MethodPost, path, object{"code": a.LastMail("+15550100").Code}), 422, "authentication_challenge_expired")

	otp := a.mustCall(http.StatusCreated, http.MethodPost, "/auth/factors/enroll", object{"type": "generic_otp"})
	challenge = a.mustCall(http.StatusCreated, http.MethodPost, "/auth/factors/"+otp["id"].(string)+"/challenge", nil)
	path = "/auth/challenges/" + challenge["id"].(string) + "/verify"
	assert.Equal(t, true, a.mustCall(http.StatusCreated, http.MethodPost, path, object{"code": challenge["code"]})["valid"])

	totp := a.mustCall(http.StatusCreated, http.MethodPost, "/auth/factors/enroll", object{"type": "totp", "user_id": a.userID(ada)})
	assert.Equal(t, a.userID(ada), totp["user_id"])
	assert.NotEmpty(t, totp["totp"].(object)["secret"])
}

func TestASignInRequiresAnEnrolledFactor(t *testing.T) {
	a := newApp(t)
	factor, _ := a.enrolled()
	got := a.grant("password", password)
	assertRefused(t, got, http.StatusForbidden, "mfa_challenge")
	assert.Equal(t, []any{object{"id": factor, "type": "totp"}}, got.body["authentication_factors"])
	assert.Equal(t, ada, got.body["user"].(object)["email"])
	assert.NotContains(t, got.body, "authentication_challenge")

	challenge := a.challengeOf(factor)
	step := map[string]string{
		"code": authkittest.TOTP(totpSecret, start), "authentication_challenge_id": challenge,
		"pending_authentication_token": got.text("pending_authentication_token"),
	}
	other := a.mustCall(http.StatusCreated, http.MethodPost, "/auth/factors/enroll", object{"type": "totp"})
	for name, c := range map[string]struct {
		params map[string]string
		status int
		code   string
	}{
		"a wrong code":                    {with(step, "code", "wrong"), 400, "invalid_one_time_code"},
		"no code":                         {with(step, "code", ""), 400, "invalid_request"},
		"no challenge":                    {with(step, "authentication_challenge_id", ""), 400, "invalid_request"},
		"an unknown challenge":            {with(step, "authentication_challenge_id", "none"), 404, ""},
		"a challenge of another's factor": {with(step, "authentication_challenge_id", a.challengeOf(other["id"].(string))), 404, ""},
		"an unknown token":                {with(step, "pending_authentication_token", "none"), 400, "invalid_pending_authentication_token"},
	} {
		t.Run(name, func(t *testing.T) { assertRefused(t, a.grant(grantTOTP, c.params), c.status, c.code) })
	}
	require.Equal(t, http.StatusOK, a.grant(grantTOTP, step).status)

	again := a.grant("password", password).text("pending_authentication_token")
	assertRefused(t, a.grant(grantTOTP, with(step, "pending_authentication_token", again)), 400, "one_time_code_previously_used")
	step = with(step, "pending_authentication_token", again, "authentication_challenge_id", a.challengeOf(factor))
	assertRefused(t, a.grant(grantTOTP, step), 400, "one_time_code_previously_used")
	for range 5 {
		a.grant(grantTOTP, with(step, "code", "wrong"))
	}
	assertRefused(t, a.grant(grantTOTP, step), 400, "one_time_code_too_many_attempts")
	a.clock.Advance(30 * time.Second)
	step = with(step, "code", authkittest.TOTP(totpSecret, a.clock.Now()), "authentication_challenge_id", a.challengeOf(factor))
	assert.Equal(t, http.StatusOK, a.grant(grantTOTP, step).status)
}

func TestAUserWithRequiredMFAEnrollsAFactor(t *testing.T) {
	a := newApp(t)
	a.UpdateUser(ada, func(p *authkittest.User) { p.RequireMFA = true })
	got := a.grant("password", password)
	assertRefused(t, got, http.StatusForbidden, "mfa_enrollment")
	assert.NotContains(t, got.body, "authentication_factors")
	_, challenge := a.enrolled()
	done := a.grant(grantTOTP, map[string]string{
		"code": authkittest.TOTP(totpSecret, start), "authentication_challenge_id": challenge,
		"pending_authentication_token": got.text("pending_authentication_token"),
	})
	assert.Equal(t, http.StatusOK, done.status)
}
