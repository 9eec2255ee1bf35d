// An application on a real PostgreSQL: sessions that are revoked at WorkOS.

package pgstore

import (
	"testing"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/internal/behaviour"
)

func TestARevocationReachesBothInstancesThroughPostgreSQL(t *testing.T) {
	url := newDatabase(t)
	behaviour.RunRevocationWithStore(t, func() authkit.Store { return newStore(t, url) })
}
