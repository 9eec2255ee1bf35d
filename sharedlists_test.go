// Sessions with the same rights share the memory of their lists, and nothing else.

package authkit

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/heapsize"
	"github.com/authkit-go/authkit/internal/intern"
	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/internal/sessioncache"
	"github.com/authkit-go/authkit/jwks"
)

func TestSessionsWithEqualListsShareThemAndCountTheirMemoryOnce(t *testing.T) {
	a := &AuthKit{lists: &intern.Lists{}}
	session := func(permissions, flags string) *Session {
		list := func(values string) []string { return strings.Fields(strings.Clone(values)) }
		claims := &jwks.Claims{
			Subject: "user_1", Roles: list("editor"), Permissions: list(permissions), Entitlements: list("sso"), FeatureFlags: list(flags), Audience: list("editor"),
		}
		s := makeSession(payload.Session{}, claims)
		a.shareLists(claims)
		return s
	}
	one, two, other := session("read write", "beta"), session("read write", "beta"), session("read", "beta write")
	for _, s := range []*Session{one, two} {
		assert.Equal(t, []string{"editor"}, s.Roles())
		assert.Equal(t, []string{"read", "write"}, s.Permissions())
		assert.Equal(t, []string{"sso"}, s.Entitlements())
		assert.Equal(t, []string{"beta"}, s.FeatureFlags())
		assert.False(t, s.HasPermission("beta"))
	}
	assert.Equal(t, []string{"read"}, other.Permissions())
	assert.False(t, other.HasPermission("write"))
	assert.Equal(t, []string{"beta", "write"}, other.FeatureFlags())
	assert.True(t, unsafe.SliceData(one.claims.Permissions) == unsafe.SliceData(two.claims.Permissions))
	assert.Equal(t, one.size(), two.size(), "without the lists, which the cache counts")

	// A handler that changes what it has read changes no other session.
	for _, list := range [][]string{one.Roles(), one.Permissions(), one.Entitlements(), one.FeatureFlags()} {
		list[0] = "owner"
		_ = append(list, "owner")
	}
	require.Equal(t, []string{"read", "write"}, two.Permissions())
	require.Equal(t, []string{"editor"}, two.Roles())
	require.False(t, slices.Contains(session("read write", "beta").Permissions(), "owner"))
}

func TestAListOfManyValuesBelongsToItsSessionAlone(t *testing.T) {
	a := &AuthKit{lists: &intern.Lists{}}
	many := slices.Repeat([]string{"permission"}, 1000)
	for range 2 {
		claims := &jwks.Claims{Permissions: slices.Clone(many)}
		read := claims.Permissions
		a.shareLists(claims)
		assert.Equal(t, many, claims.Permissions)
		assert.True(t, unsafe.SliceData(read) == unsafe.SliceData(claims.Permissions))
	}
}

// The session that has brought a list leaves the cache before the others that share it.
func TestTheCacheCountsASharedListOnceForAsLongAsASessionHasIt(t *testing.T) {
	permissions := make([]string, 150)
	for i := range permissions {
		permissions[i] = fmt.Sprintf("permission:%010d", i)
	}
	kinds := map[string][]string{"shared": permissions, "none": nil, "too long to be shared": slices.Repeat([]string{"permission"}, 1000)}
	bytesOf := func(names ...string) int { // of a cache of two sessions, after these
		a := newOffline(t, newSetClock(), WithSessionCache(2, 1<<20))
		for i, name := range names {
			claims := &jwks.Claims{Subject: "user_1", Permissions: slices.Clone(kinds[name])}
			s := makeSession(payload.Session{}, claims)
			a.shareLists(claims)
			a.cache.Put(sessioncache.Cookie, fmt.Sprintf("%0100d", i), s, s.size())
		}
		return a.cache.State().Bytes
	}
	none, one := bytesOf("none", "none"), bytesOf("none", "shared")
	assert.InDelta(t, heapsize.List(permissions), one-none, 64)
	assert.Equal(t, one, bytesOf("shared", "none"))
	assert.Equal(t, one, bytesOf("shared", "shared"))
	assert.Equal(t, one, bytesOf("shared", "shared", "none"), "the session that has brought it is evicted")
	assert.Equal(t, none, bytesOf("shared", "shared", "none", "none"))
	assert.Equal(t, one, bytesOf("shared", "none", "none", "shared"), "it comes again")
	long := bytesOf("none", "too long to be shared") - none
	assert.Greater(t, long, 26_000)
	assert.Equal(t, none+2*long, bytesOf("none", "too long to be shared", "too long to be shared"))
	assert.Equal(t, none, bytesOf("too long to be shared", "too long to be shared", "none", "none"))
}
