// The back end, with a front end in Go instead of Next.js.

package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// The front end is a Go program that stores the session like Next.js. The tests in internal/interop use the JavaScript
// libraries.
func TestTheAPIReadsTheSessionOfTheFrontEnd(t *testing.T) {
	fake := authkittest.New(t)
	front := fake.ServeApp(t, func(url string) http.Handler {
		ak, err := authkit.FromEnv(authkit.WithSharedSession())
		require.NoError(t, err)
		mux := http.NewServeMux()
		mux.Handle("/login", ak.Login())
		mux.Handle("/callback", ak.Callback())
		mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) {})
		return mux
	})
	t.Setenv("WORKOS_REDIRECT_URI", "")
	ak, err := authkit.FromEnv(authkit.WithSharedSession())
	require.NoError(t, err)
	server := httptest.NewServer(routes(ak))
	defer server.Close()
	api := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)

	for path, want := range map[string]string{"/api/me": `"email":"ada@harborpress.test"`, "/api/drafts": `"drafts":[]`} {
		resp, err := http.Get(api + path)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)

		b := authkittest.NewBrowser()
		_, err = b.SignIn(front+"/login", "ada@harborpress.test")
		require.NoError(t, err)
		page, err := b.Get(api + path)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, page.StatusCode)
		assert.Contains(t, page.Body, want)
		b.CloseIdleConnections()
	}
}
