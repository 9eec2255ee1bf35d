// Notices of a later version, which an instance passes on without understanding them.

package replica_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/replica"
)

func TestANoticeOfAnUnknownKindIsHandedOnAndPutBackIfTheLogLosesIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	newer, older := w.newInstance(), w.newInstance()
	for _, i := range []*instance{newer, older} {
		i.Log.Use()
	}
	now := w.clock.Now()
	n := replica.Notice{Kind: '?', Hash: replica.Hash("user_1"), At: now, Until: now.Add(time.Hour)}
	require.NoError(t, newer.Log.Announce(t.Context(), n))
	has := func(i *instance) bool {
		i.mu.Lock()
		defer i.mu.Unlock()
		_, ok := i.marks["?"+n.Hash]
		return ok
	}
	assert.True(t, has(older), "the caller of the protocol ignores it")

	newer.die()
	w.store.Flush()
	late := w.newInstance()
	late.Log.Use()
	require.Eventually(t, func() bool {
		w.clock.Advance(100 * time.Millisecond)
		return has(late)
	}, 10*time.Second, 5*time.Millisecond, "the older instance puts it back")
}
