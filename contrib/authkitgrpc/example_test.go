// A gRPC server behind AuthKit, as in the README.

package authkitgrpc_test

import (
	"log"
	"net"

	"google.golang.org/grpc"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/contrib/authkitgrpc"
	"github.com/authkit-go/authkit/resource"
)

func Example_grpc() {
	ak, err := authkit.FromEnv(authkit.WithBearerTokens()) // WORKOS_API_KEY, WORKOS_CLIENT_ID, WORKOS_COOKIE_PASSWORD, WORKOS_REDIRECT_URI
	if err != nil {
		log.Fatal(err)
	}
	api, err := resource.New("https://acme.authkit.app", "https://api.acme.com", resource.WithScopesSupported("posts:delete"))
	if err != nil {
		log.Fatal(err)
	}
	guard, err := authkitgrpc.New(authkitgrpc.Config{
		Sessions: ak,
		APIKeys:  ak,
		Resource: api,
		Rules: map[string]authkitgrpc.Rule{
			"/posts.v1.Posts/Delete": {Permissions: []string{"posts:delete"}, Scopes: []string{"posts:delete"}},
		},
	})
	if err != nil {
		log.Fatal(err)
	}

	server := grpc.NewServer(grpc.UnaryInterceptor(guard.Unary), grpc.StreamInterceptor(guard.Stream))
	// Register the services here.
	if err := guard.Check(server); err != nil { // a rule for a method that does not exist
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "localhost:8080")
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(server.Serve(listener))
}
