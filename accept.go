// Accept: one guard for a route that accepts sessions, API keys and access tokens of WorkOS Connect.

package authkit

import (
	"context"
	"net/http"
	"slices"

	"github.com/authkit-go/authkit/resource"
)

// Credential is a kind of credential that a route accepts, with the rights that it
// needs. [Sessions], [APIKeys] and [ResourceTokens] make one, for [AuthKit.Accept].
type Credential struct {
	kind   credentialKind
	rights []string // permissions, or scopes for connectTokens
	api    *resource.Server
}

type credentialKind int

// The zero value is no kind, so that the zero Credential is not accepted.
const (
	_ credentialKind = iota
	userSessions
	customerKeys
	connectTokens
)

// Sessions accepts a session that has all of the permissions: from the cookie, and with
// [WithBearerTokens] also from an access token in the Authorization header. Without a
// permission, every session passes. It panics if a permission is empty.
func Sessions(permissions ...string) Credential {
	return Credential{kind: userSessions, rights: noEmptySlugs("Sessions", byPermission.kind, permissions)}
}

// APIKeys accepts an API key of a customer that has all of the permissions, as
// [AuthKit.RequireAPIKey] does. Without a permission, every valid key passes. It panics
// if a permission is empty.
func APIKeys(permissions ...string) Credential {
	return Credential{kind: customerKeys, rights: noEmptySlugs("APIKeys", byPermission.kind, permissions)}
}

// ResourceTokens accepts an access token of WorkOS Connect for api that has all of the
// scopes, as [resource.Server.Require] does: the token of an MCP client, of a machine or
// of another application. Without a scope, every token that api verifies passes. It
// panics if api is nil, or if a scope is empty or is not one (RFC 6749, section 3.3).
func ResourceTokens(api *resource.Server, scopes ...string) Credential {
	if api == nil {
		panic("authkit: ResourceTokens: the resource.Server is nil")
	}
	scopes = noEmptySlugs("ResourceTokens", "scope", scopes)
	api.Require(scopes...) // panics for a text that is not a scope
	return Credential{connectTokens, scopes, api}
}

// Accept returns a middleware for a route with several kinds of callers. It passes
// requests that have one of the credentials, with its rights:
//
//	guard := ak.Accept(
//		authkit.Sessions("posts:read"),            // a user in a browser
//		authkit.APIKeys("posts:read"),             // a server of a customer
//		authkit.ResourceTokens(api, "posts:read"), // an MCP client, through WorkOS Connect
//	)
//	mux.Handle("GET /api/posts", guard(posts))
//
// The request decides which credential counts, in this order. No other credential is
// tried after that, and the order of the arguments does not matter:
//
//  1. A bearer value ("Authorization: Bearer …") that starts with sk_ is an API key.
//  2. Another bearer value is an access token. Its iss, which is not verified yet,
//     decides who verifies it. If that is the issuer of a [resource.Server] of the route,
//     this Server alone decides. Otherwise it is a session token, if the route accepts
//     Sessions and [WithBearerTokens] is given. If the route accepts ResourceTokens, all
//     other access tokens are refused.
//  3. Without a bearer value, the session cookie counts.
//
// WorkOS's custom domains can give session tokens and tokens of Connect the same iss.
// Then a token whose sid starts with session_ is a session token, and every other one is
// a token of Connect.
//
// The handler finds exactly one of [FromContext], [APIKeyFromContext] and
// [resource.FromContext]. The rights of two credentials never mix: the cookie of a
// request with a bearer value of a kind that the route accepts is ignored, even if the
// value is refused. A bearer value of a kind that the route does not accept is ignored if
// the route accepts Sessions, as [AuthKit.RequireAuth] ignores it, and is refused
// otherwise. Other schemes than Bearer are ignored. Several Authorization headers are
// answered 401 if the route accepts ResourceTokens, and as by RequireAuth otherwise.
//
// Refusals have the form of the other guards: [WithErrorHandler] receives them, and
// [resource.WithRefusalHandler] is not called.
//
//   - No credential: an anonymous navigation is redirected to sign-in if the route
//     accepts Sessions, as by [AuthKit.RequireAuth]. All other requests are answered 401
//     ([ErrUnauthenticated]).
//   - A credential that is not accepted: 401 with error="invalid_token".
//   - A permission or a scope is missing: 403 ([ForbiddenError]). For a scope, the
//     challenge has error="insufficient_scope" and the scopes to ask for.
//   - The signing keys or WorkOS are not available: 503 with Retry-After
//     ([ErrUnavailable]).
//   - Too many unknown API keys: 429 with Retry-After ([ErrTooManyAPIKeys]).
//
// If the route accepts ResourceTokens, each 401 has resource_metadata and scope in
// WWW-Authenticate, so that a client finds the authorization server (RFC 9728, section
// 5.1). With several resources there is one challenge for each. The error of an access
// token also matches an error of package resource, such as [resource.ErrInvalidToken].
// So does that of a request without a credential ([resource.ErrNoToken]).
//
// Accept panics if there is no credential or a zero one, if a kind is given twice
// (ResourceTokens can be given for several issuers), and for APIKeys of a public client.
// The middleware panics if its handler is nil.
func (a *AuthKit) Accept(credentials ...Credential) func(http.Handler) http.Handler {
	accepted := a.newAcceptance(credentials)
	return func(next http.Handler) http.Handler {
		mustHaveHandler(next)
		return accepted.guard(next)
	}
}

