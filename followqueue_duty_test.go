// The queue of events of an instance that loses the duty to read them.

package authkit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

// Another instance handles these events meanwhile. Otherwise they would be handled again, and the position in the store
// would go back to them.
func TestAnInstanceForgetsItsFailedEventsWithItsDuty(t *testing.T) {
	clock := newSetClock()
	a := newOffline(t, clock)
	q := newEventQueue(&follower{authKit: a}, nil, "event_0", nil)
	require.NoError(t, q.begin(t.Context()))
	q.failed.add(workos.Event{ID: "event_2", Type: workos.EventUserUpdated}, "event_1", clock.now)
	q.countFailed()
	require.Equal(t, "event_1", q.cursor())
	require.Equal(t, 1, a.Stats().Events.Retrying)

	q.forget()
	assert.Zero(t, a.Stats().Events.Retrying)
	require.NoError(t, q.begin(t.Context()))
	assert.Equal(t, "event_0", q.cursor())
	assert.Nil(t, q.failed.due(clock.now.Add(time.Hour)))
}
