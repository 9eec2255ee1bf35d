// The suite of package storetest, on a server of its own.

package pgstore

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/storetest"
)

func TestThePostgresStorePassesTheSuiteOfStores(t *testing.T) {
	server := startServer(t)
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		proxy, url := newTCPProxy(t, server.newDatabase(t))
		return storetest.Harness{
			Connect: func(t *testing.T) authkit.Store { return newStore(t, url) },
			ShortLog: func(t *testing.T, retention time.Duration) authkit.Store {
				s := newStore(t, url, WithTablePrefix("short_"))
				s.options.retention = retention // shorter than an option may set it
				return s
			},
			Break: func(*testing.T) { proxy.cut() },
			Freeze: func(*testing.T) func() {
				server.freeze()
				return server.thaw
			},
			Flush: func(t *testing.T) {
				execute(t, newStore(t, url), "truncate authkit_values, authkit_log")
			},
			Restart: func(t *testing.T) {
				server.kill()
				require.NoError(t, server.Restart())
			},
		}
	})
}