// RequireAuthOrAPIKey returns a middleware that passes requests with a session
// that has all of the permissions, as [AuthKit.RequireAllPermissions] does, and
// requests with such an API key, as [AuthKit.RequireAPIKey] does. If a request has
// an API key, its cookie is ignored. Without a permission, every session and every
// valid key passes. It is [AuthKit.Accept] with [Sessions] and [APIKeys]. It panics as
// [AuthKit.RequireAPIKey] does.
func (a *AuthKit) RequireAuthOrAPIKey(permissions ...string) func(http.Handler) http.Handler {
	a.mustValidateKeys("RequireAuthOrAPIKey")
	permissions = noEmptySlugs("RequireAuthOrAPIKey", byPermission.kind, permissions)
	return a.Accept(Sessions(permissions...), APIKeys(permissions...))
}

// acceptance is what one route accepts. It does not change after its construction.
type acceptance struct {
	authKit   *AuthKit
	sessions  *Credential  // nil if they are not accepted
	keys      *Credential  // nil if they are not accepted
	resources []Credential // each has another issuer
	challenge *bearerChallenge
}

// newAcceptance panics for a set of credentials that cannot be told apart, or that
// accepts nothing.
func (a *AuthKit) newAcceptance(credentials []Credential) *acceptance {
	if len(credentials) == 0 {
		panic("authkit: Accept needs at least one credential")
	}
	c := &acceptance{authKit: a, challenge: &bearerChallenge{}}
	once := func(at **Credential, name string, credential Credential) {
		if *at != nil {
			panic("authkit: Accept: " + name + " is given twice")
		}
		*at = &credential
	}
	for _, credential := range credentials {
		switch credential.kind {
		case userSessions:
			once(&c.sessions, "Sessions", credential)
		case customerKeys:
			a.mustValidateKeys("Accept with APIKeys")
			once(&c.keys, "APIKeys", credential)
		case connectTokens:
			c.addResource(credential)
		default:
			panic("authkit: Accept: a credential is the zero value; Sessions, APIKeys and ResourceTokens make one")
		}
	}
	for _, credential := range c.resources {
		a.resourceIssuers.add(credential.api)
	}
	return c
}

func (c *acceptance) addResource(credential Credential) {
	if slices.ContainsFunc(c.resources, func(other Credential) bool { return other.api.Issuer() == credential.api.Issuer() }) {
		panic("authkit: Accept: ResourceTokens is given twice for the issuer " + credential.api.Issuer())
	}
	c.resources = append(c.resources, credential)
	c.challenge.resources = append(c.challenge.resources, challengeParameters(credential.api, credential.rights))
	c.challenge.cause = resource.ErrNoToken
}

// guard returns the handler of the route.
func (c *acceptance) guard(next http.Handler) http.Handler {
	if c.sessions == nil {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.serve(w, r, next, nil) })
	}
	check := func(s *Session) error { return byPermission.checkAll(s, c.sessions.rights) }
	if c.keys == nil && c.resources == nil {
		return c.authKit.guard(withSessionOnly(next), check, nil)
	}
	forSessions := c.authKit.guard(withSessionOnly(next), check, c.challenge)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.serve(w, r, next, forSessions) })
}

