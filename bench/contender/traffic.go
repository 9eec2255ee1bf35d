// The traffic: which sessions send the requests.

package contender

import (
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
)

// Traffic is a kind of traffic.
type Traffic string

// The kinds of traffic.
const (
	OneSession   Traffic = "one session"   // the same credential in every request
	NoSession    Traffic = "no session"    // no credential
	NewSessions  Traffic = "new sessions"  // a new credential in every request
	ManySessions Traffic = "many sessions" // the sessions of the population, with skewed popularity
)

// stream is a stream of requests to a contender.
type stream struct {
	handler http.Handler
	header  string // for the credential
	// source returns a function that returns the next credential, for one goroutine.
	source func() func() string
	// check returns an error if requests are not answered correctly.
	check func() error
}

// stream sets up a contender for a kind of traffic.
func (s *Stage) stream(c Contender, t Traffic) (*stream, error) {
	ready, err := c.setUp(s.ctx, s.authority)
	if err != nil {
		return nil, fmt.Errorf("set up %s: %w", c.Name, err)
	}
	one, err := s.authority.session(s.population.size) // not in the population
	if err != nil {
		return nil, err
	}
	credential, err := ready.issue(one)
	if err != nil {
		return nil, fmt.Errorf("issue a credential of %s: %w", c.Name, err)
	}
	st := &stream{
		handler: ready.wrap(http.HandlerFunc(answer)),
		header:  ready.header,
		check:   func() error { return ready.check(credential, one.user.ID) },
	}
	switch t {
	case OneSession:
		st.source = func() func() string { return func() string { return credential } }
	case NoSession:
		st.header = ""
		st.source = func() func() string { return func() string { return "" } }
		st.check = func() error { return ready.check("", "") }
	case NewSessions:
		err = s.sendNewSessions(st, c, ready)
	case ManySessions:
		err = s.sendManySessions(st, c, ready)
	}
	return st, err
}

// sendManySessions makes the stream send the sessions of the population, by popularity.
func (s *Stage) sendManySessions(st *stream, c Contender, ready *setup) error {
	credentials, err := s.population.issue(kind(c, ready), ready.issue)
	if err != nil {
		return err
	}
	sequence := s.population.requestSequence()
	var started atomic.Uint64
	st.source = func() func() string {
		at := started.Add(1) * 0x9e3779b97f4a7c15 // each source starts at another position
		return func() string {
			at++
			return credentials[sequence[at%uint64(len(sequence))]]
		}
	}
	return nil
}

// sendNewSessions makes the stream send each session once. After the whole population, it sets up the contender again,
// with empty caches.
func (s *Stage) sendNewSessions(st *stream, c Contender, ready *setup) error {
	credentials, err := s.population.issue(kind(c, ready), ready.issue)
	if err != nil {
		return err
	}
	var next atomic.Uint64
	var current atomic.Pointer[http.Handler]
	first := st.handler
	current.Store(&first)
	st.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*current.Load()).ServeHTTP(w, r) })
	st.source = func() func() string {
		return func() string {
			n := next.Add(1) - 1
			if i := n % uint64(len(credentials)); i != 0 || n == 0 {
				return credentials[i]
			}
			again, err := c.setUp(s.ctx, s.authority)
			if err != nil {
				panic(fmt.Sprintf("contender: set up %s again: %v", c.Name, err))
			}
			handler := again.wrap(http.HandlerFunc(answer))
			current.Store(&handler)
			return credentials[0]
		}
	}
	return nil
}

// kind returns the kind of a contender's credentials. Contenders with the same kind share them.
func kind(c Contender, ready *setup) string {
	switch {
	case ready.header == "Authorization":
		return ready.header
	case c.Name == AuthKitCompact:
		return c.Name
	case slices.Contains(c.Modules, module):
		return module
	case c.Name == byHandWithLRU(lruSessions).Name:
		return byHand().Name
	}
	return c.Name
}

// check returns an error if the handler does not see this user for a request with the credential. An empty user stands
// for an anonymous request.
func (s *setup) check(credential, user string) error {
	header := s.header
	if credential == "" {
		header = ""
	}
	served, seen := false, ""
	status := newExchange(header).serve(s.wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served, seen = true, s.user(r)
		answer(w, r)
	})), credential)
	if !served || seen != user {
		return fmt.Errorf("a request of user %q got status %d, and the handler saw user %q", user, status, seen)
	}
	return nil
}
