// A webhook of WorkOS at an application on gin.

package authkitgin_test

import (
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/contrib/authkitgin"
)

func TestAWebhookBehindGinEndsASession(t *testing.T) {
	app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
		ak := env.AuthKit()
		r := gin.New()
		r.Use(authkitgin.Middleware(ak))
		r.GET("/login", gin.WrapH(ak.Login()))
		r.GET("/callback", gin.WrapH(ak.Callback()))
		r.POST("/webhooks/workos", gin.WrapH(ak.Webhook(nil, "secret")))
		r.GET("/account", authkitgin.Guard(ak.RequireAuth), func(c *gin.Context) { c.Status(http.StatusOK) })
		return r
	})
	app.Fake.AddWebhookEndpoint(app.URL+"/webhooks/workos", "secret")
	browser := app.SignIn("ada@harborpress.test")
	app.Fake.RevokeSession(app.Fake.Sessions()[0].ID)
	require.NoError(t, app.Fake.WaitForWebhooks(t.Context()))
	page, err := browser.Fetch(http.MethodGet, "/account")
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, page.StatusCode)
}
