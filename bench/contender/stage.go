// The stage: what all contenders are measured on.

package contender

import (
	"context"
	"crypto/rand"
)

// Stage is what all contenders have in common: who signs the tokens, and the people that they are of.
type Stage struct {
	ctx       context.Context // ends with Close
	cancel    context.CancelFunc
	authority *authority
	people    *population
}

// NewStage makes a stage with so many sessions of different people, which are made when they are first needed.
func NewStage(sessions int) (*Stage, error) {
	k, err := newKey("sso_oidc_key_pair_" + rand.Text()) // its own, since one contender keeps keys for the whole process
	if err != nil {
		return nil, err
	}
	a, err := newAuthority(k)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Stage{ctx: ctx, cancel: cancel, authority: a, people: newPopulation(a, sessions)}, nil
}

// Close ends what the stage has started.
func (s *Stage) Close() {
	s.cancel()
	s.authority.close()
}

// Sizes are how large what is measured is, in bytes.
type Sizes struct{ Token, Cookie int }

// Sizes tells how large an access token is, and the Cookie header of authkit.
func (s *Stage) Sizes() (Sizes, error) {
	one, err := s.authority.session(0)
	if err != nil {
		return Sizes{}, err
	}
	cookie, err := (&sealer{authority: s.authority}).seal(one)
	return Sizes{Token: len(one.token.text), Cookie: len(cookie)}, err
}
