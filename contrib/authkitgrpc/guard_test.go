// Which calls pass, and the statuses of the others.

package authkitgrpc_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/contrib/authkitgrpc"
	"github.com/authkit-go/authkit/internal/behaviour"
)

func TestAHandlerOfGRPCFindsTheCredentialOfItsCall(t *testing.T) {
	a := newApp(t)
	for credential, want := range map[string]string{
		a.userToken(nil):              `session "user_kim", key "", token "" by ""`,
		a.apiKey("ci", "posts:write"): `session "", key "ci", token "" by ""`,
		a.connectToken(nil):           `session "", key "", token "user_lee" by "client_assistant"`,
	} {
		for _, scheme := range []string{"Bearer ", "bearer  "} {
			response, err := a.client.UnaryCall(a.with(t, scheme+credential), &grpc_testing.SimpleRequest{})
			require.NoError(t, err)
			assert.Equal(t, want, response.GetUsername())
		}
		ctx := a.with(t, "Bearer "+credential)
		_, err := a.client.FullDuplexCall(ctx)
		require.NoError(t, err)
		assert.Equal(t, want, <-a.begun)
	}
}

// Custom domains can give session tokens and tokens of Connect one issuer.
func TestAGuardOfGRPCTellsSessionTokensWithTheIssuerOfTheResourceApart(t *testing.T) {
	a := newApp(t)
	response, err := a.client.UnaryCall(a.with(t, "Bearer "+a.userToken(object{"iss": a.Fake.URL()})), &grpc_testing.SimpleRequest{})
	require.NoError(t, err)
	assert.Equal(t, `session "user_kim", key "", token "" by ""`, response.GetUsername())
	_, err = a.client.CacheableUnaryCall(a.with(t, "Bearer "+a.userToken(object{"iss": a.Fake.URL(), "aud": resourceURL})), &grpc_testing.SimpleRequest{})
	assert.Equal(t, status.New(codes.PermissionDenied, "the method is only for tokens with scopes").String(), status.Convert(err).String(),
		"the audience of the resource makes it no token of Connect")
}

func TestACallOfGRPCWithoutAnAcceptedCredentialIsUnauthenticated(t *testing.T) {
	a := newApp(t)
	const required, malformed, refused = "the metadata authorization with a bearer token is required",
		"the metadata authorization must be there once, as Bearer and a token", "the credential is not accepted, or no longer"
	bearer := func(token string) []string { return []string{"Bearer " + token} }
	expired := object{"exp": a.Clock.Now().Add(-time.Hour).Unix()}
	for name, c := range map[string]struct {
		authorization []string
		text          string
	}{
		"none":                     {nil, required},
		"another scheme":           {[]string{"Basic a2ltOnNlY3JldA=="}, required},
		"two":                      {append(bearer(a.userToken(nil)), bearer(a.userToken(nil))...), malformed},
		"no value":                 {[]string{"Bearer "}, malformed},
		"two values in one":        {bearer(a.userToken(nil) + ", Bearer " + a.userToken(nil)), malformed},
		"garbage":                  {bearer("garbage"), refused},
		"an unknown key":           {bearer("sk_unknown"), refused},
		"an expired user's token":  {bearer(a.userToken(expired)), refused},
		"another issuer":           {bearer(a.userToken(object{"iss": "https://other.test"})), refused},
		"a changed user's token":   {bearer(a.userToken(nil) + "x"), refused},
		"an expired Connect token": {bearer(a.connectToken(expired)), refused},
		"another audience":         {bearer(a.connectToken(object{"aud": "https://other.test"})), refused},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := a.with(t, c.authorization...)
			_, err := a.client.EmptyCall(ctx, &grpc_testing.Empty{})
			assert.Equal(t, status.New(codes.Unauthenticated, c.text).String(), status.Convert(err).String())
			stream, err := a.client.FullDuplexCall(ctx)
			require.NoError(t, err)
			_, err = stream.Recv()
			assert.Equal(t, status.New(codes.Unauthenticated, c.text).String(), status.Convert(err).String())
		})
	}
	assert.Empty(t, a.begun, "no handler runs")
}

