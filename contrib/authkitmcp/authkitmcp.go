// The handler around the SDK's, and the token of a call.

package authkitmcp

import (
	"context"
	"math"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/authkit-go/authkit/resource"
)

// Handler returns a handler that passes requests to the SDK's handler, an [*mcp.StreamableHTTPHandler], if their access token is
// accepted and has all of the scopes. Other requests are answered as [resource.Server.Require] does: 401 or 403 with a challenge
// that leads the client to the authorization server, or 503 if the keys of the issuer are not available.
//
// A tool gets the token with [TokenFrom]. The SDK's TokenInfo has the subject as UserID (the user ID, or the client ID of a
// machine), the scopes and the expiry. An event stream on which a client only listens ends when its token is no longer accepted.
//
// Handler panics if api or handler is nil, or if a scope is not one.
func Handler(api *resource.Server, handler http.Handler, scopes ...string) http.Handler {
	if api == nil {
		panic("authkitmcp: Handler: the resource is nil")
	}
	if handler == nil {
		panic("authkitmcp: Handler: the handler is nil")
	}
	// The SDK's middleware is the only way to set its TokenInfo. resource has verified the token before, on its own clock, so the
	// SDK's check of the expiry must not refuse it.
	withInfo := auth.RequireBearerToken(infoFromContext, &auth.RequireBearerTokenOptions{ClockSkew: math.MaxInt64})
	return api.Require(scopes...)(untilEnd(api, withInfo(withoutToken(handler))))
}

// withoutToken removes the token from the context. The SDK gives the context of the first request of a session to all of its
// calls, whose tokens may be others.
func withoutToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(resource.NewContext(r.Context(), nil)))
	})
}

// tokenKey is the key of the *resource.Token in TokenInfo.Extra.
const tokenKey = "github.com/authkit-go/authkit/resource.Token"

// infoFromContext is the SDK's verifier. It returns the token that resource has verified.
func infoFromContext(ctx context.Context, _ string, _ *http.Request) (*auth.TokenInfo, error) {
	token, ok := resource.FromContext(ctx)
	if !ok {
		return nil, auth.ErrInvalidToken
	}
	subject := token.UserID()
	if token.IsMachine() {
		subject = token.ClientID() // without a UserID, the SDK does not check who continues a session
	}
	return &auth.TokenInfo{
		UserID:     subject,
		Scopes:     token.Scopes(),
		Expiration: token.ExpiresAt(),
		Extra:      map[string]any{tokenKey: token},
	}, nil
}

// TokenFrom returns the token of the HTTP request with which a call came, and whether there is one. It is for tools, prompts,
// resources and middleware of the SDK. It returns nil and false for a call that did not come through [Handler].
func TokenFrom(req mcp.Request) (*resource.Token, bool) {
	if req == nil {
		return nil, false
	}
	if extra := req.GetExtra(); extra != nil {
		return TokenFromInfo(extra.TokenInfo)
	}
	return nil, false
}

// TokenFromInfo returns the token of the SDK's TokenInfo. It is for the function that chooses the server of a session:
//
//	mcp.NewStreamableHTTPHandler(func(r *http.Request) *mcp.Server {
//		token, _ := authkitmcp.TokenFromInfo(auth.TokenInfoFromContext(r.Context()))
//		return serverOf(token.OrganizationID())
//	}, nil)
//
// The SDK calls that function once for a session, and compares the user of later requests only. A user can belong to several
// organizations. If servers differ by organization, their tools must compare the organization of each call.
func TokenFromInfo(info *auth.TokenInfo) (*resource.Token, bool) {
	if info == nil {
		return nil, false
	}
	token, ok := info.Extra[tokenKey].(*resource.Token)
	return token, ok
}
