// Login: the way into AuthKit, and what the browser remembers of it.

package authkit

import (
	"net/http"
	"slices"
)

// Login returns the handler that sends a browser to AuthKit to sign in, and
// afterwards back to the path in the query's return_to, or to "/". It is
// mounted as GET /login, and as often as an application likes:
//
//	mux.Handle("GET /login", ak.Login())
//	mux.Handle("GET /signup", ak.Login(authkit.ScreenHint("sign-up")))
//
// It reads nothing else from the request; what is to vary by request comes
// from [PerRequest]. Any method but GET is answered 405. A script or an image
// of another origin's page is answered 403, since it cannot lead anybody
// anywhere. So is such a page that loads Login in a frame, an object or an embed,
// and so is a prefetch: no person has opened the page yet.
//
// The cookies of the sign-ins that one browser has under way take less than
// 4 KB together. Where a new one needs room, those that took longer than
// [WithSignInTimeout] are dropped first. Of the others, older ones lose the query
// of the page that they lead to, then its path, and are dropped last. Those that
// a page of another origin started go first. Such a page never drops one that
// this site itself started and that can still be finished: where there is no
// other room, the answer is 403 with a link to sign in.
//
// Login panics if no redirect URL is configured, or if the options contradict
// each other: mounting it then is a mistake in the program.
func (a *AuthKit) Login(opts ...LoginOption) http.Handler {
	a.mustRedirect("Login")
	opts = slices.Concat(a.loginOptions, opts)
	if problem := checkLoginOptions(opts); problem != "" {
		panic("authkit: Login: " + problem)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.acceptsSignIn(w, r) {
			return
		}
		s := newSignIn(a.redirectURL, r, opts)
		if target := r.URL.Query().Get("return_to"); target != "" {
			s.returnTo = ReturnPath(target)
		}
		a.startSignIn(w, r, s)
	})
}
