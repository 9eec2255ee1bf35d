// oauth2-proxy in front of the application. The test needs a program that this module does not contain.

package server

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestATrialMeasuresOAuth2Proxy(t *testing.T) {
	program := os.Getenv("AUTHKIT_OAUTH2_PROXY")
	if program == "" {
		t.Skip("set AUTHKIT_OAUTH2_PROXY to the path of the program oauth2-proxy " + ProxyVersion)
	}
	trial := startTrial(t)
	defer func() { assert.NoError(t, trial.Close()) }()
	p, err := trial.StartProxy(t.Context(), program)
	require.NoError(t, err)
	assert.Len(t, p.cookies, ProxyLoad.Concurrency)
	r, err := p.Round(t.Context(), 20*time.Millisecond)
	require.NoError(t, err)
	assert.Positive(t, r.CPURatio)
	for _, one := range []Result{r.Authkit, r.Proxy} {
		assert.GreaterOrEqual(t, one.Requests, minSlices*ProxyLoad.Concurrency)
		assert.Positive(t, one.CPUPerRequest())
	}
	for _, memory := range []float64{r.AuthkitMemory, r.ProxyMemory, r.UpstreamMemory} {
		assert.Greater(t, memory, float64(1<<20))
	}
	require.NoError(t, p.Close())
}

func TestTheResidentMemoryOfAProcessThatDoesNotExistIsAnError(t *testing.T) {
	_, err := residentMemory(1 << 23)
	assert.Error(t, err)
}
