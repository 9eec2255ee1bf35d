// How an event is sent to an endpoint, and sent again.

package authkittest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// webhookTimeout is how long an endpoint may take to answer, on the fake's clock. WorkOS does not document its limit.
const webhookTimeout = 30 * time.Second

// webhookRetries are the times of the further attempts, from the first one on. WorkOS documents six within three days.
var webhookRetries = []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 72 * time.Hour}

// webhookTimer is a function that the clock will call. It is in webhooks.timers until then.
type webhookTimer struct {
	stop func() bool
}

// afterWebhookDelay calls then with f.mu held, after d on the clock. It is called with f.mu held.
func (f *Server) afterWebhookDelay(d time.Duration, then func()) {
	switch {
	case f.webhooks.closed:
		return
	case d <= 0:
		then()
		return
	}
	t := &webhookTimer{}
	f.webhooks.timers[t] = true
	t.stop = f.clock.AfterFunc(d, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.webhooks.timers[t] {
			delete(f.webhooks.timers, t)
			then()
		}
	})
}

// queueAttempts adds attempts to the queue of their endpoint.
func (f *Server) queueAttempts(e *webhookEndpoint, attempts ...*webhookAttempt) {
	w := &f.webhooks
	if w.closed || len(attempts) == 0 {
		return
	}
	e.queue = append(e.queue, attempts...)
	if !e.sending {
		e.sending = true
		w.sending++
		w.senders.Go(func() { f.sendQueue(e) })
	}
}

// sendQueue sends the queue of an endpoint until it is empty.
func (f *Server) sendQueue(e *webhookEndpoint) {
	transport := newTransport()
	defer transport.CloseIdleConnections()
	for a := f.nextAttempt(e); a != nil; a = f.nextAttempt(e) {
		sentAt := f.clock.Now()
		status, err := f.sendAttempt(transport, a, sentAt)
		f.endAttempt(a, sentAt, status, err)
	}
}

// nextAttempt takes the next attempt from the queue of an endpoint. It returns nil if the queue is empty.
func (f *Server) nextAttempt(e *webhookEndpoint) *webhookAttempt {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := &f.webhooks
	for len(e.queue) > 0 && !w.closed {
		a := e.queue[0]
		e.queue[0] = nil
		e.queue = e.queue[1:]
		if e.wants(a.event.Type) {
			return a
		}
	}
	e.queue, e.sending = nil, false
	if w.sending--; w.sending == 0 {
		close(w.idle)
		w.idle = make(chan struct{})
	}
	return nil
}

// sendAttempt sends an event and returns the status of the response.
func (f *Server) sendAttempt(transport http.RoundTripper, a *webhookAttempt, now time.Time) (status int, err error) {
	f.mu.Lock()
	address, secret := a.endpoint.url, a.endpoint.secret
	f.mu.Unlock()
	ctx, cancel := context.WithCancelCause(f.webhooks.ctx)
	defer cancel(nil)
	stop := f.clock.AfterFunc(webhookTimeout, func() { cancel(errWebhookTimeout) })
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(a.event.wire))
	if err != nil {
		return 0, fmt.Errorf("the URL of the endpoint is invalid")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "WorkOS Webhooks")
	r.Header.Set("WorkOS-Signature", a.fault.sign(now, string(a.event.wire), secret))
	response, err := transport.RoundTrip(r)
	if err != nil {
		if errors.Is(context.Cause(ctx), errWebhookTimeout) {
			err = errWebhookTimeout
		}
		return 0, err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxRequest)) // so that the connection can be used again
	return response.StatusCode, nil
}

var errWebhookTimeout = fmt.Errorf("no answer within %v", webhookTimeout)

// endAttempt notes how an attempt has ended. If the event was not accepted, it is sent again later.
func (f *Server) endAttempt(a *webhookAttempt, sentAt time.Time, status int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.webhooks.closed {
		return
	}
	d := f.noteDelivery(a, sentAt, status, err)
	if d.Delivered() || a.isCopy || a.number > len(webhookRetries) {
		return
	}
	again := &webhookAttempt{endpoint: a.endpoint, event: a.event, number: a.number + 1, first: a.first}
	due := a.first.Add(webhookRetries[a.number-1])
	f.afterWebhookDelay(due.Sub(f.clock.Now()), func() { f.startAttempt(again) })
}

func (f *Server) noteDelivery(a *webhookAttempt, sentAt time.Time, status int, err error) WebhookDelivery {
	d := WebhookDelivery{
		URL: a.endpoint.url, EventID: a.event.ID, EventType: a.event.Type, Attempt: a.number, Status: status, SentAt: sentAt,
	}
	if err != nil {
		d.Error = err.Error()
	}
	w := &f.webhooks
	if len(w.deliveries) >= maxWebhookDeliveries {
		w.deliveries = w.deliveries[1:]
	}
	w.deliveries = append(w.deliveries, d)
	return d
}

// sign returns the header with the signature of a text.
func (fault WebhookFault) sign(now time.Time, text, secret string) string {
	now = now.Add(fault.ClockDifference)
	timestamp := strconv.FormatInt(now.UnixMilli(), 10)
	if fault.SignedInSeconds {
		timestamp = strconv.FormatInt(now.Unix(), 10)
	}
	if fault.BadSignature {
		secret += " that is wrong"
	}
	return "t=" + timestamp + ", v1=" + signature(timestamp, text, secret)
}
