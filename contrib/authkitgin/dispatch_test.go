// How gin finds a handler: NoRoute and NoMethod, Engine.HandleContext, and what a gin.Context knows of the session.

package authkitgin_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/contrib/authkitgin"
	"github.com/authkit-go/authkit/internal/behaviour"
)

func TestTheAnswersToAbsentRoutesAndMethodsHaveTheSession(t *testing.T) {
	a := newApplication(t)
	a.engine.HandleMethodNotAllowed = true
	a.engine.POST("/post", showVisitor)
	for path, want := range map[string]struct {
		status int
		body   string
	}{"/absent": {http.StatusNotFound, "404 page not found"}, "/post": {http.StatusMethodNotAllowed, "405 method not allowed"}} {
		resp := a.get(path, a.staleSession())
		assert.Equal(t, want.status, resp.Status)
		assert.Equal(t, want.body, resp.Body)
		assert.Equal(t, "text/plain", resp.Header.Get("Content-Type"))
		checkRefreshed(t, resp, path)
	}

	a.engine.NoRoute(func(c *gin.Context) { _, _ = c.Writer.WriteString("no page for " + visitor(c)) })
	a.engine.NoMethod(func(c *gin.Context) { c.JSON(http.StatusTeapot, visitor(c)) })
	resp := a.get("/absent", a.staleSession())
	assert.Equal(t, http.StatusNotFound, resp.Status, "the status that gin has set")
	assert.Equal(t, "no page for "+behaviour.Kim, resp.Body)
	checkRefreshed(t, resp, "NoRoute")
	resp = a.get("/post", a.staleSession())
	assert.Equal(t, http.StatusTeapot, resp.Status)
	assert.Equal(t, fmt.Sprintf("%q", behaviour.Kim), resp.Body)
	checkRefreshed(t, resp, "NoMethod")
}

func TestHandleContextKeepsTheSessionAndTheHeaders(t *testing.T) {
	pass := func(next http.Handler) http.Handler { return next }
	upper := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(upperCase{w}, r) })
	}
	for name, outer := range map[string][]gin.HandlerFunc{
		"the middleware is the first":              nil,
		"a middleware before it passes the writer": {authkitgin.Guard(pass)},
		"a middleware before it wraps the writer":  {authkitgin.Guard(upper)},
		"a middleware of gin wraps the writer": {func(c *gin.Context) {
			outer := c.Writer
			c.Writer = struct{ gin.ResponseWriter }{outer}
			c.Next()
			c.Writer = outer
		}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApplication(t, outer...)
			forward := func(to string) gin.HandlerFunc {
				return func(c *gin.Context) {
					c.Header("X-Forwarded-By", c.Request.URL.Path)
					c.Request.URL.Path = to
					a.engine.HandleContext(c)
				}
			}
			cached := func(c *gin.Context) { cacheable(c); c.Next() }
			a.engine.GET("/page", cached, showVisitor)
			a.engine.GET("/status", cached, func(c *gin.Context) { c.Status(http.StatusTeapot) })
			a.engine.GET("/nothing", cached, func(*gin.Context) {})
			a.engine.GET("/guarded", cached, authkitgin.Guard(a.RequireAuth), showVisitor)
			a.engine.GET("/owners", cached, authkitgin.Guard(a.RequireRole("owner")), showVisitor)
			for _, target := range []string{"page", "status", "nothing", "guarded", "owners", "absent"} {
				a.engine.GET("/to/"+target, forward("/"+target))
				a.engine.GET("/through/guard/"+target, authkitgin.Guard(a.RequireAuth), forward("/"+target))
				a.engine.GET("/twice/"+target, forward("/to/"+target))
			}
			for target, want := range map[string]struct {
				status int
				body   string
			}{
				"page": {200, behaviour.Kim}, "guarded": {200, behaviour.Kim}, "status": {418, ""}, "nothing": {200, ""},
				"owners": {403, "owner"}, "absent": {404, "404 page not found"},
			} {
				for _, by := range []string{"/to/", "/through/guard/", "/twice/"} {
					resp := a.get(by+target, a.staleSession())
					assert.Equal(t, want.status, resp.Status, by+target)
					assert.Contains(t, strings.ToLower(resp.Body), want.body, by+target)
					checkRefreshed(t, resp, by+target)
					assert.NotEmpty(t, resp.Header.Get("X-Forwarded-By"), by+target)
					assert.Contains(t, a.sawLast(t), fmt.Sprint(want.status), by+target)
				}
			}
			resp := a.get("/to/page", "")
			assert.Equal(t, "anonymous", strings.ToLower(resp.Body))
			assert.Contains(t, strings.Join(resp.Header["Vary"], ", "), "Cookie")
			resp = a.get("/twice/guarded", "")
			assert.Equal(t, http.StatusUnauthorized, resp.Status)
			assert.Contains(t, resp.Header.Get("Cache-Control"), "no-store")
		})
	}
}

func TestHandleContextKeepsTheHeadersOfAGuardWithoutTheMiddleware(t *testing.T) {
	a := newApplication(t)
	cookie := a.staleSession()
	r := gin.New()
	r.Use(authkitgin.Guard(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(upperCase{w}, r.WithContext(context.WithValue(r.Context(), wordKey{}, "word")))
		})
	}))
	r.GET("/page", authkitgin.Guard(a.RequireRole("admin")), showVisitor)
	r.GET("/to/page", authkitgin.Guard(a.RequireAuth), func(c *gin.Context) {
		c.Request.URL.Path = "/page"
		r.HandleContext(c)
	})
	a.Server.Config.Handler = r
	resp := a.get("/to/page", cookie)
	assert.Equal(t, strings.ToUpper(behaviour.Kim), resp.Body)
	checkRefreshed(t, resp, "/to/page")
}

