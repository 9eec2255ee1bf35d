// Requests that wait for the validation of their API key, and the order of the validations.

package authkit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/internal/behaviour"
	"github.com/authkit-go/authkit/internal/testrun"
)

// gate stands for WorkOS. While it is open it replies to a validation at once, otherwise when the test calls let. Keys
// that begin with sk_good are valid.
type gate struct {
	started chan string // the keys, in the order of the calls

	mu   sync.Mutex
	open bool
	held map[string]chan *http.Response
}

func newGate() *gate {
	return &gate{started: make(chan string, 100_000), open: true, held: map[string]chan *http.Response{}}
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	var call struct{ Value string }
	if err := json.NewDecoder(r.Body).Decode(&call); err != nil {
		return nil, err
	}
	g.mu.Lock()
	open, held := g.open, g.heldFor(call.Value)
	g.mu.Unlock()
	g.started <- call.Value
	if open {
		return g.reply(call.Value), nil
	}
	select {
	case resp := <-held:
		return resp, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func (g *gate) heldFor(value string) chan *http.Response {
	if g.held[value] == nil {
		g.held[value] = make(chan *http.Response, 1)
	}
	return g.held[value]
}

func (g *gate) reply(value string) *http.Response {
	if strings.HasPrefix(value, "sk_good") {
		return behaviour.JSONReply(200, nil, `{"api_key":{"id":"api_key_1","name":"`+value[3:]+`","owner":{"type":"organization","id":"org_1"}}}`)
	}
	return behaviour.JSONReply(200, nil, `{"api_key":null}`)
}

// let replies to the validation of a key with resp. If resp is nil, the reply is the same as that of an open gate.
func (g *gate) let(value string, resp *http.Response) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if resp == nil {
		resp = g.reply(value)
	}
	g.heldFor(value) <- resp
}

// shut makes the gate hold every reply from now on.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = false
	clear(g.held)
}

// reopen replies to the held validations and to all later ones.
func (g *gate) reopen() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = true
	for value, held := range g.held {
		select {
		case held <- g.reply(value):
		default:
		}
	}
}

// awaited returns the next value of a channel. It fails the test if none comes in time.
func awaited[T any](t testing.TB, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(behaviour.WaitTimeout):
		require.FailNow(t, "it did not come in time: "+what)
		panic("not reached")
	}
}

// queued is an application that validates API keys with a gate.
type queued struct {
	*behaviour.App
	gate  *gate
	waits chan struct{} // has one element for each request that waits
}

func newQueued(t *testing.T, opts ...authkit.Option) *queued {
	q := &queued{gate: newGate(), waits: make(chan struct{}, 100_000)}
	q.App = behaviour.NewAPIKeyApp(t, append(opts, authkit.WithHTTPClient(&http.Client{Transport: q.gate}))...)
	q.OnAPIKeyWait(func() { q.waits <- struct{}{} })
	t.Cleanup(q.gate.reopen)
	return q
}

// begin sends a request and returns when the request waits for its validation.
func (q *queued) begin(ctx context.Context, key string) <-chan behaviour.Response {
	q.T.Helper()
	answered := make(chan behaviour.Response, 1)
	go func() { answered <- q.WithKey(ctx, "/key", key) }()
	select {
	case <-q.waits:
	case resp := <-answered:
		require.FailNow(q.T, "the request does not wait", "%d for %s", resp.Status, key)
	case <-time.After(behaviour.WaitTimeout):
		require.FailNow(q.T, "the request does not arrive")
	}
	return answered
}

// response sends a request and returns its response. It fails the test if none comes in time.
func (q *queued) response(key string) behaviour.Response {
	q.T.Helper()
	answered := make(chan behaviour.Response, 1)
	go func() { answered <- q.WithKey(q.T.Context(), "/key", key) }()
	return awaited(q.T, answered, "the response to "+key)
}

func (q *queued) status(key string) int {
	q.T.Helper()
	return q.response(key).Status
}

// prove makes n keys proven. Their results have expired when it returns, and the gate is shut.
func (q *queued) prove(n int) (keys []string) {
	for i := range n {
		keys = append(keys, fmt.Sprint("sk_good_", i))
		require.Equal(q.T, http.StatusOK, q.status(keys[i]))
		<-q.gate.started
		<-q.waits
	}
	q.Clock.Advance(time.Minute)
	q.gate.shut()
	return keys
}

func (q *queued) started() string {
	q.T.Helper()
	return awaited(q.T, q.gate.started, "a validation")
}

