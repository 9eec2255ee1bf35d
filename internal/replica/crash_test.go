// What the other instances do if the holder of a lease dies: a table of the steps at
// which it dies and of what the record contained before.

package replica_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/replica"
)

// crash is a step at which the holder of the lease of "t1" dies.
type crash struct {
	name string
	at   string // the step, "" for the call of WorkOS
	// presented reports whether the holder has presented the token before.
	presented bool
	// published reports whether its outcome is in the record.
	published bool
	// arrives says that WorkOS gets the token although the holder dies.
	arrives bool
}

var crashes = []crash{
	{name: "after the claim took effect, before its answer", at: "swapped L"},
	{name: "before the call", at: "claimed"},
	{name: "during the call, which does not arrive"},
	{name: "during the call, which arrives", arrives: true, presented: true},
	{name: "after the answer, before the publication", at: "called", presented: true},
	{name: "after the publication took effect, before its answer", at: "swapped S", presented: true, published: true},
	{name: "before the response", at: "published", presented: true, published: true},
}

// before are the states of the record before the holder claims it. Each is made by an
// instance that then has no part in the test.
var before = map[string]func(w *world){
	"no record":          func(*world) {},
	"an expired lease":   func(w *world) { w.abandonLease("t1"); w.clock.Advance(replica.LeaseTime) },
	"a lease in force":   func(w *world) { w.abandonLease("t1") },
	"a pause, now over":  func(w *world) { w.pause("t1", time.Second); w.clock.Advance(time.Second) },
	"a lost record":      func(w *world) { w.abandonLease("t1"); w.store.Flush() },
	"an end, now over":   func(w *world) { w.endWithout("t1"); w.clock.Advance(replica.EndedTime) },
	"a failed call":      func(w *world) { w.fail("t1") },
	"a lost claim reply": func(w *world) { w.store.LoseReplies(1) },
}

// abandonLease leaves the lease of an instance that dies before its call.
func (w *world) abandonLease(token string) {
	i := w.newInstance()
	i.onStep(dieAt(i, "claimed"))
	<-exited(func() { i.exchange(token) })
}

// pause leaves a pause.
func (w *world) pause(token string, d time.Duration) {
	w.newInstance().Exchange(context.Background(), token, "session_1", nil, func(context.Context) replica.Result {
		return replica.Result{Kind: replica.Pause, Reason: replica.PauseTransient, Pause: d}
	}, nil)
}

// endWithout leaves an end that WorkOS knows nothing of: the test uses the session
// afterwards.
func (w *world) endWithout(token string) {
	i := w.newInstance()
	i.Log.Use()
	i.Exchange(context.Background(), token, "session_1", nil, func(context.Context) replica.Result { return replica.Result{Kind: replica.Ended} },
		func(o replica.Outcome) { i.verdict <- o })
	o, _ := i.awaitVerdict()
	require.Equal(w.t, replica.Ended, o.Kind)
}

// fail leaves what a call leaves that failed on the way to WorkOS.
func (w *world) fail(token string) {
	o := w.newInstance().Exchange(context.Background(), token, "session_1", nil, func(context.Context) replica.Result { return replica.Result{} }, nil)
	require.True(w.t, o.Own)
}

func TestWhateverStateTheHolderOfALeaseDiesInTheTokenIsNotLost(t *testing.T) {
	t.Parallel()
	for _, c := range crashes {
		for state, prepare := range before {
			for _, window := range []bool{true, false} {
				name := c.name + ", over " + state
				if window {
					name += ", with a replay window"
				}
				t.Run(name, func(t *testing.T) {
					inBubble(t, func(t *testing.T) {
						w := newWorld(t)
						w.workos.window = window
						prepare(w)
						holder, other := w.newInstance(), w.newInstance()
						w.holdUntilCrash(holder, c)
						require.True(t, holder.isDead())
						require.Equal(t, c.presented, w.workos.times("t1") == 1)

						var asked time.Time
						other.onStep(func(name string) {
							if name == "asked" {
								asked = w.clock.Now()
							}
						})
						if c.published { // the outcome is used at once, so the clock need not move
							assertSuccess(t, other.exchange("t1"), "t2")
							assert.Equal(t, 1, w.workos.times("t1"))
							return
						}
						var o replica.Outcome
						took := w.run(func() { o = other.exchange("t1") })
						switch {
						case !c.presented:
							assertSuccess(t, o, "t2")
							assert.LessOrEqual(t, took, replica.LeaseTime+pollError)
							assert.Equal(t, 1, w.workos.times("t1"), "the dead holder has not presented it")
						case window:
							assertSuccess(t, o, "t2")
							assert.LessOrEqual(t, took, replica.LeaseTime+pollError)
						default: // inherent: only the dead holder knew the successor
							require.Equal(t, replica.Lease, o.Kind, "the refusal is not believed at once")
							verdict, _ := other.awaitVerdict()
							assert.Equal(t, replica.Ended, verdict.Kind)
							assert.GreaterOrEqual(t, w.clock.Now().Sub(asked), replica.QuestionTime)
						}
					})
				})
			}
		}
	}
}

// holdUntilCrash makes an instance exchange "t1" until it dies.
func (w *world) holdUntilCrash(holder *instance, c crash) {
	w.t.Helper()
	var done <-chan struct{}
	if c.at != "" {
		holder.onStep(dieAt(holder, c.at))
		done = exited(func() { holder.exchange("t1") })
	} else {
		done = exited(func() {
			holder.Exchange(context.Background(), "t1", "session_1", nil, func(context.Context) replica.Result {
				if c.arrives {
					w.workos.exchange("t1")
				}
				holder.die()
				exit()
				return replica.Result{}
			}, nil)
		})
	}
	w.run(func() { <-done })
}
