// Questions about permissions on resources: which are asked at WorkOS, and when.

package authkit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"github.com/authkit-go/authkit/workos"
)

const (
	// questionSlots is how many questions are asked at a time. It lets 100 questions a second start, which is WorkOS's limit,
	// if each reply takes less than two thirds of a second.
	questionSlots = 64
	// userSlots is how many questions about one user are asked at a time.
	userSlots = 8
	// maxQuestions bounds how many questions are asked or wait for a slot, and maxUserQuestions those about one user.
	maxQuestions     = 1 << 12
	maxUserQuestions = 1 << 8
	// maxChanges is how many changes at WorkOS a request lets repeat its question.
	maxChanges = 3
)

var (
	errQuestionLate     = errors.New("WorkOS does not say in time whether the user has the permission on the resource")
	errManyQuestions    = errors.New("too many questions about permissions on resources wait for WorkOS")
	errBudgetSpent      = errors.New("too many questions about permissions of one user on resources within a minute")
	errQuestionsLimited = errors.New("WorkOS answered 429, so no question about a permission on a resource is asked for now")
	errManyChanges      = errors.New("the permissions of the user change at WorkOS while they are asked for")
	errQuestionGivenUp  = errors.New("no request waits for the answer any more")
)

// resourceQuestions asks WorkOS whether members have permissions on resources, and remembers the answers.
//
// A question is asked once for all requests that need its answer at the same time. It runs on a goroutine of its own, and
// does not end with the request that started it. If its last request leaves before it has a slot, it is not asked. It ends
// after questionLimit, also if the application's HTTP transport ignores the end of its context.
type resourceQuestions struct {
	client  *workos.Client
	clock   Clock
	log     *slog.Logger
	yes, no time.Duration // how long an answer is remembered, 0 for never
	changes *permissionChanges
	answers *resourceAnswers

	mu           sync.Mutex                   // also serializes answers.put
	questions    map[string]*resourceQuestion // guarded by mu: by user and question
	users        map[string]*questionedUser   // guarded by mu: by the ID of a user
	limitedUntil time.Time                    // guarded by mu: until then, WorkOS is asked nothing
	budgets      *questionBudgets             // guarded by mu
	slots        *semaphore.Weighted
	lookups      singleflight.Group // of memberships

	counters  questionCounters
	observers *observers // nil for none
	calls     *workosCalls

	onWait func()            // for tests: each request calls it before it waits for an answer
	step   func(name string) // for tests: called by reached
}

// resourceQuestion is one question, and the requests that wait for its answer.
type resourceQuestion struct {
	session    *Session // of the first request
	permission string
	resource   workos.Resource

	ctx       context.Context // of the first request, without its cancellation; it ends after questionLimit
	cancel    context.CancelCauseFunc
	user      *questionedUser
	requests  int         // guarded by resourceQuestions.mu
	ended     bool        // guarded by resourceQuestions.mu
	stopTimer func() bool // guarded by resourceQuestions.mu: stops the timer of questionLimit

	done   chan struct{} // closed once answer is set
	answer resourceAnswer
}

// questionedUser bounds the questions about one user.
type questionedUser struct {
	questions int // guarded by resourceQuestions.mu
	slots     *semaphore.Weighted
}

func newResourceQuestions(client *workos.Client, c *config) *resourceQuestions {
	changes := newPermissionChanges(c.clock, permissionChangeLimit)
	return &resourceQuestions{
		client: client, clock: c.clock, log: c.log,
		yes: c.permittedTTL, no: c.deniedTTL,
		changes: changes, answers: newResourceAnswers(c.clock, changes),
		questions: map[string]*resourceQuestion{}, users: map[string]*questionedUser{},
		budgets: newQuestionBudgets(c.clock.Now),
		slots:   semaphore.NewWeighted(questionSlots),
	}
}

