// Tests of rule 5.

package replicamodel

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

var clockSkews = [][]uint8{{0, 0}, {0, 1}, {0, maxSkew}, {0, 1, maxSkew}}

func TestSignOutsHoldAndSignInsLastIfClocksDiffer(t *testing.T) {
	for _, skews := range clockSkews {
		r := explore((&clockModel{skews, clockProtocol()}).system(), 5_000_000)
		t.Logf("clocks ahead by %v: %v", skews, r)
		assert.Empty(t, r.broken)
		assert.True(t, r.complete)
	}
}

func TestTheCheckerFindsATraceWithoutAPartOfRule5(t *testing.T) {
	for _, without := range []struct {
		name   string
		take   func(*clockRules)
		breaks string
	}{
		{"the notice of a sign-out has the clock of its instance", func(r *clockRules) {
			r.noticeTime = func(_, clock uint8) uint8 { return clock }
		}, staysSignedOut},
		{"the notice of EndSession has the clock of its instance", func(r *clockRules) {
			r.endTime = func(clock uint8) uint8 { return clock }
		}, staysSignedOut},
		{"a sign-in is not dated after the notice", func(r *clockRules) {
			r.signInTime = func(clock, _ uint8) uint8 { return clock }
		}, staysSignedIn},
		{"a further sign-in is not announced", func(r *clockRules) { r.announces = false }, staysSignedIn},
	} {
		m := &clockModel{[]uint8{0, maxSkew}, clockProtocol()}
		without.take(&m.clockRules)
		r := explore(m.system(), 5_000_000)
		t.Logf("5: %s: %v", without.name, r)
		assert.Equal(t, without.breaks, r.broken, without.name)
	}
}
