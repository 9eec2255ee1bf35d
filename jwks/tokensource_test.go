// Tokens from a trusted source beside those of strangers: who may cause a fetch, and when.

package jwks_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/jwks"
)

// origins are two verifiers of one key set.
type origins struct {
	t                  *testing.T
	keys               *jwks.KeySet
	clock              *clock
	trusted, strangers *jwks.Verifier
}

func newOrigins(t *testing.T, keys *jwks.KeySet, c *clock) *origins {
	opts := []jwks.VerifierOption{jwks.WithIssuers(issuer), jwks.WithClientIDs(clientID)}
	return &origins{
		t: t, keys: keys, clock: c,
		trusted:   jwks.NewVerifier(keys, append(opts, jwks.WithTokensFromIssuer())...),
		strangers: jwks.NewVerifier(keys, opts...),
	}
}

// at is the two before an endpoint, with the keys at hand.
func at(t *testing.T, e *endpoint) *origins {
	t.Helper()
	keys, c := newKeySet(e)
	require.NoError(t, keys.Load(t.Context()))
	return newOrigins(t, keys, c)
}

// byA is a good token but for its key ID, signed by keyA.
func (o *origins) byA(kid string) string {
	return sign(keyA(), goodHeader().with("kid", kid).json(), goodClaims(o.clock.Now()).json())
}

// byB is a good token but for its key ID, signed by keyB.
func (o *origins) byB(kid string) string {
	return sign(keyB(), goodHeader().with("kid", kid).json(), goodClaims(o.clock.Now()).json())
}

func (o *origins) verify(v *jwks.Verifier, token string) error {
	_, err := v.Verify(o.t.Context(), token)
	return err
}

// A6: what one origin uses up is there for the other.
func TestEachOriginHasAnAllowanceOfItsOwn(t *testing.T) {
	for name, pick := range map[string]func(*origins) (spends, needs *jwks.Verifier){
		"strangers spend theirs": func(o *origins) (_, _ *jwks.Verifier) { return o.strangers, o.trusted },
		"the trusted spend it":   func(o *origins) (_, _ *jwks.Verifier) { return o.trusted, o.strangers },
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t, publish(jwkA()))
			o := at(t, e)
			spends, needs := pick(o)
			require.ErrorIs(t, o.verify(spends, o.byA("made_up_1")), jwks.ErrUnknownKey)
			require.ErrorIs(t, o.verify(spends, o.byA("made_up_2")), jwks.ErrCoolDown)
			require.EqualValues(t, 2, e.requests.Load())

			e.answer(publish(jwkA(), jwkB()))
			require.NoError(t, o.verify(needs, o.byB("kid_b")))
			require.EqualValues(t, 3, e.requests.Load())
			require.NoError(t, o.verify(spends, o.byB("kid_b")), "the key is there for all")
			require.ErrorIs(t, o.verify(needs, o.byB("made_up_3")), jwks.ErrCoolDown, "an allowance is for one fetch")
			o.clock.advance(30 * time.Second)
			for _, v := range []*jwks.Verifier{spends, needs} {
				require.ErrorIs(t, o.verify(v, o.byB("made_up_4")), jwks.ErrUnknownKey)
				require.ErrorIs(t, o.verify(v, o.byB("made_up_5")), jwks.ErrCoolDown)
			}
			assert.EqualValues(t, 5, e.requests.Load())
		})
	}
}

// A made-up key ID that strangers were refused may be the ID of the next key.
func TestWhatStrangersWereToldOfAKeyIDHoldsForNobodyElse(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	o := at(t, e)
	require.ErrorIs(t, o.verify(o.strangers, o.byB("kid_b")), jwks.ErrUnknownKey)
	e.answer(publish(jwkA(), jwkB()))
	require.NoError(t, o.verify(o.trusted, o.byB("kid_b")))
}

func TestAnOptionThatIsGivenTwiceMakesTwoAllowances(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	o := at(t, e)
	option := jwks.WithTokensFromIssuer()
	for i := range 2 {
		v := jwks.NewVerifier(o.keys, jwks.WithIssuers(issuer), option)
		require.ErrorIs(t, o.verify(v, o.byA(fmt.Sprint("made_up_", i))), jwks.ErrUnknownKey)
	}
	assert.EqualValues(t, 3, e.requests.Load())
}

