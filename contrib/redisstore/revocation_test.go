// An application on a real Redis: sessions that are revoked at WorkOS.

package redisstore

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/internal/behaviour"
)

func TestARevocationReachesBothInstancesThroughRedis(t *testing.T) {
	t.Parallel()
	behaviour.RunRevocationWithStore(t, connectTo(t, startRedis(t)))
}

// connectTo returns a function that returns the store of one more instance.
func connectTo(t *testing.T, r *server) func() authkit.Store {
	prefix := WithPrefix(rand.Text() + ":")
	return func() authkit.Store { return newStore(t, r.client(), prefix) }
}

// The numbers for Redis, as those in docs/events.md of authkit. This command prints them:
//
//	go test -v -run TimesToRefusal . -refusals 20
func TestTheTimesToRefusalWithRedis(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	for name, c := range map[string]struct {
		webhooks bool
		interval time.Duration
	}{
		"webhook, three instances with Redis":             {true, time.Second},
		"Follow, three instances with Redis":              {false, time.Second},
		"Follow every 500 ms, three instances with Redis": {false, 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			i := behaviour.NewRealInstances(t, 3, connectTo(t, r), authkit.WithEventInterval(c.interval))
			if c.webhooks {
				i.SendWebhooks()
			} else {
				i.Follow(t)
			}
			i.MeasureRefusal(t, name, c.interval)
		})
	}
}
