// Questions about API keys: which of them go to WorkOS, and when.

package authkit

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/authkit-go/authkit/internal/expiring"
	"github.com/authkit-go/authkit/workos"
)

const (
	// keyMemory is how long an answer of WorkOS about a key is believed, and
	// so how long a deleted key may go on working.
	keyAnswerLifetime = 30 * time.Second

	// provenMemory is how long a key stays proven after WorkOS last called it
	// valid, unless a grace is longer.
	provenLifetime = 7 * 24 * time.Hour
	// provenLimit and provenBytes bound how many proven keys are remembered.
	provenLimit = 1 << 14
	provenBytes = 32 << 20
	// provenPlaces is how many of them are asked about at a time. WorkOS's limit
	// of 100 a second can be used up even where each reply takes a second.
	provenPlaces = 128

	// unknownBudget is how many questions about unknown keys a full budget holds.
	unknownBudget = 200
	// unknownPause is the time in which the budget grows by one question: 600 a
	// minute, a tenth of WorkOS's limit.
	unknownPause = 100 * time.Millisecond
	// unknownPlaces is how many unknown keys are asked about at a time.
	unknownPlaces = 32
	// unknownLimit bounds how many answers about unknown keys are remembered. It
	// is more than the budget allows within the time that any answer lasts.
	unknownLimit = 1 << 12

	// queueWait is how long a question waits for its place.
	queueWait = 5 * time.Second
	// maxWaiting bounds how many requests of one kind wait at a time.
	maxWaiting = 1 << 12
)

var (
	errKeyBudget  = errors.New("the budget of unknown API keys is spent")
	errKeyLimit   = errors.New("WorkOS wants no more questions about API keys for now")
	errKeyWaiting = errors.New("too many requests wait to have their API keys validated")
	errKeyPlace   = errors.New("too many API keys are being validated")
	errKeySilence = errors.New("WorkOS answers no question about API keys")
	errKeyNoEnd   = errors.New("the HTTP client came to no end")
)

// apiKeys asks WorkOS about keys, and remembers what it said.
//
// There is one question at a time about a key. Each has a goroutine of its own
// only while it has a place, so that a question for which nobody waits any more
// holds at most a place, for the time limit of the call. Until then it is in the
// queue of its lane, and the last request that leaves takes it out.
//
// A queue needs no limit of its own: proven keys are bounded, and each unknown
// one has a reservation in the budget.
type apiKeys struct {
	client *workos.Client
	clock  Clock
	log    *slog.Logger
	grace  time.Duration

	proven  *expiring.Map[provenKey] // by the hash of a key
	unknown *expiring.Map[keyAnswer] // likewise, about keys that are not proven

	mu           sync.Mutex
	questions    map[string]*question // guarded by mu: by the hash of a key
	provenLane   lane                 // guarded by mu
	unknownLane  lane                 // guarded by mu
	budget       budget               // guarded by mu: of questions about unknown keys
	limitedUntil time.Time            // guarded by mu: until then, WorkOS is not asked about unknown keys

	joined func() // for tests: called by each request that waits, before it does
}

// keyAnswer is a key, none for one that is not valid, or why it is not known.
type keyAnswer struct {
	key   *APIKey
	err   error
	asked time.Time // when the question was put, if it was
	until time.Time // how long the answer stands

	unanswered bool // err: WorkOS did not answer about this very key
	limited    bool // err: too many questions; the answer for an unknown key is 429
}

// provenKey is a key that WorkOS has called valid.
type provenKey struct {
	key     *APIKey   // as WorkOS last described it
	validAt time.Time // when WorkOS was asked then
	answer  keyAnswer // the latest
	refused bool      // WorkOS has refused the key since
}

// question is a question about one key, and the requests that wait for its answer.
type question struct {
	hash, value string
	ctx         context.Context // of the request that asked first; it outlives it
	lane        *lane
	requests    int // guarded by apiKeys.mu

	element *list.Element        // in the lane's queue, nil once it has its place; guarded by apiKeys.mu
	stop    func() (inTime bool) // stops the timer of giveUp; guarded by apiKeys.mu
	before  uint64               // lane.answers when the question came

	done   chan struct{} // closed once the answer is set
	answer keyAnswer
}

// lane is what one kind of keys has of its own. Its fields are guarded by
// apiKeys.mu.
type lane struct {
	places   int
	running  int       // questions that have a place
	queue    list.List // of *question, waiting for a place
	requests int       // that wait for an answer
	answers  uint64    // that WorkOS has given
}

// budget is a token bucket of unknownBudget questions. A question is reserved
// when it comes and charged once it turns out to have found no valid key, so
// that never more are charged than the bucket holds and gains.
type budget struct {
	reserved int
	charged  time.Duration // what it takes the bucket to gain what was charged
	at       time.Time     // when that was
}

// reserve reserves a question. It returns zero, or how long it is until there
// may be one.
func (b *budget) reserve(now time.Time) (wait time.Duration) {
	b.gain(now)
	if wait := b.charged + time.Duration(b.reserved+1-unknownBudget)*unknownPause; wait > 0 {
		return wait
	}
	b.reserved++
	return 0
}

// settle ends a reservation.
func (b *budget) settle(now time.Time, charge bool) {
	b.gain(now)
	b.reserved--
	if charge {
		b.charged += unknownPause
	}
}

func (b *budget) gain(now time.Time) {
	b.charged = max(0, b.charged-max(0, now.Sub(b.at)))
	b.at = now
}

func newAPIKeys(client *workos.Client, c *config) *apiKeys {
	return &apiKeys{
		client: client, clock: c.clock, log: c.log, grace: c.apiKeyGrace,
		proven:      expiring.New[provenKey](c.clock.Now, provenLimit).LimitBytes(provenBytes, provenKey.size),
		unknown:     expiring.New[keyAnswer](c.clock.Now, unknownLimit),
		questions:   map[string]*question{},
		provenLane:  lane{places: provenPlaces},
		unknownLane: lane{places: unknownPlaces},
	}
}

// size is about what a proven key takes, in bytes.
func (p provenKey) size() int {
	k := p.key
	size := 512 + len(k.ID) + len(k.Name) + len(k.Owner.Type) + len(k.Owner.ID) + len(k.Owner.OrganizationID) + len(k.ObfuscatedValue)
	for _, slug := range k.Permissions {
		size += 16 + len(slug)
	}
	return size
}

// remembered returns the answer that stands about a key.
func (k *apiKeys) remembered(hash string) (answer keyAnswer, known bool) {
	if p, proven := k.proven.Get(hash); proven {
		return p.answer, k.clock.Now().Before(p.answer.until)
	}
	return k.unknown.Get(hash)
}

// await returns the answer to the question about a key. Its error is that of
// the context, where that ends first; the question goes on.
func (k *apiKeys) await(ctx context.Context, hash, value string) (keyAnswer, error) {
	if err := ctx.Err(); err != nil {
		return keyAnswer{}, unavailable(err, 0)
	}
	q, answer := k.join(ctx, hash, value)
	if q == nil {
		return answer, nil
	}
	defer k.leave(q)
	if k.joined != nil {
		k.joined()
	}
	select {
	case <-q.done:
		return q.answer, nil
	case <-ctx.Done():
		return keyAnswer{}, unavailable(ctx.Err(), 0)
	}
}

