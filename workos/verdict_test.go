// Verdicts: the bytes of the signed response.

package workos_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

// parsedAction returns a verified Action.
func parsedAction(t *testing.T, body string) *workos.Action {
	t.Helper()
	action, err := workos.ParseAction(signedAction(actionTime, body, actionSecret), []byte(body), actionTime, actionSecret)
	require.NoError(t, err)
	return action
}

// assertSigned checks the signature of a response over the bytes of its payload.
func assertSigned(t *testing.T, response []byte, secret string) {
	t.Helper()
	var parts struct {
		Payload   json.RawMessage
		Signature string
	}
	require.NoError(t, json.Unmarshal(response, &parts))
	var payload struct{ Timestamp int64 }
	require.NoError(t, json.Unmarshal(parts.Payload, &payload))
	assert.Equal(t, signAction(strconv.FormatInt(payload.Timestamp, 10), parts.Payload, secret), parts.Signature)
}

// The expected texts and signatures were computed with JSON.stringify and node:crypto.
func TestAResponseHasExactlyTheBytesThatNodeSigns(t *testing.T) {
	for name, tt := range map[string]struct {
		body    string
		verdict workos.Verdict
		want    string
	}{
		"a denial": {
			authenticationAction, workos.Deny("<b>\"Kim\" & Søn</b>\u2028\u2029 \\ / \x01\b\t\n\f\r\x7f 由紀 Ωμέγα Иванова 👩‍🚀"),
			`{"object":"authentication_action_response","payload":{"timestamp":1777888800000,"verdict":"Deny","error_message":"<b>\"Kim\" & Søn</b>` +
				"\u2028\u2029" + ` \\ / \u0001\b\t\n\f\r` + "\x7f" + ` 由紀 Ωμέγα Иванова 👩‍🚀"},"signature":"b6647688c66822b9f18c255aacee207eddab1370f5ea9f9b703646025c53cf42"}`,
		},
		"a denial without a message": {
			registrationAction, workos.Deny(""),
			`{"object":"user_registration_action_response","payload":{"timestamp":1777888800000,"verdict":"Deny"},"signature":"` +
				signAction("1777888800000", []byte(`{"timestamp":1777888800000,"verdict":"Deny"}`), actionSecret) + `"}`,
		},
		"a permission": {
			registrationAction, workos.Allow(),
			`{"object":"user_registration_action_response","payload":{"timestamp":1777888800000,"verdict":"Allow"},"signature":"` +
				signAction("1777888800000", []byte(`{"timestamp":1777888800000,"verdict":"Allow"}`), actionSecret) + `"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			response, err := parsedAction(t, tt.body).Response(tt.verdict, actionTime.Add(123*time.Microsecond))
			require.NoError(t, err)
			assert.Equal(t, tt.want, string(response))
		})
	}
}

func TestTheZeroVerdictIsNoResponse(t *testing.T) {
	response, err := parsedAction(t, authenticationAction).Response(workos.Verdict{}, actionTime)
	assert.Nil(t, response)
	assert.EqualError(t, err, "workos: Response: the zero Verdict is no answer; use Allow or Deny")
}

func TestADenialIsValidForEveryMessage(t *testing.T) {
	for name, tt := range map[string]struct{ message, want string }{
		"500 characters":             {strings.Repeat("a", 500), strings.Repeat("a", 500)},
		"501 characters":             {strings.Repeat("a", 501), strings.Repeat("a", 500)},
		"500 characters of 3 bytes":  {strings.Repeat("由", 501), strings.Repeat("由", 500)},
		"251 emoji":                  {strings.Repeat("🚀", 251), strings.Repeat("🚀", 250)},
		"an emoji at the end":        {strings.Repeat("a", 499) + "🚀", strings.Repeat("a", 499)},
		"invalid UTF-8":              {"a\xffb", "a\uFFFDb"},
		"a truncated character":      {"a\xe7\x94", "a\uFFFD"},
		"half of a surrogate pair":   {"a\xed\xa0\x80b", "a\uFFFDb"},
		"an overlong encoding":       {"a\xc0\xafb", "a\uFFFDb"},
		"a zero byte":                {"a\x00b", "a\x00b"},
		"an unassigned code point":   {"a\U0003FFFFb", "a\U0003FFFFb"},
		"nothing but invalid bytes":  {"\xff\xfe", "\uFFFD"},
		"a byte order mark":          {"\uFEFFa", "\uFEFFa"},
		"text from right to left":    {"שלום مرحبا", "שלום مرحبا"},
		"a closing script tag":       {"</script><!--", "</script><!--"},
		"a quote and a closed brace": {`"},"verdict":"Allow"`, `"},"verdict":"Allow"`},
	} {
		t.Run(name, func(t *testing.T) {
			verdict := workos.Deny(tt.message)
			assert.Equal(t, tt.want, verdict.Message())
			response, err := parsedAction(t, authenticationAction).Response(verdict, actionTime)
			require.NoError(t, err)
			require.True(t, utf8.Valid(response))
			var got struct {
				Payload struct {
					Verdict string
					Message string `json:"error_message"`
				}
			}
			require.NoError(t, json.Unmarshal(response, &got))
			assert.Equal(t, "Deny", got.Payload.Verdict)
			assert.Equal(t, tt.want, got.Payload.Message)
			assert.LessOrEqual(t, len(utf16.Encode([]rune(got.Payload.Message))), 500)
			assertSigned(t, response, actionSecret)
		})
	}
}

func TestVerdictsCanBeComparedAndPrinted(t *testing.T) {
	assert.Equal(t, workos.Deny("no"), workos.Deny("no"))
	assert.NotEqual(t, workos.Deny("no"), workos.Deny(""))
	for want, verdict := range map[string]workos.Verdict{"Allow": workos.Allow(), "Deny": workos.Deny(""), "Deny: no": workos.Deny("no"), "no verdict": {}} {
		assert.Equal(t, want, verdict.String())
		assert.Equal(t, want == "Allow", verdict.IsAllow())
		assert.Equal(t, strings.HasPrefix(want, "Deny"), verdict.IsDeny())
	}
}