// fill starts the validation of each key and returns the responses to come. Each key must get a slot.
func (q *queued) fill(keys []string) (responses []<-chan behaviour.Response) {
	q.T.Helper()
	for _, key := range keys {
		responses = append(responses, q.begin(q.T.Context(), key))
		require.Equal(q.T, key, q.started())
	}
	return responses
}

func madeUpKeys(n int) (keys []string) {
	for i := range n {
		keys = append(keys, behaviour.UnknownKey(i))
	}
	return keys
}

func TestAFreeSlotGoesToTheAPIKeyThatHasWaitedLongest(t *testing.T) {
	q := newQueued(t)
	q.gate.shut()
	running := madeUpKeys(behaviour.ConcurrentUnknownKeys)
	first := q.fill(running)
	gone, leave := context.WithCancel(t.Context())
	leaving := q.begin(gone, "sk_leaves")
	second := q.begin(t.Context(), "sk_good_second")
	again := q.begin(t.Context(), "sk_good_second")
	third := q.begin(t.Context(), "sk_third")
	leave()
	assert.Equal(t, http.StatusServiceUnavailable, awaited(t, leaving, "the response to the client that left").Status)
	assert.Equal(t, behaviour.ConcurrentUnknownKeys+2, q.APIKeyValidations())
	assert.Empty(t, q.gate.started, "no slot is free")

	q.gate.let(running[7], nil)
	assert.Equal(t, http.StatusUnauthorized, awaited(t, first[7], "its response").Status)
	assert.Equal(t, "sk_good_second", q.started(), "the request that left gets no slot")
	q.gate.let(running[3], nil)
	assert.Equal(t, "sk_third", q.started())
	q.gate.reopen()
	assert.Equal(t, http.StatusOK, awaited(t, second, "its response").Status)
	assert.Equal(t, http.StatusOK, awaited(t, again, "its response").Status)
	assert.Equal(t, http.StatusUnauthorized, awaited(t, third, "its response").Status)
	assert.Empty(t, q.gate.started, "both requests share one validation")
}

func TestAValidationStaysQueuedWhileOneRequestWaitsForIt(t *testing.T) {
	q := newQueued(t)
	q.gate.shut()
	running := madeUpKeys(behaviour.ConcurrentUnknownKeys)
	q.fill(running)
	gone, leave := context.WithCancel(t.Context())
	leaving, staying := q.begin(gone, "sk_good"), q.begin(t.Context(), "sk_good")
	leave()
	awaited(t, leaving, "the response to the client that left")
	assert.Equal(t, behaviour.ConcurrentUnknownKeys+1, q.APIKeyValidations())
	q.gate.reopen()
	assert.Equal(t, http.StatusOK, awaited(t, staying, "its response").Status)
}

func TestAnAPIKeyThatLeavesTheQueueReleasesItsBudget(t *testing.T) {
	q := newQueued(t)
	q.gate.shut()
	q.fill(madeUpKeys(behaviour.ConcurrentUnknownKeys))
	for range 3 {
		gone, leave := context.WithCancel(t.Context())
		var leaving []<-chan behaviour.Response
		for i := range behaviour.UnknownKeyBudget - behaviour.ConcurrentUnknownKeys {
			leaving = append(leaving, q.begin(gone, fmt.Sprint("sk_leaves_", i)))
		}
		assert.Equal(t, http.StatusTooManyRequests, q.status("sk_one_too_many"))
		assert.Equal(t, behaviour.UnknownKeyBudget, q.APIKeyValidations())
		leave()
		for _, answered := range leaving {
			awaited(t, answered, "the response to a client that left")
		}
		assert.Equal(t, behaviour.ConcurrentUnknownKeys, q.APIKeyValidations())
	}
}

func TestAnAbandonedValidationEndsAfterTenSecondsAndFreesItsSlot(t *testing.T) {
	q := newQueued(t)
	q.gate.shut()
	gone, leave := context.WithCancel(t.Context())
	var leaving []<-chan behaviour.Response
	for _, key := range madeUpKeys(behaviour.ConcurrentUnknownKeys) {
		leaving = append(leaving, q.begin(gone, key))
		q.started()
	}
	leave()
	for _, answered := range leaving {
		awaited(t, answered, "the response to a client that left")
	}
	q.Clock.Advance(7 * time.Second)
	waiting := q.begin(t.Context(), "sk_good")
	q.Clock.Advance(3 * time.Second)
	assert.Equal(t, "sk_good", q.started())
	q.gate.reopen()
	assert.Equal(t, http.StatusOK, awaited(t, waiting, "its response").Status)
}

