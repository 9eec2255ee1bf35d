// The signature of Action requests and webhooks: what the library of WorkOS for Node.js signs, and what it accepts.

package interop_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os/exec"
	"slices"
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

const endpointSecret = "the-secret-of-the-endpoint"

// signedTexts are texts that JSON encoders of Go and JavaScript could write differently.
var signedTexts = map[string]string{
	"ASCII":                "Ask your administrator.",
	"HTML":                 `<b>"Kim" & Søn's</b></script>`,
	"several scripts":      "由紀 Ωμέγα Иванова नमस्ते مرحبا שלום",
	"emoji":                "👩‍🚀🇳🇴 🚀",
	"line separators":      "a\u2028b\u2029c\u0085d",
	"control characters":   "\x00\x01\b\t\n\v\f\r\x1b\x1f\x7f",
	"quotes and backslash": `\" \\ \u2028 \u003c "'` + "`",
	"not normalized":       "e\u0301 é \ufeff \ufffd \uffff",
	"a key of a prototype": "__proto__",
	"a number":             "1e400",
	"combining characters": "Z\u0324\u0310a\u0336\u0353lgo Ấ ि\u200d",
	"empty":                "",
	"long":                 strings.Repeat("由<&", 160), // a denial has 500 characters at most
}

// receivedTexts returns signedTexts and one that is too long for a denial.
func receivedTexts() []string {
	return append(slices.Collect(maps.Values(signedTexts)), strings.Repeat("由<&", 4<<10))
}

// operation is one of workos.mjs.
type operation map[string]string

// inNode runs operations in workos.mjs and returns their results.
func inNode(t *testing.T, operations ...operation) []json.RawMessage {
	t.Helper()
	input, err := json.Marshal(operations)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "node", "workos.mjs")
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &stderr
	output, err := cmd.Output()
	require.NoError(t, err, "node workos.mjs: %s", &stderr)
	var results []json.RawMessage
	require.NoError(t, json.Unmarshal(output, &results))
	require.Len(t, results, len(operations))
	return results
}

// textOf decodes a result that is a text.
func textOf(t *testing.T, result json.RawMessage) (text string) {
	t.Helper()
	require.NoError(t, json.Unmarshal(result, &text), "%s", result)
	return text
}

// inEveryEncoding returns the JSON of values as JSON.stringify makes it, as encoding/json does, and with ASCII only.
func inEveryEncoding(t *testing.T, values ...any) (bodies []string) {
	t.Helper()
	separators := strings.NewReplacer(`\\`, `\\`, `\u2028`, "\u2028", `\u2029`, "\u2029") // which encoding/json always escapes
	for _, encoding := range []func(string) string{separators.Replace, escapeHTML, escapeNonASCII} {
		for _, value := range values {
			var body bytes.Buffer
			encoder := json.NewEncoder(&body)
			encoder.SetEscapeHTML(false)
			require.NoError(t, encoder.Encode(value))
			bodies = append(bodies, encoding(strings.TrimSuffix(body.String(), "\n")))
		}
	}
	return bodies
}

func escapeHTML(body string) string {
	var escaped bytes.Buffer
	json.HTMLEscape(&escaped, []byte(body))
	return escaped.String()
}

func escapeNonASCII(body string) string {
	var escaped strings.Builder
	for _, unit := range utf16.Encode([]rune(body)) {
		if unit < utf8.RuneSelf {
			escaped.WriteByte(byte(unit))
			continue
		}
		fmt.Fprintf(&escaped, `\u%04x`, unit)
	}
	return escaped.String()
}

// signedByGo returns the header of a request that is signed now, as WorkOS signs it.
func signedByGo(body, secret string) string {
	timestamp := strconv.FormatInt(time.Now().UnixMilli(), 10)
	return "t=" + timestamp + ", v1=" + signature(timestamp, body, secret)
}

// signature returns the value of v1.
func signature(timestamp, body, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	io.WriteString(mac, timestamp+"."+body)
	return hex.EncodeToString(mac.Sum(nil))
}

// requests are the signed requests of WorkOS, with a text in several members. accepted returns these texts of a request that Go
// accepts. read returns those of the result in Node.
var requests = map[string]struct {
	do       string
	bodies   func(*testing.T, string) []string
	accepted func(header http.Header, body []byte, secret string) ([]string, error)
	read     func(result map[string]any) []any
}{
	"an Action": {"action", actionBodies, func(header http.Header, body []byte, secret string) ([]string, error) {
		action, err := workos.ParseAction(header, body, time.Now(), secret)
		switch {
		case err != nil:
			return nil, err
		case action.Authentication != nil:
			user := action.Authentication.User
			return []string{user.FirstName, user.LastName, action.Authentication.Organization.Name}, nil
		}
		user := action.Registration.UserData
		return []string{user.FirstName, user.LastName}, nil
	}, func(context map[string]any) []any {
		if user, found := context["user"].(map[string]any); found {
			return []any{user["firstName"], user["lastName"], context["organization"].(map[string]any)["name"]}
		}
		user := context["userData"].(map[string]any)
		return []any{user["firstName"], user["lastName"]}
	}},
	"a webhook": {"webhook", webhookBodies, func(header http.Header, body []byte, secret string) ([]string, error) {
		event, err := workos.ParseWebhook(header, body, time.Now(), secret)
		if err != nil {
			return nil, err
		}
		return textsOfEvent(event)
	}, textsInNode},
}

func TestGoAcceptsWhatNodeSignsAndNodeWhatGoSigns(t *testing.T) {
	for kind, request := range requests {
		t.Run(kind, func(t *testing.T) {
			var signing, reading []operation
			var texts []string
			for _, text := range receivedTexts() {
				for _, body := range request.bodies(t, text) {
					texts = append(texts, text)
					signing = append(signing, operation{"do": "sign", "body": body, "secret": endpointSecret})
					reading = append(reading, operation{"do": request.do, "body": body, "header": signedByGo(body, endpointSecret), "secret": endpointSecret})
				}
			}
			for i, result := range inNode(t, append(signing, reading...)...) {
				if i < len(signing) {
					header, body := http.Header{"Workos-Signature": {textOf(t, result)}}, []byte(signing[i]["body"])
					received, err := request.accepted(header, body, endpointSecret)
					require.NoError(t, err)
					assertAllEqual(t, texts[i], received)
					_, err = request.accepted(header, body, "another")
					assert.Error(t, err)
					_, err = request.accepted(header, append(body, ' '), endpointSecret)
					assert.Error(t, err)
					continue
				}
				var read map[string]any
				require.NoError(t, json.Unmarshal(result, &read))
				require.NotContains(t, read, "error")
				assertAllEqual(t, any(texts[i-len(signing)]), request.read(read))
			}
		})
	}
}

// assertAllEqual asserts that there are texts, and that all are equal to want.
func assertAllEqual[T any](t *testing.T, want T, texts []T) {
	t.Helper()
	assert.NotEmpty(t, texts)
	for _, text := range texts {
		assert.Equal(t, want, text)
	}
}
