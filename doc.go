// Package authkit puts WorkOS AuthKit sign-in in front of any net/http router.
//
// One value, [*AuthKit], gives an application its login, callback and logout
// handlers, a middleware that turns the session cookie into a [Session] in the
// request's context, and guards that keep everybody else out:
//
//	ak, err := authkit.New(
//		authkit.WithAPIKey("sk_…"),
//		authkit.WithClientID("client_…"),
//		authkit.WithCookiePassword(password), // 32 random bytes or more
//		authkit.WithRedirectURL("https://app.example.com/callback"),
//	)
//	mux.Handle("GET /login", ak.Login())
//	mux.Handle("GET /callback", ak.Callback())
//	mux.Handle("POST /logout", ak.Logout())
//	mux.Handle("GET /account", ak.RequireAuth(account))
//	http.ListenAndServe(addr, ak.Middleware(mux))
//
// A handler then asks who is there:
//
//	s, ok := authkit.FromContext(r.Context())
//
// # How a request flows
//
// A request walks one straight line:
//
//	Cookie header → join chunks → unseal → verify access token
//	  → (stale? refresh, reseal, Set-Cookie) → Session in the context → handler
//
// The session lives in the browser, in cookies that only this application can
// open; the server keeps no table of sessions. In them are the user's profile,
// WorkOS's access token and its refresh token. Each request's access token is
// verified against WorkOS's signing keys, which are cached. A token that is
// about to expire is exchanged for a new one first: once, however many
// requests need it at that moment, and not cancelled when one of them is.
//
// A cookie that has come before goes a shorter way, past the unsealing and the
// signature ([WithSessionCache]). What may have changed since is looked at each
// time: the clock, the signing keys, the limits, the sign-outs of this process.
//
// # When WorkOS cannot be reached
//
// Nobody is signed out because a call failed. While an access token is valid,
// give or take a minute of clock skew, it goes on serving. After that a guarded
// page answers 503 with Retry-After, the cookie stays, and the session goes on
// when WorkOS does. Only an answer that says so ends a session: invalid_grant,
// sso_required or mfa_enrollment.
//
// # Who may do what, and other ways in
//
// Guards are middleware: [AuthKit.RequireAuth], [AuthKit.RequirePermission] and
// its like, [AuthKit.RequireRecentAuth], [AuthKit.RequireAPIKey]. They stand
// around a route, a group or a router, and inside one another.
//
// An application with sign-in forms of its own ends each of its ways in with
// [AuthKit.SignIn]. [AuthKit.SwitchOrganization] takes a session to another
// organization. [WithBearerTokens] lets native clients and services in.
// [WithSharedSession] shares one session with a front end in Next.js or Node, and
// [WithForeignSessions] takes over what such a library left in browsers.
//
// # Errors
//
// The errors that callers can tell apart are variables of this package, such as
// [ErrUnauthenticated], [ErrUnavailable] or [ErrInvalidState], for errors.Is. A
// browser gets a small page, a program gets application/problem+json;
// [WithErrorHandler] replaces either. Package workos is the client for WorkOS's API, and package
// authkittest a fake AuthKit for the tests of an application.
package authkit