func TestEachMethodOfGRPCHasItsRequirement(t *testing.T) {
	a := newApp(t)
	credentials := map[string]string{
		"user": a.userToken(nil), "reading user": a.userToken(object{"permissions": []string{"posts:read"}}),
		"key": a.apiKey("writer", "posts:write"), "reading key": a.apiKey("reader", "posts:read"),
		"token": a.connectToken(nil), "reading token": a.connectToken(object{"scope": "posts:read"}), "token without scopes": a.connectToken(object{"scope": ""}),
	}
	call := func(method func(*testing.T, string) error, denied map[string]string) {
		for name, credential := range credentials {
			err := method(t, "Bearer "+credential)
			if text, ok := denied[name]; ok {
				assert.Equal(t, status.New(codes.PermissionDenied, text).String(), status.Convert(err).String(), name)
			} else {
				assert.NoError(t, err, name)
			}
		}
	}
	const permission, scope, onlyScopes, noScopes = "permission posts:write is missing", "scope posts:write is missing",
		"the method is only for tokens with scopes", "the method is not for tokens with scopes"
	call(func(t *testing.T, authorization string) error {
		_, err := a.client.EmptyCall(a.with(t, authorization), &grpc_testing.Empty{})
		return err
	}, nil)
	call(func(t *testing.T, authorization string) error {
		_, err := a.client.UnaryCall(a.with(t, authorization), &grpc_testing.SimpleRequest{})
		return err
	}, map[string]string{"reading user": permission, "reading key": permission, "reading token": scope, "token without scopes": scope})
	call(func(t *testing.T, authorization string) error {
		_, err := a.client.CacheableUnaryCall(a.with(t, authorization), &grpc_testing.SimpleRequest{})
		return err
	}, map[string]string{"user": onlyScopes, "reading user": onlyScopes, "key": onlyScopes, "reading key": onlyScopes,
		"token without scopes": "scope posts:read is missing"})
	for _, name := range []string{"token", "reading token", "token without scopes"} {
		stream, err := a.client.StreamingOutputCall(a.with(t, "Bearer "+credentials[name]), &grpc_testing.StreamingOutputCallRequest{})
		require.NoError(t, err)
		_, err = stream.Recv()
		assert.Equal(t, status.New(codes.PermissionDenied, noScopes).String(), status.Convert(err).String())
	}
}

func TestAPublicMethodOfGRPCNeedsNoCredential(t *testing.T) {
	a := newApp(t)
	for _, authorization := range [][]string{nil, {"Bearer garbage"}} {
		_, err := a.health.Check(a.with(t, authorization...), &grpc_health_v1.HealthCheckRequest{})
		assert.NoError(t, err)
		stream, err := a.health.Watch(a.with(t, authorization...), &grpc_health_v1.HealthCheckRequest{})
		require.NoError(t, err)
		_, err = stream.Recv()
		assert.NoError(t, err)
	}
}

func TestAGuardOfGRPCRefusesKindsOfCredentialsThatItDoesNotHave(t *testing.T) {
	for name, c := range map[string]struct {
		only   func(a *app, config *authkitgrpc.Config)
		passes int // the index of the credential
	}{
		"users":   {func(a *app, config *authkitgrpc.Config) { config.Sessions = a.AuthKit }, 0},
		"keys":    {func(a *app, config *authkitgrpc.Config) { config.APIKeys = a.AuthKit }, 1},
		"Connect": {func(a *app, config *authkitgrpc.Config) { config.Resource = a.api }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			all := newApp(t)
			config := authkitgrpc.Config{}
			c.only(all, &config)
			guard, err := authkitgrpc.New(config)
			require.NoError(t, err)
			for i, credential := range []string{all.userToken(nil), all.apiKey("ci"), all.connectToken(nil)} {
				_, err := all.callDirectly(t, guard, credential)
				if i == c.passes {
					assert.NoError(t, err)
				} else {
					assert.Equal(t, codes.Unauthenticated, status.Code(err))
				}
			}
		})
	}
}

func TestACallOfGRPCDuringAnOutageIsUnavailableWithTheTimeToWait(t *testing.T) {
	a := newApp(t)
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: 500})
	for _, credential := range []string{a.userToken(nil), a.connectToken(nil), a.apiKey("ci")} {
		_, err := a.client.EmptyCall(a.with(t, "Bearer "+credential), &grpc_testing.Empty{})
		a.assertRetry(t, err, codes.Unavailable)
	}
	_, err := a.health.Check(a.with(t), &grpc_health_v1.HealthCheckRequest{})
	assert.NoError(t, err, "a public method needs no key")
}

