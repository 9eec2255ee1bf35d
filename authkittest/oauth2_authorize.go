// GET /oauth2/authorize: checks the authorization request of a client of WorkOS Connect. The user signs in on the pages of every
// authorization, and then consents.

package authkittest

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// clientRequest is what an authorization request of a client has besides that of the application.
type clientRequest struct {
	*oauthClient
	issuer    string
	scopes    []string
	resources []string
	nonce     string
	prompt    string
}

// oauthCode is an authorization code of a client. It is kept after its exchange, so that a replay is noticed.
type oauthCode struct {
	*oauthGrant
	redirectURI string
	challenge   string
	used        bool
	expiresAt   time.Time
}

// oauthAuthorize answers RouteOAuthAuthorize.
func (f *Server) oauthAuthorize(w http.ResponseWriter, r *http.Request) {
	page := f.authorizeClient
	if id := r.URL.Query().Get("client_id"); isDocumentURL(id) {
		if err := f.loadClientDocument(r.Context(), id); err != nil {
			page = func(*http.Request) pageResponse {
				return notice(http.StatusBadRequest, "Unknown client", "The client ID of the request is an address, but "+err.Error()+".")
			}
		}
	}
	f.browse(page)(w, r)
}

// authorizeClient starts the sign-in. A wrong client ID or redirect URI is shown on a page of the fake, because an error that is
// sent to an unchecked address makes an open redirector. All other errors go to the redirect URI (RFC 6749 section 4.1.2.1).
func (f *Server) authorizeClient(r *http.Request) pageResponse {
	q := r.URL.Query()
	c, redirectURI := f.oauth.clients[q.Get("client_id")], q.Get("redirect_uri")
	switch {
	case c == nil || len(q["client_id"]) > 1:
		return notice(http.StatusBadRequest, "Unknown client", "No client has the client ID of this request.")
	case !c.redirectsTo(redirectURI) || len(q["redirect_uri"]) > 1:
		return notice(http.StatusBadRequest, "Redirect URI not registered", "The client has not registered the redirect URI of the request.")
	}
	a := &authorization{
		id:          newID("authorization"),
		redirectURI: redirectURI,
		state:       q.Get("state"),
		challenge:   q.Get("code_challenge"),
		hint:        q.Get("login_hint"),
		expiresAt:   f.clock.Now().Add(authorizationLifetime),
		client: &clientRequest{
			oauthClient: c, issuer: f.base, scopes: scopesIn(q), nonce: q.Get("nonce"), prompt: q.Get("prompt"),
		},
	}
	if code, description := f.clientRequestError(c, q); code != "" {
		return a.refuse(code, description)
	}
	resources, apiErr := f.resourcesIn(q, f.oauth.resources)
	if apiErr != nil {
		return a.refuse(apiErr.OAuthError, apiErr.Description)
	}
	a.client.resources = resources
	f.authorizations[a.id] = a
	next := redirect(http.StatusFound, a.path())
	if result, found := f.browserSession(r); found && f.satisfies(result, a, q) {
		a.result = result
		if next = f.continueSignIn(a); next.status == http.StatusSeeOther {
			next.status = http.StatusFound // 303 answers the form of a page; this request is a GET
		}
	}
	if a.client.prompt == "none" && f.authorizations[a.id] != nil { // a page would come next
		delete(f.authorizations, a.id)
		if a.result.userID == "" {
			return a.refuse("login_required", "The user is not signed in.")
		}
		return a.refuse("interaction_required", "The user must choose an organization or consent.")
	}
	return next
}

// clientRequestError checks a request and returns the error code and description for the redirect URI. Both are empty for a valid
// request.
func (f *Server) clientRequestError(c *oauthClient, q url.Values) (code, description string) {
	name := repeated(q)
	switch {
	case name != "":
		return "invalid_request", "The parameter " + name + " is repeated."
	case q.Get("response_type") == "":
		return "invalid_request", "The response_type is required."
	case q.Get("response_type") != "code":
		return "unsupported_response_type", "The response_type must be code."
	case q.Has("response_mode") && q.Get("response_mode") != "query":
		return "invalid_request", "The response_mode must be query."
	case q.Get("code_challenge") == "":
		return "invalid_request", "The code_challenge is required (PKCE)."
	case q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != len(challengeOf("")):
		return "invalid_request", "The code_challenge_method must be S256, and code_challenge a SHA-256 digest in base64url."
	case !validMaxAge(q):
		return "invalid_request", "max_age must be a number of seconds."
	}
	scopes := scopesIn(q)
	if !contains(f.scopesSupported(), scopes...) || len(c.scopes) > 0 && !contains(c.scopes, scopes...) {
		return "invalid_scope", "A scope is not supported, or not registered for the client."
	}
	return "", ""
}

// scopesIn returns the scopes of a request, each once.
func scopesIn(q url.Values) []string {
	var scopes []string
	for _, scope := range strings.Fields(q.Get("scope")) {
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}

// resourcesIn returns the resources of a request (RFC 8707 section 2), each once. Each must be one of the allowed ones. An
// environment without resource indicators ignores the parameter.
func (f *Server) resourcesIn(q url.Values, allowed []string) ([]string, *apiError) {
	if len(f.oauth.resources) == 0 {
		return nil, nil
	}
	var resources []string
	for _, resource := range q["resource"] {
		if !slices.Contains(allowed, resource) {
			return nil, oauthError("invalid_target", "The resource is not a resource indicator of the environment, or was not authorized.")
		}
		if !slices.Contains(resources, resource) {
			resources = append(resources, resource)
		}
	}
	return resources, nil
}

// finishClientRequest asks the signed-in user for consent, unless the user has given it before.
func (f *Server) finishClientRequest(a *authorization) pageResponse {
	consent := f.consentOf(a.result.userID, a.client.id)
	if a.client.prompt == "consent" || consent == nil || !consent.covers(a.client.scopes, a.client.resources) {
		return redirect(http.StatusSeeOther, a.path()+"/consent")
	}
	return f.answerClient(a, consent.consentID)
}

// answerClient redirects the browser to the client with a code.
func (f *Server) answerClient(a *authorization, consentID string) pageResponse {
	delete(f.authorizations, a.id)
	code := rand.Text()
	f.oauth.codes[code] = &oauthCode{
		oauthGrant: &oauthGrant{
			clientID: a.client.id, userID: a.result.userID, organizationID: a.result.organizationID, consentID: consentID,
			scopes: a.client.scopes, resources: a.client.resources, nonce: a.client.nonce, authTime: a.result.authTime,
		},
		redirectURI: a.redirectURI, challenge: a.challenge, expiresAt: f.clock.Now().Add(codeLifetime),
	}
	return a.answer(url.Values{"code": {code}})
}
