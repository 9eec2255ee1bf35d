// Tests that the checker finds a trace after a rule is taken out.

package replicamodel

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/internal/replica"
)

// mutation takes a rule out.
type mutation struct {
	name   string
	in     string // the scenario that finds the trace
	take   func(*rules)
	breaks string
	size   size
}

// mutations are the rules by their numbers in package replica.
var mutations = []mutation{
	{"1: a lease of another is not waited for", "three requests and a sign-out", func(r *rules) {
		r.afterClaim = func(found replica.Kind, own bool) replica.ClaimStep {
			return replica.AfterClaim(found, own || found == replica.Lease)
		}
	}, presentedOnce, small},
	{"1: a request that waits too long calls WorkOS", "three requests and a sign-out", func(r *rules) { r.waitFails = false }, presentedOnce, small},
	{"1: a success is not used, the token is exchanged", "three requests and a sign-out", func(r *rules) {
		r.afterClaim = func(found replica.Kind, own bool) replica.ClaimStep {
			if found == replica.Success {
				return replica.Exchange
			}
			return replica.AfterClaim(found, own)
		}
	}, presentedOnce, small},
	{"1: a spent token is exchanged", "a sign-out, copies of cookies", func(r *rules) {
		r.afterClaim = func(found replica.Kind, own bool) replica.ClaimStep {
			if found == replica.Spent {
				return replica.Exchange
			}
			return replica.AfterClaim(found, own)
		}
	}, presentedOnce, small},
	{"1: a superseded mark counts as the end of the session", "a sign-out, a sign-in and an end at WorkOS", func(r *rules) {
		r.mayClear = func(found replica.Kind) bool { return found == replica.Ended || found == replica.Superseded }
		r.afterClaim = func(found replica.Kind, own bool) replica.ClaimStep {
			if found == replica.Superseded {
				return replica.UseEnd
			}
			return replica.AfterClaim(found, own)
		}
	}, staysSignedIn, small},
	{"1: a lease is not extended", "three requests and a sign-out", func(r *rules) { r.leaseIsExtended = false }, presentedOnce, small},
	{"2: a success replaces a superseded mark", "three requests and a sign-out", func(r *rules) {
		r.publishSuccess = func(found replica.Kind) replica.PublishStep {
			if found == replica.Superseded {
				return replica.Replace
			}
			return replica.PublishSuccess(found)
		}
	}, staysSignedOut, small},
	{"2: a success is not published after its lease has expired", "a stall and a crash", func(r *rules) {
		r.publishSuccess = func(found replica.Kind) replica.PublishStep {
			if found == replica.None {
				return replica.TakeOther
			}
			return replica.PublishSuccess(found)
		}
	}, staysSignedIn, small},
	{"2: a failure replaces any record", "a sign-out, a failure of WorkOS", func(r *rules) {
		r.publishFailure = func(replica.Kind, bool) replica.PublishStep { return replica.Replace }
	}, staysSignedOut, small},
	{"2: a late success that finds a superseded mark leaves its successor", "a sign-in, an outage", func(r *rules) { r.lateSuccessIsMarked = false }, staysSignedOut, small},
	{"2: a success that was not published is not published later", "three requests, lost replies of the store", func(r *rules) { r.publishesBehind = false }, everyWaitEnds, small},
	{"2: a success is not published before the response", "a sign-in, an outage", func(r *rules) { r.publishesFirst = false }, staysSignedOut, small},
	{"3: a refusal is believed at once", "a sign-in, an end at WorkOS, a flush", func(r *rules) { r.questionWaits = false }, staysSignedIn, small},
	{"3: a refusal is believed whatever the record contains", "a sign-out, a flush", func(r *rules) {
		r.believeRefusal = func(replica.Kind, bool) bool { return true }
	}, staysSignedIn, small},
	{"3: no question is answered", "a sign-out, a flush", func(r *rules) { r.answerQuestion = func(replica.Kind) bool { return false } }, staysSignedIn, small},
	{"3: an answer replaces a superseded mark", "a sign-in, a flush and a stall", func(r *rules) {
		r.answerQuestion = func(found replica.Kind) bool { return found == replica.Superseded || replica.AnswerQuestion(found) }
	}, staysSignedOut, medium},
	{"3: an instance that exchanges the token does not answer", "a sign-out, a flush", func(r *rules) { r.exchangeAnswers = false }, staysSignedIn, small},
	{"3: an instance that knows the token as superseded does not answer", "a sign-in, an end at WorkOS, a flush", func(r *rules) { r.supersededAnswers = false }, staysSignedIn, medium},
	{"3: an instance answers with the successor of a session that it has signed out", "a sign-out, a flush", func(r *rules) { r.supersededFirst = false }, staysSignedOut, small},
	{"3: a question that the log has lost is not asked again", "a sign-in, a flush and a stall", func(r *rules) { r.questionAskedAgain = false }, staysSignedIn, small},
	{"3: a token that is claimed again is not asked about again", "a sign-in, a flush and a stall", func(r *rules) { r.claimAsksAgain = false }, staysSignedIn, medium},
	{"3: a refusal is believed without a record", "a sign-in, a flush and a stall", func(r *rules) {
		r.believeRefusal = func(found replica.Kind, own bool) bool {
			return found == replica.None || replica.BelieveRefusal(found, own)
		}
	}, staysSignedIn, medium},
	{"4: records are not followed before a response", "three requests and a sign-out", func(r *rules) {
		r.beforeResponse = func(replica.Kind) replica.ResponseStep { return replica.Send }
	}, staysSignedOut, small},
	{"4: a superseded mark does not stop a response", "three requests and a sign-out", func(r *rules) {
		r.beforeResponse = func(found replica.Kind) replica.ResponseStep {
			if found == replica.Superseded {
				return replica.Send
			}
			return replica.BeforeResponse(found)
		}
	}, staysSignedOut, small},
	{"4: a sign-out marks only its own token", "three requests and a sign-out", func(r *rules) {
		r.supersede = func(found replica.Kind) replica.SupersedeStep {
			if found == replica.Success {
				return replica.AlreadyMarked
			}
			return replica.Supersede(found)
		}
	}, staysSignedOut, small},
	{"4: a sign-out marks a spent token and not its successor", "three requests and a sign-out", func(r *rules) {
		r.supersede = func(found replica.Kind) replica.SupersedeStep {
			if found == replica.Spent {
				return replica.Mark
			}
			return replica.Supersede(found)
		}
	}, staysSignedOut, small},
	{"4: a success in the record is not followed", "three requests of three instances", func(r *rules) {
		r.beforeResponse = func(found replica.Kind) replica.ResponseStep {
			if found == replica.Success {
				return replica.Send
			}
			return replica.BeforeResponse(found)
		}
	}, notOlder, small},
	{"4: a spent mark does not stop a response", "a sign-out, copies of cookies", func(r *rules) {
		r.beforeResponse = func(found replica.Kind) replica.ResponseStep {
			if found == replica.Spent {
				return replica.Send
			}
			return replica.BeforeResponse(found)
		}
	}, notOlder, small},
	{"4: a sign-out leaves the lease of an exchange", "three requests and a sign-out", func(r *rules) {
		r.supersede = func(found replica.Kind) replica.SupersedeStep {
			if found == replica.Lease {
				return replica.AlreadyMarked
			}
			return replica.Supersede(found)
		}
	}, staysSignedOut, small},
	{"4: every response clears that may have to", "a sign-out, a sign-in and an end at WorkOS", func(r *rules) { r.mayClear = func(replica.Kind) bool { return true } }, staysSignedIn, small},
	{"4: a clear leaves no mark", "a sign-out, a sign-in and an end at WorkOS", func(r *rules) { r.clearMarks = false }, staysSignedIn, small},
	{"4: a response clears if the store cannot be asked", "a sign-in, an end at WorkOS, an outage", func(r *rules) { r.clearNeedsStore = false }, staysSignedIn, small},
	{"4: a clear looks at the ended token alone", "a sign-in, an end at WorkOS, a flush", func(r *rules) { r.clearFollows = false }, staysSignedIn, medium},
	{"5: the log is not read before the first session", "a sign-in, a crash", func(r *rules) { r.readsLogFirst = false }, staysSignedOut, small},
	{"5: a sign-out during the request is not looked for", "a sign-in, an outage", func(r *rules) { r.marksAreRead = false }, staysSignedOut, small},
	{"5: a notice that the log has lost is not put back", "a sign-in, an end at WorkOS, a flush", func(r *rules) { r.noticesArePutBack = false }, staysSignedIn, medium},
}

func TestTheCheckerFindsATraceWithoutARule(t *testing.T) {
	for _, without := range mutations {
		if reason := without.size.leftOut(); reason != "" {
			t.Logf("%s: %s", without.name, reason)
			continue
		}
		n := slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == without.in })
		if !assert.GreaterOrEqual(t, n, 0, without.in) {
			continue
		}
		m := &model{scenarios[n].options, protocol()}
		without.take(&m.rules)
		r := m.run(5_000_000)
		t.Logf("%s: %v", without.name, r)
		assert.Equal(t, without.breaks, r.broken, without.name)
	}
}
