// Which requests reach the SDK, and what the others get.

package authkitmcp_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/contrib/authkitmcp"
)

func TestARequestWithoutAnAcceptedTokenDoesNotReachTheMCPServer(t *testing.T) {
	a := newApp(t, nil)
	session := a.mustConnect(&user{token: a.token(nil)}).ID()
	reached := a.reached.Load()
	bearer := func(changes object) []string { return []string{"Bearer " + a.token(changes)} }
	invalid := func(reason string) string {
		return `Bearer error="invalid_token", error_description="` + reason + `", scope="posts:read", ` + challenged
	}
	malformed := `Bearer error="invalid_request", error_description="The Authorization header must be there once, as Bearer and a token.", scope="posts:read", ` + challenged
	for name, c := range map[string]struct {
		authorization []string
		status        int
		challenge     string
	}{
		"no token":         {nil, 401, `Bearer scope="posts:read", ` + challenged},
		"another scheme":   {[]string{"Basic a2ltOnNlY3JldA=="}, 401, `Bearer scope="posts:read", ` + challenged},
		"two tokens":       {append(bearer(nil), bearer(nil)...), 400, malformed},
		"no value":         {[]string{"Bearer "}, 400, malformed},
		"an expired token": {bearer(object{"exp": a.clock.Now().Add(-time.Hour).Unix()}), 401, invalid("The access token has expired.")},
		"another audience": {bearer(object{"aud": "https://mcp.other.test/mcp"}), 401, invalid("The access token was not issued for this resource.")},
		"another issuer":   {bearer(object{"iss": "https://other.test"}), 401, invalid("The access token is not accepted.")},
		"an ID token":      {bearer(object{"nonce": "n"}), 401, invalid("The access token is not accepted.")},
		"a changed token":  {[]string{"Bearer " + a.token(nil) + "x"}, 401, invalid("The access token is not accepted.")},
		"a token of a session": {[]string{"Bearer " + a.fake.SignToken(object{"iss": a.fake.URL(), "sub": "user_kim", "sid": "session_1",
			"iat": a.clock.Now().Unix(), "exp": a.clock.Now().Add(time.Minute).Unix()})}, 401, invalid("The access token is not accepted.")},
		"a token without the scope": {bearer(object{"scope": "openid"}), 403,
			`Bearer error="insufficient_scope", error_description="The access token lacks the scope posts:read.", scope="posts:read openid", ` + challenged},
	} {
		t.Run(name, func(t *testing.T) {
			for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodDelete} {
				a.assertRefused(t, a.send(method, session, listTools, c.authorization...), c.status, c.challenge, reached)
			}
		})
	}
	assert.Equal(t, http.StatusOK, a.send(http.MethodPost, session, listTools, bearer(nil)...).status, "the session lives")
}

func TestTheMCPClientLearnsWhereToSignIn(t *testing.T) {
	a := newApp(t, nil)
	kim := &user{next: func() string { return a.token(nil) }}
	assert.Contains(t, a.call(a.mustConnect(kim), "whoami"), "user_kim")
	assert.Equal(t, []string{`401 Bearer scope="posts:read", ` + challenged}, kim.challenges)
}

func TestAnotherSubjectCannotContinueAnMCPSession(t *testing.T) {
	a := newApp(t, nil)
	kim := a.mustConnect(&user{token: a.token(nil)}).ID()
	robot := a.mustConnect(&user{token: a.token(machine("client_robot"))}).ID()
	for name, c := range map[string]struct {
		session string
		changes object
		status  int
	}{
		"another user":             {kim, object{"sub": "user_lee"}, 403},
		"a machine":                {kim, machine("client_robot"), 403},
		"another machine":          {robot, machine("client_other"), 403},
		"a user with a machine's":  {robot, nil, 403},
		"the user's other token":   {kim, object{"jti": "2"}, 200},
		"the machine's next token": {robot, machine("client_robot"), 200},
	} {
		t.Run(name, func(t *testing.T) {
			methods := []string{http.MethodPost}
			if c.status == 403 {
				methods = append(methods, http.MethodGet, http.MethodDelete)
			}
			for _, method := range methods {
				got := a.send(method, c.session, listTools, "Bearer "+a.token(c.changes))
				assert.Equal(t, c.status, got.status, "%s: %s", method, got.body)
				assert.Empty(t, got.header.Get("WWW-Authenticate"), "another token of this subject would not help")
			}
		})
	}
}

