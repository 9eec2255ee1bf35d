// Actions and webhooks, with the library of WorkOS for Node.js on the other side.

package interop_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

const actionSecret = "the-secret-of-the-endpoint"

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
}

// operation is one of actions.mjs.
type operation map[string]string

// inNode runs operations in actions.mjs and returns their results.
func inNode(t *testing.T, operations ...operation) []json.RawMessage {
	t.Helper()
	input, err := json.Marshal(operations)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "node", "actions.mjs")
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &stderr
	output, err := cmd.Output()
	require.NoError(t, err, "node actions.mjs: %s", &stderr)
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

// bodies returns the bodies of an authentication and a registration Action with a text in every field, as JSON.stringify makes
// them and as encoding/json does.
func bodies(t *testing.T, text string) (bodies []string) {
	t.Helper()
	for _, escapeHTML := range []bool{false, true} {
		for _, context := range []any{
			map[string]any{"object": "authentication_action_context", "id": "action_01A", "user_agent": text, "issuer": text,
				"user":         map[string]any{"object": "user", "id": "user_01A", "email": "yuki@example.com", "first_name": text, "last_name": text},
				"organization": map[string]any{"object": "organization", "id": "org_01A", "name": text, "domains": []any{}}},
			map[string]any{"object": "user_registration_action_context", "id": "action_02A", "user_agent": text,
				"user_data": map[string]any{"object": "user_data", "email": "yuki@example.com", "first_name": text, "last_name": text}},
		} {
			var body bytes.Buffer
			encoder := json.NewEncoder(&body)
			encoder.SetEscapeHTML(escapeHTML)
			require.NoError(t, encoder.Encode(context))
			bodies = append(bodies, strings.TrimSuffix(body.String(), "\n"))
		}
	}
	return bodies
}

// signedByGo returns the header of a request that is signed now, as WorkOS signs it.
func signedByGo(body, secret string) string {
	timestamp := strconv.FormatInt(time.Now().UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	io.WriteString(mac, timestamp+"."+body)
	return "t=" + timestamp + ", v1=" + hex.EncodeToString(mac.Sum(nil))
}

func TestNodeAndGoMakeTheSameResponseToAnAction(t *testing.T) {
	var operations []operation
	var messages []string
	for _, text := range signedTexts {
		messages = append(messages, text)
	}
	messages = append(messages, "")
	for _, message := range messages {
		for _, kind := range []string{"authentication", "user_registration"} {
			operations = append(operations, operation{"do": "respond", "type": kind, "verdict": "Deny", "message": message, "secret": actionSecret})
		}
	}
	operations = append(operations, operation{"do": "respond", "type": "authentication", "verdict": "Allow", "secret": actionSecret})

	var ours []operation
	for i, result := range inNode(t, operations...) {
		theirs := textOf(t, result)
		var response struct{ Payload struct{ Timestamp int64 } }
		require.NoError(t, json.Unmarshal([]byte(theirs), &response))
		verdict := workos.Allow()
		if operations[i]["verdict"] == "Deny" {
			verdict = workos.Deny(operations[i]["message"])
		}
		body := bodies(t, "")[0]
		if operations[i]["type"] == "user_registration" {
			body = bodies(t, "")[1]
		}
		action, err := workos.ParseAction(http.Header{"Workos-Signature": {signedByGo(body, actionSecret)}}, []byte(body), time.Now(), actionSecret)
		require.NoError(t, err)
		our, err := action.Response(verdict, time.UnixMilli(response.Payload.Timestamp))
		require.NoError(t, err)
		assert.Equal(t, theirs, string(our))
		ours = append(ours, operation{"do": "accept", "response": string(our), "secret": actionSecret})
	}
	for i, result := range inNode(t, ours...) {
		assert.Equal(t, "true", string(result), ours[i]["response"])
	}
}

func TestNodeRefusesAResponseOfAnotherSecretOrVerdict(t *testing.T) {
	body := bodies(t, "")[0]
	action, err := workos.ParseAction(http.Header{"Workos-Signature": {signedByGo(body, actionSecret)}}, []byte(body), time.Now(), actionSecret)
	require.NoError(t, err)
	response, err := action.Response(workos.Deny("no"), time.Now())
	require.NoError(t, err)
	late, err := action.Response(workos.Deny("no"), time.Now().Add(-31*time.Second))
	require.NoError(t, err)
	for i, result := range inNode(t,
		operation{"do": "accept", "response": string(response), "secret": "another"},
		operation{"do": "accept", "response": strings.Replace(string(response), "Deny", "Allow", 1), "secret": actionSecret},
		operation{"do": "accept", "response": string(late), "secret": actionSecret},
	) {
		assert.Contains(t, string(result), `{"error":`, i)
	}
}

// requests are the signed requests of WorkOS. accepted returns, of a request that Go accepts, a text that must be the one that was
// sent. read names the member of the context in Node with the same text.
var requests = map[string]struct {
	do       string
	bodies   func(*testing.T, string) []string
	accepted func(header http.Header, body []byte, secret string) (string, error)
	read     func(context map[string]any) any
}{
	"an Action": {"action", bodies, func(header http.Header, body []byte, secret string) (string, error) {
		action, err := workos.ParseAction(header, body, time.Now(), secret)
		switch {
		case err != nil:
			return "", err
		case action.Authentication != nil:
			return action.Authentication.User.FirstName, nil
		}
		return action.Registration.UserData.FirstName, nil
	}, func(context map[string]any) any {
		if user, found := context["user"].(map[string]any); found {
			return user["firstName"]
		}
		return context["userData"].(map[string]any)["firstName"]
	}},
}

func TestGoAcceptsWhatNodeSignsAndNodeWhatGoSigns(t *testing.T) {
	for kind, request := range requests {
		t.Run(kind, func(t *testing.T) {
			var signing, reading []operation
			var texts []string
			for _, text := range signedTexts {
				for _, body := range request.bodies(t, text) {
					texts = append(texts, text)
					signing = append(signing, operation{"do": "sign", "body": body, "secret": actionSecret})
					reading = append(reading, operation{"do": request.do, "body": body, "header": signedByGo(body, actionSecret), "secret": actionSecret})
				}
			}
			for i, result := range inNode(t, append(signing, reading...)...) {
				if i < len(signing) {
					header, body := http.Header{"Workos-Signature": {textOf(t, result)}}, []byte(signing[i]["body"])
					text, err := request.accepted(header, body, actionSecret)
					require.NoError(t, err)
					assert.Equal(t, texts[i], text)
					_, err = request.accepted(header, body, "another")
					assert.Error(t, err)
					_, err = request.accepted(header, append(body, ' '), actionSecret)
					assert.Error(t, err)
					continue
				}
				var context map[string]any
				require.NoError(t, json.Unmarshal(result, &context))
				assert.NotContains(t, context, "error")
				assert.Equal(t, texts[i-len(signing)], request.read(context))
			}
		})
	}
}

func TestTheFakeAsksAnApplicationInNode(t *testing.T) {
	for name, text := range signedTexts {
		t.Run(name, func(t *testing.T) {
			fake := authkittest.New(t, authkittest.WithUsers(authkittest.User{Email: yuki, FirstName: text, LastName: "Last"}))
			endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				assert.NoError(t, err)
				results := inNode(t,
					operation{"do": "action", "body": string(body), "header": r.Header.Get("WorkOS-Signature"), "secret": actionSecret},
					operation{"do": "respond", "type": "authentication", "verdict": "Deny", "message": "1" + text + "2", "secret": actionSecret})
				var context struct{ User struct{ FirstName string } }
				assert.NoError(t, json.Unmarshal(results[0], &context))
				assert.Equal(t, text, context.User.FirstName)
				io.WriteString(w, textOf(t, results[1]))
			}))
			defer endpoint.Close()
			fake.SetActions(authkittest.Actions{Authentication: endpoint.URL, Secret: actionSecret})

			b := authkittest.NewBrowser()
			defer b.CloseIdleConnections()
			_, err := b.Get(fake.URL() + "/user_management/authorize?response_type=code&provider=authkit&redirect_uri=http://localhost/callback&client_id=" + fake.ClientID())
			require.NoError(t, err)
			page, err := b.Submit("Last", nil)
			require.NoError(t, err)
			assert.Equal(t, http.StatusUnprocessableEntity, page.StatusCode)
			shown := html.UnescapeString(page.Body)
			assert.NotContains(t, shown, "gave no valid answer")
			assert.Contains(t, shown, "1"+strings.ReplaceAll(text, "\x00", "\ufffd")+"2")
		})
	}
}

