// The option for observers.

package authkit

import "context"

// WithObserver adds a function that is told about what happens rarely: sign-ins, refreshes, fetches of the signing keys,
// answers with an error, questions to WorkOS about API keys and resources, calls of the store, and events. [ObservationKind]
// lists all. It is for traces, metrics and audit logs. It is not called for a request with a valid session, and not for an
// anonymous request that passes: [AuthKit.Stats] counts those. If the option is given several times, all functions are
// called, in order.
//
//	authkit.WithObserver(func(ctx context.Context, o authkit.Observation) {
//		slog.InfoContext(ctx, "authkit", "kind", o.Kind, "outcome", o.Outcome, "code", o.Code, "duration", o.Duration)
//	})
//
// The context has the values of the request that caused what is observed, so that a trace continues. For what continues
// after its request, it does not end with the request. What is observed waits for the function, and so do the requests that
// need its result. So the function must return soon, and must not call WorkOS. It must be safe for concurrent use. A panic is
// logged and has no other effect.
func WithObserver(observe func(context.Context, Observation)) Option {
	return func(c *config) { c.observers = append(c.observers, observe) }
}

func (c *config) hasNilObserver() bool {
	for _, observe := range c.observers {
		if observe == nil {
			return true
		}
	}
	return false
}
