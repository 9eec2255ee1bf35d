// Tests that the protocol keeps its invariants in every interleaving within a bound,
// and that each of its rules is needed.

package replicamodel

import (
	"flag"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/replica"
	"github.com/authkit-go/authkit/internal/testrun"
)

// The flags of a larger exploration, for example:
//
//	go test ./internal/replicamodel -run FlagsAsk -timeout 1h -model.requests=3 -model.outages=1 -model.crashes=1
var (
	instancesFlag = flag.Int("model.instances", 2, "the number of instances, 2 or 3")
	tokensFlag    = flag.Int("model.tokens", 3, "the length of the chain of refresh tokens, 2 or 3")
	requestsFlag  = flag.Uint("model.requests", 2, "page requests; with sign-outs and sign-ins, four at once")
	copiesFlag    = flag.Uint("model.copies", 0, "requests with a cookie that the browser once had")
	signOutsFlag  = flag.Uint("model.signouts", 0, "sign-outs")
	signInsFlag   = flag.Uint("model.signins", 0, "sign-ins of another person, 0 or 1")
	adminEndsFlag = flag.Uint("model.adminends", 0, "ends of the session at WorkOS, 0 or 1")
	lostFlag      = flag.Uint("model.lostreplies", 0, "replies of the store that are lost")
	outagesFlag   = flag.Uint("model.outages", 0, "outages of the store for one instance")
	flushesFlag   = flag.Uint("model.flushes", 0, "flushes of the store")
	stallsFlag    = flag.Uint("model.stalls", 0, "leases that expire because their holder stalls")
	crashesFlag   = flag.Uint("model.crashes", 0, "crashes of an instance")
	failuresFlag  = flag.Uint("model.workosfailures", 0, "transient failures of WorkOS")
	lostCallsFlag = flag.Uint("model.workoslostreplies", 0, "replies of WorkOS that are lost")
	replayFlag    = flag.Bool("model.replay", false, "WorkOS has a replay window")
	outageFlag    = flag.Bool("model.longoutage", false, "an outage can be longer than a question")
	limitFlag     = flag.Int("model.limit", 20_000_000, "the number of states to stop at; each takes about 60 bytes")
)

// scenario is a bound of an exploration.
type scenario struct {
	name string
	size size
	options
}

// size is how many states an exploration has.
type size int

const (
	small  size = iota
	medium      // more than 60,000 states without a rule, or 100,000 with all: explored at the full length only (see package testrun)
	large       // more than 150,000 states: the same, and not with the race detector
)

// leftOut says why an exploration is left out. It returns "" if it is not.
func (s size) leftOut() string {
	switch {
	case s == large && raceDetector:
		return "left out, because it takes a minute with the race detector"
	case s != small && testrun.Length(true, false):
		return "left out, because it takes a part of a second or more; AUTHKIT_TEST_LENGTH=full explores it"
	}
	return ""
}

// scenarios are explored completely. Each has one fault of the store or of WorkOS, or
// a crash, or two of them, and as many requests as the time allows.
var scenarios = []scenario{
	{"three requests and a sign-out", small, options{2, 3, false, false, budget{Pages: 3, SignOuts: 1}}},
	{"three requests of three instances", small, options{3, 3, false, false, budget{Pages: 3}}},
	{"a sign-out, a sign-in and an end at WorkOS", small, options{2, 2, false, false, budget{Pages: 2, SignOuts: 1, SignIns: 1, AdminEnds: 1}}},
	{"three requests, lost replies of the store", medium, options{2, 3, false, false, budget{Pages: 3, SignOuts: 1, LostReplies: 1}}},
	{"a sign-in, an outage", large, options{2, 3, false, false, budget{Pages: 2, SignIns: 1, Outages: 1}}},
	{"a sign-in, an end at WorkOS, an outage", large, options{2, 3, false, false, budget{Pages: 2, SignIns: 1, AdminEnds: 1, Outages: 1}}},
	{"three instances, an outage", small, options{3, 3, false, false, budget{Pages: 3, Outages: 1}}},
	{"a sign-out, a flush", small, options{2, 3, false, false, budget{Pages: 2, SignOuts: 1, Flushes: 1}}},
	{"a sign-in, an end at WorkOS, a flush", large, options{2, 3, false, false, budget{Pages: 2, SignIns: 1, AdminEnds: 1, Flushes: 1}}},
	{"a sign-out, copies of cookies", small, options{2, 3, false, false, budget{Pages: 2, Copies: 1, SignOuts: 1}}},
	{"a sign-out, a failure of WorkOS", small, options{2, 3, false, false, budget{Pages: 2, SignOuts: 1, WorkOSFailures: 1}}},
	{"a sign-in, a crash", small, options{2, 3, false, false, budget{Pages: 2, SignIns: 1, Crashes: 1}}},
	{"a stall and a crash", small, options{2, 2, false, false, budget{Pages: 3, Stalls: 1, Crashes: 1}}},
	{"a sign-in, a flush and a stall", large, options{2, 3, false, false, budget{Pages: 2, SignIns: 1, Flushes: 1, Stalls: 1}}},
	{"an outage and a crash", medium, options{2, 3, false, false, budget{Pages: 3, Outages: 1, Crashes: 1}}},
	{"a sign-in, an outage and a crash", large, options{2, 3, false, false, budget{Pages: 2, SignIns: 1, Outages: 1, Crashes: 1}}},
	{"a sign-in, a flush and an outage", large, options{2, 3, false, false, budget{Pages: 2, SignIns: 1, Flushes: 1, Outages: 1}}},
	{"three instances, a sign-in and an outage", large, options{3, 3, false, false, budget{Pages: 2, SignIns: 1, Outages: 1}}},
	{"a replay window, failures of WorkOS and an outage", small, options{2, 3, true, false, budget{Pages: 3, WorkOSFailures: 1, WorkOSLostReplies: 1, Outages: 1}}},
}

