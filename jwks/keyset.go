// Decides when keys are fetched, who waits for it, and which keys are in force meanwhile.

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
	freshFor  = 10 * time.Minute // after that, keys are renewed behind the requests that use them
	usableFor = 24 * time.Hour   // after that, they are no longer used though no newer ones can be had

	minRetryPause = 5 * time.Second // after a failed fetch
	maxRetryPause = 60 * time.Second

	unknownKeyPause = 30 * time.Second // between fetches of one allowance for keys that are not in the set
)

// KeySet is the signing keys that one JWKS endpoint publishes. It is safe for concurrent use.
//
// Keys are fetched when they are first needed and are fresh for ten minutes. After that they go on being
// used while one renewal runs in the background, and for up to 24 hours if renewals fail. A failed fetch is
// followed by a pause of five seconds, or of what Retry-After asks for up to a minute. A key ID that is not in the
// set causes a fetch too, at most once in 30 seconds. That allowance is shared by all callers but those of a [Verifier]
// with [WithTokensFromIssuer] or [WithTokensFromStorage], which have one of their own. However many callers need a fetch, one runs for all of them, and
// it goes on when they have left.
type KeySet struct {
	endpoint endpoint
	clock    Clock
	log      *slog.Logger

	current atomic.Pointer[snapshot] // stored under mu, read without it

	mu        sync.Mutex        // guards what follows, and the allowances of verifiers
	started   uint64            // fetches begun so far
	running   *flight           // nil if none
	failure   error             // of the last fetch; nil if it succeeded
	retryAt   time.Time         // no fetch before then; set by a failure
	ignored   [sha256.Size]byte // hash of why keys of the last set were ignored; zero if none was
	withdrawn withdrawnKeys
	shared    allowance // of all who have none of their own
}

// snapshot is what one fetch returned. It does not change.
type snapshot struct {
	number  uint64 // of the flight that brought it
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
// nothing yet; a URL that cannot be fetched shows as [ErrUnavailable] later.
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

// Load makes sure that there are usable keys, fetching them if there are none. It is for asking before something
// that cannot be repeated, such as spending an authorization code, when a token will have to be verified afterwards.
// The error matches [ErrUnavailable].
func (s *KeySet) Load(ctx context.Context) error {
	_, err := s.load(ctx, question{}, &s.shared)
	return err
}

// Key returns the key that has the given ID, which the caller must not change. The error matches [ErrUnknownKey] or
// [ErrUnavailable].
func (s *KeySet) Key(ctx context.Context, kid string) (*rsa.PublicKey, error) {
	return s.find(ctx, question{kid: kid}, &s.shared)
}

// find returns the key that answers a question. The error matches ErrUnknownKey, errSameKey or ErrUnavailable.
func (s *KeySet) find(ctx context.Context, q question, a *allowance) (*rsa.PublicKey, error) {
	if set := s.current.Load(); set.fresh(s.clock.Now()) {
		if key, ok := q.answer(set.keys); ok {
			return key, nil
		}
	}
	s.mu.Lock()
	before := s.started
	s.mu.Unlock()

	set, err := s.load(ctx, q, a)
	for err == nil {
		if key, ok := q.answer(set.keys); ok {
			return key, nil
		}
		if set.number > before { // its fetch began after the need arose, so its answer is final
			s.mu.Lock()
			a.answeredInVain(q, s.clock.Now())
			s.mu.Unlock()
			return nil, set.inVain(q)
		}
		set, err = s.newer(ctx, q, a, set)
	}
	return nil, err
}

// inVain says why a set does not answer a question.
func (s *snapshot) inVain(q question) error {
	if _, ok := s.keys[q.kid]; ok {
		return errSameKey
	}
	return unknownKey(q.kid)
}

// withdrawnUnder returns the keys that were published under an ID and are not any more.
func (s *KeySet) withdrawnUnder(kid string) []*rsa.PublicKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.withdrawn.of(kid)
}

// load returns usable keys, waiting for them if there are none. The question is the one that they are needed for, or
// zero.
func (s *KeySet) load(ctx context.Context, q question, a *allowance) (*snapshot, error) {
	s.mu.Lock()
	now := s.clock.Now()
	set := s.current.Load()
	if set.fresh(now) {
		s.mu.Unlock()
		return set, nil
	}
	f, err := s.fetch(ctx, q, a, now)
	s.mu.Unlock()

	switch {
	case set.usable(now): // the fetch, if there is one, is a renewal in the background
		return set, nil
	case err != nil:
		return nil, err
	default:
		return f.wait(ctx)
	}
}

// newer returns a set that is newer than seen, which does not answer the question.
func (s *KeySet) newer(ctx context.Context, q question, a *allowance, seen *snapshot) (*snapshot, error) {
	s.mu.Lock()
	if set := s.current.Load(); set != seen {
		s.mu.Unlock()
		return set, nil
	}
	f, err := s.fetchForUnknown(ctx, q, a, seen)
	s.mu.Unlock()

	if err != nil {
		return nil, err
	}
	return f.wait(ctx)
}

// fetchForUnknown joins the running fetch or begins one. While none may begin, what is remembered of the question is the
// answer. The caller holds mu.
func (s *KeySet) fetchForUnknown(ctx context.Context, q question, a *allowance, seen *snapshot) (*flight, error) {
	now := s.clock.Now()
	coolDown := a.notBefore.Sub(now)
	pause := max(coolDown, s.retryAt.Sub(now))
	withdrawn := q.seen == nil && s.withdrawn.has(q.kid)
	if withdrawn && a.stored || pause > 0 && (withdrawn || a.knows(q, now)) {
		return nil, seen.inVain(q)
	}
	begins := s.running == nil
	if begins && coolDown > 0 {
		return nil, &UnavailableError{RetryAfter: pause, Err: ErrCoolDown}
	}
	f, err := s.fetch(ctx, q, a, now)
	if err == nil && begins {
		a.notBefore = now.Add(unknownKeyPause)
	}
	return f, err
}

func unknownKey(kid string) error { return fmt.Errorf("%w: %s", ErrUnknownKey, quote(kid)) }
