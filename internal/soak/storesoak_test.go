// The soak with a store: three processes act as one, while the store and WorkOS fail and processes are killed.

package soak

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

var soakStoreBrowsers = flag.Int("soak.storebrowsers", 60, "number of browsers of the soak with a store")

// sharedRound is what happens in a round besides what plan_test.go plans.
type sharedRound struct {
	fault   *storeFault
	from    int           // the visit before which the fault begins
	lasts   time.Duration // in real time; the fault ends with the visits at the latest
	fuses   []fuse
	endUser bool
}

// fuse kills the process of a slot after some steps, from a visit on.
type fuse struct {
	visit, slot int
	steps       int64
}

// sharedRound returns what else happens in round n, and adds the extras of its visits.
func (p *planner) sharedRound(n int, plan *round, strict bool) (x sharedRound) {
	r := p.rand(3, n)
	visited := map[int]bool{}
	for _, v := range plan.visits {
		visited[v.browser] = true
	}
	for range p.browsers / 8 { // the recovery from a fault takes as long as many visits
		p.visit(plan, r, visited, r.IntN(p.browsers))
	}
	x.endUser = r.IntN(3) == 0
	if r.IntN(2) == 0 {
		x.fault, x.from, x.lasts = storeFaults[r.IntN(len(storeFaults))], r.IntN(len(plan.visits)), between(r, 20*time.Millisecond, 400*time.Millisecond)
	}
	// A process can be the only one that knows what the store has lost.
	if x.fault == nil || !x.fault.loses {
		for range r.IntN(3) {
			x.fuses = append(x.fuses, fuse{visit: r.IntN(len(plan.visits)), slot: r.IntN(p.slots), steps: 1 + r.Int64N(60)})
		}
	}
	for i := range plan.visits {
		switch v := &plan.visits[i]; {
		case v.action != loadPages || v.revoke:
		case r.IntN(20) == 0:
			v.extra = endSession
		case r.IntN(12) == 0:
			v.extra = takeOver
		}
	}
	if strict && plan.fault != nil && plan.fault.losesReply() {
		plan.fault = nil // without a replay window, nobody can get the new refresh token again
	}
	return x
}

// losesReply reports whether WorkOS exchanges the refresh token and the reply is lost.
func (f *fault) losesReply() bool {
	for _, how := range f.routes {
		if how.Truncate || how.TakeEffect {
			return true
		}
	}
	return false
}

func TestInstancesThatShareAStoreEndNoSessionUnderStrictRotation(t *testing.T) {
	soakWithStore(t, true, authkittest.WithStrictRotation(), authkittest.WithSessionLock(), authkittest.WithRefreshLatency(20*time.Millisecond))
}

func TestInstancesThatShareAStoreEndNoSessionWithinTheReplayWindow(t *testing.T) {
	soakWithStore(t, false)
}

// memory is what is measured to find what grows.
type memory struct {
	heap                       uint64
	goroutines                 int
	values, bytes, notices     int
	hours                      float64
	signIns, refreshes, rounds int
}

func (s *soak) measureAll() memory {
	heap, goroutines := s.measure()
	return memory{
		heap, goroutines, s.shared.store.Len(), s.shared.store.Bytes(), s.shared.logLength(), s.clock.Now().Sub(start).Hours(),
		int(s.signIns.Load()), s.fake.Refreshes().Exchanged, s.rounds,
	}
}

func (m memory) String() string {
	return fmt.Sprintf("%.1f MB, %d goroutines, %d values of %d bytes, %d notices", float64(m.heap)/(1<<20), m.goroutines, m.values, m.bytes, m.notices)
}

