// Traffic: who sends the requests.

package contender

import (
	"fmt"
	"net/http"
	"sync/atomic"
)

// Traffic is who sends the requests that a contender is measured with.
type Traffic string

// The kinds of traffic.
const (
	OneSession   Traffic = "one session"   // the same credential again and again
	NoSession    Traffic = "no session"    // no credential
	NewSessions  Traffic = "new sessions"  // a credential that was never seen before, every time
	ManySessions Traffic = "many sessions" // those of a whole population, by skewed popularity
)

// stream is the requests of some traffic to a contender.
type stream struct {
	handler http.Handler
	header  string // that carries the credential
	// source returns what yields credentials, to one goroutine.
	source func() func() string
	// prove tells whether requests are answered as they should be.
	prove func() error
}

// stream sets a contender up for some traffic.
func (s *Stage) stream(c Contender, t Traffic) (*stream, error) {
	ready, err := c.setUp(s.ctx, s.authority)
	if err != nil {
		return nil, fmt.Errorf("set up %s: %w", c.Name, err)
	}
	visitor, err := s.authority.session(s.people.size) // nobody of the population
	if err != nil {
		return nil, err
	}
	credential, err := ready.issue(visitor)
	if err != nil {
		return nil, fmt.Errorf("issue a credential of %s: %w", c.Name, err)
	}
	st := &stream{
		handler: ready.wrap(http.HandlerFunc(answer)),
		header:  ready.header,
		prove:   func() error { return ready.prove(credential, visitor.user.ID) },
	}
	switch t {
	case OneSession:
		st.source = func() func() string { return func() string { return credential } }
	case NoSession:
		st.header = ""
		st.source = func() func() string { return func() string { return "" } }
		st.prove = func() error { return ready.prove("", "") }
	case NewSessions:
		err = s.neverSeen(st, c, ready)
	case ManySessions:
		err = s.popular(st, c, ready)
	}
	return st, err
}

// popular lets requests come from the population by popularity.
func (s *Stage) popular(st *stream, c Contender, ready *setup) error {
	credentials, err := s.people.issue(kind(c, ready), ready.issue)
	if err != nil {
		return err
	}
	draws := s.people.drawn()
	var started atomic.Uint64
	st.source = func() func() string {
		at := started.Add(1) * 0x9e3779b97f4a7c15 // each source starts somewhere else
		return func() string {
			at++
			return credentials[draws[at%uint64(len(draws))]]
		}
	}
	return nil
}

// neverSeen lets every request come from another session. When the whole population has been there, the contender is set
// up anew, and has seen nobody.
func (s *Stage) neverSeen(st *stream, c Contender, ready *setup) error {
	credentials, err := s.people.issue(kind(c, ready), ready.issue)
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
			at := next.Add(1) - 1
			if who := at % uint64(len(credentials)); who != 0 || at == 0 {
				return credentials[who]
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

// kind names the credentials of a contender, so that those with the same ones share them.
func kind(c Contender, ready *setup) string {
	switch {
	case ready.header == "Authorization":
		return ready.header
	case c.Modules[0] == module:
		return module
	}
	return c.Name
}

// prove tells whether a request with a credential is one of a user to whoever handles it, or of nobody where user is "".
func (s *setup) prove(credential, user string) error {
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
		return fmt.Errorf("a request of %q is answered %d, as one of %q", user, status, seen)
	}
	return nil
}
