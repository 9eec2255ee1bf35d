// Command authkitgrpc is a gRPC server whose health service needs a user.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/contrib/authkitgrpc"
)

func main() {
	fake, err := authkittest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	ak, err := authkit.New(
		authkit.WithAPIKey(fake.APIKey()), authkit.WithClientID(fake.ClientID()), authkit.WithBaseURL(fake.URL()),
		authkit.WithCookiePassword(strings.Repeat("consumer", 4)), authkit.WithRedirectURL("http://localhost/callback"),
		authkit.WithBearerTokens(),
	)
	if err != nil {
		log.Fatal(err)
	}
	guard, err := authkitgrpc.New(authkitgrpc.Config{Sessions: ak})
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(guard.Unary), grpc.StreamInterceptor(guard.Stream))
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	listener := bufconn.Listen(1 << 20)
	go server.Serve(listener)
	defer server.Stop()
	conn, err := grpc.NewClient("passthrough:///consumer", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	client := grpc_health_v1.NewHealthClient(conn)
	for _, ctx := range []context.Context{
		context.Background(),
		metadata.AppendToOutgoingContext(context.Background(), "authorization", "Bearer "+fake.BearerToken("ada@harborpress.test")),
	} {
		answer, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{})
		fmt.Println(status.Code(err), answer.GetStatus())
	}
}
