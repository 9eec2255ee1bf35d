// FromEnv: each variable, and the option that overrides it.

package authkit_test

import (
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/internal/behaviour"
)

// validEnv is an environment that FromEnv accepts.
var validEnv = map[string]string{
	"WORKOS_API_KEY":         "sk_test_1",
	"WORKOS_CLIENT_ID":       "client_1",
	"WORKOS_COOKIE_PASSWORD": behaviour.Password,
	"WORKOS_REDIRECT_URI":    "https://app.example.com/callback",
}

// setEnv sets the variables that FromEnv reads. Those that are not given become empty.
func setEnv(t *testing.T, envs ...map[string]string) {
	t.Helper()
	for _, name := range []string{
		"WORKOS_API_KEY", "WORKOS_CLIENT_ID", "WORKOS_COOKIE_PASSWORD", "WORKOS_REDIRECT_URI", "WORKOS_COOKIE_NAME",
		"WORKOS_COOKIE_DOMAIN", "WORKOS_COOKIE_MAX_AGE", "WORKOS_COOKIE_SAMESITE", "WORKOS_API_HOSTNAME", "WORKOS_API_HTTPS",
		"WORKOS_API_PORT",
	} {
		t.Setenv(name, "")
	}
	for _, env := range envs {
		for name, value := range env {
			t.Setenv(name, value)
		}
	}
}

// serveFromEnv returns an application with the AuthKit that FromEnv makes from env.
func serveFromEnv(t *testing.T, env map[string]string, opts ...authkit.Option) *behaviour.App {
	t.Helper()
	a := behaviour.NewApp(t, behaviour.AppOptions{})
	setEnv(t, a.Fake.Env(), map[string]string{
		"WORKOS_COOKIE_PASSWORD": behaviour.Password,
		"WORKOS_REDIRECT_URI":    a.URL + "/callback",
	}, env)
	ak, err := authkit.FromEnv(append([]authkit.Option{authkit.WithClock(a.Clock), authkit.WithLogger(slog.New(slog.DiscardHandler))}, opts...)...)
	require.NoError(t, err)
	a.Replace(ak)
	return a
}

func TestFromEnvUsesEveryVariable(t *testing.T) {
	a := serveFromEnv(t, map[string]string{
		"WORKOS_COOKIE_NAME":     "my-session",
		"WORKOS_COOKIE_DOMAIN":   "localhost",
		"WORKOS_COOKIE_MAX_AGE":  "3600",
		"WORKOS_COOKIE_SAMESITE": "Lax",
	})
	s := a.StartSignIn("/login")
	resp := a.Send(behaviour.Request{Target: s.Target(), Cookie: s.Cookie})
	session := resp.SetCookies(t)["my-session"]
	require.NotNil(t, session, "the API key, client ID, password, redirect URL and base URL come from the environment")
	assert.Equal(t, "localhost", session.Domain)
	assert.Equal(t, 3600, session.MaxAge)
	assert.Equal(t, http.SameSiteLaxMode, session.SameSite)

	cookie := "my-session=" + session.Value
	assert.Contains(t, a.Send(behaviour.Request{Target: "/", Cookie: cookie}).Body, behaviour.Kim)
	a.Clock.Advance(time.Hour)
	assert.Contains(t, a.Send(behaviour.Request{Target: "/", Cookie: cookie}).Body, "anonymous", "the maximum age is sealed too")
}

func TestAnOptionOverridesItsVariable(t *testing.T) {
	a := serveFromEnv(t, map[string]string{
		"WORKOS_COOKIE_NAME":     "from-env",
		"WORKOS_COOKIE_MAX_AGE":  "60",
		"WORKOS_COOKIE_SAMESITE": "strict",
	}, authkit.WithCookieName("from-option"), authkit.WithCookieMaxAge(2*time.Minute), authkit.WithCookieSameSite(http.SameSiteLaxMode))
	s := a.StartSignIn("/login")
	session := a.Send(behaviour.Request{Target: s.Target(), Cookie: s.Cookie}).SetCookies(t)["from-option"]
	require.NotNil(t, session)
	assert.Equal(t, 120, session.MaxAge)
	assert.Equal(t, http.SameSiteLaxMode, session.SameSite)
}

