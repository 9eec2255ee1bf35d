// Package resource makes an API a resource server of WorkOS AuthKit (OAuth 2.1): it accepts the access tokens that the AuthKit
// domain of your environment issues to MCP clients, to machines (client credentials) and to other people's applications. WorkOS
// calls this product Connect (https://workos.com/docs/authkit/connect and https://workos.com/docs/authkit/mcp).
//
// These tokens are not the session tokens of package authkit. They have another issuer, and they are for one resource, which
// their aud names. What they permit is in their scopes. Their subject can be a program. So they have a type of their own,
// [Token], which no guard of package authkit accepts.
//
//	api, err := resource.New("https://acme.authkit.app", "https://mcp.acme.com/mcp",
//		resource.WithScopesSupported("posts:read"))
//	if err != nil {
//		log.Fatal(err)
//	}
//	mux.Handle(api.MetadataPath(), api.Metadata())
//	mux.Handle("/mcp", api.Require("posts:read")(handler))
//
// A handler finds the token in the context of the request:
//
//	token, _ := resource.FromContext(r.Context())
//	log.Printf("user %s by %s", token.UserID(), token.ClientID())
//
// # What is checked
//
// The signature (RS256, by a key of the issuer), iss, aud, exp, nbf and iat, with 60 s of leeway, and that a client_id is there. The
// token of a machine may lack it, because its sub is its client ID ("client_…"). aud must name this resource character by
// character, or an audience of [WithAudiences] (RFC 8707 section 2, RFC 8725 section 3.9). ID tokens, logout tokens and session
// tokens are refused, also if they have the same issuer and keys (RFC 8725 section 3.12). If the keys of the issuer are not
// available, the answer is 503, never 401.
//
// # Answers
//
//	request                          status  error in WWW-Authenticate
//	no token                         401     none (RFC 6750 section 3.1)
//	two Authorization headers, or
//	Bearer without a token           400     invalid_request
//	a token that is not accepted     401     invalid_token
//	a scope is missing               403     insufficient_scope, with the scopes
//	the keys are not available       503     none, with Retry-After
//
// Each challenge has resource_metadata, the address of [Server.Metadata] (RFC 9728 section 5.1). An MCP client finds the
// authorization server with it, registers and signs in. All these answers are problem documents (RFC 9457) that no cache stores.
//
// A token is read from the Authorization header only, never from the query or a form (RFC 9700 section 2.1).
//
// # Clients in a browser
//
// [Server.Metadata] answers pages of every origin. [Server.Require] knows nothing of CORS. A preflight has no token and is answered
// 401, so put the CORS middleware of your application around Require, and not inside. It must allow the header Authorization, and
// expose WWW-Authenticate (Access-Control-Expose-Headers), in which a client finds the address of the metadata.
//
// # connect-go
//
// A service of connectrpc.com/connect is a handler of net/http and needs no adapter:
//
//	mux.Handle("/posts.v1.PostService/", api.Require("posts:read")(handler))
//
// A method gets the token with [FromContext], and a stream ends with its token by [Server.UntilEnd]. Clients of Connect, gRPC-Web and
// gRPC take their code from the HTTP status: unauthenticated for 401, permission_denied for 403, unavailable for 503, internal for
// 400. A [WithRefusalHandler] with an ErrorWriter of connect also sends them the text and Retry-After.
// https://github.com/authkit-go/authkit/tree/main/examples/routers has both in connectresource.go.
package resource
