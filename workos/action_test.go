// Actions: what of a signed request is accepted, and what it says.

package workos_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

const (
	actionSecret      = "first-secret"
	otherActionSecret = "second-secret"

	authenticationAction = `{"id":"action_01A","object":"authentication_action_context","user":{"object":"user","id":"user_01A",` +
		`"email":"yuki@example.com","email_verified":true,"first_name":"由紀 <&>","last_name":"Иванова","metadata":{"plan":"pro","n":1},` +
		`"created_at":"2026-01-01T00:00:00.000Z"},"organization":{"object":"organization","id":"org_01A","name":"Acme","external_id":null,` +
		`"domains":[{"object":"organization_domain","id":"org_domain_01A","domain":"acme.test","state":"verified"}],"metadata":{"tier":"gold"},` +
		`"lookup_key":"unknown","created_at":"2026-01-01T00:00:00.000Z"},"organization_membership":{"object":"organization_membership",` +
		`"id":"om_01A","user_id":"user_01A","organization_id":"org_01A","role":{"slug":"admin"},"status":"active"},` +
		`"authentication_method":"Password","ip_address":"192.0.2.1","user_agent":"Firefox","device_fingerprint":"print","issuer":"https://auth.example.com"}`
	registrationAction = `{"id":"action_02A","object":"user_registration_action_context","user_data":{"object":"user_data",` +
		`"email":"kim@example.com","name":null,"first_name":"Kim","last_name":"Ødegård"},"invitation":{"object":"invitation",` +
		`"id":"invitation_01A","email":"kim@example.com","state":"pending","expires_at":"2026-06-01T00:00:00.000Z","revoked_at":null,` +
		`"organization_id":"org_01A","inviter_user_id":"user_01A"},"ip_address":"192.0.2.1","user_agent":null,"device_fingerprint":"print"}`
)

var actionTime = time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)

