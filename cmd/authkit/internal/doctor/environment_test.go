// Files of variables as other programs accept them.

package doctor

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAValueInQuotesCanHaveSeveralLines(t *testing.T) {
	variables, err := parseEnv([]byte("PRIVATE_KEY=\"-----BEGIN-----\nabc=\n-----END-----\"\nWORKOS_CLIENT_ID=client_1\n"))
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"PRIVATE_KEY": "-----BEGIN-----\nabc=\n-----END-----", "WORKOS_CLIENT_ID": "client_1"}, variables)

	variables, err = parseEnv([]byte("A='open\nWORKOS_CLIENT_ID=client_1\n"))
	assert.ErrorContains(t, err, "line 1: the value of A has an opening quote")
	assert.Equal(t, "client_1", variables["WORKOS_CLIENT_ID"], "the next lines are read")
}