func TestAnOutageOfTheKeysAnswersAnMCPClient503(t *testing.T) {
	a := newApp(t, nil)
	a.fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: http.StatusInternalServerError})
	got := a.send(http.MethodPost, "", listTools, "Bearer "+a.token(nil))
	a.assertRefused(t, got, http.StatusServiceUnavailable, "", 0)
	assert.NotEmpty(t, got.header.Get("Retry-After"))
	kim := &user{token: a.token(nil)}
	_, err := a.connect(kim)
	assert.ErrorContains(t, err, "Service Unavailable")
	assert.Empty(t, kim.challenges, "the client must not sign the user in again")

	a.fake.ClearFault(authkittest.RouteJWKS)
	a.clock.Advance(2 * time.Minute)
	assert.Contains(t, a.call(a.mustConnect(kim), "whoami"), "user_kim")
}

func TestAnEventStreamOfMCPEndsWithItsToken(t *testing.T) {
	for name, c := range map[string]struct {
		opts *mcp.StreamableHTTPOptions
		open func(a *app) *http.Response
	}{
		"GET": {nil, func(a *app) *http.Response {
			token := a.token(nil)
			return a.open(http.MethodGet, a.mustConnect(&user{token: token}).ID(), "", "Bearer "+token)
		}},
		"subscriptions/listen": {&mcp.StreamableHTTPOptions{Stateless: true}, func(a *app) *http.Response {
			r, err := http.NewRequestWithContext(a.Context(), http.MethodPost, a.server.URL, strings.NewReader(
				`{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{`+
					`"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"assistant","version":"1"},`+
					`"io.modelcontextprotocol/clientCapabilities":{}}}}`))
			require.NoError(a, err)
			r.Header = http.Header{"Accept": {"application/json, text/event-stream"}, "Content-Type": {"application/json"},
				"Mcp-Protocol-Version": {"2026-07-28"}, "Mcp-Method": {"subscriptions/listen"}, "Authorization": {"Bearer " + a.token(nil)}}
			resp, err := http.DefaultClient.Do(r)
			require.NoError(a, err)
			_, err = bufio.NewReader(resp.Body).ReadString('\n') // the stream has begun
			require.NoError(a, err)
			return resp
		}},
		"subscriptions/listen in an older protocol": {&mcp.StreamableHTTPOptions{Stateless: true}, func(a *app) *http.Response {
			resp := a.open(http.MethodPost, "", `{"jsonrpc":"2.0","id":1,"method":"subscriptions\/\u006cisten","params":{"notifications":{"toolsListChanged":true}}}`,
				"Bearer "+a.token(nil))
			_, err := bufio.NewReader(resp.Body).ReadString('\n') // the stream has begun
			require.NoError(a, err)
			return resp
		}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, c.opts)
			resp := c.open(a)
			defer resp.Body.Close()
			require.Equal(t, http.StatusOK, resp.StatusCode)
			require.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
			for len(a.ended) > 0 {
				<-a.ended // the earlier requests
			}
			a.clock.Advance(6*time.Minute - time.Second)
			assert.Empty(t, a.ended, "the token is still accepted")
			a.clock.Advance(time.Second)
			_, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			assert.Equal(t, resp.Request.Method, <-a.ended)
		})
	}
}

func TestTheHandlerOfMCPPanicsForWhatItCannotProtect(t *testing.T) {
	a := newApp(t, nil)
	assert.PanicsWithValue(t, "authkitmcp: Handler: the resource is nil", func() { authkitmcp.Handler(nil, http.NotFoundHandler()) })
	assert.PanicsWithValue(t, "authkitmcp: Handler: the handler is nil", func() { authkitmcp.Handler(a.api, nil) })
	assert.PanicsWithValue(t, "resource: Require: a scope is empty", func() { authkitmcp.Handler(a.api, http.NotFoundHandler(), "") })
}
