// Examples: events and webhooks.

package workos_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/authkit-go/authkit/workos"
)

// A program follows the events. It stores the cursor, so that it misses nothing while it does not run.
func ExampleClient_ListEvents() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"data":[
			{"id":"event_01A","event":"session.revoked","data":{"id":"session_01A","user_id":"user_01A"},"created_at":"2026-05-04T10:00:00.000Z"},
			{"id":"event_01B","event":"user.deleted","data":{"id":"user_01A","email":"kim@acme.test"},"created_at":"2026-05-04T10:00:01.000Z"}],
			"list_metadata":{"after":null}}`)
	}))
	defer api.Close()
	client, err := workos.NewClient("client_01A", workos.WithAPIKey("sk_test_example"), workos.WithBaseURL(api.URL))
	if err != nil {
		panic(err)
	}

	var cursor workos.EventCursor
	stored := ""                   // from the last run of the program
	store := func(after string) {} // for the next run
	// A program repeats this, for example every second.
	for event, err := range client.ListEvents(context.Background(), workos.ListEventsParams{
		Types:  []string{workos.EventSessionRevoked, workos.EventUserDeleted},
		After:  stored,
		Cursor: &cursor,
	}) {
		if err != nil {
			fmt.Println("try again later:", err)
			break
		}
		data, err := event.Payload()
		if err != nil {
			fmt.Println("skip", event.ID, err)
			continue
		}
		switch data := data.(type) {
		case *workos.Session:
			fmt.Println(event.Type, data.ID)
		case *workos.User:
			fmt.Println(event.Type, data.Email)
		}
	}
	store(cursor.After())
	// Output:
	// session.revoked session_01A
	// user.deleted kim@acme.test
}

// A handler receives webhooks. It reads the body as it is, and answers 2xx only after it has handled the event.
func ExampleParseWebhook() {
	secret := "whsec_example"    // from the environment
	handled := map[string]bool{} // an application limits its size
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, workos.MaxWebhookBody))
		if err != nil {
			http.Error(w, "unreadable body", http.StatusBadRequest)
			return
		}
		event, err := workos.ParseWebhook(r.Header, body, time.Now(), secret)
		switch {
		case errors.Is(err, workos.ErrWebhookSignature), errors.Is(err, workos.ErrWebhookTimestamp):
			http.Error(w, "not from WorkOS", http.StatusUnauthorized)
			return
		case err != nil:
			http.Error(w, "not an event", http.StatusBadRequest)
			return
		}
		if handled[event.ID] { // WorkOS repeats deliveries
			return
		}
		var user workos.User
		if err := event.Decode(&user); err != nil {
			http.Error(w, "unexpected data", http.StatusInternalServerError) // WorkOS tries again
			return
		}
		fmt.Println(event.Type, user.Email)
		handled[event.ID] = true
	})

	body := `{"id":"event_01A","event":"user.updated","data":{"id":"user_01A","email":"kim@acme.test"}}`
	for _, signature := range []string{signedHeader(secret, time.Now(), body), signedHeader("a guess", time.Now(), body)} {
		r := httptest.NewRequest(http.MethodPost, "/webhooks/workos", strings.NewReader(body))
		r.Header.Set(workos.WebhookSignatureHeader, signature)
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, r)
		fmt.Println(recorder.Code)
	}
	// Output:
	// user.updated kim@acme.test
	// 200
	// 401
}

// The data of an event of a type that this package does not know are raw.
func ExampleEvent_Payload() {
	var event workos.Event
	if err := json.Unmarshal([]byte(`{"id":"event_01A","event":"dsync.deleted","data":{"id":"directory_01A"}}`), &event); err != nil {
		panic(err)
	}
	data, err := event.Payload()
	if err != nil {
		panic(err)
	}
	switch data := data.(type) {
	case *workos.User:
		fmt.Println("user", data.ID)
	case json.RawMessage:
		fmt.Println(event.Type, string(data))
	}
	// Output: dsync.deleted {"id":"directory_01A"}
}
