// Which credentials pass a Guard that accepts session tokens, tokens of Connect, or both.

package authkitgrpc_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/authkit-go/authkit/contrib/authkitgrpc"
	"github.com/authkit-go/authkit/internal/behaviour"
)

var update = flag.Bool("update", false, "write docs/doors.md")

// doorService counts its calls.
type doorService struct {
	grpc_testing.UnimplementedTestServiceServer
	handler *behaviour.DoorHandler
}

func (s doorService) EmptyCall(context.Context, *grpc_testing.Empty) (*grpc_testing.Empty, error) {
	s.handler.Call()
	return &grpc_testing.Empty{}, nil
}

func (s doorService) FullDuplexCall(grpc.BidiStreamingServer[grpc_testing.StreamingOutputCallRequest, grpc_testing.StreamingOutputCallResponse]) error {
	s.handler.Call()
	return nil
}

func TestEveryDoorOfGRPCPassesItsOwnKindOfCredentialAlone(t *testing.T) {
	behaviour.CheckDoors(t, "../../docs/doors.md", *update, func(t *testing.T, w *behaviour.DoorWorld) []behaviour.Door {
		door := func(column string, accepts behaviour.Kinds, config authkitgrpc.Config) behaviour.Door {
			config.Default = authkitgrpc.Rule{Permissions: []string{"posts:read"}, Scopes: []string{"posts:read"}}
			guard, err := authkitgrpc.New(config)
			require.NoError(t, err)
			server := grpc.NewServer(grpc.UnaryInterceptor(guard.Unary), grpc.StreamInterceptor(guard.Stream))
			handler := new(behaviour.DoorHandler)
			grpc_testing.RegisterTestServiceServer(server, doorService{handler: handler})
			client := grpc_testing.NewTestServiceClient(serve(t, server))
			return behaviour.Door{Column: column, Accepts: accepts, Send: func(credential string) behaviour.DoorAnswer {
				ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+credential)
				var unary, stream error
				passed := handler.Passed(func() { _, unary = client.EmptyCall(ctx, &grpc_testing.Empty{}) })
				streamPassed := handler.Passed(func() { stream = callStream(ctx, client) })
				assert.Equal(t, passed, streamPassed, "unary calls and streams")
				assert.Equal(t, status.Convert(unary).String(), status.Convert(stream).String(), "unary calls and streams")
				return behaviour.DoorAnswer{Passed: passed, Text: status.Code(unary).String()}
			}}
		}
		return []behaviour.Door{
			door(behaviour.DoorGRPCConnect, behaviour.ConnectToken, authkitgrpc.Config{Resource: w.API}),
			door(behaviour.DoorGRPCSession, behaviour.SessionToken, authkitgrpc.Config{Sessions: w.AuthKit}),
			door(behaviour.DoorGRPCBoth, behaviour.ConnectToken|behaviour.SessionToken, authkitgrpc.Config{Sessions: w.AuthKit, Resource: w.API}),
		}
	})
}

// callStream opens a stream and waits for its end.
func callStream(ctx context.Context, client grpc_testing.TestServiceClient) error {
	stream, err := client.FullDuplexCall(ctx)
	if err != nil {
		return err
	}
	if _, err = stream.Recv(); errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
