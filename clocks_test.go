// A test that one clock serves every package.

package authkit_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/seal"
	"github.com/authkit-go/authkit/workos"
)

func TestEveryPackageDeclaresTheSameClock(t *testing.T) {
	clock := reflect.TypeFor[authkit.Clock]()
	for _, other := range []reflect.Type{
		reflect.TypeFor[authkittest.Clock](), reflect.TypeFor[jwks.Clock](), reflect.TypeFor[seal.Clock](), reflect.TypeFor[workos.Clock](),
	} {
		assert.True(t, clock.Implements(other) && other.Implements(clock), "%s", other)
	}
}
