// The metrics: their names, units and meanings, and where their values come from.

package authkitotel

import (
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/authkit-go/authkit"
)

// histogram is a metric of the durations of one kind of observations.
type histogram struct {
	kind              authkit.ObservationKind
	name, description string
	buckets           []float64 // in seconds
}

var (
	// callBuckets are for calls of WorkOS. A call that is tried again can take half a minute.
	callBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	// storeBuckets are for calls of a store in the same network.
	storeBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}
)

var histograms = []histogram{
	{authkit.ObservedSignIn, "authkit.sign_in.duration", "Time from the request at the callback to the session.", callBuckets},
	{authkit.ObservedRefresh, "authkit.refresh.duration", "Time of an exchange of a refresh token.", callBuckets},
	{authkit.ObservedRefreshWait, "authkit.refresh.wait.duration", "Time that a request waited for the exchange of another request.", callBuckets},
	{authkit.ObservedKeyFetch, "authkit.keys.fetch.duration", "Time of a fetch of the signing keys.", callBuckets},
	{authkit.ObservedAPIKey, "authkit.api_key.call.duration", "Time of a validation of an API key at WorkOS or the store.", callBuckets},
	{authkit.ObservedResourcePermission, "authkit.resource_permission.call.duration", "Time of a question to WorkOS about a permission on a resource.", callBuckets},
	{authkit.ObservedStore, "authkit.store.call.duration", "Time of a call of the store.", storeBuckets},
}

// report reports one value of a metric.
type report func(value float64, attributes ...attribute.KeyValue)

// instrumentKind says how values of several instances and times are put together.
type instrumentKind int

const (
	counter instrumentKind = iota // grows; its values can be added
	amount                        // grows and shrinks; its values can be added
	gauge                         // adding its values makes no sense
)

// instrument is a metric that is read from the statistics.
type instrument struct {
	name        string
	kind        instrumentKind
	unit        string
	description string
	read        func(s *authkit.Stats, report report)
}

// create returns the instrument of a meter: one of seconds has fractions.
func (in *instrument) create(m metric.Meter) (metric.Observable, error) {
	unit, description := metric.WithUnit(in.unit), metric.WithDescription(in.description)
	seconds := in.unit == "s"
	switch {
	case in.kind == counter && seconds:
		return m.Float64ObservableCounter(in.name, unit, description)
	case in.kind == counter:
		return m.Int64ObservableCounter(in.name, unit, description)
	case in.kind == amount:
		return m.Int64ObservableUpDownCounter(in.name, unit, description)
	case seconds:
		return m.Float64ObservableGauge(in.name, unit, description)
	default:
		return m.Int64ObservableGauge(in.name, unit, description)
	}
}

// signInFaults are the codes of sign-ins that this application or WorkOS lets fail: those of 5xx. They are reported from the
// start. Otherwise their first failure at an instance would be the first value of a series, which Prometheus does not count as
// an increase.
var signInFaults = []string{"sign_in_failed", "sign_in_unavailable", "unavailable", "session_too_large", "sign_in_hook_failed"}

