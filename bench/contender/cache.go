// The options of authkit's session cache: off, too small and large enough.

package contender

import "github.com/authkit-go/authkit"

const (
	// smallCache is the size of a small cache, in sessions: 1 % of the default population.
	smallCache = 1000
	// memorySessions is the number of sessions that the memory benchmark serves. A smaller population limits it.
	memorySessions = 5000
)

var (
	// cacheOff disables the cache: every request opens its cookie and verifies its token.
	cacheOff = []authkit.Option{authkit.WithSessionCache(0, 0)}
	// cacheSmall is a cache for smallCache sessions.
	cacheSmall = []authkit.Option{authkit.WithSessionCache(smallCache, 64<<20)}
	// cacheLarge is a cache for memorySessions sessions.
	cacheLarge = []authkit.Option{authkit.WithSessionCache(memorySessions, 256<<20)}
)
