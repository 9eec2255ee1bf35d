// The validation of API keys with WorkOS: which keys are validated, and when.

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

	"github.com/authkit-go/authkit/workos"
)

const (
	// provenSlots is how many proven keys are validated at a time. It lets 100
	// validations a second start, which is WorkOS's limit, even if each reply takes a
	// second.
	provenSlots = 128
	// unknownSlots is how many unknown keys are validated at a time.
	unknownSlots = 32

	// slotTimeout is how long a validation waits for its slot.
	slotTimeout = 5 * time.Second
	// maxWaiting bounds how many requests wait for results of one queue.
	maxWaiting = 1 << 12
)

var (
	errKeyBudget     = errors.New("the budget for unknown API keys is used up")
	errKeyLimit      = errors.New("WorkOS answered 429, so unknown API keys are not validated for now")
	errKeyWaiting    = errors.New("too many requests wait for the validation of API keys")
	errKeySlot       = errors.New("too many API keys are being validated")
	errKeyUnanswered = errors.New("WorkOS does not answer the validation of API keys")
	errKeyNoResult   = errors.New("the HTTP client ended its goroutine without a result")
)

// apiKeys validates API keys with WorkOS and caches the results.
//
// Each key has one validation at a time, for which all its requests wait. A
// validation waits in its queue until it has a slot, and has a goroutine of its own
// while it holds the slot. If its last request leaves earlier, it is withdrawn from
// the queue. If the last request leaves while it holds a slot, it holds that for no
// longer than the time limit of the call.
//
// The queues need no limit of their own. The number of proven keys is bounded, and
// each unknown key has a reservation in the budget.
type apiKeys struct {
	client *workos.Client
	clock  Clock
	log    *slog.Logger
	cache  *keyCache
	shared *sharedKeys // nil without a store
	// changed holds the changes of keys that WorkOS's events have reported.
	changed *keyChanges

	mu           sync.Mutex             // also serializes cache.put
	validations  map[string]*validation // guarded by mu: by the hash of a key
	provenQueue  validationQueue        // guarded by mu
	unknownQueue validationQueue        // guarded by mu
	budget       keyBudget              // guarded by mu: for unknown keys
	limitedUntil time.Time              // guarded by mu: until then, WorkOS gets no unknown key

	counters  questionCounters
	observers *observers   // nil for none
	calls     *workosCalls // nil in a test without WorkOS

	onWait func() // for tests: each request calls it before it waits for a result
}

// validation is the validation of one key, and the requests that wait for its
// result.
type validation struct {
	hash, value string
	ctx         context.Context // of the first request, without its cancellation
	queue       *validationQueue
	requests    int // guarded by apiKeys.mu

	element   *list.Element // in queue.waiting, nil once it has its slot; guarded by apiKeys.mu
	stopTimer func() bool   // stops the timer of timeOut; guarded by apiKeys.mu
	before    uint64        // queue.replies when the validation was queued

	done   chan struct{} // closed once result is set
	result keyResult
}

// validationQueue holds the validations of one kind of keys, proven or unknown. Its
// fields are guarded by apiKeys.mu.
type validationQueue struct {
	slots    int
	running  int       // validations that hold a slot
	waiting  list.List // of *validation: those that wait for a slot
	requests int       // requests that wait for a result
	replies  uint64    // replies of WorkOS about a key
}

func newAPIKeys(client *workos.Client, c *config) *apiKeys {
	changed := newKeyChanges(c.clock)
	return &apiKeys{
		client: client, clock: c.clock, log: c.log,
		cache:        newKeyCache(c.clock, c.apiKeyGrace, changed),
		changed:      changed,
		validations:  map[string]*validation{},
		provenQueue:  validationQueue{slots: provenSlots},
		unknownQueue: validationQueue{slots: unknownSlots},
	}
}

// await returns the result of the validation of a key. If ctx ends first, it returns
// an [ErrUnavailable], and the validation continues.
func (k *apiKeys) await(ctx context.Context, hash, value string) (keyResult, error) {
	if err := ctx.Err(); err != nil {
		return keyResult{}, unavailable(err, 0)
	}
	v, result := k.join(ctx, hash, value)
	if v == nil {
		return result, nil
	}
	defer k.leave(v)
	if k.onWait != nil {
		k.onWait()
	}
	select {
	case <-v.done:
		return v.result, nil
	case <-ctx.Done():
		return keyResult{}, unavailable(ctx.Err(), 0)
	}
}