func TestTheProtocolKeepsItsInvariants(t *testing.T) {
	total := 0
	for _, s := range scenarios {
		if reason := s.size.leftOut(); reason != "" {
			t.Logf("%s: %s", s.name, reason)
			continue
		}
		started := time.Now()
		m := &model{s.options, protocol()}
		r := m.run(5_000_000)
		t.Logf("%s, %d instances: %v, %v", s.name, s.Instances, r, time.Since(started).Round(time.Millisecond))
		assert.Empty(t, r.broken, s.name)
		assert.True(t, r.complete, s.name)
		total += r.states
	}
	t.Logf("%d states", total)
}

// TestASuccessIsNeverReplaced checks that at most one success is visible for a token.
func TestASuccessIsNeverReplaced(t *testing.T) {
	for _, own := range []bool{false, true} {
		assert.NotEqual(t, replica.Exchange, replica.AfterClaim(replica.Success, own))
		assert.NotEqual(t, replica.Replace, replica.PublishFailure(replica.Success, own))
		assert.False(t, replica.BelieveRefusal(replica.Success, own))
	}
	assert.Equal(t, replica.TakeOther, replica.PublishSuccess(replica.Success))
	assert.Equal(t, replica.MarkNext, replica.Supersede(replica.Success))
	assert.False(t, replica.AnswerQuestion(replica.Success))
	assert.False(t, replica.MayClear(replica.Success))
}

func TestTheProtocolKeepsItsInvariantsAsFarAsTheFlagsAsk(t *testing.T) {
	m := &model{options{*instancesFlag, *tokensFlag, *replayFlag, *outageFlag, budget{
		Pages: uint8(*requestsFlag), Copies: uint8(*copiesFlag), SignOuts: uint8(*signOutsFlag), SignIns: uint8(*signInsFlag), AdminEnds: uint8(*adminEndsFlag),
		LostReplies: uint8(*lostFlag), Outages: uint8(*outagesFlag), Flushes: uint8(*flushesFlag), Stalls: uint8(*stallsFlag),
		Crashes: uint8(*crashesFlag), WorkOSFailures: uint8(*failuresFlag), WorkOSLostReplies: uint8(*lostCallsFlag),
	}}, protocol()}
	require.Contains(t, []int{2, 3}, m.Instances)
	require.Contains(t, []int{2, 3}, m.Tokens)
	started := time.Now()
	r := m.run(*limitFlag)
	t.Logf("%v, %v", r, time.Since(started).Round(time.Millisecond))
	assert.Empty(t, r.broken)
}

// TestALongOutageUnderStrictRotationCanEndASession shows what no rule can prevent: the
// instance that knows the successor cannot be asked.
func TestALongOutageUnderStrictRotationCanEndASession(t *testing.T) {
	m := &model{options{2, 2, false, true, budget{Pages: 2, Outages: 1}}, protocol()}
	r := m.run(1_000_000)
	t.Log(r)
	assert.Equal(t, staysSignedIn, r.broken)
}
