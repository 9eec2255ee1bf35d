// What clients of Connect get from a service behind package resource.

package routers

import (
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/behaviour"
	"github.com/authkit-go/authkit/resource"
)

const apiURL = "https://api.acme.test"

// posts is the service of connectresource.go, in this process.
type posts struct {
	*testing.T
	fake  *authkittest.Server
	clock *authkittest.FakeClock
	plain *httptest.Server // serves HTTP/1 and HTTP/2
	tls   *httptest.Server // serves HTTP/2
	ran   chan struct{}
}

func startPosts(t *testing.T, options ...resource.Option) *posts {
	clock := authkittest.NewFakeClock(behaviour.Start)
	a := &posts{T: t, clock: clock, ran: make(chan struct{}, 100), fake: authkittest.New(t, authkittest.WithClock(clock),
		authkittest.WithUsers(authkittest.User{Email: behaviour.Kim}))}
	api, err := resource.New(a.fake.URL(), apiURL, append([]resource.Option{resource.WithClock(clock), resource.WithLogger(slog.New(slog.DiscardHandler))}, options...)...)
	require.NoError(t, err)
	handler := onConnectResource(api, pages{ran: func() { a.ran <- struct{}{} }, messages: make(chan string)})
	a.plain, a.tls = httptest.NewUnstartedServer(handler), httptest.NewUnstartedServer(handler)
	a.plain.Config.Protocols = bothProtocols()
	a.tls.EnableHTTP2 = true
	a.plain.Start()
	a.tls.StartTLS()
	t.Cleanup(a.plain.Close)
	t.Cleanup(a.tls.Close)
	return a
}

// way is a protocol to one of the two servers.
type way struct {
	server
	protocol
}

// ways returns the protocols over HTTP without TLS, and gRPC over TLS.
func (a *posts) ways() map[string]way {
	all := map[string]way{"gRPC over TLS": {server{a.tls.URL, a.tls.Client()}, protocol{options: []connect.ClientOption{connect.WithGRPC()}}}}
	for name, p := range protocols {
		all[name] = way{server{a.plain.URL, a.plain.Client()}, p}
	}
	return all
}

// bearer returns a token of kim through a client.
func (a *posts) bearer(claims authkittest.Claims) credential {
	changed := authkittest.Claims{"client_id": "client_assistant", "scope": "posts:read"}
	maps.Copy(changed, claims)
	return credential{"Authorization", "Bearer " + a.fake.ResourceToken(behaviour.Kim, apiURL, changed)}
}

func TestAMethodOfConnectFindsTheTokenOfItsCall(t *testing.T) {
	a := startPosts(t)
	for name, w := range a.ways() {
		resp, err := unary(t, w.server, getPosts, a.bearer(nil), w.protocol)
		require.NoError(t, err, name)
		assert.Equal(t, "client_assistant", resp.Msg.Value, name)
	}
}

func TestAClientOfConnectGetsTheCodeOfARefusalFromItsStatus(t *testing.T) {
	startPosts(t).checkRefusals(func(procedure, name string, want connect.Code, err *connect.Error) {
		if want == connect.CodeInvalidArgument {
			want = connect.CodeInternal // it is the code of a 400 (https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md)
		}
		assert.Equal(t, want, err.Code(), "%s, %s: %v", procedure, name, err)
	})
}

func TestARefusalHandlerSendsTheTextOfARefusalToConnectClients(t *testing.T) {
	a := startPosts(t, resource.WithRefusalHandler(refuseOnConnect))
	a.checkRefusals(func(procedure, name string, want connect.Code, err *connect.Error) {
		assert.Equal(t, want, err.Code(), "%s, %s: %v", procedure, name, err)
		assert.Contains(t, map[connect.Code]string{
			connect.CodeInvalidArgument:  "The Authorization header must be there once, as Bearer and a token.",
			connect.CodeUnauthenticated:  "This resource needs an access token. The challenge says where to get one.",
			connect.CodePermissionDenied: "The access token lacks the scope posts:delete.",
			connect.CodeUnavailable:      "The access token cannot be checked at the moment. Try again later.",
		}[want], err.Message(), "%s, %s", procedure, name)
		header, value := "WWW-Authenticate", "resource_metadata="
		if want == connect.CodeUnavailable {
			header, value = "Retry-After", "5"
		}
		assert.Contains(t, err.Meta().Get(header), value, "%s, %s", procedure, name)
	})
	resp, err := http.Post(a.plain.URL+getPosts, "application/json", strings.NewReader("{}"))
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	assert.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"), "another client gets a problem document")
}

// checkRefusals sends requests that are refused, and calls check with the code that tells most.
func (a *posts) checkRefusals(check func(procedure, name string, want connect.Code, err *connect.Error)) {
	refused := func(procedure string, c credential, want connect.Code) {
		for name, w := range a.ways() {
			var err error
			if procedure == watchPosts {
				stream := openStream(a.T, w.server, procedure, c, w.protocol)
				require.False(a, stream.Receive(), name)
				err = stream.Err()
				require.NoError(a, stream.Close(), name)
			} else {
				_, err = unary(a.T, w.server, procedure, c, w.protocol)
			}
			var failure *connect.Error
			require.ErrorAs(a, err, &failure, name)
			check(procedure, name, want, failure)
		}
	}
	for _, procedure := range []string{getPosts, watchPosts} {
		refused(procedure, credential{}, connect.CodeUnauthenticated)
		refused(procedure, credential{"Authorization", "Bearer"}, connect.CodeInvalidArgument)
	}
	a.fake.InjectFault(authkittest.RouteOAuthJWKS, authkittest.Fault{Status: 500})
	refused(getPosts, a.bearer(nil), connect.CodeUnavailable)
	refused(watchPosts, a.bearer(nil), connect.CodeUnavailable)
	a.fake.ClearFault(authkittest.RouteOAuthJWKS)
	a.clock.Advance(time.Minute)
	refused(deletePosts, a.bearer(nil), connect.CodePermissionDenied)
	assert.Empty(a, a.ran, "no method of a refused request runs")
}

func TestAStreamOfConnectEndsUnauthenticatedWithItsToken(t *testing.T) {
	a := startPosts(t)
	for name, w := range a.ways() {
		stream := openStream(t, w.server, watchPosts, a.bearer(nil), w.protocol)
		require.True(t, stream.Receive(), "%s: %v", name, stream.Err())
		assert.Equal(t, "client_assistant", stream.Msg().Value, name)
		a.clock.Advance(6 * time.Minute)
		assert.False(t, stream.Receive(), name)
		assert.Equal(t, connect.CodeUnauthenticated, connect.CodeOf(stream.Err()), "%s: %v", name, stream.Err())
		assert.NoError(t, stream.Close(), name)
	}
}
