// Tests of the configuration file and of its faults.

package proxy_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/cmd/authkit/internal/proxy"
)

func TestEveryFaultOfFormHasItsLine(t *testing.T) {
	_, err := proxy.Load(writeFile(t, "c.yaml", "listen: :8080\nuptreams: []\nlimits:\n  header_timeout: fast\n  header_byte: 1\nlog: {access: perhaps}\nrules: {a: b}\n"))
	require.Error(t, err)
	for _, want := range []string{"line 2: field uptreams does not exist in the file", "line 4: ", "line 5: field header_byte does not exist in limits", "line 6: ", "line 7: "} {
		assert.ErrorContains(t, err, want)
	}
	for content, want := range map[string]string{"": "is empty", "a: [": "line 1", "listen: a\n---\nlisten: b\n": "second document", "listen: a\nlisten: b\n": "already defined"} {
		_, err := proxy.Load(writeFile(t, "c.yaml", content))
		assert.ErrorContains(t, err, want)
	}
	_, err = proxy.Load(writeFile(t, "c.yaml", "identity: {headers: [a], jwt: 3}\nlimits: []\n"))
	require.Error(t, err)
	assert.Equal(t, 3, strings.Count(err.Error(), " into keys and values"), err)
	assert.NotContains(t, err.Error(), "proxy.", "a type of Go")
	_, err = proxy.Load("absent.yaml")
	assert.ErrorContains(t, err, "absent.yaml")
}

func TestTheProxyIsNotItsOwnUpstream(t *testing.T) {
	for _, c := range []struct {
		listen, upstream string
		itself           bool
	}{
		{"localhost:8080", "http://localhost:8080", true},
		{"localhost:8080", "http://127.0.0.1:8080", true},
		{":8080", "http://localhost:8080", true},
		{"0.0.0.0:80", "http://127.0.0.1", true},
		{"10.0.0.7:8080", "h2c://10.0.0.7:8080", true},
		{"127.0.0.1:8080", "http://[::1]:8080", false},
		{"localhost:8080", "http://localhost:3000", false},
		{":8080", "http://app:8080", false},
		{"localhost:0", "http://localhost:80", false},
		{"unix:/run/x", "http://localhost:80", false},
		{"localhost:80", "unix:///run/app.sock", false},
	} {
		config := proxy.Default()
		config.Listen, config.Upstreams = c.listen, []proxy.Upstream{{URL: c.upstream}}
		err := config.Check()
		require.Error(t, err, "the secrets are missing")
		assert.Equal(t, c.itself, strings.Contains(err.Error(), "is the proxy itself"), c)
	}
}

func TestARequirementWithoutAValueIsAFault(t *testing.T) {
	for text, want := range map[string]string{
		"rules:\n- path: /admin/*\n  roles:\n  # - admin\n":                                  "line 3: rules[0].roles has no value",
		"rules:\n- path: /a/*\n  methods: ~\n  allow: [public]\n":                            "line 3: rules[0].methods has no value",
		"rules:\n- path: /a\n- &admin {path: /b, roles: [admin]}\n- {<<: *admin, roles: }\n": "line 4: rules[2].roles has no value",
		"rules:\n- {path: /a, allow: &none , roles: *none}\n":                                "line 2: rules[0].roles has no value",
		"rules:\n-\n": "line 2: rules[0] has no value",
	} {
		_, err := proxy.Load(writeFile(t, "c.yaml", text))
		assert.ErrorContains(t, err, want, text)
	}
	c, err := proxy.Load(writeFile(t, "c.yaml", "rules:\n- {path: /a/*, methods: [], allow: [public]}\n"))
	require.NoError(t, err)
	assert.ErrorContains(t, c.Check(), "line 2: rules[0].methods: is an empty list")
	_, err = proxy.Load(writeFile(t, "c.yaml", "rules:\n# - path: /a\ntls:\n"))
	assert.NoError(t, err, "no rule is the default, which guards all paths")
}

func TestADurationOfZeroIsWrittenWithItsUnit(t *testing.T) {
	c, err := proxy.Load(writeFile(t, "c.yaml", "session: {stream_after: 0s}\nlimits: {body_timeout: 0s, write_timeout: 0s}\n"))
	require.NoError(t, err)
	assert.Zero(t, c.Session.StreamAfter)
	assert.Zero(t, c.Limits.BodyTimeout)
	assert.Zero(t, c.Limits.WriteTimeout)
	_, err = proxy.Load(writeFile(t, "c.yaml", "session: {stream_after: 0}\n"))
	assert.ErrorContains(t, err, "line 1: cannot unmarshal !!int `0` into a duration such as 30s")
}

