// The response of the upstream: no cookies that only authkit may set, and no guarded page for shared caches.

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

// setsOwnCookie reports whether AuthKit.StripCookies would remove the cookie of a line of Set-Cookie. A cookie without a name
// ("=authkit-session=x") comes back as its value alone (RFC 6265bis, section 5.8.3).
func (g *Gate) setsOwnCookie(line string) bool {
	pair, _, _ := strings.Cut(line, ";")
	pair = strings.TrimSpace(pair)
	if value, isNameless := strings.CutPrefix(pair, "="); isNameless {
		pair = strings.TrimSpace(value)
	}
	r := &http.Request{Header: http.Header{"Cookie": {pair}}}
	g.authKit.StripCookies(r)
	return len(r.Header["Cookie"]) == 0
}

// responseFilter is the writer of the handler behind the gate. The writer inside, of the middleware, may add cookies of authkit
// afterwards.
type responseFilter struct {
	http.ResponseWriter
	gate         *Gate
	guarded      bool
	identified   bool     // the upstream was told who the user is
	cacheControl []string // what the guards have set, for a response without one
	sent         bool     // the final header was written
}

// newResponseFilter takes Cache-Control out of the header, because a reverse proxy adds that of the upstream to what is there.
func newResponseFilter(w http.ResponseWriter, g *Gate, guarded, identified bool) *responseFilter {
	f := &responseFilter{ResponseWriter: w, gate: g, guarded: guarded, identified: identified, cacheControl: w.Header()["Cache-Control"]}
	delete(w.Header(), "Cache-Control")
	return f
}

// filter completes a header.
func (w *responseFilter) filter(final bool) {
	if w.sent {
		return
	}
	w.sent = final
	h := w.Header()
	w.gate.RemoveOwnCookies(h)
	w.gate.removeFromAnnouncement(h)
	if w.guarded {
		removeSharedCacheControl(h)
	}
	switch {
	case !final:
	case len(h["Cache-Control"]) == 0 && len(w.cacheControl) > 0:
		h["Cache-Control"] = w.cacheControl
	case w.guarded && len(h["Cache-Control"]) > 0:
		makePrivate(h)
	case w.identified && len(h["Cache-Control"]) == 0:
		h["Cache-Control"] = []string{"private"}
	}
}

// finish completes the header of a handler that has written nothing, and the trailer. The server writes both after the handler.
func (w *responseFilter) finish() {
	w.filter(true)
	w.gate.removeUnannounced(w.Header())
}

// makePrivate keeps a response out of shared caches (RFC 9111, section 5.2.2.7). The upstream may not know that it is guarded.
func makePrivate(h http.Header) {
	kept := []string{"private"}
	for _, line := range h["Cache-Control"] {
		if strings.Contains(line, `"`) { // of a field list, which may have commas
			kept = []string{"private", "no-store"}
			break
		}
		for directive := range strings.SplitSeq(line, ",") {
			directive = strings.TrimSpace(directive)
			name, _, _ := strings.Cut(strings.ToLower(directive), "=")
			if name != "" && name != "public" && name != "private" && name != "s-maxage" {
				kept = append(kept, directive)
			}
		}
	}
	h["Cache-Control"] = []string{strings.Join(kept, ", ")}
}

// removeSharedCacheControl removes the headers that shared caches obey instead of Cache-Control: those of CDNs (RFC 9213), of Akamai,
// and of nginx.
func removeSharedCacheControl(h http.Header) {
	for name := range h {
		switch normal := normalName(name); {
		case strings.HasSuffix(normal, "cdn-cache-control"), normal == "surrogate-control", normal == "edge-control", normal == "x-accel-expires":
			delete(h, name)
		}
	}
}

func (w *responseFilter) WriteHeader(status int) {
	w.filter(status >= 200 || status == http.StatusSwitchingProtocols)
	w.ResponseWriter.WriteHeader(status)
}

func (w *responseFilter) Write(b []byte) (int, error) {
	w.filter(true)
	return w.ResponseWriter.Write(b)
}

// ReadFrom lets the server's writer use sendfile and splice.
func (w *responseFilter) ReadFrom(r io.Reader) (int64, error) {
	w.filter(true)
	return io.Copy(w.ResponseWriter, r)
}

// FlushError is for http.ResponseController.
func (w *responseFilter) FlushError() error {
	w.filter(true)
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Flush is for handlers that ask for http.Flusher.
func (w *responseFilter) Flush() { _ = w.FlushError() }

// Hijack is for an upgrade, whose header is written without this writer.
func (w *responseFilter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.filter(true)
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// Unwrap lets http.ResponseController find the other methods of the server's writer.
func (w *responseFilter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
