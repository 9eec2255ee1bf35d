// Login and LoginFunc: the handlers that redirect a browser to AuthKit.

package authkit

import (
	"net/http"
	"slices"
)

// Login returns the handler that redirects a browser to AuthKit to sign in. After the
// sign-in, [AuthKit.Callback] redirects it to the path in the return_to parameter of
// the request's URL, else to [LoginParams].ReturnTo, else to "/". Mount it as GET
// /login ([WithLoginPath]), and at further paths for further parameters:
//
//	mux.Handle("GET /login", ak.Login())
//	mux.Handle("GET /signup", ak.Login(authkit.LoginParams{ScreenHint: "sign-up"}))
//
// The parameters override those of [WithLoginParams] and [WithLoginFunc], field
// by field. If several are given, a later one overrides an earlier one. Use
// [AuthKit.LoginFunc] for parameters that depend on the request.
//
// A method other than GET is answered 405. These requests are answered 403: a
// prefetch, and a request of another origin's page for a script, an image, a
// frame, an object or an embed.
//
// The cookies of all pending sign-ins of one browser take less than 4 KB. If a new
// sign-in needs space, those older than [WithSignInTimeout] are dropped first. Then
// the others lose the query of their return path, then the whole path, and at last
// they are dropped. In each step, sign-ins that a page of another origin started
// come first, and then the oldest. A page of another origin never causes a sign-in
// of this site to be dropped that can still be completed. If there is no other
// space, the answer is 403 with a link to sign in.
//
// Login panics if no redirect URL is configured, or if the parameters contradict
// each other.
func (a *AuthKit) Login(params ...LoginParams) http.Handler {
	a.mustRedirect("Login")
	var own LoginParams
	for _, p := range params {
		own = own.with(p)
	}
	if found := a.loginDefaults.with(own).fault(); found != (fault{}) {
		panic("authkit: Login: " + found.problem)
	}
	return a.login(func(*http.Request) LoginParams { return own })
}

// LoginFunc returns a handler like that of [AuthKit.Login], with parameters that
// depend on the request. Examples are the organization of a host name and an
// invitation token from the query. If the parameters contradict each other, the
// answer to the request is 500 ([ErrInvalidLoginParams]).
//
// LoginFunc panics if no redirect URL is configured, or if params is nil.
func (a *AuthKit) LoginFunc(params func(*http.Request) LoginParams) http.Handler {
	a.mustRedirect("LoginFunc")
	if params == nil {
		panic("authkit: LoginFunc: the function is nil")
	}
	return a.login(params)
}

func (a *AuthKit) login(params func(*http.Request) LoginParams) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.acceptsSignIn(w, r) {
			return
		}
		request := a.newAuthorizationRequest(r, a.loginParams(r).with(params(r)))
		if target := r.URL.Query().Get("return_to"); target != "" {
			request.returnTo = a.SanitizeReturnPath(target)
			if origin := originOf(target); origin != "" && !slices.Contains(a.returnOrigins, origin) {
				a.mistakes.ReturnRefused(r, target)
			}
		}
		a.startSignIn(w, r, request)
	})
}
