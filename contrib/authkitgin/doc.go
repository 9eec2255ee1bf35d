// Package authkitgin puts WorkOS AuthKit sign-in in front of an application on [github.com/gin-gonic/gin].
//
//	r := gin.New()
//	r.Use(gin.Recovery(), authkitgin.Middleware(ak))
//	r.GET("/login", gin.WrapH(ak.Login()))
//	r.GET("/callback", gin.WrapH(ak.Callback()))
//	r.POST("/logout", gin.WrapH(ak.Logout()))
//
//	account := r.Group("/", authkitgin.Guard(ak.RequireAuth))
//	account.GET("/account", func(c *gin.Context) {
//		session, _ := authkitgin.Session(c)
//		c.String(http.StatusOK, "Hello, %s", session.User().Email)
//	})
//
// gin needs this package for two reasons. A middleware of gin that answers must call Abort, or the next handler runs too. And
// the handlers of gin write to gin's own response writer, which is outside of the writer of a net/http middleware: the
// response would lack the refreshed cookie and its Cache-Control. With this package, a response of gin has the headers that a
// response of net/http has.
package authkitgin
