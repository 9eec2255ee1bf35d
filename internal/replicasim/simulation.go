// Simulation: the events, and the commands that each of them causes.

package replicasim

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"time"

	"github.com/authkit-go/authkit/internal/replica"
)

// EventKind is what happens in an event.
type EventKind int

const (
	SignIn   EventKind = iota // the callback of a sign-in
	View                      // a request, or several at once
	SignOut                   // the logout form
	UseKey                    // a request with an API key
	closeTab                  // the browser is not used any more
)

// Event is an event of the simulation.
type Event struct {
	At        time.Duration // since the start
	Kind      EventKind
	Session   int   // the browser; of UseKey, the API key
	Instances []int // one for each request
	// Lost is true if the browser does not get the new cookie, if there is one.
	Lost bool

	part int // of a page view: 0 for the page
}

// session is a browser and the session in it.
type session struct {
	signedIn bool
	// The cookie of the browser. Generation 0 is that of the sign-in, and each exchange
	// adds one. newest is the generation that the instances know.
	cookie, newest int
	issued         map[int]time.Duration // by generation, of its access token
	seen           map[int][]int         // by generation: the instances that have the cookie in their caches
	known          map[int][]int         // by generation: the instances that know its successor
	records        map[int]record        // by generation: the success of its refresh token
	life           uint64                // counts sign-ins, so that an event of an earlier session is dropped
}

type record struct {
	kept
	delivered bool
}

// Simulation simulates the traffic of a [Config].
type Simulation struct {
	Config
	random   *rand.Rand
	queue    queue
	order    uint64
	sessions []session
	keys     []apiKey
	values   *values

	total Counts
	start Counts // at the end of WarmUp
}

// apiKey is an API key: until when the store and the instances have its result.
type apiKey struct {
	stored    time.Duration
	instances []time.Duration
}

// New returns a simulation. Its browsers sign in during the first hour.
func New(c Config) *Simulation {
	s := &Simulation{Config: c, random: rand.New(rand.NewPCG(c.Seed, 0)), values: newValues()}
	s.sessions = make([]session, max(1, int(math.Round(float64(c.Sessions)*c.fraction()))))
	for i := range s.sessions {
		s.push(Event{At: s.uniform(time.Hour), Kind: SignIn, Session: i})
	}
	if c.APIKeys > 0 {
		s.keys = make([]apiKey, max(1, int(math.Round(float64(c.APIKeys)*c.fraction()))))
	}
	for i := range s.keys {
		s.keys[i].instances = make([]time.Duration, c.Instances)
		s.push(Event{At: s.after(c.KeyUses * 3600), Kind: UseKey, Session: i})
	}
	return s
}

// Run simulates until the end. It calls each for every event, after its commands were
// counted, with the counts so far. each may be nil.
func (s *Simulation) Run(each func(Event, Counts)) Result {
	warm := false
	for s.queue.Len() > 0 {
		next := heap.Pop(&s.queue).(queued)
		if !warm && next.At >= s.WarmUp {
			warm, s.start = true, s.total
		}
		if next.At >= s.WarmUp+s.Measure {
			break
		}
		if !s.happen(&next) || each == nil || next.Kind == closeTab {
			continue
		}
		each(next.Event, s.total)
	}
	s.values.advance(s.WarmUp + s.Measure)
	return s.result()
}

// happen counts the commands of an event and plans the next one. It reports false if
// the event belongs to a session that is over.
func (s *Simulation) happen(e *queued) bool {
	if e.Kind != UseKey && e.Kind != SignIn && e.life != s.sessions[e.Session].life {
		return false
	}
	for range s.requestsOf(e) {
		e.Instances = append(e.Instances, s.random.IntN(s.Instances))
	}
	b := &s.sessions[min(e.Session, len(s.sessions)-1)]
	switch e.Kind {
	case SignIn:
		s.signIn(b, e.At)
		s.plan(e.Session, e.At)
	case View:
		e.Lost = s.random.Float64() < s.Lost
		s.view(b, e)
		s.planPart(e)
	case SignOut:
		s.signOut(b, e)
		s.push(Event{At: e.At + time.Minute, Kind: SignIn, Session: e.Session})
	case closeTab:
		b.life++
		s.push(Event{At: e.At + time.Minute, Kind: SignIn, Session: e.Session})
	case UseKey:
		s.useKey(&s.keys[e.Session], e)
		s.push(Event{At: e.At + s.after(s.KeyUses*3600), Kind: UseKey, Session: e.Session})
	}
	return true
}

