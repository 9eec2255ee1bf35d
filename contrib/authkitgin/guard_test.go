// Guards in a chain of handlers of gin: what runs, what it sees, and what is put back.

package authkitgin_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/contrib/authkitgin"
	"github.com/authkit-go/authkit/internal/behaviour"
)

func TestAnAnswerOfAGuardEndsTheChainAndIsSeenByOuterMiddleware(t *testing.T) {
	for name, mount := range map[string]func(*application, gin.HandlerFunc, gin.HandlerFunc){
		"at a route":    func(a *application, guard, page gin.HandlerFunc) { a.engine.GET("/page", guard, page) },
		"at a group":    func(a *application, guard, page gin.HandlerFunc) { a.engine.Group("/", guard).GET("/page", page) },
		"at the engine": func(a *application, guard, page gin.HandlerFunc) { a.engine.Use(guard); a.engine.GET("/page", page) },
		"behind other ones": func(a *application, guard, page gin.HandlerFunc) {
			a.engine.GET("/page", authkitgin.Middleware(a.AuthKit), guard, guard, page)
		},
		"before a middleware": func(a *application, guard, page gin.HandlerFunc) {
			a.engine.GET("/page", guard, func(c *gin.Context) { c.Next() }, page)
		},
		"for an absent path": func(a *application, guard, page gin.HandlerFunc) { a.engine.NoRoute(guard, page) },
	} {
		t.Run(name, func(t *testing.T) {
			a := newApplication(t)
			runs := 0
			mount(a, authkitgin.Guard(a.RequireRole("owner")), func(*gin.Context) { runs++ })
			kim := a.SignedIn(behaviour.Kim).CookieHeader()
			for len(a.seen) > 0 {
				<-a.seen
			}
			resp := a.get("/page", "")
			assert.Equal(t, http.StatusUnauthorized, resp.Status)
			assert.EqualValues(t, http.StatusUnauthorized, resp.Problem(t)["status"])
			assert.Equal(t, fmt.Sprintf("401, %d bytes, written true, aborted true, user anonymous", len(resp.Body)), a.sawLast(t))

			resp = a.get("/page", kim)
			assert.Equal(t, http.StatusForbidden, resp.Status)
			assert.EqualValues(t, http.StatusForbidden, resp.Problem(t)["status"])
			assert.Equal(t, fmt.Sprintf("403, %d bytes, written true, aborted true, user %s", len(resp.Body), behaviour.Kim), a.sawLast(t))

			resp = a.Send(behaviour.Request{Target: "/page?x=1", Header: behaviour.Navigation()})
			assert.Equal(t, http.StatusSeeOther, resp.Status)
			assert.Contains(t, a.sawLast(t), "303")
			assert.Zero(t, runs)
		})
	}
}

func TestAGuardWithoutTheMiddlewareLoadsAndRefreshesTheSession(t *testing.T) {
	a := newApplication(t)
	cookie := a.staleSession()
	r := gin.New()
	r.GET("/page", authkitgin.Guard(a.RequireAuth), authkitgin.Guard(a.RequireRole("admin")), showVisitor)
	a.Server.Config.Handler = r
	resp := a.get("/page", cookie)
	assert.Equal(t, behaviour.Kim, resp.Body)
	checkRefreshed(t, resp, "/page")
}

func TestAGuardOfTheWholeEngineLeavesSignInAndSignOutWorking(t *testing.T) {
	a := newApplication(t)
	r := gin.New()
	r.Use(authkitgin.Guard(a.RequireAuth))
	r.GET("/page", showVisitor)
	r.POST("/logout", gin.WrapH(a.Logout()))
	a.Server.Config.Handler = r
	b := a.Browser()
	page, err := b.SignIn(a.URL+"/page?x=1", behaviour.Kim)
	require.NoError(t, err)
	assert.Equal(t, behaviour.Kim, page.Body)
	assert.Equal(t, a.URL+"/page?x=1", page.URL.String(), "the guard answers the callback, which has no route")
	before := a.Fake.Calls(authkittest.RouteLogout)
	resp, err := b.Post(a.URL+"/logout", "application/x-www-form-urlencoded", nil)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, before+1, a.Fake.Calls(authkittest.RouteLogout))
}

