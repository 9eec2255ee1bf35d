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

// protocol is how a client of Connect calls.
type protocol struct {
	http    *http.Client // nil for HTTP/1
	options []connect.ClientOption
}

// protocols are the protocols of a Connect client. gRPC needs HTTP/2.
var protocols = map[string]protocol{
	"Connect":               {},
	"Connect with JSON":     {options: []connect.ClientOption{connect.WithProtoJSON()}},
	"Connect with HTTP GET": {options: []connect.ClientOption{connect.WithHTTPGet(), connect.WithIdempotency(connect.IdempotencyNoSideEffects)}},
	"Connect over HTTP/2":   {http: http2Client},
	"gRPC-Web":              {options: []connect.ClientOption{connect.WithGRPCWeb()}},
	"gRPC":                  {http: http2Client, options: []connect.ClientOption{connect.WithGRPC()}},
}

// http2Client sends HTTP/2 without TLS.
var http2Client = &http.Client{Transport: &http.Transport{Protocols: protocolsOf((*http.Protocols).SetUnencryptedHTTP2)}}

// protocolsOf returns the protocols that the functions set.
func protocolsOf(set ...func(*http.Protocols, bool)) *http.Protocols {
	p := new(http.Protocols)
	for _, set := range set {
		set(p, true)
	}
	return p
}

// bothProtocols are for a server that serves HTTP/1 and HTTP/2 without TLS.
func bothProtocols() *http.Protocols {
	return protocolsOf((*http.Protocols).SetHTTP1, (*http.Protocols).SetUnencryptedHTTP2)
}

// services is the application of connect.go, in this process.
type services struct {
	*behaviour.App
	messages chan string
	ran      chan struct{}
}

func startServices(t *testing.T, options ...authkit.Option) *services {
	a := &services{App: behaviour.NewApp(t, behaviour.AppOptions{AuthKit: options, Protocols: bothProtocols()}), messages: make(chan string), ran: make(chan struct{}, 100)}
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

// server is where a service is.
type server struct {
	url  string
	http *http.Client // for HTTP/1
}

func serverOf(app *behaviour.App) server { return server{app.URL, app.Server.Client()} }

// credential is a field of the header of a request.
type credential struct{ field, value string }

func cookieOf(value string) credential { return credential{"Cookie", value} }

// call returns a client of a procedure and a request with a credential.
func call(s server, procedure string, c credential, p protocol) (*client, *request) {
	r := connect.NewRequest(&emptypb.Empty{})
	if c.value != "" {
		r.Header().Set(c.field, c.value)
	}
	client := s.http
	if p.http != nil {
		client = p.http
	}
	return connect.NewClient[emptypb.Empty, wrapperspb.StringValue](client, s.url+procedure, p.options...), r
}

// unary calls a procedure that returns one message.
func unary(t *testing.T, s server, procedure string, c credential, p protocol) (*connect.Response[wrapperspb.StringValue], error) {
	client, r := call(s, procedure, c, p)
	return client.CallUnary(t.Context(), r)
}

// openStream calls a procedure that returns a stream. If a message takes longer than behaviour.WaitTimeout, the stream ends.
func openStream(t *testing.T, s server, procedure string, c credential, p protocol) *connect.ServerStreamForClient[wrapperspb.StringValue] {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), behaviour.WaitTimeout)
	t.Cleanup(cancel)
	client, r := call(s, procedure, c, p)
	stream, err := client.CallServerStream(ctx, r)
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
	for name, p := range protocols {
		resp, err := unary(t, serverOf(a.App), getAccount, cookieOf(cookie), p)
		require.NoError(t, err, name)
		assert.Equal(t, behaviour.Kim, resp.Msg.Value, name)
		assert.Equal(t, "private, no-store", resp.Header().Get("Cache-Control"), name)
		assert.Contains(t, strings.Join(resp.Header()["Vary"], ", "), "Cookie", name)
	}
	out, err := b.Post(a.URL+"/logout", "application/x-www-form-urlencoded", nil)
	require.NoError(t, err)
	out.Body.Close()
	_, err = unary(t, serverOf(a.App), getAccount, cookieOf(cookie), protocol{})
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

