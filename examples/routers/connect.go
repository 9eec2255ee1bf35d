// authkit with connectrpc.com/connect: services are handlers of net/http, beside the pages of the application. A method finds
// the session in its context, without an interceptor.

package routers

import (
	"context"
	"errors"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/resource"
)

// The procedures of the service. Generated code has such constants.
const (
	getAccount   = "/example.v1.AccountService/GetAccount"
	deleteUser   = "/example.v1.AccountService/DeleteUser"
	watchAccount = "/example.v1.AccountService/WatchAccount"
)

func onConnect(ak *authkit.AuthKit, p pages) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /login", ak.Login())
	mux.Handle("GET /callback", ak.Callback())
	mux.Handle("POST /logout", ak.Logout())
	mux.HandleFunc("GET /{$}", p.home)
	getOverHTTP := connect.WithIdempotency(connect.IdempotencyNoSideEffects)
	mux.Handle(getAccount, ak.RequireAuth(connect.NewUnaryHandler(getAccount, p.getAccount, getOverHTTP)))
	mux.Handle(deleteUser, ak.RequireRole("admin")(connect.NewUnaryHandler(deleteUser, p.getAccount)))
	mux.Handle(watchAccount, ak.RequireAuth(connect.NewServerStreamHandler(watchAccount, p.watchAccount(ak))))
	return ak.Middleware(mux)
}

// connectErrors writes errors of Connect, gRPC-Web and gRPC to their clients only.
var connectErrors = connect.NewErrorWriter(connect.WithRequireConnectProtocolHeader())

// connectCodes are the codes for the statuses of guards.
var connectCodes = map[int]connect.Code{
	http.StatusBadRequest:         connect.CodeInvalidArgument,
	http.StatusUnauthorized:       connect.CodeUnauthenticated,
	http.StatusForbidden:          connect.CodePermissionDenied,
	http.StatusTooManyRequests:    connect.CodeResourceExhausted,
	http.StatusServiceUnavailable: connect.CodeUnavailable,
}

// failOnConnect is for authkit.WithErrorHandler. It sends clients of Connect the text of a failure as an error of Connect.
// Without it, a client gets the same code, from the HTTP status, and no text.
func failOnConnect(w http.ResponseWriter, r *http.Request, f authkit.Failure) {
	writeConnectError(w, r, f.Status, f.Detail, f)
}

// writeConnectError writes an error for a client of Connect. other answers the other clients.
func writeConnectError(w http.ResponseWriter, r *http.Request, status int, detail string, other http.Handler) {
	code, known := connectCodes[status]
	if !known || !connectErrors.IsSupported(r) {
		other.ServeHTTP(w, r)
		return
	}
	_ = connectErrors.Write(w, r, connect.NewError(code, errors.New(detail)))
}

// getAccount returns the email address of the signed-in user.
func (p pages) getAccount(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[wrapperspb.StringValue], error) {
	p.ran()
	session, _ := authkit.FromContext(ctx)
	return connect.NewResponse(wrapperspb.String(session.User().Email)), nil
}

// watchAccount sends the email address first, then each message, until the session ends.
func (p pages) watchAccount(ak *authkit.AuthKit) func(context.Context, *connect.Request[emptypb.Empty], *connect.ServerStream[wrapperspb.StringValue]) error {
	return func(ctx context.Context, _ *connect.Request[emptypb.Empty], stream *connect.ServerStream[wrapperspb.StringValue]) error {
		p.ran()
		session, _ := authkit.FromContext(ctx)
		return p.sendOnConnect(ak.UntilEnd(ctx), stream, session.User().Email)
	}
}

// sendOnConnect sends the first message, then each message of p, until ctx ends.
func (p pages) sendOnConnect(ctx context.Context, stream *connect.ServerStream[wrapperspb.StringValue], first string) error {
	for message, more := first, true; more; {
		if err := stream.Send(wrapperspb.String(message)); err != nil {
			return err
		}
		select {
		case message, more = <-p.messages:
		case <-ctx.Done():
			return streamEnd(ctx)
		}
	}
	return nil
}

// streamEnd returns the error of a stream whose context, from UntilEnd, has ended. If the session or the token has ended, the
// code is unauthenticated. The client then calls again, with a new token or a refreshed session.
func streamEnd(ctx context.Context) error {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, authkit.ErrUnauthenticated), errors.Is(cause, resource.ErrInvalidToken):
		return connect.NewError(connect.CodeUnauthenticated, errors.New("the session or the token has ended"))
	case errors.Is(cause, authkit.ErrUnavailable):
		return connect.NewError(connect.CodeUnavailable, errors.New("the session cannot be checked at the moment"))
	default:
		return cause // the client or the server has ended the request
	}
}
