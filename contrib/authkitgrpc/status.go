// The statuses of refused calls.

package authkitgrpc

import (
	"errors"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/resource"
)

// statusOf returns the status for an error. Its text says no more than the client may know.
func statusOf(err error) error {
	var denied *deniedError
	var scopes *resource.ScopeError
	var tooMany *authkit.TooManyAPIKeysError
	var sessions *authkit.UnavailableError
	var keys *resource.UnavailableError
	switch {
	case errors.As(err, &denied):
		return status.Error(codes.PermissionDenied, denied.missing)
	case errors.As(err, &scopes):
		return status.Errorf(codes.PermissionDenied, "scope %s is missing", scopes.Missing[0])
	case errors.As(err, &tooMany):
		return retryLater(codes.ResourceExhausted, "too many unknown API keys", tooMany.RetryAfter)
	case errors.As(err, &sessions):
		return retryLater(codes.Unavailable, "the credential cannot be checked at the moment", sessions.RetryAfter)
	case errors.As(err, &keys):
		return retryLater(codes.Unavailable, "the credential cannot be checked at the moment", keys.RetryAfter)
	case errors.Is(err, errNoCredential), errors.Is(err, errMalformed), errors.Is(err, errNotAccepted):
		return status.Error(codes.Unauthenticated, err.Error())
	default:
		return status.Error(codes.Unauthenticated, "the credential is not accepted, or no longer")
	}
}

// retryLater returns a status that says when to try again (google.rpc.RetryInfo).
func retryLater(code codes.Code, text string, delay time.Duration) error {
	s := status.New(code, text)
	if detailed, err := s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(delay)}); err == nil {
		s = detailed
	}
	return s.Err()
}
