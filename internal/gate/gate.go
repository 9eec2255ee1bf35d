// Gate: the front door itself, from a request to the handler behind it.

package gate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/authkit-go/authkit"
)

// Config is the configuration of a [Gate].
type Config struct {
	// AuthKit loads sessions and guards paths. It is required.
	AuthKit *authkit.AuthKit
	// Rules say who may pass. Without a rule, every path needs a session.
	Rules []Rule
	// Own has the handlers of the gate's own paths, such as AuthKit.Callback. Their requests never reach the upstream, and no
	// rule holds for them. A path begins with "/" and is compared whole with the path of the request line. It must have the
	// paths of the redirect URL and of the sign-out (authkit.WithLogoutPath). They run behind AuthKit.Middleware.
	Own map[string]http.Handler
	// Headers adds identity headers: from the name of a header to the name of a field ([Fields]). The headers that begin with
	// X-Authkit- are always set.
	Headers map[string]string
	// PassAuthorization sends the Authorization header on even if a guard has accepted its API key or access token. By default
	// such a header is removed, because the upstream needs no secret of the caller. A header that no guard has used is sent on.
	PassAuthorization bool
	// TrustedOrigins are the origins of pages that may use the session of a user for unsafe methods and WebSockets, such as
	// https://app.example.com, besides the Host of the request. Give that of the redirect URL, because a proxy may rewrite Host.
	TrustedOrigins []string
	// Signer signs the identity for the header X-Authkit-Jwt. Nil sets no such header.
	Signer *Signer
}

// Gate decides which requests pass. It does not change after its construction, and is safe for concurrent use.
type Gate struct {
	authKit  *authkit.AuthKit
	own      map[string]http.Handler
	table    *table
	guards   []func(http.Handler) http.Handler // by the index of the rule; nil for a public one
	single   []http.Handler                    // by the index of the rule: its guard alone, in front of pass
	public   http.Handler
	reserved reservedNames
	extra    []extraHeader
	passAuth bool
	signer   *Signer
	origins  *http.CrossOriginProtection
}

// New returns a gate. The error is a [Faults] with all faults of the configuration.
func New(c Config) (*Gate, error) {
	if c.AuthKit == nil {
		return nil, Faults{{Place: "AuthKit", Problem: "is required"}}
	}
	var faults Faults
	g := &Gate{
		authKit: c.AuthKit, own: map[string]http.Handler{}, passAuth: c.PassAuthorization, signer: c.Signer,
		reserved: newReservedNames(c.Headers), origins: http.NewCrossOriginProtection(),
	}
	for _, origin := range c.TrustedOrigins {
		if err := g.origins.AddTrustedOrigin(origin); err != nil {
			faults.add("trusted_origins", "%q is not an origin such as https://app.example.com", origin)
		}
	}
	for path, handler := range c.Own {
		g.own[path] = c.AuthKit.Middleware(handler) // so that their responses vary on Cookie too
		if !strings.HasPrefix(path, "/") {
			faults.add("own", "%q is not a path, which begins with /", path)
		}
	}
	g.extra = newExtraHeaders(c.Headers, &faults)
	rules := withDefault(c.Rules)
	g.table = newTable(rules, &faults)
	for i, rule := range rules {
		guard, err := rule.guard(c.AuthKit)
		if err != nil && !faults.has(rulePlace(i)+".allow") { // without a credential, the guard says only that
			faults.add(rulePlace(i), "%v", err)
		}
		g.guards = append(g.guards, guard)
	}
	if len(faults) > 0 {
		return nil, faults
	}
	pass := http.HandlerFunc(g.pass)
	g.public = c.AuthKit.Middleware(pass)
	for _, guard := range g.guards {
		if guard == nil {
			g.single = append(g.single, g.public)
			continue
		}
		g.single = append(g.single, guard(pass))
	}
	return g, nil
}

// Handler returns the gate in front of next. It panics if next is nil.
func (g *Gate) Handler(next http.Handler) http.Handler {
	if next == nil {
		panic("gate: Handler: the next handler is nil")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.Serve(w, r, next) })
}

