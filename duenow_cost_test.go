// The cost of a check for marks of changes at WorkOS.

package authkit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/replica"
	"github.com/authkit-go/authkit/internal/sessioncache"
)

func TestTheSecondCheckForMarksAllocatesNothing(t *testing.T) {
	clock := newSetClock()
	a := newOffline(t, clock)
	entry := &sessioncache.Entry[*Session]{Value: memberSession(clock.now.Add(-time.Minute))}
	NoteChanges(a, 10_000)
	a.signedOut.note(noticeKey(replica.SessionEnded, "session_other"), clock.now, clock.now.Add(time.Hour))
	require.Equal(t, standing{}, a.standingSince(entry, true)) // it computes the keys
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		a.signedOut.epoch.Add(1)
		if a.standingSince(entry, true) != (standing{}) {
			panic("the session has a mark")
		}
	}))
	noteUser(a, clock.now)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if !a.standingSince(entry, true).due {
			panic("the session is not due")
		}
	}), "nor does the check of a due session")
}
