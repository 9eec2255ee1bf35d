// Requests that wait for an answer about their API key, and which of them has its turn.

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
)

// gate is a WorkOS that answers about a key when the test says so: at once where it is open, otherwise by let. Keys that
// begin with sk_good are valid.
type gate struct {
	asked chan string // the keys, as they are asked about

	mu   sync.Mutex
	open bool
	held map[string]chan *http.Response
}

func newGate() *gate {
	return &gate{asked: make(chan string, 100_000), open: true, held: map[string]chan *http.Response{}}
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	var question struct{ Value string }
	if err := json.NewDecoder(r.Body).Decode(&question); err != nil {
		return nil, err
	}
	g.mu.Lock()
	open, held := g.open, g.of(question.Value)
	g.mu.Unlock()
	g.asked <- question.Value
	if open {
		return g.reply(question.Value), nil
	}
	select {
	case resp := <-held:
		return resp, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func (g *gate) of(value string) chan *http.Response {
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

// let answers the question about a key, with what the key deserves where resp is nil.
func (g *gate) let(value string, resp *http.Response) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if resp == nil {
		resp = g.reply(value)
	}
	g.of(value) <- resp
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = false
	clear(g.held)
}

// reopen answers what is held and all that comes.
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

// awaited is what a channel brings, in bounded time.
func awaited[T any](t testing.TB, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(behaviour.Patience):
		require.FailNow(t, "it never came: "+what)
		panic("not reached")
	}
}

// queued is an application whose WorkOS is a gate.
type queued struct {
	*behaviour.App
	gate   *gate
	joined chan struct{} // one for each request that waits
}

func newQueued(t *testing.T, opts ...authkit.Option) *queued {
	q := &queued{gate: newGate(), joined: make(chan struct{}, 100_000)}
	q.App = behaviour.Keyed(t, append(opts, authkit.WithHTTPClient(&http.Client{Transport: q.gate}))...)
	q.OnAPIKeyJoined(func() { q.joined <- struct{}{} })
	t.Cleanup(q.gate.reopen)
	return q
}

// begin sends a request and returns once it waits for its answer.
func (q *queued) begin(ctx context.Context, key string) <-chan behaviour.Response {
	q.T.Helper()
	answered := make(chan behaviour.Response, 1)
	go func() { answered <- q.WithKey(ctx, "/key", key) }()
	select {
	case <-q.joined:
	case resp := <-answered:
		require.FailNow(q.T, "it does not wait", "%d for %s", resp.Status, key)
	case <-time.After(behaviour.Patience):
		require.FailNow(q.T, "it does not arrive")
	}
	return answered
}

// response is the answer to a request, in bounded time.
func (q *queued) response(key string) behaviour.Response {
	q.T.Helper()
	answered := make(chan behaviour.Response, 1)
	go func() { answered <- q.WithKey(q.T.Context(), "/key", key) }()
	return awaited(q.T, answered, "the answer to "+key)
}

func (q *queued) status(key string) int {
	q.T.Helper()
	return q.response(key).Status
}

// prove has WorkOS call n keys valid, and lets the answers grow old.
func (q *queued) prove(n int) (keys []string) {
	for i := range n {
		keys = append(keys, fmt.Sprint("sk_good_", i))
		require.Equal(q.T, http.StatusOK, q.status(keys[i]))
		<-q.gate.asked
		<-q.joined
	}
	q.Clock.Advance(time.Minute)
	q.gate.shut()
	return keys
}

func (q *queued) asked() string {
	q.T.Helper()
	return awaited(q.T, q.gate.asked, "a question")
}

// fill has as many keys asked about as have a place, and returns the answers to come.
func (q *queued) fill(keys []string) (answers []<-chan behaviour.Response) {
	q.T.Helper()
	for _, key := range keys {
		answers = append(answers, q.begin(q.T.Context(), key))
		require.Equal(q.T, key, q.asked())
	}
	return answers
}

func madeUpKeys(n int) (keys []string) {
	for i := range n {
		keys = append(keys, behaviour.MadeUpKey(i))
	}
	return keys
}

func TestAPlaceThatIsFreeGoesToTheAPIKeyThatHasWaitedLongest(t *testing.T) { // A5
	q := newQueued(t)
	q.gate.shut()
	running := madeUpKeys(behaviour.UnknownKeysAtOnce)
	first := q.fill(running)
	gone, leave := context.WithCancel(t.Context())
	leaving := q.begin(gone, "sk_leaves")
	second := q.begin(t.Context(), "sk_good_second")
	again := q.begin(t.Context(), "sk_good_second")
	third := q.begin(t.Context(), "sk_third")
	leave()
	assert.Equal(t, http.StatusServiceUnavailable, awaited(t, leaving, "the answer of the client that left").Status)
	assert.Equal(t, behaviour.UnknownKeysAtOnce+2, q.APIKeyQuestions())
	assert.Empty(t, q.gate.asked, "no place is free")

	q.gate.let(running[7], nil)
	assert.Equal(t, http.StatusUnauthorized, awaited(t, first[7], "its answer").Status)
	assert.Equal(t, "sk_good_second", q.asked(), "the one that left has no turn")
	q.gate.let(running[3], nil)
	assert.Equal(t, "sk_third", q.asked())
	q.gate.reopen()
	assert.Equal(t, http.StatusOK, awaited(t, second, "its answer").Status)
	assert.Equal(t, http.StatusOK, awaited(t, again, "its answer").Status)
	assert.Equal(t, http.StatusUnauthorized, awaited(t, third, "its answer").Status)
	assert.Empty(t, q.gate.asked, "one question for both")
}

func TestAnAPIKeyIsAskedAboutAsLongAsOneRequestWaitsForIt(t *testing.T) { // A5
	q := newQueued(t)
	q.gate.shut()
	running := madeUpKeys(behaviour.UnknownKeysAtOnce)
	q.fill(running)
	gone, leave := context.WithCancel(t.Context())
	leaving, staying := q.begin(gone, "sk_good"), q.begin(t.Context(), "sk_good")
	leave()
	awaited(t, leaving, "the answer of the client that left")
	assert.Equal(t, behaviour.UnknownKeysAtOnce+1, q.APIKeyQuestions())
	q.gate.reopen()
	assert.Equal(t, http.StatusOK, awaited(t, staying, "its answer").Status)
}

func TestAnAPIKeyThatLeavesTheQueueGivesItsPartOfTheBudgetBack(t *testing.T) { // A5
	q := newQueued(t)
	q.gate.shut()
	q.fill(madeUpKeys(behaviour.UnknownKeysAtOnce))
	for range 3 {
		gone, leave := context.WithCancel(t.Context())
		var leaving []<-chan behaviour.Response
		for i := range behaviour.BudgetOfUnknownKeys - behaviour.UnknownKeysAtOnce {
			leaving = append(leaving, q.begin(gone, fmt.Sprint("sk_leaves_", i)))
		}
		assert.Equal(t, http.StatusTooManyRequests, q.status("sk_one_too_many"))
		assert.Equal(t, behaviour.BudgetOfUnknownKeys, q.APIKeyQuestions())
		leave()
		for _, answered := range leaving {
			awaited(t, answered, "the answer of a client that left")
		}
		assert.Equal(t, behaviour.UnknownKeysAtOnce, q.APIKeyQuestions())
	}
}

func TestAnAbandonedQuestionAboutAnAPIKeyEndsAfterTenSecondsAndFreesItsPlace(t *testing.T) { // A5
	q := newQueued(t)
	q.gate.shut()
	gone, leave := context.WithCancel(t.Context())
	var leaving []<-chan behaviour.Response
	for _, key := range madeUpKeys(behaviour.UnknownKeysAtOnce) {
		leaving = append(leaving, q.begin(gone, key))
		q.asked()
	}
	leave()
	for _, answered := range leaving {
		awaited(t, answered, "the answer of a client that left")
	}
	q.Clock.Advance(7 * time.Second)
	waiting := q.begin(t.Context(), "sk_good")
	q.Clock.Advance(3 * time.Second)
	assert.Equal(t, "sk_good", q.asked())
	q.gate.reopen()
	assert.Equal(t, http.StatusOK, awaited(t, waiting, "its answer").Status)
}

func TestAProvenAPIKeyThatFindsNoPlaceWhileWorkOSIsSilentHasItsGrace(t *testing.T) { // A5
	for name, c := range map[string]struct {
		grace  time.Duration
		status int
	}{
		"without a grace": {0, http.StatusServiceUnavailable},
		"with a grace":    {time.Hour, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			q := newQueued(t, authkit.WithAPIKeyGrace(c.grace))
			keys := q.prove(behaviour.ProvenKeysAtOnce + 1)
			last := keys[behaviour.ProvenKeysAtOnce]
			q.fill(keys[:behaviour.ProvenKeysAtOnce])
			waiting := q.begin(t.Context(), last)
			q.Clock.Advance(5*time.Second - 1)
			assert.Empty(t, waiting)
			q.Clock.Advance(1)
			assert.Equal(t, c.status, awaited(t, waiting, "its answer").Status)
			assert.Equal(t, c.status, q.status(last), "the next request need not wait as long")
			assert.Empty(t, q.gate.asked)
		})
	}
}

