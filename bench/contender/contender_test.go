// All contenders, with valid and with forged credentials.

package contender

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newTestStage(t testing.TB, sessions int) *Stage {
	t.Helper()
	s, err := NewStage(sessions)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func TestEveryContenderAcceptsAValidSessionAndRefusesItsListedForgeries(t *testing.T) {
	stage := newTestStage(t, 1)
	for _, c := range Contenders() {
		t.Run(c.Name, func(t *testing.T) {
			ready, err := c.setUp(stage.ctx, stage.authority)
			require.NoError(t, err)
			valid, err := stage.authority.session(0)
			require.NoError(t, err)
			credential, err := ready.issue(valid)
			require.NoError(t, err)
			require.NoError(t, ready.check(credential, valid.user.ID))

			for _, f := range Forgeries {
				forged, err := stage.authority.forge(f)
				require.NoError(t, err)
				credential, err := ready.issue(forged)
				require.NoError(t, err)
				if f == Integrity {
					credential = alter(credential)
				}
				err = ready.check(credential, forged.user.ID)
				if slices.Contains(c.Refuses, f) {
					assert.Error(t, err, "a credential with a forged %s is accepted", f)
				} else {
					assert.NoError(t, err, "a credential with a forged %s is refused, but Refuses does not list it", f)
				}
			}
			require.NoError(t, ready.check(credential, valid.user.ID), "the valid session must still work after the forgeries")
		})
	}
}

func TestASealedSessionHasAboutTwoKilobytes(t *testing.T) {
	sizes, err := newTestStage(t, 1).Sizes()
	require.NoError(t, err)
	assert.InDelta(t, sealedSize, sizes.Cookie, sealedSize/3)
	t.Logf("%+v", sizes)
}
