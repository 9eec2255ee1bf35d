// The server: its environment, its address, its headers and its shutdown.

package demo_test

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/examples/internal/demo"
)

// listen starts a server. Of the variables for WorkOS it has only those in env.
func listen(t *testing.T, env map[string]string) *demo.Server {
	t.Helper()
	for _, name := range []string{
		"WORKOS_API_KEY", "WORKOS_CLIENT_ID", "WORKOS_COOKIE_PASSWORD", "WORKOS_REDIRECT_URI",
		"WORKOS_API_HOSTNAME", "WORKOS_API_PORT", "WORKOS_API_HTTPS",
		"WORKOS_COOKIE_NAME", "WORKOS_COOKIE_DOMAIN", "WORKOS_COOKIE_MAX_AGE", "WORKOS_COOKIE_SAMESITE",
	} {
		t.Setenv(name, env[name])
	}
	t.Setenv("ADDR", env["ADDR"])
	server, err := demo.Listen()
	require.NoError(t, err)
	t.Cleanup(server.Close)
	return server
}

// workOS returns the variables of an application that uses WorkOS.
func workOS(more map[string]string) map[string]string {
	env := map[string]string{
		"ADDR":                   "localhost:0",
		"WORKOS_API_KEY":         "sk_test_example",
		"WORKOS_CLIENT_ID":       "client_01A",
		"WORKOS_COOKIE_PASSWORD": rand.Text() + rand.Text(),
	}
	for name, value := range more {
		env[name] = value
	}
	return env
}

func TestTheURLOfTheServerWorksInALocalBrowser(t *testing.T) {
	for addr, want := range map[string]string{
		"localhost:0": `^http://localhost:[1-9]\d*$`,
		"127.0.0.1:0": `^http://127\.0\.0\.1:[1-9]\d*$`,
		":0":          `^http://localhost:[1-9]\d*$`,
		"0.0.0.0:0":   `^http://localhost:[1-9]\d*$`,
	} {
		t.Run(addr, func(t *testing.T) {
			assert.Regexp(t, want, listen(t, map[string]string{"ADDR": addr}).URL())
		})
	}
}

func TestAnInvalidListenAddressIsRefused(t *testing.T) {
	t.Setenv("ADDR", "localhost")
	_, err := demo.Listen()
	assert.ErrorContains(t, err, "localhost: missing port")
}

func TestTheEnvironmentDecidesBetweenTheFakeAndWorkOS(t *testing.T) {
	for _, c := range []struct {
		name        string
		env         map[string]string
		signIn      string // the sign-in redirects to a URL with this prefix
		redirectURI string // {home} is the address of the application
	}{
		{
			name:        "without an API key and a client ID it uses a fake, and the redirect URL has the actual port",
			env:         map[string]string{"ADDR": "localhost:0"},
			signIn:      "http://127.0.0.1:",
			redirectURI: "{home}/callback",
		},
		{
			name:        "a fake ignores other variables of WorkOS",
			env:         map[string]string{"ADDR": "localhost:0", "WORKOS_API_HOSTNAME": "api.example.com", "WORKOS_COOKIE_PASSWORD": "short", "WORKOS_REDIRECT_URI": "https://app.example.com/callback"},
			signIn:      "http://127.0.0.1:",
			redirectURI: "{home}/callback",
		},
		{
			name:        "with both it uses WorkOS, and the redirect URL has the actual port",
			env:         workOS(nil),
			signIn:      "https://api.workos.com/",
			redirectURI: "{home}/callback",
		},
		{
			name:        "a redirect URI in the environment is kept",
			env:         workOS(map[string]string{"WORKOS_REDIRECT_URI": "https://app.example.com/callback"}),
			signIn:      "https://api.workos.com/",
			redirectURI: "https://app.example.com/callback",
		},
		{
			name:        "the variables set the address of WorkOS",
			env:         workOS(map[string]string{"WORKOS_API_HOSTNAME": "localhost", "WORKOS_API_PORT": "4100", "WORKOS_API_HTTPS": "false"}),
			signIn:      "http://localhost:4100/",
			redirectURI: "{home}/callback",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := listen(t, c.env)
			ak, err := authkit.FromEnv(server.Options()...)
			require.NoError(t, err)
			response, _ := get(t, server, ak.Login())
			assert.Truef(t, strings.HasPrefix(response.Header.Get("Location"), c.signIn), "%s", response.Header.Get("Location"))
			location, err := response.Location()
			require.NoError(t, err)
			assert.Equal(t, strings.Replace(c.redirectURI, "{home}", server.URL(), 1), location.Query().Get("redirect_uri"))
		})
	}
}

func TestAnIncompleteEnvironmentNamesEveryFault(t *testing.T) {
	server := listen(t, map[string]string{"ADDR": "localhost:0", "WORKOS_CLIENT_ID": "01A"})
	_, err := authkit.FromEnv(server.Options()...)
	for _, fault := range []string{"WORKOS_API_KEY", "WORKOS_CLIENT_ID", "WORKOS_COOKIE_PASSWORD"} {
		assert.ErrorContains(t, err, fault)
	}
}

func TestThePolicyOfThePagesAllowsFormsOnlyToTheApplicationAndToSignOut(t *testing.T) {
	for _, c := range []struct {
		name, policy string
		env          map[string]string
	}{
		{"the fake", "form-action 'self' http://127.0.0.1:", map[string]string{"ADDR": "localhost:0"}},
		{"WorkOS", "form-action 'self' https:;", workOS(nil)},
		{"an emulator of WorkOS", "form-action 'self' http:;", workOS(map[string]string{"WORKOS_API_HTTPS": "false", "WORKOS_API_HOSTNAME": "localhost"})},
	} {
		t.Run(c.name, func(t *testing.T) {
			response, _ := get(t, listen(t, c.env), http.NotFoundHandler())
			assert.Contains(t, response.Header.Get("Content-Security-Policy"), c.policy)
			assert.Contains(t, response.Header.Get("Content-Security-Policy"), "default-src 'none'")
			assert.Equal(t, "same-origin", response.Header.Get("Referrer-Policy"))
			assert.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
		})
	}
}

func TestARequestInProgressIsFinishedWhenTheServerStops(t *testing.T) {
	server := listen(t, map[string]string{"ADDR": "localhost:0"})
	ctx, cancel := context.WithCancel(context.Background())
	response, body := getUntil(t, ctx, server, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		_, _ = io.WriteString(w, "finished")
	}))
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.Equal(t, "finished", body)
}

func TestTheResponsesNameTheInstance(t *testing.T) {
	for _, name := range []string{"", "B"} {
		t.Setenv("INSTANCE", name)
		response, body := get(t, listen(t, map[string]string{"ADDR": "localhost:0"}), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			demo.ShowHome(w, nil, nil)
		}))
		assert.Equal(t, name, response.Header.Get("X-Instance"))
		assert.Equal(t, name != "", strings.Contains(body, "Answered by instance <strong>B</strong>"))
	}
}

// get requests the home page of app from a server. It does not follow redirects.
func get(t *testing.T, server *demo.Server, app http.Handler) (*http.Response, string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	return getUntil(t, ctx, server, app)
}

// getUntil is get for a server that stops when ctx is done, or at the end of the test.
func getUntil(t *testing.T, ctx context.Context, server *demo.Server, app http.Handler) (*http.Response, string) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(ctx, app) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-stopped)
	})
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Get(server.URL() + "/")
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(body)
}
