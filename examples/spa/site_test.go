// The API and the page over https on two hosts of one domain, with a fake AuthKit and a clock that the test controls.

package main

import (
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/chromium"
)

// The hosts. To a browser, api.example.test and app.example.test are one site, and localhost is another one.
const (
	apiHost   = "api.example.test"
	pageHost  = "app.example.test"
	otherHost = "other.example.test"
	crossSite = "localhost"
)

// site is the API and the page of a test.
type site struct {
	fake      *authkittest.Server
	clock     *authkittest.FakeClock
	api, page string // the origins
	handler   http.Handler
	worker    string // the source of /worker.js on the origin of the page

	mu       sync.Mutex
	requests []string // method and path of each request to the API, guarded by mu
}

// newSite starts a site. The page is at app.example.test.
func newSite(t *testing.T, apiHost string, options ...authkit.Option) *site {
	t.Helper()
	postsMu.Lock()
	clear(posts)
	postsMu.Unlock()
	s := &site{clock: authkittest.NewFakeClock(time.Now())}
	apiServer, api := unstarted(t, apiHost)
	pageServer, page := unstarted(t, pageHost)
	s.api, s.page = api, page
	s.fake = authkittest.New(t, authkittest.WithClock(s.clock), authkittest.WithRedirectURIs(api+"/callback"), authkittest.WithSignOutRedirects(page+"/"))
	var err error
	s.handler, err = newAPI(t.Context(), page, append([]authkit.Option{
		authkit.WithBaseURL(s.fake.URL()),
		authkit.WithAPIKey(s.fake.APIKey()),
		authkit.WithClientID(s.fake.ClientID()),
		authkit.WithCookiePassword(rand.Text() + rand.Text()),
		authkit.WithRedirectURL(api + "/callback"),
		authkit.WithPostLogoutRedirectURL(page + "/"),
		authkit.WithClock(s.clock),
		authkit.WithLogger(slog.New(slog.DiscardHandler)),
	}, options...)...)
	require.NoError(t, err)
	apiServer.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		s.handler.ServeHTTP(w, r)
	})
	pages, err := newPage(api, s.fake.URL())
	require.NoError(t, err)
	pageServer.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.worker != "" && r.URL.Path == "/worker.js" {
			w.Header().Set("Content-Type", "text/javascript")
			io.WriteString(w, s.worker)
			return
		}
		pages.ServeHTTP(w, r)
	})
	apiServer.StartTLS()
	pageServer.StartTLS()
	return s
}

// unstarted returns a server that is not started, and its origin at a host.
func unstarted(t *testing.T, host string) (server *httptest.Server, origin string) {
	t.Helper()
	server = httptest.NewUnstartedServer(nil)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // browsers close connections early
	t.Cleanup(server.Close)
	return server, "https://" + strings.Replace(server.Listener.Addr().String(), "127.0.0.1", host, 1)
}

// newOtherPage starts a page of another origin, and returns its address.
func newOtherPage(t *testing.T, host, body string) (address string) {
	t.Helper()
	server, origin := unstarted(t, host)
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<!doctype html><link rel=icon href=data:,><h1>Another page</h1>"+body)
	})
	server.StartTLS()
	return origin + "/"
}

// count returns how many requests to the API had a method and a path.
func (s *site) count(request string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sent := range s.requests {
		if sent == request {
			n++
		}
	}
	return n
}

// signIn opens a path of the page in a new browser and signs a user in, by the link of the page.
func (s *site) signIn(b *chromium.Tab, path, user string) {
	b.T.Helper()
	b.Visit(s.page + path)
	b.Sees("Please sign in")
	b.Click("Sign in")
	b.Click(user)
	b.Sees("Posts")
	require.Equal(b.T, s.page+path, b.URL())
}

// notice waits for a notice of the page that contains a text.
func notice(b *chromium.Tab, text string) {
	b.T.Helper()
	b.Find(`//*[@id="notice" and not(@hidden) and contains(., "` + text + `")]`)
}

// fetchAPI is a script that sends a request to the API with the session cookie.
const fetchAPI = `const [method, address, headers, body] = arguments;
	try {
		const r = await fetch(address, {method, headers: headers ?? {}, body, credentials: "include"});
		return String(r.status);
	} catch (e) {
		return e.name;
	}`

// fetch sends a request to the API from the page that the browser shows, and returns the status, or TypeError if the page
// cannot read the response.
func (s *site) fetch(b *chromium.Tab, method, path string, headers map[string]string, body any) (result string) {
	b.T.Helper()
	b.Run(fetchAPI, &result, method, s.api+path, headers, body)
	return result
}

// titles returns the titles of all posts.
func titles() (all []string) {
	postsMu.Lock()
	defer postsMu.Unlock()
	for _, of := range posts {
		for _, p := range of {
			all = append(all, p.Title)
		}
	}
	slices.Sort(all)
	return all
}
