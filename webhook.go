// Webhook: the handler to which WorkOS delivers events.

package authkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/authkit-go/authkit/internal/expiring"
	"github.com/authkit-go/authkit/internal/replica"
	"github.com/authkit-go/authkit/workos"
)

const (
	// eventFunctionTimeout is how long an application's function may take for an event.
	eventFunctionTimeout = 30 * time.Second
	// deliveredLimit is how many handled events a Webhook handler remembers.
	deliveredLimit = 1 << 16
	// deliveredLifetime is how long it remembers them. WorkOS repeats a delivery for three days.
	deliveredLifetime = 4 * 24 * time.Hour
)

// Webhook returns the handler of a webhook endpoint: WorkOS delivers events to it within
// about a second. Mount it at a path of your choice, and register its URL in the WorkOS
// dashboard (Webhooks) with the types of events that [AuthKit.Follow] lists, and those that
// f needs. secrets are the secrets of the endpoint; during a rotation there are several.
//
//	mux.Handle("POST /webhooks/workos", ak.Webhook(nil, os.Getenv("WORKOS_WEBHOOK_SECRET")))
//
// An event has the effects that [AuthKit.Follow] describes, at this instance, and with
// [WithStore] at every instance. Without a store, a delivery reaches one instance only, so
// Webhook is then an addition to Follow, and does not replace it. A delivery can also be
// lost: use both.
//
// After that, f is called with the event, if it is not nil. It must be safe for concurrent
// use. Its context ends after 30 seconds, on the clock of [WithClock]. It does not end when
// the connection is closed. If f returns an error or panics, or has not returned after
// 30 seconds, the answer is 500 ([ErrEventFailed]), and WorkOS delivers the event again, up
// to six times in three days. f is called at least once for each event, in any order. This
// instance does not call it again for one of the last 65,536 events that it has handled.
// Duplicates that arrive during a call share it, also if f ignores the end of its context.
// With several instances, or after a restart, f may be called twice for an event: it must
// distinguish events by their ID, or do nothing wrong the second time.
//
// The answer to a delivery is 204. A request that WorkOS has not signed with one of the
// secrets, within 180 seconds, is answered 401 ([ErrInvalidWebhookSignature]) and logged at
// Debug, because everybody can send one. A body of more than 1 MiB is answered 413
// ([ErrWebhookTooLarge]), and a signed body that is no event 400 ([ErrInvalidWebhook]).
// [workos.ParseWebhook] describes what is verified. If the other instances could not be
// told within a tenth of a second, the answer is 500 too.
//
// The handler accepts POST only, and uses no cookie, no session and no protection against
// cross-origin requests, which a server does not send. It may be inside or outside of
// [AuthKit.Middleware], but not behind a guard, which refuses requests without a session. A
// proxy or a handler before it must pass the body on byte by byte.
//
// It panics without a secret or with an empty one, such as that of a variable that is not
// set: everybody knows the signature of an empty secret.
//
// See https://workos.com/docs/events/data-syncing/webhooks
func (a *AuthKit) Webhook(f func(context.Context, workos.Event) error, secrets ...string) http.Handler {
	if len(secrets) == 0 || slices.Contains(secrets, "") {
		panic("authkit: Webhook: a secret is missing or empty; the secret of the webhook endpoint is in the WorkOS dashboard")
	}
	return http.HandlerFunc(newWebhookHandler(a, f, secrets, deliveredLimit).serve)
}

// webhookHandler is a webhook endpoint. These orders must hold:
//
//  1. An event counts as handled before its flight ends. A duplicate that arrives meanwhile
//     joins the flight. One that arrives later starts a new flight, which looks again. In
//     the other order, the new flight would call the function a second time.
//  2. An event counts as handled after its function has returned. If the process ends
//     during the call, WorkOS delivers the event again.
type webhookHandler struct {
	authKit  *AuthKit
	function func(context.Context, workos.Event) error // may be nil
	secrets  []string
	handled  *expiring.Map[struct{}] // by the hash of the event's ID, which may be long
	flights  singleflight.Group      // by the ID of the event
}

// newWebhookHandler returns a handler that remembers limit events.
func newWebhookHandler(a *AuthKit, f func(context.Context, workos.Event) error, secrets []string, limit int) *webhookHandler {
	return &webhookHandler{
		authKit: a, function: f, secrets: slices.Clone(secrets),
		handled: expiring.New[struct{}](a.clock.Now, limit),
	}
}

