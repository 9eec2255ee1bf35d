// The doctor as a command.

package main

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestADoctorThatIsInterruptedReportsNoFaults(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	t.Setenv("WORKOS_API_HOSTNAME", "127.0.0.1")
	t.Setenv("WORKOS_API_PORT", "1")
	var stdout, stderr bytes.Buffer
	assert.Equal(t, exitFault, run(ctx, []string{"doctor", "--json"}, &stdout, &stderr))
	assert.Equal(t, "authkit: interrupted\n", stderr.String())
	assert.Empty(t, stdout.String())
}
