// The cost of a remembered permission on a resource for a request whose session is cached.

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
	"github.com/authkit-go/authkit/workos"
)

// newWarmResource returns functions that serve a request of a cached session, behind RequireAuth and behind
// RequireResourcePermission. WorkOS was asked once.
func newWarmResource(t testing.TB) (fake *authkittest.Server, plain, guarded func()) {
	fake = authkittest.New(t, authkittest.WithUsers(authkittest.User{
		ID: "user_01JQ4ZK6X9YV3W8T5R2N7M0001", Email: "kim@example.com",
		Memberships: []authkittest.Membership{{OrganizationID: "org_01JQ4ZK6X9YV3W8T5R2N7MABCD", Permissions: []string{"project:edit"}}},
	}))
	fake.AddResource(authkittest.Resource{
		OrganizationID: "org_01JQ4ZK6X9YV3W8T5R2N7MABCD", TypeSlug: "project", ExternalID: "8f14e45f-ceea-467f-a0e6-b3a1c2d4e5f6",
	})
	ak, err := authkit.New(
		authkit.WithAPIKey(fake.APIKey()), authkit.WithClientID(fake.ClientID()), authkit.WithBaseURL(fake.URL()),
		authkit.WithCookiePassword(behaviour.Password), authkit.WithRedirectURL("https://app.example.com/callback"),
		authkit.WithLogger(slog.New(slog.DiscardHandler)), authkit.WithResourcePermissionTTL(5*time.Minute, 0),
	)
	require.NoError(t, err)
	passed := 0
	pass := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed++ })
	guard := ak.RequireResourcePermission(func(*http.Request) workos.Resource {
		return workos.Resource{TypeSlug: "project", ExternalID: "8f14e45f-ceea-467f-a0e6-b3a1c2d4e5f6"}
	}, "project:edit")
	cookie := signedInCookie(t, ak, fake, 1)
	serve := func(handler http.Handler) func() {
		w := &reply{http.Header{}}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", cookie)
		return func() {
			clear(w.header)
			handler.ServeHTTP(w, r)
		}
	}
	plain, guarded = serve(ak.RequireAuth(pass)), serve(guard(pass))
	for range 2 {
		plain()
		guarded()
	}
	require.Equal(t, 4, passed)
	return fake, plain, guarded
}

func TestARememberedPermissionCostsOneAllocationAndNoCall(t *testing.T) {
	fake, plain, guarded := newWarmResource(t)
	without, with := testing.AllocsPerRun(100, plain), testing.AllocsPerRun(100, guarded)
	t.Logf("allocations: %v behind RequireAuth, %v behind RequireResourcePermission", without, with)
	assert.Equal(t, without+1, with, "the key of the question")
	assert.Equal(t, 1, fake.Calls(authkittest.RouteCheckAuthorization))
	assert.Equal(t, 1, fake.Calls(authkittest.RouteListMemberships))
}

func BenchmarkRememberedResourcePermission(b *testing.B) {
	_, plain, guarded := newWarmResource(b)
	for name, serve := range map[string]func(){"RequireAuth": plain, "RequireResourcePermission": guarded} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				serve()
			}
		})
	}
}