func soakWithStore(t *testing.T, strict bool, opts ...authkittest.Option) {
	seed := *soakSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	began := time.Now()
	browsers := *soakStoreBrowsers
	emails := make([]string, browsers/4*2) // each user has two browsers, and an even number of users
	for i := range emails {
		emails[i] = fmt.Sprintf("person-%05d@example.com", i)
	}
	w := newWorld(t, newUsers(emails), 3, opts...)
	w.share()
	s := newSoakIn(w, browsers, emails)
	for i := range emails {
		if i%2 == 0 {
			s.joinBeta(emails[i])
		}
	}
	s.visitAll(false)
	atStart := s.measureAll()
	atHalf := atStart
	plan := &planner{seed: seed, browsers: len(s.browsers), slots: len(s.slots)}
	for running := time.Now(); (time.Since(running) < *soakFor || s.rounds < leastRounds) && s.findings == [kinds]int{}; {
		n := plan.number
		r := plan.next()
		s.roundShared(r, plan.sharedRound(n, &r, strict))
		if atHalf.rounds == 0 && time.Since(running) > *soakFor/2 && s.rounds >= leastRounds/2 {
			atHalf = s.measureAll()
		}
	}
	atEnd := s.measureAll()
	if s.findings == [kinds]int{} {
		s.clock.move(time.Minute)
		s.visitAll(true)
	}
	t.Logf(`seed %d, %d rounds in %.1f s
browsers             %d
requests             %d
refreshes            %+v
sign-ins             %d
logouts              %d (cookies replayed %d times, %d sign-outs not announced at once)
ended by ID          %d
sign-ins over others %d
revoked at WorkOS    %d
switches             %d
slow pages           %d
responses lost       %d
faults of WorkOS     %d rounds (%d answers of 503)
faults of the store  %v
key rotations        %d
processes killed     %d, replaced %d
sessions lost        %d, to a process killed in mid-exchange: %s
sign-outs lost       %d, with a process killed before the store was back
older cookies set    %d, by late responses while the store failed
fake hours           %.1f
wrongful logouts     %d
wrong sessions       %d
revived sessions     %d
other findings       %d
memory at the start  %s
memory at half       %s
memory at the end    %s`,
		seed, s.rounds, time.Since(began).Seconds(), len(s.browsers), s.requests.Load(), s.fake.Refreshes(), s.signIns.Load(),
		s.logouts.Load(), s.replays.Load(), s.shared.notAtOnce.Load(), s.shared.ends.Load(), s.shared.takeovers.Load(), s.revoked.Load(),
		s.switches.Load(), s.slow.Load(), s.responsesLost.Load(), s.faults, s.unavailable.Load(), s.shared.faults, s.rotations,
		s.shared.kills.Load(), s.replacements, len(s.shared.lost), strings.Join(s.shared.lost, ", "), s.shared.signOutsLost, s.shared.restored.Load(), atEnd.hours,
		s.findings[wrongfulLogout], s.findings[wrongSession], s.findings[revived], s.findings[unexpected503]+s.findings[inconsistent],
		atStart, atHalf, atEnd)

	require.Empty(t, strings.Join(s.first, "\n"), "repeat it with -soak.seed %d", seed)
	s.checkMemory(atHalf, atEnd)
	assert.Positive(t, s.shared.kills.Load(), "processes killed")
	assert.NotEmpty(t, s.shared.faults, "faults of the store")
}

// checkMemory requires that nothing grows without a limit.
func (s *soak) checkMemory(half, end memory) {
	bound := maxHeapGrowth + maxGrowthPerBrowser*len(s.browsers) + maxGrowthPerSession*(end.signIns-half.signIns)
	assert.Less(s.t, int(end.heap)-int(half.heap), bound, "the heap has grown")
	assert.LessOrEqual(s.t, end.goroutines, half.goroutines+maxGoroutineGrowth, "goroutines were left behind")
	const day = 26 // hours; no value is kept for longer
	if half.hours > day {
		assert.LessOrEqual(s.t, end.values, 2*half.values+100, "the store has grown")
		assert.LessOrEqual(s.t, end.bytes, 2*half.bytes+1<<16, "the store has grown")
		assert.LessOrEqual(s.t, end.notices, 2*half.notices+100, "the log has grown")
	}
	// A refresh leaves one value, and a sign-out a mark and a notice. Questions and notices that are put back are few.
	assert.LessOrEqual(s.t, end.values, end.refreshes+2*end.signIns, "values")
	assert.LessOrEqual(s.t, end.notices, 6*end.signIns+1000, "notices")
	s.clock.move(day * time.Hour)
	assert.Zero(s.t, s.shared.store.Len(), "values a day after the last request")
	assert.Zero(s.t, s.shared.logLength(), "notices a day after the last request")
}

