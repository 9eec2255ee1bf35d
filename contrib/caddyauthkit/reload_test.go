// Tests of reloads: what stays, what changes, and what ends.

package caddyauthkit_test

import (
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/behaviour"
)

// stacks counts the goroutines whose stack has a text.
func stacks(text string) int {
	all := make([]byte, 4<<20)
	return strings.Count(string(all[:runtime.Stack(all, true)]), text)
}

const following = "authkit.(*AuthKit).Follow("

func TestAReloadOfCaddyKeepsSessionsAndSignOuts(t *testing.T) {
	s := start(t, echo, setUp{})
	cookie := s.cookieOf(ada)
	signedOut := "Cookie: " + s.cookieOf(ben)
	require.Equal(t, 200, s.do(ben, "POST", "/logout").StatusCode)
	refreshes := s.Fake.Refreshes()

	require.NoError(t, s.load(setUp{authkit: `
		rule /public/* {
			allow public
		}
		session {
			stream_after 1m
		}`}))
	assert.Equal(t, 200, s.do("", "GET", "/public/a").StatusCode, "the new rule holds")
	assert.Equal(t, 200, s.do(ada, "GET", "/a").StatusCode, "the session goes on")
	assert.Equal(t, cookie, s.cookieOf(ada))
	assert.Equal(t, 401, s.do("", "GET", "/a", signedOut).StatusCode, "the sign-out still holds")
	assert.Equal(t, refreshes, s.Fake.Refreshes())
	assert.Eventually(t, func() bool { return stacks(following) == 1 }, waitTimeout, 5*time.Millisecond, "both configurations use the same engine")
}

func TestAConfigurationWithAFaultLeavesTheEarlierOneInUse(t *testing.T) {
	s := start(t, echo, setUp{})
	for _, settings := range []string{"", "session {\n compact\n }\n"} { // with the same engine, and with another one
		err := s.load(setUp{authkit: settings + "rule admin {\n allow everybody\n }"})
		require.Error(t, err)
		assert.Contains(t, err.Error(), "rules[0].path")
		assert.Contains(t, err.Error(), "rules[0].allow")
		assert.Equal(t, 200, s.do(ben, "GET", "/a").StatusCode)
		assert.Eventually(t, func() bool { return stacks(following) == 1 }, waitTimeout, 5*time.Millisecond)
	}
}

func TestOtherSettingsOfSessionsMakeAnotherEngineAndEndTheFirst(t *testing.T) {
	s := start(t, echo, setUp{})
	assert.Equal(t, 200, s.do(ben, "GET", "/a").StatusCode)
	require.NoError(t, s.load(setUp{authkit: "session {\n idle_timeout 30m\n }"}))
	assert.Equal(t, 200, s.do(ben, "GET", "/a").StatusCode, "the cookie opens with the same password")
	assert.Eventually(t, func() bool { return stacks(following) == 1 }, waitTimeout, 5*time.Millisecond)
}

func TestNoGoroutineOfAuthkitIsLeftAfterTheEndOfCaddy(t *testing.T) {
	s := start(t, echo, setUp{})
	assert.Equal(t, 200, s.do(ben, "GET", "/a").StatusCode)
	require.Positive(t, stacks(following))
	require.NoError(t, s.replace(""))
	assert.Eventually(t, func() bool { return stacks("authkit-go/authkit.") == 0 }, waitTimeout, 5*time.Millisecond)
}

func TestARequestGoesOnThroughAReload(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(begun)
			<-finish
		}
		_, _ = io.WriteString(w, r.Header.Get("X-Authkit-Email"))
	}), setUp{})
	s.browser(ben)
	result := make(chan answer, 1)
	go func() { result <- s.do(ben, "GET", "/slow") }()
	<-begun
	require.NoError(t, s.load(setUp{authkit: "session {\n idle_timeout 30m\n }"}))
	assert.Equal(t, ben, s.do(ben, "GET", "/a").Text)
	close(finish)
	assert.Equal(t, ben, (<-result).Text)
}

func TestTwoSitesOfCaddyShareTheirSignOutsThroughAStore(t *testing.T) {
	redis := miniredis.RunT(t)
	store := "store {\n url redis://" + redis.Addr() + "\n }"
	first := start(t, echo, setUp{authkit: store})
	second := start(t, echo, setUp{authkit: store, fake: first.Fake})
	cookie := "Cookie: " + first.cookieOf(ben)
	require.Equal(t, 200, second.do("", "GET", "/a", cookie).StatusCode)
	require.Equal(t, 200, first.do(ben, "POST", "/logout").StatusCode)
	assert.Eventually(t, func() bool { return second.do("", "GET", "/a", cookie).StatusCode == 401 }, waitTimeout, 20*time.Millisecond)
}

// suitePages are the pages of a behaviour.Target, which know the user from the identity headers alone.
func suitePages() http.Handler {
	mux := http.NewServeMux()
	page := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, behaviour.PageOf(r.Header.Get("X-Authkit-Email"), r.Header.Get("X-Authkit-User")))
	}
	mux.HandleFunc("GET /{$}", page)
	mux.HandleFunc("GET /account", page)
	mux.HandleFunc("GET /api/me", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"user": {"id": "`+r.Header.Get("X-Authkit-User")+`", "email": "`+r.Header.Get("X-Authkit-Email")+
			`"}, "session_id": "`+r.Header.Get("X-Authkit-Session-Id")+`", "organization_id": "`+r.Header.Get("X-Authkit-Organization")+`"}`)
	})
	return mux
}

func TestTheSuitePassesForCaddy(t *testing.T) {
	behaviour.Run(t, behaviour.Target{Name: "Caddy", Start: func(t testing.TB, d behaviour.Deployment) string {
		return start(t, suitePages(), setUp{fake: d.Fake, cookies: d.CookiePassword, log: d.Log, authkit: `
			events {
				follow false
			}
			rule /* {
				allow public
			}
			rule /account {
				allow sessions
			}
			rule /api/me {
				allow sessions
			}`}).URL
	}})
}
