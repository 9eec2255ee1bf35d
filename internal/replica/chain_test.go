// What a response finds in the records before it sets or clears a session cookie.

package replica_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/replica"
)

const group = "session_1"

// unknown is a [replica.Successor] that knows none.
func unknown(string) (string, bool) { return "", false }

// knows returns a [replica.Successor] that knows the successors of these tokens.
func knows(tokens ...string) replica.Successor {
	return func(token string) (string, bool) {
		for _, known := range tokens {
			if known == token {
				return next(token), true
			}
		}
		return "", false
	}
}

// refuse makes an instance find that WorkOS has ended the session of a token.
func (w *world) refuse(i *instance, token string) {
	w.t.Helper()
	w.workos.end()
	require.Equal(w.t, replica.Lease, i.exchange(token).Kind)
	o, _ := i.awaitVerdict()
	require.Equal(w.t, replica.Ended, o.Kind)
}

func (i *instance) mayClear(token, refused string, mark []byte, known replica.Successor) (bool, []byte) {
	return i.MayClear(context.Background(), token, refused, group, mark, known)
}

func (i *instance) before(token string) replica.Newer {
	return i.BeforeResponse(context.Background(), token, group)
}

func TestOneResponseClearsTheCookieOfAnEndedSession(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		one, two := w.newInstance(), w.newInstance()
		w.refuse(one, "t1")
		clear, mark := one.mayClear("t1", "t1", nil, unknown)
		assert.True(t, clear)
		again, _ := one.mayClear("t1", "t1", mark, unknown)
		assert.True(t, again, "the same response, when its header is written")
		for _, i := range []*instance{one, two} {
			later, _ := i.mayClear("t1", "t1", nil, unknown)
			assert.False(t, later, "a later response: the user may have signed in since")
		}
	})
}

func TestAResponseClearsNothingIfTheEndIsNotInTheStore(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*world){
		"the store is down":     func(w *world) { w.store.SetDown(true) },
		"the store is empty":    func(w *world) { w.store.Flush() },
		"the end is forgotten":  func(w *world) { w.clock.Advance(replica.EndedTime) },
		"a sign-out came first": func(w *world) { w.newInstance().Supersede(context.Background(), []string{"t1"}, unknown) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				w := newWorld(t)
				one := w.newInstance()
				w.refuse(one, "t1")
				lose(w)
				clear, _ := one.mayClear("t1", "t1", nil, unknown)
				assert.False(t, clear)
			})
		})
	}
}

func TestAMarkAtTheTokenOfTheCookiePreventsAClear(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		one, two := w.newInstance(), w.newInstance()
		w.refuse(one, "t2")
		two.Supersede(context.Background(), []string{"t1"}, unknown) // a sign-in that does not know that t1 became t2
		clear, _ := one.mayClear("t1", "t2", nil, knows("t1"))
		assert.False(t, clear)
	})
}

func TestAResponseSetsTheNewestSessionOfTheRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.newInstance(), w.newInstance()
	assert.Equal(t, replica.Send, one.before("t1").Step, "no record")
	for _, token := range []string{"t1", "t2", "t3"} {
		require.True(t, two.exchange(token).Own)
	}
	newer := one.before("t1")
	assert.Equal(t, replica.SendNewer, newer.Step)
	assert.Equal(t, "t4", string(newer.Payload))
	assert.Equal(t, replica.Send, one.before("t4").Step)

	w.clock.Advance(replica.SuccessTime - replica.SpentTime)
	assert.Equal(t, replica.SendNoCookie, one.before("t1").Step, "spent")
	w.clock.Advance(replica.SpentTime)
	assert.Equal(t, replica.Send, one.before("t1").Step, "forgotten")
}

func TestAResponseSetsNothingOfASupersededSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.newInstance(), w.newInstance()
	for _, token := range []string{"t1", "t2"} {
		require.True(t, two.exchange(token).Own)
	}
	two.Supersede(context.Background(), []string{"t1"}, unknown)
	for _, token := range []string{"t1", "t2", "t3"} {
		assert.Equal(t, replica.SendNoCookie, one.before(token).Step, token)
	}
	assert.Equal(t, replica.Superseded, one.exchange("t3").Kind, "nothing is exchanged any more")
	w.clock.Advance(replica.SupersededTime)
	assert.Equal(t, replica.Send, one.before("t3").Step)
}

func TestASupersededMarkIsPutBehindWhatThisInstanceKnowsAndTheStoreHasLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one := w.newInstance()
	require.True(t, one.exchange("t1").Own)
	w.store.Flush()
	one.Supersede(context.Background(), []string{"t1"}, knows("t1"))
	assert.Equal(t, replica.SendNoCookie, w.newInstance().before("t2").Step)
}

// exchangeWithoutStore exchanges a token while the store is down, so that the outcome
// is not published.
func (w *world) exchangeWithoutStore(i *instance, token string) {
	w.t.Helper()
	w.store.SetDown(true)
	require.True(w.t, i.exchange(token).Own)
	w.store.SetDown(false)
	w.clock.Advance(0) // timers that are due
}

func TestAPublicationThatWaitsIsTriedAgainBeforeTheResponse(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newImpatientWorld(t)
		one, two := w.newInstance(), w.newInstance()
		w.exchangeWithoutStore(one, "t1")
		assert.Equal(t, replica.Send, two.before("t1").Step, "not published")
		w.closeBreaker(one)
		assert.Equal(t, replica.Send, one.before("t2").Step)
		assert.Equal(t, replica.SendNewer, two.before("t1").Step, "published")
	})
}

func TestAPublicationThatComesAfterASignOutSupersedesItsSuccessors(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newImpatientWorld(t)
		one, two := w.newInstance(), w.newInstance()
		w.exchangeWithoutStore(one, "t1")
		w.closeBreaker(one)
		require.True(t, one.exchange("t2").Own, "published")
		two.Supersede(context.Background(), []string{"t1"}, unknown) // finds no record of t1
		assert.Equal(t, replica.SendNoCookie, one.before("t3").Step)
		assert.Equal(t, replica.SendNoCookie, two.before("t3").Step)
	})
}

// closeBreaker makes an instance ask the store again after failures. Nothing that waits
// is tried.
func (w *world) closeBreaker(i *instance) {
	w.t.Helper()
	if i.LinkState().Open {
		w.clock.Advance(time.Second)
	}
	require.False(w.t, i.LinkState().Open)
}

func TestTheRecordOfADeliveredSessionIsShortened(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.newInstance(), w.newInstance()
	require.True(t, one.exchange("t1").Own)
	delivered := make(chan struct{}, 1)
	two.onStep(func(name string) {
		if name == "delivered" {
			delivered <- struct{}{}
		}
	})
	two.Delivered(replica.Hash("t1"))
	<-delivered
	w.clock.Advance(30*time.Second - time.Millisecond)
	assert.Equal(t, replica.SendNewer, one.before("t1").Step, "a late response may still be under way")
	w.clock.Advance(time.Millisecond)
	assert.Equal(t, replica.SendNoCookie, one.before("t1").Step)
	assert.Equal(t, replica.Superseded, one.exchange("t1").Kind)
	one.Supersede(context.Background(), []string{"t1"}, unknown)
	assert.Equal(t, replica.SendNoCookie, one.before("t2").Step, "a spent mark leads a sign-out to the next record")
	w.clock.Advance(replica.SpentTime)
	assert.Equal(t, replica.Send, one.before("t1").Step)
}
