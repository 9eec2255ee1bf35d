// TestSoak: many browsers over hours of fake time.

package soak

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testrun"
)

var (
	soakFor      = flag.Duration("soak.for", testrun.Length(100*time.Millisecond, time.Second), "how long each soak runs rounds, in real time; at least four rounds are run")
	soakSeed     = flag.Uint64("soak.seed", 1, "seed of all random decisions; 0 for a random seed")
	soakBrowsers = flag.Int("soak.browsers", testrun.Length(60, 300), "number of browsers")
)

const (
	workers     = 8
	leastRounds = 4

	// keyFetchPause is longer than the pause of authkit between two fetches for unknown keys.
	keyFetchPause = 35 * time.Second

	// The heap is measured after all browsers have visited once, and again at the
	// end after another visit of all. It may grow by maxHeapGrowth (session caches
	// and noise), by maxGrowthPerBrowser (refreshes that two processes remember)
	// and by maxGrowthPerSession (the fake never forgets a session).
	maxHeapGrowth       = 16 << 20
	maxGrowthPerBrowser = 16 << 10
	maxGrowthPerSession = 1 << 10
	// maxGoroutineGrowth allows two connections per worker.
	maxGoroutineGrowth = 4 * workers
)

// soak is one run.
type soak struct {
	*world
	browsers []*browser
	emails   []string
	// beforeVisit is called before a visit of makeVisits is started, with its number. It may be nil.
	beforeVisit func(n int)
	stage       int // stage of the cookie passwords

	requests, signIns, logouts, revoked, switches, responsesLost, successorsLost, replays, unavailable, slow atomic.Int64
	faults, rotations, replacements, rounds                                                                  int

	mu       sync.Mutex
	findings [kinds]int // guarded by mu: number of findings per kind
	first    []string   // guarded by mu: the first ten
}

func (s *soak) report(b *browser, f *finding) {
	if f == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.findings[f.kind]++
	if len(s.first) < 10 {
		how := "no fault"
		if fault := s.fault.Load(); fault != nil {
			how = fault.name
		}
		if s.storeFails() {
			how += ", store " + s.shared.fault.Load().name
		}
		s.first = append(s.first, fmt.Sprintf("round %d, %s: %s\n    %s", s.rounds, how, f, b.recentRequests()))
	}
}

// acceptedGenerations is how many previous generations of cookie passwords are still accepted.
const acceptedGenerations = 4

// passwords returns the cookie passwords of a stage. A new password is first added
// as an accepted one, and becomes the current one in the next stage. Previous
// passwords stay accepted for some time, because some browsers visit rarely.
func passwords(stage int) []string {
	name := func(i int) string { return fmt.Sprintf("the-cookie-password-of-generation-%06d", i) }
	generation := stage / 2
	var all []string
	if stage%2 == 0 {
		all = append(all, name(generation), name(generation+1))
	} else {
		all = append(all, name(generation+1), name(generation))
	}
	for i := generation - 1; i >= max(0, generation-acceptedGenerations); i-- {
		all = append(all, name(i))
	}
	return all
}

func newSoak(t *testing.T, browsers int) *soak {
	emails := make([]string, (browsers+1)/2) // each user has two browsers
	for i := range emails {
		emails[i] = fmt.Sprintf("person-%05d@example.com", i)
	}
	return newSoakIn(newWorld(t, newUsers(emails), 2), browsers, emails)
}

func newSoakIn(w *world, browsers int, emails []string) *soak {
	s := &soak{world: w, emails: emails}
	for _, slot := range s.slots {
		slot.replace(passwords(0)...)
	}
	for i := range browsers {
		s.browsers = append(s.browsers, &browser{number: i, email: emails[i%len(emails)], jar: map[string]string{}})
	}
	return s
}