func TestAProvenAPIKeyThatFindsNoPlaceWhileWorkOSAnswersHasNoGrace(t *testing.T) { // A5
	q := newQueued(t, authkit.WithAPIKeyGrace(time.Hour))
	keys := q.prove(behaviour.ProvenKeysAtOnce + 2)
	first := q.fill(keys[:behaviour.ProvenKeysAtOnce])
	next, last := q.begin(t.Context(), keys[behaviour.ProvenKeysAtOnce]), q.begin(t.Context(), keys[behaviour.ProvenKeysAtOnce+1])
	q.gate.let(keys[5], nil)
	assert.Equal(t, http.StatusOK, awaited(t, first[5], "its answer").Status)
	assert.Equal(t, keys[behaviour.ProvenKeysAtOnce], q.asked())
	q.Clock.Advance(5 * time.Second)
	assert.Equal(t, http.StatusServiceUnavailable, awaited(t, last, "its answer").Status, "it may have been deleted")
	assert.Empty(t, next, "it has its place")
	q.gate.reopen()
	assert.Equal(t, http.StatusOK, awaited(t, next, "its answer").Status)
	assert.Equal(t, http.StatusOK, q.status(keys[behaviour.ProvenKeysAtOnce+1]), "that is not remembered")
}

func TestAnUnknownAPIKeyThatFindsNoPlaceIsAnsweredByWhatWorkOSDoes(t *testing.T) { // A5
	t.Run("it answers others", func(t *testing.T) {
		q := newQueued(t)
		q.gate.shut()
		running := madeUpKeys(behaviour.UnknownKeysAtOnce)
		q.fill(running)
		q.begin(t.Context(), "sk_next")
		last := q.begin(t.Context(), "sk_good")
		q.gate.let(running[0], nil)
		assert.Equal(t, "sk_next", q.asked())
		q.Clock.Advance(5 * time.Second)
		resp := awaited(t, last, "its answer")
		assert.Equal(t, http.StatusTooManyRequests, resp.Status)
		assert.Equal(t, "5", resp.Header.Get("Retry-After"))
		q.gate.reopen()
		assert.Equal(t, http.StatusOK, q.status("sk_good"), "that is not remembered")
	})
	t.Run("it answers none", func(t *testing.T) {
		q := newQueued(t)
		q.gate.shut()
		q.fill(madeUpKeys(behaviour.UnknownKeysAtOnce))
		last := q.begin(t.Context(), "sk_good")
		q.Clock.Advance(5 * time.Second)
		resp := awaited(t, last, "its answer")
		assert.Equal(t, http.StatusServiceUnavailable, resp.Status, "an outage is no stranger's doing")
		assert.Equal(t, "5", resp.Header.Get("Retry-After"))
		assert.Equal(t, http.StatusServiceUnavailable, q.status("sk_good"))
		q.gate.reopen()
		q.Clock.Advance(5 * time.Second)
		assert.Equal(t, http.StatusOK, q.status("sk_good"))
	})
}

