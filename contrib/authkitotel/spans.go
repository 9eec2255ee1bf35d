// Spans: one for each observation, made when it has ended.

package authkitotel

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/authkit-go/authkit"
)

// addSpan makes the span of an observation, as a child of the span in ctx.
func (o *Observer) addSpan(ctx context.Context, seen authkit.Observation) {
	_, span := o.tracer.Start(ctx, "authkit."+string(seen.Kind), trace.WithTimestamp(seen.Begin), trace.WithAttributes(o.attributes(seen)...))
	if failed(seen) {
		// The text of the error is not here: an error of the application's own functions may have anything in it.
		span.SetStatus(codes.Error, seen.Code)
	}
	ended := seen.Begin.Add(seen.Duration)
	switch {
	case seen.Kind == authkit.ObservedRefreshWait && span.IsRecording():
		o.exchanges.link(seen.Exchange, waitSpan{span, ended})
		return
	case seen.Kind == authkit.ObservedRefresh:
		o.exchanges.add(seen.Exchange, span.SpanContext())
	}
	span.End(trace.WithTimestamp(ended))
}

// addRefusal adds an event to the span in ctx, which is that of the answered request. A refusal takes no time, and anyone
// can cause one, so it makes no span.
func (o *Observer) addRefusal(ctx context.Context, seen authkit.Observation) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	span.AddEvent("authkit.refusal", trace.WithTimestamp(seen.Begin), trace.WithAttributes(o.attributes(seen)...))
}

func (o *Observer) attributes(seen authkit.Observation) []attribute.KeyValue {
	attributes := o.result(seen)
	if seen.Exchange != 0 {
		attributes = append(attributes, exchangeKey.Int64(int64(seen.Exchange)))
	}
	if seen.Kind == authkit.ObservedRefresh {
		attributes = append(attributes, waitersKey.Int(seen.Waiters))
	}
	if o.config.userID && seen.UserID != "" {
		attributes = append(attributes, semconv.UserIDKey.String(seen.UserID))
	}
	if o.config.sessionID && seen.SessionID != "" {
		attributes = append(attributes, semconv.SessionIDKey.String(seen.SessionID))
	}
	if o.config.organization && seen.OrganizationID != "" {
		attributes = append(attributes, organizationKey.String(seen.OrganizationID))
	}
	return attributes
}

// failed reports whether a span has the status Error: WorkOS, the store or the application has failed, or the application
// is not set up right. What a client or a user causes is no failure, as in the conventions for servers of HTTP.
func failed(seen authkit.Observation) bool {
	switch seen.Outcome {
	case authkit.OutcomeFailed, authkit.OutcomeLimited, authkit.OutcomeUnverified:
		return true
	case authkit.OutcomeRefused:
		return seen.Kind == authkit.ObservedRefresh
	}
	return false
}
