// The events of WorkOS: a change there has its effect here at once.

package main

import (
	"context"
	"net/http"

	"github.com/authkit-go/authkit"
)

// webhookPath is where WorkOS delivers events.
const webhookPath = "POST /webhooks/workos"

// receiveWebhooks adds the webhook endpoint if WORKOS_WEBHOOK_SECRET is set. WorkOS delivers an event to one instance, and that
// one tells the others.
func receiveWebhooks(mux *http.ServeMux, ak *authkit.AuthKit) {
	if secret := variable("WORKOS_WEBHOOK_SECRET"); secret != "" {
		mux.Handle(webhookPath, ak.Webhook(nil, secret))
	}
}

// follow reads the events of WorkOS until stop is called. All instances call it, and with a store one of them reads the events.
// stop returns when that is over, so that another instance takes over at once.
func follow(ctx context.Context, ak *authkit.AuthKit) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = ak.Follow(ctx, nil, "") // the error is that of ctx; failures to read the events are logged
	}()
	return func() {
		cancel()
		<-ended
	}
}
