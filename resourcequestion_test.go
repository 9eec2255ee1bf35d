// Questions about permissions on resources: which requests share one, and what happens while WorkOS is asked.

package authkit

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/internal/replica"
	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

// resourceAPI stands for WorkOS. Every user is a member of the organization of the question, with the ID om_ and the ID of the user.
type resourceAPI struct {
	checks chan string // the external IDs, in the order of the calls

	mu      sync.Mutex
	answer  func(externalID string) (*http.Response, error)
	held    chan struct{} // closed to reply to the calls that wait, nil if none waits
	lookups int
	hang    int // the number of lookups, from the first one, that end only with their context
}

func newResourceAPI() *resourceAPI {
	api := &resourceAPI{checks: make(chan string, 1<<16)}
	api.set(true)
	return api
}

// set makes all users have all permissions from now on, or none.
func (api *resourceAPI) set(permitted bool) {
	api.setAnswer(func(string) (*http.Response, error) { return jsonOf(fmt.Sprintf(`{"authorized":%t}`, permitted)), nil })
}

func (api *resourceAPI) setAnswer(answer func(externalID string) (*http.Response, error)) {
	api.mu.Lock()
	defer api.mu.Unlock()
	api.answer = answer
}

// hold makes all calls wait until the returned function is called.
func (api *resourceAPI) hold() (release func()) {
	api.mu.Lock()
	defer api.mu.Unlock()
	held := make(chan struct{})
	api.held = held
	return func() {
		api.mu.Lock()
		defer api.mu.Unlock()
		if api.held == held {
			api.held = nil
			close(held)
		}
	}
}