func TestAnInvalidVariableIsReportedByOptionAndVariable(t *testing.T) {
	for name, c := range map[string]struct {
		env              map[string]string
		option, variable string
		reason           authkit.ConfigReason
		says             string
	}{
		"an age in words":                     {map[string]string{"WORKOS_COOKIE_MAX_AGE": "400 days"}, "WithCookieMaxAge", "WORKOS_COOKIE_MAX_AGE", authkit.ReasonMalformed, "seconds"},
		"an age with a fraction":              {map[string]string{"WORKOS_COOKIE_MAX_AGE": "1.5"}, "WithCookieMaxAge", "WORKOS_COOKIE_MAX_AGE", authkit.ReasonMalformed, "seconds"},
		"an age that is too large":            {map[string]string{"WORKOS_COOKIE_MAX_AGE": "99999999999999999999"}, "WithCookieMaxAge", "WORKOS_COOKIE_MAX_AGE", authkit.ReasonOutOfRange, "seconds"},
		"an age of zero":                      {map[string]string{"WORKOS_COOKIE_MAX_AGE": "0"}, "WithCookieMaxAge", "WORKOS_COOKIE_MAX_AGE", authkit.ReasonOutOfRange, "a second"},
		"an unknown SameSite":                 {map[string]string{"WORKOS_COOKIE_SAMESITE": "relaxed"}, "WithCookieSameSite", "WORKOS_COOKIE_SAMESITE", authkit.ReasonOutOfRange, "lax, strict and none"},
		"a scheme instead of a boolean":       {map[string]string{"WORKOS_API_HTTPS": "https"}, "WithBaseURL", "WORKOS_API_HTTPS", authkit.ReasonMalformed, "true or false"},
		"a port in words":                     {map[string]string{"WORKOS_API_PORT": "http"}, "WithBaseURL", "WORKOS_API_PORT", authkit.ReasonMalformed, "65535"},
		"port zero":                           {map[string]string{"WORKOS_API_PORT": "0"}, "WithBaseURL", "WORKOS_API_PORT", authkit.ReasonOutOfRange, "65535"},
		"a port that is too high":             {map[string]string{"WORKOS_API_PORT": "65536"}, "WithBaseURL", "WORKOS_API_PORT", authkit.ReasonOutOfRange, "65535"},
		"a URL instead of a host name":        {map[string]string{"WORKOS_API_HOSTNAME": "https://api.workos.com"}, "WithBaseURL", "WORKOS_API_HOSTNAME", authkit.ReasonMalformed, "URL"},
		"a host name with a path":             {map[string]string{"WORKOS_API_HOSTNAME": "api.workos.com/v1"}, "WithBaseURL", "WORKOS_API_HOSTNAME", authkit.ReasonMalformed, "URL"},
		"a host name with a user":             {map[string]string{"WORKOS_API_HOSTNAME": "kim:hunter2@api.workos.com"}, "WithBaseURL", "WORKOS_API_HOSTNAME", authkit.ReasonMalformed, "URL"},
		"a host name with a user, and a port": {map[string]string{"WORKOS_API_HOSTNAME": "kim:hunter2@api.workos.com", "WORKOS_API_PORT": "8443"}, "WithBaseURL", "WORKOS_API_HOSTNAME", authkit.ReasonMalformed, ""},
		"http to a host that is not loopback": {map[string]string{"WORKOS_API_HTTPS": "false"}, "WithBaseURL", "WORKOS_API_HTTPS", authkit.ReasonInsecure, "plain http"},
		"a wrong API key":                     {map[string]string{"WORKOS_API_KEY": "hunter2"}, "WithAPIKey", "WORKOS_API_KEY", authkit.ReasonMalformed, "sk_"},
		"no client ID":                        {map[string]string{"WORKOS_CLIENT_ID": " "}, "WithClientID", "WORKOS_CLIENT_ID", authkit.ReasonMissing, "client_"},
		"no password":                         {map[string]string{"WORKOS_COOKIE_PASSWORD": ""}, "WithCookiePassword", "WORKOS_COOKIE_PASSWORD", authkit.ReasonMissing, "32"},
		"a short password":                    {map[string]string{"WORKOS_COOKIE_PASSWORD": "hunter2"}, "WithCookiePassword", "WORKOS_COOKIE_PASSWORD", authkit.ReasonOutOfRange, "32"},
	} {
		t.Run(name, func(t *testing.T) {
			setEnv(t, validEnv, c.env)
			_, err := authkit.FromEnv()
			faults := configErrors(t, err)
			require.Len(t, faults, 1, "%v", err)
			assert.Equal(t, c.option, faults[0].Option)
			assert.Contains(t, faults[0].Error(), c.variable)
			assert.Equal(t, c.reason, faults[0].Reason)
			assert.Contains(t, faults[0].Problem, c.says)
			assert.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestAllInvalidVariablesAreReportedAtOnce(t *testing.T) {
	setEnv(t, map[string]string{
		"WORKOS_COOKIE_MAX_AGE": "soon", "WORKOS_COOKIE_SAMESITE": "x", "WORKOS_API_HTTPS": "perhaps", "WORKOS_API_PORT": "many",
		"WORKOS_REDIRECT_URI": "/callback", "WORKOS_COOKIE_NAME": "a b", "WORKOS_COOKIE_DOMAIN": "a b",
	})
	_, err := authkit.FromEnv()
	configErrors(t, err)
	for _, variable := range []string{
		"WORKOS_API_KEY", "WORKOS_CLIENT_ID", "WORKOS_COOKIE_PASSWORD", "WORKOS_REDIRECT_URI", "WORKOS_COOKIE_NAME",
		"WORKOS_COOKIE_DOMAIN", "WORKOS_COOKIE_MAX_AGE", "WORKOS_COOKIE_SAMESITE", "WORKOS_API_HTTPS is", "WORKOS_API_PORT is",
	} {
		assert.ErrorContains(t, err, variable)
	}
}

func TestAnOptionOverridesAnInvalidVariable(t *testing.T) {
	setEnv(t, validEnv, map[string]string{
		"WORKOS_COOKIE_MAX_AGE": "soon", "WORKOS_COOKIE_SAMESITE": "x", "WORKOS_API_PORT": "many", "WORKOS_API_KEY": "wrong",
		"WORKOS_CLIENT_ID": "wrong", "WORKOS_COOKIE_PASSWORD": "short", "WORKOS_REDIRECT_URI": "wrong",
		"WORKOS_COOKIE_NAME": "a b", "WORKOS_COOKIE_DOMAIN": "a b",
	})
	_, err := authkit.FromEnv(behaviour.ValidOptions(
		authkit.WithCookieMaxAge(time.Hour), authkit.WithCookieSameSite(http.SameSiteLaxMode),
		authkit.WithBaseURL("https://auth.example.com"), authkit.WithCookieName("sid"), authkit.WithCookieDomain("example.com"),
	)...)
	assert.NoError(t, err)
}

func TestNewIgnoresTheEnvironment(t *testing.T) {
	setEnv(t, map[string]string{"WORKOS_COOKIE_MAX_AGE": "soon", "WORKOS_API_KEY": "wrong"})
	_, err := authkit.New(behaviour.ValidOptions()...)
	assert.NoError(t, err)
}

func TestThreeVariablesSetTheBaseURL(t *testing.T) {
	for name, c := range map[string]struct {
		host, port, https string
		want              string
	}{
		"no variable":                   {want: "https://api.workos.com"},
		"a host":                        {host: "auth.example.com", want: "https://auth.example.com"},
		"a host with spaces around it":  {host: " auth.example.com ", want: "https://auth.example.com"},
		"a host and a port":             {host: "auth.example.com", port: "8443", want: "https://auth.example.com:8443"},
		"a port alone":                  {port: "8443", want: "https://api.workos.com:8443"},
		"https true":                    {https: "true", want: "https://api.workos.com"},
		"plain http on loopback":        {host: "localhost", port: "4100", https: "false", want: "http://localhost:4100"},
		"false in upper case":           {host: "localhost", https: "FALSE", want: "http://localhost"},
		"an IPv6 host":                  {host: "[::1]", https: "false", want: "http://[::1]"},
		"an IPv6 host and a port":       {host: "[::1]", port: "4100", https: "false", want: "http://[::1]:4100"},
		"an IPv6 host without brackets": {host: "::1", port: "4100", https: "false", want: "http://[::1]:4100"},
	} {
		t.Run(name, func(t *testing.T) {
			setEnv(t, validEnv, map[string]string{
				"WORKOS_API_HOSTNAME": c.host, "WORKOS_API_PORT": c.port, "WORKOS_API_HTTPS": c.https,
			})
			ak, err := authkit.FromEnv()
			require.NoError(t, err)
			a := behaviour.NewApp(t, behaviour.AppOptions{})
			a.Server.Config.Handler = ak.Login()
			location, err := a.Send(behaviour.Request{Target: "/"}).Location()
			require.NoError(t, err)
			assert.Equal(t, c.want, (&url.URL{Scheme: location.Scheme, Host: location.Host}).String())
		})
	}
}

func TestAnEmptyVariableCountsAsNotSet(t *testing.T) {
	blank := maps.Clone(validEnv)
	for _, name := range strings.Fields("WORKOS_COOKIE_NAME WORKOS_COOKIE_DOMAIN WORKOS_COOKIE_MAX_AGE WORKOS_COOKIE_SAMESITE " +
		"WORKOS_API_HOSTNAME WORKOS_API_PORT WORKOS_API_HTTPS") {
		blank[name] = " \t"
	}
	setEnv(t, blank)
	_, err := authkit.FromEnv()
	require.NoError(t, err)

	setEnv(t, validEnv, map[string]string{"WORKOS_API_KEY": "", "WORKOS_REDIRECT_URI": ""})
	_, err = authkit.FromEnv(authkit.WithPublicClient())
	require.NoError(t, err)
}
