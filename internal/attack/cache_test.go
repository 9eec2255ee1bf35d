// Shared caches: line 28 of the list.

package attack_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// keptFromCaches holds a response that sets a cookie of authkit's against what keeps it out of every shared cache.
func keptFromCaches(t *testing.T, resp response, why string) {
	t.Helper()
	require.NotEmpty(t, resp.header["Set-Cookie"], why)
	for name, values := range resp.header {
		switch name = strings.ToLower(name); {
		case name == "cache-control":
			assert.Equal(t, []string{"private, no-store"}, values, why)
		case strings.HasSuffix(name, "cache-control"), name == "surrogate-control":
			t.Errorf("%s: %s: %q", why, name, values)
		}
	}
	assert.Equal(t, "private, no-store", resp.header.Get("Cache-Control"), why)
	assert.Contains(t, strings.Join(resp.header["Vary"], ", "), "Cookie", why)
}

func TestEveryResponseThatSetsACookieIsKeptFromCaches(t *testing.T) {
	everywhere(t, func(t *testing.T, a *target) {
		keptFromCaches(t, a.send(request{path: "/login", header: navigation()}), "sign-in")
		keptFromCaches(t, a.send(request{path: "/account", header: navigation()}), "a guarded page")
		s := a.begin("/login", kim)
		keptFromCaches(t, a.send(request{path: s.with("code", "") + "&error=x", cookie: s.cookie, header: navigation()}), "a refused callback")
		keptFromCaches(t, a.send(request{path: "/callback?code=x", header: navigation()}), "a callback without a state")
		back := a.finish(a.begin("/login", kim))
		keptFromCaches(t, back, "the callback")
		keptFromCaches(t, a.send(request{method: "POST", path: "/logout", cookie: back.session(t), header: navigation()}), "sign-out")

		private := a.send(request{path: "/account", cookie: a.signIn(kim), header: navigation()})
		assert.Equal(t, "private, no-store", private.header.Get("Cache-Control"), "nor is a page of somebody's, though it sets none")
		assert.Contains(t, strings.Join(private.header["Vary"], ", "), "Cookie")
	})
}

// A session whose signing key has been withdrawn is refreshed on the way to a page: in a new process at once, since it
// has no older keys.
func TestAnExampleKeepsAPageThatCarriesARefreshedCookieFromCaches(t *testing.T) {
	for _, example := range []string{"stdlib", "chi"} {
		t.Run(example, func(t *testing.T) {
			fake, err := authkittest.Start(people())
			require.NoError(t, err)
			password := newPassword()
			cookie := start(t, example, fake, password).target(t).signIn(kim)
			fake.RotateSigningKeys()
			a := start(t, example, fake, password).target(t)
			resp := a.send(request{path: "/", cookie: cookie, header: navigation()})
			assert.Equal(t, http.StatusOK, resp.status)
			assert.Equal(t, 1, fake.Calls(authkittest.RouteRefresh))
			keptFromCaches(t, resp, "the home page")
			assert.Equal(t, kim, a.visitor(resp.session(t)))
		})
	}
}

func TestAHandlerThatWantsToBeCachedIsNotWhereItCarriesARefreshedCookie(t *testing.T) {
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
			http.ServeContent(w, r, "style.css", startOfTime, strings.NewReader("page"))
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
			m := newMinimal(t)
			m.mux.Handle("GET /page", handler)
			m.mux.Handle("GET /own", m.authkit.RequireAuth(handler))
			for _, path := range []string{"/page", "/own"} {
				cookie := m.signIn(kim)
				m.expireTokens(0)
				resp := m.send(request{path: path, cookie: cookie, header: navigation()})
				keptFromCaches(t, resp, path)
				assert.Equal(t, kim, m.visitor(resp.session(t)))
			}
			// One that is cleared away is as little for others.
			cookie := m.signIn(kim)
			sessions := m.fake.Sessions()
			m.fake.RevokeSession(sessions[len(sessions)-1].ID)
			m.expireTokens(2 * time.Minute)
			resp := m.send(request{path: "/page", cookie: cookie, header: navigation()})
			keptFromCaches(t, resp, "the end of a session")
			assert.Empty(t, resp.session(t))
		})
	}
}
