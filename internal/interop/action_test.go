// Actions, with the library of WorkOS for Node.js on the other side.

package interop_test

import (
	"context"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// actionBodies returns the bodies of an authentication and a registration Action with a text in every field, in every encoding.
func actionBodies(t *testing.T, text string) []string {
	t.Helper()
	return inEveryEncoding(t,
		map[string]any{"object": "authentication_action_context", "id": "action_01A", "user_agent": text, "issuer": text,
			"user":         map[string]any{"object": "user", "id": "user_01A", "email": "yuki@example.com", "first_name": text, "last_name": text},
			"organization": map[string]any{"object": "organization", "id": "org_01A", "name": text, "domains": []any{}}},
		map[string]any{"object": "user_registration_action_context", "id": "action_02A", "user_agent": text,
			"user_data": map[string]any{"object": "user_data", "email": "yuki@example.com", "first_name": text, "last_name": text}})
}

func TestNodeAndGoMakeTheSameResponseToAnAction(t *testing.T) {
	var operations []operation
	var messages []string
	for _, text := range signedTexts {
		messages = append(messages, text)
	}
	for _, message := range messages {
		for _, kind := range []string{"authentication", "user_registration"} {
			operations = append(operations, operation{"do": "respond", "type": kind, "verdict": "Deny", "message": message, "secret": endpointSecret})
		}
	}
	operations = append(operations, operation{"do": "respond", "type": "authentication", "verdict": "Allow", "secret": endpointSecret})

	var ours []operation
	for i, result := range inNode(t, operations...) {
		theirs := textOf(t, result)
		var response struct{ Payload struct{ Timestamp int64 } }
		require.NoError(t, json.Unmarshal([]byte(theirs), &response))
		verdict := workos.Allow()
		if operations[i]["verdict"] == "Deny" {
			verdict = workos.Deny(operations[i]["message"])
		}
		body := actionBodies(t, "")[0]
		if operations[i]["type"] == "user_registration" {
			body = actionBodies(t, "")[1]
		}
		action, err := workos.ParseAction(http.Header{"Workos-Signature": {signedByGo(body, endpointSecret)}}, []byte(body), time.Now(), endpointSecret)
		require.NoError(t, err)
		our, err := action.Response(verdict, time.UnixMilli(response.Payload.Timestamp))
		require.NoError(t, err)
		assert.Equal(t, theirs, string(our))
		ours = append(ours, operation{"do": "accept", "response": string(our), "secret": endpointSecret})
	}
	for i, result := range inNode(t, ours...) {
		assert.Equal(t, "true", string(result), ours[i]["response"])
	}
}

func TestNodeRefusesAResponseOfAnotherSecretOrVerdict(t *testing.T) {
	body := actionBodies(t, "")[0]
	action, err := workos.ParseAction(http.Header{"Workos-Signature": {signedByGo(body, endpointSecret)}}, []byte(body), time.Now(), endpointSecret)
	require.NoError(t, err)
	response, err := action.Response(workos.Deny("no"), time.Now())
	require.NoError(t, err)
	late, err := action.Response(workos.Deny("no"), time.Now().Add(-31*time.Second))
	require.NoError(t, err)
	for i, result := range inNode(t,
		operation{"do": "accept", "response": string(response), "secret": "another"},
		operation{"do": "accept", "response": strings.Replace(string(response), "Deny", "Allow", 1), "secret": endpointSecret},
		operation{"do": "accept", "response": string(late), "secret": endpointSecret},
	) {
		assert.Contains(t, string(result), `{"error":`, i)
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
					operation{"do": "action", "body": string(body), "header": r.Header.Get("WorkOS-Signature"), "secret": endpointSecret},
					operation{"do": "respond", "type": "authentication", "verdict": "Deny", "message": "1" + text + "2", "secret": endpointSecret})
				var context struct{ User struct{ FirstName string } }
				assert.NoError(t, json.Unmarshal(results[0], &context))
				assert.Equal(t, text, context.User.FirstName)
				io.WriteString(w, textOf(t, results[1]))
			}))
			defer endpoint.Close()
			fake.SetActions(authkittest.Actions{Authentication: endpoint.URL, Secret: endpointSecret})

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
	}, "the next one", endpointSecret))
	mux.Handle("/user_registration", ak.RegistrationAction(func(_ context.Context, c workos.RegistrationContext) workos.Verdict {
		return workos.Deny(c.UserData.FirstName)
	}, "the next one", endpointSecret))
	server := httptest.NewServer(ak.Middleware(mux))
	defer server.Close()

	var operations []operation
	var texts []string
	for _, text := range signedTexts {
		all := actionBodies(t, text)
		texts = append(texts, text, text)
		operations = append(operations,
			operation{"do": "ask", "url": server.URL + "/authentication", "body": all[0], "secret": endpointSecret},
			operation{"do": "ask", "url": server.URL + "/user_registration", "body": all[1], "secret": endpointSecret})
	}
	operations = append(operations, operation{"do": "ask", "url": server.URL + "/authentication", "body": actionBodies(t, "")[0], "secret": "another"})
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
