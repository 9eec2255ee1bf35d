// Tests of the configuration: the Caddyfile, its JSON, and all faults of both.

package caddyauthkit_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/contrib/caddyauthkit"
)

func TestADirectiveOfEveryNameBecomesTheJSONOfTheSameNames(t *testing.T) {
	text, err := os.ReadFile("testdata/every.Caddyfile")
	require.NoError(t, err)
	config, err := adapt(string(text))
	require.NoError(t, err)
	var parsed struct {
		Apps struct {
			HTTP struct {
				Servers map[string]struct {
					Routes []struct{ Handle []json.RawMessage }
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal(config, &parsed))
	var handlers []string
	for _, route := range parsed.Apps.HTTP.Servers["srv0"].Routes {
		for _, handler := range route.Handle {
			var named struct{ Handler string }
			require.NoError(t, json.Unmarshal(handler, &named))
			if handlers = append(handlers, named.Handler); named.Handler == "authkit" {
				expected, err := os.ReadFile("testdata/every.json")
				require.NoError(t, err)
				assert.JSONEq(t, string(expected), string(handler))
			}
		}
	}
	assert.Equal(t, []string{"authkit", "rewrite", "headers", "reverse_proxy"}, handlers, "authkit comes before what changes the path and before what answers")
}

func TestTheCaddyfileOfTheREADMEIsRight(t *testing.T) {
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	blocks := strings.Split(string(page), "```caddyfile\n")[1:]
	require.Len(t, blocks, 1)
	text, _, _ := strings.Cut(blocks[0], "```")
	config, err := adapt(text)
	require.NoError(t, err)
	assert.Contains(t, string(config), `"handler":"authkit"`)
	assert.Contains(t, string(config), `"max_header_bytes":64000`)
}

func TestEveryFaultOfADirectiveIsReportedWithItsLine(t *testing.T) {
	_, err := adapt(`http://localhost:8080 {
	authkit /admin/* {
		rules /x
		rule /admin/* {
			role admin
			path /other
			roles
		}
		rule
		session {
			idle_timeout soon
			compact perhaps
			cookie_name a
			cookie_name b
		}
		workos extra {
			api-key x
		}
		identity {
			header X-User
			pass_authorization true {
				x
			}
		}
		unknown {
			client_id x
		}
	}
}`)
	require.Error(t, err)
	for _, fault := range []string{
		`takes no matcher and no argument, and has "/admin/*": write a rule with "allow public" for what needs no session, at Caddyfile:2`,
		`authkit has no "rules"; it has events, identity, paths, rule, session, sign_in, store, workos, at Caddyfile:3`,
		`rule has no "role"; it has allow, entitlements, feature_flags, methods, organizations, permissions, roles, at Caddyfile:5`,
		`rule has no "path"`,
		`roles: give one value or more, at Caddyfile:7`,
		`rule: give one path, such as /admin/*, and a block, at Caddyfile:9`,
		`idle_timeout: give a duration such as 30m, at Caddyfile:11`,
		`compact: give true, false or nothing, which is true, at Caddyfile:12`,
		`session has two lines "cookie_name", at Caddyfile:14`,
		`workos: give a block, and no argument, at Caddyfile:16`,
		`header: give the name of a header and a field, as in: header X-Forwarded-User user, at Caddyfile:20`,
		`pass_authorization takes no block, at Caddyfile:22`,
		`authkit has no "unknown"`,
	} {
		assert.ErrorContains(t, err, fault)
	}
}

// provision returns the error of a handler with a JSON configuration.
func provision(t *testing.T, handler string) error {
	t.Helper()
	forgetEnvironment(t)
	var config caddy.Config
	require.NoError(t, json.Unmarshal([]byte(`{"admin": {"disabled": true}, "logging": {"logs": {"default": {"writer": {"output": "discard"}}}}, "apps": {"http": {"servers": {"a": {
		"listen": ["127.0.0.1:0"], "routes": [{"handle": [`+handler+`]}]}}}}}`), &config))
	return caddy.Validate(&config)
}

func TestEveryFaultOfAConfigurationIsReportedAtOnceAndWithoutASecret(t *testing.T) {
	const password = "a-password-that-is-written-out-here"
	err := provision(t, `{"handler": "authkit",
		"workos": {"client_id": "x", "api_key": "sk_written_out", "cookie_passwords": ["`+password+`", "{env.NO_SUCH_VARIABLE}"], "cookie_password_files": ["/no/such/file"], "redirect_urls": ["callback"]},
		"session": {"idle_timeout": -5, "stream_after": -5, "trusted_origins": ["app"]},
		"rules": [{"path": "admin"}, {"path": "/a", "allow": ["everybody"], "roles": [" "]}],
		"paths": {"login": "login", "me": "/logout"},
		"identity": {"headers": {"Cookie": "email"}, "jwt": {"issuer": "x"}},
		"store": {"url": "redis://:hunter2@localhost"}, "events": {"webhook_secret_files": ["/no/such/secret"]}}`)
	require.Error(t, err)
	for _, fault := range []string{
		"workos.api_key: is written out; give a placeholder such as {env.WORKOS_API_KEY}", "workos.cookie_passwords[0]: is written out",
		"workos.cookie_passwords[1]: evaluated placeholder {env.NO_SUCH_VARIABLE} is empty", "workos.cookie_password_files: open /no/such/file",
		"workos.client_id", "workos.redirect_urls", "workos.cookie_passwords (or WORKOS_COOKIE_PASSWORD)", "session.idle_timeout", "session.stream_after",
		"session.trusted_origins",
		"rules[0].path", "rules[1].allow", "rules[1].roles", `paths.login`, `paths.me: "/logout" is also another path`, "identity.headers.Cookie",
		"identity.jwt.key_files", "store.url: has a password that is written out", "events.webhook_secret_files: open /no/such/secret",
	} {
		assert.ErrorContains(t, err, fault)
	}
	for _, secret := range []string{password, "sk_written_out", "hunter2"} {
		assert.NotContains(t, err.Error(), secret)
	}
}

func TestAStoreThatDoesNotExistIsAFault(t *testing.T) {
	for store, fault := range map[string]string{
		`{"url": "mysql://localhost"}`:                       "begins neither with redis://",
		`{"url": "redis://localhost/x"}`:                     "the address of Redis cannot be parsed",
		`{"url": "postgres://localhost:x"}`:                  "the address of PostgreSQL cannot be parsed",
		`{"url": "redis://localhost", "migrate": true}`:      "Redis has no tables",
		`{"migrate": true}`:                                  "needs the url of a PostgreSQL server",
		`{"url_file": "/no/such/file"}`:                      "store.url_file: open /no/such/file",
		`{"url": "redis://localhost", "url_file": "/no"}`:    "give either url or url_file",
		`{"url": "postgres://app:{env.NO_SUCH_VARIABLE}@x"}`: "placeholder {env.NO_SUCH_VARIABLE}",
	} {
		assert.ErrorContains(t, provision(t, `{"handler": "authkit", "store": `+store+`}`), fault, store)
	}
}

func TestAnUnknownKeyOfTheJSONConfigurationIsAFault(t *testing.T) {
	assert.ErrorContains(t, provision(t, `{"handler": "authkit", "rules": [{"path": "/a", "role": ["admin"]}]}`), `unknown field "role"`)
}

func TestSettingsComeFromTheEnvironment(t *testing.T) {
	forgetEnvironment(t)
	for name, value := range map[string]string{
		"AUTHKIT_TEST_KEY": "sk_test_key", "AUTHKIT_TEST_PASSWORD": strings.Repeat("p", 32), "AUTHKIT_TEST_STORE_PASSWORD": "s",
	} {
		t.Setenv(name, value)
	}
	assert.NoError(t, provision(t, `{"handler": "authkit", "workos": {"client_id": "client_x", "api_key": "{env.AUTHKIT_TEST_KEY}", "cookie_passwords": ["{env.AUTHKIT_TEST_PASSWORD}"],
		"redirect_urls": ["http://localhost:8080/callback"]}, "store": {"url": "redis://:{env.AUTHKIT_TEST_STORE_PASSWORD}@localhost:1"}, "events": {"follow": false}}`))
	err := provision(t, `{"handler": "authkit"}`)
	for _, variable := range []string{"WORKOS_API_KEY", "WORKOS_CLIENT_ID", "WORKOS_COOKIE_PASSWORD"} {
		assert.ErrorContains(t, err, variable)
	}
	assert.ErrorContains(t, err, "authkit: ")
	assert.Equal(t, "http.handlers.authkit", string(caddyauthkit.Handler{}.CaddyModule().ID))
}
