// The caching headers of responses, which the middleware finalizes.

package behaviour

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
)

// cacheable sets the headers of a response that every cache may store.
func cacheable(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("CDN-Cache-Control", "public, max-age=3600")
	h.Set("Cloudflare-CDN-Cache-Control", "public, max-age=3600")
	h.Set("Surrogate-Control", "max-age=3600")
}

// answeringHandlers holds the ways in which a handler can finish the header of its response.
var answeringHandlers = map[string]func(http.ResponseWriter, *http.Request){
	"it writes nothing":            func(w http.ResponseWriter, _ *http.Request) {},
	"it writes":                    func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "body") },
	"it writes no bytes":           func(w http.ResponseWriter, _ *http.Request) { w.Write(nil) },
	"it writes a status":           func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
	"it writes an error":           func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "gone", http.StatusGone) },
	"it redirects":                 func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) },
	"it answers 304":               func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) },
	"it flushes":                   func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() },
	"it flushes with a controller": func(w http.ResponseWriter, _ *http.Request) { http.NewResponseController(w).Flush() },
	"it copies a body":             func(w http.ResponseWriter, _ *http.Request) { io.Copy(w, endingReader(100_000)) },
	"it copies an empty body":      func(w http.ResponseWriter, _ *http.Request) { io.Copy(w, endingReader(0)) },
	"it hijacks the connection": func(w http.ResponseWriter, _ *http.Request) {
		conn, buffered, _ := w.(http.Hijacker).Hijack()
		defer conn.Close()
		io.WriteString(buffered, "HTTP/1.1 200 OK\r\nConnection: close\r\n")
		w.Header().Write(buffered)
		io.WriteString(buffered, "\r\n")
		buffered.Flush()
	},
	"it sends early hints first": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusEarlyHints); cacheable(w) },
	"it copies nothing, then changes the header": func(w http.ResponseWriter, _ *http.Request) {
		io.Copy(w, endingReader(0))
		cacheable(w)
		w.Header().Set("Vary", "Accept")
		io.WriteString(w, "body")
	},
}

func TestEveryResponseVariesOnCookie(t *testing.T) {
	a := NewApp(t, AppOptions{})
	for name, answer := range answeringHandlers {
		t.Run(name, func(t *testing.T) {
			a.Server.Config.Handler = a.Middleware(http.HandlerFunc(answer))
			resp := a.Send(Request{Target: "/"})
			assert.Contains(t, resp.Header.Values("Vary"), "Cookie")
			assert.Empty(t, resp.SetCookies(t))
		})
	}
	for vary, want := range map[string][]string{
		"":                        {"Cookie"},
		"Accept-Encoding":         {"Accept-Encoding", "Cookie"},
		"Accept, Accept-Language": {"Accept, Accept-Language", "Cookie"},
		"Cookie":                  {"Cookie"},
		"Accept, cookie":          {"Accept, cookie"},
		"*":                       {"*"},
		"X-Cookie":                {"X-Cookie", "Cookie"},
	} {
		t.Run("the handler varies on "+vary, func(t *testing.T) {
			a.Server.Config.Handler = a.Middleware(a.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if vary != "" {
					w.Header().Set("Vary", vary)
				}
			})))
			assert.Equal(t, want, a.Send(Request{Target: "/"}).Header.Values("Vary"))
		})
	}
}

func TestAResponseThatSetsTheSessionCookieIsNotCacheable(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(0)
	for name, answer := range answeringHandlers {
		t.Run(name, func(t *testing.T) {
			a.Server.Config.Handler = a.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				cacheable(w)
				answer(w, r)
			}))
			resp := a.Send(Request{Target: "/", Cookie: cookie})
			resp.NewCookie(t)
			assert.Equal(t, []string{"private, no-store"}, resp.Header.Values("Cache-Control"))
			assert.Empty(t, resp.Header.Values("CDN-Cache-Control"))
			assert.Empty(t, resp.Header.Values("Cloudflare-CDN-Cache-Control"))
			assert.Empty(t, resp.Header.Values("Surrogate-Control"))
			assert.Contains(t, resp.Header.Values("Vary"), "Cookie")
		})
	}
}

