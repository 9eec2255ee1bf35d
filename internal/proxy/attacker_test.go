// Requests of attackers, which must not take an instance out of rotation.

package proxy_test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testrun"
)

// attack is one kind of attacker requests.
type attack struct {
	name string
	send func(*site) []request
}

// get returns a navigation to each of the targets, with a cookie.
func get(cookie string, targets ...string) (all []request) {
	for _, target := range targets {
		all = append(all, request{target: target, header: navigation(), cookie: cookie})
	}
	return all
}

// each returns a request for each of the values.
func each[T any](values []T, make func(T) request) (all []request) {
	for _, value := range values {
		all = append(all, make(value))
	}
	return all
}

// junk returns a random value with a size in bytes. It is not sealed.
func junk(size int) string { return strings.Repeat(rand.Text(), size/26+1)[:size] }

// paths are the paths of authkit's handlers and of a guarded page.
var paths = []string{"/login", "/callback", "/logout", "/organization", "/account"}

var attacks = []attack{
	{"an error at the callback without a cookie", func(*site) []request {
		return get("", "/callback?error=x", "/callback?error=access_denied", "/callback?error=server_error&error_description=x",
			"/callback?error=temporarily_unavailable", "/callback?error=server_error&state=made-up", "/callback?error=")
	}},
	{"an error at the callback of the attacker's own sign-in", func(s *site) []request {
		return each([]string{"x", "access_denied", "server_error", "temporarily_unavailable", "oauth_failed"}, func(code string) request {
			pending := s.startSignIn()
			return request{target: "/callback?error=" + code + "&state=" + pending.state, header: navigation(), cookie: pending.cookie}
		})
	}},
	{"a made-up code with a valid state", func(s *site) []request {
		return each([]string{"junk", "01JUNKJUNKJUNKJUNKJUNKJUNK", junk(2000), "%00", "<script>"}, func(code string) request {
			pending := s.startSignIn()
			return request{target: "/callback?code=" + url.QueryEscape(code) + "&state=" + pending.state, header: navigation(), cookie: pending.cookie}
		})
	}},
	{"a used state", func(s *site) []request {
		pending := s.startSignIn()
		target := "/callback?code=junk&state=" + pending.state
		return get(pending.cookie, target, target, target)
	}},
	{"a state of another browser, and no state", func(s *site) []request {
		pending := s.startSignIn()
		return append(get("", "/callback?code=junk&state="+pending.state, "/callback?code=junk&state=made-up", "/callback?code=junk", "/callback"),
			get(pending.cookie, "/callback?code=junk&state=made-up", "/callback?code=junk", "/callback?state="+pending.state, "/callback?code=&state="+pending.state)...)
	}},
	{"a callback without a state, twice", func(s *site) []request {
		cookie := s.send(request{target: "/callback?code=junk", header: navigation()}).cookies()
		return get(cookie, "/callback?code=junk", "/callback?code=junk")
	}},
	{"a large query", func(s *site) []request {
		pending := s.startSignIn()
		var targets []string
		for _, size := range []int{1 << 10, 3 << 10, 7 << 10, 9 << 10} {
			targets = append(targets, "/login?return_to=/"+junk(size), "/account?"+junk(size), "/callback?error="+junk(size),
				"/callback?code="+junk(size), "/callback?code=x&state="+junk(size), "/callback?code=x&state="+pending.state+"&x="+junk(size))
		}
		return get(pending.cookie, targets...)
	}},
	{"a malformed query", func(s *site) []request {
		pending := s.startSignIn()
		return get(pending.cookie, "/callback?%zz", "/callback?code=%&state=%", "/callback?;;;&&&==", "/callback?code=x;state="+pending.state,
			"/callback?code=a&code=b&state="+pending.state, "/callback?code=a&state="+pending.state+"&state="+pending.state, "/callback?code=%ff%fe&state=%00",
			"/login?return_to=%zz", "/login?return_to=%2f%2fevil.example", "/login?return_to=https://evil.example", "/login?return_to=%00%0d%0a", "/login?%zz=%zz")
	}},
	{"a large cookie", func(*site) (all []request) {
		for _, size := range []int{4 << 10, 7 << 10, 9 << 10} {
			for _, path := range paths {
				all = append(all, get("authkit-session="+junk(size), path)...)
			}
		}
		return all
	}},
	{"many junk session cookies", func(*site) (all []request) {
		var pairs, doubled, empty []string
		for i := range 10 {
			pairs = append(pairs, fmt.Sprintf("authkit-session.%d=%s", i, junk(600)))
			doubled = append(doubled, fmt.Sprintf("authkit-session.%d=x; authkit-session.%[1]d=y", i))
			empty = append(empty, fmt.Sprintf("authkit-session.%d=", i))
		}
		for _, cookie := range []string{
			strings.Join(pairs, "; "), "authkit-session=x; " + strings.Join(doubled, "; "), "authkit-session=; " + strings.Join(empty, "; "),
			strings.Repeat("authkit-session=x; ", 300), strings.Repeat("wos-session=x; ", 300), strings.Repeat("=; ", 2000),
		} {
			for _, path := range paths {
				all = append(all, get(cookie, path)...)
				all = append(all, request{method: "POST", target: path, header: navigation(), cookie: cookie})
			}
		}
		return all
	}},
	{"many junk cookies of sign-ins", func(s *site) []request {
		pending := s.startSignIn()
		name, value, _ := strings.Cut(pending.cookie, "=")
		prefix := name[:len(name)-10]
		var short, long, copies []string
		for range 100 {
			short = append(short, prefix+rand.Text()[:10]+"=x")
		}
		for range 15 {
			long = append(long, prefix+rand.Text()[:10]+"="+junk(400))
		}
		for range 6 {
			copies = append(copies, prefix+rand.Text()[:10]+"="+value)
		}
		var all []request
		for _, cookie := range []string{strings.Join(short, "; "), strings.Join(long, "; "), strings.Join(copies, "; "), strings.Repeat(name+"=x; ", 100)} {
			all = append(all, get(cookie, "/login", "/account", "/callback?code=x&state="+pending.state, "/callback?code=x", "/callback?error=x&state="+pending.state)...)
		}
		return all
	}},
	{"a made-up bearer token", func(*site) []request {
		part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
		tokens := []string{"x", "a.b.c", "..", strings.Repeat(".", 4000), junk(7000), "", "x y z"}
		for range 20 {
			tokens = append(tokens, part(`{"alg":"RS256","kid":"`+rand.Text()+`"}`)+"."+part(`{"sub":"user_kim","sid":"x","exp":4102444800}`)+"."+junk(342))
		}
		tokens = append(tokens, part(`{"alg":"none"}`)+"."+part(`{"sub":"user_kim"}`)+".")
		return each(tokens, func(token string) request {
			return request{target: "/account", header: with(scripted(), "Authorization", "Bearer "+token)}
		})
	}},
	{"a made-up API key", func(*site) (all []request) {
		for range 40 {
			for _, target := range []string{"/programs", "/either", "/account"} {
				all = append(all, request{target: target, header: with(scripted(), "Authorization", "Bearer sk_"+rand.Text())})
			}
		}
		return all
	}},
	{"a prefetch", func(s *site) (all []request) {
		pending := s.startSignIn()
		for _, purpose := range []string{"prefetch", "prefetch;prerender", "prefetch;anonymous-client-ip"} {
			for _, target := range append(paths, "/callback?code=x&state="+pending.state, "/callback?code=x", "/callback?error=x") {
				all = append(all, request{target: target, header: with(navigation(), "Sec-Purpose", purpose), cookie: pending.cookie})
			}
		}
		return all
	}},
	{"a method that a handler does not support", func(s *site) (all []request) {
		pending := s.startSignIn()
		for _, method := range []string{"HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"} {
			for _, target := range append(paths, "/callback?code=x&state="+pending.state, "/callback?error=x", "/login?return_to=/account") {
				all = append(all, request{method: method, target: target, header: navigation(), cookie: pending.cookie})
			}
		}
		return append(all, request{target: "/logout", header: navigation()}, request{target: "/organization", header: navigation()})
	}},
	// The bodies are small. nginx uses HTTP/1.0 by default, and with HTTP/1.0 a net/http server resets the connection if it
	// does not read a larger body.
	{"a form of another site or without an origin", func(*site) (all []request) {
		for _, path := range []string{"/logout", "/organization"} {
			for _, origin := range []string{"https://evil.example", "null", "http://localhost", "x", ""} {
				for _, body := range []string{"organization_id=org_acme", "organization_id=" + junk(2000), "%zz=%zz&;"} {
					all = append(all, request{method: "POST", target: path, header: with(navigation(), "Origin", origin), body: body})
				}
			}
		}
		return all
	}},
	{"an upgrade, a range, and headers that proxies set", func(s *site) (all []request) {
		for _, field := range [][2]string{
			{"Upgrade", "websocket"}, {"Range", "bytes=0-0"}, {"Expect", "x"}, {"Forwarded", "host=evil.example"}, {"X-Forwarded-Host", "evil.example"},
			{"X-Forwarded-Proto", "gopher"}, {"X-Original-Url", "/account"}, {"Hx-Request", "true"}, {"If-None-Match", "*"}, {"Te", "trailers"},
		} {
			for _, path := range paths {
				all = append(all, request{target: path, header: with(navigation(), field[0], field[1])})
			}
		}
		return all
	}},
}