func TestAProvenAPIKeyWithoutASlotHasItsGraceWhileWorkOSDoesNotAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		grace  time.Duration
		status int
	}{
		"without a grace": {0, http.StatusServiceUnavailable},
		"with a grace":    {time.Hour, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			q := newQueued(t, authkit.WithAPIKeyGrace(c.grace))
			keys := q.prove(behaviour.ConcurrentProvenKeys + 1)
			last := keys[behaviour.ConcurrentProvenKeys]
			q.fill(keys[:behaviour.ConcurrentProvenKeys])
			waiting := q.begin(t.Context(), last)
			q.Clock.Advance(5*time.Second - 1)
			assert.Empty(t, waiting)
			q.Clock.Advance(1)
			assert.Equal(t, c.status, awaited(t, waiting, "its response").Status)
			assert.Equal(t, c.status, q.status(last), "the next request does not wait")
			assert.Empty(t, q.gate.started)
		})
	}
}

func TestAProvenAPIKeyWithoutASlotHasNoGraceWhileWorkOSAnswers(t *testing.T) {
	q := newQueued(t, authkit.WithAPIKeyGrace(time.Hour))
	keys := q.prove(behaviour.ConcurrentProvenKeys + 2)
	first := q.fill(keys[:behaviour.ConcurrentProvenKeys])
	next, last := q.begin(t.Context(), keys[behaviour.ConcurrentProvenKeys]), q.begin(t.Context(), keys[behaviour.ConcurrentProvenKeys+1])
	q.gate.let(keys[5], nil)
	assert.Equal(t, http.StatusOK, awaited(t, first[5], "its response").Status)
	assert.Equal(t, keys[behaviour.ConcurrentProvenKeys], q.started())
	q.Clock.Advance(5 * time.Second)
	assert.Equal(t, http.StatusServiceUnavailable, awaited(t, last, "its response").Status, "the key may have been deleted")
	assert.Empty(t, next, "it holds a slot")
	q.gate.reopen()
	assert.Equal(t, http.StatusOK, awaited(t, next, "its response").Status)
	assert.Equal(t, http.StatusOK, q.status(keys[behaviour.ConcurrentProvenKeys+1]), "the failure is not cached")
}

func TestAnUnknownAPIKeyWithoutASlotIsAnswered429OnlyWhileWorkOSAnswers(t *testing.T) {
	t.Run("WorkOS answers other keys", func(t *testing.T) {
		q := newQueued(t)
		q.gate.shut()
		running := madeUpKeys(behaviour.ConcurrentUnknownKeys)
		q.fill(running)
		q.begin(t.Context(), "sk_next")
		last := q.begin(t.Context(), "sk_good")
		q.gate.let(running[0], nil)
		assert.Equal(t, "sk_next", q.started())
		q.Clock.Advance(5 * time.Second)
		resp := awaited(t, last, "its response")
		assert.Equal(t, http.StatusTooManyRequests, resp.Status)
		assert.Equal(t, "5", resp.Header.Get("Retry-After"))
		q.gate.reopen()
		assert.Equal(t, http.StatusOK, q.status("sk_good"), "the failure is not cached")
	})
	t.Run("WorkOS answers no key", func(t *testing.T) {
		q := newQueued(t)
		q.gate.shut()
		q.fill(madeUpKeys(behaviour.ConcurrentUnknownKeys))
		last := q.begin(t.Context(), "sk_good")
		q.Clock.Advance(5 * time.Second)
		resp := awaited(t, last, "its response")
		assert.Equal(t, http.StatusServiceUnavailable, resp.Status, "an outage is not answered 429")
		assert.Equal(t, "5", resp.Header.Get("Retry-After"))
		assert.Equal(t, http.StatusServiceUnavailable, q.status("sk_good"))
		q.gate.reopen()
		q.Clock.Advance(5 * time.Second)
		assert.Equal(t, http.StatusOK, q.status("sk_good"))
	})
}

