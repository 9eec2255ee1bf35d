// TestSoak: many browsers over hours of fake time.

package soak

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	soakFor      = flag.Duration("soak.for", 6*time.Second, "how long TestSoak runs rounds, in real time")
	soakSeed     = flag.Uint64("soak.seed", 1, "seed of all random decisions; 0 for a random seed")
	soakBrowsers = flag.Int("soak.browsers", defaultBrowsers, "number of browsers")
)

const (
	workers = 8

	// keysPause is longer than the pause of authkit between two fetches for unknown keys.
	keysPause = 35 * time.Second

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
	stage    int // stage of the cookie passwords

	requests, signIns, logouts, revoked, switches, lost, forfeited, replays, waits, slow atomic.Int64
	faults, rotations, replacements, rounds                                              int

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
		s.first = append(s.first, fmt.Sprintf("round %d, %s: %s\n    %s", s.rounds, how, f, b.story()))
	}
}

// kept is how many previous generations of cookie passwords are still accepted.
const kept = 4

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
	for i := generation - 1; i >= max(0, generation-kept); i-- {
		all = append(all, name(i))
	}
	return all
}

func newSoak(t *testing.T, browsers int) *soak {
	emails := make([]string, (browsers+1)/2) // each user has two browsers
	for i := range emails {
		emails[i] = fmt.Sprintf("person-%05d@example.com", i)
	}
	s := &soak{world: newWorld(t, everybody(emails), 2)}
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
	s.everybody(false)
	heapAtStart, goroutinesAtStart := s.measure()
	plan := &planner{seed: seed, browsers: len(s.browsers), slots: len(s.slots)}
	for running := time.Now(); time.Since(running) < *soakFor && s.findings[crossed]+s.findings[wrongful] == 0; {
		s.round(plan.next())
	}
	fakeHours := s.clock.Now().Sub(start).Hours()
	s.clock.move(time.Minute)
	s.everybody(true)
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
replies lost       %d (%d for good)
faults             %d rounds (%d answers of 503)
key rotations      %d
new processes      %d
fake hours         %.1f
wrongful logouts   %d
crossed sessions   %d
revived sessions   %d
other findings     %d
heap               %.1f MB at the start, %.1f MB at the end
goroutines         %d at the start, %d at the end`,
		seed, s.rounds, time.Since(began).Seconds(), len(s.browsers), s.requests.Load(), s.fake.Calls("POST /user_management/authenticate refresh_token"),
		s.signIns.Load(), s.logouts.Load(), s.replays.Load(), s.revoked.Load(), s.switches.Load(), s.slow.Load(), s.lost.Load(), s.forfeited.Load(),
		s.faults, s.waits.Load(), s.rotations, s.replacements, fakeHours,
		s.findings[wrongful], s.findings[crossed], s.findings[revived], s.findings[undecided]+s.findings[inconsistent],
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
		slot := s.slots[s.replacements%len(s.slots)]
		s.replacements++
		s.stage = (s.replacements + 1) / len(s.slots) // all processes reach a stage before one reaches the next
		s.resealCookies()
		slot.replace(passwords(s.stage)...)
	}
	switch r.keys {
	case addKey:
		s.fake.AddSigningKey()
	case retireKeys:
		s.fake.RetireSigningKeys()
	case rotateKeys:
		s.fake.RotateSigningKeys()
	}
	if r.keys != keep {
		s.rotations++
	}
	if r.fault != nil {
		s.faults++
		s.fail(r.fault)
	}
	s.make(r.visits)
	s.clock.settle() // a call that hangs would take effect when the fault is cleared
	s.heal()
	for i, slot := range s.slots {
		if most := slot.process.Load().upstream.most(); most > 1 && r.fault == nil {
			s.report(&browser{}, found(inconsistent, "process %d exchanged one refresh token %d times", i, most))
		}
	}
}

// resealCookies makes browsers visit whose cookies are sealed with the oldest
// password that the stage accepts, or with an older one, so that their cookies are
// set again.
func (s *soak) resealCookies() {
	var visits []visit
	for i, b := range s.browsers {
		if b.session != "" && s.outdated(b) {
			visits = append(visits, visit{browser: i, slots: []int{i % len(s.slots)}, action: comeBack, parallel: 1})
		}
	}
	s.untilDone(visits, func(b *browser) bool { return b.session == "" || !s.outdated(b) })
}

func (s *soak) outdated(b *browser) bool { return int(b.stage.Load())/2 <= s.stage/2-kept }

// untilDone repeats visits until each is done. For unknown signing keys, a process
// makes one fetch in 30 s and answers 503 to requests that need another fetch.
func (s *soak) untilDone(visits []visit, done func(*browser) bool) {
	for tries := 0; len(visits) > 0 && tries < 200; tries++ {
		s.make(visits)
		s.clock.settle()
		s.clock.move(keysPause)
		visits = slices.DeleteFunc(visits, func(v visit) bool { return done(s.browsers[v.browser]) })
	}
	for _, v := range visits {
		b := s.browsers[v.browser]
		s.report(b, found(wrongful, "%s of %s is never served again", b.session, b.email))
	}
}

// make makes several visits concurrently, and moves the clock if a visit waits for it.
func (s *soak) make(visits []visit) {
	todo := make(chan visit)
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for v := range todo {
				s.visit(s.browsers[v.browser], v)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, v := range visits {
			todo <- v
		}
		close(todo)
		running.Wait()
	}()
	s.clock.runUntil(done)
}

// visit makes one visit.
func (s *soak) visit(b *browser, v visit) {
	if b.knows != 0 { // only this process knows the successor of the refresh token
		slot := slices.IndexFunc(s.slots, func(at *slot) bool { return at.number() == b.knows })
		if slot < 0 {
			s.forfeited.Add(1)
			b.knows, b.forfeited = 0, true
		} else {
			v.slots = []int{slot}
		}
	}
	at := s.slots[v.slots[0]]
	if b.former != nil && v.action != comeBack {
		s.replays.Add(1)
		s.requests.Add(1)
		s.report(b, b.replay(at))
	}
	if b.session == "" && !s.signIn(b, at) {
		return
	}
	if v.action == loseReply {
		s.lost.Add(1)
		b.knows = at.number()
		s.page(b, at, "/account", false)
		return
	}
	orphans := s.orphans()
	if orphans {
		b.knows, v.slots = at.number(), v.slots[:1]
	}
	if v.report {
		defer s.slowPage(b, at)()
	}
	var pages sync.WaitGroup
	var served atomic.Bool
	for i := range v.parallel {
		pages.Go(func() {
			a := s.page(b, s.slots[v.slots[i%len(v.slots)]], []string{"/account", "/"}[i/2%2], true)
			if a.page.Session != "" {
				served.Store(true)
			}
		})
	}
	pages.Wait()
	b.served = served.Load()
	if b.served {
		b.forfeited = false
		if !orphans {
			b.knows = 0
		}
	}
	if !b.holdsSession() { // a response has removed the cookie
		if !b.mayEnd() {
			s.report(b, found(wrongful, "%s has lost its cookie", b.session))
		}
		b.session = ""
		return
	}
	if v.revoke && b.revokedAt.IsZero() {
		s.revoked.Add(1)
		b.revokedAt = s.clock.Now()
		s.fake.RevokeSession(b.session)
		return
	}
	switch v.action {
	case signOut:
		s.logouts.Add(1)
		s.requests.Add(1)
		if f := b.signOut(at); f != nil {
			s.report(b, f)
			return
		}
		s.page(b, at, "/account", true)
		s.replays.Add(1)
		s.report(b, b.replay(at))
	case switchOrganization:
		s.switchOrganization(b, at)
	}
}

// orphans reports whether the reply to an exchange can arrive after the pages that
// waited for it were answered.
func (s *soak) orphans() bool {
	f := s.fault.Load()
	return f != nil && f.orphans
}

// slowPage starts a slow page and returns a function that finishes it. The late
// response must not undo what the browser did in between.
func (s *soak) slowPage(b *browser, at *slot) (finish func()) {
	s.requests.Add(1)
	number := strconv.FormatInt(s.slow.Add(1), 10)
	slow := &report{make(chan struct{}), make(chan struct{})}
	s.reports.Store(number, slow)
	session, cookie := b.session, b.cookies()
	answered := make(chan answer)
	go func() {
		defer close(answered)
		a, err := b.send(at, http.MethodGet, "/report/"+number, nil, cookie, true)
		if err != nil {
			s.report(b, found(inconsistent, "%v", err))
			return
		}
		answered <- a
	}()
	<-slow.began
	return func() {
		signedOut := b.session == "" && !b.holdsSession()
		close(slow.finish)
		a, ok := <-answered
		s.reports.Delete(number)
		if !ok {
			return
		}
		_, f := judge(a, b.email, session, b.revokedAt, circumstances{outage: true, forfeited: b.forfeited})
		s.report(b, f)
		switch {
		case signedOut && b.holdsSession():
			s.report(b, found(revived, "a late response has restored %s", session))
		case b.session != "":
			s.page(b, at, "/account", true)
		}
	}
}

func (s *soak) signIn(b *browser, at *slot) bool {
	s.requests.Add(1)
	ok, f := b.signIn(at)
	s.report(b, f)
	if ok {
		s.signIns.Add(1)
		b.stage.Store(int64(s.stage))
	}
	return ok
}

// page loads a page and checks the response.
func (s *soak) page(b *browser, at *slot, path string, arrives bool) answer {
	s.requests.Add(1)
	a, err := b.send(at, http.MethodGet, path, nil, b.cookies(), arrives)
	if err != nil {
		s.report(b, found(inconsistent, "%v", err))
		return a
	}
	_, f := judge(a, b.email, b.session, b.revokedAt, circumstances{outage: s.fault.Load() != nil, forfeited: b.forfeited})
	if f == nil && a.page.Session != "" && b.organization != "" && a.page.Organization != b.organization {
		f = found(inconsistent, "%s is in %s instead of %s", b.session, a.page.Organization, b.organization)
	}
	if a.set && arrives {
		b.stage.Store(int64(s.stage))
	}
	if a.status == http.StatusServiceUnavailable {
		s.waits.Add(1)
	}
	s.report(b, f)
	return a
}

// switchOrganization switches the organization and checks the result. A member of
// only one organization is refused and keeps the session.
func (s *soak) switchOrganization(b *browser, at *slot) {
	to := beta
	if b.organization == beta {
		to = acme
	}
	member := to == acme || b.number%((len(s.browsers)+1)/2)%2 == 0
	s.switches.Add(1)
	s.requests.Add(1)
	a, err := b.post(at, "/organization", url.Values{"organization_id": {to}})
	outage := s.fault.Load() != nil
	switch {
	case err != nil:
		s.report(b, found(inconsistent, "switch: %v", err))
	case a.status == http.StatusOK && member:
		b.organization = to
		b.stage.Store(int64(s.stage))
	case a.status == http.StatusOK:
		s.report(b, found(inconsistent, "%s switched to an organization without a membership", b.session))
	case b.mayEnd():
	case outage, a.cause == coolDown:
		b.organization = "" // the switch may have succeeded
	case member, a.status != http.StatusForbidden, a.cleared:
		s.report(b, found(inconsistent, "switch of %s: %d, cookie removed: %t", b.session, a.status, a.cleared))
	}
	if a.cleared && b.mayEnd() {
		b.session = ""
		return
	}
	s.page(b, at, "/account", true)
	if !b.holdsSession() {
		b.session = ""
	}
}

// everybody makes every browser visit once. At the end of a run it first lets
// browsers visit whose replies were lost.
func (s *soak) everybody(end bool) {
	if end {
		s.followLost()
		s.clock.move(25 * time.Hour) // longer than any process or the fake remembers old tokens
	}
	visits := make([]visit, len(s.browsers))
	for i, b := range s.browsers {
		b.served = false
		visits[i] = visit{browser: i, slots: []int{i % len(s.slots)}, action: comeBack, parallel: 1}
	}
	s.untilDone(visits, func(b *browser) bool { return b.served })
}

// followLost makes the browsers visit whose replies were lost.
func (s *soak) followLost() {
	var visits []visit
	for i, b := range s.browsers {
		if b.knows != 0 {
			visits = append(visits, visit{browser: i, slots: []int{0}, action: comeBack, parallel: 1})
		}
	}
	s.untilDone(visits, func(b *browser) bool { return b.knows == 0 })
}

// measure returns the heap size and the number of goroutines when no request is in progress.
func (s *soak) measure() (heap uint64, goroutines int) {
	s.visits.CloseIdleConnections()
	for _, slot := range s.slots {
		slot.process.Load().upstream.base.CloseIdleConnections()
	}
	const patience = 500 // ticks; connections need some time to close
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	goroutines = runtime.NumGoroutine()
	for quiet, ticks := 0, 0; quiet < 50 && ticks < patience; ticks++ {
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
