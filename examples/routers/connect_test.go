// What clients of Connect see: the columns of the table for connect-go.

package routers

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/behaviour"
)

// protocols are the protocols of a Connect client over HTTP/1.
var protocols = map[string][]connect.ClientOption{
	"Connect":               nil,
	"Connect with JSON":     {connect.WithProtoJSON()},
	"gRPC-Web":              {connect.WithGRPCWeb()},
	"Connect with HTTP GET": {connect.WithHTTPGet(), connect.WithIdempotency(connect.IdempotencyNoSideEffects)},
}

// services is the application of connect.go, in this process.
type services struct {
	*behaviour.App
	messages chan string
	ran      chan struct{}
}

func startServices(t *testing.T, options ...authkit.Option) *services {
	a := &services{App: behaviour.NewApp(t, behaviour.AppOptions{AuthKit: options}), messages: make(chan string), ran: make(chan struct{}, 100)}
	a.Server.Config.Handler = a.handler(a.App)
	return a
}

func (a *services) handler(app *behaviour.App) http.Handler {
	return onConnect(app.AuthKit, pages{ran: func() { a.ran <- struct{}{} }, messages: a.messages})
}

type (
	client  = connect.Client[emptypb.Empty, wrapperspb.StringValue]
	request = connect.Request[emptypb.Empty]
)

// call returns a client of a procedure and a request with a Cookie header.
func call(app *behaviour.App, procedure, cookie string, options ...connect.ClientOption) (*client, *request) {
	r := connect.NewRequest(&emptypb.Empty{})
	if cookie != "" {
		r.Header().Set("Cookie", cookie)
	}
	return connect.NewClient[emptypb.Empty, wrapperspb.StringValue](app.Server.Client(), app.URL+procedure, options...), r
}

// unary calls a procedure that returns one message.
func unary(t *testing.T, app *behaviour.App, procedure, cookie string, options ...connect.ClientOption) (*connect.Response[wrapperspb.StringValue], error) {
	c, r := call(app, procedure, cookie, options...)
	return c.CallUnary(t.Context(), r)
}

// openStream calls watchAccount. If a message takes longer than behaviour.WaitTimeout, the stream ends.
func openStream(t *testing.T, app *behaviour.App, cookie string, options ...connect.ClientOption) *connect.ServerStreamForClient[wrapperspb.StringValue] {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), behaviour.WaitTimeout)
	t.Cleanup(cancel)
	c, r := call(app, watchAccount, cookie, options...)
	stream, err := c.CallServerStream(ctx, r)
	require.NoError(t, err)
	return stream
}

// runConnect tests the columns of the table. Each is a test of a service in the place of a page.
func runConnect(t *testing.T) map[string]bool {
	return map[string]bool{
		"session": t.Run("session", checkSession),
		"guard":   t.Run("guard", checkGuard),
		"refresh": t.Run("refresh", checkRefresh),
		"abort":   t.Run("abort", checkGuard), // it counts the runs of the handlers
		"stream":  t.Run("stream", checkStream),
	}
}

func checkSession(t *testing.T) {
	a := startServices(t)
	b := a.SignedIn(behaviour.Kim)
	cookie := b.CookieHeader()
	for name, options := range protocols {
		resp, err := unary(t, a.App, getAccount, cookie, options...)
		require.NoError(t, err, name)
		assert.Equal(t, behaviour.Kim, resp.Msg.Value, name)
		assert.Equal(t, "private, no-store", resp.Header().Get("Cache-Control"), name)
		assert.Contains(t, strings.Join(resp.Header()["Vary"], ", "), "Cookie", name)
	}
	out, err := b.Post(a.URL+"/logout", "application/x-www-form-urlencoded", nil)
	require.NoError(t, err)
	out.Body.Close()
	_, err = unary(t, a.App, getAccount, cookie)
	assert.Equal(t, connect.CodeUnauthenticated, connect.CodeOf(err), "the old cookie has no session")
}

// checkGuard checks the error codes of refused requests. Guards answer with a problem document, which is no error of Connect. A
// client takes the code from the HTTP status.
func checkGuard(t *testing.T) { checkRefusals(t, startServices(t), func(*connect.Error, string) {}) }

