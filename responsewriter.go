// The middleware's last word on a response.

package authkit

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
)

// The middleware has the last word on a few headers, whatever the handler said
// about them. It stands between the handler and the server's ResponseWriter
// for that, and offers the handler exactly the optional interfaces that the
// server's writer has.

// protectedWriter is that writer.
type responseWriter struct {
	http.ResponseWriter
	auth    *requestAuth
	request *http.Request
	sent    bool      // the final header is out
	vary    [1]string // what Vary is where the handler says nothing
}

// asTheServers is the writer to hand to a handler.
func (p *responseWriter) matchInterfaces() http.ResponseWriter {
	_, flushes := p.ResponseWriter.(http.Flusher)
	_, hijacks := p.ResponseWriter.(http.Hijacker)
	_, pushes := p.ResponseWriter.(http.Pusher)
	switch {
	case flushes && hijacks: // HTTP/1
		return hijackWriter{flushWriter{p}}
	case flushes && pushes: // HTTP/2
		return pushWriter{flushWriter{p}}
	case flushes:
		return flushWriter{p}
	}
	return p
}

// lastWord makes the response vary on Cookie. What a guard let through is
// private unless the handler said otherwise; http.ServeContent, for one, takes
// that header off its errors. And a response that sets a cookie of ours is
// kept out of every shared cache: one that was stored with its Set-Cookie would
// sign other people in.
func (p *responseWriter) finalizeHeaders() { p.decide(true) }

// decide is lastWord for a header that may not be the final one. An
// informational response clears no cookie: another header follows, and the
// browser may sign in until then.
func (p *responseWriter) decide(final bool) {
	if p.sent {
		return
	}
	h, owner := p.Header(), p.auth.authKit
	if _, said := h["Vary"]; said {
		varyOn(h, "Cookie")
	} else {
		p.vary[0] = "Cookie"
		h["Vary"] = p.vary[:]
	}
	if owner.bearerVerifier != nil {
		varyOn(h, "Authorization")
	}
	if p.auth.guarded.Load() && h.Get("Cache-Control") == "" {
		noStore(h)
	}
	if kept := p.auth.pending.Load(); kept != nil {
		switch {
		case !kept.clear:
			p.auth.pending.CompareAndSwap(kept, owner.finalizeSession(h, p.request, kept))
		case final:
			p.auth.pending.CompareAndSwap(kept, owner.finalizeClear(p.ResponseWriter, p.request, kept))
		}
	}
	for _, line := range h["Set-Cookie"] {
		if !owner.cookies.SetsOwned(line) {
			continue
		}
		for name := range h {
			// A handler may have set a name in letters of its own.
			if canonical := http.CanonicalHeaderKey(name); canonical == "Cache-Control" || canonical == "Surrogate-Control" ||
				strings.HasSuffix(canonical, "Cdn-Cache-Control") {
				delete(h, name)
			}
		}
		noStore(h)
		return
	}
}

func (p *responseWriter) WriteHeader(status int) {
	// An informational response (RFC 9110, section 15.2) is followed by
	// another header.
	final := status >= 200 || status == http.StatusSwitchingProtocols
	p.decide(final)
	p.sent = p.sent || final
	p.ResponseWriter.WriteHeader(status)
}

func (p *responseWriter) Write(b []byte) (int, error) {
	p.finalizeHeaders()
	p.sent = true
	return p.ResponseWriter.Write(b)
}

// WriteString spares a copy where the server's writer takes strings.
func (p *responseWriter) WriteString(s string) (int, error) {
	p.finalizeHeaders()
	p.sent = true
	return io.WriteString(p.ResponseWriter, s)
}

// FlushError is for http.ResponseController, which would otherwise flush what
// is below without the last word.
func (p *responseWriter) FlushError() error {
	p.finalizeHeaders()
	err := http.NewResponseController(p.ResponseWriter).Flush()
	p.sent = p.sent || !errors.Is(err, http.ErrNotSupported)
	return err
}

// Unwrap is for http.ResponseController.
func (p *responseWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

type flushWriter struct{ *responseWriter }

func (f flushWriter) Flush() { _ = f.FlushError() }

type hijackWriter struct{ flushWriter }

// Hijack has the last word too: who takes the connection over may write the
// header out.
func (w hijackWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.finalizeHeaders()
	return w.ResponseWriter.(http.Hijacker).Hijack()
}

// ReadFrom lets the server send a file without copying it through memory, but
// for its beginning: the server would read that before it writes the header, and
// what the header says of cookies is decided once there is something to write.
func (w hijackWriter) ReadFrom(src io.Reader) (n int64, err error) {
	if !w.sent {
		n, err = io.CopyBuffer(struct{ io.Writer }{w.responseWriter}, io.LimitReader(src, sniffed), make([]byte, sniffed))
		if err != nil || n < sniffed {
			return n, err
		}
	}
	rest, err := io.Copy(w.ResponseWriter, src)
	return n + rest, err
}

// sniffed is how much of a body the server looks at for its content type.
const sniffed = 512

type pushWriter struct{ flushWriter }

func (w pushWriter) Push(target string, opts *http.PushOptions) error {
	return w.ResponseWriter.(http.Pusher).Push(target, opts)
}
