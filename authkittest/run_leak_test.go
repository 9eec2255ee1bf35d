// Run leaves no goroutine behind.

package authkittest_test

import (
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
	before := strings.Count(followers(), "goroutine ")
	t.Run("application", func(t *testing.T) {
		app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
			return application(env.AuthKit(authkit.WithStore(env.Store)))
		})
		browser := app.SignIn(ada)
		assert.Equal(t, 200, open(t, browser, "/account").StatusCode)
		require.Eventually(t, func() bool { return strings.Count(followers(), "goroutine ") > before }, 20*time.Second, time.Millisecond, "the log is followed")
	})
	require.Eventually(t, func() bool { return strings.Count(followers(), "goroutine ") == before }, 20*time.Second, time.Millisecond, "%s", followers())
}

// followers returns the goroutines that follow the log of a store.
func followers() (found string) {
	buffer := make([]byte, 1<<20)
	for goroutine := range strings.SplitSeq(string(buffer[:runtime.Stack(buffer, true)]), "\n\n") {
		if strings.Contains(goroutine, "internal/replica.") || strings.Contains(goroutine, "MemoryStore).Follow") {
			found += goroutine + "\n\n"
		}
	}
	return found
}