// requestsOf returns how many requests an event consists of.
func (s *Simulation) requestsOf(e *queued) int {
	if e.Kind == View && e.part == 0 && s.Requests > 1 && s.random.Float64() < s.Bursts {
		e.part = s.Requests // the burst is the whole view
		return s.Requests
	}
	return 1
}

// plan plans the first view of a session and its end.
func (s *Simulation) plan(browser int, now time.Duration) {
	s.push(Event{At: now + time.Second, Kind: View, Session: browser})
	out, closed := s.after(s.SignOuts), s.after(s.Closed)
	if out < closed {
		s.push(Event{At: now + time.Second + out, Kind: SignOut, Session: browser})
	} else if s.Closed > 0 {
		s.push(Event{At: now + time.Second + closed, Kind: closeTab, Session: browser})
	}
}

// planPart plans the next request of a page view, or the next page view.
func (s *Simulation) planPart(e *queued) {
	next := Event{At: e.At + time.Second, Kind: View, Session: e.Session, part: e.part + 1}
	if next.part >= s.Requests {
		next.At, next.part = e.At+time.Second+s.after(s.Views), 0
	}
	s.push(next)
}

func (s *Simulation) signIn(b *session, now time.Duration) {
	s.total.SignIns++
	s.total.UsedStates++
	s.values.put(now, s.Sizes.Key+s.Sizes.UsedState, signInTimeout+clockSkew)
	*b = session{
		signedIn: true, life: b.life + 1,
		issued: map[int]time.Duration{0: now}, seen: map[int][]int{}, known: map[int][]int{}, records: map[int]record{},
	}
}

func (s *Simulation) signOut(b *session, e *queued) {
	s.total.SignOuts++
	s.read(b, b.cookie, e.Instances[0], e.At)
	s.total.Notices++
	s.total.Marks += 1 + b.newest - b.cookie // one for each link of the chain
	s.values.put(e.At, s.Sizes.Key+s.Sizes.Superseded, replica.SupersededTime)
	*b = session{life: b.life + 1}
}

func (s *Simulation) useKey(k *apiKey, e *queued) {
	local := &k.instances[e.Instances[0]]
	if e.At < *local {
		return
	}
	s.total.KeyReads++
	if e.At >= k.stored {
		s.total.KeyWrites++
		k.stored = e.At + keyLifetime
		s.values.put(e.At, s.Sizes.Key+s.Sizes.APIKeyResult, keyLifetime)
	}
	*local = k.stored
}

// after returns a random time for a rate per hour.
func (s *Simulation) after(perHour float64) time.Duration {
	if perHour <= 0 {
		return math.MaxInt64 / 4
	}
	return time.Duration(s.random.ExpFloat64() / perHour * float64(time.Hour)).Round(time.Millisecond)
}

func (s *Simulation) uniform(d time.Duration) time.Duration {
	return time.Duration(s.random.Int64N(int64(d))).Round(time.Millisecond)
}

// queue holds the events to come, the earliest first. Of two at one time, the one that
// was planned first comes first.
type queue []queued

type queued struct {
	Event
	order, life uint64
}

func (s *Simulation) push(e Event) {
	s.order++
	life := uint64(0)
	if e.Kind != UseKey {
		life = s.sessions[e.Session].life
	}
	heap.Push(&s.queue, queued{e, s.order, life})
}

func (q queue) Len() int      { return len(q) }
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q queue) Less(i, j int) bool {
	if q[i].At != q[j].At {
		return q[i].At < q[j].At
	}
	return q[i].order < q[j].order
}
func (q *queue) Push(x any) { *q = append(*q, x.(queued)) }
func (q *queue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}
