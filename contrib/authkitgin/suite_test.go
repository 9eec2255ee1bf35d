// The suites of authkit over applications on gin.

package authkitgin_test

import (
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/contrib/authkitgin"
	"github.com/authkit-go/authkit/internal/behaviour"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	os.Exit(m.Run())
}

func TestTheSuitePassesForAnApplicationOnGin(t *testing.T) {
	behaviour.Run(t, behaviour.Target{Name: "gin", Start: startTarget})
}

// startTarget starts an application on gin with the routes of behaviour.Target.
func startTarget(t testing.TB, d behaviour.Deployment) (url string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	url = "http://" + strings.Replace(l.Addr().String(), "127.0.0.1", "localhost", 1)
	ak, err := authkit.New(
		authkit.WithAPIKey(d.Fake.APIKey()),
		authkit.WithClientID(d.Fake.ClientID()),
		authkit.WithBaseURL(d.Fake.URL()),
		authkit.WithCookiePassword(d.CookiePassword),
		authkit.WithRedirectURL(url+"/callback"),
		authkit.WithPostLogoutRedirectURL(url+"/"),
		authkit.WithLogger(slog.New(slog.NewTextHandler(d.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
	)
	require.NoError(t, err)

	r := newEngine(ak, d.Log)
	r.GET("/", showVisitor)
	r.GET("/healthz", func(c *gin.Context) { c.String(http.StatusOK, "ok") })
	guarded := r.Group("/", authkitgin.Guard(ak.RequireAuth))
	guarded.GET("/account", showVisitor)
	guarded.GET("/api/me", func(c *gin.Context) {
		s, _ := authkitgin.Session(c)
		c.JSON(http.StatusOK, gin.H{
			"user":       gin.H{"id": s.UserID(), "email": s.User().Email},
			"session_id": s.ID(), "organization_id": s.OrganizationID(),
		})
	})
	server := &http.Server{Handler: r, ErrorLog: log.New(d.Log, "", 0), MaxHeaderBytes: 4 << 20} // oversized requests reach authkit
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return url
}

// newEngine returns an engine with the middleware and the handlers of authkit.
func newEngine(ak *authkit.AuthKit, log io.Writer) *gin.Engine {
	r := gin.New()
	r.Use(gin.RecoveryWithWriter(log), authkitgin.Middleware(ak))
	r.HandleMethodNotAllowed = true // 405 instead of 404
	addHandlers(r, ak)
	return r
}

// addHandlers adds the handlers of authkit to an engine.
func addHandlers(r *gin.Engine, ak *authkit.AuthKit) {
	r.GET("/login", gin.WrapH(ak.Login()))
	r.GET("/callback", gin.WrapH(ak.Callback()))
	r.POST("/logout", gin.WrapH(ak.Logout()))
}

// visitor returns the email address of the user, or "anonymous".
func visitor(c *gin.Context) string {
	if s, ok := authkitgin.Session(c); ok {
		return s.User().Email
	}
	return "anonymous"
}

func showVisitor(c *gin.Context) { c.String(http.StatusOK, visitor(c)) }

func TestEveryColumnOfTheRouterSuiteHoldsForGin(t *testing.T) {
	for name, fallback := range map[string]bool{"with ContextWithFallback": true, "without ContextWithFallback": false} {
		t.Run(name, func(t *testing.T) {
			holds := behaviour.RunRouter(t, behaviour.Router{Name: "gin", Serve: func(t testing.TB, l net.Listener, app *behaviour.RouterApp) {
				r := routerEngine(app)
				r.ContextWithFallback = fallback
				app.ServeHandler(t, l, r)
			}})
			for _, column := range behaviour.RouterColumns {
				assert.True(t, holds[column], column)
			}
		})
	}
}

// routerEngine returns an application on gin with the routes of behaviour.Router.
func routerEngine(app *behaviour.RouterApp) *gin.Engine {
	ak, r := app.AuthKit, newEngine(app.AuthKit, app.Log)
	r.Use(gin.LoggerWithConfig(gin.LoggerConfig{Output: app.Log, SkipQueryString: true}))
	ran := func(*gin.Context) { app.Ran() }
	r.GET("/", showVisitor)
	r.GET("/admin", authkitgin.Guard(ak.RequireRole("admin")), ran, showVisitor)
	guarded := r.Group("/", authkitgin.Guard(ak.RequireAuth), ran)
	guarded.GET("/account", showVisitor)
	guarded.GET("/caching", func(c *gin.Context) {
		behaviour.SetCachingHeader(c.Writer.Header())
		showVisitor(c)
	})
	guarded.GET("/stream", func(c *gin.Context) {
		message, more := visitor(c), true
		c.Stream(func(io.Writer) bool {
			c.SSEvent("message", message)
			c.Writer.Flush()
			select {
			case message, more = <-app.Messages:
				return more
			case <-c.Request.Context().Done():
				return false
			}
		})
	})
	guarded.GET("/socket", echo)
	return r
}
