// Tests that options reach the parts that they configure.

package authkit

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/sessioncache"
)

func TestWithSessionCacheLimitsTheSessionCache(t *testing.T) {
	for name, c := range map[string]struct {
		options []Option
		want    int
	}{
		"the default":           {nil, 10_000},
		"two huge limits":       {[]Option{WithSessionCache(math.MaxInt, math.MaxInt)}, 10_100},
		"a number of sessions":  {[]Option{WithSessionCache(16, math.MaxInt)}, 16},
		"a number of bytes":     {[]Option{WithSessionCache(math.MaxInt, 1<<20)}, 1024},
		"less than one session": {[]Option{WithSessionCache(math.MaxInt, 1)}, 0},
		"off":                   {[]Option{WithSessionCache(0, 0)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := New(append([]Option{
				WithAPIKey("sk_1"), WithClientID("client_1"), WithCookiePassword(strings.Repeat("p", 32)),
			}, c.options...)...)
			require.NoError(t, err)
			session := NewSession(SessionParams{})
			for i := range 10_100 {
				a.cache.Put(sessioncache.Cookie, strconv.Itoa(i), session, 0)
			}
			assert.Equal(t, c.want, a.cache.Len())
		})
	}
}
