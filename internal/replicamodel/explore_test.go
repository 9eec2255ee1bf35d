// Tests of the checker itself, on systems of a few states.

package replicamodel

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// counter is a system that counts from 0 in steps of one and of three.
func counter(end int, check func(*int) string) system[int] {
	return system[int]{
		steps: func(s *int, emit emit[int]) {
			for _, by := range []int{1, 3} {
				if *s+by <= end {
					emit(*s+by, sentence{t: uint8(by)}, "")
				}
			}
		},
		canonical: func(s int) int { return s },
		check:     check,
		stuck: func(s *int) string {
			if *s != 10 {
				return "it must end at 10"
			}
			return ""
		},
		render: func(what sentence) string { return fmt.Sprintf("add %d", what.t) },
	}
}

func TestTheCheckerFindsAShortestTrace(t *testing.T) {
	r := explore(counter(10, func(s *int) string {
		if *s == 7 {
			return "7 is forbidden"
		}
		return ""
	}), 100)
	assert.Equal(t, "7 is forbidden", r.broken)
	assert.Len(t, r.trace, 3)
}

func TestTheCheckerExploresEachStateOnce(t *testing.T) {
	r := explore(counter(10, func(*int) string { return "" }), 100)
	assert.Empty(t, r.broken)
	assert.True(t, r.complete)
	assert.Equal(t, 11, r.states)
}

func TestTheCheckerFindsAStateWithoutAStep(t *testing.T) {
	r := explore(counter(9, func(*int) string { return "" }), 100)
	assert.Equal(t, "it must end at 10", r.broken)
	assert.Len(t, r.trace, 3)
}

func TestTheCheckerStopsAtItsLimit(t *testing.T) {
	r := explore(counter(10, func(*int) string { return "" }), 5)
	assert.False(t, r.complete)
	assert.Equal(t, 5, r.states)
}

func TestStatesThatDifferInNamesAreOne(t *testing.T) {
	m := &model{options{Instances: 3, Tokens: 3}, protocol()}
	a := m.system().initial
	a.instances[0].down = true
	a.requests[0] = request{phase: claiming, instance: 0}
	a.requests[1] = request{phase: calling, instance: 2, held: true, own: true}
	b := m.system().initial
	b.instances[2].down = true
	b.requests[3] = request{phase: claiming, instance: 2}
	b.requests[1] = request{phase: calling, instance: 1, held: true, own: true}
	assert.Equal(t, m.canonical(a), m.canonical(b))
	b.requests[1].instance = 2
	assert.NotEqual(t, m.canonical(a), m.canonical(b))
}
