// The options of a client, and the URLs that need no request.

package workos_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

func TestNewClientReportsEveryConfigurationFaultAtOnce(t *testing.T) {
	client, err := workos.NewClient("",
		workos.WithAPIKey("sk_secret\n"),
		workos.WithBaseURL("https://ops:hunter2@api.workos.com"),
		workos.WithHTTPClient(nil),
		workos.WithClock(nil))
	assert.Nil(t, client)
	for _, fault := range []string{"client ID", "WithAPIKey", "WithBaseURL", "WithHTTPClient", "WithClock"} {
		assert.ErrorContains(t, err, fault)
	}
	assert.NotContains(t, err.Error(), "sk_secret")
	assert.NotContains(t, err.Error(), "hunter2")

	_, err = workos.NewClient(clientID, workos.WithAPIKey(""))
	assert.ErrorContains(t, err, "the key is empty", "an unset variable must not make a public client")
	for _, key := range []string{"sk_a b", "sk_a\x00", "sk_\u00e9", "sk_a\x7f"} {
		_, err = workos.NewClient(clientID, workos.WithAPIKey(key))
		assert.ErrorContains(t, err, "white space, a control character or a character outside ASCII", "%q", key)
	}
}

func TestTheBaseURLMustBeSchemeAndHostOnly(t *testing.T) {
	for base, want := range map[string]string{
		"https://api.workos.com":    "https://api.workos.com",
		"https://auth.acme.test":    "https://auth.acme.test",
		"HTTPS://Auth.Acme.test":    "https://auth.acme.test",
		"http://localhost:4100":     "http://localhost:4100",
		"http://[::1]:4100":         "http://[::1]:4100",
		"https://auth.acme.test:44": "https://auth.acme.test:44",
	} {
		t.Run("accepts "+base, func(t *testing.T) {
			assert.Equal(t, want, newClient(t, workos.WithBaseURL(base)).BaseURL())
		})
	}
	for _, base := range []string{
		"", "api.workos.com", "//api.workos.com", "https://", "https://:443", "https://api.workos.com:", "https:api.workos.com",
		"https://api.workos.com/", "https://api.workos.com/v1", "https://api.workos.com?", "https://api.workos.com?a=b",
		"https://api.workos.com#", "https://api.workos.com#a", "https://user@api.workos.com", "https://api.workos.com:port",
		"ftp://api.workos.com", "javascript:alert(1)", " https://api.workos.com", "https://api.workos.com\n", "https://api.work os.com",
	} {
		t.Run("refuses "+base, func(t *testing.T) {
			_, err := workos.NewClient(clientID, workos.WithBaseURL(base))
			assert.ErrorContains(t, err, "WithBaseURL")
		})
	}
}

func TestURLsAreBuiltWithoutARequest(t *testing.T) {
	client := newClient(t)
	assert.Equal(t, clientID, client.ClientID())
	assert.Equal(t, workos.DefaultBaseURL, client.BaseURL())
	assert.Equal(t, "https://api.workos.com/sso/jwks/client_01A", client.JWKSURL())
	assert.Equal(t, "https://api.workos.com/user_management/sessions/logout?session_id=session_01A", client.LogoutURL("session_01A", ""))
	assert.Equal(t,
		"https://api.workos.com/user_management/sessions/logout?return_to=https%3A%2F%2Fapp.test%2F%3Fa%3Db%26c&session_id=s%26return_to%3Dx",
		client.LogoutURL("s&return_to=x", "https://app.test/?a=b&c"))

	hostile, err := workos.NewClient("../a?b#c", workos.WithBaseURL("http://localhost:4100"))
	require.NoError(t, err)
	assert.Equal(t, "http://localhost:4100/sso/jwks/..%2Fa%3Fb%23c", hostile.JWKSURL())
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTheCallersHTTPClientIsUsedAndNotChanged(t *testing.T) {
	server := newServer(t, respondWith(200, minimalResponse))
	passed := 0
	own := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		passed++
		return http.DefaultTransport.RoundTrip(r)
	})}
	client := server.client(t, workos.WithHTTPClient(own))
	_, err := client.AuthenticateWithCode(t.Context(), workos.AuthenticateWithCodeParams{Code: code})
	require.NoError(t, err)
	assert.Equal(t, 1, passed)
	assert.Nil(t, own.CheckRedirect)
}

func TestACallWithoutAResultIgnoresTheBodyOfASuccess(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"nothing": respondWith(204, ""), "no body": respondWith(200, ""), "no JSON": respondWith(200, "OK"),
		"a truncated body": respondWith(200, "{", "Content-Length", "1000"),
	} {
		t.Run(name, func(t *testing.T) {
			assert.NoError(t, newServer(t, handler).client(t).DeleteUser(t.Context(), "user_01A"))
		})
	}
}