func TestTheMiddlewareAroundTheEngineWorksWithGuardsInside(t *testing.T) {
	a := newApplication(t)
	cookie := a.staleSession()
	r := gin.New()
	r.GET("/page", authkitgin.Guard(a.RequireAuth), showVisitor)
	a.Server.Config.Handler = a.Middleware(r)
	resp := a.get("/page", cookie)
	assert.Equal(t, behaviour.Kim, resp.Body)
	checkRefreshed(t, resp, "/page")
	assert.Equal(t, http.StatusUnauthorized, a.get("/page", "").Status)
}

// upperCase is a writer of net/http that changes the body.
type upperCase struct{ http.ResponseWriter }

func (w upperCase) Write(b []byte) (int, error) {
	return w.ResponseWriter.Write([]byte(strings.ToUpper(string(b))))
}

type wordKey struct{}

func TestTheRequestAndTheWriterOfAGuardReachTheHandlersAndArePutBack(t *testing.T) {
	statuses := make(chan int, 10)
	guard := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Guard", "seen")
			w.WriteHeader(http.StatusEarlyHints)
			r = r.WithContext(context.WithValue(r.Context(), wordKey{}, "word"))
			recorder := &statusWriter{ResponseWriter: upperCase{w}}
			next.ServeHTTP(recorder, r)
			statuses <- recorder.status
		})
	}
	type state struct {
		request *http.Request
		writer  gin.ResponseWriter
	}
	var before, after state
	a := newApplication(t, func(c *gin.Context) {
		before = state{c.Request, c.Writer}
		c.Next()
		after = state{c.Request, c.Writer}
	})
	show := func(c *gin.Context) {
		assert.Equal(t, "word", c.Request.Context().Value(wordKey{}))
		c.String(http.StatusAccepted, "page of %s", visitor(c))
	}
	a.engine.GET("/inside", authkitgin.Guard(guard), show)
	a.engine.GET("/status", authkitgin.Guard(guard), func(c *gin.Context) { c.Status(http.StatusConflict) })
	for path, status := range map[string]int{"/inside": http.StatusAccepted, "/status": http.StatusConflict} {
		resp := a.get(path, a.staleSession())
		assert.Equal(t, status, resp.Status)
		assert.Equal(t, status, <-statuses, "the guard's writer learns the status")
		assert.Equal(t, "seen", resp.Header.Get("X-Guard"))
		checkRefreshed(t, resp, path)
		assert.Same(t, before.request, after.request)
		assert.Same(t, before.writer, after.writer)
		if path == "/inside" {
			assert.Equal(t, "PAGE OF "+strings.ToUpper(behaviour.Kim), resp.Body)
		}
	}
}

// statusWriter is a writer of net/http that records the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func TestAPanicOfAHandlerPassesThroughAndPutsTheWriterBack(t *testing.T) {
	var recovered any
	a := newApplication(t, func(c *gin.Context) {
		outer := c.Writer
		defer func() {
			if recovered = recover(); recovered != nil {
				assert.Same(t, outer, c.Writer)
				c.AbortWithStatus(http.StatusInternalServerError)
			}
		}()
		c.Next()
	})
	a.engine.GET("/page", authkitgin.Guard(a.RequireAuth), func(*gin.Context) { panic(http.ErrAbortHandler) })
	resp := a.get("/page", a.staleSession())
	assert.Equal(t, http.StatusInternalServerError, resp.Status)
	assert.Equal(t, http.ErrAbortHandler, recovered)
	checkRefreshed(t, resp, "/page")
}

