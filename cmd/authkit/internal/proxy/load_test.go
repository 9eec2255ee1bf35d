// The proxy under load: users who sign in, refresh and sign out while the configuration is reloaded. internal/soak cannot run here,
// because it starts its own applications, in its process and on its clock.

package proxy_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/cmd/authkit/internal/proxy"
)

// loadFor is how long the proxy is under load. The long form is
//
//	go test -race ./internal/proxy -run UnderLoad -v -proxy.for 30s
var loadFor = flag.Duration("proxy.for", 2*time.Second, "how long the proxy is under load")

// counts are what a run has done.
type counts struct{ requests, signIns, signOuts, refused, reloads atomic.Int64 }

func TestUnderLoadNoUserSeesAnotherAndNoRequestFails(t *testing.T) {
	before := runtime.NumGoroutine()
	const users = 12
	var people []authkittest.User
	for i := range users {
		people = append(people, authkittest.User{Email: fmt.Sprintf("load-%d@example.com", i)})
	}
	file := filepath.Join(t.TempDir(), "proxy.yaml")
	var text string
	d := start(t, echo, setUp{file: file, fake: []authkittest.Option{authkittest.WithUsers(people...), authkittest.WithAccessTokenLifetime(5 * time.Second)}, change: func(c *proxy.Config) {
		c.Log.Level = "warn"
		text = fmt.Sprintf("listen: %q\nlog: {level: warn}\nadmin: {listen: %q}\nworkos:\n  client_id: %s\n  base_url: %s\n  api_key_file: %s\n  cookie_password_files: [%s]\nupstreams: [{url: %q}]\nlimits: {shutdown_delay: 0s}\n",
			c.Listen, c.Admin.Listen, c.WorkOS.ClientID, c.WorkOS.BaseURL, c.WorkOS.APIKeyFile, c.WorkOS.CookiePasswordFiles[0], c.Upstreams[0].URL)
		require.NoError(t, os.WriteFile(file, []byte(text+"rules: [{path: /public/*, allow: [public]}]\n"), 0o600))
		c.Rules = []proxy.Rule{{Path: "/public/*", Allow: []string{"public"}}}
	}})
	var done counts
	end := time.Now().Add(*loadFor)
	var workers sync.WaitGroup
	for _, person := range people {
		workers.Go(func() { d.loadAs(person.Email, end, &done) })
	}
	for range 3 {
		workers.Go(func() { d.loadAnonymously(end, &done) })
	}
	workers.Go(func() {
		for i := 0; time.Now().Before(end); i++ {
			rules := fmt.Sprintf("rules: [{path: /public/*, allow: [public]}, {path: /r%d, roles: [x]}]\n", i)
			if i%5 == 4 {
				rules = "rules: [{path: wrong}]\n"
			}
			assert.NoError(t, os.WriteFile(file, []byte(text+rules), 0o600))
			d.reload <- struct{}{}
			done.reloads.Add(1)
			runtime.Gosched()
		}
	})
	workers.Wait()
	t.Logf("%s: %d requests, %d sign-ins, %d sign-outs, %d refusals of anonymous requests, %d reloads",
		*loadFor, done.requests.Load(), done.signIns.Load(), done.signOuts.Load(), done.refused.Load(), done.reloads.Load())
	assert.Positive(t, done.signOuts.Load())
	assert.NotContains(t, d.Log.String(), "panic")
	d.stop()
	require.NoError(t, d.wait())
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if !assert.Eventually(t, func() bool { return runtime.NumGoroutine() < before+40 }, waitTimeout, 10*time.Millisecond, "goroutines are left") {
		stacks := make([]byte, 1<<20)
		t.Log(string(stacks[:runtime.Stack(stacks, true)]))
	}
}

// loadAs is one user until the end: several sessions, one after another.
func (d *door) loadAs(email string, end time.Time, done *counts) {
	for time.Now().Before(end) {
		b := authkittest.NewBrowser()
		if _, err := b.SignIn(d.URL+"/login", email); !assert.NoError(d.t, err) {
			return
		}
		done.signIns.Add(1)
		for range 20 + rand.IntN(100) {
			if !d.seesItself(b, email) {
				return
			}
			done.requests.Add(1)
		}
		r, err := http.NewRequest(http.MethodGet, d.URL, nil)
		assert.NoError(d.t, err)
		for _, cookie := range b.Jar.Cookies(r.URL) {
			r.AddCookie(cookie)
		}
		page, err := b.Fetch(http.MethodPost, d.URL+"/logout")
		if !assert.NoError(d.t, err) || !assert.Equal(d.t, 200, page.StatusCode) {
			return
		}
		done.signOuts.Add(1)
		resp, err := http.DefaultTransport.RoundTrip(r)
		if !assert.NoError(d.t, err) {
			return
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		assert.Equal(d.t, 401, resp.StatusCode, "a copy of the cookie after the sign-out")
		b.CloseIdleConnections()
	}
}

// seesItself reports whether a request of the user is answered as the user's own.
func (d *door) seesItself(b *authkittest.Browser, email string) bool {
	page, err := b.Fetch(http.MethodGet, d.URL+"/a")
	if !assert.NoError(d.t, err) || !assert.Equal(d.t, 200, page.StatusCode, page.Body) {
		return false
	}
	var s seen
	if !assert.NoError(d.t, json.Unmarshal([]byte(page.Body), &s)) {
		return false
	}
	return assert.Equal(d.t, []string{email}, s.Header["X-Authkit-Email"]) && assert.Empty(d.t, s.Header["Cookie"])
}

// loadAnonymously is a visitor who tries what must not pass.
func (d *door) loadAnonymously(end time.Time, done *counts) {
	for i := 0; time.Now().Before(end); i++ {
		target := []string{"/a", "/public/%2e%2e/a", "/public//../a", "/%61", "/public/..;/a", "/r1"}[i%6]
		r, err := http.NewRequest(http.MethodGet, d.URL+target, nil)
		if !assert.NoError(d.t, err) {
			return
		}
		r.Header.Set("X-Authkit-User", "user_evil")
		resp, err := http.DefaultTransport.RoundTrip(r)
		if !assert.NoError(d.t, err) {
			return
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if !assert.Contains(d.t, []int{400, 401}, resp.StatusCode, target) {
			return
		}
		done.refused.Add(1)
	}
}