func TestSoak(t *testing.T) {
	seed := *soakSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	began := time.Now()
	s := newSoak(t, *soakBrowsers)
	for i, b := range s.browsers[:(len(s.browsers)+1)/2] {
		if i%2 == 0 {
			s.joinBeta(b.email)
		}
	}
	s.visitAll(false)
	heapAtStart, goroutinesAtStart := s.measure()
	plan := &planner{seed: seed, browsers: len(s.browsers), slots: len(s.slots)}
	for running := time.Now(); (time.Since(running) < *soakFor || s.rounds < leastRounds) && s.findings[wrongSession]+s.findings[wrongfulLogout] == 0; {
		s.round(plan.next())
	}
	fakeHours := s.clock.Now().Sub(start).Hours()
	s.clock.move(time.Minute)
	s.visitAll(true)
	heapAtEnd, goroutinesAtEnd := s.measure()

	t.Logf(`seed %d, %d rounds in %.1f s
browsers           %d
requests           %d
refreshes          %d
sign-ins           %d
logouts            %d (replayed %d times)
revoked at WorkOS  %d
switches           %d
slow pages         %d
responses lost     %d (%d successors lost)
faults             %d rounds (%d answers of 503)
key rotations      %d
new processes      %d
fake hours         %.1f
wrongful logouts   %d
wrong sessions     %d
revived sessions   %d
other findings     %d
heap               %.1f MB at the start, %.1f MB at the end
goroutines         %d at the start, %d at the end`,
		seed, s.rounds, time.Since(began).Seconds(), len(s.browsers), s.requests.Load(), s.fake.Calls("POST /user_management/authenticate refresh_token"),
		s.signIns.Load(), s.logouts.Load(), s.replays.Load(), s.revoked.Load(), s.switches.Load(), s.slow.Load(), s.responsesLost.Load(), s.successorsLost.Load(),
		s.faults, s.unavailable.Load(), s.rotations, s.replacements, fakeHours,
		s.findings[wrongfulLogout], s.findings[wrongSession], s.findings[revived], s.findings[unexpected503]+s.findings[inconsistent],
		float64(heapAtStart)/(1<<20), float64(heapAtEnd)/(1<<20), goroutinesAtStart, goroutinesAtEnd)

	require.Empty(t, strings.Join(s.first, "\n"), "repeat it with -soak.seed %d", seed)
	bound := maxHeapGrowth + maxGrowthPerBrowser*len(s.browsers) + maxGrowthPerSession*int(s.signIns.Load())
	assert.Less(t, int(heapAtEnd)-int(heapAtStart), bound, "the heap has grown")
	assert.LessOrEqual(t, goroutinesAtEnd, goroutinesAtStart+maxGoroutineGrowth, "goroutines were left behind")
}

// round runs a round of the plan.
func (s *soak) round(r round) {
	s.rounds++
	s.clock.move(r.gap)
	if r.replaced {
		s.replaceNext()
	}
	s.changeKeys(r.keys)
	if r.fault != nil {
		s.faults++
		s.injectFault(r.fault)
	}
	s.makeVisits(r.visits)
	s.clock.settle() // a call that hangs would take effect when the fault is cleared
	s.clearFault()
	for i, slot := range s.slots {
		if most := slot.process.Load().upstream.maxExchanges(); most > 1 && r.fault == nil {
			s.report(&browser{}, newFinding(inconsistent, "process %d exchanged one refresh token %d times", i, most))
		}
	}
}

// replaceNext replaces the next process by one with the passwords of the next stage.
func (s *soak) replaceNext() {
	slot := s.slots[s.replacements%len(s.slots)]
	s.replacements++
	s.stage = (s.replacements + len(s.slots) - 1) / len(s.slots) // all processes reach a stage before one reaches the next
	s.resealCookies()
	slot.replace(passwords(s.stage)...)
}

// changeKeys changes the signing keys of WorkOS.
func (s *soak) changeKeys(how rotation) {
	switch how {
	case addKey:
		s.fake.AddSigningKey()
	case retireKeys:
		s.fake.RetireSigningKeys()
	case rotateKeys:
		s.fake.RotateSigningKeys()
	}
	if how != keepKeys {
		s.rotations++
	}
}