// signAction returns the v1 signature of WorkOS, computed here a second time.
func signAction(timestamp string, body []byte, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp))
	mac.Write([]byte("."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

func actionHeader(value string) http.Header { return http.Header{"Workos-Signature": {value}} }

// signedAction returns the header of a request that WorkOS has signed at a time.
func signedAction(at time.Time, body, secret string) http.Header {
	timestamp := strconv.FormatInt(at.UnixMilli(), 10)
	return actionHeader("t=" + timestamp + ", v1=" + signAction(timestamp, []byte(body), secret))
}

func TestAnAuthenticationActionIsDecoded(t *testing.T) {
	action, err := workos.ParseAction(signedAction(actionTime, authenticationAction, actionSecret), []byte(authenticationAction), actionTime, actionSecret)
	require.NoError(t, err)
	assert.Nil(t, action.Registration)
	january := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	assert.Equal(t, &workos.AuthenticationContext{
		ID: "action_01A",
		User: workos.User{
			ID: "user_01A", Email: "yuki@example.com", EmailVerified: true, FirstName: "由紀 <&>", LastName: "Иванова",
			Metadata: map[string]string{"plan": "pro", "n": "1"}, CreatedAt: january,
		},
		Organization: &workos.Organization{
			ID: "org_01A", Name: "Acme", Domains: []workos.OrganizationDomain{{ID: "org_domain_01A", Domain: "acme.test", State: "verified"}},
			Metadata: map[string]string{"tier": "gold"}, CreatedAt: january,
		},
		OrganizationMembership: &workos.OrganizationMembership{
			ID: "om_01A", UserID: "user_01A", OrganizationID: "org_01A", Role: workos.Role{Slug: "admin"}, Status: workos.MembershipStatusActive,
		},
		AuthenticationMethod: "Password", IPAddress: "192.0.2.1", UserAgent: "Firefox", DeviceFingerprint: "print", Issuer: "https://auth.example.com",
	}, action.Authentication)
}

func TestARegistrationActionIsDecoded(t *testing.T) {
	action, err := workos.ParseAction(signedAction(actionTime, registrationAction, actionSecret), []byte(registrationAction), actionTime, actionSecret)
	require.NoError(t, err)
	assert.Nil(t, action.Authentication)
	assert.Equal(t, &workos.RegistrationContext{
		ID:       "action_02A",
		UserData: workos.UserData{Email: "kim@example.com", FirstName: "Kim", LastName: "Ødegård"},
		Invitation: &workos.Invitation{
			ID: "invitation_01A", Email: "kim@example.com", State: "pending", OrganizationID: "org_01A", InviterUserID: "user_01A",
			ExpiresAt: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC),
		},
		IPAddress: "192.0.2.1", DeviceFingerprint: "print",
	}, action.Registration)
}

func TestOnlyAFreshActionWithAValidSignatureIsAccepted(t *testing.T) {
	now := strconv.FormatInt(actionTime.UnixMilli(), 10)
	seconds := strconv.FormatInt(actionTime.Unix(), 10)
	microseconds := strconv.FormatInt(actionTime.UnixMicro(), 10)
	body := []byte(authenticationAction)
	valid := signAction(now, body, actionSecret)
	wrong := strings.Repeat("ab", sha256.Size)
	at := func(d time.Duration) http.Header {
		return signedAction(actionTime.Add(d), authenticationAction, actionSecret)
	}
	v1 := func(timestamp string) http.Header {
		return actionHeader("t=" + timestamp + ", v1=" + signAction(timestamp, body, actionSecret))
	}
	for name, tt := range map[string]struct {
		header  http.Header
		body    string
		problem string // "" means accepted
	}{
		"of now":                              {header: at(0)},
		"29.999 s old":                        {header: at(-29_999 * time.Millisecond)},
		"30 s old":                            {header: at(-30 * time.Second)},
		"30.001 s old":                        {header: at(-30_001 * time.Millisecond), problem: "signed more than 30s ago"},
		"an hour old":                         {header: at(-time.Hour), problem: "signed more than 30s ago"},
		"30 s in the future":                  {header: at(30 * time.Second)},
		"30.001 s in the future":              {header: at(30_001 * time.Millisecond), problem: "in the future"},
		"in seconds":                          {header: v1(seconds), problem: "in seconds"},
		"in microseconds":                     {header: v1(microseconds), problem: "not a number of milliseconds"},
		"of another secret":                   {header: signedAction(actionTime, authenticationAction, "another"), problem: "none of the secrets"},
		"of an empty secret":                  {header: signedAction(actionTime, authenticationAction, ""), problem: "none of the secrets"},
		"forged":                              {header: actionHeader("t=" + now + ", v1=" + wrong), problem: "none of the secrets"},
		"of another time":                     {header: actionHeader("t=" + strconv.FormatInt(actionTime.UnixMilli()+1, 10) + ", v1=" + valid), problem: "none of the secrets"},
		"of another body":                     {header: at(0), body: strings.Replace(authenticationAction, "user_01A", "user_01B", 1), problem: "none of the secrets"},
		"of a body with a space more":         {header: at(0), body: authenticationAction + " ", problem: "none of the secrets"},
		"of a body that a proxy has encoded":  {header: at(0), body: reserialized(t, authenticationAction), problem: "none of the secrets"},
		"without a space":                     {header: actionHeader("t=" + now + ",v1=" + valid)},
		"in another order":                    {header: actionHeader("v1=" + valid + ", t=" + now)},
		"with the second of two v1":           {header: actionHeader("t=" + now + ", v1=" + wrong + ", v1=" + valid)},
		"with unknown members":                {header: actionHeader("t=" + now + ", v0=" + wrong + ", v1=" + valid + ", v2=x")},
		"with v0 only":                        {header: actionHeader("t=" + now + ", v0=" + valid), problem: "no v1 signature"},
		"with half a signature":               {header: actionHeader("t=" + now + ", v1=" + valid[:32]), problem: "none of the secrets"},
		"with more than a signature":          {header: actionHeader("t=" + now + ", v1=" + valid + "00"), problem: "none of the secrets"},
		"with an empty signature":             {header: actionHeader("t=" + now + ", v1="), problem: "none of the secrets"},
		"with two timestamps":                 {header: actionHeader("t=" + now + ", t=" + now + ", v1=" + valid), problem: "several timestamps"},
		"without a timestamp":                 {header: actionHeader("v1=" + valid), problem: "no timestamp"},
		"with a negative timestamp":           {header: v1("-" + now), problem: "not a number of milliseconds"},
		"with a signed timestamp":             {header: v1("+" + now), problem: "not a number of milliseconds"},
		"with a fraction in the timestamp":    {header: v1(now + ".5"), problem: "not a number of milliseconds"},
		"with a timestamp that overflows":     {header: v1(strings.Repeat("9", 30)), problem: "not a number of milliseconds"},
		"with the largest timestamp":          {header: v1("9223372036854775807"), problem: "not a number of milliseconds"},
		"with timestamp 0":                    {header: v1("0"), problem: "in seconds"},
		"with 1000 v1":                        {header: actionHeader("t=" + now + strings.Repeat(", v1="+wrong, 1000) + ", v1=" + valid), problem: "longer than 4096 bytes"},
		"with an empty header":                {header: actionHeader(""), problem: "is missing"},
		"with junk":                           {header: actionHeader("=,=,t,v1,\x00\xff"), problem: "is malformed"},
		"with two headers":                    {header: http.Header{"Workos-Signature": {"t=" + now + ", v1=" + valid, "t=" + now + ", v1=" + valid}}, problem: "more than once"},
		"without a header":                    {header: http.Header{}, problem: "is missing"},
		"with a header of another spelling":   {header: http.Header{"Workos-Sig": {"t=" + now + ", v1=" + valid}}, problem: "is missing"},
		"with an upper case signature":        {header: actionHeader("t=" + now + ", v1=" + strings.ToUpper(valid))},
		"with the signature of the body only": {header: actionHeader("t=" + now + ", v1=" + signAction("", body, actionSecret)), problem: "none of the secrets"},
	} {
		t.Run(name, func(t *testing.T) {
			received := body
			if tt.body != "" {
				received = []byte(tt.body)
			}
			action, err := workos.ParseAction(tt.header, received, actionTime, actionSecret)
			if tt.problem == "" {
				require.NoError(t, err)
				assert.Equal(t, "user_01A", action.Authentication.User.ID)
				return
			}
			assert.Nil(t, action)
			require.ErrorIs(t, err, workos.ErrActionSignature)
			assert.ErrorContains(t, err, tt.problem)
			for _, hidden := range []string{actionSecret, valid, wrong, "user_01A", "yuki"} {
				assert.NotContains(t, err.Error(), hidden)
			}
		})
	}
}

// reserialized returns JSON as a proxy sends it that decodes and encodes it.
func reserialized(t *testing.T, text string) string {
	t.Helper()
	var value any
	require.NoError(t, json.Unmarshal([]byte(text), &value))
	encoded, err := json.Marshal(value)
	require.NoError(t, err)
	return string(encoded)
}

func TestAnActionOfAnySecretIsAcceptedAndItsSecretSignsTheResponse(t *testing.T) {
	for _, secret := range []string{actionSecret, otherActionSecret} {
		action, err := workos.ParseAction(signedAction(actionTime, registrationAction, secret), []byte(registrationAction), actionTime, actionSecret, otherActionSecret)
		require.NoError(t, err)
		response, err := action.Response(workos.Allow(), actionTime)
		require.NoError(t, err)
		assertSigned(t, response, secret)
	}
}

func TestTheFirstOfSeveralSecretsThatHaveSignedAnActionSignsTheResponse(t *testing.T) {
	now, body := strconv.FormatInt(actionTime.UnixMilli(), 10), []byte(registrationAction)
	header := actionHeader("t=" + now + ", v1=" + signAction(now, body, otherActionSecret) + ", v1=" + signAction(now, body, actionSecret))
	action, err := workos.ParseAction(header, body, actionTime, actionSecret, otherActionSecret)
	require.NoError(t, err)
	response, err := action.Response(workos.Allow(), actionTime)
	require.NoError(t, err)
	assertSigned(t, response, actionSecret)
}

func TestAnActionBodyMayHaveOneMebibyte(t *testing.T) {
	body := strings.Replace(authenticationAction, `"lookup_key":"unknown"`, `"lookup_key":"`+strings.Repeat("x", 1<<20-len(authenticationAction)+len("unknown"))+`"`, 1)
	require.Len(t, body, 1<<20)
	_, err := workos.ParseAction(signedAction(actionTime, body, actionSecret), []byte(body), actionTime, actionSecret)
	require.NoError(t, err)
	body += " "
	_, err = workos.ParseAction(signedAction(actionTime, body, actionSecret), []byte(body), actionTime, actionSecret)
	assert.ErrorIs(t, err, workos.ErrActionTooLarge)
}

func TestASignedRequestThatIsNoActionIsAnError(t *testing.T) {
	response := func() string {
		action, err := workos.ParseAction(signedAction(actionTime, registrationAction, actionSecret), []byte(registrationAction), actionTime, actionSecret)
		require.NoError(t, err)
		text, err := action.Response(workos.Deny("no"), actionTime)
		require.NoError(t, err)
		var parts struct{ Payload json.RawMessage }
		require.NoError(t, json.Unmarshal(text, &parts))
		return string(parts.Payload)
	}()
	for name, tt := range map[string]struct{ body, problem string }{
		"empty":                         {"", "not a JSON object"},
		"null":                          {"null", "neither"},
		"a list":                        {"[]", "not a JSON object"},
		"truncated":                     {authenticationAction[:100], "not a JSON object"},
		"an event":                      {`{"object":"event","event":"user.created","data":{}}`, "neither"},
		"a payload of our own response": {response, "neither"},
		"of an unknown kind":            {`{"object":"token_action_context","user":{"id":"user_01A"}}`, "neither"},
		"without a user":                {`{"object":"authentication_action_context"}`, "no user"},
		"with a user without an ID":     {`{"object":"authentication_action_context","user":{"email":"kim@example.com"}}`, "no user"},
		"without user_data":             {`{"object":"user_registration_action_context","user":{"id":"user_01A","email":"kim@example.com"}}`, "no email"},
		"with a user of another type":   {`{"object":"authentication_action_context","user":"secret text"}`, "unexpected"},
		"with an invalid time":          {`{"object":"authentication_action_context","user":{"id":"user_01A","created_at":"secret text"}}`, "unexpected"},
		"with an address of a number":   {`{"object":"user_registration_action_context","user_data":{"email":"kim@example.com"},"ip_address":4}`, "ip_address"},
	} {
		t.Run(name, func(t *testing.T) {
			action, err := workos.ParseAction(signedAction(actionTime, tt.body, actionSecret), []byte(tt.body), actionTime, actionSecret)
			assert.Nil(t, action)
			require.ErrorIs(t, err, workos.ErrUnknownAction)
			assert.NotErrorIs(t, err, workos.ErrActionSignature)
			assert.ErrorContains(t, err, tt.problem)
			assert.NotContains(t, err.Error(), "secret text")
		})
	}
}

func TestParseActionPanicsWithoutASecret(t *testing.T) {
	for name, secrets := range map[string][]string{"none": nil, "an empty one": {""}, "one of two empty": {actionSecret, ""}} {
		assert.PanicsWithValue(t, "workos: ParseAction: a secret is missing or empty; the secret of the Action endpoint is in the WorkOS dashboard",
			func() { workos.ParseAction(http.Header{}, nil, actionTime, secrets...) }, name)
	}
}

func TestAnActionDoesNotShowItsSecret(t *testing.T) {
	action, err := workos.ParseAction(signedAction(actionTime, registrationAction, actionSecret), []byte(registrationAction), actionTime, actionSecret)
	require.NoError(t, err)
	assertShowsNone(t, action, []string{actionSecret})
	assertShowsNone(t, *action, []string{actionSecret})
	assertShowsNone(t, struct{ Action workos.Action }{*action}, []string{actionSecret})
}

// FuzzAction feeds arbitrary headers and bodies to ParseAction, and the bodies also with a valid signature. Nothing is
// accepted without one, and errors are short, on one line and without the secret.
func FuzzAction(f *testing.F) {
	now := strconv.FormatInt(actionTime.UnixMilli(), 10)
	for _, body := range []string{authenticationAction, registrationAction, "", "null", `{"object":1}`, `{"object":"authentication_action_context","user":{"id":"a","metadata":[]}}`} {
		f.Add("t="+now+", v1="+signAction(now, []byte(body), "another"), []byte(body))
		f.Add("t=1,v1=00,v1", []byte(body))
	}
	f.Fuzz(func(t *testing.T, value string, body []byte) {
		if _, err := workos.ParseAction(actionHeader(value), body, actionTime, actionSecret); err == nil && !strings.Contains(strings.ToLower(value), "v1="+signAction(timestampOf(value), body, actionSecret)) {
			t.Fatalf("accepted with the header %q", value)
		}
		action, err := workos.ParseAction(signedAction(actionTime, string(body), actionSecret), body, actionTime, actionSecret)
		if err != nil {
			if text := err.Error(); len(text) > 400 || strings.ContainsAny(text, "\n\r") || strings.Contains(text, actionSecret) {
				t.Fatalf("the error text is too long, has several lines or a secret: %q", text)
			}
			return
		}
		if (action.Authentication == nil) == (action.Registration == nil) {
			t.Fatal("want exactly one context")
		}
		if action.Authentication != nil && action.Authentication.User.ID == "" || action.Registration != nil && action.Registration.UserData.Email == "" {
			t.Fatal("an Action without its user was accepted")
		}
		response, err := action.Response(workos.Deny(string(body)), actionTime)
		if err != nil || !json.Valid(response) || bytes.ContainsAny(response, "\n\r") {
			t.Fatalf("the response is not one line of JSON: %q, %v", response, err)
		}
	})
}

// timestampOf returns the member t of a header.
func timestampOf(value string) string {
	for member := range strings.SplitSeq(value, ",") {
		if text, found := strings.CutPrefix(strings.TrimSpace(member), "t="); found {
			return text
		}
	}
	return ""
}