func TestUnknownAPIKeysThatWaitAreAnsweredAtOnceWhenWorkOSWantsNoMore(t *testing.T) { // A5
	q := newQueued(t)
	proven := q.prove(1)[0]
	running := madeUpKeys(behaviour.UnknownKeysAtOnce)
	first := q.fill(running)
	var waiting []<-chan behaviour.Response
	for i := range 100 {
		waiting = append(waiting, q.begin(t.Context(), fmt.Sprint("sk_waits_", i)))
	}
	q.gate.let(running[0], behaviour.JSONReply(429, http.Header{"Retry-After": {"20"}}, `{}`))
	for _, answered := range append(waiting, first[0]) {
		resp := awaited(t, answered, "the answer of one that waits")
		assert.Equal(t, http.StatusTooManyRequests, resp.Status)
		assert.Equal(t, "20", resp.Header.Get("Retry-After"))
	}
	assert.Empty(t, q.gate.asked)
	assert.Equal(t, behaviour.UnknownKeysAtOnce-1, q.APIKeyQuestions())

	answered := q.begin(t.Context(), proven)
	assert.Equal(t, proven, q.asked(), "a proven key is asked about itself")
	q.gate.let(proven, nil)
	assert.Equal(t, http.StatusOK, awaited(t, answered, "its answer").Status)

	// A shorter wish does not shorten the longer one.
	q.gate.let(running[1], behaviour.JSONReply(429, http.Header{"Retry-After": {"7"}}, `{}`))
	assert.Equal(t, "7", awaited(t, first[1], "its answer").Header.Get("Retry-After"))
	q.Clock.Advance(8 * time.Second)
	assert.Equal(t, http.StatusTooManyRequests, q.status("sk_good_new"))
	q.Clock.Advance(12 * time.Second)
	q.gate.reopen()
	assert.Equal(t, http.StatusOK, q.status("sk_good_new"))
}

