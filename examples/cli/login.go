// The login command: sign-in by the device flow.

package main

import (
	"context"
	"net/http"

	"github.com/authkit-go/authkit/workos"
)

func (t *tool) login(ctx context.Context) error {
	if err := t.store.prepare(); err != nil {
		return err // before the user approves, not after
	}
	app, closeApplication, err := t.findApplication()
	if err != nil {
		return err
	}
	defer closeApplication()
	client, err := app.client(t.clock, http.DefaultTransport)
	if err != nil {
		return err
	}
	device, err := client.AuthorizeDevice(ctx)
	if err != nil {
		return explain(err)
	}
	// Tokens are stored only after verification. Load the signing keys now, so that an outage shows before the user
	// approves. They stay fresh for longer than a device code is valid.
	keys, verifier := app.newVerifier(t.clock, client.JWKSURL())
	if err := keys.Load(ctx); err != nil {
		return explain(err)
	}

	t.showInstructions(app, device)
	auth, err := t.awaitApproval(ctx, app, device)
	if err != nil {
		return explain(err)
	}
	if _, err := verifier.Verify(ctx, auth.AccessToken); err != nil {
		return err
	}
	s := newSession(app, auth)
	if err := t.replaceSession(ctx, s); err != nil {
		return err
	}
	t.printf("Signed in as %s.", s.User)
	return nil
}

// showInstructions prints where to approve the sign-in. The code is printed with the complete link too, because the user
// must compare it with the one on the page (RFC 8628 section 3.3.1).
func (t *tool) showInstructions(app application, device *workos.DeviceAuthorization) {
	if app.Fake {
		t.printf("WORKOS_CLIENT_ID is not set: this is a fake AuthKit, which ends with this command.")
	}
	t.printf("To sign in, open  %s", device.VerificationURI)
	t.printf("and enter         %s", device.UserCode)
	if device.VerificationURIComplete != "" {
		t.printf("or open           %s", device.VerificationURIComplete)
		t.printf("                  and check that it shows the same code.")
	}
}

// awaitApproval polls WorkOS until the user approves, and shows the progress.
func (t *tool) awaitApproval(ctx context.Context, app application, device *workos.DeviceAuthorization) (*workos.Authentication, error) {
	p := t.startProgress("Waiting for you to approve", device.ExpiresAt)
	defer p.end()
	client, err := app.client(t.clock, &pollObserver{next: http.DefaultTransport, ctx: ctx, notify: p.notice})
	if err != nil {
		return nil, err
	}
	return client.PollDevice(ctx, device)
}

// replaceSession stores a new session. It takes the lock, so that a refresh of the previous session in another process
// cannot overwrite the new tokens.
func (t *tool) replaceSession(ctx context.Context, s *session) error {
	release, err := t.store.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	return t.store.save(s)
}
