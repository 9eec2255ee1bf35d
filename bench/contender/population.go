// The population: many sessions of different people.

package contender

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"
)

// skew is how popularity falls: the i-th session sends requests in proportion to i^-skew (Zipf's law).
const skew = 1.1

// population is the sessions of different people, and the credentials that they have.
type population struct {
	authority *authority
	size      int

	sign func() error // makes the tokens, the first time
	// tokens are there after sign.
	tokens []string

	mu          sync.Mutex          // guards what follows
	credentials map[string][]string // by whose they are
	draws       []uint32
}

func newPopulation(a *authority, size int) *population {
	p := &population{authority: a, size: size, credentials: map[string][]string{}}
	p.sign = sync.OnceValue(func() (err error) {
		t := a.trust()
		p.tokens, err = p.each(func(i int) (string, error) { return t.key.sign(claimsOf(i, t)) })
		return err
	})
	return p
}

// session is the session of the i-th person. The tokens must be there.
func (p *population) session(i int) session {
	return sessionOf(i, token{p.tokens[i], p.authority.trust()})
}

// issue returns everybody's credentials of one kind, and makes them the first time.
func (p *population) issue(kind string, issue func(session) (string, error)) ([]string, error) {
	if err := p.sign(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if made := p.credentials[kind]; made != nil {
		return made, nil
	}
	made, err := p.each(func(i int) (string, error) { return issue(p.session(i)) })
	if err != nil {
		return nil, err
	}
	p.credentials[kind] = made
	return made, nil
}

// each makes one text for everybody, on as many goroutines as there are processors.
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

// drawn is a long sequence of who sends a request, the same in every run.
func (p *population) drawn() []uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.draws == nil {
		zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), skew, 1, uint64(p.size-1))
		p.draws = make([]uint32, 1<<20)
		for i := range p.draws {
			p.draws[i] = uint32(zipf.Uint64())
		}
	}
	return p.draws
}
