// UntilEnd for API keys: long requests and the end of their key.

package behaviour

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// openKeyStream starts a long request with an API key. Its handler calls before and then UntilEnd. openKeyStream returns when
// UntilEnd has returned.
func openKeyStream(t *testing.T, a *App, name, key string, before func()) *Stream {
	t.Helper()
	return openKeyStreamUntil(t, a, name, key, before, a.UntilEnd)
}

// openKeyDownload is openKeyStream for a response that may go on for a time whatever happens to its key.
func openKeyDownload(t *testing.T, a *App, name, key string, d time.Duration) *Stream {
	t.Helper()
	return openKeyStreamUntil(t, a, name, key, nothing, func(ctx context.Context) context.Context { return a.UntilEndAfter(ctx, d) })
}

func openKeyStreamUntil(t *testing.T, a *App, name, key string, before func(), untilEnd func(context.Context) context.Context) *Stream {
	t.Helper()
	s := &Stream{t: t, ended: make(chan error, 1)}
	begun := make(chan struct{})
	a.Mux.Handle("/stream/"+name, a.RequireAPIKey()(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		before()
		ctx := untilEnd(r.Context())
		close(begun)
		<-ctx.Done()
		s.ended <- context.Cause(ctx)
	})))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL+"/stream/"+name, nil)
	require.NoError(t, err)
	r.Header = Bearer(key)
	go func() {
		if resp, err := a.client.RoundTrip(r); err == nil {
			resp.Body.Close()
		}
	}()
	<-begun
	return s
}

func nothing() {}

func TestAStreamWithAnAPIKeyEndsAtTheExpiryOfTheKey(t *testing.T) {
	a := NewAPIKeyApp(t)
	key := a.Fake.AddAPIKey(authkittest.APIKey{ID: "api_key_short", Name: "short", OrganizationID: "org_acme", ExpiresAt: a.Clock.Now().Add(time.Hour)})
	s := openKeyStream(t, a, "short", key, nothing)
	a.Clock.Advance(time.Hour - time.Second)
	assert.True(t, s.IsOpen())
	a.Clock.Advance(time.Second)
	assert.ErrorIs(t, s.Cause(), authkit.ErrUnauthenticated)
}

func TestAStreamWithAnAPIKeyEndsWhenItsRevocationBecomesKnown(t *testing.T) {
	for _, event := range []string{workos.EventAPIKeyRevoked, workos.EventAPIKeyUpdated} {
		t.Run(event, func(t *testing.T) {
			a, c, ci, other := newChangingKeys(t)
			revoked, kept := openKeyStream(t, a, "ci", ci, nothing), openKeyStream(t, a, "other", other, nothing)
			a.Clock.Advance(24 * time.Hour)
			require.True(t, revoked.IsOpen(), "a key without an expiry")
			c.Now(event, keyData("ci"))
			assert.ErrorIs(t, revoked.Cause(), authkit.ErrUnauthenticated)
			assert.True(t, kept.IsOpen(), "the stream of another key")

			c.Now(event, keyData("other"))
			assert.ErrorIs(t, kept.Cause(), authkit.ErrUnauthenticated)
			if event == workos.EventAPIKeyUpdated {
				a.after()
				again := openKeyStream(t, a, "again", ci, nothing)
				assert.True(t, again.IsOpen(), "the key was validated after the change")
				c.Now(event, keyData("ci"))
				assert.ErrorIs(t, again.Cause(), authkit.ErrUnauthenticated)
			}
		})
	}
}

func TestAnAPIKeyThatIsRevokedBeforeItsHandlerCallsUntilEndEndsTheStream(t *testing.T) {
	a, c, ci, _ := newChangingKeys(t)
	s := openKeyStream(t, a, "ci", ci, func() { c.Now(workos.EventAPIKeyRevoked, keyData("ci")) })
	assert.ErrorIs(t, s.Cause(), authkit.ErrUnauthenticated)
}

// The mark of a change is kept for an hour or so. The download must not forget it.
func TestADownloadWithAnAPIKeyEndsAfterItsTimeIfTheKeyWasRevokedLongBefore(t *testing.T) {
	a, c, ci, other := newChangingKeys(t)
	revoked := openKeyDownload(t, a, "ci", ci, 24*time.Hour)
	kept := openKeyDownload(t, a, "other", other, 24*time.Hour)
	c.Now(workos.EventAPIKeyRevoked, keyData("ci"))
	a.Clock.Advance(24*time.Hour - time.Second)
	assert.True(t, revoked.IsOpen())
	a.Clock.Advance(time.Second)
	assert.ErrorIs(t, revoked.Cause(), authkit.ErrUnauthenticated)
	assert.True(t, kept.IsOpen(), "the download of another key")
}

// The other instance learns of the event from the log of the store, which a stream reads each minute.
func TestAStreamWithAnAPIKeyEndsWhenAnotherInstanceLearnsOfTheRevocation(t *testing.T) {
	first := NewApp(t, AppOptions{})
	store := authkit.WithStore(authkittest.NewMemoryStore(first.Clock))
	one := NewInstance(t, first.Fake, first.Clock, AppOptions{AuthKit: []authkit.Option{store}})
	two := NewInstance(t, first.Fake, first.Clock, AppOptions{AuthKit: []authkit.Option{store}})
	s := openKeyStream(t, two, "ci", one.addKey("ci"), nothing)
	first.Clock.Advance(time.Second)
	ChangesOf(one).Now(workos.EventAPIKeyRevoked, keyData("ci"))
	first.Clock.Advance(time.Minute)
	assert.ErrorIs(t, s.Cause(), authkit.ErrUnauthenticated)
}
