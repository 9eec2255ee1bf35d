// Package authkitmcp puts WorkOS AuthKit in front of an MCP server on [github.com/modelcontextprotocol/go-sdk]. Clients such as
// Claude and Cursor discover the authorization server, sign the user in and call the tools with an access token, which package
// resource verifies (https://workos.com/docs/authkit/mcp).
//
//	server := mcp.NewServer(&mcp.Implementation{Name: "posts", Version: "1.0.0"}, nil)
//	mcp.AddTool(server, &mcp.Tool{Name: "whoami"}, func(_ context.Context, req *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
//		token, _ := authkitmcp.TokenFrom(req)
//		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: token.UserID()}}}, nil, nil
//	})
//	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
//	mux.Handle(api.MetadataPath(), api.Metadata())
//	mux.Handle("/mcp", authkitmcp.Handler(api, handler, "posts:read"))
//
// # Sessions of MCP
//
// An MCP session belongs to the user, or the machine, whose token started it. Another user's token with its Mcp-Session-Id is
// answered 403. Every request needs a token of its own: after its expiry the answer is 401 with a challenge, and the client
// continues the session with a new token. That token can have other scopes, another client and another organization. So a tool
// must use the token of its own call, which [TokenFrom] returns. The context of a tool is that of the first request of the
// session. [resource.FromContext] returns false there, and auth.TokenInfoFromContext of the SDK returns the first token.
//
// # Scopes of single tools
//
// A scope that every tool needs is an argument of [Handler]. A client whose token lacks it gets 403 with the scope in the
// challenge, and can ask the user for it. A scope that one tool needs is checked in the tool:
//
//	func deletePost(_ context.Context, req *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
//		token, _ := authkitmcp.TokenFrom(req)
//		if err := token.CheckScopes("posts:delete"); err != nil {
//			return nil, nil, err
//		}
//		return &mcp.CallToolResult{}, nil, nil
//	}
//
// The client then gets an error of the tool and no challenge. Since the protocol of 2026-07-28, a client also names the tool in
// the header Mcp-Name, and the SDK refuses a call in which the header and the body differ. So a server can send the challenge for
// single tools.
//
// The SDK speaks this protocol only if its handler is stateless. With nil as its options, clients use an older protocol: they send no
// Mcp-Name, and get only the error of the tool. A stateless server has no sessions, and its tools cannot ask the client. The check in
// the tool stays necessary, because older clients send no such header to it either:
//
//	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: true})
//	read := authkitmcp.Handler(api, handler, "posts:read")
//	remove := authkitmcp.Handler(api, handler, "posts:read", "posts:delete")
//	mux.HandleFunc("/mcp", func(w http.ResponseWriter, r *http.Request) {
//		if r.Header.Get("Mcp-Name") == "delete_post" {
//			remove.ServeHTTP(w, r)
//			return
//		}
//		read.ServeHTTP(w, r)
//	})
//
// Give the other tools a scope too. Every AuthKit domain has openid. If Handler has no scope, its 401 names none, and a client asks for
// all scopes of [resource.WithScopesSupported] at its first sign-in, also for posts:delete.
package authkitmcp
