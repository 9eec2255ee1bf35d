// What CORS permits: the origin of the page, and no other. And mistakes in its use.

package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/cors"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/internal/chromium"
)

// answer returns the response of the API to a request without credentials. Headers are names and values.
func (s *site) answer(method, path string, headers ...string) *http.Response {
	return answerOf(s.handler, method, path, headers...)
}

func answerOf(handler http.Handler, method, path string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Result()
}

func TestAPreflightIsAnsweredForTheOriginOfThePageAlone(t *testing.T) {
	s := newSite(t, apiHost)
	ask := func(origin, method, headers string) *http.Response {
		return s.answer("OPTIONS", "/posts", "Origin", origin, "Access-Control-Request-Method", method, "Access-Control-Request-Headers", headers)
	}
	resp := ask(s.page, "POST", "content-type")
	assert.Equal(t, http.StatusNoContent, resp.StatusCode)
	assert.Equal(t, s.page, resp.Header.Get("Access-Control-Allow-Origin"))
	assert.Equal(t, "true", resp.Header.Get("Access-Control-Allow-Credentials"))
	assert.Equal(t, "POST", resp.Header.Get("Access-Control-Allow-Methods"))
	assert.Equal(t, "content-type", resp.Header.Get("Access-Control-Allow-Headers"))
	assert.Equal(t, "600", resp.Header.Get("Access-Control-Max-Age"))
	assert.Contains(t, resp.Header.Get("Vary"), "Origin")
	for name, refused := range map[string]*http.Response{
		"a host of the same domain":    ask(strings.Replace(s.page, pageHost, otherHost, 1), "POST", "content-type"),
		"the page's host as a prefix":  ask(s.page+".evil.example", "POST", "content-type"),
		"the page's host over http":    ask(strings.Replace(s.page, "https", "http", 1), "POST", "content-type"),
		"a sandboxed frame":            ask("null", "POST", "content-type"),
		"a method without a route":     ask(s.page, "DELETE", ""),
		"a header that is not allowed": ask(s.page, "POST", "authorization"),
	} {
		assert.Empty(t, refused.Header.Get("Access-Control-Allow-Origin"), name)
		assert.Empty(t, refused.Header.Get("Access-Control-Allow-Credentials"), name)
	}
}

func TestThePageCanReadARefusalAndItsRetryAfter(t *testing.T) {
	s := newSite(t, apiHost)
	resp := s.answer("GET", "/me", "Origin", s.page, "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty")
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	assert.Equal(t, s.page, resp.Header.Get("Access-Control-Allow-Origin"))
	assert.Equal(t, "Retry-After", resp.Header.Get("Access-Control-Expose-Headers"))
	vary := strings.Join(resp.Header.Values("Vary"), ", ")
	assert.Contains(t, vary, "Origin")
	assert.Contains(t, vary, "Cookie")
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Contains(t, string(body), `"code":"unauthenticated"`)
}

func TestAnAPIWithoutAnExactOriginIsRefusedAtConstruction(t *testing.T) {
	for _, page := range []string{"", "*", "null", "https://*.example.com", "https://app.example.com/"} {
		_, err := newAPI(t.Context(), page)
		assert.ErrorContains(t, err, "WithReturnOrigins", page)
	}
}

// These pages are on the same site as the API, so the browser sends the cookie with their requests.
func TestAnotherOriginOfTheSameSiteReadsAndChangesNothing(t *testing.T) {
	s := newSite(t, apiHost)
	b := chromium.Open(t)
	s.signIn(b, "/", admin)
	const sandboxed = `<iframe sandbox="allow-scripts" srcdoc="<h1>Sandboxed</h1>"></iframe>`
	for name, framed := range map[string]bool{"another host": false, "a sandboxed frame, whose origin is null": true} {
		t.Run(name, func(t *testing.T) {
			b := b.For(t)
			b.Visit(newOtherPage(t, otherHost, sandboxed))
			b.Sees("Another page")
			if framed {
				b.EnterFrame()
			}
			text := map[string]string{"Content-Type": "text/plain"}
			json := map[string]string{"Content-Type": "application/json"}
			for _, c := range []struct {
				method, path string
				headers      map[string]string
				body         any
				arrives      bool
			}{
				{"GET", "/me", nil, nil, true},
				{"GET", "/posts", nil, nil, true},
				{"POST", "/posts", text, `{"title":"Planted"}`, true}, // without a preflight
				{"POST", "/posts", json, `{"title":"Planted"}`, false},
				{"POST", "/logout", nil, nil, true},
			} {
				before := s.count(c.method + " " + c.path)
				assert.Equal(t, "TypeError", s.fetch(b, c.method, c.path, c.headers, c.body), "%s %s", c.method, c.path)
				assert.Equal(t, c.arrives, s.count(c.method+" "+c.path) > before, "%s %s", c.method, c.path)
			}
			b.LeaveFrames()
			assert.Empty(t, titles())
			assert.True(t, s.fake.Sessions()[0].Active())
		})
	}
	b.Visit(s.page + "/")
	b.Sees("Posts")
}

