// Decides when keys are fetched, who waits for it, and which keys are in force meanwhile.

package jwks

import (
	"context"
	"crypto/rsa"
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

	unknownKeyPause = 30 * time.Second // between fetches for key IDs that are not in the set
)

// KeySet is the signing keys that one JWKS endpoint publishes. It is safe for concurrent use.
//
// Keys are fetched when they are first needed and are fresh for ten minutes. After that they go on being
// used while one renewal runs in the background, and for up to 24 hours if renewals fail. A failed fetch is
// followed by a pause of five seconds, or of what Retry-After asks for up to a minute. A key ID that is not in the
// set causes a fetch too, at most once in 30 seconds. However many callers need a fetch, one runs for all of them, and it
// goes on when they have left.
type KeySet struct {
	endpoint endpoint
	now      func() time.Time
	log      *slog.Logger

	current atomic.Pointer[snapshot] // stored under mu, read without it

	mu           sync.Mutex // guards what follows
	started      uint64     // fetches begun so far
	running      *flight    // nil if none
	failure      error      // of the last fetch; nil if it succeeded
	retryAt      time.Time  // no fetch before then; set by a failure
	unknownUntil time.Time  // no fetch for an unknown key ID before then
	absent       absentKeys
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
		endpoint: endpoint{url: url, client: sameHostOnly(http.DefaultClient), afterFunc: systemAfterFunc},
		now:      time.Now,
		log:      slog.Default(),
	}
	for _, opt := range opts {
		opt.applyToKeySet(s)
	}
	return s
}

// Load makes sure that there are usable keys, fetching them if there are none. It is for asking before something
// that cannot be repeated, such as spending an authorization code, when a token will have to be verified afterwards.
// The error matches [ErrUnavailable].
func (s *KeySet) Load(ctx context.Context) error {
	_, err := s.load(ctx, "")
	return err
}

// Key returns the key that has the given ID, which the caller must not change. The error matches [ErrUnknownKey] or
// [ErrUnavailable].
func (s *KeySet) Key(ctx context.Context, kid string) (*rsa.PublicKey, error) {
	if set := s.current.Load(); set.fresh(s.now()) {
		if key, ok := set.keys[kid]; ok {
			return key, nil
		}
	}
	s.mu.Lock()
	before := s.started
	s.mu.Unlock()

	set, err := s.load(ctx, kid)
	for err == nil {
		if key, ok := set.keys[kid]; ok {
			return key, nil
		}
		if set.number > before { // its fetch began after the need arose, so it is the last word
			s.mu.Lock()
			s.absent.answer(kid, s.now())
			s.mu.Unlock()
			return nil, unknownKey(kid)
		}
		set, err = s.newer(ctx, kid, set)
	}
	return nil, err
}

// load returns usable keys, waiting for them if there are none. kid is what they are needed for, if it is known.
func (s *KeySet) load(ctx context.Context, kid string) (*snapshot, error) {
	s.mu.Lock()
	now := s.now()
	set := s.current.Load()
	if set.fresh(now) {
		s.mu.Unlock()
		return set, nil
	}
	f, err := s.fetch(ctx, kid, now)
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

// newer returns a set that is newer than seen, in which kid was looked for in vain.
func (s *KeySet) newer(ctx context.Context, kid string, seen *snapshot) (*snapshot, error) {
	s.mu.Lock()
	if set := s.current.Load(); set != seen {
		s.mu.Unlock()
		return set, nil
	}
	f, err := s.fetchForUnknown(ctx, kid, s.now())
	s.mu.Unlock()

	if err != nil {
		return nil, err
	}
	return f.wait(ctx)
}

// fetchForUnknown joins the running fetch or begins one. While none may begin, what is remembered of kid is the answer.
// The caller holds mu.
func (s *KeySet) fetchForUnknown(ctx context.Context, kid string, now time.Time) (*flight, error) {
	coolDown := s.unknownUntil.Sub(now)
	pause := max(coolDown, s.retryAt.Sub(now))
	if pause > 0 && s.absent.has(kid, now) {
		return nil, unknownKey(kid)
	}
	begins := s.running == nil
	if begins && coolDown > 0 {
		return nil, &UnavailableError{RetryAfter: pause, Err: ErrCoolDown}
	}
	f, err := s.fetch(ctx, kid, now)
	if err == nil && begins {
		s.unknownUntil = now.Add(unknownKeyPause)
	}
	return f, err
}

func unknownKey(kid string) error { return fmt.Errorf("%w: %s", ErrUnknownKey, quote(kid)) }
