// Actions: the handlers in which WorkOS asks whether a user may sign in or register.

package authkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/authkit-go/authkit/workos"
)

const (
	// actionTimeout is how long an application's function may take. WorkOS documents no limit of its own, and the user
	// waits meanwhile.
	actionTimeout = 5 * time.Second

	// maxActionBody is the largest body that is read, as in package workos.
	maxActionBody = 1 << 20
)

// AuthenticationAction returns the handler of an authentication Action: after a user has
// proved who they are, WorkOS asks f whether the user may sign in, and waits. Mount it at
// a path of your choice and register its URL in the WorkOS dashboard (Actions). secrets
// are the secrets of that endpoint; during a rotation there are two.
//
//	mux.Handle("POST /actions/authentication", ak.AuthenticationAction(
//		func(ctx context.Context, c workos.AuthenticationContext) workos.Verdict {
//			if c.OrganizationMembership == nil {
//				return workos.Deny("Ask your administrator for an account.")
//			}
//			return workos.Allow()
//		}, os.Getenv("WORKOS_ACTIONS_SECRET")))
//
// f is called only for a request that WorkOS has signed ([workos.ParseAction]): at most
// 1 MiB, and 30 seconds old. Any other request is answered 401
// ([ErrInvalidActionSignature]) or 413 ([ErrActionTooLarge]), and is logged at Debug,
// because everybody can send one. The same request may come again within these
// 30 seconds, and f is called again, so f should only decide. It must be safe for
// concurrent use.
//
// f has five seconds, on the clock of [WithClock]. Its context ends then, and when WorkOS
// closes the connection. WorkOS does not publish how long it waits.
//
// If there is no verdict, the answer is 500 ([ErrActionFailed]) and the reason is logged at
// Warn: f returns the zero Verdict because it could not decide, or panics, or is late, or
// WorkOS has signed a request of another kind. WorkOS then does what the setting of the
// endpoint says (error handling behavior): it denies, unless you have chosen to allow. A
// verdict that comes after the end of the context is not sent, because it may rest on a
// lookup that was cut short.
//
// The handler accepts POST only, and uses no cookie, no session and no protection against
// cross-origin requests, which a server does not send. It may be inside or outside of
// [AuthKit.Middleware]. Responses are "private, no-store".
//
// It panics if f is nil, and without a secret or with an empty one, such as that of a
// variable that is not set: everybody knows the signature of an empty secret.
//
// See https://workos.com/docs/authkit/actions
func (a *AuthKit) AuthenticationAction(f func(context.Context, workos.AuthenticationContext) workos.Verdict, secrets ...string) http.Handler {
	mustHaveActionArguments("AuthenticationAction", f == nil, secrets)
	return a.action(secrets, func(ctx context.Context, action *workos.Action) (workos.Verdict, error) {
		if action.Authentication == nil {
			return workos.Verdict{}, errors.New("WorkOS sent a registration to AuthenticationAction: the URLs in the dashboard are swapped")
		}
		return f(ctx, *action.Authentication), nil
	})
}

// RegistrationAction returns the handler of a user registration Action: before WorkOS
// creates a user who registers, it asks f whether it may, and waits. Everything else is as
// for [AuthKit.AuthenticationAction].
//
//	mux.Handle("POST /actions/registration", ak.RegistrationAction(
//		func(ctx context.Context, c workos.RegistrationContext) workos.Verdict {
//			if c.Invitation == nil {
//				return workos.Deny("You need an invitation.")
//			}
//			return workos.Allow()
//		}, os.Getenv("WORKOS_ACTIONS_SECRET")))
//
// See https://workos.com/docs/authkit/actions
func (a *AuthKit) RegistrationAction(f func(context.Context, workos.RegistrationContext) workos.Verdict, secrets ...string) http.Handler {
	mustHaveActionArguments("RegistrationAction", f == nil, secrets)
	return a.action(secrets, func(ctx context.Context, action *workos.Action) (workos.Verdict, error) {
		if action.Registration == nil {
			return workos.Verdict{}, errors.New("WorkOS sent a sign-in to RegistrationAction: the URLs in the dashboard are swapped")
		}
		return f(ctx, *action.Registration), nil
	})
}

func mustHaveActionArguments(handler string, noFunction bool, secrets []string) {
	if noFunction {
		panic("authkit: " + handler + ": the function is nil")
	}
	if len(secrets) == 0 || slices.Contains(secrets, "") {
		panic("authkit: " + handler + ": a secret is missing or empty; the secret of the Action endpoint is in the WorkOS dashboard")
	}
}

// decide calls an application's function with the content of an Action.
type decide func(context.Context, *workos.Action) (workos.Verdict, error)

func (a *AuthKit) action(secrets []string, decide decide) http.Handler {
	secrets = slices.Clone(secrets)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.onlyMethod(w, r, http.MethodPost) {
			return
		}
		response, err := a.answerAction(w, r, secrets, decide)
		if err != nil {
			a.answer(w, r, err, "", false)
			return
		}
		noStore(w.Header())
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Write(response)
	})
}

// answerAction returns the signed response to an Action, or an error of this package.
func (a *AuthKit) answerAction(w http.ResponseWriter, r *http.Request, secrets []string, decide decide) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxActionBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, fmt.Errorf("%w: the body has more than 1 MiB", ErrActionTooLarge)
	case err != nil:
		return nil, fmt.Errorf("%w: the body did not arrive: %w", ErrInvalidActionSignature, err)
	}
	action, err := workos.ParseAction(r.Header, body, a.clock.Now(), secrets...)
	switch {
	case errors.Is(err, workos.ErrActionSignature):
		return nil, fmt.Errorf("%w: %w", ErrInvalidActionSignature, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrActionFailed, err)
	}
	verdict, err := a.verdict(r.Context(), action, decide)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrActionFailed, err)
	}
	response, err := action.Response(verdict, a.clock.Now())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrActionFailed, err)
	}
	a.log.LogAttrs(r.Context(), slog.LevelDebug, "authkit: Action answered", slog.Bool("allowed", verdict.IsAllow()))
	return response, nil
}

// verdict calls an application's function and waits for it, until actionTimeout at most.
// The function has its own goroutine, so that one that ignores its context, panics or calls
// runtime.Goexit does not keep WorkOS waiting.
func (a *AuthKit) verdict(ctx context.Context, action *workos.Action, decide decide) (workos.Verdict, error) {
	ctx, stop := a.within(ctx, actionTimeout, "the function returned no verdict within "+actionTimeout.String())
	defer stop()
	type outcome struct {
		verdict workos.Verdict
		err     error
	}
	outcomes := make(chan outcome, 1) // a function that returns late does not wait for its reader
	go func() {
		o := outcome{err: errors.New("the function ended its goroutine")}
		defer func() {
			if p := recover(); p != nil {
				a.log.LogAttrs(ctx, slog.LevelError, "authkit: Action function panicked", slog.Any("panic", p))
				o = outcome{err: errors.New("the function panicked")}
			}
			outcomes <- o
		}()
		verdict, err := decide(ctx, action)
		o = outcome{verdict, err}
	}()
	select {
	case o := <-outcomes:
		if ctx.Err() == nil {
			return o.verdict, o.err
		}
	case <-ctx.Done():
	}
	return workos.Verdict{}, context.Cause(ctx)
}