func TestNodeAsksAnApplicationInGo(t *testing.T) {
	ak, err := authkit.New(authkit.WithAPIKey("sk_test_interop"), authkit.WithClientID("client_interop"),
		authkit.WithCookiePassword(strings.Repeat("correct-horse-", 3)), authkit.WithRedirectURL("http://localhost:8080/callback"))
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/authentication", ak.AuthenticationAction(func(_ context.Context, c workos.AuthenticationContext) workos.Verdict {
		return workos.Deny(c.User.FirstName)
	}, "the next one", actionSecret))
	mux.Handle("/user_registration", ak.RegistrationAction(func(_ context.Context, c workos.RegistrationContext) workos.Verdict {
		return workos.Deny(c.UserData.FirstName)
	}, "the next one", actionSecret))
	server := httptest.NewServer(ak.Middleware(mux))
	defer server.Close()

	var operations []operation
	var texts []string
	for _, text := range signedTexts {
		all := bodies(t, text)
		texts = append(texts, text, text)
		operations = append(operations,
			operation{"do": "ask", "url": server.URL + "/authentication", "body": all[0], "secret": actionSecret},
			operation{"do": "ask", "url": server.URL + "/user_registration", "body": all[1], "secret": actionSecret})
	}
	operations = append(operations, operation{"do": "ask", "url": server.URL + "/authentication", "body": bodies(t, "")[0], "secret": "another"})
	results := inNode(t, operations...)
	for i, text := range texts {
		var response struct {
			Payload struct {
				Verdict string
				Message string `json:"error_message"`
			}
		}
		require.NoError(t, json.Unmarshal([]byte(textOf(t, results[i])), &response))
		assert.Equal(t, "Deny", response.Payload.Verdict)
		assert.Equal(t, text, response.Payload.Message)
	}
	assert.Contains(t, string(results[len(texts)]), "status 401")
}
