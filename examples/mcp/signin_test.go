// The sign-in of an MCP client that knows the address of the server alone.

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/chromium"
)

// assertNewSignIn checks the requests of a sign-in: the client discovers the authorization server and sends a code challenge (RFC 7636)
// and the resource (RFC 8707).
func (s *site) assertNewSignIn(l log, scopes ...string) {
	s.Helper()
	assert.Equal(s, []string{"POST /mcp 401", "GET /.well-known/oauth-protected-resource/mcp 200"}, l.statuses[:2])
	assert.Equal(s, []string{challenge + `"` + strings.TrimSuffix(s.address, "/mcp") + `/.well-known/oauth-protected-resource/mcp"`}, l.challenges)
	require.Len(s, l.asked, 1, "the user is asked once")
	asked := l.asked[0]
	assert.Equal(s, [3]string{s.address, "S256", "code"}, [3]string{asked.Get("resource"), asked.Get("code_challenge_method"), asked.Get("response_type")})
	assert.Len(s, asked.Get("code_challenge"), 43)
	assert.ElementsMatch(s, scopes, strings.Fields(asked.Get("scope")))
	assert.Positive(s, s.fake.Calls(authkittest.RouteOAuthMetadata))
}

func TestAnMCPClientSignsInThroughABrowserFromTheAddressAlone(t *testing.T) {
	tab := chromium.Open(t)
	s := newSite(t)
	visit := func(address string) error {
		u, err := url.Parse(address)
		require.NoError(t, err)
		s.record(u.Query())
		tab.Visit(address)
		tab.Click(userName)
		tab.Sees("Allow The MCP example's client to act for you?")
		for _, text := range []string{user, "openid", s.address, "127.0.0.1:"} {
			assert.Contains(t, tab.Text(), text)
		}
		tab.Click("Allow")
		tab.Sees("You can close this page")
		return nil
	}
	session, err := s.connect(visit, nil)
	require.NoError(t, err)
	tab.NothingBlocked()
	s.assertNewSignIn(s.take(), "openid", "offline_access")
	assert.Equal(t, 1, s.fake.Calls(authkittest.RouteOAuthRegister))
	assert.Equal(t, 1, s.fake.Calls(authkittest.RouteOAuthToken))

	s.assertWorks(session)
	l := s.take()
	assert.Equal(t, []string{"POST /mcp 200"}, l.statuses, "the token of the sign-in is used again")
	assert.Empty(t, l.asked)
}

// newClientDocument serves the metadata document of a client (draft-ietf-oauth-client-id-metadata-document) over https, and makes the
// fake trust its certificate. It must be called before newSite.
func newClientDocument(t *testing.T) (clientID string) {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		assert.NoError(t, json.NewEncoder(w).Encode(map[string]any{
			"client_id": "https://" + r.Host + r.URL.Path, "client_name": "An assistant with a document",
			"redirect_uris": []string{"http://127.0.0.1/callback"}, "grant_types": []string{"authorization_code", "refresh_token"},
		}))
	}))
	t.Cleanup(server.Close)
	original := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = original })
	trusting := original.(*http.Transport).Clone()
	trusting.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
	trusting.TLSClientConfig.RootCAs.AddCert(server.Certificate())
	http.DefaultTransport = trusting
	return server.URL + "/client.json"
}

// withDocument makes a client use its document instead of a registration.
func withDocument(clientID string) func(*auth.AuthorizationCodeHandlerConfig) {
	return func(c *auth.AuthorizationCodeHandlerConfig) {
		c.ClientIDMetadataDocumentConfig = &auth.ClientIDMetadataDocumentConfig{URL: clientID}
		c.DynamicClientRegistrationConfig = nil
	}
}

func TestAnMCPClientWithAMetadataDocumentSignsInWithoutARegistration(t *testing.T) {
	clientID := newClientDocument(t)
	s := newSite(t)
	session, err := s.connect(s.visit, withDocument(clientID))
	require.NoError(t, err)
	l := s.take()
	s.assertNewSignIn(l, "openid", "offline_access")
	assert.Equal(t, clientID, l.asked[0].Get("client_id"))
	assert.Equal(t, []string{"Sign in", consentPage}, l.pages)
	assert.Zero(t, s.fake.Calls(authkittest.RouteOAuthRegister))
	text, err := s.call(session, "whoami", nil)
	require.NoError(t, err)
	assert.Contains(t, text, `"client":"`+clientID+`"`)

	_, err = s.connect(s.visit, withDocument(clientID))
	require.NoError(t, err)
	assert.Empty(t, s.take().pages, "AuthKit knows the user and the consent")
}

func TestAnMCPClientReportsThatTheUserDeniedTheConsent(t *testing.T) {
	s := newSite(t)
	s.press = "Cancel"
	_, err := s.connect(s.visit, nil)
	assert.EqualError(t, err, "the sign-in was refused at the authorization server (access_denied)")
	l := s.take()
	assert.Equal(t, []string{"Sign in", consentPage}, l.pages, "the user is asked once")
	assert.Equal(t, []string{"401"}, l.statusesOf("POST /mcp"))
	assert.Zero(t, s.fake.Calls(authkittest.RouteOAuthToken))

	s.press = "Allow"
	s.assertWorks(s.mustConnect())
}

func TestAnMCPClientIgnoresAnAnswerToAnotherAuthorizationRequest(t *testing.T) {
	s := newSite(t)
	session, err := s.connect(func(address string) error {
		request, err := url.Parse(address)
		require.NoError(t, err)
		for _, query := range []string{"?code=x&state=other", "?error=access_denied"} { // another page of the browser sends them
			r, err := http.Get(request.Query().Get("redirect_uri") + query)
			require.NoError(t, err)
			require.NoError(t, r.Body.Close())
			assert.Equal(t, http.StatusBadRequest, r.StatusCode)
		}
		return s.visit(address)
	}, nil)
	require.NoError(t, err)
	s.assertWorks(session)
}

func TestAnMCPClientThatIsInterruptedDuringTheSignInStops(t *testing.T) {
	s := newSite(t)
	b, err := newBrowserSignIn(func(string) error { return nil })
	require.NoError(t, err)
	defer b.close()
	ctx, interrupt := context.WithCancel(t.Context())
	b.show = func(string) error { interrupt(); return nil }
	_, err = connect(ctx, s.address, b.config())
	assert.ErrorIs(t, err, context.Canceled)
}
