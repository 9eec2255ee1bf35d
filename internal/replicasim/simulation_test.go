// The load of many sessions, with the numbers of docs/replicas.md.

package replicasim

import (
	"flag"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

var (
	simSeed      = flag.Uint64("sim.seed", 1, "seed of all random decisions")
	simSessions  = flag.Int("sim.sessions", 20_000, "sessions in use at a time")
	simInstances = flag.Int("sim.instances", 20, "instances")
	simFraction  = flag.Float64("sim.fraction", 0.05, "part of the sessions that is simulated")
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
	assert.Positive(t, result.Counted.Exchanges)
	assert.GreaterOrEqual(t, result.Counted.Publishes, result.Counted.Exchanges)
	assert.LessOrEqual(t, result.Counted.Shortened, result.Counted.Delivered)
}
