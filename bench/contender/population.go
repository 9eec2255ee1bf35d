// The population: many sessions, each of a different user.

package contender

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"
)

// skew is the exponent of Zipf's law: the share of the i-th session in all requests is proportional to i^-skew.
const skew = 1.1

// population holds the sessions of different users, and their credentials.
type population struct {
	authority *authority
	size      int

	sign   func() error // signs the tokens on its first call
	tokens []string     // set by sign

	mu          sync.Mutex          // guards the fields below
	credentials map[string][]string // by kind
	sequence    []uint32
}

func newPopulation(a *authority, size int) *population {
	p := &population{authority: a, size: size, credentials: map[string][]string{}}
	p.sign = sync.OnceValue(func() (err error) {
		t := a.tokenParams()
		p.tokens, err = p.each(func(i int) (string, error) { return t.key.sign(claimsOf(i, t)) })
		return err
	})
	return p
}

// session returns the i-th session. The caller must have called sign.
func (p *population) session(i int) session {
	return sessionOf(i, token{p.tokens[i], p.authority.tokenParams()})
}

// issue returns the credentials of all sessions, of one kind. The first call for a kind creates them.
func (p *population) issue(kind string, issue func(session) (string, error)) ([]string, error) {
	if err := p.sign(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if credentials := p.credentials[kind]; credentials != nil {
		return credentials, nil
	}
	credentials, err := p.each(func(i int) (string, error) { return issue(p.session(i)) })
	if err != nil {
		return nil, err
	}
	p.credentials[kind] = credentials
	return credentials, nil
}

// each calls text for every session, on one goroutine for each processor, and returns the results.
func (p *population) each(text func(i int) (string, error)) ([]string, error) {
	texts := make([]string, p.size)
	workers := runtime.GOMAXPROCS(0)
	var group errgroup.Group
	for worker := range workers {
		group.Go(func() (err error) {
			for i := worker; i < p.size; i += workers {
				if texts[i], err = text(i); err != nil {
					return fmt.Errorf("session %d: %w", i, err)
				}
			}
			return nil
		})
	}
	return texts, group.Wait()
}

// requestSequence returns a long sequence of session numbers with skewed popularity. It is the same in every run.
func (p *population) requestSequence() []uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sequence == nil {
		zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), skew, 1, uint64(p.size-1))
		p.sequence = make([]uint32, 1<<20)
		for i := range p.sequence {
			p.sequence[i] = uint32(zipf.Uint64())
		}
	}
	return p.sequence
}
