// What a tool learns about the token of its call, and where that token comes from.

package authkitmcp_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/contrib/authkitmcp"
	"github.com/authkit-go/authkit/resource"
)

func TestAToolOfMCPGetsTheTokenOfItsCall(t *testing.T) {
	for name, opts := range map[string]*mcp.StreamableHTTPOptions{"with sessions": nil, "stateless": {Stateless: true}} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, opts)
			kim := a.mustConnect(&user{token: a.token(nil)})
			assert.Equal(t, "user_kim client_assistant org_acme [posts:read], SDK: user_kim [posts:read] 12:05:00, in the context: false", a.call(kim, "whoami"))
			robot := a.mustConnect(&user{token: a.token(machine("client_robot"))})
			assert.Equal(t, " client_robot org_acme [posts:read], SDK: client_robot [posts:read] 12:05:00, in the context: false", a.call(robot, "whoami"))
		})
	}
}

func TestAnMCPSessionContinuesWithANewTokenAfterTheOldOneExpired(t *testing.T) {
	a := newApp(t, nil)
	kim := &user{token: a.token(nil)}
	session := a.mustConnect(kim)
	id := session.ID()
	require.NotEmpty(t, id)
	kim.challenges = nil // that of the first request, if the client sends one without a token

	a.clock.Advance(6*time.Minute + time.Second)
	kim.next = func() string { return a.token(object{"org_id": "org_other", "scope": "posts:read posts:delete"}) }
	assert.Equal(t, "user_kim client_assistant org_other [posts:read posts:delete], SDK: user_kim [posts:read posts:delete] 12:11:01, in the context: false",
		a.call(session, "whoami"), "the tool gets the token of this call and not the one that started the session")
	assert.Equal(t, id, session.ID())
	assert.Equal(t, []string{`401 Bearer error="invalid_token", error_description="The access token has expired.", scope="posts:read", ` + challenged}, kim.challenges)
}

func TestACallOfMCPThatOutlastsItsTokenCompletes(t *testing.T) {
	a := newApp(t, nil)
	session := a.mustConnect(&user{token: a.token(nil)})
	result := make(chan string, 1)
	go func() { result <- a.call(session, "wait") }()
	<-a.waiting
	a.clock.Advance(time.Hour)
	assert.Contains(t, a.call(a.mustConnect(&user{token: a.token(nil)}), "whoami"), "user_kim", "another call, so that this one has time to be ended")
	close(a.released)
	assert.Equal(t, "done", <-result)
}

func TestASingleToolOfMCPCanRequireAScope(t *testing.T) {
	t.Run("an older client gets an error of the tool", func(t *testing.T) {
		a := newApp(t, nil)
		assert.Equal(t, "error: resource: insufficient scope: the token lacks posts:delete", a.call(a.mustConnect(&user{token: a.token(nil)}), "delete_post"))
	})
	t.Run("a client that names the tool in a header gets a challenge and asks for the scope", func(t *testing.T) {
		a := newApp(t, &mcp.StreamableHTTPOptions{Stateless: true})
		kim := &user{token: a.token(nil), next: func() string { return a.token(object{"scope": "posts:read posts:delete"}) }}
		assert.Equal(t, "deleted", a.call(a.mustConnect(kim), "delete_post"))
		assert.Equal(t, []string{`403 Bearer error="insufficient_scope", error_description="The access token lacks the scope posts:delete.", ` +
			`scope="posts:read posts:delete", ` + challenged}, kim.challenges)
	})
}

func TestTheServerOfAnMCPSessionCanDependOnTheOrganization(t *testing.T) {
	a := newApp(t, nil)
	token := a.token(nil)
	handler := authkitmcp.Handler(a.api, mcp.NewStreamableHTTPHandler(func(r *http.Request) *mcp.Server {
		token, ok := authkitmcp.TokenFromInfo(auth.TokenInfoFromContext(r.Context()))
		assert.True(t, ok)
		return mcp.NewServer(&mcp.Implementation{Name: "server of " + token.OrganizationID(), Version: "1.0.0"}, nil)
	}, nil))
	server := httptest.NewServer(handler)
	defer server.Close()
	a.server = server
	session := a.mustConnect(&user{token: token})
	assert.Equal(t, "server of org_acme", session.InitializeResult().ServerInfo.Name)
	require.NoError(t, session.Close())
}

func TestTokenFromReportsFalseForACallThatDidNotComeThroughTheHandler(t *testing.T) {
	server := mcp.NewServer(&mcp.Implementation{Name: "local", Version: "1.0.0"}, nil)
	found := make(chan bool, 1)
	mcp.AddTool(server, &mcp.Tool{Name: "whoami"}, func(_ context.Context, req *mcp.CallToolRequest, _ object) (*mcp.CallToolResult, any, error) {
		token, ok := authkitmcp.TokenFrom(req)
		found <- ok
		return nil, nil, token.CheckScopes("posts:read")
	})
	near, far := mcp.NewInMemoryTransports()
	_, err := server.Connect(t.Context(), far, nil)
	require.NoError(t, err)
	session, err := mcp.NewClient(&mcp.Implementation{Name: "local", Version: "1.0.0"}, nil).Connect(t.Context(), near, nil)
	require.NoError(t, err)
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "whoami"})
	require.NoError(t, err)
	assert.False(t, <-found)
	assert.True(t, result.IsError)
	assert.Equal(t, resource.ErrNoToken.Error(), result.Content[0].(*mcp.TextContent).Text)

	for _, info := range []*auth.TokenInfo{nil, {}, {Extra: object{"github.com/authkit-go/authkit/resource.Token": "text"}}} {
		_, ok := authkitmcp.TokenFromInfo(info)
		assert.False(t, ok)
	}
	_, ok := authkitmcp.TokenFrom(nil)
	assert.False(t, ok)
}
