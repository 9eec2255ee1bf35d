// Hooks: the events that an application's functions are called with.

package authkit

import (
	"context"
	"log/slog"
)

// SignInEvent is the event of [WithOnSignIn]: a sign-in was verified.
type SignInEvent struct {
	// Session is the new session. Its cookie is not set yet.
	Session *Session
	// AppState is the AppState of the sign-in's [LoginParams]. It is "" after
	// [AuthKit.SignIn].
	AppState string
	// OAuthTokens are the tokens of the identity provider, such as Google. They are nil
	// unless the user signed in through OAuth and the connection returns its tokens
	// (WorkOS dashboard). This package stores them nowhere: the hook keeps what the
	// application needs.
	OAuthTokens *OAuthTokens
	// ReturnTo is the path that the browser goes to next, or the URL of a page of
	// [WithReturnOrigins]. It is "" after [AuthKit.SignIn]. SetReturnTo changes it.
	ReturnTo string

	returnTo *string // where SetReturnTo writes, nil after [AuthKit.SignIn]
}

// SetReturnTo makes the browser go to another path after this sign-in, for example to
// the first steps of a new user. A path that [AuthKit.SanitizeReturnPath] does not accept
// becomes "/". SetReturnTo does nothing after [AuthKit.SignIn], whose caller redirects the
// browser itself, and in an event that a test has made. Call it before the hook returns.
//
// A callback that is loaded again leads to the path of ReturnTo, because no hook is called
// for it.
func (e SignInEvent) SetReturnTo(path string) {
	if e.returnTo != nil {
		*e.returnTo = path
	}
}

// SignInFailureEvent is the event of [WithOnSignInFailure]: a sign-in made no
// session.
type SignInFailureEvent struct {
	// Err is the reason, an error of this package such as [ErrSignInCancelled] or
	// [ErrSignInRefused]. Compare it with errors.Is. It holds no secret.
	Err error
}

// RefreshEvent is the event of [WithOnRefresh]: a session was refreshed or
// switched to another organization.
type RefreshEvent struct {
	// Session is the session with its new access token.
	Session *Session
	// Previous is the same session before the refresh. Its access token may be
	// expired. Organization, role and permissions may differ from Session's.
	Previous *Session
}

// SignOutEvent is the event of [WithOnSignOut]: a session ended.
type SignOutEvent struct {
	// Session is the session that ended. It may be expired.
	Session *Session
	// Err is nil if the user signed out. Otherwise it is the answer with which
	// WorkOS ended the session.
	Err error
}

// signInFailed calls the hook of a sign-in that made no session.
func (a *AuthKit) signInFailed(ctx context.Context, err error) {
	a.callHook(ctx, "WithOnSignInFailure", func() { a.onSignInFailure(ctx, SignInFailureEvent{Err: err}) })
}

func (a *AuthKit) callHook(ctx context.Context, option string, hook func()) {
	callHook(ctx, a.log, option, hook)
}

// callHook calls a hook on a new goroutine and waits for it. A panic of the hook is
// logged, and neither a panic nor a runtime.Goexit reaches the caller. An exchange
// calls hooks on the goroutine of its flight, which must still answer the requests
// that wait for it.
func callHook(ctx context.Context, log *slog.Logger, option string, hook func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				log.LogAttrs(ctx, slog.LevelError, "authkit: hook panicked", slog.String("option", option), slog.Any("panic", p))
			}
		}()
		hook()
	}()
	<-done
}