func TestAResponseThatSetsASignInOrStepCookieIsNotCacheable(t *testing.T) {
	a := NewApp(t, AppOptions{})
	login := a.Login()
	for name, answer := range map[string]http.HandlerFunc{
		"the cookie of a pending sign-in": func(w http.ResponseWriter, r *http.Request) {
			login.ServeHTTP(w, r)
		},
		"the cookie of a saved step": func(w http.ResponseWriter, _ *http.Request) {
			require.NoError(t, a.SaveStep(w, "step"))
			cacheable(w)
		},
		"the cookie of a cleared step": func(w http.ResponseWriter, _ *http.Request) {
			a.ClearStep(w)
			cacheable(w)
		},
	} {
		t.Run(name, func(t *testing.T) {
			a.Server.Config.Handler = a.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				cacheable(w)
				answer(w, r)
			}))
			resp := a.Send(Request{Target: "/login", Header: Navigation()})
			require.NotEmpty(t, resp.SetCookies(t))
			require.NotContains(t, resp.SetCookies(t), "authkit-session")
			assert.Equal(t, []string{"private, no-store"}, resp.Header.Values("Cache-Control"))
			assert.Empty(t, resp.Header.Values("CDN-Cache-Control"))
			assert.Empty(t, resp.Header.Values("Cloudflare-CDN-Cache-Control"))
			assert.Empty(t, resp.Header.Values("Surrogate-Control"))
		})
	}
}

func TestAResponseWithoutOurCookiesKeepsTheHandlersHeaders(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Server.Config.Handler = a.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		cacheable(w)
		http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark"})
	}))
	resp := a.Send(Request{Target: "/", Cookie: cookie})
	for _, name := range []string{"CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Cache-Control"} {
		assert.Equal(t, "public, max-age=3600", resp.Header.Get(name))
	}
	assert.Equal(t, "max-age=3600", resp.Header.Get("Surrogate-Control"))
}

func TestTheCookiesOfAHandlerAreKeptBesideTheSessionCookie(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(0)
	a.Server.Config.Handler = a.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark"})
	}))
	cookies := a.Send(Request{Target: "/", Cookie: cookie}).SetCookies(t)
	assert.Len(t, cookies, 2)
	assert.Equal(t, "dark", cookies["theme"].Value)
}

func TestAGuardedResponseIsPrivateUnlessItsHandlerSetsCacheControl(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	for name, c := range map[string]struct {
		handler http.Handler
		want    string
	}{
		"it sets no header":        {http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), "private, no-store"},
		"it sets Cache-Control":    {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { cacheable(w) }), "public, max-age=3600"},
		"it deletes Cache-Control": {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Del("Cache-Control") }), "private, no-store"},
		"it serves a file":         {http.FileServer(http.Dir("../../pkce")), "private, no-store"},
	} {
		t.Run(name, func(t *testing.T) {
			a.Server.Config.Handler = a.RequireAuth(c.handler)
			resp := a.Send(Request{Target: "/", Cookie: cookie})
			assert.Equal(t, http.StatusOK, resp.Status)
			assert.Equal(t, c.want, resp.Header.Get("Cache-Control"))
		})
	}
}

// http.TimeoutHandler replaces the values of each header that its handler sets.
func TestAHandlerThatOverwritesSetCookieKeepsTheSessionCookie(t *testing.T) {
	own := &http.Cookie{Name: "csrf", Value: "1"}
	a := NewApp(t, AppOptions{Routes: func(_ *App, mux *http.ServeMux) {
		mux.Handle("/own", http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.SetCookie(w, own)
			io.WriteString(w, Visitor(r))
		}), time.Hour, ""))
	}})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	resp := a.Send(Request{Target: "/own", Cookie: cookie})
	assert.Equal(t, "1", resp.SetCookies(t)["csrf"].Value)
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: resp.NewCookie(t)}).Status)

	own = &http.Cookie{Name: "authkit-session", Path: "/", MaxAge: -1}
	assert.Empty(t, JarAfter(cookie, a.Send(Request{Target: "/own", Cookie: cookie})), "a handler can clear the cookie itself")
}