func TestACallOfGRPCWithAnAPIKeyBeyondTheBudgetIsExhausted(t *testing.T) {
	a := newApp(t)
	a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: 429})
	_, err := a.client.EmptyCall(a.with(t, "Bearer "+a.apiKey("ci")), &grpc_testing.Empty{})
	a.assertRetry(t, err, codes.ResourceExhausted)
}

// assertRetry checks a status that says when to call again.
func (a *app) assertRetry(t *testing.T, err error, code codes.Code) {
	t.Helper()
	s := status.Convert(err)
	assert.Equal(t, code, s.Code(), s.Message())
	require.Len(t, s.Details(), 1)
	assert.GreaterOrEqual(t, s.Details()[0].(*errdetails.RetryInfo).GetRetryDelay().AsDuration(), time.Second)
}

func TestAConfigOfGRPCNamesItsFaults(t *testing.T) {
	a := newApp(t)
	_, err := authkitgrpc.New(authkitgrpc.Config{Default: authkitgrpc.Rule{Scopes: []string{""}}, Rules: map[string]authkitgrpc.Rule{
		"posts.v1.Posts/Delete": {}, "/posts.v1.Posts/List": {Public: true, Permissions: []string{"posts:read"}}}})
	for _, fault := range []string{"want Sessions, APIKeys or Resource", "the default rule: a permission or a scope is empty",
		`the rule "posts.v1.Posts/Delete": want /package.Service/Method`, `the rule "/posts.v1.Posts/List": it is public and requires permissions`} {
		assert.ErrorContains(t, err, fault)
	}

	guard, err := authkitgrpc.New(authkitgrpc.Config{Sessions: a.AuthKit, Rules: map[string]authkitgrpc.Rule{
		"/grpc.testing.TestService/": {}, "/grpc.testing.TestService/Unary": {}, "/grpc.testing.Test/": {}}})
	require.NoError(t, err)
	assert.EqualError(t, guard.Check(a.server), `authkitgrpc: the rule "/grpc.testing.Test/" is for no method of the server`+"\n"+
		`authkitgrpc: the rule "/grpc.testing.TestService/Unary" is for no method of the server`)
	assert.Error(t, guard.Check(grpc.NewServer()))
}

func TestAGuardOfGRPCRefusesSessionsThatAcceptNoBearerToken(t *testing.T) {
	a := behaviour.NewApp(t, behaviour.AppOptions{})
	require.False(t, a.AuthKit.AcceptsBearerTokens())
	_, err := authkitgrpc.New(authkitgrpc.Config{Sessions: a.AuthKit, APIKeys: a.AuthKit})
	assert.EqualError(t, err, "authkitgrpc: the AuthKit of Sessions has no WithBearerTokens, so it refuses every token")
	_, err = authkitgrpc.New(authkitgrpc.Config{APIKeys: a.AuthKit})
	assert.NoError(t, err, "API keys need no option")
	assert.True(t, newApp(t).AuthKit.AcceptsBearerTokens())
}

func TestAGuardOfGRPCRefusesAPIKeysOfAPublicClient(t *testing.T) {
	a := behaviour.NewApp(t, behaviour.AppOptions{AuthKit: []authkit.Option{authkit.WithPublicClient(), authkit.WithBearerTokens()}})
	require.False(t, a.AuthKit.ValidatesAPIKeys())
	_, err := authkitgrpc.New(authkitgrpc.Config{Sessions: a.AuthKit, APIKeys: a.AuthKit})
	assert.EqualError(t, err, "authkitgrpc: the AuthKit of APIKeys is a public client, so it refuses every key")
	_, err = authkitgrpc.New(authkitgrpc.Config{Sessions: a.AuthKit})
	assert.NoError(t, err, "a public client verifies access tokens")
	assert.True(t, newApp(t).AuthKit.ValidatesAPIKeys())
}

func TestACallOfGRPCWhoseContextHasEndedKeepsItsReason(t *testing.T) {
	a := newApp(t)
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: 500})
	guard, err := authkitgrpc.New(authkitgrpc.Config{Sessions: a.AuthKit, APIKeys: a.AuthKit, Resource: a.api})
	require.NoError(t, err)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, stop := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer stop()
	for _, credential := range []string{a.userToken(nil), a.connectToken(nil), a.apiKey("ci")} {
		for ctx, code := range map[context.Context]codes.Code{cancelled: codes.Canceled, late: codes.DeadlineExceeded} {
			_, err := callWithContext(ctx, guard, credential)
			assert.Equal(t, code, status.Code(err), "%v", err)
		}
	}
}