// join returns the validation that a request must wait for. It starts one if there
// is none. If it returns nil, the result is known.
func (k *apiKeys) join(ctx context.Context, hash, value string) (*validation, keyResult) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if result, ok := k.cache.get(hash); ok {
		return nil, result // it came before this request had the lock
	}
	v := k.validations[hash]
	queue := k.queueOf(hash)
	if v != nil {
		queue = v.queue
	}
	now := k.clock.Now()
	if queue.requests >= maxWaiting {
		return nil, keyResult{err: errKeyWaiting, until: now.Add(time.Second), limited: true}
	}
	if v == nil {
		if queue == &k.unknownQueue {
			if refusal := k.reserveUnknown(now); refusal.err != nil {
				return nil, refusal
			}
		}
		v = &validation{
			hash: hash, value: value, ctx: context.WithoutCancel(ctx),
			queue: queue, before: queue.replies, done: make(chan struct{}),
		}
		k.validations[hash] = v
		k.enqueue(v)
	}
	v.requests++
	queue.requests++
	return v, keyResult{}
}

// reserveUnknown reserves the validation of an unknown key. If none may start, the
// result has an error. The caller holds mu.
func (k *apiKeys) reserveUnknown(now time.Time) keyResult {
	if now.Before(k.limitedUntil) {
		return keyResult{err: errKeyLimit, until: k.limitedUntil, limited: true}
	}
	if wait := k.budget.reserve(now); wait > 0 {
		return keyResult{err: errKeyBudget, until: now.Add(wait), limited: true}
	}
	return keyResult{}
}

// queueOf returns the queue of a key. The caller holds mu.
func (k *apiKeys) queueOf(hash string) *validationQueue {
	if k.cache.isProven(hash) {
		return &k.provenQueue
	}
	return &k.unknownQueue
}

// enqueue gives a validation its slot, or makes it wait for one. The caller holds
// mu.
func (k *apiKeys) enqueue(v *validation) {
	v.element = v.queue.waiting.PushBack(v)
	k.startWaiting(v.queue)
	if v.element != nil {
		v.stopTimer = k.clock.AfterFunc(slotTimeout, func() { k.timeOut(v) })
	}
}

// startWaiting gives the free slots to the validations that have waited longest. The
// caller holds mu.
func (k *apiKeys) startWaiting(queue *validationQueue) {
	for queue.running < queue.slots && queue.waiting.Len() > 0 {
		v := queue.waiting.Front().Value.(*validation)
		k.dequeue(v)
		queue.running++
		go k.run(v)
	}
}

// dequeue removes a validation from those that wait for a slot. The caller holds mu.
func (k *apiKeys) dequeue(v *validation) {
	v.queue.waiting.Remove(v.element)
	v.element = nil
	if v.stopTimer != nil {
		v.stopTimer()
	}
}

// withdraw removes a validation that has not started. The caller holds mu.
func (k *apiKeys) withdraw(v *validation) {
	k.dequeue(v)
	delete(k.validations, v.hash)
	if v.queue == &k.unknownQueue {
		k.budget.release(k.clock.Now(), false)
	}
}

// leave is called for each request that waited, with a result or without.
func (k *apiKeys) leave(v *validation) {
	k.mu.Lock()
	defer k.mu.Unlock()
	v.requests--
	v.queue.requests--
	if v.requests == 0 && v.element != nil {
		k.withdraw(v)
	}
}

// timeOut ends a validation that has waited too long for its slot. If WorkOS has
// replied to no validation of the queue during the wait, all slots are held by calls
// without a reply, and WorkOS counts as unavailable. Otherwise the queue is only busy.
// That says nothing about the key, so the grace does not apply.
func (k *apiKeys) timeOut(v *validation) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if v.element == nil {
		return
	}
	result := keyResult{err: errKeySlot, until: k.clock.Now().Add(retryPause), limited: true}
	k.withdraw(v)
	if v.queue.replies == v.before {
		result.err, result.limited, result.unanswered = errKeyUnanswered, false, true
		k.cache.put(v.hash, result)
	}
	v.resolve(result)
}

// resolve sets the result, which the waiting requests then get.
func (v *validation) resolve(result keyResult) {
	v.result = result
	close(v.done)
}

