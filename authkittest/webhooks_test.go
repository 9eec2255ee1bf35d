// Webhooks: what an application receives, and how faults disturb it.

package authkittest_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

const webhookSecret = "the-secret-of-the-webhook-endpoint"

// receiver is an application that receives webhooks with package workos.
type receiver struct {
	*app
	url string

	mu       sync.Mutex // guards everything below
	got      []string   // types of the events, or the errors of workos.ParseWebhook
	ids      []string   // of the events that were verified
	statuses []int      // of the next responses; then 204
	headers  []string   // the signatures
	before   func()     // is called before the response
}

func newReceiver(t *testing.T, types ...string) *receiver {
	t.Helper()
	r := &receiver{app: newApp(t)}
	server := httptest.NewServer(http.HandlerFunc(r.receive))
	t.Cleanup(server.Close)
	r.url = strings.Replace(server.URL, "127.0.0.1", "app.localhost", 1) + "/webhooks/workos"
	r.AddWebhookEndpoint(r.url, webhookSecret, types...)
	return r
}

func (r *receiver) receive(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.Users() // the fake can be used
	r.mu.Lock()
	before := r.before
	r.mu.Unlock()
	if before != nil {
		before()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.headers = append(r.headers, request.Header.Get(workos.WebhookSignatureHeader))
	event, err := workos.ParseWebhook(request.Header, body, r.clock.Now(), webhookSecret)
	status := http.StatusNoContent
	switch {
	case errors.Is(err, workos.ErrWebhookSignature):
		r.got, status = append(r.got, "signature"), http.StatusUnauthorized
	case errors.Is(err, workos.ErrWebhookTimestamp):
		r.got, status = append(r.got, "timestamp"), http.StatusUnauthorized
	case err != nil:
		r.got, status = append(r.got, err.Error()), http.StatusBadRequest
	default:
		r.got, r.ids = append(r.got, event.Type), append(r.ids, event.ID)
	}
	if len(r.statuses) > 0 {
		status, r.statuses = r.statuses[0], r.statuses[1:]
	}
	w.WriteHeader(status)
}

// received waits until nothing is being sent, and returns what has arrived since the last call.
func (r *receiver) received() []string {
	r.Helper()
	r.wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	return got
}

func (r *receiver) wait() {
	r.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(r, r.WaitForWebhooks(ctx))
}

func TestAnApplicationReceivesTheEventsOfTheList(t *testing.T) {
	r := newReceiver(t)
	r.signIn("Ada")
	r.RevokeSession(r.Sessions()[0].ID)
	assert.Equal(t, []string{"authentication.password_succeeded", "session.created", "session.revoked"}, r.received())
	assert.Equal(t, ids(r.Events()), r.ids)
	assert.Regexp(t, `^t=\d{13}, v1=[0-9a-f]{64}$`, r.headers[0])
	deliveries := r.WebhookDeliveries()
	require.Len(t, deliveries, 3)
	assert.Equal(t, authkittest.WebhookDelivery{
		URL: r.url, EventID: r.ids[2], EventType: "session.revoked", Attempt: 1, Status: 204, SentAt: start,
	}, deliveries[2])
	assert.True(t, deliveries[2].Delivered())
}

func TestAnEndpointReceivesItsTypesOnly(t *testing.T) {
	r := newReceiver(t, "session.revoked", "new.type")
	r.token(ada)
	r.RevokeSession(r.Sessions()[0].ID)
	r.EmitEvent("new.type", nil)
	assert.Equal(t, []string{"session.revoked", "new.type"}, r.received())
}

func TestAHeldEventIsSentWhenItIsReleased(t *testing.T) {
	r := newReceiver(t)
	r.HoldEvents("session.created")
	r.token(ada)
	r.SetEventHoldBack(time.Hour)
	assert.Equal(t, []string{"authentication.password_succeeded"}, r.received())
	r.ReleaseEvents()
	assert.Equal(t, []string{"session.created"}, r.received())
}

func TestAnEventThatIsNotAcceptedIsSentAgain(t *testing.T) {
	for name, statuses := range map[string][]int{"an error": {500, 500, 500, 500, 500, 500, 500}, "a redirect": {302, 302, 302, 302, 302, 302, 302}} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t, "user.updated")
			r.statuses = statuses
			r.EmitEvent("user.updated", nil)
			assert.Equal(t, []string{"user.updated"}, r.received())
			for _, pause := range []time.Duration{time.Minute, 9 * time.Minute, 50 * time.Minute, 5 * time.Hour, 18 * time.Hour, 48 * time.Hour} {
				r.clock.Advance(pause - time.Second)
				assert.Empty(t, r.received())
				r.clock.Advance(time.Second)
				assert.Equal(t, []string{"user.updated"}, r.received(), "each attempt has a new signature")
			}
			r.clock.Advance(1000 * time.Hour)
			assert.Empty(t, r.received())
			deliveries := r.WebhookDeliveries()
			require.Len(t, deliveries, 7)
			assert.Equal(t, 7, deliveries[6].Attempt)
			assert.Equal(t, start.Add(72*time.Hour), deliveries[6].SentAt)
			assert.False(t, deliveries[6].Delivered())
		})
	}
}

