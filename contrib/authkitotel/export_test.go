// What the tests of this package need of its inside.

package authkitotel

import "github.com/authkit-go/authkit"

// The limits of what is remembered about exchanges.
const (
	MaxExchanges = maxExchanges
	MaxHeldSpans = maxHeldSpans
)

// WatchStats is Watch for statistics that a test has made.
func (o *Observer) WatchStats(read func() authkit.Stats) (stop func(), err error) {
	return o.watch(read)
}
