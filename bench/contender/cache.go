// The session cache: the options that turn it off, make it too small and make it large enough.

package contender

import "github.com/authkit-go/authkit"

const (
	// smallCache is how many sessions a small cache holds: a hundredth of those that it is usually measured with.
	smallCache = 1000
	// memorySessions is how many sessions are served to measure what a process keeps of each, or the whole population
	// where that is less.
	memorySessions = 5000
)

var (
	// cacheOff is no cache: every request opens its cookie and verifies its token.
	cacheOff = []authkit.Option{authkit.WithSessionCache(0, 0)}
	// cacheSmall is a cache for smallCache sessions.
	cacheSmall = []authkit.Option{authkit.WithSessionCache(smallCache, 64<<20)}
	// cacheLarge is a cache for memorySessions sessions.
	cacheLarge = []authkit.Option{authkit.WithSessionCache(memorySessions, 256<<20)}
)
