// The whoami command: the signed-in user, their organization and role, and the lifetime of the access token.

package main

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/authkit-go/authkit/jwks"
)

func (t *tool) whoami(ctx context.Context) error {
	s, claims, err := t.loadSession()
	if err == nil && t.needsRefresh(claims) {
		s, claims, err = t.refresh(ctx)
	}
	if err != nil {
		// An outage does not end the session: the access token can be used until it expires.
		outage := ctx.Err() == nil && (isOutage(err) || errors.Is(err, errFakeEnded))
		if !outage || claims == nil || !t.clock.Now().Before(claims.ExpiresAt) {
			return err
		}
		t.warnf("whoami: not refreshed: %v", err)
	}
	t.printf("Signed in as %s", s.User)
	t.printf("Organization %s", cmp.Or(claims.OrganizationID, "none"))
	t.printf("Role         %s", cmp.Or(claims.Role, "none"))
	t.printf("Application  %s at %s", s.Application.ClientID, s.Application.API)
	t.printf("Access token valid for %s", claims.ExpiresAt.Sub(t.clock.Now()).Round(time.Second))
	if claims.Actor != "" {
		t.printf("IMPERSONATED by %s", claims.Actor)
	}
	return nil
}

// loadSession returns the stored session and the claims of its access token.
//
// The token was verified before it was stored and is not verified again, so that whoami needs no network while the token
// is valid. An attacker who can write to the store can replace this program as well. A server must verify the token of
// every request.
func (t *tool) loadSession() (*session, *jwks.Claims, error) {
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