func TestAnErrorHandlerSendsTheTextOfAFailureToConnectClients(t *testing.T) {
	options := []authkit.Option{authkit.WithErrorHandler(failOnConnect)}
	a := startServices(t, options...)
	checkRefusals(t, a, func(err *connect.Error, protocol string) {
		want := map[connect.Code]string{
			connect.CodeUnauthenticated: "not signed in", connect.CodePermissionDenied: "lacks", connect.CodeUnavailable: "cannot be checked",
		}[err.Code()]
		assert.Contains(t, strings.ToLower(err.Message()), want, protocol)
		if err.Code() == connect.CodeUnavailable {
			assert.NotEmpty(t, err.Meta().Get("Retry-After"), protocol)
		}
	}, options...)
	resp := a.Send(behaviour.Request{Method: http.MethodPost, Target: getAccount, Header: behaviour.Scripted()})
	assert.Equal(t, http.StatusUnauthorized, resp.Status)
	assert.EqualValues(t, http.StatusUnauthorized, resp.Problem(t)["status"], "another client gets a problem document")
}

// checkRefusals sends requests that a guard refuses, and checks their codes. check may check more.
func checkRefusals(t *testing.T, a *services, check func(err *connect.Error, protocol string), options ...authkit.Option) {
	kim, user := a.SignedIn(behaviour.Kim).CookieHeader(), a.SignedIn("lee@example.com").CookieHeader()
	fresh := behaviour.NewInstance(t, a.Fake, a.Clock, behaviour.AppOptions{AuthKit: options})
	fresh.Server.Config.Handler = a.handler(fresh)
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	for protocol, options := range protocols {
		checkCode := func(code connect.Code, err error) {
			t.Helper()
			var failure *connect.Error
			require.ErrorAs(t, err, &failure, protocol)
			assert.Equal(t, code, failure.Code(), "%s: %v", protocol, err)
			check(failure, protocol)
		}
		_, err := unary(t, a.App, getAccount, "", options...)
		checkCode(connect.CodeUnauthenticated, err)
		_, err = unary(t, a.App, deleteUser, user, options...)
		checkCode(connect.CodePermissionDenied, err)
		_, err = unary(t, fresh, getAccount, kim, options...)
		checkCode(connect.CodeUnavailable, err)
		stream := openStream(t, a.App, "", options...)
		assert.False(t, stream.Receive(), protocol)
		checkCode(connect.CodeUnauthenticated, stream.Err())
		_ = stream.Close()
		assert.Empty(t, a.ran, "no handler of a refused request runs")
	}
	_, err := unary(t, a.App, deleteUser, kim)
	require.NoError(t, err)
	assert.Len(t, a.ran, 1)
}

func checkRefresh(t *testing.T) {
	a := startServices(t)
	cookie := a.SignedIn(behaviour.Kim).CookieHeader()
	for name, options := range protocols {
		a.ExpireToken(2 * time.Minute)
		resp, err := unary(t, a.App, getAccount, cookie, options...)
		require.NoError(t, err, name)
		assert.Equal(t, behaviour.Kim, resp.Msg.Value, name)
		cookie = refreshedCookie(t, resp.Header(), name)
	}
}

// refreshedCookie returns the Cookie header after a response that sets a refreshed session.
func refreshedCookie(t *testing.T, h http.Header, why string) string {
	t.Helper()
	assert.Equal(t, []string{"private, no-store"}, h["Cache-Control"], why)
	return behaviour.Response{Header: h}.NewCookie(t)
}

func checkStream(t *testing.T) {
	for name, options := range protocols {
		a := startServices(t) // the handler of an earlier stream could take a message
		cookie := a.SignedIn(behaviour.Kim).CookieHeader()
		a.ExpireToken(2 * time.Minute)
		stream := openStream(t, a.App, cookie, options...)
		require.True(t, stream.Receive(), "%s: the first message arrives while the handler runs: %v", name, stream.Err())
		assert.Equal(t, behaviour.Kim, stream.Msg().Value)
		refreshedCookie(t, stream.ResponseHeader(), name)
		select {
		case a.messages <- "two":
		case <-time.After(behaviour.WaitTimeout):
			t.Fatal("the handler takes no message")
		}
		require.True(t, stream.Receive(), "%s: %v", name, stream.Err())
		assert.Equal(t, "two", stream.Msg().Value)
		close(a.messages)
		assert.False(t, stream.Receive(), name)
		assert.NoError(t, stream.Err(), name)
		assert.NoError(t, stream.Close(), name)
	}
}
