// Health: the handler that tells what this instance needs and does not have.

package authkit

import (
	"fmt"
	"net/http"
	"time"
)

const (
	// healthMemory is how long a failed call of WorkOS counts, if no call has followed.
	healthMemory = 5 * time.Minute
	// maxHealthySkew is half of the skew with which tokens are accepted.
	maxHealthySkew = clockSkew / 2
	// maxHealthyLogAge is more than the time between two reads of the log.
	maxHealthyLogAge = 15 * time.Second
)

// The statuses of a check.
const (
	healthOK       = "ok"
	healthDegraded = "degraded"
	healthUnknown  = "unknown" // nothing was needed yet
	healthOff      = "off"     // not configured
)

// health is the document of [AuthKit.Healthz].
type health struct {
	Status string       `json:"status"`
	Checks healthChecks `json:"checks"`
}

type healthChecks struct {
	Keys   healthCheck `json:"keys"`
	WorkOS healthCheck `json:"workos"`
	Store  healthCheck `json:"store"`
	Events healthCheck `json:"events"`
	Clock  healthCheck `json:"clock"`
}

// healthCheck is the state of one part.
type healthCheck struct {
	Status string `json:"status"`
	// Reason says what is wrong. It is one of the texts of this file.
	Reason string `json:"reason,omitempty"`
	// Age is the age of the keys or of the log, and Skew that of the clock, in whole seconds.
	Age  *int64 `json:"age_seconds,omitempty"`
	Skew *int64 `json:"skew_seconds,omitempty"`
}

// Healthz returns the handler that tells an operator what this instance needs and does not have. Mount it at any path, such
// as GET /healthz:
//
//	{"status":"degraded","checks":{
//	  "keys":{"status":"ok","age_seconds":71},
//	  "workos":{"status":"degraded","reason":"the last call of WorkOS has failed"},
//	  "store":{"status":"off"},"events":{"status":"off"},
//	  "clock":{"status":"ok","skew_seconds":0}}}
//
// The status of a check is ok, degraded, off (not configured) or unknown (not needed yet). The status of the document is
// degraded if one of them is, and otherwise ok:
//
//   - keys: the last fetch of the signing keys has failed. Earlier keys are used for 24 hours.
//   - workos: the last call has failed, or WorkOS has not accepted the client ID or the API key of this application, within
//     the last five minutes. A refusal counts for five minutes, also if later calls succeed.
//   - store: it cannot be reached, or its log was not read for more than 15 seconds while it is followed.
//   - events: the list of events cannot be read.
//   - clock: it differs from that of WorkOS by more than 30 seconds, which is half of what tokens are accepted with.
//
// What a call has shown holds until the next one. If an instance makes no call after a repair, workos is ok five minutes later,
// keys is ok after the next fetch, and clock after the next response of WorkOS.
//
// The answer is always 200, also while WorkOS or the store is down: a load balancer that took all instances out of service
// then would turn their partial failure into a complete one. Sessions work for as long as their access tokens are valid.
// [AuthKit.Ready] is for the start of an instance.
//
// The handler makes no call: it reads [AuthKit.Stats]. The document has no secret, no user and no text of another system, so
// that it may be public. The response is not stored in caches. A method other than GET and HEAD is answered 405.
func (a *AuthKit) Healthz() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			a.fail(w, r, fmt.Errorf("%w: %s", ErrMethodNotAllowed, r.Method), "")
			return
		}
		noStore(w.Header())
		writeJSON(w, "application/json", http.StatusOK, healthOf(a.Stats(), a.clock.Now()))
	})
}

func healthOf(s Stats, now time.Time) health {
	checks := healthChecks{
		Keys: healthOfKeys(s.Keys), WorkOS: healthOfWorkOS(s.WorkOS, now), Store: healthOfStore(s.Store),
		Events: healthOfEvents(s.Events), Clock: healthOfClock(s.Clock),
	}
	status := healthOK
	for _, check := range []healthCheck{checks.Keys, checks.WorkOS, checks.Store, checks.Events, checks.Clock} {
		if check.Status == healthDegraded {
			status = healthDegraded
		}
	}
	return health{status, checks}
}

func degraded(reason string) healthCheck { return healthCheck{Status: healthDegraded, Reason: reason} }

func healthOfKeys(s KeyStats) healthCheck {
	check := healthCheck{Status: healthOK}
	switch {
	case !s.Usable && s.Err != nil:
		check = degraded("the signing keys could not be fetched")
	case !s.Usable:
		check.Status = healthUnknown
	case s.Err != nil:
		check = degraded("the last fetch of the signing keys has failed, and earlier ones are used")
	}
	if !s.FetchedAt.IsZero() {
		check.Age = seconds(s.Age)
	}
	return check
}

func healthOfWorkOS(s WorkOSStats, now time.Time) healthCheck {
	recent := func(at time.Time) bool { return !at.IsZero() && now.Sub(at) < healthMemory }
	switch {
	case s.Calls == 0:
		return healthCheck{Status: healthUnknown}
	case recent(s.CredentialsRefusedAt):
		return degraded("WorkOS does not accept the client ID or the API key of this application")
	case s.FailuresInRow > 0 && recent(s.FailedAt):
		return degraded("the last call of WorkOS has failed")
	}
	return healthCheck{Status: healthOK}
}

func healthOfStore(s StoreStats) healthCheck {
	check := healthCheck{Status: healthOK}
	switch {
	case s.State == StoreNone:
		return healthCheck{Status: healthOff}
	case s.State == StoreUnreachable:
		check = degraded("the store cannot be reached")
	case s.State == StoreIdle:
		return check // its log is read when a session is used
	case s.State == StoreConnected && s.LogAge > maxHealthyLogAge:
		check = degraded("the log of the store is not read in time")
	}
	if !s.LogReadAt.IsZero() {
		check.Age = seconds(s.LogAge)
	}
	return check
}

func healthOfEvents(s EventStats) healthCheck {
	switch s.State {
	case EventsNone:
		return healthCheck{Status: healthOff}
	case EventsFailing:
		return degraded("the events of WorkOS cannot be read")
	}
	return healthCheck{Status: healthOK}
}

func healthOfClock(s ClockStats) healthCheck {
	if !s.Known {
		return healthCheck{Status: healthUnknown}
	}
	check := healthCheck{Status: healthOK}
	if s.Skew.Abs() > maxHealthySkew {
		check = degraded("the clock of this instance and that of WorkOS differ")
	}
	check.Skew = seconds(s.Skew)
	return check
}

// seconds returns a duration in seconds, rounded.
func seconds(d time.Duration) *int64 {
	whole := int64(d.Round(time.Second) / time.Second)
	return &whole
}
