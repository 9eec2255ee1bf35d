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
func (a *AuthKit) newestAtAnyInstance(ctx context.Context, s *Session) (newest *Session, mustNotSet bool) {
	if a.replicas == nil || s.sealed.RefreshToken == "" {
		return s, false
	}
	newer := a.replicas.BeforeResponse(context.WithoutCancel(ctx), s.sealed.RefreshToken, s.sealed.Origin, successorToken)
	switch newer.Step {
	case replica.Send:
		return s, false
	case replica.SendNoCookie:
		return s, true
	}
	successor, err := decodeSuccessor(newer.Payload)
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
	session, err := a.verify(context.WithoutCancel(ctx), a.freshVerifier, sealed)
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
	return a.replicas.MayClear(context.WithoutCancel(ctx), newest.sealed.RefreshToken, mark)
}
