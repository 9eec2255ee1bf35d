// Package authkit adds WorkOS AuthKit sign-in to any net/http router.
//
// One value, [*AuthKit], provides three handlers (login, callback and logout), a
// middleware that loads the [Session] of each request, and guards that refuse
// requests without the required session:
//
//	ak, err := authkit.New(
//		authkit.WithAPIKey("sk_…"),
//		authkit.WithClientID("client_…"),
//		authkit.WithCookiePassword(password), // 32 random bytes or more
//		authkit.WithRedirectURL("https://app.example.com/callback"),
//	)
//	mux := http.NewServeMux()
//	mux.Handle("GET /login", ak.Login())
//	mux.Handle("GET /callback", ak.Callback())
//	mux.Handle("POST /logout", ak.Logout())
//	mux.Handle("GET /account", ak.RequireAuth(http.HandlerFunc(account)))
//	server := &http.Server{Addr: addr, Handler: ak.Middleware(mux), ReadHeaderTimeout: 5 * time.Second}
//	err = server.ListenAndServe()
//
// [FromEnv] reads the same values from environment variables. A handler gets the
// session from the context of the request:
//
//	session, ok := authkit.FromContext(r.Context())
//
// # How a request is handled
//
// The middleware takes these steps for each request:
//
//	Cookie header → join the chunks → open the seal → verify the access token
//	  → refresh it if it expires soon, set the new cookie
//	  → put the Session into the context → call the handler
//
// A request without a valid session is anonymous. The middleware passes it to the
// handler too. A guard refuses it, or redirects a navigation to sign-in. A
// navigation is a GET with which a browser loads a page for a person.
//
// The session is stored in the browser, in sealed cookies that only this
// application can open. The server has no table of sessions. The cookies contain
// the user's profile, WorkOS's access token and the refresh token. The access
// token of each request is verified with WorkOS's signing keys, which are cached.
// Before the access token expires, the refresh token is exchanged for a new one.
// Concurrent requests share one exchange. If one of them is cancelled, the
// exchange continues.
//
// A session that was verified before is found in a cache by its cookies
// ([WithSessionCache]). It is neither opened nor verified again. Its expiry, its
// signing key, its limits, the sign-outs of this process and the changes at WorkOS
// that it knows are still checked on each request.
//
// # When WorkOS cannot be reached
//
// A failed call does not sign a user out. An access token is accepted until it
// expires, with a leeway of one minute for clock skew. After that, guards answer
// 503 with Retry-After and the cookie stays in the browser. The session works again
// as soon as WorkOS does. Only three answers to a refresh end a session:
// invalid_grant, sso_required and mfa_enrollment.
//
// # Guards
//
// Guards are middleware for one route, a group of routes or a whole router. They
// can be combined.
//
//   - [AuthKit.RequireAuth] requires a session.
//   - [AuthKit.RequirePermission], [AuthKit.RequireRole],
//     [AuthKit.RequireOrganization] and similar guards require a right.
//   - [AuthKit.RequireRecentAuth] requires a recent authentication.
//   - [AuthKit.RefuseImpersonation] requires a session without an impersonator.
//   - [AuthKit.RequireAPIKey] requires an API key of a customer.
//   - [AuthKit.RequireAuthOrAPIKey] requires a session or an API key.
//   - [AuthKit.Accept] requires a session, an API key or an access token of WorkOS
//     Connect (package resource), each with its rights.
//   - [AuthKit.RefuseCrossOrigin] refuses a POST from another site's page.
//
// # Other ways to sign in
//
//   - [AuthKit.SignIn] completes a sign-in through the application's own forms.
//     [AuthKit.SaveStep] stores secrets between the steps of such a sign-in.
//   - [AuthKit.SwitchOrganization] switches a session to another organization.
//   - [WithBearerTokens] accepts the access tokens of native clients and services.
//   - [WithSharedSession] shares the session with a front end in Next.js or Node.
//   - [WithForeignSessions] accepts the sessions of another library, to replace that
//     library without ending sessions.
//
// # Changes at WorkOS
//
// WorkOS may end a session, or change the rights of its user, before the access token
// expires. By default this is found at the next refresh. [AuthKit.Follow] reads the
// events of WorkOS and [AuthKit.Webhook] receives them, so that such a change holds
// within seconds. Both can also call a function of the application with each event.
//
// # Several instances
//
// Instances of one application share the cookie password. With [WithStore] they
// also share sign-outs and the outcomes of refreshes, and act as one. Packages
// contrib/redisstore and contrib/pgstore are such stores, on Redis and on PostgreSQL.
// [AuthKit.EndSession] and [AuthKit.EndUser] end sessions without their browser.
//
// # Operation
//
// [AuthKit.Stats] has counters of requests by outcome, of sign-ins, refreshes and
// failures, and the state of the cache, the signing keys, the clock, the store and the
// events of WorkOS. A request costs one atomic addition for it. [WithObserver] is told
// about each sign-in, refresh, refusal and call, with its duration, for traces and
// metrics. [AuthKit.Healthz] is a handler that tells what is degraded.
//
// # Errors
//
// The errors of this package are variables for errors.Is, such as
// [ErrUnauthenticated], [ErrUnavailable] and [ErrInvalidState]. A browser gets a
// small page, and a program gets application/problem+json (RFC 9457).
// [WithErrorHandler] replaces both.
//
// # Other packages
//
// Package workos is a client of the WorkOS API. Package authkittest is a fake
// AuthKit for the tests of an application. To test one handler without a sign-in,
// use authkittest.SignedInRequest, or [NewSession] and [NewContext]. Package storetest
// tests an implementation of [Store].
//
// # Compatibility
//
// The library, the adapters under contrib and the command cmd/authkit are modules with
// one common version, which follows https://semver.org.
//
// API: from v1.0.0 on, code that compiles with a version compiles with every later one
// of its major version, as https://go.dev/doc/go1compat describes it for Go. Structs
// get new fields, so use keyed literals. Interfaces that an application implements,
// such as [Store] and [Clock], get no new methods. While the major version is 0, a minor
// version may change the API, and a patch version does not. CHANGELOG.md says what to
// change then. The texts of errors, log lines and pages may always change. The
// errors that errors.Is and errors.As find do not. Packages below internal, the examples
// and the benchmarks promise nothing.
//
// Session cookies: a version opens the session cookies of every earlier version of its
// major version, and v1 opens those of v0, beginning with v0.1.0. This holds for each
// format: the default one, that of [WithCompactCookie] and that of [WithSharedSession].
// So an update ends no session. A new format is opened by at least one minor version
// before it is written by default, so that instances of two successive minor versions
// can run at the same time. The cookies of a sign-in under way promise nothing: such a
// sign-in may have to start again.
//
// Go: the library supports the two newest releases of Go. A module under contrib may
// need the newest one, if its dependencies do.
//
// WorkOS: members and values that WorkOS adds to its API are accepted. A change of the
// API that breaks authkit is answered with a patch version.
package authkit