func TestAnEventThatIsAcceptedLaterIsNotSentAgain(t *testing.T) {
	r := newReceiver(t, "user.updated")
	r.statuses = []int{503, 200}
	r.EmitEvent("user.updated", nil)
	r.received()
	r.EmitEvent("user.updated", nil)
	r.clock.Advance(1000 * time.Hour)
	r.received()
	assert.Len(t, r.ids, 3, "one of two events is sent twice")
}

func TestAnEndpointThatDoesNotAnswerIsTriedAgain(t *testing.T) {
	r := newReceiver(t, "user.updated")
	arrived, release := make(chan struct{}, 1), make(chan struct{})
	r.before = func() { arrived <- struct{}{}; <-release }
	r.EmitEvent("user.updated", nil)
	<-arrived
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	assert.ErrorIs(t, r.WaitForWebhooks(ctx), context.Canceled, "it is being sent")
	r.clock.Advance(30 * time.Second)
	r.wait()
	close(release)
	require.Len(t, r.WebhookDeliveries(), 1)
	assert.Equal(t, "no answer within 30s", r.WebhookDeliveries()[0].Error)
	assert.Zero(t, r.WebhookDeliveries()[0].Status)
	r.clock.Advance(time.Minute)
	r.wait()
	assert.Equal(t, 204, r.WebhookDeliveries()[1].Status)
}

func TestAnEndpointThatIsDownIsTriedAgain(t *testing.T) {
	a := newApp(t)
	a.AddWebhookEndpoint("http://127.0.0.1:1", webhookSecret) // nothing listens there
	a.EmitEvent("user.updated", nil)
	require.NoError(t, a.WaitForWebhooks(t.Context()))
	require.Len(t, a.WebhookDeliveries(), 1)
	assert.Contains(t, a.WebhookDeliveries()[0].Error, "refused")
	assert.NotContains(t, a.WebhookDeliveries()[0].Error, webhookSecret)
}

func TestWebhookFaultsDisturbWhatAnApplicationReceives(t *testing.T) {
	for name, test := range map[string]struct {
		fault authkittest.WebhookFault
		want  []string // of user.created, user.updated and user.deleted
		later []string // after an hour
	}{
		"none":      {authkittest.WebhookFault{}, []string{"user.created", "user.updated", "user.deleted"}, nil},
		"late":      {authkittest.WebhookFault{Late: time.Hour}, nil, []string{"user.created", "user.updated", "user.deleted"}},
		"lost":      {authkittest.WebhookFault{Lost: true, Times: 1}, []string{"user.updated", "user.deleted"}, nil},
		"twice":     {authkittest.WebhookFault{Twice: true, Times: 2}, []string{"user.created", "user.created", "user.updated", "user.updated", "user.deleted"}, nil},
		"reordered": {authkittest.WebhookFault{Reordered: true, Times: 2}, []string{"user.updated", "user.created", "user.deleted"}, nil},
		"reordered and twice": {
			authkittest.WebhookFault{Reordered: true, Twice: true, Times: 1}, []string{"user.updated", "user.created", "user.created", "user.deleted"}, nil,
		},
		"badly signed": {
			authkittest.WebhookFault{BadSignature: true, Times: 2}, []string{"signature", "signature", "user.deleted"}, []string{"user.created", "user.updated"},
		},
		"stale":  {authkittest.WebhookFault{ClockDifference: -181 * time.Second, Times: 1}, []string{"timestamp", "user.updated", "user.deleted"}, []string{"user.created"}},
		"future": {authkittest.WebhookFault{ClockDifference: 181 * time.Second, Times: 1}, []string{"timestamp", "user.updated", "user.deleted"}, []string{"user.created"}},
		"in time": {
			authkittest.WebhookFault{ClockDifference: 180 * time.Second, Times: 1}, []string{"user.created", "user.updated", "user.deleted"}, nil,
		},
		"in seconds": {authkittest.WebhookFault{SignedInSeconds: true, Times: 1}, []string{"timestamp", "user.updated", "user.deleted"}, []string{"user.created"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t)
			r.InjectWebhookFault(test.fault)
			for _, typ := range []string{"user.created", "user.updated", "user.deleted"} {
				r.EmitEvent(typ, nil)
			}
			assert.Equal(t, test.want, r.received())
			r.clock.Advance(time.Hour)
			assert.Equal(t, test.later, r.received())
			r.clock.Advance(1000 * time.Hour)
			assert.Empty(t, r.received())
		})
	}
}