func TestAFaultOfFormDoesNotHideTheFaultsOfMeaning(t *testing.T) {
	withoutVariables(t)
	_, err := proxy.Load(writeFile(t, "c.yaml", "upstreams: [{url: \"http://localhost:1\"}]\nrules:\n  - path: /a\n    allow: [publik]\n  - path: /b\n    role: [admin]\nlimits: {idle_timeout: fast}\n"))
	var faults proxy.Faults
	require.ErrorAs(t, err, &faults)
	require.Len(t, faults, 6, faults)
	for i, want := range []string{
		"workos.api_key_file", "workos.client_id", "workos.cookie_password_files",
		`line 4: rules[0].allow: "publik"`, "line 6: field role does not exist in rule", "line 7: cannot unmarshal",
	} {
		assert.Contains(t, faults[i], want)
	}
}

func TestAFaultOfTheProxyNamesWhatTheProxyReads(t *testing.T) {
	withoutVariables(t)
	c := proxy.Default()
	c.Upstreams = []proxy.Upstream{{URL: "http://localhost:1"}}
	c.WorkOS.RedirectURLs = []string{"http://app.example.com/callback"}
	c.WorkOS.BaseURL = "http://api.example.com"
	c.Session.CookieName = "wos-session"
	c.Session.RevocationDeadline = time.Hour
	err := c.Check()
	require.Error(t, err)
	for _, want := range []string{
		"workos.api_key_file (or WORKOS_API_KEY): no API key is set; give one that starts with sk_\n", "is plain http on a host that is not loopback; use https\n",
		"session.cookie_name (or WORKOS_COOKIE_NAME): ", "session.revocation_deadline: needs a store",
	} {
		assert.Contains(t, err.Error()+"\n", want)
	}
	assert.NotRegexp(t, `\bWith[A-Z]`, err.Error(), "an option of Go")

	c.Store.URL = "redis://localhost:6379"
	assert.NotContains(t, c.Check().Error(), "session.revocation_deadline")
}

// withoutVariables removes the variables of WorkOS for a test.
func withoutVariables(t *testing.T) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "WORKOS_") {
			t.Setenv(name, "") // restores the variable after the test
			require.NoError(t, os.Unsetenv(name))
		}
	}
}

func TestEveryFaultOfMeaningIsReportedAtOnceWithItsLine(t *testing.T) {
	withoutVariables(t)
	secret := "correct horse battery"
	short := writeFile(t, "password", secret)
	c, err := proxy.Load(writeFile(t, "c.yaml", fmt.Sprintf(`listen: nowhere
tls: {certificate_file: a.pem}
trusted_proxies: [10.0.0.0/33]
upstreams:
  - url: ftp://x
  - {path: "/a*", url: "http://u:%[2]s@x"}
  - url: http://localhost:3000/base
  - {url: "https://localhost:1", ca_file: absent.pem}
rules:
  - path: admin
  - path: /x
    allow: [everybody]
  - {path: /y, permissions: []}
workos:
  client_id: nothing
  api_key_file: absent
  cookie_password_files: [%[1]s]
  redirect_urls: [http://app.example.com/callback]
paths: {login: /in, me: /in, health: "healthz"}
identity:
  headers: {Cookie: user, X-Mail: mail}
  jwt: {issuer: a}
session: {stream_after: -1s}
store: {url: "mysql://user:%[2]s@x"}
log: {level: loud}
limits: {header_bytes: 1, idle_timeout: 0s, body_timeout: -1s}
`, short, "hunter2")))
	require.NoError(t, err)
	err = c.Check()
	require.Error(t, err)
	for _, want := range []string{
		`line 1: listen: "nowhere"`, "line 2: tls: give both", `line 3: trusted_proxies: "10.0.0.0/33"`, "line 5: upstreams[0].url",
		"line 6: upstreams[1].path", "line 6: upstreams[1].url: the URL has a user", "line 7: upstreams[2].url", "line 8: upstreams[3].ca_file",
		"line 10: rules[0].path", `line 12: rules[1].allow: "everybody"`, "line 13: rules[2].permissions: is an empty list",
		"workos.client_id (or WORKOS_CLIENT_ID)", "line 16: workos.api_key_file: open absent", "workos.cookie_password_files (or WORKOS_COOKIE_PASSWORD)",
		"workos.redirect_urls (or WORKOS_REDIRECT_URI)", `line 19: paths.me: "/in" is also another path`, `line 19: paths.health: "healthz"`,
		"line 21: identity.headers.Cookie", "line 21: identity.headers.X-Mail", "line 22: identity.jwt.key_files", "line 23: session.stream_after", "line 24: store.url",
		"line 25: log: level", "line 26: limits.header_bytes", "line 26: limits.idle_timeout", "line 26: limits: body_timeout",
	} {
		assert.ErrorContains(t, err, want)
	}
	assert.NotContains(t, err.Error(), "hunter2")
	assert.NotContains(t, err.Error(), secret)
	assert.ErrorContains(t, proxy.Default().Check(), "upstreams: give at least one")
}
