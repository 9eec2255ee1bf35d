// UntilEnd: a context that ends with the token of a long request.

package resource

import (
	"context"

	"github.com/authkit-go/authkit/jwks"
)

// UntilEnd returns a context that ends when the token of a request is no longer accepted because it has expired, and at the
// latest with ctx, the context of the request. Use it for a response that can be longer than an access token: server-sent
// events, a stream of gRPC. [context.Cause] then matches [ErrInvalidToken] and [jwks.ErrExpired]. The client gets a new token and
// connects again.
//
// If ctx has no token that this Server has verified, the returned context has ended, and the cause matches [ErrNoToken].
// UntilEnd starts no goroutine. Its timer is stopped when ctx ends. A server ends the context of a request when its handler
// returns.
func (s *Server) UntilEnd(ctx context.Context) context.Context {
	bounded, cancel := context.WithCancelCause(ctx)
	token, ok := s.FromContext(ctx)
	if !ok {
		cancel(ErrNoToken)
		return bounded
	}
	end := token.ExpiresAt().Add(jwks.DefaultLeeway)
	stop := s.clock.AfterFunc(max(0, end.Sub(s.clock.Now())), func() { cancel(invalid(jwks.ErrExpired)) })
	context.AfterFunc(bounded, func() { stop() })
	return bounded
}
