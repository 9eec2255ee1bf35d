// Stats: what an operator can ask an instance.

package authkit

import (
	"time"
)

// Stats is what an instance reports about itself: counters since its start, and the state of now. It can have more fields
// later. It contains no token, no cookie and no key.
//
// Each counter is exact. The counters are read one after another while requests go on, so two of them may differ by the
// requests of that moment.
type Stats struct {
	// Requests counts the requests to Middleware and to guards without Middleware, by outcome. Each request has exactly
	// one outcome, so the sum is the number of requests. A request that passes the middleware twice is counted once. If it
	// is anonymous, or if the middleware of another AuthKit is in between, the response writers in between must have Unwrap,
	// as http.ResponseController needs it, which that of http.TimeoutHandler has not. A request whose context is of
	// [NewContext] or [NewAPIKeyContext] is not counted. Neither is one to a guard without Middleware that looks at an API
	// key or at an access token of [ResourceTokens], because no session is loaded for it. Outcomes that did not occur are 0.
	Requests map[RequestOutcome]uint64
	// Refusals counts the requests that were answered with an error of this package, by its code ([Failure]): those of
	// guards and handlers, and those that [AuthKit.Fail] has answered. Those whose client has left meanwhile are not
	// counted. Codes that did not occur are not in the map.
	Refusals map[string]uint64

	SignIns SignInStats
	// SignOuts counts the sessions that [AuthKit.Logout] and [AuthKit.SignOut] have ended. [AuthKit.EndSession],
	// [AuthKit.EndUser] and events are not counted: how many sessions they end is not known. See SignedOut.
	SignOuts  uint64
	Refreshes RefreshStats
	Keys      KeyStats
	Cache     CacheStats
	// SignedOut is how many sign-outs and ends of sessions or users this instance remembers, also of other instances.
	SignedOut           int
	APIKeys             APIKeyStats
	ResourcePermissions ResourcePermissionStats
	WorkOS              WorkOSStats
	Clock               ClockStats
	Store               StoreStats
	Events              EventStats
}

// RequestOutcome is what a request to [AuthKit.Middleware] came to.
type RequestOutcome string

// The outcomes of requests. The first four have a session.
const (
	RequestCached    RequestOutcome = "cached"    // the session was found in the cache
	RequestVerified  RequestOutcome = "verified"  // the session was opened and verified
	RequestRefreshed RequestOutcome = "refreshed" // the session was refreshed, for this request or for another one
	RequestBearer    RequestOutcome = "bearer"    // the session is that of a bearer token

	// RequestAnonymous: the request has neither a session cookie nor a bearer token. Inside Middleware, a request with an API
	// key of a customer counts here too: see [APIKeyStats].
	RequestAnonymous RequestOutcome = "anonymous"
	// RequestStale: the session needs a refresh and got none. WorkOS has refused it without ending the session, or the
	// session has no refresh token, or the request is for Login, Callback or Logout, which do not wait for a refresh.
	RequestStale RequestOutcome = "stale"
	// RequestEnded: the session was signed out, or ended by WorkOS, or has reached a limit ([WithAbsoluteTimeout],
	// [WithIdleTimeout]), or was replaced at another instance.
	RequestEnded RequestOutcome = "ended"
	// RequestCookieRefused: the session cookie does not open, or several cookies contradict each other. Anyone can send such
	// a cookie.
	RequestCookieRefused RequestOutcome = "cookie_refused"
	// RequestTokenRefused: the cookie opens and its access token, or the token of its refresh, is not accepted. It is a
	// mistake in the configuration of this application or of WorkOS, for example of the issuer.
	RequestTokenRefused RequestOutcome = "token_refused"
	// RequestBearerRefused: the bearer token is not accepted. Anyone can send such a token.
	RequestBearerRefused RequestOutcome = "bearer_refused"
	// RequestUnavailable: the session could not be checked ([ErrUnavailable]).
	RequestUnavailable RequestOutcome = "unavailable"
	// RequestLeft: the client has closed the connection before its session was known, for example while WorkOS refreshed it.
	RequestLeft RequestOutcome = "left"
)

var requestOutcomeNames = [requestOutcomes]RequestOutcome{
	requestAnonymous: RequestAnonymous, requestCached: RequestCached, requestVerified: RequestVerified,
	requestRefreshed: RequestRefreshed, requestBearer: RequestBearer, requestStale: RequestStale, requestEnded: RequestEnded,
	requestCookieRefused: RequestCookieRefused, requestTokenRefused: RequestTokenRefused,
	requestBearerCached: RequestBearer, requestBearerRefused: RequestBearerRefused, requestUnavailable: RequestUnavailable,
	requestLeft: RequestLeft,
}

// SignInStats counts sign-ins.
type SignInStats struct {
	// Started counts the redirects to AuthKit. A sign-in that starts again or continues there counts again.
	Started uint64
	// Completed counts the sign-ins that made a session, by Callback or by SignIn.
	Completed uint64
	// Failed counts those that made none, by the code of the error. A callback without a pending sign-in is not one of
	// them: see Stats.Refusals. A sign-in whose client has left meanwhile is not one of them either.
	Failed map[string]uint64
}

