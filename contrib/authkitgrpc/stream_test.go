// When a stream ends, and with which status.

package authkitgrpc_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/contrib/authkitgrpc"
	"github.com/authkit-go/authkit/internal/behaviour"
	"github.com/authkit-go/authkit/workos"
)

const ended = "the credential is not accepted, or no longer"

func TestAStreamOfGRPCEndsWithItsToken(t *testing.T) {
	for name, token := range map[string]func(*app) string{
		"user":    func(a *app) string { return a.userToken(nil) },
		"Connect": func(a *app) string { return a.connectToken(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t)
			stream, err := a.client.FullDuplexCall(a.with(t, "Bearer "+token(a)))
			require.NoError(t, err)
			<-a.begun
			a.Clock.Advance(6*time.Minute - time.Second)
			require.NoError(t, stream.Send(&grpc_testing.StreamingOutputCallRequest{}))
			_, err = stream.Recv()
			require.NoError(t, err, "the token is still accepted")

			a.Clock.Advance(2 * time.Second) // the handler waits for a message
			_, err = stream.Recv()
			assert.Equal(t, status.New(codes.Unauthenticated, ended).String(), status.Convert(err).String())
		})
	}
}

func TestAStreamOfGRPCEndsWhenItsSessionIsSignedOut(t *testing.T) {
	a := newApp(t)
	stream, err := a.client.StreamingOutputCall(a.with(t, "Bearer "+a.userToken(nil)), &grpc_testing.StreamingOutputCallRequest{})
	require.NoError(t, err)
	<-a.begun
	require.NoError(t, a.AuthKit.EndSession(t.Context(), "session_1"))
	assert.ErrorIs(t, <-a.waits, authkit.ErrUnauthenticated, "the cause of the context")
	assert.Equal(t, codes.Unauthenticated, status.Code(<-a.waits), "the handler cannot send any more")
	_, err = stream.Recv()
	assert.Equal(t, codes.Unauthenticated, status.Code(err), "the handler returned nil, but the stream is not complete")
}

func TestAStreamOfGRPCThatItsClientCancelsKeepsItsCause(t *testing.T) {
	a := newApp(t)
	ctx, cancel := context.WithCancel(a.with(t, "Bearer "+a.userToken(nil)))
	stream, err := a.client.StreamingOutputCall(ctx, &grpc_testing.StreamingOutputCallRequest{})
	require.NoError(t, err)
	<-a.begun
	cancel()
	assert.ErrorIs(t, <-a.waits, context.Canceled)
	_, err = stream.Recv()
	assert.Equal(t, codes.Canceled, status.Code(err))
}

func TestAStreamOfGRPCWithAnAPIKeyStaysOpen(t *testing.T) {
	a := newApp(t)
	stream, err := a.client.FullDuplexCall(a.with(t, "Bearer "+a.apiKey("ci")))
	require.NoError(t, err)
	<-a.begun
	a.Clock.Advance(time.Hour)
	require.NoError(t, stream.Send(&grpc_testing.StreamingOutputCallRequest{}))
	_, err = stream.Recv()
	require.NoError(t, err)
	require.NoError(t, stream.CloseSend())
}

func TestAStreamOfGRPCEndsWithItsAPIKey(t *testing.T) {
	for name, end := range map[string]func(a *app, c *behaviour.Changes){
		"expiry": func(a *app, _ *behaviour.Changes) { a.Clock.Advance(2 * time.Hour) },
		"revocation": func(_ *app, c *behaviour.Changes) {
			c.Now(workos.EventAPIKeyRevoked, object{"object": "api_key", "id": "api_key_ci"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t)
			key := a.Fake.AddAPIKey(authkittest.APIKey{ID: "api_key_ci", Name: "ci", OrganizationID: "org_acme", ExpiresAt: a.Clock.Now().Add(time.Hour)})
			stream, err := a.client.FullDuplexCall(a.with(t, "Bearer "+key))
			require.NoError(t, err)
			<-a.begun
			a.Clock.Advance(time.Second)
			end(a, behaviour.ChangesOf(a.App))
			_, err = stream.Recv()
			assert.Equal(t, status.New(codes.Unauthenticated, ended).String(), status.Convert(err).String())
		})
	}
}

// callDirectly calls the interceptor of a Guard without a server.
func (a *app) callDirectly(t *testing.T, guard *authkitgrpc.Guard, credential string) (any, error) {
	return callWithContext(t.Context(), guard, credential)
}

func callWithContext(ctx context.Context, guard *authkitgrpc.Guard, credential string) (any, error) {
	ctx = metadata.NewIncomingContext(ctx, metadata.Pairs("authorization", "Bearer "+credential))
	return guard.Unary(ctx, nil, &grpc.UnaryServerInfo{FullMethod: "/posts.v1.Posts/List"}, func(context.Context, any) (any, error) { return nil, nil })
}

// endedStream is a stream whose client has sent more messages than the handler has read.
type endedStream struct {
	grpc.ServerStream
	ctx      context.Context
	received int
}

func (s *endedStream) Context() context.Context { return s.ctx }

func (s *endedStream) RecvMsg(any) error {
	s.received++
	return nil
}

func TestAStreamOfGRPCReceivesNothingAfterItsTokenEnded(t *testing.T) {
	a := newApp(t)
	guard, err := authkitgrpc.New(authkitgrpc.Config{Resource: a.api})
	require.NoError(t, err)
	stream := &endedStream{ctx: metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", "Bearer "+a.connectToken(nil)))}
	err = guard.Stream(nil, stream, &grpc.StreamServerInfo{FullMethod: "/posts.v1.Posts/Watch"}, func(_ any, bounded grpc.ServerStream) error {
		a.Clock.Advance(7 * time.Minute)
		<-bounded.Context().Done()
		for range 50 {
			assert.Equal(t, codes.Unauthenticated, status.Code(bounded.RecvMsg(nil)))
			runtime.Gosched() // lets a goroutine run that RecvMsg has started
		}
		return nil
	})
	assert.Equal(t, codes.Unauthenticated, status.Code(err))
	assert.Zero(t, stream.received)
}

func TestAGuardOfGRPCCopiesItsConfig(t *testing.T) {
	a := newApp(t)
	scopes, fallback := []string{"posts:delete"}, []string{"posts:delete"}
	rules := map[string]authkitgrpc.Rule{"/posts.v1.Posts/List": {Scopes: scopes}}
	guard, err := authkitgrpc.New(authkitgrpc.Config{Resource: a.api, Rules: rules})
	require.NoError(t, err)
	byDefault, err := authkitgrpc.New(authkitgrpc.Config{Resource: a.api, Default: authkitgrpc.Rule{Scopes: fallback}})
	require.NoError(t, err)
	scopes[0], fallback[0] = "posts:read", "posts:read"
	delete(rules, "/posts.v1.Posts/List")
	for name, guard := range map[string]*authkitgrpc.Guard{"a rule": guard, "the default": byDefault} {
		_, err = callWithContext(t.Context(), guard, a.connectToken(nil))
		assert.Equal(t, codes.PermissionDenied, status.Code(err), name)
	}
}
