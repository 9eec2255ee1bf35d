// The test harness: a gRPC server behind a Guard, with a fake WorkOS and a fake clock.

package authkitgrpc_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/test/bufconn"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/contrib/authkitgrpc"
	"github.com/authkit-go/authkit/internal/behaviour"
	"github.com/authkit-go/authkit/resource"
)

const resourceURL = "https://api.acme.test"

type object = map[string]any

// app is a server with the test service of gRPC. EmptyCall requires nothing, UnaryCall a permission or a scope, and
// CacheableUnaryCall a scope. StreamingOutputCall requires a permission. The health service is public.
type app struct {
	*behaviour.App
	api    *resource.Server
	client grpc_testing.TestServiceClient
	health grpc_health_v1.HealthClient
	server *grpc.Server
	begun  chan string // who a stream is for, when its handler runs
	waits  chan error  // what the handler of a stream that waits for its context got as cause
}

var rules = map[string]authkitgrpc.Rule{
	"/grpc.health.v1.Health/":                       {Public: true},
	"/grpc.testing.TestService/UnaryCall":           {Permissions: []string{"posts:write"}, Scopes: []string{"posts:write"}},
	"/grpc.testing.TestService/CacheableUnaryCall":  {Scopes: []string{"posts:read"}},
	"/grpc.testing.TestService/StreamingOutputCall": {Permissions: []string{"posts:read"}},
}

// newApp starts a server that accepts all kinds of credentials.
func newApp(t *testing.T) *app {
	a := &app{App: behaviour.NewApp(t, behaviour.AppOptions{AuthKit: []authkit.Option{authkit.WithBearerTokens()}}),
		begun: make(chan string, 10), waits: make(chan error, 10)}
	var err error
	a.api, err = resource.New(a.Fake.URL(), resourceURL, resource.WithJWKSURL(a.AuthKit.Client().JWKSURL()),
		resource.WithClock(a.Clock), resource.WithLogger(slog.New(slog.DiscardHandler)))
	require.NoError(t, err)
	guard, err := authkitgrpc.New(authkitgrpc.Config{Sessions: a.AuthKit, APIKeys: a.AuthKit, Resource: a.api, Rules: rules})
	require.NoError(t, err)
	a.server = grpc.NewServer(grpc.UnaryInterceptor(guard.Unary), grpc.StreamInterceptor(guard.Stream))
	grpc_testing.RegisterTestServiceServer(a.server, &service{app: a})
	grpc_health_v1.RegisterHealthServer(a.server, health.NewServer())
	require.NoError(t, guard.Check(a.server))
	conn := serve(t, a.server)
	a.client, a.health = grpc_testing.NewTestServiceClient(conn), grpc_health_v1.NewHealthClient(conn)
	return a
}

// serve starts a server and returns a connection to it.
func serve(t *testing.T, server *grpc.Server) *grpc.ClientConn {
	listener := bufconn.Listen(1 << 20)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient("passthrough:///bufconn", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// service answers with who a call is for.
type service struct {
	grpc_testing.UnimplementedTestServiceServer
	app *app
}

// caller returns what a handler finds in its context.
func caller(ctx context.Context) string {
	session, _ := authkit.FromContext(ctx)
	key, _ := authkit.APIKeyFromContext(ctx)
	token, _ := resource.FromContext(ctx)
	name := ""
	if key != nil {
		name = key.Name
	}
	return fmt.Sprintf("session %q, key %q, token %q by %q", session.UserID(), name, token.UserID(), token.ClientID())
}

func (s *service) EmptyCall(context.Context, *grpc_testing.Empty) (*grpc_testing.Empty, error) {
	return &grpc_testing.Empty{}, nil
}

func (s *service) UnaryCall(ctx context.Context, _ *grpc_testing.SimpleRequest) (*grpc_testing.SimpleResponse, error) {
	return &grpc_testing.SimpleResponse{Username: caller(ctx)}, nil
}

func (s *service) CacheableUnaryCall(ctx context.Context, r *grpc_testing.SimpleRequest) (*grpc_testing.SimpleResponse, error) {
	return s.UnaryCall(ctx, r)
}

// FullDuplexCall answers each message.
func (s *service) FullDuplexCall(stream grpc.BidiStreamingServer[grpc_testing.StreamingOutputCallRequest, grpc_testing.StreamingOutputCallResponse]) error {
	s.app.begun <- caller(stream.Context())
	for {
		if _, err := stream.Recv(); err != nil {
			return err
		}
		if err := stream.Send(&grpc_testing.StreamingOutputCallResponse{}); err != nil {
			return err
		}
	}
}

// StreamingOutputCall waits for the end of its context. It then tries to send, and returns nil.
func (s *service) StreamingOutputCall(_ *grpc_testing.StreamingOutputCallRequest, stream grpc.ServerStreamingServer[grpc_testing.StreamingOutputCallResponse]) error {
	s.app.begun <- caller(stream.Context())
	<-stream.Context().Done()
	s.app.waits <- context.Cause(stream.Context())
	s.app.waits <- stream.Send(&grpc_testing.StreamingOutputCallResponse{})
	return nil
}

// userToken returns an access token of kim, which expires in five minutes.
func (a *app) userToken(changes object) string {
	now := a.Clock.Now().Unix()
	claims := object{"iss": a.Fake.URL() + "/user_management/" + a.Fake.ClientID(), "sub": "user_kim", "sid": "session_1", "client_id": a.Fake.ClientID(),
		"org_id": "org_acme", "permissions": []string{"posts:read", "posts:write"}, "auth_time": now, "iat": now, "exp": now + 300}
	maps.Copy(claims, changes)
	return a.Fake.SignToken(claims)
}

// connectToken returns an access token of lee through an assistant, which expires in five minutes.
func (a *app) connectToken(changes object) string {
	now := a.Clock.Now().Unix()
	claims := object{"iss": a.Fake.URL(), "aud": resourceURL, "sub": "user_lee", "client_id": "client_assistant", "sid": "consent_1",
		"scope": "posts:read posts:write", "iat": now, "exp": now + 300}
	maps.Copy(claims, changes)
	return a.Fake.SignToken(claims)
}

// apiKey returns the value of a customer's key.
func (a *app) apiKey(name string, permissions ...string) string {
	return a.Fake.AddAPIKey(authkittest.APIKey{ID: "api_key_" + name, Name: name, OrganizationID: "org_acme", Permissions: permissions})
}

// with returns a context with the values of the metadata authorization. It ends after a while, so that no test hangs.
func (a *app) with(t *testing.T, authorization ...string) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return metadata.NewOutgoingContext(ctx, metadata.MD{"authorization": authorization})
}
