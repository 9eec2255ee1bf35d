// Crowds: an authkit whose session cache holds many sessions, and their requests.

package contender

import (
	"net/http"

	"github.com/authkit-go/authkit"
)

// Crowd is an authkit with options of its own, without a population: its sessions are created one by one, so that the process
// need not keep their cookies.
type Crowd struct {
	authKit *authkit.AuthKit
	handler http.Handler
}

// Crowd returns an authkit with these options.
func (s *Stage) Crowd(opts ...authkit.Option) (*Crowd, error) {
	ak, err := newAuthKit(s.authority, opts...)
	if err != nil {
		return nil, err
	}
	return &Crowd{ak, ak.Middleware(http.HandlerFunc(answer))}, nil
}

// Stats returns what the authkit reports about itself.
func (c *Crowd) Stats() authkit.Stats { return c.authKit.Stats() }

// Client returns a function that sends requests with a Cookie header. It is for one goroutine.
func (c *Crowd) Client() func(cookie string) error {
	e := newExchange("Cookie")
	return func(cookie string) error {
		if status := e.serve(c.handler, cookie); status != http.StatusOK {
			return refused(status)
		}
		return nil
	}
}

// SignIns returns a function that signs the i-th user in, and returns the Cookie header. It may be called concurrently.
func (s *Stage) SignIns() func(i int) (cookie string, err error) {
	seal := (&sealer{authority: s.authority}).seal
	return func(i int) (string, error) {
		one, err := s.authority.session(i)
		if err != nil {
			return "", err
		}
		return seal(one)
	}
}
