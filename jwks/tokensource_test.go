// Verifiers for tokens from the issuer and from requests: which may cause a fetch, and when.

package jwks_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/jwks"
)

// sources has two verifiers with one KeySet.
type sources struct {
	t        *testing.T
	keys     *jwks.KeySet
	clock    *clock
	issuer   *jwks.Verifier // of tokens from the issuer
	requests *jwks.Verifier // of tokens from requests
}

func newSources(t *testing.T, keys *jwks.KeySet, c *clock) *sources {
	opts := []jwks.VerifierOption{jwks.WithIssuers(issuer), jwks.WithClientIDs(clientID)}
	return &sources{
		t: t, keys: keys, clock: c,
		issuer:   jwks.NewVerifier(keys, append(opts, jwks.WithTokensFromIssuer())...),
		requests: jwks.NewVerifier(keys, opts...),
	}
}

// sourcesAt returns sources whose KeySet has fetched the keys of an endpoint.
func sourcesAt(t *testing.T, e *endpoint) *sources {
	t.Helper()
	keys, c := newKeySet(e)
	require.NoError(t, keys.Load(t.Context()))
	return newSources(t, keys, c)
}

// byA returns a token with the given key ID, signed by keyA and good otherwise.
func (s *sources) byA(kid string) string {
	return sign(keyA(), goodHeader().with("kid", kid).json(), goodClaims(s.clock.Now()).json())
}

// byB returns a token with the given key ID, signed by keyB and good otherwise.
func (s *sources) byB(kid string) string {
	return sign(keyB(), goodHeader().with("kid", kid).json(), goodClaims(s.clock.Now()).json())
}

func (s *sources) verify(v *jwks.Verifier, token string) error {
	_, err := v.Verify(s.t.Context(), token)
	return err
}

func TestEachTokenSourceHasItsOwnRateLimit(t *testing.T) {
	for name, pick := range map[string]func(*sources) (limited, other *jwks.Verifier){
		"the limit of requests is used up":   func(s *sources) (_, _ *jwks.Verifier) { return s.requests, s.issuer },
		"the limit of the issuer is used up": func(s *sources) (_, _ *jwks.Verifier) { return s.issuer, s.requests },
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t, publish(jwkA()))
			s := sourcesAt(t, e)
			limited, other := pick(s)
			require.ErrorIs(t, s.verify(limited, s.byA("made_up_1")), jwks.ErrUnknownKey)
			require.ErrorIs(t, s.verify(limited, s.byA("made_up_2")), jwks.ErrCoolDown)
			require.EqualValues(t, 2, e.requests.Load())

			e.answer(publish(jwkA(), jwkB()))
			require.NoError(t, s.verify(other, s.byB("kid_b")))
			require.EqualValues(t, 3, e.requests.Load())
			require.NoError(t, s.verify(limited, s.byB("kid_b")), "all verifiers have the key")
			require.ErrorIs(t, s.verify(other, s.byB("made_up_3")), jwks.ErrCoolDown, "the limit allows one fetch")
			s.clock.advance(30 * time.Second)
			for _, v := range []*jwks.Verifier{limited, other} {
				require.ErrorIs(t, s.verify(v, s.byB("made_up_4")), jwks.ErrUnknownKey)
				require.ErrorIs(t, s.verify(v, s.byB("made_up_5")), jwks.ErrCoolDown)
			}
			assert.EqualValues(t, 5, e.requests.Load())
		})
	}
}

// A key ID that was unknown in a request may be the ID of the next key.
func TestAKeyIDUnknownToOneSourceIsFetchedForAnother(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	s := sourcesAt(t, e)
	require.ErrorIs(t, s.verify(s.requests, s.byB("kid_b")), jwks.ErrUnknownKey)
	e.answer(publish(jwkA(), jwkB()))
	require.NoError(t, s.verify(s.issuer, s.byB("kid_b")))
}

func TestTwoVerifiersWithOneOptionHaveTwoRateLimits(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	s := sourcesAt(t, e)
	option := jwks.WithTokensFromIssuer()
	for i := range 2 {
		v := jwks.NewVerifier(s.keys, jwks.WithIssuers(issuer), option)
		require.ErrorIs(t, s.verify(v, s.byA(fmt.Sprint("made_up_", i))), jwks.ErrUnknownKey)
	}
	assert.EqualValues(t, 3, e.requests.Load())
}

