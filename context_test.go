// Tests of API keys in a context: APIKeyFromContext, NewAPIKeyContext and the guards that trust them.

package authkit_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/behaviour"
)

// noNetwork is a transport that always fails.
type noNetwork struct{}

func (noNetwork) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("this test makes no call")
}

// withoutNetwork returns an AuthKit whose calls to WorkOS all fail.
func withoutNetwork(t *testing.T) *authkit.AuthKit {
	ak, err := authkit.New(behaviour.ValidOptions(authkit.WithHTTPClient(&http.Client{Transport: noNetwork{}}))...)
	require.NoError(t, err)
	return ak
}

// showCredentials answers with the name of the API key and the ID of the session.
var showCredentials = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	name := "no key"
	if key, ok := authkit.APIKeyFromContext(r.Context()); ok {
		name = key.Name
	}
	id := "no session"
	if s, ok := authkit.FromContext(r.Context()); ok {
		id = s.ID()
	}
	io.WriteString(w, name+", "+id)
})

func TestAContextHoldsTheAPIKeyThatIsPutIntoIt(t *testing.T) {
	_, ok := authkit.APIKeyFromContext(t.Context())
	assert.False(t, ok)
	one, two := &authkit.APIKey{Name: "one"}, &authkit.APIKey{Name: "two"}
	ctx := authkit.NewAPIKeyContext(authkit.NewAPIKeyContext(t.Context(), one), two)
	key, ok := authkit.APIKeyFromContext(ctx)
	assert.True(t, ok)
	assert.Same(t, two, key)
	key, ok = authkit.APIKeyFromContext(authkit.NewAPIKeyContext(ctx, nil))
	assert.False(t, ok)
	assert.Nil(t, key)

	ctx = authkit.NewContext(t.Context(), authkit.NewSession(authkit.SessionParams{}))
	_, ok = authkit.FromContext(authkit.NewAPIKeyContext(ctx, one))
	assert.False(t, ok, "the API key replaces the session")
}

func TestAGuardTrustsAnAPIKeyPutIntoTheContext(t *testing.T) {
	ak := withoutNetwork(t)
	full := &authkit.APIKey{Name: "full", Permissions: []string{"posts:read", "posts:write"}}
	limited := &authkit.APIKey{Name: "limited", Permissions: []string{"posts:read"}}
	session := authkit.NewSession(authkit.SessionParams{ID: "session_9", Permissions: []string{"posts:write"}})
	with := func(key *authkit.APIKey) func(context.Context) context.Context {
		return func(ctx context.Context) context.Context { return authkit.NewAPIKeyContext(ctx, key) }
	}
	both := func(ctx context.Context) context.Context {
		return authkit.NewAPIKeyContext(authkit.NewContext(ctx, session), full)
	}
	for name, guard := range map[string]func(http.Handler) http.Handler{
		"RequireAPIKey":       ak.RequireAPIKey("posts:write"),
		"RequireAuthOrAPIKey": ak.RequireAuthOrAPIKey("posts:write"),
		"a guard inside another": func(next http.Handler) http.Handler {
			return ak.RequireAuthOrAPIKey()(ak.RequireAPIKey("posts:write")(next))
		},
	} {
		for _, c := range []struct {
			what   string
			ctx    func(context.Context) context.Context
			status int
			body   string
		}{
			{"with the permission", with(full), http.StatusOK, "full, no session"},
			{"beside a session", both, http.StatusOK, "full, no session"},
			{"without the permission", with(limited), http.StatusForbidden, "permission posts:write"},
			{"nil", with(nil), http.StatusUnauthorized, "unauthenticated"},
		} {
			r := httptest.NewRequest("POST", "/", nil)
			w := httptest.NewRecorder()
			guard(showCredentials).ServeHTTP(w, r.WithContext(c.ctx(r.Context())))
			assert.Equal(t, c.status, w.Code, "%s: %s", name, c.what)
			assert.Contains(t, w.Body.String(), c.body, "%s: %s", name, c.what)
			assert.Contains(t, w.Header().Values("Vary"), "Authorization", "%s: %s", name, c.what)
		}
	}
}

func TestAGuardOfSessionsDoesNotPassAnAPIKeyPutIntoTheContext(t *testing.T) {
	ak := withoutNetwork(t)
	r := httptest.NewRequest("POST", "/", nil)
	ctx := authkit.NewAPIKeyContext(r.Context(), &authkit.APIKey{Permissions: []string{"posts:write"}})
	for name, guard := range map[string]func(http.Handler) http.Handler{
		"RequireAuth": ak.RequireAuth, "RequirePermission": ak.RequirePermission("posts:write"),
	} {
		w := httptest.NewRecorder()
		guard(showCredentials).ServeHTTP(w, r.WithContext(ctx))
		assert.Equal(t, http.StatusUnauthorized, w.Code, name)
	}
}

func TestAGuardDoesNotTrustAnAPIKeyThatAnotherAuthKitValidated(t *testing.T) {
	var guards []*authkit.AuthKit
	var fakes []*authkittest.Server
	for range 2 {
		fake := authkittest.New(t)
		ak, err := authkit.New(behaviour.ValidOptions(authkit.WithBaseURL(fake.URL()), authkit.WithAPIKey(fake.APIKey()), authkit.WithClientID(fake.ClientID()))...)
		require.NoError(t, err)
		fakes, guards = append(fakes, fake), append(guards, ak)
	}
	value := fakes[0].AddAPIKey(authkittest.APIKey{Name: "first", OrganizationID: fakes[0].Organizations()[0].ID})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+value)
	w := httptest.NewRecorder()
	guards[0].RequireAPIKey()(showCredentials).ServeHTTP(w, r)
	assert.Equal(t, "first, no session", w.Body.String())
	w = httptest.NewRecorder()
	guards[0].RequireAPIKey()(guards[1].RequireAPIKey()(showCredentials)).ServeHTTP(w, r)
	assert.Equal(t, http.StatusUnauthorized, w.Code)
}
