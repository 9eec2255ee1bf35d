//go:build unix

// Instances in the process of the test, for measurements of many sessions or many instances.

package main

import (
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/contrib/pgstore"
	"github.com/authkit-go/authkit/contrib/redisstore"
)

// startInProcess starts n instances with a store, each with connections of its own, and a fake with these options.
func startInProcess(t *testing.T, shared engine, n int, opts ...authkittest.Option) *inProcess {
	t.Helper()
	f := &inProcess{T: t, fake: authkittest.New(t, opts...)}
	password := rand.Text() + rand.Text()
	for range n {
		ak, err := authkit.New(authkit.WithStore(shared.open(t)), authkit.WithBaseURL(f.fake.URL()), authkit.WithAPIKey(f.fake.APIKey()),
			authkit.WithClientID(f.fake.ClientID()), authkit.WithCookiePassword(password), authkit.WithRedirectURL("http://localhost/callback"),
			authkit.WithLogger(slog.New(slog.DiscardHandler)))
		require.NoError(t, err)
		mux := http.NewServeMux()
		mux.Handle("GET /login", ak.Login())
		mux.Handle("GET /callback", ak.Callback())
		mux.Handle("POST /logout", ak.Logout())
		mux.Handle("GET /page", ak.RequireAuth(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
		f.instances = append(f.instances, ak.Middleware(mux))
	}
	f.visit()
	return f
}

// open returns a store with a client of its own.
func (e engine) open(t *testing.T) authkit.Store {
	t.Helper()
	if e.variable == redisURL {
		options, err := redis.ParseURL(e.url)
		require.NoError(t, err)
		client := redis.NewClient(options)
		t.Cleanup(func() { client.Close() })
		store, err := redisstore.New(client)
		require.NoError(t, err)
		return store
	}
	pool, err := pgxpool.New(t.Context(), e.url+"?pool_max_conns=4")
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	store, err := pgstore.New(pool)
	require.NoError(t, err)
	require.NoError(t, store.Migrate(t.Context()))
	return store
}

// visit signs a browser in at the fake, so that further sign-ins need no page.
func (f *inProcess) visit() {
	f.Helper()
	jar, _ := cookiejar.New(nil) // the error is always nil
	b := authkittest.NewBrowser()
	f.Cleanup(b.CloseIdleConnections)
	b.Client.Jar = jar
	b.Base = &oneInstance{f}
	_, err := b.SignIn("http://localhost/login?return_to=/page", ada)
	require.NoError(f, err)
	fake, err := url.Parse(f.fake.URL())
	require.NoError(f, err)
	cookies := jar.Cookies(fake)
	require.Len(f, cookies, 1)
	f.visitor = cookies[0]
}

// oneInstance sends the requests of a browser to the first instance, and those of other hosts to the fake.
type oneInstance struct{ f *inProcess }

// RoundTrip implements http.RoundTripper.
func (o *oneInstance) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Hostname() != "localhost" {
		return http.DefaultTransport.RoundTrip(r)
	}
	served := r.Clone(r.Context())
	served.Host = r.URL.Host
	if served.Body == nil {
		served.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	o.f.instances[0].ServeHTTP(w, served)
	response := w.Result()
	response.Request = r
	return response, nil
}

// signIn signs in at the first instance and returns the Cookie header of the session. It is safe for concurrent use.
func (f *inProcess) signIn() (cookies string) {
	login := httptest.NewRequest(http.MethodGet, "http://localhost/login", nil)
	login.Header.Set("Sec-Fetch-Mode", "navigate")
	w := httptest.NewRecorder()
	f.instances[0].ServeHTTP(w, login)

	authorize, err := http.NewRequest(http.MethodGet, w.Header().Get("Location"), nil)
	require.NoError(f, err)
	authorize.AddCookie(f.visitor)
	response, err := direct.Transport.RoundTrip(authorize) // follows no redirect
	require.NoError(f, err)
	_, _ = io.Copy(io.Discard, response.Body)
	response.Body.Close()

	callback := httptest.NewRequest(http.MethodGet, response.Header.Get("Location"), nil)
	callback.Header.Set("Cookie", cookieHeader(w.Result()))
	callback.Header.Set("Sec-Fetch-Mode", "navigate")
	w = httptest.NewRecorder()
	f.instances[0].ServeHTTP(w, callback)
	require.Less(f, w.Code, 400)
	return cookieHeader(w.Result())
}

// cookieHeader returns the cookies that a response sets, as a Cookie header.
func cookieHeader(response *http.Response) string {
	var pairs []string
	for _, c := range response.Cookies() {
		if c.MaxAge >= 0 && (c.Expires.IsZero() || c.Expires.After(time.Now())) {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
	}
	return strings.Join(pairs, "; ")
}
