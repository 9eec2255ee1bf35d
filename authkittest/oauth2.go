// WorkOS Connect: the fake as the OAuth 2.1 authorization server of MCP clients, machines and other people's applications.

package authkittest

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// oauthState is what the authorization server knows. Server.mu guards it. What users have granted is in Server.authorizedApps.
type oauthState struct {
	resources     []string                // the resource indicators, oldest first
	scopes        []string                // besides the standard ones, oldest first
	clients       map[string]*oauthClient // by client ID
	codes         map[string]*oauthCode
	refreshTokens map[string]*oauthRefreshToken
	accessTokens  map[string]*oauthAccessToken
}

func newOAuthState() oauthState {
	return oauthState{
		clients:       map[string]*oauthClient{},
		codes:         map[string]*oauthCode{},
		refreshTokens: map[string]*oauthRefreshToken{},
		accessTokens:  map[string]*oauthAccessToken{},
	}
}

// prune removes what has expired. Codes and refresh tokens that were used are kept for a day, so that a replay is noticed.
func (o *oauthState) prune(now time.Time) {
	deleteIf(o.codes, func(c *oauthCode) bool { return now.Sub(c.expiresAt) > retention })
	deleteIf(o.refreshTokens, func(t *oauthRefreshToken) bool { return !t.retiredAt.IsZero() && now.Sub(t.retiredAt) > retention })
	deleteIf(o.accessTokens, func(t *oauthAccessToken) bool { return !now.Before(t.expiresAt) })
}

func deleteIf[V any](m map[string]V, remove func(V) bool) {
	for key, value := range m {
		if remove(value) {
			delete(m, key)
		}
	}
}

// AddResourceIndicator registers the address of an API (RFC 8707), as the WorkOS dashboard does. A client can then request a token
// for it: aud is this address, equal in every character. See [WithResourceIndicators]. AddResourceIndicator panics if the address
// is not an absolute URI, or has a fragment.
func (f *Server) AddResourceIndicator(uri string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.addResourceIndicator(uri); err != nil {
		panic(fmt.Sprintf("authkittest: AddResourceIndicator: %v", err))
	}
}

func (f *Server) addResourceIndicator(uri string) error {
	if u, err := url.Parse(uri); err != nil || !u.IsAbs() || u.Host == "" || strings.Contains(uri, "#") {
		return fmt.Errorf("%q is not an absolute URI without a fragment (RFC 8707 section 2)", uri)
	}
	if !slices.Contains(f.oauth.resources, uri) {
		f.oauth.resources = append(f.oauth.resources, uri)
	}
	return nil
}

// AddScopes adds scopes that the clients of WorkOS Connect can request, as [WithScopes] does. A scope that exists already stays.
func (f *Server) AddScopes(scopes ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.oauth.scopes = union(f.oauth.scopes, scopes)
}

// seedResourceIndicators registers those of WithResourceIndicators.
func (f *Server) seedResourceIndicators() error {
	var faults []error
	for _, uri := range f.settings.resourceIndicators {
		if err := f.addResourceIndicator(uri); err != nil {
			faults = append(faults, fmt.Errorf("authkittest: WithResourceIndicators: %w", err))
		}
	}
	return errors.Join(faults...)
}

// registerOAuth registers the routes of the authorization server. Scripts of any origin may call them, except the one that
// browsers navigate to.
func (f *Server) registerOAuth() {
	routes := map[Route]http.HandlerFunc{
		RouteOAuthMetadata:      f.oauthMetadata,
		RouteOAuthDiscovery:     f.oauthDiscovery,
		RouteOAuthJWKS:          f.oauthJWKS,
		RouteOAuthRegister:      f.registerClient,
		RouteOAuthToken:         f.oauthToken,
		RouteOAuthIntrospection: f.introspect,
		RouteOAuthUserInfo:      f.userInfo,
	}
	for route, h := range routes {
		f.traffic.add(route)
		serve := func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", "*")
			f.handleCall(w, r, h, route)
		}
		f.own.HandleFunc(string(route), serve)
		_, path, _ := strings.Cut(string(route), " ")
		f.own.HandleFunc("OPTIONS "+path, preflight)
		if route == RouteOAuthUserInfo { // OpenID Connect Core 1.0 section 5.3.1 has both methods
			f.own.HandleFunc("POST "+path, serve)
		}
	}
	f.traffic.add(RouteOAuthAuthorize)
	f.own.HandleFunc(string(RouteOAuthAuthorize), func(w http.ResponseWriter, r *http.Request) {
		f.handleCall(w, r, f.oauthAuthorize, RouteOAuthAuthorize)
	})
}

// preflight answers the question of a browser whether a script may send a request.
func preflight(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", "*, Authorization") // the wildcard does not include Authorization
	w.WriteHeader(http.StatusNoContent)
}

// readOAuthForm reads the body of a request to an endpoint that takes a form. No parameter except resource may be repeated
// (RFC 6749 section 3.2). The query of the address is ignored, because addresses are logged.
func readOAuthForm(r *http.Request) (url.Values, *apiError) {
	if mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); mediaType != "application/x-www-form-urlencoded" {
		return nil, oauthError("invalid_request", "The body must be application/x-www-form-urlencoded.")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil || len(body) > maxRequest {
		return nil, oauthError("invalid_request", "The request body could not be read.")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, oauthError("invalid_request", "The request body is not a form.")
	}
	if name := repeated(form); name != "" {
		return nil, oauthError("invalid_request", "The parameter "+name+" is repeated.")
	}
	return form, nil
}

// repeated returns the name of a parameter that must not be repeated and is, or "".
func repeated(form url.Values) string {
	for name, values := range form {
		if len(values) > 1 && name != "resource" {
			return name
		}
	}
	return ""
}

// writeOAuth sends a response with a secret, or an error, which no cache may store (RFC 6749 section 5.1).
func writeOAuth(w http.ResponseWriter, status int, body any, apiErr *apiError) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	if apiErr == nil {
		write(w, status, body)
		return
	}
	if apiErr.OAuthError == "invalid_client" {
		apiErr.status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `Basic realm="oauth2"`) // RFC 6749 section 5.2
	}
	write(w, cmp.Or(apiErr.status, http.StatusBadRequest), apiErr)
}

// authenticateClient returns the client that sends a request: with HTTP Basic authentication, with client_id and client_secret in
// the body, or a public client with client_id alone (RFC 6749 section 2.3.1). f.mu is held.
func (f *Server) authenticateClient(r *http.Request, form url.Values) (*oauthClient, *apiError) {
	id, secret := form.Get("client_id"), form.Get("client_secret")
	if r.Header.Get("Authorization") != "" {
		name, password, ok := r.BasicAuth()
		name, err := url.QueryUnescape(name)
		password, err2 := url.QueryUnescape(password)
		switch {
		case !ok || err != nil || err2 != nil:
			return nil, oauthError("invalid_client", "The Authorization header must have HTTP Basic credentials.")
		case secret != "", id != "" && id != name:
			return nil, oauthError("invalid_request", "The client must authenticate in one way only.")
		}
		id, secret = name, password
	}
	c := f.oauth.clients[id]
	if c == nil || c.secret != secret {
		return nil, oauthError("invalid_client", "Invalid client ID or client secret.")
	}
	return c, nil
}