// ask reports whether the user of a session has a permission on a resource, in the organization of the session. The error
// matches [ErrUnavailable]. If ctx ends first, the question continues. A change that becomes known meanwhile makes it ask
// again.
func (q *resourceQuestions) ask(ctx context.Context, s *Session, permission string, resource workos.Resource) (bool, error) {
	key := questionKey(s.OrganizationID(), permission, resource)
	answer, ok := q.answers.get(s, key)
	if ok {
		q.counters.cached.Add(1)
	}
	for attempts := 0; !ok; attempts++ {
		if attempts == maxChanges {
			return false, unavailable(errManyChanges, time.Second)
		}
		var err error
		if answer, err = q.await(ctx, key, &resourceQuestion{session: s, permission: permission, resource: resource}); err != nil {
			return false, err
		}
		ok = !q.changes.outdates(s, answer.membership, answer.change)
	}
	if answer.err != nil {
		return false, unavailable(answer.err, answer.until.Sub(q.clock.Now()))
	}
	return answer.permitted, nil
}

// await returns the answer to a question, which is new or already asked. If ctx ends first, it returns an [ErrUnavailable].
func (q *resourceQuestions) await(ctx context.Context, key string, asked *resourceQuestion) (resourceAnswer, error) {
	if err := ctx.Err(); err != nil {
		return resourceAnswer{}, unavailable(err, 0)
	}
	asked, answer := q.join(ctx, key, asked)
	if asked == nil {
		return answer, nil
	}
	defer q.leave(asked)
	if q.onWait != nil {
		q.onWait()
	}
	select {
	case <-asked.done:
		return asked.answer, nil
	case <-ctx.Done():
		return resourceAnswer{}, unavailable(context.Cause(ctx), 0)
	}
}

// join returns the question that a request must wait for. It starts the new one if the same is not asked already. If it
// returns nil, the answer is known.
func (q *resourceQuestions) join(ctx context.Context, key string, asked *resourceQuestion) (*resourceQuestion, resourceAnswer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := asked.session
	if answer, ok := q.answers.get(s, key); ok {
		return nil, answer // it came before this request had the lock
	}
	byUser := s.UserID() + "\x00" + key
	if running := q.questions[byUser]; running != nil {
		running.requests++
		return running, resourceAnswer{}
	}
	now := q.clock.Now()
	refused := resourceAnswer{change: q.changes.latest.Load(), until: now.Add(time.Second), err: errManyQuestions}
	user := q.users[s.UserID()]
	switch {
	case now.Before(q.limitedUntil):
		refused.until, refused.err = q.limitedUntil, errQuestionsLimited
		return nil, refused
	case len(q.questions) >= maxQuestions, user != nil && user.questions >= maxUserQuestions:
		return nil, refused
	}
	if wait := q.budgets.spend(s.UserID()); wait > 0 {
		refused.until, refused.err = now.Add(max(wait, time.Second)), errBudgetSpent
		return nil, refused
	}
	if user == nil {
		user = &questionedUser{slots: semaphore.NewWeighted(userSlots)}
		q.users[s.UserID()] = user
	}
	user.questions++
	asked.user, asked.requests, asked.done = user, 1, make(chan struct{})
	asked.ctx, asked.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	q.questions[byUser] = asked
	asked.stopTimer = q.clock.AfterFunc(questionLimit, func() {
		asked.cancel(errQuestionLate)
		q.end(byUser, key, asked, q.failure(errQuestionLate, q.changes.latest.Load()))
	})
	go q.run(byUser, key, asked)
	return asked, resourceAnswer{}
}

// leave is called for each request that waited, with an answer or without.
func (q *resourceQuestions) leave(asked *resourceQuestion) {
	q.mu.Lock()
	defer q.mu.Unlock()
	asked.requests--
}

