// Webhooks, with the library of WorkOS for Node.js on the other side.

package interop_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/workos"
)

// nesting is how many arrays are around the text of an event of a type that neither library knows.
const nesting = 100

// webhookBodies returns the bodies of webhooks with a text in their data, in every encoding. Each has an event ID of its own.
func webhookBodies(t *testing.T, text string) []string {
	t.Helper()
	var nested any = text
	for range nesting {
		nested = []any{nested}
	}
	event := func(eventType string, data map[string]any) map[string]any {
		return map[string]any{"object": "event", "id": "event_ID", "event": eventType, "created_at": "2026-05-04T10:00:00.000Z",
			"data": data, "context": map[string]any{"actor": map[string]any{"name": text}}}
	}
	bodies := inEveryEncoding(t,
		event(workos.EventUserUpdated, map[string]any{"object": "user", "id": "user_01A", "email": yuki,
			"first_name": text, "last_name": text, "metadata": map[string]any{text: text}}),
		event(workos.EventOrganizationUpdated, map[string]any{"object": "organization", "id": "org_01A", "name": text, "external_id": text,
			"domains": []any{map[string]any{"object": "organization_domain", "id": "org_domain_01A", "domain": text}}}),
		event("acme.happened", map[string]any{"nested": nested}))
	for i, body := range bodies {
		bodies[i] = strings.Replace(body, `"event_ID"`, fmt.Sprintf(`"event_%x_%d"`, sha256.Sum256([]byte(text)), i), 1)
	}
	return bodies
}

// textsOfEvent returns the texts of an event of webhookBodies.
func textsOfEvent(event workos.Event) ([]string, error) {
	payload, err := event.Payload()
	switch data := payload.(type) {
	case *workos.User:
		texts := []string{data.FirstName, data.LastName}
		for name, value := range data.Metadata {
			texts = append(texts, name, value)
		}
		return texts, nil
	case *workos.Organization:
		return []string{data.Name, data.ExternalID, data.Domains[0].Domain}, nil
	case json.RawMessage:
		var raw struct{ Nested any }
		if err := json.Unmarshal(data, &raw); err != nil {
			return nil, err
		}
		text, isText := unnest(raw.Nested).(string)
		if !isText {
			return nil, errors.New("no text in the arrays")
		}
		return []string{text}, nil
	}
	return nil, err
}

// textsInNode returns the texts of an event of webhookBodies that constructEvent has returned.
func textsInNode(event map[string]any) (texts []any) {
	data := event["data"].(map[string]any)
	switch event["event"] {
	case workos.EventUserUpdated:
		texts = []any{data["firstName"], data["lastName"]}
		for name, value := range data["metadata"].(map[string]any) {
			texts = append(texts, name, value)
		}
	case workos.EventOrganizationUpdated:
		texts = []any{data["name"], data["externalId"], data["domains"].([]any)[0].(map[string]any)["domain"]}
	default:
		texts = []any{unnest(data["nested"])}
	}
	return append(texts, event["context"].(map[string]any)["actor"].(map[string]any)["name"])
}

// unnest returns the value that nesting arrays contain.
func unnest(value any) any {
	for range nesting {
		array, _ := value.([]any)
		if len(array) != 1 {
			return nil
		}
		value = array[0]
	}
	return value
}

// webhookApp is an application in Go that receives webhooks with a function.
func webhookApp(t *testing.T, function func(context.Context, workos.Event) error) *httptest.Server {
	t.Helper()
	ak, err := authkit.New(authkit.WithAPIKey("sk_test_interop"), authkit.WithClientID("client_interop"),
		authkit.WithCookiePassword(strings.Repeat("correct-horse-", 3)), authkit.WithRedirectURL("http://localhost:8080/callback"))
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/webhooks/workos", ak.Webhook(function, "the next one", endpointSecret))
	server := httptest.NewServer(ak.Middleware(mux))
	t.Cleanup(server.Close)
	return server
}

func TestNodeDeliversWebhooksToAnApplicationInGo(t *testing.T) {
	received := make(chan workos.Event, 1000)
	app := webhookApp(t, func(_ context.Context, event workos.Event) error {
		received <- event
		return nil
	})
	var deliveries []operation
	var texts []string
	for _, text := range receivedTexts() {
		for _, body := range webhookBodies(t, text) {
			texts = append(texts, text)
			deliveries = append(deliveries, operation{"do": "deliver", "url": app.URL + "/webhooks/workos", "body": body, "secret": endpointSecret})
		}
	}
	forged := operation{"do": "deliver", "url": app.URL + "/webhooks/workos", "body": webhookBodies(t, "forged")[0], "secret": "another"}
	results := inNode(t, append(deliveries, forged)...) // one after the other
	for i, delivery := range deliveries {
		require.Equal(t, "204", string(results[i]), i)
		event := <-received
		sent, err := json.Marshal(event)
		require.NoError(t, err)
		assert.JSONEq(t, delivery["body"], string(sent))
		got, err := textsOfEvent(event)
		require.NoError(t, err)
		assertAllEqual(t, texts[i], got)
	}
	assert.Equal(t, "401", string(results[len(deliveries)]))
	assert.Empty(t, received)
}
