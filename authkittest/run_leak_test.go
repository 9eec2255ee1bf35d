// Run leaves no goroutine behind.

package authkittest_test

import (
	"maps"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func TestRunWithAStoreLeavesNoGoroutineBehind(t *testing.T) {
	before := followers() // of tests before this one, which may end meanwhile
	started := func() map[string]string {
		found := followers()
		maps.DeleteFunc(found, func(name, _ string) bool { _, known := before[name]; return known })
		return found
	}
	t.Run("application", func(t *testing.T) {
		app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
			return application(env.AuthKit(authkit.WithStore(env.Store)))
		})
		browser := app.SignIn(ada)
		assert.Equal(t, 200, open(t, browser, "/account").StatusCode)
		require.Eventually(t, func() bool { return len(started()) > 0 }, 20*time.Second, time.Millisecond, "the log is followed")
	})
	assert.Eventually(t, func() bool { return len(started()) == 0 }, 20*time.Second, time.Millisecond)
	assert.Empty(t, started())
}

// followers returns the stacks of the goroutines that follow the log of a store, by the name of the goroutine.
func followers() map[string]string {
	found, buffer := map[string]string{}, make([]byte, 1<<20)
	for goroutine := range strings.SplitSeq(string(buffer[:runtime.Stack(buffer, true)]), "\n\n") {
		if strings.Contains(goroutine, "internal/replica.") || strings.Contains(goroutine, "MemoryStore).Follow") {
			name, _, _ := strings.Cut(goroutine, " [")
			found[name] = goroutine
		}
	}
	return found
}
