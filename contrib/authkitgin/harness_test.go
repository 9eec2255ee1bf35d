// An engine with a fake AuthKit on a fake clock, and what a middleware before authkit sees of a response.

package authkitgin_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/contrib/authkitgin"
	"github.com/authkit-go/authkit/internal/behaviour"
)

// application is an engine behind the middleware of authkit.
type application struct {
	*behaviour.App
	engine *gin.Engine
	seen   chan string // for each request, what the outermost middleware saw of the response
}

// newApplication starts an engine. The outer middleware come before that of authkit.
func newApplication(t *testing.T, outer ...gin.HandlerFunc) *application {
	a := &application{App: behaviour.NewApp(t, behaviour.AppOptions{}), seen: make(chan string, 100)}
	a.engine = gin.New()
	a.engine.Use(a.observe)
	a.engine.Use(outer...)
	a.engine.Use(authkitgin.Middleware(a.AuthKit))
	addHandlers(a.engine, a.AuthKit)
	a.engine.GET("/", showVisitor)
	a.Server.Config.Handler = a.engine
	return a
}

// observe records what a logger would log.
func (a *application) observe(c *gin.Context) {
	c.Next()
	a.seen <- fmt.Sprintf("%d, %d bytes, written %t, aborted %t, user %s", c.Writer.Status(), c.Writer.Size(), c.Writer.Written(), c.IsAborted(), visitor(c))
}

// sawLast returns what the outermost middleware saw of the last response.
func (a *application) sawLast(t *testing.T) string {
	select {
	case seen := <-a.seen:
		return seen
	case <-time.After(behaviour.WaitTimeout):
		require.Fail(t, "the outermost middleware did not return")
		return ""
	}
}

// staleSession returns the Cookie header of kim's session, which the next request refreshes.
func (a *application) staleSession() string {
	cookie := a.SignedIn(behaviour.Kim).CookieHeader()
	for len(a.seen) > 0 {
		<-a.seen
	}
	a.ExpireToken(2 * time.Minute)
	return cookie
}

// get requests a path as a script does.
func (a *application) get(path, cookie string) behaviour.Response {
	a.T.Helper()
	return a.Send(behaviour.Request{Target: path, Cookie: cookie, Header: behaviour.Scripted()})
}

// checkRefreshed checks that a response has a refreshed session, with the headers that it has under net/http.
func checkRefreshed(t *testing.T, resp behaviour.Response, why string) {
	t.Helper()
	require.NotNil(t, resp.SetCookies(t)["authkit-session"], "%s: no session cookie in %v", why, resp.Header)
	assert.Positive(t, resp.SetCookies(t)["authkit-session"].MaxAge, why)
	assert.Equal(t, []string{"private, no-store"}, resp.Header["Cache-Control"], why)
	assert.Empty(t, resp.Header["Cdn-Cache-Control"], why)
	assert.Contains(t, strings.Join(resp.Header["Vary"], ", "), "Cookie", why)
}

// withoutOurs returns a header without the fields that authkit sets, and without the date.
func withoutOurs(h http.Header) http.Header {
	h = h.Clone()
	for _, name := range []string{"Cache-Control", "Cdn-Cache-Control", "Vary", "Set-Cookie", "Date"} {
		h.Del(name)
	}
	return h
}
