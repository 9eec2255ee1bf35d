// The KeySet: when keys are fetched, who waits for the fetch, and which keys are used meanwhile.

package jwks

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	freshFor  = 10 * time.Minute // older keys are refreshed in the background
	usableFor = 24 * time.Hour   // older keys are not used, even if no newer ones can be fetched

	minRetryPause = 5 * time.Second // after a failed fetch
	maxRetryPause = 60 * time.Second

	unknownKeyCoolDown = 30 * time.Second // between two fetches for unknown keys under one rateLimit
)

// KeySet holds the signing keys that one JWKS endpoint publishes. It is safe for concurrent use.
//
// Keys are fetched when they are first needed and are fresh for ten minutes. After that they stay in use while one refresh
// runs in the background, and for up to 24 hours if refreshes fail. After a failed fetch the KeySet pauses for five seconds,
// or for as long as Retry-After asks, up to a minute. A key ID that is not in the set causes a fetch too, at most once in 30
// seconds (see [ErrCoolDown]). All callers share this limit, except that each [Verifier] with [WithTokensFromIssuer] or [WithTokensFromStorage]
// has its own. All callers that need a fetch share one. It continues when they have left.
type KeySet struct {
	endpoint endpoint
	clock    Clock
	log      *slog.Logger
	onFetch  func(context.Context, Fetch) // may be nil

	current atomic.Pointer[snapshot] // stored under mu, read without it

	mu        sync.Mutex        // guards the following fields, and the rate limits of verifiers
	started   uint64            // number of fetches started so far
	failures  uint64            // number of fetches that failed
	running   *flight           // nil if none
	latest    *flight           // the last that was started, for tests
	failure   error             // of the last fetch; nil if it succeeded
	retryAt   time.Time         // no fetch before this time; set by a failure
	ignored   [sha256.Size]byte // hash of the reasons why keys of the last set are ignored; zero if none is
	withdrawn withdrawnKeys
	shared    rateLimit // of all callers without their own
}

// snapshot is the result of one fetch. It does not change.
type snapshot struct {
	number  uint64 // of the flight
	keys    publicKeys
	fetched time.Time
}

func (s *snapshot) fresh(now time.Time) bool {
	return s != nil && now.Sub(s.fetched) < freshFor
}

func (s *snapshot) usable(now time.Time) bool {
	return s != nil && now.Sub(s.fetched) < usableFor
}

// NewKeySet returns a KeySet for the JWKS endpoint at url, such as https://api.workos.com/sso/jwks/client_123. It fetches
// nothing yet. If the URL cannot be fetched, later calls return [ErrUnavailable].
func NewKeySet(url string, opts ...KeySetOption) *KeySet {
	s := &KeySet{
		endpoint: endpoint{url: url, client: sameHostOnly(http.DefaultClient)},
		clock:    systemClock{},
		log:      slog.Default(),
	}
	for _, opt := range opts {
		opt(s)
	}
	return s
}

// KeySetState is the state of a [KeySet].
type KeySetState struct {
	Fetches   uint64    // fetches that have ended
	Failures  uint64    // fetches that have failed
	FetchedAt time.Time // when the present keys were fetched, zero if there are none
	Keys      int       // number of the present keys
	Usable    bool      // the present keys are used: they are not older than 24 hours
	Err       error     // of the last fetch, nil if it succeeded or if there was none
}

// State returns the state of the set. It fetches nothing and waits for no fetch.
func (s *KeySet) State() KeySetState {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := KeySetState{Fetches: s.started, Failures: s.failures, Err: s.failure}
	if s.running != nil { // otherwise the successful ones, which are the difference, would seem to shrink when it fails
		state.Fetches--
	}
	if set := s.current.Load(); set != nil {
		state.FetchedAt, state.Keys, state.Usable = set.fetched, len(set.keys), set.usable(s.clock.Now())
	}
	return state
}

// Load ensures that usable keys are present, and fetches them if not. Call it before a step that cannot be repeated and
// whose token must be verified, such as the exchange of an authorization code. The error matches [ErrUnavailable].
func (s *KeySet) Load(ctx context.Context) error {
	_, err := s.load(ctx, lookup{}, &s.shared)
	return err
}

