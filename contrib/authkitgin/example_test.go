// An application on gin, as in the README.

package authkitgin_test

import (
	"log"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/contrib/authkitgin"
)

func Example_gin() {
	ak, err := authkit.FromEnv() // WORKOS_API_KEY, WORKOS_CLIENT_ID, WORKOS_COOKIE_PASSWORD, WORKOS_REDIRECT_URI
	if err != nil {
		log.Fatal(err)
	}

	r := gin.New()
	r.Use(gin.Recovery(), authkitgin.Middleware(ak))
	r.GET("/login", gin.WrapH(ak.Login()))
	r.GET("/callback", gin.WrapH(ak.Callback()))
	r.POST("/logout", gin.WrapH(ak.Logout()))

	account := r.Group("/account", authkitgin.Guard(ak.RequireAuth))
	account.GET("", func(c *gin.Context) {
		session, _ := authkitgin.Session(c)
		c.JSON(http.StatusOK, gin.H{"email": session.User().Email})
	})
	account.DELETE("/posts/:id", authkitgin.Guard(ak.RequirePermission("posts:delete")), func(c *gin.Context) {
		c.Status(http.StatusNoContent)
	})
	server := &http.Server{Addr: "localhost:8080", Handler: r, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}