// hanging is the two before an endpoint in memory. Its next answer is held up.
func hanging(t *testing.T, requests *atomic.Int64) (o *origins, answerNext func(http.HandlerFunc) *gate) {
	answer := publish(jwkA())
	c := newClock()
	keys := jwks.NewKeySet("https://api.workos.test/", quiet, jwks.WithClock(c), inMemory(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		answer(w, r)
	}))
	require.NoError(t, keys.Load(t.Context()))
	return newOrigins(t, keys, c), func(handler http.HandlerFunc) *gate {
		g := newGate()
		answer = func(w http.ResponseWriter, r *http.Request) {
			answer = publish(jwkA(), jwkB()) // what comes after has the key
			g.before(handler)(w, r)
		}
		return g
	}
}

// A6: a fetch that is under way for the one is too old for the other, and takes nothing of its allowance.
func TestAFetchThatIsUnderWayForOneOriginCostsTheOtherNothing(t *testing.T) {
	for name, pick := range map[string]func(*origins) (first, second *jwks.Verifier){
		"for a stranger":  func(o *origins) (_, _ *jwks.Verifier) { return o.strangers, o.trusted },
		"for the trusted": func(o *origins) (_, _ *jwks.Verifier) { return o.trusted, o.strangers },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var requests atomic.Int64
				o, answerNext := hanging(t, &requests)
				first, second := pick(o)
				g := answerNext(publish(jwkA()))
				ask := func(v *jwks.Verifier, token string) <-chan error {
					result := make(chan error, 1)
					go func() { result <- o.verify(v, token) }()
					synctest.Wait()
					return result
				}
				begins := ask(first, o.byA("made_up"))
				joins := []<-chan error{ask(first, o.byB("kid_b")), ask(first, o.byA("made_up_2"))}
				var needs []<-chan error
				for range 10 {
					needs = append(needs, ask(second, o.byB("kid_b")))
				}
				require.EqualValues(t, 2, requests.Load(), "one for all as long as it runs")
				close(g.open)

				require.ErrorIs(t, <-begins, jwks.ErrUnknownKey)
				for _, need := range needs {
					require.NoError(t, <-need)
				}
				for _, join := range joins { // they share the fetch of the other's allowance, if it is under way by then
					err := <-join
					require.True(t, err == nil || errors.Is(err, jwks.ErrCoolDown) || errors.Is(err, jwks.ErrUnknownKey), err)
				}
				assert.EqualValues(t, 3, requests.Load(), "and one more on the second's allowance")
			})
		})
	}
}

// A6: the memory of key IDs that were asked for in vain is apart too.
func TestKeyIDsThatOneOriginMakesUpCrowdOutNoneOfTheOthers(t *testing.T) {
	for name, pick := range map[string]func(*origins) (crowd, other *jwks.Verifier){
		"strangers":   func(o *origins) (_, _ *jwks.Verifier) { return o.strangers, o.trusted },
		"the trusted": func(o *origins) (_, _ *jwks.Verifier) { return o.trusted, o.strangers },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var requests atomic.Int64
				o, answerNext := hanging(t, &requests)
				crowd, other := pick(o)
				o.clock.advance(10 * time.Minute)
				g := answerNext(publish(jwkA()))
				require.NoError(t, o.keys.Load(t.Context())) // a fetch in the background, after which one more answers all who wait here
				<-g.entered
				results := make(chan error)
				for i := range 100 {
					go func() { results <- o.verify(crowd, o.byA(fmt.Sprint("made_up_", i))) }()
				}
				synctest.Wait()
				close(g.open)
				for range 100 {
					require.ErrorIs(t, <-results, jwks.ErrUnknownKey)
				}

				require.ErrorIs(t, o.verify(other, o.byA("withdrawn_before")), jwks.ErrUnknownKey)
				fetched := requests.Load()
				for range 3 {
					require.ErrorIs(t, o.verify(other, o.byA("withdrawn_before")), jwks.ErrUnknownKey, "it is remembered")
				}
				require.ErrorIs(t, o.verify(other, o.byA("made_up_0")), jwks.ErrCoolDown, "and nothing of the crowd's")
				assert.Equal(t, fetched, requests.Load())
			})
		})
	}
}

// B16: the set has another key under the same ID by now.
func TestABadSignatureFromATrustedSourceCausesOneFetch(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	o := at(t, e)
	e.answer(publish(jwkB().with("kid", "kid_a")))

	requireRefused(t, o.verify(o.strangers, o.byB("kid_a")), "signature")
	require.EqualValues(t, 1, e.requests.Load(), "strangers can write any signature")
	require.NoError(t, o.verify(o.trusted, o.byB("kid_a")))
	require.EqualValues(t, 2, e.requests.Load())
	require.NoError(t, o.verify(o.strangers, o.byB("kid_a")), "the new key is there for all")

	require.ErrorIs(t, o.verify(o.trusted, o.byA("kid_a")), jwks.ErrUnknownKey, "its key is withdrawn")
	requireRefused(t, o.verify(o.strangers, o.byA("kid_a")), "signature")
	require.EqualValues(t, 2, e.requests.Load(), "within the pause")
}