// join makes a request wait for a question, which it asks if that is not done
// yet. Without a question, the answer is there already.
func (k *apiKeys) join(ctx context.Context, hash, value string) (*question, keyAnswer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if answer, known := k.remembered(hash); known {
		return nil, answer // it came in the meantime
	}
	q := k.questions[hash]
	lane := k.laneOf(hash)
	if q != nil {
		lane = q.lane
	}
	now := k.clock.Now()
	if lane.requests >= maxWaiting {
		return nil, keyAnswer{err: errKeyWaiting, until: now.Add(time.Second), limited: true}
	}
	if q == nil {
		if lane == &k.unknownLane {
			if now.Before(k.limitedUntil) {
				return nil, keyAnswer{err: errKeyLimit, until: k.limitedUntil, limited: true}
			}
			if wait := k.budget.reserve(now); wait > 0 {
				return nil, keyAnswer{err: errKeyBudget, until: now.Add(wait), limited: true}
			}
		}
		q = &question{
			hash: hash, value: value, ctx: context.WithoutCancel(ctx),
			lane: lane, before: lane.answers, done: make(chan struct{}),
		}
		k.questions[hash] = q
		k.enqueue(q)
	}
	q.requests++
	lane.requests++
	return q, keyAnswer{}
}

// laneOf is the lane of a key. The caller holds mu.
func (k *apiKeys) laneOf(hash string) *lane {
	if _, proven := k.proven.Get(hash); proven {
		return &k.provenLane
	}
	return &k.unknownLane
}

// enqueue gives a question its place, or makes it wait for one. The caller holds
// mu.
func (k *apiKeys) enqueue(q *question) {
	q.element = q.lane.queue.PushBack(q)
	k.fill(q.lane)
	if q.element != nil {
		q.stop = k.clock.AfterFunc(queueWait, func() { k.giveUp(q) })
	}
}

// fill gives the places that are free to those that have waited longest. The
// caller holds mu.
func (k *apiKeys) fill(l *lane) {
	for l.running < l.places && l.queue.Len() > 0 {
		q := l.queue.Front().Value.(*question)
		k.dequeue(q)
		l.running++
		go k.ask(q)
	}
}

// dequeue takes a question out of its queue. The caller holds mu.
func (k *apiKeys) dequeue(q *question) {
	q.lane.queue.Remove(q.element)
	q.element = nil
	if q.stop != nil {
		q.stop()
	}
}

// withdraw takes a question back that was not put. The caller holds mu.
func (k *apiKeys) withdraw(q *question) {
	k.dequeue(q)
	delete(k.questions, q.hash)
	if q.lane == &k.unknownLane {
		k.budget.settle(k.clock.Now(), false)
	}
}

// leave is called by each request that waited, however that ended.
func (k *apiKeys) leave(q *question) {
	k.mu.Lock()
	defer k.mu.Unlock()
	q.requests--
	q.lane.requests--
	if q.requests == 0 && q.element != nil {
		k.withdraw(q)
	}
}

// giveUp ends the waiting of a question for its place. WorkOS counts as not
// answering about its key only where it has answered nothing at all meanwhile:
// then each place is held by a question that waits in vain. Otherwise the lane
// is busy, and that says nothing of the key.
func (k *apiKeys) giveUp(q *question) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if q.element == nil {
		return
	}
	answer := keyAnswer{err: errKeyPlace, until: k.clock.Now().Add(retryPause), limited: true}
	k.withdraw(q)
	if q.lane.answers == q.before {
		answer.err, answer.limited, answer.unanswered = errKeySilence, false, true
		k.remember(q.hash, answer)
	}
	q.resolve(answer)
}

func (q *question) resolve(answer keyAnswer) {
	q.answer = answer
	close(q.done)
}

// ask puts a question. The application's own transport may panic, which would
// end the program here, where no request's recovery stands above it, or end the
// goroutine (runtime.Goexit), which must not leave the requests without an
// answer.
func (k *apiKeys) ask(q *question) {
	asked := k.clock.Now()
	var key *APIKey
	err := errKeyNoEnd
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the HTTP client panicked: %v", p)
		}
		answer := k.answerTo(q, key, err, asked)
		defer k.finish(q, answer)
		k.report(q, answer, err)
	}()
	key, _, err = k.client.ValidateAPIKey(q.ctx, q.value)
}

