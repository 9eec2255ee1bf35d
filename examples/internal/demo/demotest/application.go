// The application in this process: its routes and their responses.

// Package demotest holds the tests that the examples share. The examples stdlib and chi pass the same tests, so they are
// the same application.
package demotest

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// Application tests the routes of an example with a fake AuthKit.
func Application(t *testing.T, routes func(*authkit.AuthKit) http.Handler) {
	fake := authkittest.New(t)
	home := serve(t, fake, routes)

	t.Run("A user signs in from the home page, sees the account and signs out", func(t *testing.T) {
		left := Walk(t, home, OnHostedPages)
		assert.Equal(t, home+"/", left.URL.String())
		assert.Contains(t, left.Body, "Create an account")
	})

	t.Run("A new user creates an account", func(t *testing.T) {
		b := browser(t)
		visit(t, b.Get, home+"/")
		visit(t, b.Follow, "Create an account")
		page, err := b.Submit("Create account", url.Values{
			"email": {"kim@example.com"}, "first_name": {"Kim"}, "last_name": {"Berg"},
		})
		require.NoError(t, err)
		assert.Equal(t, home+"/", page.URL.String())
		assert.Contains(t, page.Body, "Kim Berg")
	})

	t.Run("A program gets an empty list for no permissions", func(t *testing.T) {
		response, err := fake.SignedInClient(t, home+"/login", "dev@example.com").Get(home + "/api/me")
		require.NoError(t, err)
		defer response.Body.Close()
		var document map[string]any
		require.NoError(t, json.NewDecoder(response.Body).Decode(&document))
		assert.Equal(t, []any{}, document["permissions"])
		assert.Equal(t, "", document["organization_id"])
	})

	for _, c := range []struct {
		name, method, path string
		status             int
		contentType, body  string
	}{
		{"the health check answers ok", "GET", "/healthz", http.StatusOK, "text/plain", "ok"},
		{"the stylesheet has its content type", "GET", "/style.css", http.StatusOK, "text/css", ":root"},
		{"HEAD is answered like GET", "HEAD", "/", http.StatusOK, "text/html", ""},
		{"an unknown path is not found", "GET", "/nowhere", http.StatusNotFound, "text/plain", ""},
		{"a path below a known one is not found", "GET", "/account/nowhere", http.StatusNotFound, "text/plain", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := http.NewRequest(c.method, home+c.path, nil)
			require.NoError(t, err)
			response, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			assert.Equal(t, c.status, response.StatusCode)
			assert.True(t, strings.HasPrefix(response.Header.Get("Content-Type"), c.contentType), response.Header.Get("Content-Type"))
			assert.Contains(t, string(body), c.body)
		})
	}
}

// serve runs routes with a fake AuthKit. The application is on localhost, like the examples. To browsers that is another
// site than 127.0.0.1, where the fake is.
func serve(t *testing.T, fake *authkittest.Server, routes func(*authkit.AuthKit) http.Handler) (home string) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	home = "http://" + strings.Replace(server.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
	ak, err := authkit.New(
		authkit.WithBaseURL(fake.URL()),
		authkit.WithAPIKey(fake.APIKey()),
		authkit.WithClientID(fake.ClientID()),
		authkit.WithCookiePassword(rand.Text()+rand.Text()),
		authkit.WithRedirectURL(home+"/callback"),
		authkit.WithPostLogoutRedirectURL(home+"/"),
		authkit.WithLogger(slog.New(slog.DiscardHandler)),
	)
	require.NoError(t, err)
	server.Config.Handler = routes(ak)
	server.Start()
	t.Cleanup(server.Close)
	return home
}
