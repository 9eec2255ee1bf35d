// What other instances know about a session, before a response sets or clears its
// cookie.

package authkit

import (
	"context"

	"github.com/authkit-go/authkit/internal/replica"
)

// newestAtAnyInstance returns the newest session that any instance has made of s. It
// reports whether that must not be set: another instance has signed it out or
// replaced it, or the token of s is spent.
//
// The store may lack a record that this instance knows, and the other way round. So
// both are followed in turn.
func (a *AuthKit) newestAtAnyInstance(ctx context.Context, s *Session) (newest *Session, mustNotSet bool) {
	if a.replicas == nil || s.sealed.RefreshToken == "" {
		return s, false
	}
	const maxTurns = 10
	for range maxTurns {
		var consumed bool
		if s, consumed = a.rotations.newest(s); consumed {
			return s, true
		}
		next, mustNotSet := a.newestInStore(context.WithoutCancel(ctx), s)
		if mustNotSet || next == s {
			return s, mustNotSet
		}
		s = next
	}
	return s, false
}

// newestInStore returns the newest session that the records of the store lead to from
// s, or s itself.
func (a *AuthKit) newestInStore(ctx context.Context, s *Session) (newest *Session, mustNotSet bool) {
	newer := a.replicas.BeforeResponse(ctx, s.sealed.RefreshToken, s.ID())
	switch newer.Step {
	case replica.Send:
		return s, false
	case replica.SendNoCookie:
		return s, true
	}
	return a.successorFrom(ctx, s, newer.Payload)
}

// lastRefreshed returns the newest session that the records of the store lead to from s,
// or s itself. It may come from a record that no session is served from any more.
func (a *AuthKit) lastRefreshed(ctx context.Context, s *Session) *Session {
	if a.replicas == nil {
		return s
	}
	ctx = context.WithoutCancel(ctx)
	if encoded := a.replicas.Newest(ctx, s.sealed.RefreshToken, s.ID()); encoded != nil {
		s, _ = a.successorFrom(ctx, s, encoded)
	}
	return s
}

// successorFrom returns the session in a record of the store that s leads to.
func (a *AuthKit) successorFrom(ctx context.Context, s *Session, encoded []byte) (newest *Session, mustNotSet bool) {
	successor, err := decodeSuccessor(encoded)
	if err != nil {
		return s, true
	}
	if successor.tokenOnly {
		return withToken(s, successor.session.RefreshToken), false
	}
	sealed := successor.mergedInto(s)
	if checkSameSession(s, sealed) != nil {
		return s, true
	}
	if sealed.AccessToken.Equal(&s.sealed.AccessToken) && sealed.RefreshToken == s.sealed.RefreshToken {
		return s, false // WorkOS does not rotate the token
	}
	session, err := a.verify(ctx, a.freshVerifier, sealed)
	if err != nil {
		return withToken(s, sealed.RefreshToken), false
	}
	return session, false
}

// mayClearEverywhere reports whether a response may clear the cookie of an ended
// session. The store remembers the clear, so that no later response of any instance
// clears the cookie of a new sign-in.
// mark is the result of an earlier call for the same response, or nil.
func (a *AuthKit) mayClearEverywhere(ctx context.Context, ended *Session, mark []byte) (clear bool, newMark []byte) {
	if a.replicas == nil {
		return true, nil
	}
	newest, _ := a.rotations.newest(ended)
	if newest.sealed.RefreshToken == "" {
		return true, nil
	}
	clear, newMark = a.replicas.MayClear(context.WithoutCancel(ctx), ended.sealed.RefreshToken, newest.sealed.RefreshToken,
		ended.ID(), mark, a.rotations.successorToken)
	return clear && !a.isSignedOut(ended), newMark // read last: order 4 of rotation.go
}
