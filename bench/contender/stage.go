// The stage: what all contenders share.

package contender

import (
	"context"
	"crypto/rand"

	"github.com/authkit-go/authkit"
)

// Stage is what all contenders share: the authority that issues the tokens, and the population of sessions.
type Stage struct {
	ctx        context.Context // ends with Close
	cancel     context.CancelFunc
	authority  *authority
	population *population
}

// NewStage returns a stage with that many sessions, each of a different user. The sessions are created on first use.
func NewStage(sessions int) (*Stage, error) {
	k, err := newKey("sso_oidc_key_pair_" + rand.Text()) // unique, since one contender caches keys for the whole process
	if err != nil {
		return nil, err
	}
	a, err := newAuthority(k)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Stage{ctx: ctx, cancel: cancel, authority: a, population: newPopulation(a, sessions)}, nil
}

// Close stops the authority and the goroutines of the contenders.
func (s *Stage) Close() {
	s.cancel()
	s.authority.close()
}

// Sizes are the sizes of the access token and of authkit's Cookie header, in bytes. Compact is that of the header with compact
// cookies.
type Sizes struct{ Token, Cookie, Compact int }

// Sizes returns the sizes for one session.
func (s *Stage) Sizes() (Sizes, error) {
	one, err := s.authority.session(0)
	if err != nil {
		return Sizes{}, err
	}
	cookie, err := (&sealer{authority: s.authority}).seal(one)
	if err != nil {
		return Sizes{}, err
	}
	compact, err := (&sealer{authority: s.authority, options: []authkit.Option{authkit.WithCompactCookie()}}).seal(one)
	return Sizes{Token: len(one.token.text), Cookie: len(cookie), Compact: len(compact)}, err
}