func TestABadSignatureThatTheEndpointDoesNotExplainIsRefused(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	o := at(t, e)
	token := o.byB("kid_a")
	for round := range 3 {
		for range 100 {
			requireRefused(t, o.verify(o.trusted, token), "signature")
		}
		assert.EqualValues(t, 2+round, e.requests.Load(), "one fetch in 30 s")
		o.clock.advance(30 * time.Second)
	}
}

func TestABadSignatureDuringTheCoolDownIsNotDecided(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	o := at(t, e)
	require.ErrorIs(t, o.verify(o.trusted, o.byA("made_up")), jwks.ErrUnknownKey)
	e.answer(publish(jwkB().with("kid", "kid_a")))

	err := o.verify(o.trusted, o.byB("kid_a"))
	require.ErrorIs(t, err, jwks.ErrCoolDown)
	requireUnavailable(t, err, 30*time.Second)
	requireRefused(t, o.verify(o.strangers, o.byB("kid_a")), "signature")
	require.EqualValues(t, 2, e.requests.Load())
	o.clock.advance(30 * time.Second)
	require.NoError(t, o.verify(o.trusted, o.byB("kid_a")))
}

func TestABadSignatureWhileTheEndpointFailsIsNotDecided(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	o := at(t, e)
	e.answer(sendStatus(http.StatusInternalServerError))
	err := o.verify(o.trusted, o.byB("kid_a"))
	requireUnavailable(t, err, 5*time.Second)
	require.NotErrorIs(t, err, jwks.ErrCoolDown, "the fetch was made and failed")
	for range 3 {
		require.ErrorIs(t, o.verify(o.trusted, o.byB("kid_a")), jwks.ErrUnavailable)
	}
	require.EqualValues(t, 2, e.requests.Load())
	require.NoError(t, o.verify(o.trusted, o.byA("kid_a")), "the key at hand goes on")
}

func TestABadSignatureOfAKeyIDThatIsGoneMeansThatTheKeyIsUnknown(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	o := at(t, e)
	e.answer(publish(jwkB()))
	require.ErrorIs(t, o.verify(o.trusted, o.byB("kid_a")), jwks.ErrUnknownKey)
}

func TestAHundredBadSignaturesAtOnceCauseOneFetch(t *testing.T) {
	for name, replaced := range map[string]bool{"the key was replaced": true, "the key is the same": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var requests atomic.Int64
				o, answerNext := hanging(t, &requests)
				set := publish(jwkA())
				if replaced {
					set = publish(jwkB().with("kid", "kid_a"))
				}
				g := answerNext(set)
				token := o.byB("kid_a")
				results := make(chan error)
				for range 100 {
					go func() { results <- o.verify(o.trusted, token) }()
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

// A key that goes back and forth under its ID is found each time.
func TestAKeyThatIsBackUnderItsIDVerifiesAgain(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	o := at(t, e)
	for range 3 {
		e.answer(publish(jwkB().with("kid", "kid_a")))
		require.NoError(t, o.verify(o.trusted, o.byB("kid_a")))
		require.ErrorIs(t, o.verify(o.trusted, o.byA("kid_a")), jwks.ErrUnknownKey)
		o.clock.advance(30 * time.Second)
		e.answer(publish(jwkA()))
		require.NoError(t, o.verify(o.trusted, o.byA("kid_a")))
		require.ErrorIs(t, o.verify(o.trusted, o.byB("kid_a")), jwks.ErrUnknownKey)
		o.clock.advance(30 * time.Second)
	}
}

func TestAReplacedKeyIsLogged(t *testing.T) {
	var log bytes.Buffer
	e := newEndpoint(t, publish(jwkA(), jwkB()))
	keys, c := newKeySet(e, jwks.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	require.NoError(t, keys.Load(t.Context()))
	e.answer(publish(jwkA(), jwkA().with("kid", "kid_b")))
	c.advance(10 * time.Minute)
	require.NoError(t, keys.Load(t.Context()))
	keys.WaitForFetch()
	assert.Contains(t, log.String(), "level=INFO")
	assert.Contains(t, log.String(), "added=[] removed=[] replaced=[kid_b]")
}
