// A gate in front of an upstream that tells what it has got, with a fake AuthKit.

package gate_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/gate"
)

// seen is what the upstream tells about its request.
type seen struct {
	Path   string
	Header http.Header
}

// application is a gate with an upstream behind it.
type application struct {
	*authkittest.App
	browsers map[string]*authkittest.Browser
}

// newApplication starts a gate. change changes its configuration.
func newApplication(t testing.TB, change func(env authkittest.Env, c *gate.Config), opts ...authkittest.Option) *application {
	app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
		ak := env.AuthKit()
		c := gate.Config{AuthKit: ak, Own: map[string]http.Handler{"/login": ak.Login(), "/callback": ak.Callback(), "/logout": ak.Logout()}}
		change(env, &c)
		g, err := gate.New(c)
		require.NoError(t, err)
		return g.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("X-Reached", "upstream")
			for _, line := range r.Header["Set"] {
				w.Header().Add("Set-Cookie", line)
			}
			if cache := r.Header.Get("Cache"); cache != "" {
				w.Header().Add("Cache-Control", cache)
			}
			_ = json.NewEncoder(w).Encode(seen{r.URL.EscapedPath(), r.Header})
		}))
	}, opts...)
	return &application{app, map[string]*authkittest.Browser{}}
}

// withRules returns a change that sets the rules.
func withRules(rules ...gate.Rule) func(authkittest.Env, *gate.Config) {
	return func(_ authkittest.Env, c *gate.Config) { c.Rules = rules }
}

// send sends a request as a script of the user, or of an anonymous visitor if user is "". Each header is "Name: value".
func (a *application) send(t testing.TB, user, method, target string, headers ...string) (int, seen) {
	t.Helper()
	client := a.APIClient("")
	if user != "" {
		if a.browsers[user] == nil {
			a.browsers[user] = a.SignIn(user)
		}
		client = a.browsers[user].Client
	}
	r, err := http.NewRequest(method, a.URL+target, nil)
	require.NoError(t, err)
	r.Header.Set("Sec-Fetch-Mode", "cors")
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header[name] = append(r.Header[name], value)
	}
	resp, err := client.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	var s seen
	if resp.Header.Get("X-Reached") != "" {
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&s))
		s.Header["Set-Cookie"] = resp.Header["Set-Cookie"]
		s.Header["Got-Cache-Control"] = resp.Header["Cache-Control"]
	}
	return resp.StatusCode, s
}

const (
	ada = "ada@harborpress.test" // an admin
	ben = "ben@harborpress.test" // a member
)
