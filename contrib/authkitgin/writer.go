// The two writers around a middleware of net/http: the one that it writes to, and the one that handlers of gin write to.

package authkitgin

import (
	"bufio"
	"io"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"
)

// serverWriter is what a middleware of net/http writes to: a writer of gin, except that WriteHeader writes the header, as in
// net/http. That of gin stores the status, and later changes of the header are still sent.
type serverWriter struct {
	gin.ResponseWriter
	later bool // WriteHeader stores the status
}

func (w *serverWriter) WriteHeader(status int) {
	if 100 <= status && status < 200 && status != http.StatusSwitchingProtocols {
		// gin has no informational responses (RFC 9110, section 15.2). It would store the status as the final one.
		if server, ok := w.ResponseWriter.(interface{ Unwrap() http.ResponseWriter }); ok {
			server.Unwrap().WriteHeader(status)
		}
		return
	}
	w.ResponseWriter.WriteHeader(status)
	if !w.later {
		w.WriteHeaderNow()
	}
}

// Unwrap lets http.ResponseController find the server's writer.
func (w *serverWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// handlerWriter is the writer of handlers of gin behind a middleware of net/http that has passed a writer of its own. It
// behaves as that of gin: the header is written with the first byte of the body, and the status may change until then. It
// writes through the middleware's writer. CloseNotify and Pusher are those of the server.
type handlerWriter struct {
	*serverWriter
	guard  http.ResponseWriter // the middleware's writer
	status int
	size   int  // the bytes of the body, -1 before the header is written
	set    bool // a handler has set the status
}

func (w *handlerWriter) Header() http.Header         { return w.guard.Header() }
func (w *handlerWriter) Unwrap() http.ResponseWriter { return w.guard }
func (w *handlerWriter) Status() int                 { return w.status }
func (w *handlerWriter) Size() int                   { return w.size }
func (w *handlerWriter) Written() bool               { return w.size >= 0 }

// WriteHeader stores the status. As in gin, -1 keeps the status that is set.
func (w *handlerWriter) WriteHeader(status int) {
	switch {
	case status <= 0:
	case w.Written():
		w.serverWriter.ResponseWriter.WriteHeader(status) // gin prints a warning in debug mode
	default:
		w.status, w.set = status, true
	}
}

func (w *handlerWriter) WriteHeaderNow() {
	if !w.Written() {
		w.size = 0
		w.guard.WriteHeader(w.status)
	}
}

func (w *handlerWriter) Write(b []byte) (int, error) {
	w.WriteHeaderNow()
	n, err := w.guard.Write(b)
	w.size += n
	return n, err
}

func (w *handlerWriter) WriteString(s string) (int, error) {
	w.WriteHeaderNow()
	n, err := io.WriteString(w.guard, s)
	w.size += n
	return n, err
}

func (w *handlerWriter) Flush() {
	w.WriteHeaderNow()
	_ = http.NewResponseController(w.guard).Flush() // gin.ResponseWriter has no error
}

func (w *handlerWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.guard).Hijack()
	if err == nil && !w.Written() {
		w.size = 0
	}
	return conn, buffered, err
}

// finish gives a status that is set but not written to the middleware's writer, which completes the header. The status stays
// open: a handler of gin before the middleware may still change it and write a body, as it does for gin.Context.Error.
func (w *handlerWriter) finish() {
	if !w.set || w.Written() {
		return
	}
	w.set, w.later = false, true
	defer func() { w.later = false }()
	w.guard.WriteHeader(w.status)
}
