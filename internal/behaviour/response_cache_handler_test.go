// Handlers that set caching headers of their own on a response with a session cookie.

package behaviour

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestNoHandlerCanMakeAResponseWithASessionCookieCacheable(t *testing.T) {
	forever := "public, max-age=31536000, s-maxage=31536000, immutable"
	body := func(w http.ResponseWriter) { io.WriteString(w, "page") }
	for name, handler := range map[string]http.HandlerFunc{
		"that says nothing": func(w http.ResponseWriter, _ *http.Request) { body(w) },
		"that writes nothing": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", forever)
		},
		"that says public": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", forever)
			body(w)
		},
		"that says it to every cache there is": func(w http.ResponseWriter, _ *http.Request) {
			for _, header := range []string{"Cache-Control", "CDN-Cache-Control", "Surrogate-Control", "Vercel-CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Netlify-CDN-Cache-Control"} {
				w.Header().Set(header, forever)
			}
			body(w)
		},
		"that says it in letters of its own": func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["cache-control"] = []string{forever}
			w.Header()["CDN-CACHE-CONTROL"] = []string{forever}
			w.Header()["surrogate-Control"] = []string{forever}
			body(w)
		},
		"that says it twice": func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Cache-Control"] = []string{"private", forever}
			body(w)
		},
		"that varies on something else": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", forever)
			w.Header().Set("Vary", "Accept-Encoding")
			body(w)
		},
		"that has a status": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", forever)
			w.WriteHeader(http.StatusNotFound)
		},
		"that has not changed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", forever)
			w.WriteHeader(http.StatusNotModified)
		},
		"that flushes first": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", forever)
			_ = http.NewResponseController(w).Flush()
			body(w)
		},
		"that copies a file": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", forever)
			_, _ = w.(io.ReaderFrom).ReadFrom(strings.NewReader("page"))
		},
		"that serves a file": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", forever)
			http.ServeContent(w, r, "style.css", Start, strings.NewReader("page"))
		},
		"that redirects": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", forever)
			http.Redirect(w, r, "/elsewhere", http.StatusMovedPermanently)
		},
		"that hints first": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", forever)
			w.WriteHeader(http.StatusEarlyHints)
			body(w)
		},
		"that answers an error": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", forever)
			http.Error(w, "no", http.StatusTeapot)
		},
		"that is given up on": http.TimeoutHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		}), time.Millisecond, "late").ServeHTTP,
	} {
		t.Run(name, func(t *testing.T) {
			m := newPlainApp(t)
			m.Mux.Handle("GET /page", handler)
			m.Mux.Handle("GET /own", m.AuthKit.RequireAuth(handler))
			for _, path := range []string{"/page", "/own"} {
				cookie := m.signIn(Kim)
				m.ExpireToken(0)
				resp := m.Send(Request{Target: path, Cookie: cookie, Header: Navigation()})
				keptFromCaches(t, resp, path)
				assert.Equal(t, Kim, m.visitor(resp.session(t)))
			}
			// One that is cleared away is as little for others.
			cookie := m.signIn(Kim)
			sessions := m.Fake.Sessions()
			m.Fake.RevokeSession(sessions[len(sessions)-1].ID)
			m.ExpireToken(2 * time.Minute)
			resp := m.Send(Request{Target: "/page", Cookie: cookie, Header: Navigation()})
			keptFromCaches(t, resp, "the end of a session")
			assert.Empty(t, resp.session(t))
		})
	}
}
