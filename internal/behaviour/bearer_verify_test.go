// VerifyToken and ValidateAPIKey: credentials that did not come over net/http.

package behaviour

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func TestVerifyTokenReturnsTheSessionOfABearerToken(t *testing.T) {
	a := newGuardedApp(t)
	session, err := a.VerifyToken(t.Context(), a.nativeToken(nil))
	require.NoError(t, err)
	assert.Equal(t, "user_kim", session.UserID())
	assert.True(t, session.FromBearerToken())
	assert.True(t, session.HasPermission("posts:write"))

	ctx := a.UntilEnd(authkit.NewContext(t.Context(), session))
	require.NoError(t, ctx.Err())
	a.Clock.Advance(6*time.Minute + time.Second)
	<-ctx.Done()
	assert.ErrorIs(t, context.Cause(ctx), authkit.ErrUnauthenticated)
}

func TestVerifyTokenRefusesWhatTheMiddlewareRefuses(t *testing.T) {
	a := newGuardedApp(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	signedOut := a.bearerOf(cookie)
	session, err := a.VerifyToken(t.Context(), signedOut)
	require.NoError(t, err)
	ctx := a.UntilEnd(authkit.NewContext(t.Context(), session))
	a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie})
	<-ctx.Done()
	assert.ErrorIs(t, context.Cause(ctx), authkit.ErrUnauthenticated)
	for token, reason := range map[string]string{
		"":         "The access token is not accepted",
		"sk_1":     "The access token is not accepted",
		signedOut:  "The session has ended",
		"a.bc.def": "The access token is not accepted",
		a.nativeToken(func(c map[string]any) { c["exp"] = Start.Add(-2 * time.Minute).Unix() }):      "The access token expired",
		a.nativeToken(func(c map[string]any) { c["client_id"] = "client_foreign" }):                  "The access token is not accepted",
		a.nativeToken(func(c map[string]any) { delete(c, "sid") }):                                   "The access token is not accepted",
		newGuardedApp(t).nativeToken(func(c map[string]any) { c["iss"] = a.Fake.URL() + "/native" }): "The access token is not accepted",
	} {
		session, err := a.VerifyToken(t.Context(), token)
		assert.Nil(t, session)
		assert.ErrorIs(t, err, authkit.ErrUnauthenticated)
		assert.EqualError(t, err, "authkit: unauthenticated: "+reason)
	}
}

func TestVerifyTokenIsUnavailableDuringAnOutageOfTheKeys(t *testing.T) {
	a := newGuardedApp(t)
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: http.StatusInternalServerError})
	session, err := a.VerifyToken(t.Context(), a.nativeToken(nil))
	assert.Nil(t, session)
	assert.ErrorIs(t, err, authkit.ErrUnavailable)
	assert.NotErrorIs(t, err, authkit.ErrUnauthenticated)
}

func TestVerifyTokenRefusesEveryTokenWithoutWithBearerTokens(t *testing.T) {
	a := NewApp(t, AppOptions{})
	session, err := a.VerifyToken(t.Context(), a.bearerOf(a.SignedIn(Kim).CookieHeader()))
	assert.Nil(t, session)
	assert.ErrorIs(t, err, authkit.ErrUnauthenticated)
	assert.ErrorContains(t, err, "WithBearerTokens")
}

func TestValidateAPIKeyReturnsTheKeyAndRefusesOthers(t *testing.T) {
	a := newGuardedApp(t)
	key, err := a.ValidateAPIKey(t.Context(), a.addKey("ci", "posts:write"))
	require.NoError(t, err)
	assert.Equal(t, []string{"posts:write"}, key.Permissions)
	for _, value := range []string{"", "sk_", "sk_unknown", a.nativeToken(nil)} {
		key, err = a.ValidateAPIKey(t.Context(), value)
		assert.Nil(t, key)
		assert.EqualError(t, err, "authkit: unauthenticated: the API key is not valid")
	}
	a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: http.StatusInternalServerError})
	_, err = a.ValidateAPIKey(t.Context(), "sk_another")
	assert.ErrorIs(t, err, authkit.ErrUnavailable)
}

func TestValidateAPIKeyRefusesEveryKeyForAPublicClient(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithPublicClient()}})
	_, err := a.ValidateAPIKey(t.Context(), a.addKey("ci"))
	assert.ErrorIs(t, err, authkit.ErrUnauthenticated)
	assert.Zero(t, a.Fake.Calls(authkittest.RouteValidateAPIKey))
}
