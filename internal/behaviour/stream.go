// Long requests: streams and downloads that wait for the end of their sessions.

package behaviour

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Stream is a long request that waits for the end of its session.
type Stream struct {
	t     testing.TB
	ended chan error // gets the cause
}

// Cause waits for the end of the stream and returns its cause.
func (s *Stream) Cause() error {
	s.t.Helper()
	select {
	case err := <-s.ended:
		return err
	case <-time.After(10 * time.Second):
		require.Fail(s.t, "the stream has not ended")
		return nil
	}
}

// IsOpen reports whether the stream has not ended.
func (s *Stream) IsOpen() bool { return len(s.ended) == 0 }

// OpenStream starts a long request and waits until its handler runs. The client leaves when ctx ends.
func OpenStream(ctx context.Context, t testing.TB, a *App, cookie string) *Stream {
	t.Helper()
	return openUntil(ctx, t, a, cookie, a.UntilEnd)
}

// OpenDownload is OpenStream for a response that may go on for a time whatever happens to its session.
func OpenDownload(t testing.TB, a *App, cookie string, d time.Duration) *Stream {
	t.Helper()
	return openUntil(t.Context(), t, a, cookie, func(ctx context.Context) context.Context { return a.UntilEndAfter(ctx, d) })
}

// openUntil starts a request whose handler returns when the context of until ends.
func openUntil(ctx context.Context, t testing.TB, a *App, cookie string, until func(context.Context) context.Context) *Stream {
	t.Helper()
	s := &Stream{t: t, ended: make(chan error, 1)}
	begun := make(chan struct{})
	a.Mux.Handle("/stream/"+t.Name(), a.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ctx := until(r.Context())
		close(begun)
		<-ctx.Done()
		s.ended <- context.Cause(ctx)
	})))
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL+"/stream/"+t.Name(), nil)
	require.NoError(t, err)
	r.Header.Set("Cookie", cookie)
	go func() {
		if resp, err := a.client.RoundTrip(r); err == nil {
			resp.Body.Close()
		}
	}()
	<-begun
	return s
}
