// What this instance knows about refresh tokens, for other instances that ask.

package authkit

import (
	"time"

	"github.com/authkit-go/authkit/internal/replica"
)

// knowledge returns what is known about a token, by its name. If the last token of its
// chain was replaced or cleared, none of the chain must be used again. Otherwise, a
// token with a successor was exchanged.
func (r *rotations) knowledge(name string) replica.Knowledge {
	r.mu.Lock()
	defer r.mu.Unlock()
	token, ok := r.names.token(name)
	if !ok {
		return replica.Knowledge{}
	}
	if consumed, _ := r.consumed.Get(r.lastToken(token)); consumed.replaced || consumed.cleared != 0 {
		return replica.Knowledge{Kind: replica.Superseded, Token: token}
	}
	if known, ok := r.outcomes.Get(token); ok && known.err == nil && known.sealed.RefreshToken != token {
		return replica.Knowledge{Kind: replica.Success, Token: token, Successor: encodeSuccessor(known.target.organization, &known.sealed)}
	}
	if successor, ok := r.successors.Get(token); ok {
		return replica.Knowledge{Kind: replica.Success, Token: token, Successor: encodeSuccessorToken(successor)}
	}
	return replica.Knowledge{}
}

// lastToken returns the last token of the chain of a token, as far as it is known. The
// caller holds mu.
func (r *rotations) lastToken(token string) string {
	for range maxChainLength {
		next, ok := r.successors.Get(token)
		if known, found := r.outcomes.Get(token); found && known.err == nil && known.sealed.RefreshToken != token {
			next, ok = known.sealed.RefreshToken, true
		}
		if !ok {
			break
		}
		token = next
	}
	return token
}

// successorToken returns the refresh token that a token was exchanged for.
func (r *rotations) successorToken(token string) (successor string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.successors.Get(token)
}

// supersedeToken is supersede for a token whose session is superseded at another
// instance.
func (r *rotations) supersedeToken(token string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.markReplaced(token)
}

// settle replaces the outcome that stands for an open question about a refused
// token. next is the outcome, or nil if another attempt may be made. It reports false
// if the question's outcome was replaced since.
func (r *rotations) settle(token string, open, next *outcome, until time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, ok := r.outcomes.Get(token)
	if ok && known != open {
		return false
	}
	r.outcomes.Delete(token)
	if next != nil {
		r.outcomes.Put(token, next, until)
	}
	return true
}
