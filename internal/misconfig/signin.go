// Mistakes that keep a sign-in from being finished.

package misconfig

import (
	"log/slog"
	"net/http"
	"net/url"
)

// start is what is remembered of a sign-in that this process has started.
type start struct {
	host    string
	browser uint64 // the hash of User-Agent
	plain   bool   // at a page of plain http
}

// SignInStarted is called when a response redirects a browser to AuthKit. It checks
// where the sign-in starts, and remembers the sign-in.
func (d *Detector) SignInStarted(r *http.Request, state string) {
	if !isBrowser(r) || len(d.redirects) == 0 {
		return
	}
	s := start{host: hostOf(r.Host), browser: d.hash(r.UserAgent()), plain: d.isPlain(r)}
	switch {
	case s.plain:
		d.warnPlain(r)
	case d.startsElsewhere(r, s.host):
		d.warnHost(r, s.host)
	case d.startsAtAnotherPort(r, s.host):
		d.warn(r.Context(), otherPort, anyClass, slog.String("host", quoted(r.Host)), slog.String("redirect_host", d.redirects[0].Host))
	}
	d.started.Put(d.key(state), s, d.Now().Add(d.SignInTimeout))
}

// SignInDropped is called when the cookie of a pending sign-in is removed before its
// callback.
func (d *Detector) SignInDropped(state string) { d.started.Delete(d.key(state)) }

// StateReturned is called when a callback came with the cookie of its sign-in.
func (d *Detector) StateReturned(r *http.Request, state string) {
	key := d.key(state)
	if _, ok := d.started.Get(key); !ok || !isBrowser(r) {
		return
	}
	d.started.Delete(key)
	d.callbackCame.Store(true)
	d.stateCameBack.Store(true)
}

// StateMissing is called when a callback came without a cookie that opens for its
// state. Came says that there is a cookie of that name.
func (d *Detector) StateMissing(r *http.Request, state string, came bool) {
	key := d.key(state)
	s, ok := d.started.Get(key)
	d.started.Delete(key)
	if !isBrowser(r) || !cameFromAuthKit(r) {
		return
	}
	if came && !ok {
		// The name of the cookie contains hashes of the client ID, the session cookie's
		// name and the state, so an instance of this application has set it.
		d.warn(r.Context(), statePassword, anyClass)
	}
	if came || !ok || s.browser != d.hash(r.UserAgent()) {
		return // for example, the user has followed a link in an email in another browser
	}
	d.callbackCame.Store(true)
	host := hostOf(r.Host)
	switch {
	case inAFrame(r) && d.SameSite != http.SameSiteNoneMode:
		d.warn(r.Context(), inFrame, anyClass)
	case s.host != host && !d.share(s.host, host):
		d.warnHost(r, s.host)
	case d.stateCameBack.Load(): // the set-up is right for other browsers
	case s.plain:
		d.warnPlain(r)
	case d.CookieDomain != "" && !covers(d.CookieDomain, s.host):
		d.warnDomain(r, s.host)
	default:
		var domain []slog.Attr
		if d.CookieDomain != "" {
			domain = append(domain, slog.String("cookie_domain", d.CookieDomain)) // it may be a public suffix
		}
		d.warn(r.Context(), stateLost, anyClass, domain...)
	}
}

// CallbackAnswered is called when a callback was answered. A handler other than Callback
// has answered it if neither StateReturned nor StateMissing was called for its state.
func (d *Detector) CallbackAnswered(r *http.Request, state, path string, status int) {
	key := d.key(state)
	s, ok := d.started.Get(key)
	if !ok || s.browser != d.hash(r.UserAgent()) {
		return
	}
	switch status {
	case http.StatusOK, http.StatusNotFound, http.StatusMethodNotAllowed:
		// Other statuses may come from handlers in front of Callback: a limit of the
		// rate, a maintenance page, a redirect to the right host.
		d.started.Delete(key)
		d.warn(r.Context(), callbackElsewhere, anyClass, slog.String("path", path), slog.Int("status", status))
	}
}

// BasePathKept is called when a callback arrives with the base path, which a proxy should
// have removed.
func (d *Detector) BasePathKept(r *http.Request, state, basePath string) {
	if s, ok := d.started.Get(d.key(state)); ok && s.browser == d.hash(r.UserAgent()) {
		d.warn(r.Context(), basePathKept, anyClass, slog.String("base_path", basePath))
	}
}

// LoginAnswered is called when the application has no page at the login path. Only
// links of this module have a return path.
func (d *Detector) LoginAnswered(r *http.Request, path string, status int) {
	if isBrowser(r) && r.URL.Query().Has("return_to") {
		d.warn(r.Context(), loginElsewhere, anyClass, slog.String("path", path), slog.Int("status", status))
	}
}

// isPlain reports whether a sign-in with Secure cookies starts at a page of plain http.
// There must be evidence: a proxy may end TLS and not say so.
func (d *Detector) isPlain(r *http.Request) bool {
	if !d.Secure || isEncrypted(r) {
		return false
	}
	redirect := d.redirectOf(hostOf(r.Host))
	if redirect == nil {
		return false
	}
	samePort := r.Host == redirect.Host && listeningPort(r) == portOf(redirect)
	if u := page(r); u != nil && u.Scheme == "http" {
		if isLoopback(redirect.Hostname()) {
			return samePort // a front end of plain http may be at another port
		}
		return !hasFetchMetadata(r)
	}
	// The listener is at the very address of the redirect URL, and has no TLS.
	return isLoopback(redirect.Hostname()) && samePort && !isProxied(r)
}

