// Revocations in real time, with a store in memory and without one.

package behaviour

import (
	"testing"
	"time"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// realClock is the clock of a store in memory for instances on the real clock.
type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return time.AfterFunc(d, f).Stop
}

func memoryStore() (connect func() authkit.Store) {
	store := authkittest.NewMemoryStore(realClock{})
	return func() authkit.Store { return store }
}

func TestARevocationReachesBothInstancesThroughTheMemoryStore(t *testing.T) {
	t.Parallel()
	RunRevocationWithStore(t, memoryStore())
}

// The numbers in docs/events.md. contrib/redisstore has its rows for Redis. This command prints it:
//
//	go test -v -run TimesToRefusal -parallel 9 ./internal/behaviour -refusals 20
//
// A row has the time until the first instance refuses a session that is revoked, and until the last one does: the median and
// the longest of the revocations. WorkOS's list holds no event back here.
func TestTheTimesToRefusal(t *testing.T) {
	t.Parallel()
	const second, half = time.Second, 500 * time.Millisecond
	for name, c := range map[string]struct {
		instances         int
		connect           func() authkit.Store
		webhooks, follows bool
		interval          time.Duration
	}{
		"webhook, one instance":                                   {1, nil, true, false, second},
		"webhook, three instances with a store in memory":         {3, memoryStore(), true, false, second},
		"webhook and Follow, two instances without a store":       {2, nil, true, true, second},
		"Follow, one instance":                                    {1, nil, false, true, second},
		"Follow, two instances without a store":                   {2, nil, false, true, second},
		"Follow, three instances with a store in memory":          {3, memoryStore(), false, true, second},
		"Follow every 500 ms, one instance":                       {1, nil, false, true, half},
		"Follow every 500 ms, two instances without a store":      {2, nil, false, true, half},
		"Follow every 500 ms, three instances, a store in memory": {3, memoryStore(), false, true, half},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := NewRealInstances(t, c.instances, c.connect, authkit.WithEventInterval(c.interval))
			if c.webhooks {
				i.SendWebhooks()
			}
			if c.follows {
				i.Follow(t)
			}
			i.MeasureRefusal(t, name, c.interval)
		})
	}
}