func (h *webhookHandler) serve(w http.ResponseWriter, r *http.Request) {
	a := h.authKit
	if !a.onlyMethod(w, r, http.MethodPost) {
		return
	}
	begin := a.observers.begin()
	event, err := h.receive(w, r)
	if err == nil {
		err = h.await(r.Context(), event)
	}
	seen := Observation{Kind: ObservedWebhook, Outcome: OutcomeOK, Err: err, Begin: begin}
	if err != nil {
		seen.Outcome = outcomeOfAnswer(problemOf(err).status)
	}
	a.observers.observe(r.Context(), seen)
	if err != nil {
		a.answer(w, r, err, "", false)
		return
	}
	noStore(w.Header())
	w.WriteHeader(http.StatusNoContent)
}

// receive returns the event of a delivery, or an error of this package.
func (h *webhookHandler) receive(w http.ResponseWriter, r *http.Request) (workos.Event, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, workos.MaxWebhookBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return workos.Event{}, fmt.Errorf("%w: the body has more than 1 MiB", ErrWebhookTooLarge)
	case err != nil:
		return workos.Event{}, fmt.Errorf("%w: the body did not arrive: %w", ErrInvalidWebhookSignature, err)
	}
	event, err := workos.ParseWebhook(r.Header, body, h.authKit.clock.Now(), h.secrets...)
	switch {
	case errors.Is(err, workos.ErrWebhookSignature), errors.Is(err, workos.ErrWebhookTimestamp):
		h.authKit.events.refused.Add(1)
		return event, fmt.Errorf("%w: %w", ErrInvalidWebhookSignature, err)
	case err != nil:
		return event, fmt.Errorf("%w: %w", ErrInvalidWebhook, err)
	}
	return event, nil
}

// await handles an event, unless that was done, and waits for it, until
// eventFunctionTimeout at most. The end of a request does not end the handling, because a
// duplicate may wait for it too. A function that ignores the end of its context keeps its
// flight: otherwise each duplicate would add a call that does not return.
func (h *webhookHandler) await(ctx context.Context, event workos.Event) error {
	if _, done := h.handled.Get(replica.Hash(event.ID)); done {
		return nil
	}
	h.authKit.events.reached("delivery is new")
	flight := h.flights.DoChan(event.ID, func() (any, error) {
		// The application's logger and store are called too. If one of them panics, singleflight would end the process.
		var err error
		ended := callContained(func() { err = h.handle(context.WithoutCancel(ctx), event) })
		if ended != nil {
			return nil, fmt.Errorf("%w: handling the event %w", ErrEventFailed, ended)
		}
		return nil, err
	})
	bounded, stop := h.authKit.within(ctx, eventFunctionTimeout, "the event was not handled within "+eventFunctionTimeout.String())
	defer stop()
	select {
	case result := <-flight:
		return result.Err
	case <-bounded.Done():
		return fmt.Errorf("%w: %w", ErrEventFailed, context.Cause(bounded))
	}
}

// handle applies an event and calls the function. It runs on a goroutine of singleflight.
func (h *webhookHandler) handle(ctx context.Context, event workos.Event) error {
	if _, done := h.handled.Get(replica.Hash(event.ID)); done {
		return nil
	}
	a := h.authKit
	a.events.webhooks.Add(1)
	told := a.applyEvent(ctx, event)
	var failed error
	if h.function != nil {
		failed = a.callEventFunction(ctx, event, func(ctx context.Context) error { return h.function(ctx, event) })
	}
	if err := errors.Join(told, failed); err != nil {
		return fmt.Errorf("%w: %w", ErrEventFailed, err)
	}
	h.handled.Put(replica.Hash(event.ID), struct{}{}, a.clock.Now().Add(deliveredLifetime))
	a.events.reached("delivery handled")
	return nil
}

// callEventFunction calls an application's function for an event, with a context that ends
// after eventFunctionTimeout, and waits until it returns. A panic and a runtime.Goexit are
// errors.
func (a *AuthKit) callEventFunction(ctx context.Context, event workos.Event, function func(context.Context) error) (err error) {
	bounded, stop := a.within(ctx, eventFunctionTimeout, "the function took more than "+eventFunctionTimeout.String())
	defer stop()
	if ended := callContained(func() { err = function(bounded) }); ended != nil {
		a.events.failed.Add(1)
		a.log.LogAttrs(ctx, slog.LevelError, "authkit: the function for events panicked or ended its goroutine",
			slog.Any("event", event), slog.Any("error", ended))
		return errors.New("the function for events panicked or ended its goroutine")
	}
	if err != nil && ctx.Err() == nil {
		a.events.failed.Add(1)
		a.log.LogAttrs(ctx, slog.LevelWarn, "authkit: the function for events has failed", slog.Any("event", event), slog.Any("error", err))
	}
	return err
}
