// Package authkitgrpc protects the methods of a server of [google.golang.org/grpc] with WorkOS AuthKit. It accepts the access
// tokens of users, API keys of customers and the tokens of WorkOS Connect, in the metadata authorization: "Bearer …".
//
//	guard, err := authkitgrpc.New(authkitgrpc.Config{
//		Sessions: ak, // needs authkit.WithBearerTokens
//		APIKeys:  ak,
//		Resource: api,
//		Rules: map[string]authkitgrpc.Rule{
//			"/posts.v1.Posts/Delete":  {Permissions: []string{"posts:delete"}, Scopes: []string{"posts:delete"}},
//			"/grpc.health.v1.Health/": {Public: true}, // all methods of the service
//		},
//	})
//	if err != nil {
//		log.Fatal(err)
//	}
//	server := grpc.NewServer(grpc.UnaryInterceptor(guard.Unary), grpc.StreamInterceptor(guard.Stream))
//
// A handler finds what was accepted in its context: [authkit.FromContext], [authkit.APIKeyFromContext] or
// [resource.FromContext].
//
// # Which credential counts
//
// A value that begins with sk_ is an API key. A token whose iss is the issuer of the resource is a token of Connect, except a
// session token, which a custom domain can give the same iss ([resource.Server.MayVerify]). All other tokens are access tokens of
// users. Each is checked by one verifier only. A kind that the [Config] does not have is refused.
//
// # Statuses
//
//	call                                       code               detail
//	no credential, or one that is not accepted Unauthenticated
//	a permission or a scope is missing         PermissionDenied
//	too many unknown API keys                  ResourceExhausted  RetryInfo
//	WorkOS or its keys are not available       Unavailable        RetryInfo
//	the call ends before its check             Canceled, DeadlineExceeded
//
// # Streams
//
// A stream ends with Unauthenticated when its token or its API key is no longer accepted because it expired, for a user also when the
// session is signed out, and for a key also when an event of WorkOS says that it was revoked or changed, as
// [authkit.AuthKit.UntilEnd] describes. The context of the stream ends, a pending RecvMsg returns, and SendMsg
// returns an error. The client gets a new token and calls again.
package authkitgrpc
