// logout: forgetting the tokens.

package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/authkit-go/authkit/jwks"
)

// logout forgets the tokens, and tells where to end the session at WorkOS. To end it from here would take an API key,
// and there is no endpoint at which a public client could revoke its own refresh token.
func (t *tool) logout(ctx context.Context) error {
	if _, _, err := t.store.read(); errors.Is(err, errNoSession) {
		t.say("You are not signed in.")
		return nil
	}
	// Whoever is renewing the session would store it anew.
	release, err := t.store.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	address := t.logoutURL()
	if err := t.store.forget(); err != nil {
		return err
	}
	t.say("You are signed out on this machine: the tokens are gone.")
	if address != "" {
		t.say("To end the session at WorkOS too, open  %s", address)
	}
	return nil
}

// logoutURL ends the session at WorkOS. It is empty where there is no session that could be ended: the store is broken,
// or the fake that the session was at is gone.
func (t *tool) logoutURL() string {
	s, _, err := t.store.read() // not load: a session that others may have read is all the more to be ended
	if err != nil || s.Application.Fake {
		return ""
	}
	claims, err := jwks.UnverifiedClaims(string(s.AccessToken))
	if err != nil {
		return ""
	}
	client, err := s.Application.client(t.clock, http.DefaultTransport)
	if err != nil {
		return ""
	}
	return client.LogoutURL(claims.SessionID, "")
}
