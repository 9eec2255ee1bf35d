// Package resource with connectrpc.com/connect: a service for MCP clients, machines and other people's applications. Its methods find
// the token in their context, without an interceptor.

package routers

import (
	"context"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/authkit-go/authkit/resource"
)

// The procedures of the service.
const (
	getPosts    = "/example.v1.PostService/GetPosts"
	deletePosts = "/example.v1.PostService/DeletePosts"
	watchPosts  = "/example.v1.PostService/WatchPosts"
)

func onConnectResource(api *resource.Server, p pages) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(api.MetadataPath(), api.Metadata())
	getOverHTTP := connect.WithIdempotency(connect.IdempotencyNoSideEffects)
	mux.Handle(getPosts, api.Require("posts:read")(connect.NewUnaryHandler(getPosts, p.getPosts, getOverHTTP)))
	mux.Handle(deletePosts, api.Require("posts:delete")(connect.NewUnaryHandler(deletePosts, p.getPosts)))
	mux.Handle(watchPosts, api.Require("posts:read")(connect.NewServerStreamHandler(watchPosts, p.watchPosts(api))))
	return mux
}

// refuseOnConnect is for resource.WithRefusalHandler. It sends clients of Connect the text of a refusal as an error of Connect.
// Without it, a client gets a code from the HTTP status, and no text.
func refuseOnConnect(w http.ResponseWriter, r *http.Request, refusal resource.Refusal) {
	writeConnectError(w, r, refusal.Status, refusal.Detail, refusal)
}

// getPosts returns the client of the token.
func (p pages) getPosts(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[wrapperspb.StringValue], error) {
	p.ran()
	token, _ := resource.FromContext(ctx)
	return connect.NewResponse(wrapperspb.String(token.ClientID())), nil
}

// watchPosts sends the client of the token first, then each message, until the token is no longer accepted.
func (p pages) watchPosts(api *resource.Server) func(context.Context, *connect.Request[emptypb.Empty], *connect.ServerStream[wrapperspb.StringValue]) error {
	return func(ctx context.Context, _ *connect.Request[emptypb.Empty], stream *connect.ServerStream[wrapperspb.StringValue]) error {
		p.ran()
		token, _ := resource.FromContext(ctx)
		return p.sendOnConnect(api.UntilEnd(ctx), stream, token.ClientID())
	}
}