func TestTooManyAPIKeysAreResourceExhaustedForConnectClients(t *testing.T) {
	a := startServices(t, authkit.WithErrorHandler(failOnConnect))
	inner := connect.NewUnaryHandler(getAccount, pages{ran: func() { a.ran <- struct{}{} }}.getAccount)
	a.Server.Config.Handler = a.AuthKit.Accept(authkit.Sessions(), authkit.APIKeys())(inner)
	a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: http.StatusTooManyRequests, Body: `{"message":"slow down"}`})
	for name, p := range protocols {
		_, err := unary(t, serverOf(a.App), getAccount, credential{"Authorization", "Bearer sk_unknown"}, p)
		var failure *connect.Error
		require.ErrorAs(t, err, &failure, name)
		assert.Equal(t, connect.CodeResourceExhausted, failure.Code(), "%s: %v", name, err)
		assert.NotEmpty(t, failure.Meta().Get("Retry-After"), name)
	}
	assert.Empty(t, a.ran, "the method does not run")
}

// checkRefusals sends requests that a guard refuses, and checks their codes. check may check more.
func checkRefusals(t *testing.T, a *services, check func(err *connect.Error, protocol string), options ...authkit.Option) {
	kim, user := a.SignedIn(behaviour.Kim).CookieHeader(), a.SignedIn("lee@example.com").CookieHeader()
	fresh := behaviour.NewInstance(t, a.Fake, a.Clock, behaviour.AppOptions{AuthKit: options, Protocols: bothProtocols()})
	fresh.Server.Config.Handler = a.handler(fresh)
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	for name, p := range protocols {
		checkCode := func(code connect.Code, err error) {
			t.Helper()
			var failure *connect.Error
			require.ErrorAs(t, err, &failure, name)
			assert.Equal(t, code, failure.Code(), "%s: %v", name, err)
			check(failure, name)
		}
		_, err := unary(t, serverOf(a.App), getAccount, cookieOf(""), p)
		checkCode(connect.CodeUnauthenticated, err)
		_, err = unary(t, serverOf(a.App), deleteUser, cookieOf(user), p)
		checkCode(connect.CodePermissionDenied, err)
		_, err = unary(t, serverOf(fresh), getAccount, cookieOf(kim), p)
		checkCode(connect.CodeUnavailable, err)
		stream := openStream(t, serverOf(a.App), watchAccount, cookieOf(""), p)
		assert.False(t, stream.Receive(), name)
		checkCode(connect.CodeUnauthenticated, stream.Err())
		_ = stream.Close()
		assert.Empty(t, a.ran, "no handler of a refused request runs")
	}
	_, err := unary(t, serverOf(a.App), deleteUser, cookieOf(kim), protocol{})
	require.NoError(t, err)
	assert.Len(t, a.ran, 1)
}

func checkRefresh(t *testing.T) {
	a := startServices(t)
	cookie := a.SignedIn(behaviour.Kim).CookieHeader()
	for name, p := range protocols {
		a.ExpireToken(2 * time.Minute)
		resp, err := unary(t, serverOf(a.App), getAccount, cookieOf(cookie), p)
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
	for name, p := range protocols {
		a := startServices(t) // the handler of an earlier stream could take a message
		cookie := a.SignedIn(behaviour.Kim).CookieHeader()
		a.ExpireToken(2 * time.Minute)
		stream := openStream(t, serverOf(a.App), watchAccount, cookieOf(cookie), p)
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

func TestAStreamOfConnectEndsUnauthenticatedWithItsSession(t *testing.T) {
	for name, p := range protocols {
		for reason, end := range map[string]func(a *services){
			"sign-out": func(a *services) { require.NoError(t, a.AuthKit.EndSession(t.Context(), a.SessionID())) },
			"expiry":   func(a *services) { a.ExpireToken(2 * time.Minute) },
		} {
			a := startServices(t)
			cookie := a.SignedIn(behaviour.Kim).CookieHeader()
			stream := openStream(t, serverOf(a.App), watchAccount, cookieOf(cookie), p)
			require.True(t, stream.Receive(), "%s: %v", name, stream.Err())
			end(a)
			assert.False(t, stream.Receive(), name)
			assert.Equal(t, connect.CodeUnauthenticated, connect.CodeOf(stream.Err()), "%s, %s: %v", name, reason, stream.Err())
			assert.NoError(t, stream.Close(), name)
		}
	}
}