// startsElsewhere reports whether a sign-in starts at a host from which its cookie does
// not come back to the callback.
func (d *Detector) startsElsewhere(r *http.Request, host string) bool {
	if d.redirectOf(host) != nil {
		return false
	}
	redirect := d.redirects[0]
	if d.share(host, hostOf(redirect.Host)) {
		return false
	}
	if u := page(r); u != nil {
		return true
	}
	// On one machine, no proxy is at the port at which this process listens.
	port := listeningPort(r)
	return isLoopback(host) && isLoopback(redirect.Hostname()) && !isProxied(r) &&
		port == portOf(redirect) && port == portOf(&url.URL{Scheme: redirect.Scheme, Host: r.Host})
}

// startsAtAnotherPort reports whether a sign-in starts at this process, on loopback, and
// ends at another port, from which no callback has come.
func (d *Detector) startsAtAnotherPort(r *http.Request, host string) bool {
	redirect, u := d.redirectOf(host), page(r)
	return redirect != nil && u != nil && isLoopback(host) && !isProxied(r) && !d.callbackCame.Load() &&
		portOf(u) == listeningPort(r) && portOf(u) != portOf(redirect)
}

// redirectOf returns the redirect URL with this host, or nil.
func (d *Detector) redirectOf(host string) *url.URL {
	for _, u := range d.redirects {
		if hostOf(u.Host) == host {
			return u
		}
	}
	return nil
}

// share reports whether two hosts receive the same cookies.
func (d *Detector) share(a, b string) bool {
	return a == b || d.CookieDomain != "" && covers(d.CookieDomain, a) && covers(d.CookieDomain, b)
}

// warnHost logs that a sign-in was started at another host than that of the redirect URL.
func (d *Detector) warnHost(r *http.Request, host string) {
	redirect := hostOf(d.redirects[0].Host)
	if d.CookieDomain != "" && !covers(d.CookieDomain, host) {
		d.warnDomain(r, host)
		return
	}
	c := anyClass
	switch {
	case isLoopback(host) && isLoopback(redirect):
		c = loopback
	case areNeighbours(host, redirect):
		c = neighbour
	}
	d.warn(r.Context(), otherHost, c, slog.String("host", quoted(host)), slog.String("redirect_host", redirect))
}

func (d *Detector) warnDomain(r *http.Request, host string) {
	d.warn(r.Context(), cookieDomain, anyClass, slog.String("host", quoted(host)), slog.String("cookie_domain", d.CookieDomain))
}

func (d *Detector) warnPlain(r *http.Request) {
	d.warn(r.Context(), plainHTTP, anyClass, slog.String("host", quoted(r.Host)))
}

// Preflight is called when a guard refuses a request. A preflight (Fetch Standard,
// https://fetch.spec.whatwg.org/#cors-preflight-request) of a page that the application
// does not know is no mistake: any site can cause one.
func (d *Detector) Preflight(r *http.Request) {
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return
	}
	origin, err := url.Parse(r.Header.Get("Origin"))
	if err != nil || origin.Host == "" {
		return
	}
	if !d.knows(origin) {
		d.Log.LogAttrs(r.Context(), slog.LevelDebug, "authkit: a guard refused a CORS preflight of an unknown origin", slog.String("origin", quoted(origin.Host)))
		return
	}
	d.warn(r.Context(), preflight, anyClass, slog.String("origin_host", quoted(origin.Host)))
}

// ReturnRefused is called when a sign-in is asked to return to a target of an origin to
// which it may not return. Any site can link so. So a neighbour of this host is no
// evidence here: a line of the log must not lead to a new target for redirects.
func (d *Detector) ReturnRefused(r *http.Request, target string) {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || !isBrowser(r) {
		return
	}
	host := slog.String("origin_host", quoted(u.Host))
	if d.names(u) || isLoopback(hostOf(u.Host)) && len(d.redirects) > 0 && isLoopback(hostOf(d.redirects[0].Host)) {
		d.warn(r.Context(), returnOrigin, anyClass, host)
		return
	}
	d.Log.LogAttrs(r.Context(), slog.LevelDebug, "authkit: a sign-in was asked to return to an unknown origin, and returns to the root", host)
}

// names reports whether the configuration names an origin.
func (d *Detector) names(origin *url.URL) bool {
	for _, u := range d.origins {
		if u.Scheme == origin.Scheme && hostOf(u.Host) == hostOf(origin.Host) && portOf(u) == portOf(origin) {
			return true
		}
	}
	return false
}

// knows reports whether pages of an origin probably belong to the application: the
// configuration names it, or its host is a neighbour of the redirect URL's.
func (d *Detector) knows(origin *url.URL) bool {
	if d.names(origin) {
		return true
	}
	for _, u := range d.redirects {
		own, host := hostOf(u.Host), hostOf(origin.Host)
		if isLoopback(own) && isLoopback(host) || areNeighbours(own, host) {
			return true
		}
	}
	return false
}

// OpaqueOrigin is called when a POST of a signed-in user is refused because of its
// origin. A Lax or Strict cookie came with it, so a page of the same site has sent it.
func (d *Detector) OpaqueOrigin(r *http.Request) {
	if r.Header.Get("Origin") == "null" && isBrowser(r) && d.SameSite != http.SameSiteNoneMode {
		d.warn(r.Context(), opaqueOrigin, anyClass)
	}
}