func TestWaitingUnknownAPIKeysAreAnsweredAtOnceWhenWorkOSAnswers429(t *testing.T) {
	q := newQueued(t)
	proven := q.prove(1)[0]
	running := madeUpKeys(behaviour.ConcurrentUnknownKeys)
	first := q.fill(running)
	var waiting []<-chan behaviour.Response
	for i := range 100 {
		waiting = append(waiting, q.begin(t.Context(), fmt.Sprint("sk_waits_", i)))
	}
	q.gate.let(running[0], behaviour.JSONReply(429, http.Header{"Retry-After": {"20"}}, `{}`))
	for _, answered := range append(waiting, first[0]) {
		resp := awaited(t, answered, "the response to a waiting request")
		assert.Equal(t, http.StatusTooManyRequests, resp.Status)
		assert.Equal(t, "20", resp.Header.Get("Retry-After"))
	}
	assert.Empty(t, q.gate.started)
	assert.Equal(t, behaviour.ConcurrentUnknownKeys-1, q.APIKeyValidations())

	answered := q.begin(t.Context(), proven)
	assert.Equal(t, proven, q.started(), "a proven key is validated all the same")
	q.gate.let(proven, nil)
	assert.Equal(t, http.StatusOK, awaited(t, answered, "its response").Status)

	// A shorter Retry-After does not shorten a longer one.
	q.gate.let(running[1], behaviour.JSONReply(429, http.Header{"Retry-After": {"7"}}, `{}`))
	assert.Equal(t, "7", awaited(t, first[1], "its response").Header.Get("Retry-After"))
	q.Clock.Advance(8 * time.Second)
	assert.Equal(t, http.StatusTooManyRequests, q.status("sk_good_new"))
	q.Clock.Advance(12 * time.Second)
	q.gate.reopen()
	assert.Equal(t, http.StatusOK, q.status("sk_good_new"))
}

func TestTheNumberOfRequestsThatWaitForAPIKeysIsBounded(t *testing.T) {
	const limit = 4096
	const proven = "sk_good_0"
	for name, c := range map[string]struct {
		key, other string
		status     int
	}{
		"unknown keys": {"sk_good_unknown", "sk_other", http.StatusTooManyRequests},
		"a proven key": {proven, proven, http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			q := newQueued(t, behaviour.WithoutLog)
			require.Equal(t, proven, q.prove(1)[0])
			ctx, leave := context.WithCancel(t.Context())
			var waiting []<-chan behaviour.Response
			for range limit {
				waiting = append(waiting, q.begin(ctx, c.key))
			}
			assert.Equal(t, c.key, q.started())
			resp := q.response(c.other)
			assert.Equal(t, c.status, resp.Status)
			assert.Equal(t, "1", resp.Header.Get("Retry-After"))
			assert.Empty(t, q.gate.started)
			leave()
			for _, answered := range waiting {
				awaited(t, answered, "the response to a client that left")
			}
			q.gate.reopen()
			assert.Equal(t, http.StatusOK, q.status(c.key), "the requests that left wait no more")
		})
	}
}

func TestAnAPIKeyStaysProvenForAWeekAfterItWasLastValid(t *testing.T) {
	q := newQueued(t)
	key := "sk_good"
	require.Equal(t, http.StatusOK, q.status(key))
	for _, c := range []struct {
		after  time.Duration
		status int
	}{
		{7*24*time.Hour - time.Second, http.StatusOK},
		{7*24*time.Hour - time.Second, http.StatusOK}, // the key was valid in between
		{7 * 24 * time.Hour, http.StatusTooManyRequests},
	} {
		q.Clock.Advance(c.after)
		for i := range behaviour.UnknownKeyBudget {
			q.status(fmt.Sprintf("sk_%s_%d", c.after, i))
		}
		assert.Equal(t, c.status, q.status(key))
	}
}

func TestAnAPIKeyStaysProvenForAGraceOfMoreThanAWeek(t *testing.T) {
	q := newQueued(t, authkit.WithAPIKeyGrace(14*24*time.Hour))
	require.Equal(t, http.StatusOK, q.status("sk_good"))
	<-q.gate.started
	<-q.waits
	for _, c := range []struct {
		after  time.Duration
		status int
	}{
		{13 * 24 * time.Hour, http.StatusOK},
		{24 * time.Hour, http.StatusServiceUnavailable},
	} {
		q.Clock.Advance(c.after)
		q.gate.shut()
		waiting := q.begin(t.Context(), "sk_good")
		q.started()
		q.gate.let("sk_good", behaviour.JSONReply(500, nil, `{}`))
		assert.Equal(t, c.status, awaited(t, waiting, "its response").Status, "after %s", c.after)
	}
}

func TestThousandsOfValidAPIKeysPassAtOnceAfterARestart(t *testing.T) {
	q := newQueued(t, behaviour.WithoutLog)
	keys := make(chan string, testrun.Length(2000, 3000))
	for i := range cap(keys) {
		keys <- fmt.Sprint("sk_good_", i)
	}
	close(keys)
	var mu sync.Mutex
	statuses := map[int]int{}
	var wg sync.WaitGroup
	for range 150 {
		wg.Go(func() {
			for key := range keys {
				status := q.WithKey(t.Context(), "/key", key).Status
				mu.Lock()
				statuses[status]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	assert.Equal(t, map[int]int{200: cap(keys)}, statuses)
	assert.Len(t, q.gate.started, cap(keys))
}
