// A request: from Caddy to the gate, and on to the next handler.

package caddyauthkit

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/internal/gate"
)

// ServeHTTP answers a request, or passes it to next. The error is that of next.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	defer h.engine.use()()
	start, passed := time.Now(), false
	var err error
	// authkit reads the cookies of the request again when the header of the response is written, so it gets a copy of its own.
	h.gate.Serve(w, r.Clone(r.Context()), http.HandlerFunc(func(w http.ResponseWriter, out *http.Request) {
		passed = true
		// Placeholders of Caddy, such as {http.request.header.X-Authkit-User}, look at r. They must not show what a client has forged,
		// and a later rewrite must change the URL that they show.
		clear(r.Header)
		maps.Copy(r.Header, out.Header)
		*r.URL = *out.URL
		out.Header, out.URL = r.Header, r.URL
		setPlaceholders(out)
		err = h.forward(w, out, next)
	}))
	if h.isCallback(r.URL) || h.isRefererCallback(r) || !passed && w.Header().Get("Location") != "" {
		h.logInstead(w, r, start)
	}
	return err
}

// isCallback reports whether an address is that of the callback, with an authorization code in its query.
func (h *Handler) isCallback(u *url.URL) bool {
	return u.RawQuery != "" && h.callbacks[u.EscapedPath()]
}

// isRefererCallback is for clients that ignore the Referrer-Policy of the callback. Browsers do not.
func (h *Handler) isRefererCallback(r *http.Request) bool {
	referer := r.Referer()
	if !strings.Contains(referer, "?") {
		return false
	}
	u, err := url.Parse(referer)
	return err == nil && h.isCallback(u)
}

// logInstead takes a request out of the access log, which shows queries and the header Location, with the code or the state of a
// sign-in. It writes a line without them, if there is an access log.
func (h *Handler) logInstead(w http.ResponseWriter, r *http.Request, start time.Time) {
	recorder, logged := recorderOf(w)
	if !logged {
		return
	}
	caddyhttp.SetVar(r.Context(), caddyhttp.LogSkipVar, true)
	h.log.InfoContext(r.Context(), "authkit: handled request, which the access log leaves out because it has a code or a state",
		slog.String("method", r.Method), slog.String("host", r.Host), slog.String("path", r.URL.EscapedPath()),
		slog.String("remote_addr", r.RemoteAddr), slog.Int("status", recorder.Status()), slog.Duration("duration", time.Since(start)))
}

// recorderOf returns the recorder of the access log, which Caddy puts around the writer of a request that it will log.
func recorderOf(w http.ResponseWriter) (caddyhttp.ResponseRecorder, bool) {
	for {
		if recorder, ok := w.(caddyhttp.ResponseRecorder); ok {
			return recorder, true
		}
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil, false
		}
		w = outer.Unwrap()
	}
}

// setPlaceholders sets {http.auth.user.id}, which Caddy's access log has as user_id, and the other fields of the identity. They are
// empty for an anonymous request, except an ID that another handler has set.
func setPlaceholders(r *http.Request) {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return
	}
	for _, field := range gate.Fields {
		repl.Set("http.auth.user."+field.Name, r.Header.Get(field.Header))
	}
	id := r.Header.Get("X-Authkit-User")
	if id == "" {
		id = r.Header.Get("X-Authkit-Api-Key")
	}
	if _, isSet := repl.Get("http.auth.user.id"); id != "" || !isSet {
		repl.Set("http.auth.user.id", id)
	}
}

// isAsserted reports whether the next handler is told an identity.
func isAsserted(ctx context.Context) bool {
	if _, ok := authkit.APIKeyFromContext(ctx); ok {
		return true
	}
	_, ok := authkit.FromContext(ctx)
	return ok
}

// forward calls the next handler. A WebSocket or a stream ends with the session or the API key whose identity the handler was told.
func (h *Handler) forward(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if !isAsserted(r.Context()) {
		return next.ServeHTTP(w, r)
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	r = r.WithContext(ctx)
	endWithSession := func() (release func() bool) {
		end := h.engine.authKit.UntilEnd(ctx)
		return context.AfterFunc(end, func() { cancel(context.Cause(end)) })
	}
	if r.Header.Get("Upgrade") != "" {
		defer endWithSession()()
		return next.ServeHTTP(w, r)
	}
	stream := &streamWriter{
		ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: w},
		method:                r.Method, after: h.Session.streamAfter(), start: endWithSession,
		startAfter: func(d time.Duration) (stop func() bool) { return gate.EndAfter(ctx, h.engine.authKit, nil, d, cancel) },
	}
	defer stream.release()
	return next.ServeHTTP(stream, r)
}

// streamWriter looks at the header of a response, and binds it to its session if it is a stream: at once by its kind, and after some time
// if it has no length.
type streamWriter struct {
	*caddyhttp.ResponseWriterWrapper
	method string
	after  time.Duration // 0 for never
	begun  bool
	stop   func() bool // nil for a response that ends by itself

	start      func() (release func() bool)
	startAfter func(time.Duration) (stop func() bool)
}

func (w *streamWriter) begin(status int) {
	if w.begun {
		return
	}
	w.begun = true
	switch {
	case gate.IsStream(w.Header()):
		w.stop = w.start()
	case w.after > 0 && gate.HasNoLength(w.method, status, w.Header()):
		w.stop = w.startAfter(w.after) // what it starts ends with the request
	}
}

func (w *streamWriter) WriteHeader(status int) {
	if status >= 200 {
		w.begin(status)
	}
	w.ResponseWriterWrapper.WriteHeader(status)
}

func (w *streamWriter) Write(b []byte) (int, error) {
	w.begin(http.StatusOK)
	return w.ResponseWriterWrapper.Write(b)
}

func (w *streamWriter) release() {
	if w.stop != nil {
		w.stop()
	}
}
