// What happens beside a request: requests that its handler passes to an engine, and goroutines with a copy of its context.

package authkitgin_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/contrib/authkitgin"
	"github.com/authkit-go/authkit/internal/behaviour"
)

func TestRequestsToTheSameEngineHaveResponsesOfTheirOwn(t *testing.T) {
	a := newApplication(t)
	a.engine.GET("/part", authkitgin.Guard(a.RequireAuth), showVisitor)
	a.engine.GET("/batch", func(c *gin.Context) {
		cacheable(c)
		var all sync.WaitGroup
		for range 8 {
			r := httptest.NewRequestWithContext(c.Request.Context(), http.MethodGet, "/part", nil)
			all.Go(func() {
				w := httptest.NewRecorder()
				a.engine.ServeHTTP(w, r)
				assert.Equal(t, behaviour.Kim, w.Body.String())
				assert.Equal(t, []string{"private, no-store"}, w.Header()["Cache-Control"])
				assert.Empty(t, w.Header()["Set-Cookie"])
			})
		}
		all.Wait()
		c.String(http.StatusTeapot, "all")
	})
	resp := a.get("/batch", a.staleSession())
	assert.Equal(t, http.StatusTeapot, resp.Status)
	assert.Equal(t, "all", resp.Body)
	checkRefreshed(t, resp, "/batch")
}

func TestAnEngineInsideOfAnEngineWritesToTheOuterOne(t *testing.T) {
	a := newApplication(t)
	inner := gin.New()
	inner.Use(authkitgin.Middleware(a.AuthKit))
	inner.GET("/inner", authkitgin.Guard(a.RequireAuth), showVisitor)
	a.engine.GET("/inner", gin.WrapH(inner))
	resp := a.get("/inner", a.staleSession())
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Equal(t, behaviour.Kim, resp.Body)
	checkRefreshed(t, resp, "/inner")
}

func TestACopyOfAContextIsReadWhileTheRequestContinues(t *testing.T) {
	a := newApplication(t)
	cookie := a.SignedIn(behaviour.Kim).CookieHeader()
	r := gin.New()
	r.Use(authkitgin.Guard(func(next http.Handler) http.Handler { return next }), func(c *gin.Context) {
		copied, started, done := c.Copy(), make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			close(started)
			authkitgin.Session(copied)
		}()
		<-started
		c.Next()
		<-done
	})
	r.GET("/", authkitgin.Guard(a.RequireAuth), showVisitor)
	a.Server.Config.Handler = r
	for range 50 {
		assert.Equal(t, behaviour.Kim, a.get("/", cookie).Body)
	}
}