// run calls WorkOS. The application's own transport may panic. Outside a request, no
// recovery catches that, and the program would end. It may also end the goroutine
// (runtime.Goexit). In both cases the waiting requests must get a result.
func (k *apiKeys) run(v *validation) {
	askedAt, begin := k.clock.Now(), k.observers.begin()
	var key *APIKey
	err := errKeyNoResult
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the HTTP client panicked: %v", p)
		}
		result := k.resultOf(v, key, err, askedAt)
		defer k.finish(v, result)
		k.observe(v.ctx, result, begin)
		k.logFailure(v, result, err)
	}()
	if result, ok := k.shared.get(v.ctx, v.value); ok && !k.changed.outdates(result.key, result.askedAt) {
		key, askedAt, err = result.key, result.askedAt, nil
		return
	}
	k.counters.calls.Add(1)
	key, _, err = k.client.ValidateAPIKey(v.ctx, v.value)
	if err == nil && (key != nil || v.queue == &k.provenQueue) {
		k.shared.put(v.ctx, v.value, key, askedAt)
	}
}

// resultOf returns what a reply of WorkOS means. Its lifetime counts from the start
// of the call, because the key may be deleted while the reply is on its way.
func (k *apiKeys) resultOf(v *validation, key *APIKey, err error, askedAt time.Time) keyResult {
	switch {
	case key != nil:
		key.Value = "" // WorkOS does not send it
		return keyResult{key: key, askedAt: askedAt, until: askedAt.Add(keyResultLifetime)}
	case err == nil, v.queue == &k.unknownQueue && refusesValue(err):
		return keyResult{askedAt: askedAt, until: askedAt.Add(keyResultLifetime)}
	case refusesValue(err):
		// The value was a valid key before, so this reply is a failure. But WorkOS did
		// reply about the key, so the grace does not apply.
		return keyResult{askedAt: askedAt, err: fmt.Errorf("validate an API key: %w", err), until: k.clock.Now().Add(retryPause)}
	}
	var limit *workos.RateLimitError
	return keyResult{
		askedAt:    askedAt,
		err:        fmt.Errorf("validate an API key: %w", err),
		until:      k.clock.Now().Add(max(retryPause, workos.RetryAfter(err))),
		unanswered: true,
		limited:    errors.As(err, &limit),
	}
}

// refusesValue reports whether WorkOS replied that the value cannot be a key. A 401
// or 403 is not such a reply: it is about the application's own key.
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

// logFailure logs a failed validation. WorkOS's refusal of an unknown value is logged
// at Debug, since the client causes it.
func (k *apiKeys) logFailure(v *validation, result keyResult, err error) {
	if result.err == nil {
		if err != nil {
			k.log.LogAttrs(v.ctx, slog.LevelDebug, "authkit: unknown API key refused", slog.Any("error", err))
		}
		return
	}
	level := slog.LevelWarn
	var reply *workos.Error
	if errors.As(result.err, &reply) && reply.StatusCode == http.StatusUnauthorized {
		level = slog.LevelError // WorkOS does not accept the application's own key
		k.calls.refuseCredentials()
	}
	k.log.LogAttrs(v.ctx, level, "authkit: API key not validated", slog.Any("error", result.err))
}

// finish stores the result, ends the validation and gives its slot to the next one.
// It does so in one step, so that each request finds either the validation or its
// result.
func (k *apiKeys) finish(v *validation, result keyResult) {
	k.mu.Lock()
	defer k.mu.Unlock()
	v.queue.running--
	if !result.unanswered {
		v.queue.replies++
	}
	if v.queue == &k.unknownQueue {
		k.budget.release(k.clock.Now(), result.key == nil)
	}
	k.cache.put(v.hash, result)
	delete(k.validations, v.hash)
	v.resolve(result)
	if result.limited {
		k.pauseUnknown(result.until)
	}
	k.startWaiting(v.queue)
}

// pauseUnknown stops the validation of unknown keys until a time, also of those that
// wait for a slot. It never shortens a pause. The caller holds mu.
func (k *apiKeys) pauseUnknown(until time.Time) {
	if until.After(k.limitedUntil) {
		k.limitedUntil = until
	}
	for k.unknownQueue.waiting.Len() > 0 {
		v := k.unknownQueue.waiting.Front().Value.(*validation)
		k.withdraw(v)
		v.resolve(keyResult{err: errKeyLimit, until: k.limitedUntil, limited: true})
	}
}

// observe reports a validation.
func (k *apiKeys) observe(ctx context.Context, result keyResult, begin time.Time) {
	seen := Observation{Kind: ObservedAPIKey, Outcome: OutcomeOK, Err: result.err, Begin: begin}
	switch {
	case result.limited:
		seen.Outcome = OutcomeLimited
	case result.err != nil:
		seen.Outcome = OutcomeFailed
	case result.key == nil:
		seen.Outcome = OutcomeDenied
	default:
		seen.OrganizationID = result.key.OrganizationID()
	}
	k.observers.observe(ctx, seen)
}