func (api *resourceAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet {
		api.mu.Lock()
		api.lookups++
		hangs := api.lookups <= api.hang
		api.mu.Unlock()
		if hangs {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		q := r.URL.Query()
		return jsonOf(fmt.Sprintf(`{"data":[{"id":"om_%s","user_id":%[1]q,"organization_id":%q,"status":"active"}],"list_metadata":{}}`,
			q.Get("user_id"), q.Get("organization_id"))), nil
	}
	var body struct {
		ExternalID string `json:"resource_external_id"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return nil, err
	}
	api.mu.Lock()
	answer, held := api.answer, api.held
	api.mu.Unlock()
	api.checks <- body.ExternalID
	if held != nil {
		select {
		case <-held:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	return answer(body.ExternalID)
}

func jsonOf(body string) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}
}

// alarmClock is a clock whose timers run when the test calls ring.
type alarmClock struct {
	*setClock
	mu     sync.Mutex
	alarms map[int]func()
	number int
}

func (c *alarmClock) AfterFunc(_ time.Duration, f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.number++
	number := c.number
	c.alarms[number] = f
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, pending := c.alarms[number]
		delete(c.alarms, number)
		return pending
	}
}

// ring runs all pending timers.
func (c *alarmClock) ring() {
	c.mu.Lock()
	pending := c.alarms
	c.alarms = map[int]func(){}
	c.mu.Unlock()
	for _, f := range pending {
		f()
	}
}

// ringFirst runs the timer that was started first.
func (c *alarmClock) ringFirst() {
	c.mu.Lock()
	first := slices.Min(slices.Collect(maps.Keys(c.alarms)))
	f := c.alarms[first]
	delete(c.alarms, first)
	c.mu.Unlock()
	f()
}

// timers returns how many timers are pending.
func (c *alarmClock) timers() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.alarms)
}

// asking is an AuthKit that asks a resourceAPI.
type asking struct {
	*AuthKit
	t     *testing.T
	api   *resourceAPI
	clock *alarmClock
	waits chan struct{} // has one element for each request that waits
}

func newAsking(t *testing.T, opts ...Option) *asking {
	q := &asking{t: t, api: newResourceAPI(), clock: &alarmClock{setClock: newSetClock(), alarms: map[int]func(){}}, waits: make(chan struct{}, 1<<16)}
	q.AuthKit = newOffline(t, q.clock, append([]Option{WithHTTPClient(&http.Client{Transport: q.api})}, opts...)...)
	q.resources.onWait = func() { q.waits <- struct{}{} }
	return q
}

// userSession returns a session of a user in org_1.
func userSession(user string) *Session {
	return makeSession(payload.Session{User: workos.User{ID: user}}, &jwks.Claims{SessionID: "session_" + user, Subject: user, OrganizationID: "org_1"})
}

// has asks for the permission of a user on a project.
func (q *asking) has(ctx context.Context, user, project string) (bool, error) {
	return q.HasResourcePermission(NewContext(ctx, userSession(user)), workos.Resource{TypeSlug: "project", ExternalID: project}, "edit")
}

// reply is what has returns.
type resourceReply struct {
	permitted bool
	err       error
}

// begin asks, and returns when the request waits.
func (q *asking) begin(ctx context.Context, user, project string) <-chan resourceReply {
	q.t.Helper()
	replied := make(chan resourceReply, 1)
	go func() {
		permitted, err := q.has(ctx, user, project)
		replied <- resourceReply{permitted, err}
	}()
	receive(q.t, q.waits, "the request does not wait")
	return replied
}

// open returns how many questions are asked or wait.
func (q *asking) open() int {
	q.resources.mu.Lock()
	defer q.resources.mu.Unlock()
	return len(q.resources.questions)
}

// receive returns the next value of a channel. It fails the test if none comes in time.
func receive[T any](t *testing.T, from <-chan T, fault string) (value T) {
	t.Helper()
	select {
	case value = <-from:
	case <-time.After(20 * time.Second):
		require.FailNow(t, fault)
	}
	return value
}

func TestRequestsThatAskTheSameShareOneQuestion(t *testing.T) {
	q := newAsking(t)
	release := q.api.hold()
	var replies []<-chan resourceReply
	for range 100 {
		replies = append(replies, q.begin(t.Context(), "user_1", "p"))
	}
	release()
	for _, reply := range replies {
		assert.Equal(t, resourceReply{true, nil}, receive(t, reply, "no reply"))
	}
	assert.Len(t, q.api.checks, 1)
	assert.Equal(t, 1, q.api.lookups)
	assert.Zero(t, q.open())
	assert.Zero(t, q.clock.timers())
	assert.Empty(t, q.resources.users)
}

func TestAQuestionContinuesWhenTheRequestThatStartedItEnds(t *testing.T) {
	q := newAsking(t)
	release := q.api.hold()
	ctx, leave := context.WithCancel(t.Context())
	first := q.begin(ctx, "user_1", "p")
	receive(t, q.api.checks, "WorkOS is not asked")
	second := q.begin(t.Context(), "user_1", "p")
	leave()
	assert.ErrorIs(t, receive(t, first, "no reply").err, ErrUnavailable)
	release()
	assert.Equal(t, resourceReply{true, nil}, receive(t, second, "no reply"))
	assert.Empty(t, q.api.checks, "there was one question")
	permitted, err := q.has(ctx, "user_1", "p")
	assert.True(t, permitted && err == nil, "a remembered answer needs no wait")
}

// Each user has eight slots. The ninth question waits for one.
func TestAQuestionWhoseRequestsHaveLeftIsNotAsked(t *testing.T) {
	q := newAsking(t)
	release := q.api.hold()
	for i := range userSlots {
		q.begin(t.Context(), "user_1", fmt.Sprint(i))
		receive(t, q.api.checks, "WorkOS is not asked")
	}
	ctx, leave := context.WithCancel(t.Context())
	left := q.begin(ctx, "user_1", "left")
	stays := q.begin(t.Context(), "user_1", "stays")
	leave()
	receive(t, left, "no reply")
	release()
	assert.True(t, receive(t, stays, "no reply").permitted)
	require.Eventually(t, func() bool { return q.open() == 0 }, 20*time.Second, time.Millisecond)
	assert.Equal(t, "stays", receive(t, q.api.checks, "WorkOS is not asked"))
	assert.Empty(t, q.api.checks)
	assert.Zero(t, q.clock.timers())
}

func TestTheQuestionsOfOneUserDoNotDelayAnother(t *testing.T) {
	q := newAsking(t)
	release := q.api.hold()
	defer release()
	for i := range maxUserQuestions {
		q.begin(t.Context(), "user_1", fmt.Sprint(i))
	}
	for range userSlots {
		receive(t, q.api.checks, "WorkOS is not asked")
	}
	_, err := q.has(t.Context(), "user_1", "one more")
	assert.ErrorIs(t, err, ErrUnavailable)
	assert.ErrorIs(t, err, errManyQuestions)
	other := q.begin(t.Context(), "user_2", "p")
	assert.Equal(t, "p", receive(t, q.api.checks, "the other user waits"))
	release()
	assert.True(t, receive(t, other, "no reply").permitted)
}

func TestAtMostSixtyFourQuestionsAreAskedAtATime(t *testing.T) {
	q := newAsking(t)
	release := q.api.hold()
	defer release()
	var replies []<-chan resourceReply
	for user := range questionSlots/userSlots + 1 {
		for project := range userSlots {
			replies = append(replies, q.begin(t.Context(), fmt.Sprint("user_", user), fmt.Sprint(project)))
		}
	}
	for range questionSlots {
		receive(t, q.api.checks, "WorkOS is not asked")
	}
	assert.False(t, q.resources.slots.TryAcquire(1))
	assert.Empty(t, q.api.checks)
	release()
	for _, reply := range replies {
		assert.True(t, receive(t, reply, "no reply").permitted)
	}
}

func TestQuestionsBeyondTheLimitAreRefused(t *testing.T) {
	q := newAsking(t)
	for i := range maxQuestions {
		q.resources.questions[fmt.Sprint(i)] = &resourceQuestion{}
	}
	_, err := q.has(t.Context(), "user_1", "p")
	assert.ErrorIs(t, err, errManyQuestions)
	var unavailable *UnavailableError
	require.ErrorAs(t, err, &unavailable)
	assert.Equal(t, time.Second, unavailable.RetryAfter)
}

// The answer that WorkOS gave before the change must neither serve the request nor stay behind.
func TestAChangeDuringAQuestionLeavesNoOldAnswerBehind(t *testing.T) {
	changes := map[string]string{
		"the user": "user_1", "the membership": membershipID("user_1", "org_1"), "the organization": "org_1", "everybody": "",
	}
	for _, step := range []string{"number read", "answered"} {
		for name, id := range changes {
			t.Run(name+", "+step, func(t *testing.T) {
				q := newAsking(t)
				steps := 0
				q.resources.step = func(at string) {
					if at == step {
						if steps++; steps == 1 {
							if step == "answered" {
								q.api.set(false)
							}
							q.resources.changes.note(replica.Hash(id))
						}
					}
				}
				permitted, err := q.has(t.Context(), "user_1", "p")
				require.NoError(t, err)
				assert.Equal(t, step == "number read", permitted)
				assert.Len(t, q.api.checks, 2)
				q.resources.step = nil
				again, err := q.has(t.Context(), "user_1", "p")
				require.NoError(t, err)
				assert.Equal(t, permitted, again)
				assert.Len(t, q.api.checks, 2, "the second answer is remembered")
			})
		}
	}
}

func TestAChangeOfOthersDuringAQuestionDoesNotRepeatIt(t *testing.T) {
	q := newAsking(t)
	q.resources.step = func(at string) {
		if at == "answered" {
			for _, id := range []string{"user_2", "org_2", membershipID("user_1", "org_2"), membershipID("user_2", "org_1")} {
				q.resources.changes.note(replica.Hash(id))
			}
		}
	}
	for range 2 {
		permitted, err := q.has(t.Context(), "user_1", "p")
		assert.True(t, permitted && err == nil)
	}
	assert.Len(t, q.api.checks, 1)
}

// A request that comes after a change must not share the question of before it.
func TestARequestAfterAChangeDoesNotGetTheAnswerOfBefore(t *testing.T) {
	q := newAsking(t)
	release := q.api.hold()
	before := q.begin(t.Context(), "user_1", "p")
	receive(t, q.api.checks, "WorkOS is not asked") // its answer is yes
	q.api.set(false)
	q.resources.changes.note(replica.Hash("user_1"))
	after := q.begin(t.Context(), "user_1", "p")
	release()
	assert.Equal(t, resourceReply{false, nil}, receive(t, after, "no reply"))
	assert.Equal(t, resourceReply{false, nil}, receive(t, before, "no reply"), "the request of before asks again too")
}

func TestAQuestionIsRepeatedAFewTimesOnly(t *testing.T) {
	q := newAsking(t)
	q.resources.step = func(at string) {
		if at == "answered" {
			q.resources.changes.note(everybody)
		}
	}
	_, err := q.has(t.Context(), "user_1", "p")
	assert.ErrorIs(t, err, ErrUnavailable)
	assert.ErrorIs(t, err, errManyChanges)
	assert.Len(t, q.api.checks, maxChanges)
}

// The transport ignores the end of its context. The request must not wait for it.
func TestAQuestionEndsAfterItsTimeIfTheTransportDoesNot(t *testing.T) {
	q := newAsking(t)
	stuck := make(chan struct{})
	q.api.setAnswer(func(string) (*http.Response, error) { <-stuck; return jsonOf(`{"authorized":true}`), nil })
	reply := q.begin(t.Context(), "user_1", "p")
	receive(t, q.api.checks, "WorkOS is not asked")
	answered := make(chan struct{})
	q.resources.step = func(at string) {
		if at == "answered" {
			close(answered)
		}
	}
	q.clock.ring()
	assert.ErrorIs(t, receive(t, reply, "no reply").err, errQuestionLate)
	close(stuck)
	receive(t, answered, "the call does not end")
	_, err := q.has(t.Context(), "user_1", "p")
	assert.ErrorIs(t, err, errQuestionLate, "the late answer is not used, and the failure is remembered")
}

func TestAQuestionThatWaitsForItsSlotTooLongEnds(t *testing.T) {
	q := newAsking(t)
	release := q.api.hold()
	defer release()
	var replies []<-chan resourceReply
	for i := range userSlots + 1 {
		replies = append(replies, q.begin(t.Context(), "user_1", fmt.Sprint(i)))
	}
	for range userSlots {
		receive(t, q.api.checks, "WorkOS is not asked")
	}
	q.clock.ring()
	for _, reply := range replies {
		assert.ErrorIs(t, receive(t, reply, "no reply").err, ErrUnavailable)
	}
	assert.Zero(t, q.open())
}

func TestATransportThatPanicsPassesNoResourceAndEndsNoProgram(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(string) (*http.Response, error)
		text   string
	}{
		"panics":             {func(string) (*http.Response, error) { panic("broken") }, "panicked: broken"},
		"ends its goroutine": {func(string) (*http.Response, error) { runtime.Goexit(); return nil, nil }, "ended its goroutine"},
	} {
		t.Run(name, func(t *testing.T) {
			q := newAsking(t)
			q.api.setAnswer(c.answer)
			permitted, err := q.has(t.Context(), "user_1", "p")
			assert.False(t, permitted)
			assert.ErrorIs(t, err, ErrUnavailable)
			assert.ErrorContains(t, err, c.text)
			q.api.set(true)
			q.clock.now = q.clock.now.Add(retryPause)
			permitted, err = q.has(t.Context(), "user_1", "p")
			assert.True(t, permitted && err == nil, "the slot is free again")
		})
	}
}

func TestQuestionsOfANewMemberLookTheMembershipUpOnce(t *testing.T) {
	q := newAsking(t)
	for i := range 5 {
		permitted, err := q.has(t.Context(), "user_1", fmt.Sprint(i))
		assert.True(t, permitted && err == nil)
	}
	assert.Equal(t, 1, q.api.lookups)
	q.clock.now = q.clock.now.Add(membershipLifetime)
	_, err := q.has(t.Context(), "user_1", "p")
	require.NoError(t, err)
	assert.Equal(t, 2, q.api.lookups)
	q.resources.changes.note(replica.Hash(membershipID("user_1", "org_1")))
	_, err = q.has(t.Context(), "user_1", "p")
	require.NoError(t, err)
	assert.Equal(t, 3, q.api.lookups)
}