func TestNoAttackerRequestTakesAnInstanceOutOfRotation(t *testing.T) {
	shared := newSite(t) // the attacks meet it one after the other, and at the full length each meets its own
	siteOf := testrun.Length(shared.forTest, newSite)
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			s := siteOf(t)
			failures := map[string]int{}
			for _, q := range a.send(s) {
				failures[q.failure(s.send(q).status)]++
			}
			delete(failures, "")
			assert.Empty(t, failures)
			s.checkBothServe()
		})
	}
}

// failure describes the request if status is a server error, else it returns "".
// The description contains no secret.
func (q request) failure(status int) string {
	if status < 500 {
		return ""
	}
	path, _, _ := strings.Cut(q.target, "?")
	return fmt.Sprintf("%d for %s %s", status, q.method, path)
}

// WorkOS has rate limits. The client gets a status that nginx does not treat as a
// failure of the instance.
func TestA429FromWorkOSTakesNoInstanceOutOfRotation(t *testing.T) {
	tooMany := authkittest.Fault{Status: http.StatusTooManyRequests, Body: `{"error":"too_many_requests"}`, Header: http.Header{"Retry-After": {"7"}}}
	t.Run("a made-up code", func(t *testing.T) {
		s := newSite(t)
		s.fake.InjectFault(authkittest.RouteCodeExchange, tooMany)
		for range 4 {
			pending := s.startSignIn()
			resp := s.send(request{target: "/callback?code=junk&state=" + pending.state, header: navigation(), cookie: pending.cookie})
			assert.Equal(t, http.StatusTooManyRequests, resp.status)
		}
		s.checkBothServe()
	})
	t.Run("a made-up API key", func(t *testing.T) {
		s := newSite(t)
		s.fake.InjectFault(authkittest.RouteValidateAPIKey, tooMany)
		for range 4 {
			q := request{target: "/programs", header: with(scripted(), "Authorization", "Bearer sk_"+rand.Text())}
			assert.Empty(t, q.failure(s.send(q).status))
		}
		s.checkBothServe()
	})
}

func TestConcurrentAttackerRequestsTakeNoInstanceOutOfRotation(t *testing.T) {
	s := newSite(t)
	var all []request
	for _, a := range attacks {
		all = append(all, a.send(s)...)
	}
	// The step is coprime to the number of requests, so that consecutive requests are of different kinds.
	step := 7
	for len(all)%step == 0 {
		step += 2
	}
	concurrent := testrun.Length(250, 500)
	statuses, errs := make([]int, concurrent), make([]error, concurrent)
	var running sync.WaitGroup
	start := make(chan struct{})
	for i := range concurrent {
		running.Go(func() {
			<-start
			resp, err := s.do(all[i*step%len(all)])
			statuses[i], errs[i] = resp.status, err
		})
	}
	close(start)
	running.Wait()
	failures := map[string]int{}
	for i := range concurrent {
		require.NoError(t, errs[i])
		failures[all[i*step%len(all)].failure(statuses[i])]++
	}
	delete(failures, "")
	assert.Empty(t, failures)
	s.checkBothServe()
}
