// The checker: a breadth-first search of all reachable states.

package replicamodel

import (
	"fmt"
	"hash/maphash"
	"strings"
)

// sentence is what happens in a step. In text, R stands for the request, I for the
// instance and T for the refresh token.
type sentence struct {
	text    string
	r, i, t uint8
}

// emit takes a state that a step leads to. broken is the invariant that the step
// breaks, or "".
type emit[S any] func(next S, what sentence, broken string)

// system is what the checker explores.
type system[S comparable] struct {
	initial S
	// steps calls emit for each step that is possible in a state.
	steps func(s *S, emit emit[S])
	// canonical returns a state that is the same except for the names of instances and
	// requests.
	canonical func(S) S
	// check returns the invariant that a state breaks, or "".
	check func(s *S) string
	// stuck returns the invariant that a state without a further step breaks, or "".
	stuck func(s *S) string
	// render returns a sentence in words.
	render func(sentence) string
}

// report is the result of an exploration.
type report struct {
	states   int
	steps    int
	depth    int
	complete bool   // every reachable state was explored
	broken   string // the invariant that is broken, or ""
	trace    []string
}

func (r report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d states, %d steps, depth %d", r.states, r.steps, r.depth)
	if !r.complete && r.broken == "" {
		b.WriteString(", stopped at the limit")
	}
	if r.broken != "" {
		fmt.Fprintf(&b, ", broken after %d steps: %s", len(r.trace), r.broken)
		for i, line := range r.trace {
			fmt.Fprintf(&b, "\n%3d. %s", i+1, line)
		}
	}
	return b.String()
}

// explore explores the states of a system until an invariant is broken, or until it
// has found limit states. It keeps a 64-bit hash of each state. With ten million
// states, the probability that two of them have the same hash is below 10⁻⁵.
func explore[S comparable](sys system[S], limit int) report {
	type reached struct {
		state S
		index uint32
	}
	seed := maphash.MakeSeed()
	hash := func(s S) uint64 { return maphash.Comparable(seed, sys.canonical(s)) }
	index := map[uint64]uint32{}
	var hashes []uint64
	var parents []uint32
	add := func(h uint64, parent uint32) uint32 {
		n := uint32(len(hashes))
		index[h] = n
		hashes, parents = append(hashes, h), append(parents, parent)
		return n
	}
	// traceTo repeats the steps to a state, and then, if broken is not "", the step that
	// breaks this invariant.
	traceTo := func(n uint32, broken string) (trace []string) {
		var path []uint64
		for ; n != 0; n = parents[n] {
			path = append(path, hashes[n])
		}
		s := sys.initial
		for i := len(path) - 1; i >= 0; i-- {
			var next S
			text := ""
			sys.steps(&s, func(candidate S, what sentence, _ string) {
				if text == "" && hash(candidate) == path[i] {
					next, text = candidate, sys.render(what)
				}
			})
			s, trace = next, append(trace, text)
		}
		if broken == "" {
			return trace
		}
		last := ""
		sys.steps(&s, func(_ S, what sentence, breaks string) {
			if last == "" && breaks == broken {
				last = sys.render(what)
			}
		})
		return append(trace, last)
	}

	r := report{complete: true}
	add(hash(sys.initial), 0)
	level := []reached{{sys.initial, 0}}
	for ; len(level) > 0; r.depth++ {
		var next []reached
		for _, at := range level {
			possible := 0
			sys.steps(&at.state, func(s S, _ sentence, broken string) {
				possible++
				if r.broken != "" {
					return
				}
				if broken != "" {
					r.broken, r.trace = broken, traceTo(at.index, broken)
					return
				}
				h := hash(s)
				if _, known := index[h]; known {
					return
				}
				if len(hashes) >= limit {
					r.complete = false
					return
				}
				n := add(h, at.index)
				if r.broken = sys.check(&s); r.broken != "" {
					r.trace = traceTo(n, "")
					return
				}
				next = append(next, reached{s, n})
			})
			r.steps += possible
			if possible == 0 {
				if r.broken = sys.stuck(&at.state); r.broken != "" {
					r.trace = traceTo(at.index, "")
				}
			}
			if r.broken != "" {
				r.states = len(hashes)
				return r
			}
		}
		level = next
	}
	r.states = len(hashes)
	return r
}
