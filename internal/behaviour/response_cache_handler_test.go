// Handlers that set caching headers on a response that sets or clears the session cookie.

package behaviour

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

const cacheForever = "public, max-age=31536000, s-maxage=31536000, immutable"

func writePage(w http.ResponseWriter) { io.WriteString(w, "page") }

// cachingHandlers holds handlers that set caching headers and finish their responses in different ways.
var cachingHandlers = map[string]http.HandlerFunc{
	"sets no header": func(w http.ResponseWriter, _ *http.Request) { writePage(w) },
	"writes no body": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", cacheForever)
	},
	"sets public": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", cacheForever)
		writePage(w)
	},
	"sets the headers of all caches": func(w http.ResponseWriter, _ *http.Request) {
		for _, header := range []string{"Cache-Control", "CDN-Cache-Control", "Surrogate-Control", "Vercel-CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Netlify-CDN-Cache-Control"} {
			w.Header().Set(header, cacheForever)
		}
		writePage(w)
	},
	"sets the headers in another letter case": func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["cache-control"] = []string{cacheForever}
		w.Header()["CDN-CACHE-CONTROL"] = []string{cacheForever}
		w.Header()["surrogate-Control"] = []string{cacheForever}
		writePage(w)
	},
	"sets Cache-Control twice": func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Cache-Control"] = []string{"private", cacheForever}
		writePage(w)
	},
	"sets Vary": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", cacheForever)
		w.Header().Set("Vary", "Accept-Encoding")
		writePage(w)
	},
	"answers 404": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", cacheForever)
		w.WriteHeader(http.StatusNotFound)
	},
	"answers 304": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", cacheForever)
		w.WriteHeader(http.StatusNotModified)
	},
	"flushes first": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", cacheForever)
		_ = http.NewResponseController(w).Flush()
		writePage(w)
	},
	"copies a body": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", cacheForever)
		_, _ = w.(io.ReaderFrom).ReadFrom(strings.NewReader("page"))
	},
	"serves a file": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", cacheForever)
		http.ServeContent(w, r, "style.css", Start, strings.NewReader("page"))
	},
	"redirects": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", cacheForever)
		http.Redirect(w, r, "/elsewhere", http.StatusMovedPermanently)
	},
	"sends early hints first": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", cacheForever)
		w.WriteHeader(http.StatusEarlyHints)
		writePage(w)
	},
	"answers with an error": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", cacheForever)
		http.Error(w, "no", http.StatusTeapot)
	},
	"times out": http.TimeoutHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	}), time.Millisecond, "late").ServeHTTP,
}

func TestNoHandlerCanMakeAResponseWithASessionCookieCacheable(t *testing.T) {
	a := newPlainApp(t)
	cookie := a.signIn(Kim)
	for i, name := range slices.Sorted(maps.Keys(cachingHandlers)) {
		t.Run(name, func(t *testing.T) {
			for kind, handler := range map[string]http.Handler{"page": cachingHandlers[name], "own": a.RequireAuth(cachingHandlers[name])} {
				path := fmt.Sprintf("/%s/%d", kind, i)
				a.Mux.Handle("GET "+path, handler)
				a.ExpireToken(0)
				resp := a.Send(Request{Target: path, Cookie: cookie, Header: Navigation()})
				checkNotCacheable(t, resp, path)
				cookie = resp.session(t)
				assert.Equal(t, Kim, a.visitor(cookie))
			}
		})
	}
}

func TestNoHandlerCanMakeAResponseThatClearsTheSessionCookieCacheable(t *testing.T) {
	a := newPlainApp(t)
	for i, name := range slices.Sorted(maps.Keys(cachingHandlers)) {
		t.Run(name, func(t *testing.T) {
			path := fmt.Sprintf("/page/%d", i)
			a.Mux.Handle("GET "+path, cachingHandlers[name])
			cookie := a.signIn(Kim)
			sessions := a.Fake.Sessions()
			a.Fake.RevokeSession(sessions[len(sessions)-1].ID)
			a.ExpireToken(2 * time.Minute)
			resp := a.Send(Request{Target: path, Cookie: cookie, Header: Navigation()})
			checkNotCacheable(t, resp, "the end of a session")
			assert.Empty(t, resp.session(t))
		})
	}
}
