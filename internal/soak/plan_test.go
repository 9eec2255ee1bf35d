// The plan of a run, which depends only on the seed.

package soak

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// action is what a browser does besides loading pages.
type action int

const (
	loadPages action = iota
	signOut
	switchOrganization
	loseResponse    // the response to its first page is lost
	loadUntilServed // loads pages until it is served; does not replay a cookie, which could need another key fetch
)

// rotation is a change of the signing keys.
type rotation int

const (
	keepKeys rotation = iota
	addKey
	retireKeys
	rotateKeys
)

// visit is what one browser does in a round.
type visit struct {
	browser  int
	slots    []int // the browser's single requests go to the first
	action   action
	extra    extra // only with a store
	parallel int   // number of concurrent pages
	slowPage bool  // also loads a slow page, which is answered last
	revoke   bool
}

// round is what happens at one moment of fake time.
type round struct {
	gap      time.Duration // time since the previous round
	replaced bool          // one process is replaced
	keys     rotation
	fault    *fault
	visits   []visit
}

// planner makes the plan. It does not depend on the results of the rounds.
type planner struct {
	seed     uint64
	browsers int
	slots    int
	number   int
	swept    int // number of visits in turn so far
}

func (p *planner) rand(stream uint64, number int) *rand.Rand {
	return rand.New(rand.NewPCG(p.seed, stream<<32|uint64(number)))
}

// fault returns the fault of a round, or nil.
func (p *planner) fault(number int) *fault {
	r := p.rand(1, number)
	if r.IntN(3) != 0 {
		return nil
	}
	return faults[r.IntN(len(faults))]
}

func (p *planner) next() round {
	const (
		active = 24 // one browser in this many visits because it is active
		sweep  = 40 // one browser in this many visits in turn
	)
	n := p.number
	p.number++
	r := p.rand(2, n)
	plan := round{fault: p.fault(n), replaced: n%5 == 4}
	plan.gap = between(r, 75*time.Second, 4*time.Minute) // longer than every pause that a fault causes
	if r.IntN(2) == 0 {
		plan.gap = between(r, 10*time.Minute, 40*time.Minute)
	}
	if r.IntN(8) == 0 {
		plan.keys = addKey + rotation(r.IntN(3))
	}
	visited := map[int]bool{}
	zipf := rand.NewZipf(r, 1.2, float64(p.browsers)/50, uint64(p.browsers-1))
	for range max(1, p.browsers/active) {
		p.visit(&plan, r, visited, int(zipf.Uint64()))
	}
	for range max(1, p.browsers/sweep) {
		p.visit(&plan, r, visited, p.swept%p.browsers)
		p.swept++
	}
	return plan
}

func (p *planner) visit(plan *round, r *rand.Rand, visited map[int]bool, browser int) {
	v := visit{browser: browser, slots: r.Perm(p.slots), parallel: 1 + r.IntN(6), slowPage: r.IntN(4) == 0}
	if r.IntN(2) == 0 {
		v.slots = v.slots[:1]
	}
	switch n := r.IntN(100); {
	case n < 6:
		v.action = signOut
	case n < 16:
		v.action = switchOrganization
	case n < 26:
		v.action, v.slots = loseResponse, v.slots[:1]
	case n < 29:
		v.revoke = true
	}
	if visited[browser] {
		return
	}
	visited[browser] = true
	plan.visits = append(plan.visits, v)
}

func between(r *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(r.Int64N(int64(most-least)))
}

func TestTheSameSeedGivesTheSamePlan(t *testing.T) {
	rounds := func(seed uint64) (plans []round) {
		p := &planner{seed: seed, browsers: 300, slots: 2}
		for range 60 {
			plans = append(plans, p.next())
		}
		return plans
	}
	assert.Equal(t, rounds(7), rounds(7))
	assert.NotEqual(t, rounds(7), rounds(8))
}
