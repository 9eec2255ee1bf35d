// whoami: who is signed in, as what, and for how long.

package main

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/authkit-go/authkit/jwks"
)

func (t *tool) whoami(ctx context.Context) error {
	s, claims, err := t.current()
	if err == nil && t.stale(claims) {
		s, claims, err = t.renew(ctx)
	}
	if err != nil {
		// An outage says nothing about the session, and what is left of its token's life can be used.
		harmless := ctx.Err() == nil && (passing(err) || errors.Is(err, errFakeGone))
		if !harmless || claims == nil || !t.clock.Now().Before(claims.ExpiresAt) {
			return err
		}
		t.warn("whoami: not renewed: %v", err)
	}
	t.say("Signed in as %s", s.User)
	t.say("Organization %s", cmp.Or(claims.OrganizationID, "none"))
	t.say("Role         %s", cmp.Or(claims.Role, "none"))
	t.say("Application  %s at %s", s.Application.ClientID, s.Application.API)
	t.say("Access token good for %s", claims.ExpiresAt.Sub(t.clock.Now()).Round(time.Second))
	if claims.Actor != "" {
		t.say("IMPERSONATED by %s", claims.Actor)
	}
	return nil
}

// current is the session in the store, with what its access token says.
//
// The token is not verified again. It was when it came, and who can write to the store could as well replace this
// program; so whoami works without a network while the token is good. A server has no such store and verifies each time.
func (t *tool) current() (*session, *jwks.Claims, error) {
	s, err := t.store.load()
	if err != nil {
		return nil, nil, err
	}
	claims, err := jwks.UnverifiedClaims(string(s.AccessToken))
	if err != nil {
		return nil, nil, err
	}
	return s, claims, nil
}