// serve lets the credential decide that counts for the request. forSessions is nil if
// sessions are not accepted.
func (c *acceptance) serve(w http.ResponseWriter, r *http.Request, next, forSessions http.Handler) {
	a := c.authKit
	value, isBearer := bearerToken(r)
	token, verifiedFor := c.verifiedToken(r.Context())
	switch {
	case c.keys != nil && (isBearer && isAPIKey(value) || givenAPIKey(r.Context()) != nil):
		a.serveAPIKey(w, r, next, value, c.keys.rights, c.challenge)
	case token != nil:
		c.serveResourceToken(w, r, next, verifiedFor, token, nil)
	case c.resources != nil && (len(r.Header["Authorization"]) > 1 || isBearer && !isAPIKey(value)):
		c.serveAccessToken(w, r, next, forSessions, value)
	case forSessions != nil:
		forSessions.ServeHTTP(w, r)
	case isBearer:
		varyOn(w.Header(), "Authorization")
		a.failUnauthenticated(w, r, c.challenge.refusing("A credential of this kind is not accepted here", c.refusedCause()))
	default:
		varyOn(w.Header(), "Authorization")
		a.failUnauthenticated(w, r, c.challenge)
	}
}

// refusedCause returns what the error of a refused bearer value wraps.
func (c *acceptance) refusedCause() error {
	if c.resources == nil {
		return nil
	}
	return resource.ErrInvalidToken
}

// verifiedToken returns the token that a Server of the route has verified for the
// request before: in an outer guard, or for [resource.NewContext].
func (c *acceptance) verifiedToken(ctx context.Context) (*resource.Token, *Credential) {
	for i := range c.resources {
		if token, ok := c.resources[i].api.FromContext(ctx); ok {
			return token, &c.resources[i]
		}
	}
	return nil, nil
}

// serveAccessToken lets the verifier decide that an access token is for.
func (c *acceptance) serveAccessToken(w http.ResponseWriter, r *http.Request, next, forSessions http.Handler, value string) {
	a := c.authKit
	if credential := c.verifierOf(value); credential != nil {
		token, err := credential.api.Verify(r.Context(), value)
		c.serveResourceToken(w, r, next, credential, token, err)
		return
	}
	if value != "" && forSessions != nil && a.AcceptsBearerTokens() {
		forSessions.ServeHTTP(w, r)
		return
	}
	varyOn(w.Header(), "Authorization")
	a.failUnauthenticated(w, r, c.challenge.refusing("The access token is not accepted", resource.ErrInvalidToken))
}

// verifierOf returns the credential whose resource verifies an access token, or nil. All of
// these resources are in the list of issuers that isKnownSession compares.
func (c *acceptance) verifierOf(value string) *Credential {
	if c.authKit.isKnownSession(value) {
		return nil
	}
	for i := range c.resources {
		if credential := &c.resources[i]; credential.api.MayVerify(value) {
			return credential
		}
	}
	return nil
}

// serveResourceToken passes a request to next if its token was verified and has the
// scopes. err is why the token was not verified.
func (c *acceptance) serveResourceToken(w http.ResponseWriter, r *http.Request, next http.Handler, credential *Credential, token *resource.Token, err error) {
	varyOn(w.Header(), "Authorization")
	if err == nil {
		err = token.CheckScopes(credential.rights...)
	}
	if err != nil {
		if challenge := credential.api.Challenge(err, token, credential.rights...); challenge != "" {
			w.Header().Set("WWW-Authenticate", challenge)
		}
		c.authKit.fail(w, r, tokenError(err), "")
		return
	}
	noStore(w.Header())
	// A session cookie of the same request is ignored, as for an API key.
	ctx := &requestAuth{Context: withoutAPIKey(r.Context()), authKit: c.authKit}
	next.ServeHTTP(w, r.WithContext(resource.NewContext(ctx, token)))
}

// withSessionOnly hides an API key or a token of Connect that an outer middleware or
// [NewAPIKeyContext] has put into the context.
func withSessionOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ctx := withoutResourceToken(withoutAPIKey(r.Context())); ctx != r.Context() {
			r = r.WithContext(ctx)
		}
		next.ServeHTTP(w, r)
	})
}