// sourcesInMemory returns sources with an endpoint in memory. answerNext holds its next response behind a gate.
func sourcesInMemory(t *testing.T, requests *atomic.Int64) (s *sources, answerNext func(http.HandlerFunc) *gate) {
	answer := publish(jwkA())
	c := newClock()
	keys := jwks.NewKeySet("https://api.workos.test/", quiet, jwks.WithClock(c), inMemory(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		answer(w, r)
	}))
	require.NoError(t, keys.Load(t.Context()))
	return newSources(t, keys, c), func(handler http.HandlerFunc) *gate {
		g := newGate()
		answer = func(w http.ResponseWriter, r *http.Request) {
			answer = publish(jwkA(), jwkB()) // for later requests
			g.before(handler)(w, r)
		}
		return g
	}
}

// The result of a running fetch is too old for a later lookup, and the fetch does not count against that lookup's limit.
func TestARunningFetchOfOneSourceUsesNoLimitOfAnother(t *testing.T) {
	for name, pick := range map[string]func(*sources) (first, second *jwks.Verifier){
		"for requests":   func(s *sources) (_, _ *jwks.Verifier) { return s.requests, s.issuer },
		"for the issuer": func(s *sources) (_, _ *jwks.Verifier) { return s.issuer, s.requests },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var requests atomic.Int64
				s, answerNext := sourcesInMemory(t, &requests)
				first, second := pick(s)
				g := answerNext(publish(jwkA()))
				ask := func(v *jwks.Verifier, token string) <-chan error {
					result := make(chan error, 1)
					go func() { result <- s.verify(v, token) }()
					synctest.Wait()
					return result
				}
				starts := ask(first, s.byA("made_up"))
				joins := []<-chan error{ask(first, s.byB("kid_b")), ask(first, s.byA("made_up_2"))}
				var needs []<-chan error
				for range 10 {
					needs = append(needs, ask(second, s.byB("kid_b")))
				}
				require.EqualValues(t, 2, requests.Load(), "one for all while it runs")
				close(g.open)

				require.ErrorIs(t, <-starts, jwks.ErrUnknownKey)
				for _, need := range needs {
					require.NoError(t, <-need)
				}
				for _, join := range joins { // they share the second fetch if it is running by then
					err := <-join
					require.True(t, err == nil || errors.Is(err, jwks.ErrCoolDown) || errors.Is(err, jwks.ErrUnknownKey), err)
				}
				assert.EqualValues(t, 3, requests.Load(), "and one more under the second limit")
			})
		})
	}
}

// Each source has its own memory of unknown key IDs.
func TestMadeUpKeyIDsOfOneSourceDoNotEvictThoseOfAnother(t *testing.T) {
	for name, pick := range map[string]func(*sources) (noisy, other *jwks.Verifier){
		"requests":   func(s *sources) (_, _ *jwks.Verifier) { return s.requests, s.issuer },
		"the issuer": func(s *sources) (_, _ *jwks.Verifier) { return s.issuer, s.requests },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var requests atomic.Int64
				s, answerNext := sourcesInMemory(t, &requests)
				noisy, other := pick(s)
				s.clock.advance(10 * time.Minute)
				g := answerNext(publish(jwkA()))
				// This starts a fetch in the background. After it, one more answers all callers that wait here.
				require.NoError(t, s.keys.Load(t.Context()))
				<-g.entered
				results := make(chan error)
				for i := range 100 {
					go func() { results <- s.verify(noisy, s.byA(fmt.Sprint("made_up_", i))) }()
				}
				synctest.Wait()
				close(g.open)
				for range 100 {
					require.ErrorIs(t, <-results, jwks.ErrUnknownKey)
				}

				require.ErrorIs(t, s.verify(other, s.byA("withdrawn_before")), jwks.ErrUnknownKey)
				fetched := requests.Load()
				for range 3 {
					require.ErrorIs(t, s.verify(other, s.byA("withdrawn_before")), jwks.ErrUnknownKey, "it is remembered")
				}
				require.ErrorIs(t, s.verify(other, s.byA("made_up_0")), jwks.ErrCoolDown, "and nothing of the noisy source")
				assert.Equal(t, fetched, requests.Load())
			})
		})
	}
}

