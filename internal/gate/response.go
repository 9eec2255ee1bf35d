// The response of the upstream, without cookies that only authkit may set.

package gate

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
)

// RemoveOwnCookies removes the lines of Set-Cookie that set a cookie of authkit: an upstream must not replace a session. A proxy
// needs it only for a response that it does not write through the ResponseWriter of [Gate.Serve], such as that of an upgrade.
func (g *Gate) RemoveOwnCookies(h http.Header) {
	lines := h["Set-Cookie"]
	if len(lines) == 0 {
		return
	}
	kept := slices.DeleteFunc(slices.Clone(lines), g.setsOwnCookie)
	switch {
	case len(kept) == len(lines):
	case len(kept) == 0:
		delete(h, "Set-Cookie")
	default:
		h["Set-Cookie"] = kept
	}
}

// setsOwnCookie reports whether AuthKit.StripCookies would remove the cookie of a line of Set-Cookie.
func (g *Gate) setsOwnCookie(line string) bool {
	pair, _, _ := strings.Cut(line, ";")
	r := &http.Request{Header: http.Header{"Cookie": {strings.TrimSpace(pair)}}}
	g.authKit.StripCookies(r)
	return len(r.Header["Cookie"]) == 0
}

// cookieFilter is the writer of the handler behind the gate. The writer inside, of the middleware, may add cookies of authkit
// afterwards.
type cookieFilter struct {
	http.ResponseWriter
	gate *Gate
	sent bool // the final header was written
}

func (w *cookieFilter) filter() {
	if !w.sent {
		w.gate.RemoveOwnCookies(w.Header())
	}
}

func (w *cookieFilter) WriteHeader(status int) {
	w.filter()
	w.sent = w.sent || status >= 200 || status == http.StatusSwitchingProtocols
	w.ResponseWriter.WriteHeader(status)
}

func (w *cookieFilter) Write(b []byte) (int, error) {
	w.filter()
	w.sent = true
	return w.ResponseWriter.Write(b)
}

// ReadFrom lets the server's writer use sendfile and splice.
func (w *cookieFilter) ReadFrom(r io.Reader) (int64, error) {
	w.filter()
	w.sent = true
	return io.Copy(w.ResponseWriter, r)
}

// FlushError is for http.ResponseController.
func (w *cookieFilter) FlushError() error {
	w.filter()
	w.sent = true
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Flush is for handlers that ask for http.Flusher.
func (w *cookieFilter) Flush() { _ = w.FlushError() }

// Hijack is for an upgrade, whose header is written without this writer.
func (w *cookieFilter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.filter()
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// Unwrap lets http.ResponseController find the other methods of the server's writer.
func (w *cookieFilter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
