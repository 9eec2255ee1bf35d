// A stream that ends with its credential.

package authkitgrpc

import (
	"context"
	"errors"

	"google.golang.org/grpc"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/resource"
)

// boundedStream is a stream whose context ends with its credential.
type boundedStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *boundedStream) Context() context.Context { return s.ctx }

// ended returns the status of a stream whose credential has ended, or nil. A stream that the client or the server has ended
// keeps the status of its handler.
func (s *boundedStream) ended() error {
	switch cause := context.Cause(s.ctx); {
	case errors.Is(cause, authkit.ErrUnauthenticated), errors.Is(cause, resource.ErrInvalidToken), errors.Is(cause, authkit.ErrUnavailable):
		return statusOf(cause)
	default:
		return nil
	}
}

// RecvMsg returns when the credential ends, too. The goroutine then ends with the stream, when the handler has returned.
func (s *boundedStream) RecvMsg(m any) error {
	if ended := s.ended(); ended != nil {
		return ended
	}
	received := make(chan error, 1)
	go func() { received <- s.ServerStream.RecvMsg(m) }()
	select {
	case err := <-received:
		return err
	case <-s.ctx.Done():
		if ended := s.ended(); ended != nil {
			return ended
		}
		return <-received // the stream itself has ended, so this returns at once
	}
}

// SendMsg sends nothing after the credential ended.
func (s *boundedStream) SendMsg(m any) error {
	if ended := s.ended(); ended != nil {
		return ended
	}
	return s.ServerStream.SendMsg(m)
}