func TestEveryContextOfGinHasTheSession(t *testing.T) {
	for name, fallback := range map[string]bool{"with ContextWithFallback": true, "without ContextWithFallback": false} {
		t.Run(name, func(t *testing.T) {
			a := newApplication(t)
			a.engine.ContextWithFallback = fallback
			copied := make(chan string, 1)
			a.engine.GET("/page", func(c *gin.Context) {
				s, ok := authkitgin.Session(c)
				require.True(t, ok)
				ofRequest, _ := authkit.FromContext(c.Request.Context())
				assert.Same(t, s, ofRequest)
				ofContext, ok := authkit.FromContext(c)
				assert.Equal(t, fallback, ok)
				if ok {
					assert.Same(t, s, ofContext)
				}
				later := c.Copy()
				go func() { copied <- visitor(later) }()
				c.String(http.StatusOK, visitor(c))
			})
			assert.Equal(t, behaviour.Kim, a.get("/page", a.staleSession()).Body)
			assert.Contains(t, a.sawLast(t), "user "+behaviour.Kim, "a middleware before that of authkit sees the session when it returns")
			assert.Equal(t, behaviour.Kim, <-copied)
			a.get("/page2", "")
			assert.Contains(t, a.sawLast(t), "user anonymous")
		})
	}
	_, ok := authkitgin.Session(&gin.Context{})
	assert.False(t, ok)
}

func TestAServerWriterIsReachedByAResponseController(t *testing.T) {
	a := newApplication(t)
	a.engine.GET("/page", authkitgin.Guard(a.RequireAuth), func(c *gin.Context) {
		control := http.NewResponseController(c.Writer)
		assert.NoError(t, control.SetWriteDeadline(time.Time{}))
		assert.NoError(t, control.SetReadDeadline(time.Time{}))
		assert.NoError(t, control.EnableFullDuplex())
		_, _ = c.Writer.WriteString("page")
		assert.NoError(t, control.Flush())
		assert.Nil(t, c.Writer.Pusher(), "HTTP/1 has no push")
		assert.Equal(t, 4, c.Writer.Size())
		assert.NotNil(t, c.Writer.CloseNotify())
	})
	resp := a.get("/page", a.staleSession())
	assert.Equal(t, "page", resp.Body)
	checkRefreshed(t, resp, "/page")
}

func TestAStreamOfGinEndsWhenTheClientLeaves(t *testing.T) {
	a := newApplication(t)
	left := make(chan bool, 1)
	a.engine.GET("/stream", authkitgin.Guard(a.RequireAuth), func(c *gin.Context) {
		left <- c.Stream(func(w io.Writer) bool {
			_, _ = io.WriteString(w, "more\n")
			return true
		})
	})
	r, err := http.NewRequest(http.MethodGet, a.URL+"/stream", nil)
	require.NoError(t, err)
	r.Header.Set("Cookie", a.staleSession())
	resp, err := (&http.Transport{}).RoundTrip(r)
	require.NoError(t, err)
	_, err = io.ReadFull(resp.Body, make([]byte, 20))
	require.NoError(t, err)
	resp.Body.Close()
	select {
	case gone := <-left:
		assert.True(t, gone)
	case <-time.After(behaviour.WaitTimeout):
		t.Fatal("the stream has not ended")
	}
}

func TestTheFilesOfAnUploadAreRemovedAfterTheRequest(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	a := newApplication(t)
	a.engine.MaxMultipartMemory = 1
	files := make(chan int, 1)
	a.engine.POST("/upload", authkitgin.Guard(a.RequireAuth), func(c *gin.Context) {
		_, err := c.FormFile("file")
		assert.NoError(t, err)
		entries, _ := os.ReadDir(os.TempDir())
		files <- len(entries)
	})
	cookie := a.staleSession()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "file")
	require.NoError(t, err)
	_, err = part.Write(make([]byte, 100<<10))
	require.NoError(t, err)
	require.NoError(t, form.Close())
	r, err := http.NewRequest(http.MethodPost, a.URL+"/upload", &body)
	require.NoError(t, err)
	r.Header.Set("Cookie", cookie)
	r.Header.Set("Content-Type", form.FormDataContentType())
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, 1, <-files)
	require.Eventually(t, func() bool {
		entries, _ := os.ReadDir(os.TempDir())
		return len(entries) == 0
	}, behaviour.WaitTimeout, time.Millisecond)
}

// A part of an application may be an engine of its own.
func TestAnEngineBehindAnotherOneAnswersWithTheSession(t *testing.T) {
	for name, guard := range map[string]func(*application) gin.HandlerFunc{
		"the middleware": func(a *application) gin.HandlerFunc { return authkitgin.Middleware(a.AuthKit) },
		"a guard":        func(a *application) gin.HandlerFunc { return authkitgin.Guard(a.RequireAuth) },
	} {
		a := newApplication(t)
		inner := gin.New()
		inner.Use(guard(a))
		inner.GET("/inner/account", showVisitor)
		inner.GET("/inner/absent", func(c *gin.Context) { c.Status(http.StatusNotFound) })
		a.engine.Any("/inner/*path", gin.WrapH(inner))
		resp := a.get("/inner/account", a.staleSession())
		assert.Equal(t, http.StatusOK, resp.Status, name)
		assert.Contains(t, resp.Body, behaviour.Kim, name)
		checkRefreshed(t, resp, name)
		assert.Contains(t, a.sawLast(t), "200, ", name)
		assert.Equal(t, http.StatusNotFound, a.get("/inner/absent", a.staleSession()).Status, name)
	}
}
