// Sessions with the same rights share the memory of their lists, and nothing else.

package authkit

import (
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/intern"
	"github.com/authkit-go/authkit/internal/payload"
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
		s.listBytes = a.shareLists(claims)
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
	assert.Positive(t, one.listBytes)
	assert.Zero(t, two.listBytes)
	assert.Less(t, other.listBytes, one.listBytes)
	assert.Equal(t, one.size()-int(one.listBytes), two.size())

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
		assert.Greater(t, a.shareLists(claims), int32(26_000))
		assert.Equal(t, many, claims.Permissions)
	}
}