// The endpoint has replaced the key under its ID.
func TestABadSignatureFromTheIssuerCausesOneFetch(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	s := sourcesAt(t, e)
	e.answer(publish(jwkB().with("kid", "kid_a")))

	requireRefused(t, s.verify(s.requests, s.byB("kid_a")), "signature")
	require.EqualValues(t, 1, e.requests.Load(), "any client can send any signature")
	require.NoError(t, s.verify(s.issuer, s.byB("kid_a")))
	require.EqualValues(t, 2, e.requests.Load())
	require.NoError(t, s.verify(s.requests, s.byB("kid_a")), "all verifiers have the new key")

	require.ErrorIs(t, s.verify(s.issuer, s.byA("kid_a")), jwks.ErrUnknownKey, "its key is withdrawn")
	requireRefused(t, s.verify(s.requests, s.byA("kid_a")), "signature")
	require.EqualValues(t, 2, e.requests.Load(), "within the cool-down")
}

func TestABadSignatureIsRefusedIfTheKeyIsUnchanged(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	s := sourcesAt(t, e)
	token := s.byB("kid_a")
	for round := range 3 {
		for range 100 {
			requireRefused(t, s.verify(s.issuer, token), "signature")
		}
		assert.EqualValues(t, 2+round, e.requests.Load(), "one fetch in 30 s")
		s.clock.advance(30 * time.Second)
	}
}

func TestABadSignatureDuringTheCoolDownReturnsErrCoolDown(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	s := sourcesAt(t, e)
	require.ErrorIs(t, s.verify(s.issuer, s.byA("made_up")), jwks.ErrUnknownKey)
	e.answer(publish(jwkB().with("kid", "kid_a")))

	err := s.verify(s.issuer, s.byB("kid_a"))
	require.ErrorIs(t, err, jwks.ErrCoolDown)
	requireUnavailable(t, err, 30*time.Second)
	requireRefused(t, s.verify(s.requests, s.byB("kid_a")), "signature")
	require.EqualValues(t, 2, e.requests.Load())
	s.clock.advance(30 * time.Second)
	require.NoError(t, s.verify(s.issuer, s.byB("kid_a")))
}

func TestABadSignatureWhileTheEndpointFailsReturnsErrUnavailable(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	s := sourcesAt(t, e)
	e.answer(sendStatus(http.StatusInternalServerError))
	err := s.verify(s.issuer, s.byB("kid_a"))
	requireUnavailable(t, err, 5*time.Second)
	require.NotErrorIs(t, err, jwks.ErrCoolDown, "the fetch was made and failed")
	for range 3 {
		require.ErrorIs(t, s.verify(s.issuer, s.byB("kid_a")), jwks.ErrUnavailable)
	}
	require.EqualValues(t, 2, e.requests.Load())
	require.NoError(t, s.verify(s.issuer, s.byA("kid_a")), "the current key stays in use")
}

func TestABadSignatureWithAWithdrawnKeyIDReturnsErrUnknownKey(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	s := sourcesAt(t, e)
	e.answer(publish(jwkB()))
	require.ErrorIs(t, s.verify(s.issuer, s.byB("kid_a")), jwks.ErrUnknownKey)
}

func TestAHundredBadSignaturesAtOnceCauseOneFetch(t *testing.T) {
	for name, replaced := range map[string]bool{"the key was replaced": true, "the key is the same": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var requests atomic.Int64
				s, answerNext := sourcesInMemory(t, &requests)
				set := publish(jwkA())
				if replaced {
					set = publish(jwkB().with("kid", "kid_a"))
				}
				g := answerNext(set)
				token := s.byB("kid_a")
				results := make(chan error)
				for range 100 {
					go func() { results <- s.verify(s.issuer, token) }()
				}
				synctest.Wait()
				close(g.open)
				for range 100 {
					if err := <-results; replaced {
						require.NoError(t, err)
					} else {
						requireRefused(t, err, "signature")
					}
				}
				assert.EqualValues(t, 2, requests.Load())
			})
		})
	}
}

// The endpoint alternates two keys under one ID.
func TestAReplacedKeyThatReturnsUnderItsIDVerifiesAgain(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	s := sourcesAt(t, e)
	for range 3 {
		e.answer(publish(jwkB().with("kid", "kid_a")))
		require.NoError(t, s.verify(s.issuer, s.byB("kid_a")))
		require.ErrorIs(t, s.verify(s.issuer, s.byA("kid_a")), jwks.ErrUnknownKey)
		s.clock.advance(30 * time.Second)
		e.answer(publish(jwkA()))
		require.NoError(t, s.verify(s.issuer, s.byA("kid_a")))
		require.ErrorIs(t, s.verify(s.issuer, s.byB("kid_a")), jwks.ErrUnknownKey)
		s.clock.advance(30 * time.Second)
	}
}
