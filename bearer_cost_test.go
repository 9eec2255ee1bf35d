// The cost of a bearer token that comes again.

package authkit_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/behaviour"
	"github.com/authkit-go/authkit/resource"
)

// newBearer returns an AuthKit that accepts bearer tokens, and a token.
func newBearer(t *testing.T) (ak *authkit.AuthKit, token string) {
	fake := authkittest.New(t)
	ak, err := authkit.New(
		authkit.WithAPIKey(fake.APIKey()), authkit.WithClientID(fake.ClientID()), authkit.WithBaseURL(fake.URL()),
		authkit.WithCookiePassword(behaviour.Password), authkit.WithRedirectURL("https://app.example.com/callback"),
		authkit.WithLogger(slog.New(slog.DiscardHandler)), authkit.WithBearerTokens(),
	)
	require.NoError(t, err)
	return ak, fake.SignToken(map[string]any{
		"iss": fake.Issuer(), "sub": "user_1", "sid": "session_1", "client_id": fake.ClientID(), "org_id": "org_1",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	})
}

// serveBearer returns a function that serves a request with a bearer token, after some that were served.
func serveBearer(handler http.Handler, token string) (serve func()) {
	w := &reply{http.Header{}}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	serve = func() {
		clear(w.header)
		handler.ServeHTTP(w, r)
	}
	for range 3 {
		serve()
	}
	return serve
}

// mustFind panics if a request has no session.
var mustFind = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
	if s, ok := authkit.FromContext(r.Context()); !ok || s.UserID() != "user_1" {
		panic("the request has no session")
	}
})

func TestABearerTokenThatComesAgainAllocatesNoMoreThanACookie(t *testing.T) {
	ak, token := newBearer(t)
	serve := serveBearer(ak.Middleware(mustFind), token)
	assert.LessOrEqual(t, testing.AllocsPerRun(100, serve), 2.0)
	authkit.NoteChanges(ak, 10_000)
	authkit.NoteEnds(ak)
	serve() // it looks for marks
	assert.LessOrEqual(t, testing.AllocsPerRun(100, serve), 2.0)
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		authkit.NextEpoch(ak)
		serve()
	}), 2.0, "a check for marks allocates nothing either")
}

// The first request stores the token, and the second finds out for how long it stays valid.
func TestABearerTokenThatComesAgainIsSteady(t *testing.T) {
	ak, token := newBearer(t)
	for _, want := range []bool{false, true, true} {
		s, err := ak.VerifyToken(t.Context(), token)
		require.NoError(t, err)
		assert.Equal(t, want, authkit.IsSteady(ak, s))
	}
}

func TestVerifyTokenAllocatesNothingForATokenThatComesAgain(t *testing.T) {
	ak, token := newBearer(t)
	_, err := ak.VerifyToken(t.Context(), token)
	require.NoError(t, err)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := ak.VerifyToken(t.Context(), token); err != nil {
			t.Error(err)
		}
	}))
}

// A route for several kinds of callers tells them apart by the claims. A token that comes again is not read anew.
func TestASessionTokenThatComesAgainIsNotReadForTheResourcesOfItsRoute(t *testing.T) {
	ak, token := newBearer(t)
	api, err := resource.New("https://auth.example.com", "https://api.example.com")
	require.NoError(t, err)
	alone := testing.AllocsPerRun(100, serveBearer(ak.Middleware(ak.Accept(authkit.Sessions())(mustFind)), token))
	both := testing.AllocsPerRun(100, serveBearer(ak.Middleware(ak.Accept(authkit.Sessions(), authkit.ResourceTokens(api))(mustFind)), token))
	assert.Equal(t, alone, both)
}