func TestAClearedWebhookFaultSendsTheEventThatWaitsForAnother(t *testing.T) {
	r := newReceiver(t)
	r.InjectWebhookFault(authkittest.WebhookFault{Reordered: true})
	r.EmitEvent("user.updated", nil)
	assert.Empty(t, r.received())
	r.ClearWebhookFault()
	assert.Equal(t, []string{"user.updated"}, r.received())
	r.EmitEvent("user.deleted", nil)
	assert.Equal(t, []string{"user.deleted"}, r.received())
}

func TestALostWebhookIsADeliveryWithoutAStatus(t *testing.T) {
	r := newReceiver(t)
	r.InjectWebhookFault(authkittest.WebhookFault{Lost: true})
	r.EmitEvent("user.updated", nil)
	require.Len(t, r.WebhookDeliveries(), 1)
	assert.Equal(t, "lost because of WebhookFault.Lost", r.WebhookDeliveries()[0].Error)
}

func TestTheClientOfWorkOSManagesWebhookEndpoints(t *testing.T) {
	r := newReceiver(t)
	client, ctx := r.workos(), context.Background()
	old := collectEndpoints(t, client)
	require.Len(t, old, 1)
	require.NoError(t, client.DeleteWebhookEndpoint(ctx, old[0].ID))

	created, err := client.CreateWebhookEndpoint(ctx, workos.CreateWebhookEndpointParams{URL: r.url, Events: []string{"user.updated"}})
	require.NoError(t, err)
	assert.Regexp(t, `^whsec_\w{26}$`, created.Secret)
	assert.Equal(t, []workos.WebhookEndpoint{*created}, collectEndpoints(t, client))
	r.EmitEvent("user.deleted", nil)
	r.EmitEvent("user.updated", nil)
	assert.Equal(t, []string{"signature"}, r.received(), "it has a secret of its own")

	updated, err := client.UpdateWebhookEndpoint(ctx, created.ID, workos.UpdateWebhookEndpointParams{Status: workos.WebhookEndpointDisabled, Events: []string{"user.deleted"}})
	require.NoError(t, err)
	assert.Equal(t, []any{"disabled", []string{"user.deleted"}, created.Secret}, []any{updated.Status, updated.Events, updated.Secret})
	r.clock.Advance(1000 * time.Hour)
	r.EmitEvent("user.deleted", nil)
	assert.Empty(t, r.received(), "an endpoint that is disabled receives nothing")
	_, err = client.UpdateWebhookEndpoint(ctx, created.ID, workos.UpdateWebhookEndpointParams{Status: workos.WebhookEndpointEnabled})
	require.NoError(t, err)
	r.EmitEvent("user.deleted", nil)
	assert.Equal(t, []string{"signature"}, r.received())
	require.NoError(t, client.DeleteWebhookEndpoint(ctx, created.ID))
	before := len(r.WebhookDeliveries())
	r.InjectWebhookFault(authkittest.WebhookFault{Lost: true})
	r.clock.Advance(1000 * time.Hour)
	assert.Empty(t, r.received())
	assert.Len(t, r.WebhookDeliveries(), before, "an endpoint that is deleted loses nothing")
}

func collectEndpoints(t *testing.T, client *workos.Client) (endpoints []workos.WebhookEndpoint) {
	t.Helper()
	for endpoint, err := range client.ListWebhookEndpoints(context.Background(), workos.Paging{}) {
		require.NoError(t, err)
		endpoints = append(endpoints, endpoint)
	}
	return endpoints
}

