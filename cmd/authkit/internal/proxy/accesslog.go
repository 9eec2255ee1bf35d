// The access log: one line for each request, without a query and without a secret.

package proxy

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/authkit-go/authkit"
)

// accessEntry collects what a line of the log says.
type accessEntry struct {
	http.ResponseWriter
	status int
	bytes  int64
	user   string
	key    string
}

// accessKey is the context key of an *accessEntry.
type accessKey struct{}

// noteUser records who has sent a request, for the log.
func noteUser(ctx context.Context) {
	entry, ok := ctx.Value(accessKey{}).(*accessEntry)
	if !ok {
		return
	}
	if key, ok := authkit.APIKeyFromContext(ctx); ok {
		entry.key = key.ID
	} else if session, ok := authkit.FromContext(ctx); ok {
		entry.user = session.UserID()
	}
}

// logged returns a handler that writes the log of next.
func logged(next http.Handler, log *slog.Logger, client func(*http.Request) string, now func() time.Time) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := now()
		entry := &accessEntry{ResponseWriter: w}
		defer func() {
			if entry.status == 0 {
				entry.status = http.StatusOK
			}
			attrs := []slog.Attr{
				slog.String("method", r.Method), slog.String("host", r.Host), slog.String("path", r.URL.EscapedPath()), slog.Int("status", entry.status),
				slog.Int64("bytes", entry.bytes), slog.Duration("duration", now().Sub(start)), slog.String("client", client(r)),
			}
			if entry.user != "" {
				attrs = append(attrs, slog.String("user_id", entry.user))
			}
			if entry.key != "" {
				attrs = append(attrs, slog.String("api_key_id", entry.key))
			}
			log.LogAttrs(r.Context(), slog.LevelInfo, "request", attrs...)
		}()
		next.ServeHTTP(entry, r.WithContext(context.WithValue(r.Context(), accessKey{}, entry)))
	})
}

func (e *accessEntry) WriteHeader(status int) {
	if e.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		e.status = status
	}
	e.ResponseWriter.WriteHeader(status)
}

func (e *accessEntry) Write(b []byte) (int, error) {
	n, err := e.ResponseWriter.Write(b)
	e.bytes += int64(n)
	return n, err
}

func (e *accessEntry) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(e.ResponseWriter, r)
	e.bytes += n
	return n, err
}

// Hijack is for an upgrade, whose header is not written through WriteHeader.
func (e *accessEntry) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(e.ResponseWriter).Hijack()
	if err == nil {
		e.status = http.StatusSwitchingProtocols
	}
	return conn, rw, err
}

func (e *accessEntry) Unwrap() http.ResponseWriter { return e.ResponseWriter }
