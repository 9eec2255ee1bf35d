// Faults of webhooks: events that arrive late, twice, in another order, with a wrong signature, or not at all.

package authkittest

import (
	"errors"
	"time"
)

// WebhookFault describes what goes wrong when events are sent to webhook endpoints. The fields can be combined. A fault applies to
// each attempt, so also when an event is sent again.
type WebhookFault struct {
	Lost      bool          // the event is not sent, and WorkOS believes that it was: it is not sent again
	Late      time.Duration // how much later the event is sent, on the fake's clock
	Twice     bool          // the event is sent twice, one after the other
	Reordered bool          // the event waits for the next one to the same endpoint, and is sent after it

	BadSignature    bool          // the signature is made with another secret
	ClockDifference time.Duration // is added to the time of the signature: negative for a stale one, positive for one of the future
	SignedInSeconds bool          // the time of the signature is in seconds, as that of the emulator of WorkOS

	Times int // number of attempts to which the fault applies; 0 means all until ClearWebhookFault
}

type activeWebhookFault struct {
	WebhookFault
	applied int
}

// InjectWebhookFault disturbs how events are sent to webhook endpoints, until fault.Times attempts were disturbed or
// [Server.ClearWebhookFault] is called. It replaces an earlier fault.
func (f *Server) InjectWebhookFault(fault WebhookFault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.setWebhookFault(&activeWebhookFault{WebhookFault: fault})
}

// ClearWebhookFault removes the fault of InjectWebhookFault. An event that waits for the next one because of Reordered is sent.
// Events that are Late stay late.
func (f *Server) ClearWebhookFault() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.setWebhookFault(nil)
}

func (f *Server) setWebhookFault(fault *activeWebhookFault) {
	f.webhooks.fault = fault
	for _, e := range f.webhooks.endpoints {
		waiting := e.partner
		e.partner = nil
		f.queueAttempts(e, waiting...)
	}
}

// webhookFault returns the fault that applies to an attempt.
func (f *Server) webhookFault() WebhookFault {
	active := f.webhooks.fault
	if active == nil || active.Times > 0 && active.applied >= active.Times {
		return WebhookFault{}
	}
	active.applied++
	return active.WebhookFault
}

// startAttempt queues an attempt with the current fault. It is called with f.mu held.
func (f *Server) startAttempt(a *webhookAttempt) {
	e, attempts := a.endpoint, []*webhookAttempt{a}
	if !e.wants(a.event.Type) {
		return // it was changed since the last attempt
	}
	a.fault = f.webhookFault()
	if a.fault.Lost {
		f.noteDelivery(a, f.clock.Now(), 0, errWebhookLost)
		return
	}
	if a.fault.Twice {
		copied := *a
		copied.isCopy = true
		attempts = append(attempts, &copied)
	}
	f.afterWebhookDelay(a.fault.Late, func() {
		if a.fault.Reordered && e.partner == nil {
			e.partner = attempts
			return
		}
		attempts = append(attempts, e.partner...)
		e.partner = nil
		f.queueAttempts(e, attempts...)
	})
}

var errWebhookLost = errors.New("lost because of WebhookFault.Lost")