func TestNoMoreRequestsOfOneKindWaitThanThereMay(t *testing.T) { // A5
	const most = 4096
	const proven = "sk_good_0"
	for name, c := range map[string]struct {
		key, other string
		status     int
	}{
		"unknown keys": {"sk_good_unknown", "sk_other", http.StatusTooManyRequests},
		"a proven key": {proven, proven, http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			q := newQueued(t)
			require.Equal(t, proven, q.prove(1)[0])
			ctx, leave := context.WithCancel(t.Context())
			var waiting []<-chan behaviour.Response
			for range most {
				waiting = append(waiting, q.begin(ctx, c.key))
			}
			assert.Equal(t, c.key, q.asked())
			resp := q.response(c.other)
			assert.Equal(t, c.status, resp.Status)
			assert.Equal(t, "1", resp.Header.Get("Retry-After"))
			assert.Empty(t, q.gate.asked)
			leave()
			for _, answered := range waiting {
				awaited(t, answered, "the answer of a client that left")
			}
			q.gate.reopen()
			assert.Equal(t, http.StatusOK, q.status(c.key), "their places are free")
		})
	}
}

func TestAnAPIKeyIsProvenForAWeekAfterItWasLastValid(t *testing.T) { // A5
	q := newQueued(t)
	key := "sk_good"
	require.Equal(t, http.StatusOK, q.status(key))
	for _, c := range []struct {
		after  time.Duration
		status int
	}{
		{7*24*time.Hour - time.Second, http.StatusOK},
		{7*24*time.Hour - time.Second, http.StatusOK}, // it was valid again in between
		{7 * 24 * time.Hour, http.StatusTooManyRequests},
	} {
		q.Clock.Advance(c.after)
		for i := range behaviour.BudgetOfUnknownKeys {
			q.status(fmt.Sprintf("sk_%s_%d", c.after, i))
		}
		assert.Equal(t, c.status, q.status(key))
	}
}

func TestAGraceOfMoreThanAWeekIsKept(t *testing.T) { // A5
	q := newQueued(t, authkit.WithAPIKeyGrace(14*24*time.Hour))
	require.Equal(t, http.StatusOK, q.status("sk_good"))
	<-q.gate.asked
	<-q.joined
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
		q.asked()
		q.gate.let("sk_good", behaviour.JSONReply(500, nil, `{}`))
		assert.Equal(t, c.status, awaited(t, waiting, "its answer").Status, "after %s", c.after)
	}
}

func TestThousandsOfGoodAPIKeysAreAnsweredAtOnceAfterARestart(t *testing.T) { // A5
	q := newQueued(t, behaviour.WithoutLog)
	keys := make(chan string, 3000)
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
	assert.Equal(t, map[int]int{200: 3000}, statuses)
	assert.Len(t, q.gate.asked, 3000)
}