// RefreshStats counts exchanges of refresh tokens: for refreshes, and for switches of the organization. Each exchange has
// one outcome. One exchange serves all requests with the same refresh token.
type RefreshStats struct {
	Exchanged uint64 // WorkOS has returned new tokens, and they are accepted
	// Unverified: WorkOS has returned new tokens, and the signing keys could not be fetched to verify them. A later
	// exchange verifies them, without a call of WorkOS, and is counted too.
	Unverified uint64
	Ended      uint64 // WorkOS has ended the session
	// Refused: WorkOS has refused for another reason, or the new token is not accepted. The session stays, and WorkOS is
	// asked again after a minute.
	Refused uint64
	Failed  uint64 // a transient failure, and WorkOS is asked again after seconds
	Adopted uint64 // another instance has made the exchange ([WithStore])

	Waiters  uint64 // requests that waited for an exchange that another request had started
	InFlight int    // exchanges that are under way
	Waiting  int    // requests that wait for an exchange now, with those that have started one

	// Remembered is how many outcomes are remembered, for requests that come later with an old refresh token, and
	// RememberedBytes estimates their size. The limit is 36 MiB.
	Remembered, RememberedBytes int
}

// KeyStats is the state of WorkOS's signing keys.
type KeyStats struct {
	Fetches, Failures uint64
	// FetchedAt is when the present keys were fetched, zero if there are none. Keys are fresh for ten minutes, and used for
	// 24 hours if no newer ones can be fetched.
	FetchedAt time.Time
	Age       time.Duration // since FetchedAt, 0 if that is zero
	Count     int           // of keys
	Usable    bool          // tokens can be verified with them
	Err       error         // why the last fetch has failed, nil if it succeeded
}

// CacheStats is the state of the cache of verified sessions and bearer tokens ([WithSessionCache]). All are 0 if it is off.
type CacheStats struct {
	Entries, Bytes, MaxEntries, MaxBytes int
	// Hits counts the requests whose session cookie or bearer token was found, and Misses those whose was not. A session that
	// signs in or is refreshed has one miss, and so has a new bearer token. [AuthKit.VerifyToken] counts as a request here.
	Hits, Misses uint64
	// Evictions counts the entries that left because the cache was full. If it grows as fast as Misses, the cache is too
	// small.
	Evictions uint64
}

// Stats returns the state of this instance. It makes no call, and waits for no request.
func (a *AuthKit) Stats() Stats {
	c := a.counters
	requests := make(map[RequestOutcome]uint64, requestOutcomes)
	for i, name := range requestOutcomeNames {
		requests[name] += c.requests(requestOutcome(i))
	}
	return Stats{
		Requests: requests,
		Refusals: c.refusals.read(),
		SignIns:  SignInStats{Started: c.signInsStarted.Load(), Completed: c.signInsDone.Load(), Failed: c.signInFailures.read()},
		SignOuts: c.signOuts.Load(),

		Refreshes: a.refreshStats(),
		Keys:      a.keyStats(),
		Cache:     a.cacheStats(),
		SignedOut: a.signedOut.len(),

		APIKeys:             a.apiKeys.stats(),
		ResourcePermissions: a.resources.stats(),

		WorkOS: a.calls.stats(),
		Clock:  a.calls.clockStats(),
		Store:  a.storeStats(),
		Events: a.eventStats(),
	}
}

func (a *AuthKit) refreshStats() RefreshStats {
	r := a.rotations
	c := &r.counters
	return RefreshStats{
		Exchanged: c.exchanged.Load(), Unverified: c.unverified.Load(), Ended: c.ended.Load(), Refused: c.refused.Load(),
		Failed: c.failed.Load(), Adopted: c.adopted.Load(), Waiters: c.waiters.Load(), InFlight: int(c.running.Load()), Waiting: int(c.waiting.Load()),
		Remembered: r.outcomes.Len(), RememberedBytes: r.outcomes.Bytes(),
	}
}

func (a *AuthKit) keyStats() KeyStats {
	state := a.keys.State()
	stats := KeyStats{Fetches: state.Fetches, Failures: state.Failures, FetchedAt: state.FetchedAt, Count: state.Keys, Usable: state.Usable, Err: state.Err}
	if !stats.FetchedAt.IsZero() {
		stats.Age = a.ageOf(stats.FetchedAt)
	}
	return stats
}

// cacheStats returns the state of the cache. The requests with the outcomes requestCached and requestBearerCached are hits.
func (a *AuthKit) cacheStats() CacheStats {
	state, c := a.cache.State(), a.counters
	return CacheStats{
		Entries: state.Entries, Bytes: state.Bytes, MaxEntries: state.MaxEntries, MaxBytes: state.MaxBytes,
		Hits:   c.requests(requestCached) + c.requests(requestBearerCached) + c.cacheHits.Load(),
		Misses: c.cacheMisses.Load(), Evictions: state.Evictions,
	}
}
