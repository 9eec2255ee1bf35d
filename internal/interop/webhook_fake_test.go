// Webhooks that the fake sends: what applications in Go and Node.js make of them.

package interop_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// received is the webhooks that an endpoint has received, as operations of Node.
type received struct {
	mu       sync.Mutex
	webhooks []operation
}

func (r *received) operations() []operation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.webhooks
}

// endpoint starts an endpoint that receives the webhooks of the fake before an application in Go does. events are the events of
// the application.
func (f *eventfulFake) endpoint() (r *received, events func() []workos.Event) {
	f.Helper()
	ak, err := authkit.New(authkit.WithAPIKey(f.APIKey()), authkit.WithClientID(f.ClientID()), authkit.WithClock(f.clock),
		authkit.WithCookiePassword("correct-horse-correct-horse-correct"), authkit.WithRedirectURL("http://localhost:8080/callback"))
	require.NoError(f, err)
	r = &received{}
	var inGo []workos.Event
	app := ak.Webhook(func(_ context.Context, event workos.Event) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		inGo = append(inGo, event)
		return nil
	}, endpointSecret)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		assert.NoError(f, err)
		r.mu.Lock()
		r.webhooks = append(r.webhooks, operation{"do": "webhook", "body": string(body), "header": request.Header.Get("WorkOS-Signature"), "secret": endpointSecret})
		r.mu.Unlock()
		request.Body = io.NopCloser(bytes.NewReader(body))
		app.ServeHTTP(w, request)
	}))
	f.Cleanup(server.Close)
	f.AddWebhookEndpoint(server.URL, endpointSecret)
	return r, func() []workos.Event {
		r.mu.Lock()
		defer r.mu.Unlock()
		return inGo
	}
}

func TestNodeAndGoAcceptEveryWebhookOfTheFake(t *testing.T) {
	f := newEventfulFake(t)
	received, events := f.endpoint()
	f.everyKindOfEvent()
	require.NoError(t, f.WaitForWebhooks(t.Context()))
	listed := f.inGo(workos.ListEventsParams{Types: emittedTypes})
	require.Len(t, events(), len(listed))
	for i, result := range inNode(t, received.operations()...) {
		var node nodeEvent
		require.NoError(t, json.Unmarshal(result, &node))
		require.Empty(t, node.Error)
		assert.Equal(t, listed[i], events()[i], "a webhook has the event of the list")
		assertSameEvent(t, events()[i], node)
	}
}

func TestNodeAndGoRefuseTheSameWebhooksOfTheFake(t *testing.T) {
	for name, test := range map[string]struct {
		fault        authkittest.WebhookFault
		ours, theirs bool // accepted
	}{
		"without a fault":       {authkittest.WebhookFault{}, true, true},
		"twice":                 {authkittest.WebhookFault{Twice: true}, true, true},
		"a minute old":          {authkittest.WebhookFault{ClockDifference: -time.Minute}, true, true},
		"of another secret":     {authkittest.WebhookFault{BadSignature: true}, false, false},
		"an hour old":           {authkittest.WebhookFault{ClockDifference: -time.Hour}, false, false},
		"with seconds":          {authkittest.WebhookFault{SignedInSeconds: true}, false, false},
		"an hour in the future": {authkittest.WebhookFault{ClockDifference: time.Hour}, false, true}, // Node has no limit for the future
	} {
		t.Run(name, func(t *testing.T) {
			f := newEventfulFake(t)
			received, events := f.endpoint()
			f.InjectWebhookFault(test.fault)
			f.EmitEvent("acme.happened", map[string]any{"text": signedTexts["HTML"]})
			require.NoError(t, f.WaitForWebhooks(t.Context()))
			for _, delivery := range f.WebhookDeliveries() {
				assert.Equal(t, map[bool]int{true: http.StatusNoContent, false: http.StatusUnauthorized}[test.ours], delivery.Status)
			}
			assert.Equal(t, map[bool]int{true: 1, false: 0}[test.ours], len(events()), "a duplicate is handled once")
			for _, result := range inNode(t, received.operations()...) {
				var node nodeEvent
				require.NoError(t, json.Unmarshal(result, &node))
				assert.Equal(t, test.theirs, node.Error == "", node.Error)
			}
		})
	}
}
