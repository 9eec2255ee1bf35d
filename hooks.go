// What an application is told of, for its audit log and its own tables.

package authkit

import (
	"context"
	"log/slog"
)

// SignInEvent is what [WithOnSignIn] is told.
type SignInEvent struct {
	// Session is the new session. Its cookie is not set yet.
	Session *Session
	// State is what the option [State] carried through the sign-in, "" after
	// [AuthKit.SignIn].
	State string
	// ReturnTo is the path that the browser goes to next, "" after
	// [AuthKit.SignIn].
	ReturnTo string
}

// SignOutEvent is what [WithOnSignOut] is told.
type SignOutEvent struct {
	// Session is the session that ended. It may be expired.
	Session *Session
	// Err is nil where somebody signed out, and otherwise the answer with
	// which WorkOS ended the session.
	Err error
}

// signInFailed tells the application of a sign-in that came to nothing.
func (a *AuthKit) signInFailed(ctx context.Context, err error) {
	a.callHook(ctx, "WithOnSignInFailure", func() { a.onSignInFailure(ctx, err) })
}

// callHook keeps a panic of the application's own function to itself, and a
// runtime.Goexit too, on a goroutine of its own: above the hook of a refresh
// there is no request to end with it, and many that wait.
func (a *AuthKit) callHook(ctx context.Context, option string, hook func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				a.log.LogAttrs(ctx, slog.LevelError, "authkit: hook panicked", slog.String("option", option), slog.Any("panic", p))
			}
		}()
		hook()
	}()
	<-done
}
