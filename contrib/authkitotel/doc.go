// Package authkitotel reports what an AuthKit does through OpenTelemetry (https://opentelemetry.io): spans for what happens
// rarely, and metrics of all of [authkit.Stats].
//
//	observer, err := authkitotel.New()
//	ak, err := authkit.New(authkit.WithObserver(observer.Observe))
//	stop, err := observer.Watch(ak)
//
// It uses the API of OpenTelemetry only. Without an SDK, nothing is reported.
//
// # Spans
//
// The span authkit.KIND is made for each [authkit.Observation], when it has ended: authkit.sign_in, authkit.sign_out,
// authkit.refresh, authkit.refresh_wait, authkit.key_fetch, authkit.api_key, authkit.resource_permission, authkit.event and
// authkit.webhook. authkit.store is made for a call that has failed: client libraries of a store have spans of their own. The
// parent is the span of the request that caused it. What has no request, such as an event of [authkit.AuthKit.Follow], begins
// a trace. A refusal takes no time: it is the event authkit.refusal of the request's span.
//
// A refresh token is exchanged once for all requests that need it. The span authkit.refresh is in the trace of the request
// that started the exchange. The span authkit.refresh_wait of each other request is in the trace of that request and links
// to authkit.refresh. If a request has left before, its span is exported when the exchange has ended.
//
// The spans of an HTTP client with a transport of OpenTelemetry are siblings of these spans and not their children, because
// these are made later.
//
// The attributes are:
//
//   - authkit.outcome: one of the Outcome constants of package authkit.
//   - error.type: the code of the error. It is missing if the outcome is ok, denied or adopted.
//   - authkit.exchange: the number of the exchange, of authkit.refresh and authkit.refresh_wait.
//   - authkit.waiters: how many requests waited for an authkit.refresh when it ended.
//   - authkit.name, user.id, session.id and authkit.organization.id, with their options.
//
// The status is Error if WorkOS, the store or the application has failed: the outcomes failed, limited and unverified, and a
// refresh with the outcome refused. What a client or a user causes leaves the status unset, as in the conventions for HTTP
// servers (https://opentelemetry.io/docs/specs/semconv/http/http-spans/#status).
//
// No attribute and no status contains a token, a cookie, a code, a key, a path, a query or the text of an error. The log of
// the AuthKit has the texts.
//
// # Metrics
//
// The README lists the metrics. Those of Stats are read when they are collected. The durations are recorded by
// [Observer.Observe].
package authkitotel