func TestAnUnsupportedFlushDoesNotFinalizeTheHeaders(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(4*time.Minute + 10*time.Second)
	h := http.TimeoutHandler(a.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Error(t, http.NewResponseController(w).Flush())
		cacheable(w)
		io.WriteString(w, "page")
	})), time.Hour, "")
	resp := a.ServeDirectly(h, Request{Method: http.MethodGet, Target: "/", Cookie: cookie})
	resp.NewCookie(t)
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
}

func TestAnErrorOfAGuardedFileServerIsPrivate(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Server.Config.Handler = a.RequireAuth(http.FileServer(http.Dir("../../pkce")))
	for name, c := range map[string]struct {
		request Request
		status  int
	}{
		"a missing file":         {Request{Target: "/nothing", Cookie: cookie}, http.StatusNotFound},
		"a range beyond the end": {Request{Target: "/pkce.go", Cookie: cookie, Header: http.Header{"Range": {"bytes=9999999-"}}}, http.StatusRequestedRangeNotSatisfiable},
	} {
		t.Run(name, func(t *testing.T) {
			resp := a.Send(c.request)
			assert.Equal(t, c.status, resp.Status)
			assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
		})
	}
}

func TestTheResponseAfterAPanicIsNotCacheable(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(0)
	inner := a.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		cacheable(w)
		panic("a mistake")
	}))
	// The recovery middleware of many routers does the same.
	a.Server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}()
		inner.ServeHTTP(w, r)
	})
	resp := a.Send(Request{Target: "/", Cookie: cookie})
	assert.Equal(t, http.StatusInternalServerError, resp.Status)
	resp.NewCookie(t)
	assert.Contains(t, resp.Header.Values("Vary"), "Cookie")
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
	assert.Empty(t, resp.Header.Get("CDN-Cache-Control"))
}

func TestTheHeadersAreFinalizedBehindAWrapperThatOnlyUnwraps(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(0)
	inner := a.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		cacheable(w)
		assert.NoError(t, http.NewResponseController(w).Flush())
	}))
	a.Server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(unwrappingWriter{w}, r)
	})
	resp := a.Send(Request{Target: "/", Cookie: cookie})
	resp.NewCookie(t)
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
	assert.Contains(t, resp.Header.Values("Vary"), "Cookie")
}

// unwrappingWriter is a response writer with Unwrap and no other optional method, as a logging middleware may use it.
type unwrappingWriter struct{ http.ResponseWriter }

func (u unwrappingWriter) Unwrap() http.ResponseWriter { return u.ResponseWriter }

func (u unwrappingWriter) Write(b []byte) (int, error) { return u.ResponseWriter.Write(b) }

func TestAWriterWithoutOptionalInterfacesGetsNone(t *testing.T) {
	ak, err := authkit.New(ValidOptions()...)
	require.NoError(t, err)
	ak.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		assert.Equal(t, optionalInterfaces{}, optionalInterfacesOf(w))
	})).ServeHTTP(struct{ http.ResponseWriter }{httptest.NewRecorder()}, httptest.NewRequest("GET", "/", nil))
}

func TestASignInWithoutTheMiddlewareIsNotCacheable(t *testing.T) {
	a := NewApp(t, AppOptions{})
	authentication := a.authenticate(Kim)
	resp := a.ServeDirectly(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=60")
		_, err := a.SignIn(w, r, authentication)
		assert.NoError(t, err)
	}), Request{Method: "POST", Target: "/form"})
	assert.Contains(t, resp.SetCookies(t), "authkit-session")
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
}

// The application puts a session into the context itself, so that the guard is not behind the middleware.
func TestAGuardedResponseForASessionFromNewContextIsPrivate(t *testing.T) {
	a := NewApp(t, AppOptions{})
	guarded := a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(Visitor(r)))
	}))
	resp := a.ServeDirectly(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		guarded.ServeHTTP(w, r.WithContext(authkit.NewContext(r.Context(), authkit.NewSession(authkit.SessionParams{ID: "session_own"}))))
	}), Request{Method: "GET", Target: "/"})
	assert.Contains(t, resp.Body, "session_own")
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
}
