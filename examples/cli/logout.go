// The logout command: the tokens are deleted.

package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/authkit-go/authkit/jwks"
)

// logout deletes the tokens, and prints the page that ends the session at WorkOS. This program cannot end it there:
// that needs an API key, and WorkOS has no endpoint where a public client revokes its own refresh token.
func (t *tool) logout(ctx context.Context) error {
	if _, _, err := t.store.read(); errors.Is(err, errNoSession) {
		t.printf("You are not signed in.")
		return nil
	}
	// Wait for a refresh in another process, which would store the session again.
	release, err := t.store.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	address := t.logoutURL()
	if err := t.store.delete(); err != nil {
		return err
	}
	t.printf("You are signed out on this machine: the tokens are deleted.")
	if address != "" {
		t.printf("To end the session at WorkOS too, open  %s", address)
	}
	return nil
}

// logoutURL returns the URL that ends the session at WorkOS. It is empty if the stored session cannot be read, or if it
// belongs to a fake AuthKit, which no longer runs.
func (t *tool) logoutURL() string {
	s, _, err := t.store.read() // not load: a session that other users may have read must be ended, too
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
