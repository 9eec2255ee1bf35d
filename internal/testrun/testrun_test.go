// Tests of the lengths.

package testrun

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestALengthIsFullOnlyIfTheEnvironmentSaysSo(t *testing.T) {
	t.Setenv(variable, "")
	assert.Equal(t, 1, Length(1, 2))
	t.Setenv(variable, "full")
	assert.Equal(t, 2, Length(1, 2))
	t.Setenv(variable, "fulll")
	assert.PanicsWithValue(t, `testrun: AUTHKIT_TEST_LENGTH is "fulll", and only "full" is known`, func() { Length(1, 2) })
}