// Serve answers a request, or passes it to next.
//
// It answers 400 to what no honest client sends, in the path itself or after its escapes are decoded once or several times:
// dot segments ("/../", also with spaces, or with a parameter as in "/..;/"), a backslash, a control byte, a part of an overlong
// UTF-8 sequence. It answers 403 to an unsafe method or a WebSocket from a page of another origin that uses the cookie of a session; at
// a public path, such a request is anonymous. It also answers 400 to a request target that is neither a path nor an absolute http URL, to a malformed Host, and to a request that
// names more than eight methods, and 414 to a path of
// more than 4 KiB that has something to decode.
//
// next gets a copy of the request. The path is as the client has sent it. The header has no identity header, no hop-by-hop
// header except an Upgrade to WebSocket, and no cookie of authkit that the client has sent; and it has the identity headers of the session or of the
// API key ([Fields]). It has no trailer, and no header such as X-Original-URL from which some frameworks take the path.
//
// Cookies of authkit that next sets are removed from the response. A guarded response is not for shared caches: Cache-Control gets
// private, and loses public and s-maxage. If next sets no Cache-Control, it is "private, no-store". A
// public response with an identity and without Cache-Control is "private". A trailer loses the fields that a trailer may not have (RFC 9110,
// section 6.5.1), such as Set-Cookie and Cache-Control, and identity headers.
//
// The context of the copy is that of the middleware: authkit.FromContext and AuthKit.UntilEnd work in next.
func (g *Gate) Serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if handler, ok := g.own[r.URL.EscapedPath()]; ok {
		handler.ServeHTTP(w, r)
		return
	}
	path, err := targetPath(r)
	var paths, methods []string
	if err == nil {
		paths, err = readings(path)
	}
	if err == nil {
		methods, err = g.table.methods(r)
	}
	if err != nil {
		refuse(w, err)
		return
	}
	matched := g.table.match(paths, methods)
	p := &passage{next: next, public: true}
	handler, guarded := g.public, 0
	for _, i := range matched {
		if g.guards[i] == nil {
			continue
		}
		p.public = false
		if guarded++; guarded == 1 {
			handler = g.single[i]
		} else {
			handler = g.guards[i](handler)
		}
	}
	handler.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), passageKey{}, p)))
}

// passage is what the gate knows about a request while its guards run.
type passage struct {
	next   http.Handler
	public bool // every reading of the path is public
}

type passageKey struct{}

// pass passes a request that the guards have passed.
func (g *Gate) pass(w http.ResponseWriter, r *http.Request) {
	p, _ := r.Context().Value(passageKey{}).(*passage)
	who := identityOf(r.Context())
	foreign := who != nil && who.isFromCookie() && g.isOfAnotherOrigin(r)
	if foreign && p != nil && p.public {
		who = nil // a page of another origin may do what every client may do, but not as the user
	}
	if p == nil || !p.public && who == nil {
		// Guards of authkit pass a POST of the sign-out path without a session. It must not reach the upstream.
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "401 Unauthorized: sign in first", http.StatusUnauthorized)
		return
	}
	if foreign && !p.public {
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "403 Forbidden: the request comes from a page of another origin", http.StatusForbidden)
		return
	}
	out := r.Clone(r.Context())
	out.Trailer = nil // an upstream may read a trailer as a header
	if out.URL.Path == "" {
		out.URL.Path = "/" // of an absolute-form target
	}
	g.clean(out)
	if err := g.setIdentity(out.Header, who); err != nil {
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "500 Internal Server Error", http.StatusInternalServerError)
		return
	}
	filter := newResponseFilter(w, g, !p.public, who != nil)
	p.next.ServeHTTP(filter, out)
	filter.finish()
}

// isOfAnotherOrigin reports whether a page of another origin has sent a request that may change something: one with an unsafe method,
// or a WebSocket, for which browsers ask no permission (RFC 6455, section 10.2).
func (g *Gate) isOfAnotherOrigin(r *http.Request) bool {
	if len(r.Header["Upgrade"]) > 0 && r.Method == http.MethodGet {
		unsafe := *r
		unsafe.Method = http.MethodPost
		r = &unsafe
	}
	return g.origins.Check(r) != nil
}

// clean removes from a request what an upstream must not get from a client.
func (g *Gate) clean(out *http.Request) {
	stripHopByHop(out.Header)
	g.reserved.removeFrom(out.Header)
	g.authKit.StripCookies(out)
	if !g.passAuth && usedAuthorization(out) {
		out.Header.Del("Authorization")
	}
}

// usedAuthorization reports whether a guard has accepted the Authorization header of a request.
func usedAuthorization(r *http.Request) bool {
	if _, ok := authkit.APIKeyFromContext(r.Context()); ok {
		return true
	}
	session, ok := authkit.FromContext(r.Context())
	return ok && session.FromBearerToken()
}

// hostBytes are the bytes of a host with a port (RFC 3986, section 3.2.2).
const hostBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%!$&'()*+,;=:[]"

// targetPath returns the escaped path of a request, or an error for a malformed Host and for a request target that is neither a path
// nor an absolute URL (RFC 9112, section 3.2).
func targetPath(r *http.Request) (string, error) {
	u := r.URL
	switch {
	case r.Method == http.MethodConnect, u.Opaque != "", u.User != nil:
		return "", errTarget
	case strings.Trim(r.Host, hostBytes) != "": // the server looks at it for HTTP/1 alone
		return "", errHost
	case u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https":
		return "", errTarget
	case u.Path == "" && u.Host != "":
		return "/", nil
	case !strings.HasPrefix(u.Path, "/"):
		return "", errTarget
	}
	return u.EscapedPath(), nil
}

// refuse answers a request that the gate refuses before it looks at its rules.
func refuse(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	if errors.Is(err, errTooLong) {
		status = http.StatusRequestURITooLong
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, fmt.Sprintf("%d %s: %v", status, http.StatusText(status), err), status)
}