// roundShared runs a round of the plan.
func (s *soak) roundShared(r round, x sharedRound) {
	s.rounds++
	s.clock.move(r.gap)
	if r.replaced {
		s.replaceNext()
	}
	s.changeKeys(r.keys)
	if x.endUser {
		s.whileTheClockMoves(func() { s.endUser(rand.New(rand.NewPCG(uint64(s.rounds), 5))) })
	}
	if x.fault != nil && x.fault.loses {
		// What a process knew that was killed is only in the store now.
		s.clock.move(tokenLifetime + leeway)
		s.awaitServed(func(_ int, b *browser) bool { return b.behind })
	}
	if r.fault != nil {
		s.faults++
		s.injectFault(r.fault)
	}
	endStoreFault := func() {}
	s.beforeVisit = func(n int) {
		if x.fault != nil && n == x.from {
			endStoreFault = s.startStoreFault(x.fault, x.lasts)
		}
		for _, f := range x.fuses {
			if n == f.visit {
				s.slots[f.slot].process.Load().instance.fuse.Store(f.steps)
			}
		}
	}
	s.makeVisits(r.visits)
	s.beforeVisit = nil
	for _, f := range x.fuses {
		if i := s.slots[f.slot].process.Load().instance; i.fuse.Load() > 0 {
			i.kill() // with nothing to do
		}
	}
	endStoreFault()
	s.settle()
	s.clearFault()
	if x.fault != nil {
		s.shared.faults[x.fault.name]++
		s.recoverStore(x.fault, r.visits)
	}
	if most := s.shared.ledger.maxExchanges(); most > 1 && r.fault == nil && x.fault == nil && len(x.fuses) == 0 {
		s.report(&browser{}, newFinding(inconsistent, "the processes exchanged one refresh token %d times", most))
	}
}

// startStoreFault begins a fault of the store. It ends after some time, or when end is called.
func (s *soak) startStoreFault(f *storeFault, lasts time.Duration) (end func()) {
	s.beginStoreFault(f)
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-time.After(lasts):
		case <-over:
		}
		s.endStoreFault(f)
	}()
	return func() {
		close(over)
		<-ended
	}
}

// recoverStore waits until the processes have recovered from a fault of the store. Then every session that was in use
// must be served again, and every session that was ended must be refused by every process.
func (s *soak) recoverStore(f *storeFault, visits []visit) {
	if !s.awaitStore() {
		s.report(&browser{}, newFinding(inconsistent, "the processes do not recover from a fault of the store"))
	}
	s.shared.fault.Store(nil)
	s.shared.healing.Store(true)
	if f.loses {
		s.clock.move(tokenLifetime + leeway) // so that each visit needs the newest refresh token
	}
	s.awaitServed(func(i int, b *browser) bool {
		return b.behind || slices.ContainsFunc(visits, func(v visit) bool { return v.browser == i })
	})
	s.shared.healing.Store(false)
	s.whileTheClockMoves(s.replayUnannounced)
}

// whileTheClockMoves runs f. A request can wait for the clock.
func (s *soak) whileTheClockMoves(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	s.clock.runUntil(done)
}

// replayUnannounced sends the cookies of the sessions that were ended while the store failed. All processes know of them now,
// unless the process was killed that has ended the session.
func (s *soak) replayUnannounced() {
	for _, b := range s.browsers {
		f := b.signedOut
		if f == nil || f.everywhere {
			continue
		}
		if slices.ContainsFunc(s.slots, func(at *slot) bool { return at.number() == f.process }) {
			f.everywhere = true
			s.replayEverywhere(b)
			continue
		}
		s.shared.signOutsLost++
		b.signedOut = nil
	}
}

// awaitServed makes browsers visit until they are served.
func (s *soak) awaitServed(which func(i int, b *browser) bool) {
	var again []visit
	for i, b := range s.browsers {
		if b.session != "" && which(i, b) {
			b.served = false
			again = append(again, visit{browser: i, slots: []int{i % len(s.slots)}, action: loadUntilServed, parallel: 1})
		}
	}
	s.repeatUntil(again, func(b *browser) bool { return b.served || b.session == "" })
}
