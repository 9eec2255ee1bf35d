// authkit with gin-gonic/gin, through contrib/authkitgin.

package routers

import (
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/contrib/authkitgin"
)

func onGin(ak *authkit.AuthKit, p pages) http.Handler {
	r := gin.New()
	r.Use(authkitgin.Middleware(ak))
	r.GET("/login", gin.WrapH(ak.Login()))
	r.GET("/callback", gin.WrapH(ak.Callback()))
	r.POST("/logout", gin.WrapH(ak.Logout()))
	r.GET("/", gin.WrapF(p.home))

	guarded := r.Group("/", authkitgin.Guard(ak.RequireAuth))
	guarded.GET("/account", func(c *gin.Context) { // a handler of gin
		p.ran()
		session, _ := authkitgin.Session(c)
		c.String(http.StatusOK, session.User().Email)
	})
	guarded.GET("/caching", gin.WrapF(p.caching))
	guarded.GET("/stream", p.streamOnGin)
	guarded.GET("/socket", gin.WrapF(p.socket))
	r.GET("/admin", authkitgin.Guard(ak.RequireRole("admin")), gin.WrapF(p.account))
	return r
}

// streamOnGin is stream with the methods of gin.
func (p pages) streamOnGin(c *gin.Context) {
	p.ran()
	session, _ := authkitgin.Session(c)
	c.SSEvent("message", session.User().Email)
	c.Writer.Flush()
	c.Stream(func(io.Writer) bool { // flushes after each call
		select {
		case message, more := <-p.messages:
			if more {
				c.SSEvent("message", message)
			}
			return more
		case <-c.Request.Context().Done():
			return false
		}
	})
}