func TestAnInvalidWebhookEndpointIsRefused(t *testing.T) {
	r := newReceiver(t)
	id := collectEndpoints(t, r.workos())[0].ID
	events := []string{"user.updated"}
	for name, test := range map[string]struct {
		method, path string
		body         object
		status       int
		code         string
	}{
		"no address":                 {"POST", "", object{"events": events}, 422, "invalid_request_parameters"},
		"no types":                   {"POST", "", object{"endpoint_url": "https://app.test/"}, 422, "invalid_request_parameters"},
		"an unknown type":            {"POST", "", object{"endpoint_url": "https://app.test/", "events": []string{"user.renamed"}}, 422, "invalid_request_parameters"},
		"a type that is only listed": {"POST", "", object{"endpoint_url": "https://app.test/", "events": []string{"authentication.mfa_failed"}}, 422, "invalid_request_parameters"},
		"types of another type":      {"POST", "", object{"endpoint_url": "https://app.test/", "events": 1}, 422, "invalid_request_parameters"},
		"a null":                     {"PATCH", "/" + id, object{"status": nil}, 422, "invalid_request_parameters"},
		"a relative address":         {"POST", "", object{"endpoint_url": "/hooks", "events": events}, 422, "invalid_url"},
		"a registered address":       {"POST", "", object{"endpoint_url": r.url, "events": events}, 409, "duplicate_endpoint"},
		"a change of nothing":        {"PATCH", "/" + id, object{"endpoint_url": r.url}, 200, ""},
		"an unknown status":          {"PATCH", "/" + id, object{"status": "paused"}, 422, "invalid_request_parameters"},
		"a change of none":           {"PATCH", "/we_none", object{}, 404, "entity_not_found"},
		"the deletion of none":       {"DELETE", "/we_none", nil, 404, "entity_not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			got := r.api(test.method, "/webhook_endpoints"+test.path, test.body)
			assert.Equal(t, test.status, got.status)
			assert.Equal(t, test.code, got.text("code"))
			list, _ := got.body["errors"].([]any)
			assert.Equal(t, test.code == "invalid_request_parameters", len(list) == 1)
			for _, problem := range list {
				assert.Equal(t, []string{"code", "message"}, slices.Sorted(maps.Keys(problem.(object))))
			}
		})
	}
	assert.Panics(t, func() { r.AddWebhookEndpoint(r.url, "") })
	assert.Panics(t, func() { r.AddWebhookEndpoint("/hooks", webhookSecret) })
}

func TestAClosedFakeSendsNothing(t *testing.T) {
	a := newApp(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(arrived); <-release }))
	defer server.Close()
	defer close(release)
	a.AddWebhookEndpoint(server.URL, webhookSecret)
	a.InjectWebhookFault(authkittest.WebhookFault{Late: time.Minute, Times: 1})
	a.EmitEvent("user.updated", nil)
	a.EmitEvent("user.updated", nil)
	<-arrived
	a.Close()
	assert.NotContains(t, stacks(), "authkittest.(*Server).sendQueue")
	a.clock.Advance(time.Hour)
	a.EmitEvent("user.updated", nil)
	require.NoError(t, a.WaitForWebhooks(t.Context()))
	assert.Empty(t, a.WebhookDeliveries())
}

func stacks() string {
	buffer := make([]byte, 1<<20)
	return string(buffer[:runtime.Stack(buffer, true)])
}

func TestAnApplicationOfRunReceivesWebhooks(t *testing.T) {
	app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
		ak := env.AuthKit()
		mux := http.NewServeMux()
		mux.Handle("/", application(ak))
		mux.Handle("POST /webhooks/workos", ak.Webhook(nil, webhookSecret))
		return mux
	})
	app.Fake.AddWebhookEndpoint(app.URL+"/webhooks/workos", webhookSecret)
	browser := app.SignIn(ada)
	assert.Equal(t, app.URL+"/account", open(t, browser, "/account").URL.String())
	app.Fake.DeleteUser(ada)
	require.NoError(t, app.Fake.WaitForWebhooks(t.Context()))
	deliveries := app.Fake.WebhookDeliveries()
	assert.Len(t, deliveries, 5)
	for _, d := range deliveries {
		assert.True(t, d.Delivered(), "%+v", d)
	}
	assert.Contains(t, open(t, browser, "/account").URL.String(), app.Fake.URL()+"/sign-in/", "the clock has not moved")
}
