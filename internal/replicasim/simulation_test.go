// The load of many sessions, with the numbers of docs/replicas.md.

package replicasim

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testrun"
)

func TestMain(m *testing.M) { testrun.Main(m) }

var (
	simSeed      = flag.Uint64("sim.seed", 1, "seed of all random decisions")
	simSessions  = flag.Int("sim.sessions", 20_000, "sessions in use at a time")
	simInstances = flag.Int("sim.instances", 20, "instances")
	simFraction  = flag.Float64("sim.fraction", testrun.Length(0.01, 0.05), "part of the sessions that is simulated")
	simTokens    = flag.Duration("sim.tokens", 300*time.Second, "lifetime of an access token")
	simViews     = flag.Float64("sim.views", 12, "page views per session and hour")
	simRequests  = flag.Int("sim.requests", 3, "requests of a page view")
	simBursts    = flag.Float64("sim.bursts", 0.02, "part of the page views whose requests arrive at once")
	simLost      = flag.Float64("sim.lost", 0.005, "part of the new cookies that are lost")
	simSignOuts  = flag.Float64("sim.signouts", 0.05, "sign-outs per session and hour")
	simClosed    = flag.Float64("sim.closed", 0.45, "browsers that are closed, per session and hour")
	simExchange  = flag.Duration("sim.exchange", 150*time.Millisecond, "duration of an exchange at WorkOS")
	simKeys      = flag.Int("sim.keys", 0, "API keys in use")
	simKeyUses   = flag.Float64("sim.keyuses", 1, "uses of each API key per second")
	simRetention = flag.Duration("sim.retention", 24*time.Hour, "how long the log keeps a notice")
	simSuccess   = flag.Int("sim.success", DefaultSizes().Success, "bytes of the record of a refresh")
	simWarmUp    = flag.Duration("sim.warmup", 27*time.Hour, "simulated time before the measurement; more than 25 h, the longest life of a value")
	simMeasure   = flag.Duration("sim.measure", time.Hour, "simulated time of the measurement")
)

func configOfFlags() Config {
	sizes := DefaultSizes()
	sizes.Success = *simSuccess
	return Config{
		Seed: *simSeed, Sessions: *simSessions, Fraction: *simFraction, Instances: *simInstances,
		TokenLifetime: *simTokens, Views: *simViews, Requests: *simRequests, Bursts: *simBursts, Lost: *simLost,
		SignOuts: *simSignOuts, Closed: *simClosed, Exchange: *simExchange,
		APIKeys: *simKeys, KeyUses: *simKeyUses,
		WarmUp: *simWarmUp, Measure: *simMeasure, Retention: *simRetention, Sizes: sizes,
	}
}

func TestTheLoadOfManySessions(t *testing.T) {
	result := New(configOfFlags()).Run(nil)
	t.Log("\n" + result.String())
	if *simWarmUp >= *simTokens { // otherwise no token is due yet
		assert.Positive(t, result.Counted.Exchanges)
	}
	assert.GreaterOrEqual(t, result.Counted.Publishes, result.Counted.Exchanges)
	assert.LessOrEqual(t, result.Counted.Shortened, result.Counted.Delivered)
	if *simSessions == 10_000_000 {
		checkDocumented(t, result)
	}
}

// checkDocumented checks that docs/replicas.md has the result, if the flags are those of its command.
func checkDocumented(t *testing.T, result Result) {
	document, err := os.ReadFile("../../docs/replicas.md")
	require.NoError(t, err)
	command := "-sim.sessions 10000000 -sim.instances 200 -sim.fraction 0.001 -sim.retention 10m\n"
	require.Contains(t, string(document), command)
	if documented := documentedConfig(); result.Config != documented {
		t.Logf("not compared with docs/replicas.md, because the flags are not those of its command: %+v", documented)
		return
	}
	for line := range strings.Lines(result.String()) {
		if strings.HasPrefix(line, "| ") && !strings.Contains(line, "API keys") {
			assert.Contains(t, string(document), line)
		}
	}
}

// documentedConfig returns the configuration of the command in docs/replicas.md.
func documentedConfig() Config {
	sizes := DefaultSizes()
	return Config{
		Seed: 1, Sessions: 10_000_000, Fraction: 0.001, Instances: 200,
		TokenLifetime: 300 * time.Second, Views: 12, Requests: 3, Bursts: 0.02, Lost: 0.005,
		SignOuts: 0.05, Closed: 0.45, Exchange: 150 * time.Millisecond, KeyUses: 1,
		WarmUp: 27 * time.Hour, Measure: time.Hour, Retention: 10 * time.Minute, Sizes: sizes,
	}
}
