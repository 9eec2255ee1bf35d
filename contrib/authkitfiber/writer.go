// The http.ResponseWriter over the response of fasthttp.

package authkitfiber

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"
)

// writer lets net/http code see and change the header of a fasthttp response, and answer
// the request. The header of fasthttp and its copy here are made equal when net/http code
// begins and ends.
type writer struct {
	ctx     *fasthttp.RequestCtx
	header  http.Header // what net/http code sees and changes
	loaded  http.Header // a copy of header, as it was when it was equal to that of fasthttp
	passing bool        // the fiber handlers answer, and not net/http code
	began   bool        // net/http code has begun its answer
}

// newWriter returns a writer with the header of the response.
func newWriter(ctx *fasthttp.RequestCtx) *writer {
	w := &writer{ctx: ctx, header: http.Header{}}
	w.load()
	return w
}

// isTimedOut reports whether fiber's timeout middleware has answered the request. A handler
// may then still use the response of fasthttp in another goroutine.
func (w *writer) isTimedOut() bool { return w.ctx.LastTimeoutErrorResponse() != nil }

// load copies the header of fasthttp.
func (w *writer) load() {
	clear(w.header)
	if w.isTimedOut() {
		w.loaded = nil
		return
	}
	for name, value := range w.ctx.Response.Header.All() {
		switch key := http.CanonicalHeaderKey(string(name)); {
		case isManaged(key), key == "Content-Type" && string(value) == defaultContentType:
		default:
			w.header[key] = append(w.header[key], string(value))
		}
	}
	w.loaded = w.header.Clone()
}

// defaultContentType is the type of a fasthttp response without a type. net/http code sees
// no type then, so that the type of its answer is detected.
const defaultContentType = "text/plain; charset=utf-8"

// isManaged reports whether fasthttp sets a header field itself.
func isManaged(key string) bool {
	return key == "Content-Length" || key == "Transfer-Encoding" || key == "Trailer"
}

// store makes the changes of net/http code in the header of fasthttp.
func (w *writer) store() {
	if w.isTimedOut() {
		return
	}
	names := maps.Clone(w.header)
	maps.Copy(names, w.loaded)
	for name := range names {
		if before, after := w.loaded[name], w.header[name]; !isManaged(name) && !slices.Equal(before, after) {
			w.replace(name, before, after)
		}
	}
	w.loaded = w.header.Clone()
}

// replace changes the lines of a header field from before to after. A line that a fiber
// handler has added or removed meanwhile, inside of [Do], stays so.
func (w *writer) replace(name string, before, after []string) {
	h := &w.ctx.Response.Header
	var lines, names []string
	for key, value := range h.All() {
		if http.CanonicalHeaderKey(string(key)) == name && (name != "Content-Type" || string(value) != defaultContentType) {
			lines, names = append(lines, string(value)), append(names, string(key))
		}
	}
	if slices.Equal(lines, before) {
		lines = after
	} else {
		lines = append(without(lines, without(before, after)), without(after, before)...)
	}
	for _, key := range names {
		h.Del(key)
	}
	for _, line := range lines {
		h.Add(name, noNewlines.Replace(line))
	}
}

// without returns the lines that are not in others.
func without(lines, others []string) (rest []string) {
	for _, line := range lines {
		if !slices.Contains(others, line) {
			rest = append(rest, line)
		}
	}
	return rest
}

// noNewlines is what the server of net/http does with a header value. fasthttp writes it
// as it is.
var noNewlines = strings.NewReplacer("\r", " ", "\n", " ")

func (w *writer) Header() http.Header { return w.header }

// WriteHeader begins the answer of net/http code. If the fiber handlers have answered, it
// only takes the complete header.
func (w *writer) WriteHeader(status int) {
	switch {
	case status < 200 && status != http.StatusSwitchingProtocols:
	case w.passing:
		w.store()
	default:
		w.begin(status)
	}
}

// begin begins an answer that replaces what the response has.
func (w *writer) begin(status int) {
	if w.began || w.isTimedOut() {
		return
	}
	w.began = true
	w.ctx.Response.ResetBody()
	w.ctx.SetStatusCode(status)
}

// errAnswered is the error of a middleware that writes to a response of fiber handlers.
var errAnswered = errors.New("authkitfiber: the fiber handlers have written the body")

func (w *writer) Write(b []byte) (int, error) {
	switch {
	case w.isTimedOut():
		return 0, http.ErrHandlerTimeout
	case w.passing:
		return 0, errAnswered
	}
	w.begin(http.StatusOK)
	if _, typed := w.header["Content-Type"]; !typed && len(b) > 0 && w.header.Get("Content-Encoding") == "" {
		w.header.Set("Content-Type", http.DetectContentType(b))
	}
	w.ctx.Response.AppendBody(b)
	return len(b), nil
}

func (w *writer) WriteString(s string) (int, error) { return w.Write([]byte(s)) }
