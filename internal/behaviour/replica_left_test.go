// A client that leaves while an instance reads the log for the first time.

package behaviour

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// heldLog is a store whose log can be held.
type heldLog struct {
	*authkittest.MemoryStore
	held atomic.Pointer[chan struct{}]
}

func (s *heldLog) Follow(ctx context.Context, f func([]byte), caughtUp func()) error {
	if held := s.held.Load(); held != nil {
		<-*held
	}
	return s.MemoryStore.Follow(ctx, f, caughtUp)
}

// A server calls the handler also if its client has left meanwhile. After two minutes without
// a session, an instance has left the log.
func TestAClientThatLeavesWhileTheLogIsReadGetsNoEndedSession(t *testing.T) {
	t.Parallel()
	r := NewReplicas(t, 1, AppOptions{})
	cookie := r.Instances[0].SignedIn(Kim).CookieHeader()
	store := &heldLog{MemoryStore: r.Store}
	idle := NewInstance(t, r.Fake, r.Clock, AppOptions{AuthKit: []authkit.Option{authkit.WithStore(store)}})
	require.Equal(t, http.StatusOK, idle.Status(t, cookie))
	require.Eventually(t, func() bool {
		r.Clock.Advance(time.Second)
		return idle.Stats().Store.State == authkit.StoreIdle
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, r.Instances[0].EndUser(t.Context(), "user_kim"))

	held := make(chan struct{})
	store.held.Store(&held)
	ctx, leave := context.WithCancel(t.Context())
	leave()
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil)
	request.Header.Set("Cookie", cookie)
	found := make(chan bool, 1)
	go idle.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, ok := authkit.FromContext(r.Context())
		found <- ok
	})).ServeHTTP(httptest.NewRecorder(), request)
	select {
	case <-found:
		require.Fail(t, "the request was served before the log was read")
	case <-time.After(100 * time.Millisecond):
	}
	close(held)
	assert.False(t, <-found)
}
