// Observations: what an application's observers are told about what happens rarely.

package authkit

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Observation is what [WithObserver] reports: one thing that has happened, such as a refresh. It can have more fields
// later. It contains no token, no cookie, no code and no key, also when it is printed.
type Observation struct {
	Kind ObservationKind
	// Outcome is one of the Outcome constants. The comment of the kind lists those that it has.
	Outcome string
	// Code is "" if Outcome is [OutcomeOK]. Otherwise it is the code of the error, as in the problem document ([Failure]),
	// or Outcome for an error that has none. It has lower-case letters and underscores only, and few values.
	Code string
	// Err is the reason, or nil. It holds no secret. errors.As finds the errors of package workos in it.
	Err error

	// Begin is when it began, on the system's clock, also with [WithClock]. Begin plus Duration is its end.
	Begin    time.Time
	Duration time.Duration

	// UserID, SessionID and OrganizationID are "" if they are not known.
	UserID, SessionID, OrganizationID string

	// Exchange is the number of an exchange in this process: of an [ObservedRefresh], and of each [ObservedRefreshWait] that
	// waited for it. It is 0 for all others.
	Exchange uint64
	// Waiters is how many requests waited for an exchange when it ended, besides the one that started it.
	Waiters int
}

// ObservationKind says what an [Observation] is about.
type ObservationKind string

// The kinds of observations, with their outcomes.
const (
	// ObservedSignIn: a sign-in has ended, at Callback or at SignIn. Its duration is that of the request since then: the
	// exchange of the code, the verification and the hook. OK, Refused (an error of 4xx), Failed (5xx), Left (the client has
	// closed the connection before).
	ObservedSignIn ObservationKind = "sign_in"
	// ObservedSignOut: Logout or SignOut has ended a session. OK.
	ObservedSignOut ObservationKind = "sign_out"
	// ObservedRefresh: an exchange of a refresh token has ended, for a refresh or for a switch of the organization. The
	// context is that of the request that started it, without its cancellation. OK, Unverified, Ended, Refused, Failed,
	// Adopted: see [RefreshStats].
	ObservedRefresh ObservationKind = "refresh"
	// ObservedRefreshWait: a request has waited for an exchange that another request had started. OK, or the outcome of
	// that exchange, or Left (the request ended its wait before). If the exchange was made for another target, the request
	// may wait for a second one.
	ObservedRefreshWait ObservationKind = "refresh_wait"
	// ObservedKeyFetch: the signing keys were fetched. The context is that of the request that caused it, without its
	// cancellation. OK, Failed.
	ObservedKeyFetch ObservationKind = "key_fetch"
	// ObservedRefusal: a request was answered with an error of this package ([Failure]), and its client has not left. It
	// takes no time. Refused (4xx), Failed (5xx).
	ObservedRefusal ObservationKind = "refusal"
	// ObservedAPIKey: WorkOS, or the store, was asked about an API key, once for all requests with that key that waited. The
	// duration begins when the question has its slot. OK (the key is valid), Denied (it is not), Limited (429), Failed.
	ObservedAPIKey ObservationKind = "api_key"
	// ObservedResourcePermission: WorkOS was asked about a permission on a resource. OK (the user has it), Denied, Limited
	// (429), Failed.
	ObservedResourcePermission ObservationKind = "resource_permission"
	// ObservedStore: a call of the store ([WithStore]), without those that follow the log. OK, Failed.
	ObservedStore ObservationKind = "store"
	// ObservedEvent: an event of WorkOS was applied, or, without a user, the list of events could not be read. OK, Failed.
	ObservedEvent ObservationKind = "event"
	// ObservedWebhook: a request to Webhook was answered. OK, Refused (4xx: it is not one of WorkOS), Failed (5xx).
	ObservedWebhook ObservationKind = "webhook"
)

// The outcomes of observations.
const (
	OutcomeOK         = "ok"
	OutcomeDenied     = "denied"     // WorkOS has answered: no
	OutcomeRefused    = "refused"    // by this package, or by WorkOS; the reason is not transient
	OutcomeEnded      = "ended"      // WorkOS has ended the session
	OutcomeFailed     = "failed"     // WorkOS, its signing keys or the store could not be reached, or the application has failed
	OutcomeLimited    = "limited"    // WorkOS has answered 429
	OutcomeUnverified = "unverified" // new tokens could not be verified yet
	OutcomeAdopted    = "adopted"    // another instance has made the exchange
	OutcomeLeft       = "left"       // the request ended before
)

// observers are the functions of [WithObserver]. A nil *observers has none.
type observers struct {
	log       *slog.Logger
	functions []func(context.Context, Observation)
}

// newObservers returns nil if there is no function.
func newObservers(log *slog.Logger, functions []func(context.Context, Observation)) *observers {
	if len(functions) == 0 {
		return nil
	}
	return &observers{log, functions}
}

// begin returns the time on the system's clock, and the zero time if nothing is observed.
func (o *observers) begin() time.Time {
	if o == nil {
		return time.Time{}
	}
	return time.Now()
}

// observe calls the functions. It sets Code, and Duration unless it is set.
func (o *observers) observe(ctx context.Context, seen Observation) {
	if o == nil {
		return
	}
	if seen.Duration == 0 {
		seen.Duration = time.Since(seen.Begin)
	}
	if seen.Outcome != OutcomeOK {
		seen.Code = codeOf(seen.Err, seen.Outcome)
	}
	for _, function := range o.functions {
		callHook(ctx, o.log, "WithObserver", func() { function(ctx, seen) })
	}
}

// codeOf returns the code of an error, and otherwise for an error that has none.
func codeOf(err error, otherwise string) string {
	var p *problem
	if errors.As(err, &p) {
		return p.code
	}
	return otherwise
}

// outcomeOfAnswer returns the outcome of a request that was answered with an error.
func outcomeOfAnswer(status int) string {
	if status >= 500 {
		return OutcomeFailed
	}
	return OutcomeRefused
}