func TestAGuardIsConstructedOnceAndPanicsThen(t *testing.T) {
	ak := newApplication(t).AuthKit
	constructed := 0
	handler := authkitgin.Guard(func(next http.Handler) http.Handler {
		constructed++
		return next
	})
	r := gin.New()
	r.GET("/", handler, showVisitor)
	for range 3 {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		assert.Equal(t, "anonymous", w.Body.String())
	}
	assert.Equal(t, 1, constructed)

	assert.PanicsWithValue(t, "authkitgin: Middleware: the AuthKit is nil", func() { authkitgin.Middleware(nil) })
	assert.PanicsWithValue(t, "authkitgin: Guard: the guard is nil", func() { authkitgin.Guard(nil) })
	assert.PanicsWithValue(t, "authkitgin: Guard: the guard returned nil", func() {
		authkitgin.Guard(func(http.Handler) http.Handler { return nil })
	})
	assert.Panics(t, func() { authkitgin.Guard(ak.RequireRole("")) })

	r.GET("/detached", authkitgin.Guard(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(context.Background()))
		})
	}), showVisitor)
	assert.PanicsWithValue(t, "authkitgin: the guard called its next handler without the context of the request", func() {
		r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/detached", nil))
	})
}

func TestHandlersOfGinChangeTheSessionOfTheirRequest(t *testing.T) {
	a := newApplication(t)
	a.engine.POST("/refresh", func(c *gin.Context) {
		s, err := a.Refresh(c.Writer, c.Request)
		if err != nil {
			a.Fail(c.Writer, c.Request, err)
			return
		}
		c.String(http.StatusOK, s.ID())
	})
	a.engine.POST("/end", func(c *gin.Context) {
		address, err := a.AuthKit.SignOut(c.Writer, c.Request)
		if err != nil {
			a.Fail(c.Writer, c.Request, err)
			return
		}
		c.JSON(http.StatusOK, gin.H{"address": address})
	})
	cookie := a.SignedIn(behaviour.Kim).CookieHeader()
	post := func(path, cookie string) behaviour.Response {
		return a.Send(behaviour.Request{Method: http.MethodPost, Target: path, Cookie: cookie, Header: behaviour.Scripted()})
	}
	resp := post("/refresh", cookie)
	assert.Equal(t, a.SessionID(), resp.Body)
	checkRefreshed(t, resp, "/refresh")
	assert.Equal(t, http.StatusUnauthorized, post("/refresh", "").Status)

	cookie = resp.NewCookie(t)
	resp = post("/end", cookie)
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Negative(t, resp.SetCookies(t)["authkit-session"].MaxAge)
	assert.Equal(t, "anonymous", a.get("/", cookie).Body)
}

func TestTheEndOfASessionEndsAStreamOfGin(t *testing.T) {
	a := newApplication(t)
	ended := make(chan error, 1)
	a.engine.GET("/stream", authkitgin.Guard(a.RequireAuth), func(c *gin.Context) {
		ctx := a.UntilEnd(c.Request.Context())
		c.Stream(func(w io.Writer) bool {
			_, _ = io.WriteString(w, "first\n")
			c.Writer.Flush()
			<-ctx.Done()
			ended <- context.Cause(ctx)
			return false
		})
	})
	b := a.SignedIn(behaviour.Kim)
	stream, err := b.Client.Get(a.URL + "/stream")
	require.NoError(t, err)
	defer stream.Body.Close()
	_, err = io.ReadFull(stream.Body, make([]byte, len("first\n")))
	require.NoError(t, err)
	resp, err := b.Post(a.URL+"/logout", "application/x-www-form-urlencoded", nil)
	require.NoError(t, err)
	resp.Body.Close()
	select {
	case err := <-ended:
		assert.ErrorIs(t, err, authkit.ErrUnauthenticated)
	case <-time.After(behaviour.WaitTimeout):
		t.Fatal("the stream has not ended")
	}
}

func TestTheREADMEHasTheExample(t *testing.T) {
	source, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	_, body, found := strings.Cut(string(source), "func Example_gin() {")
	require.True(t, found)
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	assert.Contains(t, string(readme), "func main() {"+body)
}
