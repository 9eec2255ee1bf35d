// Streams: which responses of an upstream have no end of their own.

package gate

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/authkit-go/authkit"
)

// DefaultStreamAfter is how long a response without Content-Length may go on before it counts as a stream ([HasNoLength]). It is much longer
// than the lifetime of an access token, so that a download whose end is not known in advance is not cut.
const DefaultStreamAfter = time.Hour

// IsStream reports whether the Content-Type is one of responses that usually have no end: events, pictures that replace each other,
// lists of JSON texts, calls of gRPC and Connect. A front door ends such a response with the session or the API key of its request.
func IsStream(h http.Header) bool {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";") // also of a type whose parameters cannot be parsed
	switch kind = strings.ToLower(strings.TrimSpace(kind)); kind {
	case "text/event-stream", "multipart/x-mixed-replace", "application/x-ndjson", "application/ndjson", "application/jsonl",
		"application/x-jsonlines", "application/json-seq", "application/stream+json":
		return true
	}
	return strings.HasPrefix(kind, "application/grpc") || strings.HasPrefix(kind, "application/connect+")
}

// HasNoLength reports whether the header does not say how long the body of a response is. Such a body may have no end.
func HasNoLength(method string, status int, h http.Header) bool {
	return h.Get("Content-Length") == "" && method != http.MethodHead && status != http.StatusNoContent && status != http.StatusNotModified
}

// followedFrom is the age from which a response without a length follows what happens to its session. Most responses are shorter, and cost
// a timer only. It is shorter than the 30 seconds for which the library knows what the refresh token of an earlier cookie became.
const followedFrom = 20 * time.Second

// EndAfter calls cancel when the session or the API key of a response has ended, and not before a time has passed. ctx is the context of
// the response, and clock is nil for the system's clock. The function that it returns stops that, when the response has ended.
func EndAfter(ctx context.Context, ak *authkit.AuthKit, clock authkit.Clock, after time.Duration, cancel context.CancelCauseFunc) (stop func() bool) {
	if clock == nil {
		clock = systemClock{}
	}
	at := clock.Now().Add(after)
	return clock.AfterFunc(min(after, followedFrom), func() {
		end := ak.UntilEndAfter(ctx, at.Sub(clock.Now()))
		context.AfterFunc(end, func() { cancel(context.Cause(end)) })
	})
}

// systemClock is the clock of a process.
type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) AfterFunc(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }
