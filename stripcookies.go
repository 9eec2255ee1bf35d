// StripCookies: a request to another server, without the cookies of this package.

package authkit

import "net/http"

// StripCookies removes the cookies of this package from a request that is sent on to
// another server, such as the upstream of an httputil.ReverseProxy. A server that gets a
// session cookie can use it here as its user. Call it in the proxy's Rewrite:
//
//	proxy := &httputil.ReverseProxy{Rewrite: func(pr *httputil.ProxyRequest) {
//		pr.SetURL(upstream)
//		ak.StripCookies(pr.Out)
//	}}
//
// It removes the session with all its chunks, the cookies of sign-ins, and the sessions
// of other libraries that this application accepts ([WithSharedSession],
// [WithForeignSessions]). All other cookies stay byte for byte. It does not change the
// Authorization header. r gets a new header, so that a copy of the request, as the
// middleware has one, keeps its own.
//
// Do not use it for an upstream that shares the session, as a front end with
// [WithSharedSession] does.
func (a *AuthKit) StripCookies(r *http.Request) { r.Header = a.cookies.WithoutOwned(r.Header) }
