// The ways in which a handler of gin ends a response. Each keeps its effect, and has the headers that net/http has.

package authkitgin_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/contrib/authkitgin"
	"github.com/authkit-go/authkit/internal/behaviour"
)

// responses are handlers that end their responses in different ways. Each would let shared caches store its response.
var responses = map[string]gin.HandlerFunc{
	"nothing":              func(c *gin.Context) {},
	"Status":               func(c *gin.Context) { c.Status(http.StatusTeapot) },
	"Status twice":         func(c *gin.Context) { c.Status(http.StatusTeapot); c.Status(http.StatusAccepted) },
	"Status and a header":  func(c *gin.Context) { c.Status(http.StatusTeapot); c.Header("X-Late", "yes"); cacheable(c) },
	"WriteHeaderNow":       func(c *gin.Context) { c.Status(http.StatusTeapot); c.Writer.WriteHeaderNow() },
	"a status of -1":       func(c *gin.Context) { c.Status(http.StatusTeapot); c.JSON(-1, gin.H{"a": 1}) },
	"AbortWithStatus":      func(c *gin.Context) { c.AbortWithStatus(http.StatusConflict) },
	"AbortWithStatusJSON":  func(c *gin.Context) { c.AbortWithStatusJSON(http.StatusConflict, gin.H{"a": 1}) },
	"AbortWithError":       func(c *gin.Context) { _ = c.AbortWithError(http.StatusConflict, errors.New("no")) },
	"Error":                func(c *gin.Context) { c.Status(http.StatusConflict); _ = c.Error(errors.New("no")) },
	"JSON":                 func(c *gin.Context) { c.JSON(http.StatusCreated, gin.H{"a": 1}) },
	"JSON without a body":  func(c *gin.Context) { c.JSON(http.StatusNoContent, nil) },
	"String":               func(c *gin.Context) { c.String(http.StatusOK, "page") },
	"Data":                 func(c *gin.Context) { c.Data(http.StatusOK, "text/css", []byte("page")) },
	"DataFromReader":       func(c *gin.Context) { c.DataFromReader(http.StatusOK, 4, "text/css", strings.NewReader("page"), nil) },
	"Redirect":             func(c *gin.Context) { c.Redirect(http.StatusFound, "/elsewhere") },
	"File":                 func(c *gin.Context) { c.File("doc.go") },
	"an absent file":       func(c *gin.Context) { c.File("absent") },
	"WriteString":          func(c *gin.Context) { _, _ = c.Writer.WriteString("page") },
	"Write twice":          func(c *gin.Context) { _, _ = c.Writer.Write([]byte("pa")); _, _ = c.Writer.Write([]byte("ge")) },
	"Flush":                func(c *gin.Context) { c.Writer.Flush() },
	"a status after Write": func(c *gin.Context) { _, _ = c.Writer.Write([]byte("page")); c.Status(http.StatusTeapot) },
	"SSEvent":              func(c *gin.Context) { c.SSEvent("message", "hello") },
	"Stream": func(c *gin.Context) {
		n := 0
		c.Stream(func(w io.Writer) bool {
			n++
			fmt.Fprintf(w, "%d\n", n)
			return n < 3
		})
	},
	"a panic":                 func(c *gin.Context) { c.Status(http.StatusTeapot); panic("the test's own") },
	"a panic after Write":     func(c *gin.Context) { c.String(http.StatusOK, "page"); panic("the test's own") },
	"a handler of net/http":   gin.WrapF(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTeapot) }),
	"NotFound of net/http":    gin.WrapF(http.NotFound),
	"two handlers in a chain": func(c *gin.Context) { c.Status(http.StatusTeapot); c.Next(); c.String(-1, "page") },
}

func cacheable(c *gin.Context) {
	c.Header("Cache-Control", "public, max-age=3600")
	c.Header("CDN-Cache-Control", "max-age=3600")
}

// showErrors answers the errors of handlers that have written nothing, as many applications on gin do.
func showErrors(c *gin.Context) {
	c.Next()
	if len(c.Errors) > 0 && !c.Writer.Written() {
		c.JSON(-1, gin.H{"error": c.Errors.Last().Error()})
	}
}

func TestEveryResponseOfGinHasTheHeadersOfNetHTTPAndIsOtherwiseUnchanged(t *testing.T) {
	for name, handler := range responses {
		t.Run(name, func(t *testing.T) {
			recovery := gin.RecoveryWithWriter(io.Discard)
			plain := gin.New()
			seen := make(chan string, 1)
			plain.Use((&application{seen: seen}).observe, recovery, showErrors)
			plain.GET("/page", func(c *gin.Context) { cacheable(c) }, handler)
			server := httptest.NewServer(plain)
			defer server.Close()
			want, err := (&http.Transport{DisableKeepAlives: true, DisableCompression: true}).RoundTrip(httptest.NewRequest(http.MethodGet, server.URL+"/page", nil))
			require.NoError(t, err)
			body, err := io.ReadAll(want.Body)
			require.NoError(t, err)
			want.Header.Del("Connection")

			a := newApplication(t, recovery, showErrors)
			page := func(c *gin.Context) { cacheable(c) }
			a.engine.GET("/page", page, handler)
			a.engine.GET("/guarded", authkitgin.Guard(a.RequireAuth), page, authkitgin.Guard(a.RequireRole("admin")), handler)
			wantSeen := strings.Replace(<-seen, "anonymous", behaviour.Kim, 1)
			for _, path := range []string{"/page", "/guarded"} {
				resp := a.get(path, a.staleSession())
				checkRefreshed(t, resp, path)
				assert.Equal(t, want.StatusCode, resp.Status, path)
				assert.Equal(t, string(body), resp.Body, path)
				assert.Equal(t, withoutOurs(want.Header), withoutOurs(resp.Header), path)
				assert.Equal(t, wantSeen, a.sawLast(t), path)
			}
		})
	}
}
