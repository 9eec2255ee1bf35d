// The writer around the server's ResponseWriter: it completes the response header.

package authkit

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
)

// responseWriter sets Vary, Cache-Control and the session cookie just before the
// header is written, so that it sees what the handler has set.
type responseWriter struct {
	http.ResponseWriter
	auth    *requestAuth
	request *http.Request
	sent    bool      // the final header is written
	status  uint16    // of the final header, 0 if the handler has not given one
	vary    [2]string // the memory of Vary if the handler does not set it
}

// finalizeHeaders completes the final header. It does nothing once that is
// written.
func (w *responseWriter) finalizeHeaders() { w.completeHeader(true) }

// completeHeader completes a header, which is final or that of an informational
// response (RFC 9110, section 15.2). An informational response clears no cookie:
// another header follows, and the browser may sign in before that.
func (w *responseWriter) completeHeader(final bool) {
	if w.sent {
		return
	}
	h := w.Header()
	w.setVary(h)
	// http.ServeContent, for one, removes Cache-Control from its errors.
	if w.auth.guarded.Load() && h.Get("Cache-Control") == "" {
		noStore(h)
	}
	w.setSessionCookie(h, final)
	if lines := h["Set-Cookie"]; len(lines) > 0 && slices.ContainsFunc(lines, w.auth.authKit.cookies.SetsOwned) {
		keepOutOfCaches(h)
	}
}

// setVary adds the request headers that credentials come in to Vary.
func (w *responseWriter) setVary(h http.Header) {
	byHeader := w.auth.authKit.bearerVerifier != nil || w.auth.byHeader.Load()
	if _, set := h["Vary"]; !set {
		w.vary = [2]string{"Cookie", "Authorization"}
		n := 1
		if byHeader {
			n = 2
		}
		h["Vary"] = w.vary[:n:n] // a later append copies it
		return
	}
	varyOn(h, "Cookie")
	if byHeader {
		varyOn(h, "Authorization")
	}
}

// setSessionCookie sets or clears the session cookie as the request's
// [pendingCookie] says.
func (w *responseWriter) setSessionCookie(h http.Header, final bool) {
	pending, a := w.auth.pending.Load(), w.auth.authKit
	switch {
	case pending == nil:
	case !pending.clear:
		w.auth.pending.CompareAndSwap(pending, a.finalizeSession(h, w.request, pending))
	case final:
		w.auth.pending.CompareAndSwap(pending, a.finalizeClear(w.ResponseWriter, w.request, pending))
	}
}

// keepOutOfCaches replaces all cache directives of a response by "private,
// no-store". A shared cache that stored a response with its Set-Cookie would give
// the session to other clients.
func keepOutOfCaches(h http.Header) {
	for name := range h {
		// A handler may have set a name that is not in canonical form.
		if canonical := http.CanonicalHeaderKey(name); canonical == "Cache-Control" || canonical == "Surrogate-Control" ||
			strings.HasSuffix(canonical, "Cdn-Cache-Control") {
			delete(h, name)
		}
	}
	noStore(h)
}

func (w *responseWriter) WriteHeader(status int) {
	// A 101 is final: the protocol changes after it (RFC 9110, section 15.2.2).
	final := status >= 200 || status == http.StatusSwitchingProtocols
	w.completeHeader(final)
	if final && !w.sent {
		w.sent, w.status = true, uint16(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *responseWriter) Write(b []byte) (int, error) {
	w.finalizeHeaders()
	w.sent = true
	return w.ResponseWriter.Write(b)
}

// WriteString avoids a copy if the server's writer implements io.StringWriter.
func (w *responseWriter) WriteString(s string) (int, error) {
	w.finalizeHeaders()
	w.sent = true
	return io.WriteString(w.ResponseWriter, s)
}

// FlushError is for http.ResponseController. Without it, the controller would
// flush the server's writer before the header is complete.
func (w *responseWriter) FlushError() error {
	w.finalizeHeaders()
	err := http.NewResponseController(w.ResponseWriter).Flush()
	w.sent = w.sent || !errors.Is(err, http.ErrNotSupported)
	return err
}

// Unwrap lets http.ResponseController find the server's writer.
func (w *responseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// passedBy returns the AuthKit whose middleware has made the writer.
func (w *responseWriter) passedBy() *AuthKit { return w.auth.authKit }

// hasPassed reports whether an outer middleware of a has passed the request of a writer. For an anonymous request, the
// context does not say so. A writer in between must have Unwrap, as http.ResponseController needs it.
func (a *AuthKit) hasPassed(w http.ResponseWriter) bool {
	for {
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok { // as the server's writer
			return false
		}
		if own, ok := w.(interface{ passedBy() *AuthKit }); ok && own.passedBy() == a {
			return true
		}
		w = outer.Unwrap()
	}
}

func (w *responseWriter) flush() { _ = w.FlushError() }

// hijack completes the header first: a handler that takes over the connection may
// write that header itself.
func (w *responseWriter) hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.finalizeHeaders()
	return w.ResponseWriter.(http.Hijacker).Hijack()
}

func (w *responseWriter) push(target string, opts *http.PushOptions) error {
	return w.ResponseWriter.(http.Pusher).Push(target, opts)
}

// closeNotifier is http.CloseNotifier, which is deprecated. Some frameworks still need
// it: a handler of gin that streams panics without it.
type closeNotifier interface{ CloseNotify() <-chan bool }

func (w *responseWriter) closeNotify() <-chan bool {
	return w.ResponseWriter.(closeNotifier).CloseNotify()
}

// readFrom lets the server send a file without copying it through memory. Only the
// first bytes are copied. The server's own ReadFrom would read them before it
// writes the header, and the read may take long. The header must be completed
// after that, when there is a body to write.
func (w *responseWriter) readFrom(src io.Reader) (n int64, err error) {
	if !w.sent {
		n, err = io.CopyBuffer(struct{ io.Writer }{w}, io.LimitReader(src, sniffLength), make([]byte, sniffLength))
		if err != nil || n < sniffLength {
			return n, err
		}
	}
	rest, err := io.Copy(w.ResponseWriter, src)
	return n + rest, err
}

// sniffLength is how many bytes of a body the server reads to detect its content
// type.
const sniffLength = 512
