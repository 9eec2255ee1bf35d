// ServeApp.

package authkittest_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// The application is written and tested as the documentation of authkit describes.
func TestServeAppStartsAnApplicationThatAUserSignsInTo(t *testing.T) {
	fake := authkittest.New(t)
	url := fake.ServeApp(t, func(string) http.Handler {
		ak, err := authkit.FromEnv()
		require.NoError(t, err)
		mux := http.NewServeMux()
		mux.Handle("GET /login", ak.Login())
		mux.Handle("GET /callback", ak.Callback())
		mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "home") })
		mux.Handle("GET /account", ak.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, _ := authkit.FromContext(r.Context())
			fmt.Fprint(w, "Hello, ", s.User().Email)
		})))
		return ak.Middleware(mux)
	})
	client := fake.SignedInClient(t, url+"/login", "ada@harborpress.test")
	resp, err := client.Get(url + "/account")
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, "Hello, ada@harborpress.test", string(body))
}

func TestTwoInstancesOfServeAppOpenEachOthersCookies(t *testing.T) {
	clock := authkittest.NewFakeClock(time.Now())
	fake := authkittest.New(t, authkittest.WithClock(clock))
	store := authkittest.NewMemoryStore(clock)
	instance := func(string) http.Handler {
		ak, err := authkit.FromEnv(authkit.WithStore(store), authkit.WithClock(clock))
		require.NoError(t, err)
		mux := http.NewServeMux()
		mux.Handle("GET /login", ak.Login())
		mux.Handle("GET /callback", ak.Callback())
		mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
			s, _ := authkit.FromContext(r.Context())
			fmt.Fprint(w, "home of ", s.User().Email)
		})
		return ak.Middleware(mux)
	}
	first, second := fake.ServeApp(t, instance), fake.ServeApp(t, instance)
	client := fake.SignedInClient(t, first+"/login", "ada@harborpress.test")
	for _, url := range []string{first, second} {
		resp, err := client.Get(url + "/")
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Equal(t, "home of ada@harborpress.test", string(body))
	}
	assert.Len(t, fake.Sessions(), 1, "one sign-in")
}