// Key returns the key with the given ID. The caller must not change it. The error matches [ErrUnknownKey] or
// [ErrUnavailable].
func (s *KeySet) Key(ctx context.Context, kid string) (*rsa.PublicKey, error) {
	return s.find(ctx, lookup{kid: kid}, &s.shared)
}

// find returns the key for a lookup. The error matches ErrUnknownKey, errSameKey or ErrUnavailable.
func (s *KeySet) find(ctx context.Context, l lookup, limit *rateLimit) (*rsa.PublicKey, error) {
	if key, ok := s.cached(l, s.clock.Now()); ok {
		return key, nil
	}
	s.mu.Lock()
	before := s.started
	s.mu.Unlock()

	set, err := s.load(ctx, l, limit)
	for err == nil {
		if key, ok := l.in(set.keys); ok {
			return key, nil
		}
		if set.number > before { // its fetch started after this call, so its result is final
			s.mu.Lock()
			limit.rememberMiss(l, s.clock.Now())
			s.mu.Unlock()
			return nil, set.miss(l)
		}
		set, err = s.newer(ctx, l, limit, set)
	}
	return nil, err
}

// cached returns the key for a lookup if the keys are fresh and it is among them.
func (s *KeySet) cached(l lookup, now time.Time) (*rsa.PublicKey, bool) {
	set := s.current.Load()
	if !set.fresh(now) {
		return nil, false
	}
	return l.in(set.keys)
}

// miss returns the error for a lookup that finds nothing in the set.
func (s *snapshot) miss(l lookup) error {
	if _, ok := s.keys[l.kid]; ok {
		return errSameKey
	}
	return unknownKey(l.kid)
}

// withdrawnKeys returns the keys that were published under an ID and no longer are.
func (s *KeySet) withdrawnKeys(kid string) []*rsa.PublicKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.withdrawn.of(kid)
}

// load returns usable keys, and waits for them if there are none. The lookup is the one that needs them, or zero.
func (s *KeySet) load(ctx context.Context, l lookup, limit *rateLimit) (*snapshot, error) {
	s.mu.Lock()
	now := s.clock.Now()
	set := s.current.Load()
	if set.fresh(now) {
		s.mu.Unlock()
		return set, nil
	}
	f, err := s.fetch(ctx, l, limit, now)
	s.mu.Unlock()

	switch {
	case set.usable(now): // a fetch, if one runs, is a refresh in the background
		return set, nil
	case err != nil:
		return nil, err
	default:
		return f.wait(ctx)
	}
}

// newer returns a set that is newer than seen, in which the lookup finds nothing.
func (s *KeySet) newer(ctx context.Context, l lookup, limit *rateLimit, seen *snapshot) (*snapshot, error) {
	s.mu.Lock()
	if set := s.current.Load(); set != seen {
		s.mu.Unlock()
		return set, nil
	}
	f, err := s.fetchForUnknown(ctx, l, limit, seen)
	s.mu.Unlock()

	if err != nil {
		return nil, err
	}
	return f.wait(ctx)
}

// fetchForUnknown joins the running fetch or starts one. If none may start, it answers from what is remembered of the
// lookup. The caller holds mu.
func (s *KeySet) fetchForUnknown(ctx context.Context, l lookup, limit *rateLimit, seen *snapshot) (*flight, error) {
	now := s.clock.Now()
	coolDown := limit.notBefore.Sub(now)
	pause := max(coolDown, s.retryAt.Sub(now))
	withdrawn := l.exclude == nil && s.withdrawn.has(l.kid)
	if withdrawn && limit.skipWithdrawn || pause > 0 && (withdrawn || limit.remembersMiss(l, now)) {
		return nil, seen.miss(l)
	}
	starts := s.running == nil
	if starts && coolDown > 0 {
		return nil, &UnavailableError{RetryAfter: pause, Err: ErrCoolDown}
	}
	f, err := s.fetch(ctx, l, limit, now)
	if err == nil && starts {
		limit.notBefore = now.Add(unknownKeyCoolDown)
	}
	return f, err
}

func unknownKey(kid string) error { return fmt.Errorf("%w: %s", ErrUnknownKey, quote(kid)) }
