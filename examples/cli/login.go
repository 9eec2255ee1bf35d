// login: signing in by the device flow.

package main

import (
	"context"
	"net/http"

	"github.com/authkit-go/authkit/workos"
)

func (t *tool) login(ctx context.Context) error {
	if err := t.store.prepare(); err != nil {
		return err // rather now than when the person has approved
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
	// Tokens that cannot be verified are not kept, and the approval would be in vain. The keys are fresh for longer than
	// a device code lives.
	keys, verifier := app.issued(t.clock, client.JWKSURL())
	if err := keys.Load(ctx); err != nil {
		return explain(err)
	}

	t.invite(app, device)
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
	t.say("Signed in as %s.", s.User)
	return nil
}

// invite says where to approve. The code is shown beside the complete link because the person has to compare it (RFC
// 8628 section 3.3.1).
func (t *tool) invite(app application, device *workos.DeviceAuthorization) {
	if app.Fake {
		t.say("No WORKOS_CLIENT_ID: this is a fake AuthKit, which ends with this command.")
	}
	t.say("To sign in, open  %s", device.VerificationURI)
	t.say("and enter         %s", device.UserCode)
	if device.VerificationURIComplete != "" {
		t.say("or follow         %s", device.VerificationURIComplete)
		t.say("                  and check that it shows the same code.")
	}
}

// awaitApproval waits for the person, and shows that it does.
func (t *tool) awaitApproval(ctx context.Context, app application, device *workos.DeviceAuthorization) (*workos.Authentication, error) {
	p := t.startProgress("Waiting for you to approve", device.ExpiresAt)
	defer p.end()
	client, err := app.client(t.clock, &observer{next: http.DefaultTransport, waiting: ctx, tell: p.say})
	if err != nil {
		return nil, err
	}
	return client.PollDevice(ctx, device)
}

// replaceSession waits for whoever is renewing the session before, lest they put its tokens in place of the new ones.
func (t *tool) replaceSession(ctx context.Context, s *session) error {
	release, err := t.store.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	return t.store.save(s)
}
