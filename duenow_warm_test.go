// The cost of marks of changes at WorkOS for a request whose session is cached.

package authkit_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/behaviour"
)

// newWarm returns an AuthKit, and a function that serves a request of a cached session.
func newWarm(t *testing.T) (ak *authkit.AuthKit, serve func()) {
	fake := authkittest.New(t)
	ak, err := authkit.New(
		authkit.WithAPIKey(fake.APIKey()), authkit.WithClientID(fake.ClientID()), authkit.WithBaseURL(fake.URL()),
		authkit.WithCookiePassword(behaviour.Password), authkit.WithRedirectURL("https://app.example.com/callback"),
		authkit.WithLogger(slog.New(slog.DiscardHandler)),
	)
	require.NoError(t, err)
	handler := ak.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, ok := authkit.FromContext(r.Context()); !ok {
			panic("the request is anonymous")
		}
	}))
	w := &reply{http.Header{}}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Cookie", signedInCookie(t, ak, fake, 1))
	serve = func() {
		clear(w.header)
		handler.ServeHTTP(w, r)
	}
	serve() // it opens and verifies the session
	serve()
	return ak, serve
}

func TestAWarmRequestAllocatesNoMoreWithMarksOfChanges(t *testing.T) {
	ak, serve := newWarm(t)
	without := testing.AllocsPerRun(100, serve)
	authkit.NoteChanges(ak, 10_000)
	serve() // it looks for marks
	assert.Equal(t, without, testing.AllocsPerRun(100, serve))

	withEpoch := testing.AllocsPerRun(100, func() {
		authkit.NextEpoch(ak)
		serve()
	})
	assert.Equal(t, without, withEpoch, "a check for marks allocates nothing either")
}

// A request that takes one of the locks would wait without end.
func TestAWarmRequestTakesNoLockOfTheMarks(t *testing.T) {
	ak, serve := newWarm(t)
	authkit.NoteChanges(ak, 10)
	authkit.NoteEnds(ak)
	serve() // it looks for marks
	authkit.WithLockedMarks(ak, func() {
		served := make(chan struct{})
		go func() {
			defer close(served)
			serve()
		}()
		select {
		case <-served:
		case <-time.After(behaviour.WaitTimeout):
			assert.Fail(t, "the request waits for a lock")
		}
	})
}