var instruments = []instrument{
	{"authkit.requests", counter, "{request}", "Requests to the middleware, by what their credentials came to.", func(s *authkit.Stats, report report) {
		for outcome, n := range s.Requests {
			report(float64(n), outcomeKey.String(string(outcome)))
		}
	}},
	{"authkit.refusals", counter, "{request}", "Requests that were answered with an error, by its code.", func(s *authkit.Stats, report report) {
		byCode(s.Refusals, report)
	}},

	{"authkit.sign_in.redirects", counter, "{redirect}", "Redirects to AuthKit for a sign-in.", one(func(s *authkit.Stats) uint64 { return s.SignIns.Started })},
	{"authkit.sign_ins", counter, "{sign_in}", "Sign-ins that have ended, by outcome and code of the error.", func(s *authkit.Stats, report report) {
		report(float64(s.SignIns.Completed), outcomeKey.String(authkit.OutcomeOK))
		failed := map[string]uint64{}
		for _, code := range signInFaults {
			failed[code] = 0
		}
		maps.Copy(failed, s.SignIns.Failed)
		byCode(failed, func(n float64, code ...attribute.KeyValue) {
			report(n, append(code, outcomeKey.String(authkit.OutcomeFailed))...)
		})
	}},
	{"authkit.sign_outs", counter, "{sign_out}", "Sessions that were signed out here.", one(func(s *authkit.Stats) uint64 { return s.SignOuts })},
	{"authkit.sign_out.remembered", amount, "{session}", "Ended sessions that this instance remembers.", one(func(s *authkit.Stats) int { return s.SignedOut })},

	{"authkit.refreshes", counter, "{refresh}", "Exchanges of refresh tokens, by outcome.", func(s *authkit.Stats, report report) {
		r := s.Refreshes
		byOutcome(report, map[string]uint64{
			authkit.OutcomeOK: r.Exchanged, authkit.OutcomeUnverified: r.Unverified, authkit.OutcomeEnded: r.Ended,
			authkit.OutcomeRefused: r.Refused, authkit.OutcomeFailed: r.Failed, authkit.OutcomeAdopted: r.Adopted,
		})
	}},
	{"authkit.refresh.waits", counter, "{request}", "Requests that waited for the exchange of another request.", one(func(s *authkit.Stats) uint64 { return s.Refreshes.Waiters })},
	{"authkit.refresh.active", amount, "{refresh}", "Exchanges that are under way.", one(func(s *authkit.Stats) int { return s.Refreshes.InFlight })},
	{"authkit.refresh.waiting", amount, "{request}", "Requests that wait for an exchange now, with those that started one.", one(func(s *authkit.Stats) int { return s.Refreshes.Waiting })},
	{"authkit.refresh.remembered", amount, "{refresh}", "Outcomes of exchanges that are remembered.", one(func(s *authkit.Stats) int { return s.Refreshes.Remembered })},
	{"authkit.refresh.memory", amount, "By", "Estimated memory of the remembered outcomes.", one(func(s *authkit.Stats) int { return s.Refreshes.RememberedBytes })},

	{"authkit.keys.fetches", counter, "{fetch}", "Fetches of the signing keys, by outcome.", func(s *authkit.Stats, report report) {
		byOutcome(report, map[string]uint64{authkit.OutcomeOK: s.Keys.Fetches - s.Keys.Failures, authkit.OutcomeFailed: s.Keys.Failures})
	}},
	{"authkit.keys.usable", amount, "{key}", "Signing keys with which tokens can be verified.", func(s *authkit.Stats, report report) {
		if s.Keys.Usable {
			report(float64(s.Keys.Count))
			return
		}
		report(0)
	}},
	{"authkit.keys.age", gauge, "s", "Time since the signing keys were fetched.", func(s *authkit.Stats, report report) {
		if !s.Keys.FetchedAt.IsZero() {
			report(s.Keys.Age.Seconds())
		}
	}},

	{"authkit.cache.entries", amount, "{session}", "Sessions and bearer tokens in the cache.", one(func(s *authkit.Stats) int { return s.Cache.Entries })},
	{"authkit.cache.max_entries", amount, "{session}", "Limit of their number.", one(func(s *authkit.Stats) int { return s.Cache.MaxEntries })},
	{"authkit.cache.memory", amount, "By", "Estimated memory of the cache.", one(func(s *authkit.Stats) int { return s.Cache.Bytes })},
	{"authkit.cache.max_memory", amount, "By", "Limit of the memory of the cache.", one(func(s *authkit.Stats) int { return s.Cache.MaxBytes })},
	{"authkit.cache.lookups", counter, "{request}", "Requests with a session cookie or a bearer token, by whether the cache had it.", func(s *authkit.Stats, report report) {
		byOutcome(report, map[string]uint64{"hit": s.Cache.Hits, "miss": s.Cache.Misses})
	}},
	{"authkit.cache.evictions", counter, "{session}", "Sessions and bearer tokens that left the cache because it was full.", one(func(s *authkit.Stats) uint64 { return s.Cache.Evictions })},

	{"authkit.api_key.validations", counter, "{request}", "Validations of API keys, by outcome.", func(s *authkit.Stats, report report) {
		k := s.APIKeys
		byOutcome(report, map[string]uint64{
			authkit.OutcomeOK: k.Valid, authkit.OutcomeDenied: k.Invalid, authkit.OutcomeLimited: k.Limited, authkit.OutcomeFailed: k.Failed,
		})
	}},
	{"authkit.api_key.cached", counter, "{request}", "Validations of API keys that were answered from memory.", one(func(s *authkit.Stats) uint64 { return s.APIKeys.Cached })},
	{"authkit.api_key.calls", counter, "{call}", "Calls of WorkOS about API keys.", one(func(s *authkit.Stats) uint64 { return s.APIKeys.Calls })},
	{"authkit.api_key.waiting", amount, "{request}", "Requests that wait for an answer about an API key.", one(func(s *authkit.Stats) int { return s.APIKeys.Waiting })},
	{"authkit.api_key.remembered", amount, "{answer}", "Answers about API keys that are remembered.", one(func(s *authkit.Stats) int { return s.APIKeys.Entries })},

	{"authkit.resource_permission.checks", counter, "{check}", "Checks of permissions on resources, by outcome.", func(s *authkit.Stats, report report) {
		p := s.ResourcePermissions
		byOutcome(report, map[string]uint64{authkit.OutcomeOK: p.Permitted, authkit.OutcomeDenied: p.Denied, authkit.OutcomeFailed: p.Failed})
	}},
	{"authkit.resource_permission.cached", counter, "{check}", "Checks of permissions that were answered from memory.", one(func(s *authkit.Stats) uint64 { return s.ResourcePermissions.Cached })},
	{"authkit.resource_permission.calls", counter, "{call}", "Questions about permissions on resources to WorkOS.", one(func(s *authkit.Stats) uint64 { return s.ResourcePermissions.Calls })},
	{"authkit.resource_permission.waiting", amount, "{check}", "Checks of permissions that wait for WorkOS.", one(func(s *authkit.Stats) int { return s.ResourcePermissions.Waiting })},
	{"authkit.resource_permission.remembered", amount, "{user}", "Users about whom answers are remembered.", one(func(s *authkit.Stats) int { return s.ResourcePermissions.Entries })},

	{"authkit.workos.calls", counter, "{call}", "HTTP requests to WorkOS.", one(func(s *authkit.Stats) uint64 { return s.WorkOS.Calls })},
	{"authkit.workos.failures", counter, "{call}", "HTTP requests to WorkOS without a response, or with 429 or 5xx.", one(func(s *authkit.Stats) uint64 { return s.WorkOS.Failures })},
	{"authkit.workos.consecutive_failures", gauge, "{call}", "Failed requests to WorkOS since the last that has not failed.", one(func(s *authkit.Stats) int { return s.WorkOS.FailuresInRow })},
	{"authkit.workos.time", counter, "s", "Time of all requests to WorkOS.", seconds(func(s *authkit.Stats) time.Duration { return s.WorkOS.Time })},
	{"authkit.workos.credentials_refused", counter, "{call}", "Answers that refuse the client ID or the API key of the application.", one(func(s *authkit.Stats) uint64 { return s.WorkOS.CredentialsRefused })},
	{"authkit.clock.skew", gauge, "s", "How far this clock is ahead of that of WorkOS, exact to a second.", func(s *authkit.Stats, report report) {
		if s.Clock.Known {
			report(s.Clock.Skew.Seconds())
		}
	}},

	{"authkit.store.state", amount, "{instance}", "1 for the state of the store, and 0 for the others.", func(s *authkit.Stats, report report) {
		byState(report, s.Store.State, authkit.StoreNone, authkit.StoreIdle, authkit.StoreConnecting, authkit.StoreConnected, authkit.StoreUnreachable)
	}},
	{"authkit.store.calls", counter, "{call}", "Calls of the store.", one(func(s *authkit.Stats) uint64 { return s.Store.Commands })},
	{"authkit.store.failures", counter, "{call}", "Calls of the store that have failed.", one(func(s *authkit.Stats) uint64 { return s.Store.Failures })},
	{"authkit.store.time", counter, "s", "Time of all calls of the store.", seconds(func(s *authkit.Stats) time.Duration { return s.Store.CommandTime })},
	{"authkit.store.waiting", amount, "{change}", "Changes that the store has not confirmed.", one(func(s *authkit.Stats) int { return s.Store.Waiting })},
	{"authkit.store.notices", amount, "{notice}", "Notices in force in the log of the store that this instance has written or read.", one(func(s *authkit.Stats) int { return s.Store.Notices })},
	{"authkit.store.log.age", gauge, "s", "Time since the log of the store was read.", func(s *authkit.Stats, report report) {
		if !s.Store.LogReadAt.IsZero() {
			report(s.Store.LogAge.Seconds())
		}
	}},

	{"authkit.events.state", amount, "{instance}", "1 for the state of the events of WorkOS, and 0 for the others.", func(s *authkit.Stats, report report) {
		byState(report, s.Events.State, authkit.EventsNone, authkit.EventsStarting, authkit.EventsFollowed, authkit.EventsElsewhere, authkit.EventsFailing)
	}},
	{"authkit.events.read", counter, "{event}", "Events that were read from the list.", one(func(s *authkit.Stats) uint64 { return s.Events.Read })},
	{"authkit.events.webhooks", counter, "{event}", "Events that the webhook has received.", one(func(s *authkit.Stats) uint64 { return s.Events.Webhooks })},
	{"authkit.events.refused", counter, "{request}", "Requests to the webhook without a valid signature.", one(func(s *authkit.Stats) uint64 { return s.Events.Refused })},
	{"authkit.events.failures", counter, "{call}", "Failed calls of the application's functions for events.", one(func(s *authkit.Stats) uint64 { return s.Events.Failures })},
	{"authkit.events.retrying", amount, "{event}", "Events whose function has failed and is called again.", one(func(s *authkit.Stats) int { return s.Events.Retrying })},
	{"authkit.events.marks", amount, "{mark}", "Users, memberships and organizations that have changed lately.", one(func(s *authkit.Stats) int { return s.Events.Marks })},
	{"authkit.events.marks_forgotten", counter, "{mark}", "Marks that left early because there were too many.", one(func(s *authkit.Stats) uint64 { return s.Events.Forgotten })},
	{"authkit.events.read_at", gauge, "s", "Unix time at which the list of events was last read to its end.", func(s *authkit.Stats, report report) {
		if !s.Events.ReadAt.IsZero() {
			report(float64(s.Events.ReadAt.UnixMilli()) / 1000)
		}
	}},
}

// one reads a number without attributes.
func one[N int | uint64](number func(*authkit.Stats) N) func(*authkit.Stats, report) {
	return func(s *authkit.Stats, report report) { report(float64(number(s))) }
}

// seconds reads a duration without attributes.
func seconds(duration func(*authkit.Stats) time.Duration) func(*authkit.Stats, report) {
	return func(s *authkit.Stats, report report) { report(duration(s).Seconds()) }
}

func byOutcome(report report, numbers map[string]uint64) {
	for _, outcome := range slices.Sorted(maps.Keys(numbers)) {
		report(float64(numbers[outcome]), outcomeKey.String(outcome))
	}
}

func byCode(numbers map[string]uint64, report report) {
	for code, n := range numbers {
		report(float64(n), semconv.ErrorTypeKey.String(code))
	}
}

func byState(report report, now string, states ...string) {
	for _, state := range states {
		value := 0.0
		if state == now {
			value = 1
		}
		report(value, stateKey.String(state))
	}
}
