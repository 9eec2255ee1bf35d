// Requests for a caller that measures them itself.

package contender

import (
	"fmt"
	"net/http"
	"slices"
)

// Sender sets up a subject, and returns a function that makes a client. A client is for one goroutine. It sends that many
// requests, one after the other.
func (s *Stage) Sender(subject string) (newClient func() (send func(requests int) error), err error) {
	subjects := Subjects()
	at := slices.IndexFunc(subjects, func(one Subject) bool { return one.Name == subject && one.Traffic != "" })
	if at < 0 {
		return nil, fmt.Errorf("no subject with traffic is named %q", subject)
	}
	st, err := s.stream(subjects[at].Contender, subjects[at].Traffic)
	if err != nil {
		return nil, err
	}
	if err := st.check(); err != nil {
		return nil, err
	}
	return func() func(int) error {
		e, next := newExchange(st.header), st.source()
		return func(requests int) error {
			for range requests {
				if status := e.serve(st.handler, next()); status != http.StatusOK {
					return refused(status)
				}
			}
			return nil
		}
	}, nil
}