// CORS inside a guard: the guard answers the preflight, and the page cannot even read that it must sign in.
func TestThePageCannotUseAnAPIWithCORSInsideAGuard(t *testing.T) {
	s := newSite(t, apiHost)
	inside := cors.New(cors.Options{AllowedOrigins: []string{s.page}, AllowCredentials: true})
	ak := newAuthKit(t, s)
	mux := http.NewServeMux()
	mux.Handle("/posts", ak.RequireAuth(inside.Handler(http.HandlerFunc(listPosts))))
	s.handler = ak.Middleware(mux)
	resp := s.answer("OPTIONS", "/posts", "Origin", s.page, "Access-Control-Request-Method", "POST")
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	assert.Empty(t, resp.Header.Get("Access-Control-Allow-Origin"))

	b := chromium.Open(t)
	b.Visit(s.page + "/")
	notice(b, "The API cannot be reached.")
	assert.Equal(t, "TypeError", s.fetch(b, "GET", "/posts", nil, nil), "the 401 cannot be read")
	assert.Equal(t, "TypeError", s.fetch(b, "POST", "/posts", map[string]string{"Content-Type": "application/json"}, "{}"))
	assert.Equal(t, 1, s.count("GET /posts"))
	assert.Zero(t, s.count("POST /posts"), "the browser does not send it after the preflight")
}

// An empty list allows every origin, which rs/cors then writes as "*". Browsers do not accept that with credentials.
func TestThePageCannotUseAnAPIThatAllowsEveryOrigin(t *testing.T) {
	s := newSite(t, apiHost)
	ak := newAuthKit(t, s)
	every := cors.New(cors.Options{AllowCredentials: true})
	s.handler = every.Handler(ak.Middleware(ak.Me()))
	resp := s.answer("GET", "/me", "Origin", s.page)
	assert.Equal(t, "*", resp.Header.Get("Access-Control-Allow-Origin"))
	b := chromium.Open(t)
	b.Visit(s.page + "/")
	notice(b, "The API cannot be reached.")
	assert.Equal(t, "TypeError", s.fetch(b, "GET", "/me", nil, nil))
}

// What an allowed origin can do: a script in it acts as the user.
func TestAScriptInAnAllowedOriginActsAsTheUser(t *testing.T) {
	s := newSite(t, apiHost)
	b := chromium.Open(t)
	s.signIn(b, "/", admin)
	var read string
	b.Run(`const r = await fetch(arguments[0], {credentials: "include"}); return (await r.text()) + [...r.headers.keys()]`, &read, s.api+"/me")
	assert.Contains(t, read, "ada@harborpress.test")
	assert.NotContains(t, read, "set-cookie")
	for _, secret := range []string{"access_token", "refresh_token", "eyJ"} {
		assert.NotContains(t, read, secret)
	}
	assert.Equal(t, "201", s.fetch(b, "POST", "/posts", map[string]string{"Content-Type": "application/json"}, `{"title":"By a script"}`))
	assert.Equal(t, "200", s.fetch(b, "POST", "/logout", nil, nil))
	assert.Equal(t, "401", s.fetch(b, "GET", "/me", nil, nil))
}

// newAuthKit returns an AuthKit of the site with another use of CORS.
func newAuthKit(t *testing.T, s *site) *authkit.AuthKit {
	t.Helper()
	ak, err := authkit.New(
		authkit.WithBaseURL(s.fake.URL()), authkit.WithAPIKey(s.fake.APIKey()), authkit.WithClientID(s.fake.ClientID()),
		authkit.WithCookiePassword(strings.Repeat("p", 32)), authkit.WithRedirectURL(s.api+"/callback"), authkit.WithClock(s.clock),
	)
	require.NoError(t, err)
	return ak
}
