// The suite of every application behind authkit, against the example as a process.

package demotest

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/internal/behaviour"
)

// Suite runs the suite of package behaviour against an example as a process. As for a user, only the environment configures it.
// The TestMain of its tests must be Main.
func Suite(t *testing.T, name string) {
	behaviour.Run(t, behaviour.Target{Name: name, Start: func(t testing.TB, d behaviour.Deployment) string {
		p := start(t, d.Log, d.Fake.Env(), map[string]string{"ADDR": "localhost:0", "WORKOS_COOKIE_PASSWORD": d.CookiePassword})
		t.Cleanup(func() {
			behaviour.CloseIdleConnections()
			assert.Zero(t, p.Stop(), "the exit code of the program")
		})
		return p.Address()
	}})
}
