// Notices of other instances, and what they change here.

package authkit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/internal/replica"
)

func TestANoticeOfALaterVersionChangesNothing(t *testing.T) {
	clock := newSetClock()
	a := newOffline(t, clock)
	epoch := a.signedOut.epoch.Load()
	a.handleNotice(replica.Notice{Kind: '?', Hash: replica.Hash("user_1"), At: clock.now, Until: clock.now.Add(time.Hour)})
	assert.Equal(t, epoch, a.signedOut.epoch.Load(), "cached sessions are not checked again")
	assert.Zero(t, a.Stats().Events.Marks)
	assert.Zero(t, a.apiKeys.changed.after.Load())

	a.handleNotice(replica.Notice{Kind: replica.UserChanged, Hash: replica.Hash("user_1"), At: clock.now, Until: clock.now.Add(time.Hour)})
	assert.Equal(t, epoch+1, a.signedOut.epoch.Load(), "a known kind does")
	assert.Equal(t, 1, a.Stats().Events.Marks)
}
