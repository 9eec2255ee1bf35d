// The response writer of an exchange.

package contender

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// responseWriter discards the body. It implements the optional interfaces of net/http's writer for HTTP/1.1, so that
// middleware wraps it in the same way.
type responseWriter struct {
	header http.Header
	status int
}

var (
	_ http.Flusher    = (*responseWriter)(nil)
	_ http.Hijacker   = (*responseWriter)(nil)
	_ io.StringWriter = (*responseWriter)(nil)
	_ io.ReaderFrom   = (*responseWriter)(nil)
)

func (w *responseWriter) reset() {
	clear(w.header)
	w.status = 0
}

func (w *responseWriter) Header() http.Header { return w.header }

func (w *responseWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *responseWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return len(b), nil
}

func (w *responseWriter) WriteString(s string) (int, error) {
	w.WriteHeader(http.StatusOK)
	return len(s), nil
}

func (w *responseWriter) ReadFrom(src io.Reader) (int64, error) {
	w.WriteHeader(http.StatusOK)
	return io.Copy(io.Discard, src)
}

func (w *responseWriter) Flush() { w.WriteHeader(http.StatusOK) }

// Hijack returns an error, since there is no connection.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return nil, nil, http.ErrNotSupported
}
