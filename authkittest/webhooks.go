// Webhooks: the endpoints of an application, and what is sent to them.

package authkittest

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"
)

// maxWebhookDeliveries is how many deliveries are remembered. Beyond that, the oldest one leaves.
const maxWebhookDeliveries = 10_000

// WebhookDelivery is an attempt to send an event to an endpoint.
type WebhookDelivery struct {
	URL       string // of the endpoint
	EventID   string
	EventType string
	Attempt   int    // 1 for the first one
	Status    int    // of the response; 0 if there was none
	Error     string // why there was no response; empty if there was one
	SentAt    time.Time
}

// Delivered reports whether the endpoint has accepted the event: with any 2xx status.
func (d WebhookDelivery) Delivered() bool { return d.Status >= 200 && d.Status < 300 }

// webhooks are the endpoints and deliveries. Server.mu guards everything except senders, ctx and cancel.
type webhooks struct {
	endpoints  []*webhookEndpoint // oldest first
	fault      *activeWebhookFault
	deliveries []WebhookDelivery // oldest first
	timers     map[*webhookTimer]bool
	sending    int           // endpoints to which something is being sent
	idle       chan struct{} // closed and replaced when sending becomes 0
	closed     bool
	senders    sync.WaitGroup

	ctx    context.Context // ends when the fake is closed
	cancel context.CancelFunc
}

func newWebhooks() webhooks {
	ctx, cancel := context.WithCancel(context.Background())
	return webhooks{timers: map[*webhookTimer]bool{}, idle: make(chan struct{}), ctx: ctx, cancel: cancel}
}

// webhookEndpoint is an address to which events are sent. They are sent one after the other, in the order of queue.
type webhookEndpoint struct {
	id        string
	url       string
	secret    string
	types     []string // nil for all
	disabled  bool
	deleted   bool
	createdAt time.Time
	updatedAt time.Time

	queue   []*webhookAttempt
	sending bool              // a goroutine sends what is in queue
	partner []*webhookAttempt // waits for the next one, with WebhookFault.Reordered
}

// wants reports whether an endpoint gets events of a type now.
func (e *webhookEndpoint) wants(typ string) bool {
	return !e.disabled && !e.deleted && (e.types == nil || slices.Contains(e.types, typ))
}

// webhookAttempt is an attempt to send an event to an endpoint.
type webhookAttempt struct {
	endpoint *webhookEndpoint
	event    *loggedEvent
	number   int
	isCopy   bool      // by WebhookFault.Twice; it is not sent again
	first    time.Time // when the event was sent for the first time
	fault    WebhookFault
}

// AddWebhookEndpoint makes the fake send events of these types, or of all types, to an address, signed with a secret:
//
//	fake.AddWebhookEndpoint(app+"/webhooks/workos", "secret")
//
// It returns the ID of the endpoint, with which the API changes and deletes it. The signatures have the time of the fake's clock,
// so the application needs the same clock. Events are sent one after the other, in their order. [Server.WaitForWebhooks] waits
// until they are sent.
//
// An event that the application does not answer with a 2xx status within 30 seconds is sent again: after a minute, ten minutes, an
// hour, six hours, a day and three days. These times are on the fake's clock, and so counted from the first attempt.
// AddWebhookEndpoint panics if the URL is not an absolute http or https URL, or the secret is empty.
//
// See https://workos.com/docs/events/data-syncing/webhooks
func (f *Server) AddWebhookEndpoint(url, secret string, types ...string) (id string) {
	if !isWebhookURL(url) || secret == "" {
		panic(fmt.Sprintf("authkittest: AddWebhookEndpoint(%q): it needs an absolute http or https URL and a secret", url))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.addWebhookEndpoint(url, secret, types).id
}

func isWebhookURL(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func (f *Server) addWebhookEndpoint(url, secret string, types []string) *webhookEndpoint {
	now := f.clock.Now()
	e := &webhookEndpoint{id: newID("we"), url: url, secret: secret, types: slices.Clone(types), createdAt: now, updatedAt: now}
	f.webhooks.endpoints = append(f.webhooks.endpoints, e)
	return e
}

// WebhookDeliveries returns the attempts to send events that have ended, oldest first. These are at most the last 10,000.
func (f *Server) WebhookDeliveries() []WebhookDelivery {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.webhooks.deliveries)
}

// WaitForWebhooks waits until no event is being sent, and returns nil then. It does not wait for events that wait for the clock:
// for another attempt, or because of [WebhookFault]. It returns the error of ctx if that ends first.
func (f *Server) WaitForWebhooks(ctx context.Context) error {
	for {
		f.mu.Lock()
		sending, idle := f.webhooks.sending, f.webhooks.idle
		f.mu.Unlock()
		if sending == 0 {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return fmt.Errorf("authkittest: WaitForWebhooks: %w", ctx.Err())
		}
	}
}

// sendWebhooks sends an event to all endpoints that get its type. It is called with f.mu held.
func (f *Server) sendWebhooks(event *loggedEvent) {
	for _, e := range f.webhooks.endpoints {
		f.startAttempt(&webhookAttempt{endpoint: e, event: event, number: 1, first: f.clock.Now()})
	}
}

// closeWebhooks stops everything that is being sent and waits until it has ended.
func (f *Server) closeWebhooks() {
	w := &f.webhooks
	f.mu.Lock()
	w.closed = true
	for t := range w.timers {
		t.stop()
	}
	clear(w.timers)
	f.mu.Unlock()
	w.cancel()
	w.senders.Wait()
}
