// Refusals: when they are believed, and who answers a question about one.

package replica_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/replica"
)

// asked returns a channel that gets a value each time the instance has asked.
func (i *instance) asked() <-chan struct{} {
	asked := make(chan struct{}, 9)
	i.onStep(func(name string) {
		if name == "asked" {
			asked <- struct{}{}
		}
	})
	return asked
}

// useLog makes instances follow the log.
func useLog(instances ...*instance) {
	for _, i := range instances {
		i.Log.Use()
	}
}

func TestAnInstanceThatKnowsTheSuccessorAnswersAQuestion(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		one, two := w.newInstance(), w.newInstance()
		useLog(one, two)
		w.exchangeWithoutStore(one, "t1")
		w.closeBreaker(two)
		w.store.Flush() // also what one has published since
		asked := two.asked()
		require.Equal(t, replica.Lease, two.exchange("t1").Kind)
		<-asked
		o, took := two.awaitVerdict()
		assertSuccess(t, o, "t2")
		assert.LessOrEqual(t, took, replica.QuestionTime)
	})
}

func TestAnInstanceThatCallsWorkOSAnswersAQuestionWithItsLease(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		one, two := w.newInstance(), w.newInstance()
		useLog(one, two)
		arrived, reply := make(chan struct{}), make(chan struct{})
		finished := exited(func() {
			one.Exchange(context.Background(), "t1", group, nil, func(context.Context) replica.Result {
				w.workos.exchange("t1")
				close(arrived)
				<-reply
				one.knows("t1")
				return replica.Result{Kind: replica.Success, Payload: []byte("t2")}
			}, nil)
		})
		<-arrived
		w.store.Flush() // the lease of one is lost
		w.awaitLog(one, two)
		require.Equal(t, replica.Lease, two.exchange("t1").Kind, "refused: one has presented the token")
		o, _ := two.awaitVerdict()
		assert.Equal(t, replica.None, o.Kind, "not believed: another instance has the lease")
		close(reply)
		<-finished
		assertSuccess(t, two.exchange("t1"), "t2")
	})
}

// awaitLog moves the clock until the instances read the log to its end again.
func (w *world) awaitLog(instances ...*instance) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		w.clock.Advance(100 * time.Millisecond)
		for _, i := range instances {
			s := i.Log.State()
			if !s.Current || w.clock.Now().Sub(s.ReadAt) > time.Second || s.Err != nil {
				return false
			}
		}
		return true
	}, 10*time.Second, 5*time.Millisecond, "the log is not read")
}

func TestAQuestionIsAskedAgainIfTheLogOrTheLeaseWasLost(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		one := w.newInstance()
		useLog(one)
		asked := one.asked()
		w.workos.end()
		require.Equal(t, replica.Lease, one.exchange("t1").Kind)
		<-asked
		w.clock.Advance(3 * time.Second)
		w.store.Flush()
		lost := w.clock.Now()
		w.run(func() { <-asked })
		o, _ := one.awaitVerdict()
		assert.Equal(t, replica.Ended, o.Kind)
		assert.GreaterOrEqual(t, w.clock.Now().Sub(lost), replica.QuestionTime, "the time for an answer begins again")
	})
}

func TestARefusalIsNotBelievedWhileTheLogCannotBeRead(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		one := w.newInstance()
		useLog(one)
		asked := one.asked()
		w.workos.end()
		require.Equal(t, replica.Lease, one.exchange("t1").Kind)
		<-asked
		w.store.SetDown(true)
		o, took := one.awaitVerdict()
		assert.Equal(t, replica.None, o.Kind, "given up: the next request tries again")
		assert.GreaterOrEqual(t, took, replica.QuestionTime)
		w.store.SetDown(false)
		w.awaitLog(one)
		w.closeBreaker(one)
		w.clock.Advance(replica.LeaseTime)
		require.Equal(t, replica.Lease, one.exchange("t1").Kind)
		o, _ = one.awaitVerdict()
		assert.Equal(t, replica.Ended, o.Kind, "believed when the store is back")
	})
}

func TestWithoutALeaseARefusalIsNotBelieved(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newImpatientWorld(t)
		one := w.newInstance()
		w.workos.end()
		w.store.SetDown(true)
		for range 3 {
			require.Equal(t, replica.Lease, one.exchange("t1").Kind)
		}
		w.clock.Advance(time.Minute)
		assert.Empty(t, one.verdict)
	})
}

func TestASupersededTokenIsAnsweredWithAMark(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		one, two := w.newInstance(), w.newInstance()
		useLog(one, two)
		one.mu.Lock()
		one.known[replica.Hash("t1")] = replica.Knowledge{Kind: replica.Superseded, Token: "t1"}
		one.mu.Unlock()
		w.workos.end()
		require.Equal(t, replica.Lease, two.exchange("t1").Kind)
		o, _ := two.awaitVerdict()
		assert.Equal(t, replica.Superseded, o.Kind)
		clear, _ := two.mayClear("t1", "t1", nil, unknown)
		assert.False(t, clear)
	})
}
