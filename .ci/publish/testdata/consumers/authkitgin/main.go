// Command authkitgin is an application on gin with one guarded route.
package main

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/contrib/authkitgin"
)

func main() {
	fake, err := authkittest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	ak, err := authkit.New(
		authkit.WithAPIKey(fake.APIKey()), authkit.WithClientID(fake.ClientID()), authkit.WithBaseURL(fake.URL()),
		authkit.WithCookiePassword(strings.Repeat("consumer", 4)), authkit.WithRedirectURL("http://localhost/callback"),
		authkit.WithBearerTokens(),
	)
	if err != nil {
		log.Fatal(err)
	}
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.Use(authkitgin.Middleware(ak))
	engine.GET("/account", authkitgin.Guard(ak.RequireAuth), func(c *gin.Context) {
		session, _ := authkitgin.Session(c)
		c.String(http.StatusOK, session.User().ID+" is signed in: "+fmt.Sprint(session.ID() != ""))
	})
	for _, header := range []string{"", "Bearer " + fake.BearerToken("ada@harborpress.test")} {
		r := httptest.NewRequest(http.MethodGet, "/account", nil)
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		w := httptest.NewRecorder()
		engine.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Header().Get("Cache-Control"), strings.Contains(w.Body.String(), "is signed in: true"))
	}
}