// run asks a question. The application's own transport and logger may panic or end the goroutine (runtime.Goexit). The
// waiting requests must get an answer nevertheless.
func (q *resourceQuestions) run(byUser, key string, asked *resourceQuestion) {
	defer asked.cancel(nil)
	if !q.takeSlots(byUser, key, asked) {
		return
	}
	defer asked.user.slots.Release(1)
	defer q.slots.Release(1)
	change := q.changes.latest.Load() // order 1 of resourcechange.go
	q.reached("number read")
	askedAt, begin := q.clock.Now(), q.observers.begin()
	q.counters.calls.Add(1)
	var permitted bool
	var membership string
	var err error
	if ended := callContained(func() { permitted, membership, err = q.check(asked, change) }); ended != nil {
		err = fmt.Errorf("the HTTP client %w", ended)
	}
	q.reached("answered")
	answer := resourceAnswer{permitted: permitted, membership: membership, change: change, until: askedAt.Add(q.no)}
	switch {
	case permitted:
		answer.until = askedAt.Add(q.yes)
	case err != nil && !refusesValue(err):
		answer = q.failure(fmt.Errorf("check a permission on a resource: %w", err), change)
	}
	_ = callContained(func() { q.logFailure(asked.ctx, answer, err) })
	q.observe(asked, answer, begin)
	q.end(byUser, key, asked, answer)
}

// takeSlots waits until the question may be asked. It reports false if the question ended before that.
func (q *resourceQuestions) takeSlots(byUser, key string, asked *resourceQuestion) bool {
	if asked.user.slots.Acquire(asked.ctx, 1) != nil {
		return false // the timer of questionLimit has ended the question
	}
	if q.slots.Acquire(asked.ctx, 1) != nil {
		asked.user.slots.Release(1)
		return false
	}
	if q.giveUp(byUser, key, asked) {
		q.slots.Release(1)
		asked.user.slots.Release(1)
		return false
	}
	return true
}

// giveUp ends a question that no request waits for any more. It reports whether the question has ended.
func (q *resourceQuestions) giveUp(byUser, key string, asked *resourceQuestion) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if asked.requests == 0 && !asked.ended {
		q.endLocked(byUser, key, asked, resourceAnswer{err: errQuestionGivenUp})
	}
	return asked.ended
}

// check asks WorkOS. If it does not know the member or the resource, the user does not have the permission. Since a
// membership that was removed and added again has a new ID, a remembered ID is looked up again first. id is that of the
// membership that it has asked about.
func (q *resourceQuestions) check(asked *resourceQuestion, change uint64) (permitted bool, id string, err error) {
	id, remembered := q.answers.membership(asked.session)
	if !remembered {
		if id, err = q.lookUp(asked, change); err != nil || id == "" {
			return false, "", err
		}
	}
	permitted, err = q.client.CheckAuthorization(asked.ctx, id, asked.permission, asked.resource)
	if !remembered || !workos.IsNotFound(err) {
		return permitted, id, err
	}
	current, lookUpErr := q.findMembership(asked.ctx, asked.session, change)
	switch {
	case lookUpErr != nil:
		return false, id, lookUpErr
	case current == "", current == id:
		return false, id, err
	}
	permitted, err = q.client.CheckAuthorization(asked.ctx, current, asked.permission, asked.resource)
	return permitted, current, err
}

// lookedUp is the result of a lookup. ended says that the question that started it has ended, and its lookup with it.
type lookedUp struct {
	id    string
	err   error
	ended bool
}

// lookUp is findMembership, once for all questions about one member that begin between two changes. A lookup that has ended
// with another question is repeated.
func (q *resourceQuestions) lookUp(asked *resourceQuestion, change uint64) (string, error) {
	s := asked.session
	for {
		result, _, _ := q.lookups.Do(fmt.Sprint(membershipID(s.UserID(), s.OrganizationID()), " ", change), func() (any, error) {
			id, err := q.findMembership(asked.ctx, s, change)
			return lookedUp{id, err, asked.ctx.Err() != nil}, nil
		})
		found := result.(lookedUp)
		if found.err == nil || !found.ended || asked.ctx.Err() != nil {
			return found.id, found.err
		}
	}
}

