// The cache of verified sessions keeps no memory of the requests that have brought them.

package authkit_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/behaviour"
)

// A server may keep a whole header in one piece of memory: the cache would keep a megabyte for a cookie of 2 KB.
func TestTheSessionCacheKeepsNoMemoryOfARequest(t *testing.T) {
	fake := authkittest.New(t)
	ak, err := authkit.New(authkit.WithAPIKey(fake.APIKey()), authkit.WithClientID(fake.ClientID()), authkit.WithBaseURL(fake.URL()),
		authkit.WithCookiePassword(behaviour.Password), authkit.WithRedirectURL("https://app.example.com/callback"),
		authkit.WithLogger(slog.New(slog.DiscardHandler)), authkit.WithBearerTokens(), authkit.WithSessionCache(100, 1<<20))
	require.NoError(t, err)
	handler := ak.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, ok := authkit.FromContext(r.Context()); !ok {
			panic("the request has no session")
		}
	}))
	serve := func(header, value string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set(header, value)
		handler.ServeHTTP(&reply{http.Header{}}, r)
	}
	token := func(sessionID string) string {
		return fake.SignToken(map[string]any{"iss": fake.Issuer(), "sub": "user_1", "sid": sessionID, "client_id": fake.ClientID(), "exp": time.Now().Unix() + 3600,
			"permissions": []string{"posts:read"}})
	}
	cookie := signedInCookie(t, ak, fake, 1)
	name, text, _ := strings.Cut(signedInCookie(t, ak, fake, 2), "=")
	half := len(text) / 2
	others := "theme=" + strings.Repeat("d", 4<<10) + "; "
	for kind, c := range map[string]struct {
		value string
		send  func(value string)
	}{
		"a cookie":           {others + cookie, func(value string) { serve("Cookie", value) }},
		"a cookie in chunks": {others + name + ".0=" + text[:half] + "; " + name + ".1=" + text[half:], func(value string) { serve("Cookie", value) }},
		"a bearer token":     {"Bearer " + token("session_3"), func(value string) { serve("Authorization", value) }},
		"VerifyToken": {others + token("session_4"), func(value string) {
			_, err := ak.VerifyToken(t.Context(), value[len(others):])
			require.NoError(t, err)
		}},
	} {
		t.Run(kind, func(t *testing.T) {
			value, memory := authkit.InOwnMemory(c.value)
			before := ak.Stats().Cache
			c.send(value)
			c.send(value)
			after := ak.Stats().Cache
			require.Equal(t, before.Entries+1, after.Entries)
			require.Equal(t, before.Hits+1, after.Hits, "the second request finds it")
			assert.True(t, authkit.IsFreed(memory))
			c.send(strings.Clone(c.value))
			assert.Equal(t, after.Hits+1, ak.Stats().Cache.Hits, "the session is still in the cache")
		})
	}
}