// resealCookies makes browsers visit whose cookies are sealed with the oldest
// password that the stage accepts, or with an older one, so that their cookies are
// set again.
func (s *soak) resealCookies() {
	var visits []visit
	for i, b := range s.browsers {
		if b.session != "" && s.outdated(b) {
			visits = append(visits, visit{browser: i, slots: []int{i % len(s.slots)}, action: loadUntilServed, parallel: 1})
		}
	}
	s.repeatUntil(visits, func(b *browser) bool { return b.session == "" || !s.outdated(b) })
}

func (s *soak) outdated(b *browser) bool {
	return int(b.stage.Load())/2 <= s.stage/2-acceptedGenerations
}

// repeatUntil repeats each visit until done returns true for its browser. For unknown signing keys, a process
// makes one fetch in 30 s and answers 503 to requests that need another fetch.
func (s *soak) repeatUntil(visits []visit, done func(*browser) bool) {
	for tries := 0; len(visits) > 0 && tries < 200; tries++ {
		s.makeVisits(visits)
		s.settle()
		s.clock.move(keyFetchPause)
		visits = slices.DeleteFunc(visits, func(v visit) bool { return done(s.browsers[v.browser]) })
	}
	for _, v := range visits {
		b := s.browsers[v.browser]
		s.report(b, newFinding(wrongfulLogout, "%s of %s is never served again", b.session, b.email))
	}
}

// makeVisits makes several visits concurrently, and moves the clock if a visit waits for it.
func (s *soak) makeVisits(visits []visit) {
	todo := make(chan visit)
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for v := range todo {
				if s.shared != nil {
					s.visitShared(s.browsers[v.browser], v)
				} else {
					s.visit(s.browsers[v.browser], v)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n, v := range visits {
			if s.beforeVisit != nil {
				s.beforeVisit(n)
			}
			todo <- v
		}
		close(todo)
		running.Wait()
	}()
	s.clock.runUntil(done)
}

// visitAll makes every browser visit once. At the end of a run, the browsers whose
// responses were lost visit first.
func (s *soak) visitAll(end bool) {
	if end {
		s.retryLostResponses()
		s.clock.move(25 * time.Hour) // longer than any process or the fake remembers old tokens
	}
	visits := make([]visit, len(s.browsers))
	for i, b := range s.browsers {
		b.served = false
		visits[i] = visit{browser: i, slots: []int{i % len(s.slots)}, action: loadUntilServed, parallel: 1}
	}
	s.repeatUntil(visits, func(b *browser) bool { return b.served })
}

// retryLostResponses makes the browsers visit whose responses were lost.
func (s *soak) retryLostResponses() {
	var visits []visit
	for i, b := range s.browsers {
		if b.successorProcess != 0 || b.behind && b.session != "" {
			visits = append(visits, visit{browser: i, slots: []int{0}, action: loadUntilServed, parallel: 1})
		}
	}
	s.repeatUntil(visits, func(b *browser) bool { return b.successorProcess == 0 && (!b.behind || b.session == "") })
}

// measure returns the heap size and the number of goroutines when no request is in progress.
func (s *soak) measure() (heap uint64, goroutines int) {
	s.visits.CloseIdleConnections()
	for _, slot := range s.slots {
		slot.process.Load().upstream.base.CloseIdleConnections()
	}
	const maxTicks = 500 // connections need some time to close
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	goroutines = runtime.NumGoroutine()
	enough := testrun.Length(20, 50)
	for quiet, ticks := 0, 0; quiet < enough && ticks < maxTicks; ticks++ {
		<-ticker.C
		quiet++
		if now := runtime.NumGoroutine(); now < goroutines {
			goroutines, quiet = now, 0
		}
	}
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc, goroutines
}