// membershipID returns the ID of the active membership of a session's user in its organization, "" without one.
func (q *resourceQuestions) membershipID(ctx context.Context, s *Session) (string, error) {
	if id, ok := q.answers.membership(s); ok {
		return id, nil
	}
	return q.findMembership(ctx, s, q.changes.latest.Load())
}

// findMembership returns the ID of the active membership of a session's user in its organization, "" without one.
func (q *resourceQuestions) findMembership(ctx context.Context, s *Session, change uint64) (id string, err error) {
	params := workos.ListOrganizationMembershipsParams{UserID: s.UserID(), OrganizationID: s.OrganizationID()}
	for m, err := range q.client.ListOrganizationMemberships(ctx, params) {
		if err != nil {
			return "", fmt.Errorf("look up the membership: %w", err)
		}
		if m.UserID == s.UserID() && m.OrganizationID == s.OrganizationID() && m.Status == workos.MembershipStatusActive {
			id = m.ID
			break
		}
	}
	q.answers.putMembership(s, membershipOf{id, change})
	return id, nil
}

// failure returns the answer to a question that WorkOS did not answer.
func (q *resourceQuestions) failure(err error, change uint64) resourceAnswer {
	return resourceAnswer{err: err, change: change, until: q.clock.Now().Add(max(retryPause, workos.RetryAfter(err)))}
}

// end ends a question with its answer. It does nothing if the question has ended before.
func (q *resourceQuestions) end(byUser, key string, asked *resourceQuestion, answer resourceAnswer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.endLocked(byUser, key, asked, answer)
}

// endLocked is end for a caller that holds mu.
func (q *resourceQuestions) endLocked(byUser, key string, asked *resourceQuestion, answer resourceAnswer) {
	if asked.ended {
		return
	}
	asked.ended = true
	asked.stopTimer()
	delete(q.questions, byUser)
	if asked.user.questions--; asked.user.questions == 0 {
		delete(q.users, asked.session.UserID())
	}
	q.answers.put(asked.session, key, answer)
	if isLimited(answer.err) {
		q.limitedUntil = later(q.limitedUntil, answer.until)
	}
	asked.answer = answer
	close(asked.done)
}

// isLimited reports whether WorkOS has answered 429.
func isLimited(err error) bool {
	var limit *workos.RateLimitError
	return errors.As(err, &limit)
}

// logFailure logs a question that WorkOS did not answer. Its refusal of a resource is logged at Debug, since a client can
// cause it.
func (q *resourceQuestions) logFailure(ctx context.Context, answer resourceAnswer, err error) {
	level, message := slog.LevelWarn, "authkit: permission on a resource not checked"
	var reply *workos.Error
	switch {
	case err == nil:
		return
	case answer.err == nil:
		level, message = slog.LevelDebug, "authkit: WorkOS does not know the resource, the permission or the member"
	case errors.As(err, &reply) && (reply.StatusCode == http.StatusUnauthorized || reply.StatusCode == http.StatusForbidden):
		level = slog.LevelError // WorkOS does not accept the application's own key
		q.calls.refuseCredentials()
	}
	q.log.LogAttrs(ctx, level, message, slog.Any("error", err))
}

// reached tells a test that a question has reached a step.
func (q *resourceQuestions) reached(name string) {
	if q.step != nil {
		q.step(name)
	}
}

// observe reports a question.
func (q *resourceQuestions) observe(asked *resourceQuestion, answer resourceAnswer, begin time.Time) {
	s := asked.session
	seen := Observation{
		Kind: ObservedResourcePermission, Outcome: OutcomeDenied, Err: answer.err, Begin: begin,
		UserID: s.UserID(), SessionID: s.ID(), OrganizationID: s.OrganizationID(),
	}
	switch {
	case answer.permitted:
		seen.Outcome = OutcomeOK
	case isLimited(answer.err):
		seen.Outcome = OutcomeLimited
	case answer.err != nil:
		seen.Outcome = OutcomeFailed
	}
	q.observers.observe(asked.ctx, seen)
}