// answerTo is what a reply means. An answer stands from when it was asked for:
// the key may have been deleted while the reply was on its way.
func (k *apiKeys) answerTo(q *question, key *APIKey, err error, asked time.Time) keyAnswer {
	switch {
	case key != nil:
		key.Value = "" // WorkOS does not send it
		return keyAnswer{key: key, asked: asked, until: asked.Add(keyAnswerLifetime)}
	case err == nil, q.lane == &k.unknownLane && refusesValue(err):
		return keyAnswer{asked: asked, until: asked.Add(keyAnswerLifetime)}
	case refusesValue(err): // a key once, and a key still: but WorkOS did answer about it
		return keyAnswer{asked: asked, err: fmt.Errorf("validate an API key: %w", err), until: k.clock.Now().Add(retryPause)}
	}
	var limit *workos.RateLimitError
	return keyAnswer{
		asked:      asked,
		err:        fmt.Errorf("validate an API key: %w", err),
		until:      k.clock.Now().Add(max(retryPause, workos.RetryAfter(err))),
		unanswered: true,
		limited:    errors.As(err, &limit),
	}
}

// refusesValue reports whether WorkOS finds that what was sent cannot be a key,
// rather than that it cannot answer. A 401 or 403 is about the application's own
// key.
func refusesValue(err error) bool {
	var reply *workos.Error
	if !errors.As(err, &reply) || workos.IsTransient(err) {
		return false
	}
	switch reply.StatusCode {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// report logs a failure of WorkOS or of the way to it, and at Debug the refusal
// of an unknown key, which its client causes.
func (k *apiKeys) report(q *question, answer keyAnswer, err error) {
	if answer.err == nil {
		if err != nil {
			k.log.LogAttrs(q.ctx, slog.LevelDebug, "authkit: unknown API key refused", slog.Any("error", err))
		}
		return
	}
	level := slog.LevelWarn
	var reply *workos.Error
	if errors.As(answer.err, &reply) && reply.StatusCode == http.StatusUnauthorized {
		level = slog.LevelError // our own key is not accepted
	}
	k.log.LogAttrs(q.ctx, level, "authkit: API key not validated", slog.Any("error", answer.err))
}

// finish makes an answer known and lets the next question have the place, in one
// step: a request finds the question or its answer.
func (k *apiKeys) finish(q *question, answer keyAnswer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	q.lane.running--
	if !answer.unanswered {
		q.lane.answers++
	}
	if q.lane == &k.unknownLane {
		k.budget.settle(k.clock.Now(), answer.key == nil)
	}
	k.remember(q.hash, answer)
	delete(k.questions, q.hash)
	q.resolve(answer)
	if answer.limited {
		k.limit(answer.until)
	}
	k.fill(q.lane)
}

// limit stops the questions about unknown keys, also those that wait for a
// place. The caller holds mu.
func (k *apiKeys) limit(until time.Time) {
	if until.After(k.limitedUntil) {
		k.limitedUntil = until
	}
	for k.unknownLane.queue.Len() > 0 {
		q := k.unknownLane.queue.Front().Value.(*question)
		k.withdraw(q)
		q.resolve(keyAnswer{err: errKeyLimit, until: k.limitedUntil, limited: true})
	}
}

// remember remembers an answer. The caller holds mu.
func (k *apiKeys) remember(hash string, answer keyAnswer) {
	known, proven := k.proven.Get(hash)
	switch {
	case answer.key != nil:
		known = provenKey{key: answer.key, validAt: answer.asked, answer: answer}
	case answer.err != nil && proven:
		known.answer = answer
		known.refused = known.refused || !answer.unanswered
	default:
		k.proven.Delete(hash)
		k.unknown.Put(hash, answer, answer.until)
		return
	}
	k.proven.Put(hash, known, known.validAt.Add(max(provenLifetime, k.grace)))
}
