//go:build unix

// The search for the engine of the store.

package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnEngineThatDoesNotAnswerIsReportedWithWaysToStartOne(t *testing.T) {
	t.Parallel()
	const port = "1" // nothing listens on it
	for name, variables := range map[string]map[string]string{
		"Redis":      {redisURL: "redis://:hidden@127.0.0.1:" + port},
		"PostgreSQL": {databaseURL: "postgres://app:hidden@127.0.0.1:" + port + "/app"},
		"both":       {redisURL: "redis://:hidden@127.0.0.1:" + port, databaseURL: "postgres://app:hidden@127.0.0.1:" + port + "/app"},
		"no URL":     {redisURL: "redis://:hidden@127.0.0.1:port"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := findEngine(t.Context(), func(name string) string { return variables[name] })
			for variable := range variables {
				require.ErrorContains(t, err, variable)
			}
			for _, way := range []string{"docker run", "apt-get install", "brew install", "-no-store"} {
				assert.ErrorContains(t, err, way)
			}
			assert.NotContains(t, err.Error(), "hidden", "the password is not shown")
		})
	}
}

func TestTheProgramEndsIfNoEngineAnswers(t *testing.T) {
	t.Parallel()
	command := exec.Command(filepath.Join(programs, "replicas"))
	command.Env = append(inherited(), "ADDR=localhost:0", redisURL+"=redis://127.0.0.1:1")
	output, err := command.CombinedOutput()
	var ended *exec.ExitError
	require.ErrorAs(t, err, &ended)
	assert.Contains(t, string(output), "No engine for the store answers.")
	assert.NotContains(t, string(output), "Open http")
}

func TestTheFirstEngineThatAnswersIsTheStore(t *testing.T) {
	t.Parallel()
	redis := startRedis(t)
	for name, variables := range map[string]map[string]string{
		"in its variable":               {redisURL: redis.url},
		"before an engine that is down": {redisURL: redis.url, databaseURL: "postgres://127.0.0.1:1/app"},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := findEngine(t.Context(), func(name string) string { return variables[name] })
			require.NoError(t, err)
			assert.Equal(t, redis, found)
		})
	}
	postgres := startPostgres(t)
	found, err := findEngine(t.Context(), func(name string) string {
		return map[string]string{redisURL: "redis://127.0.0.1:1", databaseURL: postgres.url}[name]
	})
	require.NoError(t, err)
	assert.Equal(t, postgres, found)
}
