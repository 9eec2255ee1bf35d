// GET /user_management/authorize: checks an authorization request, and redirects back to the application.

package authkittest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// authorizationLifetime is how long the sign-in pages of one authorization request work.
const authorizationLifetime = time.Hour

// providers are the valid values of provider. With authkit, the user chooses the authentication method.
var providers = strings.Fields(`authkit AppleOAuth BitbucketOAuth GitHubOAuth GitLabOAuth GoogleOAuth IntuitOAuth LinkedInOAuth
	MicrosoftOAuth SalesforceOAuth SlackOAuth VercelMarketplaceOAuth VercelOAuth XeroOAuth`)

// authorization is an authorization request whose sign-in is not finished. The browser has only its ID.
type authorization struct {
	id             string
	redirectURI    string
	state          string
	challenge      string
	organizationID string // the organization_id of the request
	method         string // from provider or connection_id; empty for the hosted pages of authkit
	hint           string // the login_hint of the request
	providerScopes []string
	invitation     *invitation    // of the invitation_token; nil for none
	device         *device        // set for device authorization, which has no redirect URI
	client         *clientRequest // set for a client of WorkOS Connect
	result         signInResult
	radar          *radarCheck // the challenge of the sign-in on the hosted pages; nil for none
	expiresAt      time.Time
}

// authorize answers RouteAuthorize. A wrong client ID or redirect URI is shown on a page of the fake. All other errors go
// to the redirect URI (RFC 6749 section 4.1.2.1).
func (f *Server) authorize(r *http.Request) pageResponse {
	q := r.URL.Query()
	redirectURI := q.Get("redirect_uri")
	switch {
	case q.Get("client_id") != f.clientID:
		return notice(http.StatusBadRequest, "Unknown application", "No application has the client ID of this request.")
	case !f.accepts(redirectURI):
		return notice(http.StatusBadRequest, "Redirect URI not registered",
			"The redirect URI of the request is not registered for the application: "+redirectURI)
	}
	a := &authorization{
		id:             newID("authorization"),
		redirectURI:    redirectURI,
		state:          q.Get("state"),
		challenge:      q.Get("code_challenge"),
		organizationID: q.Get("organization_id"),
		hint:           q.Get("login_hint"),
		expiresAt:      f.clock.Now().Add(authorizationLifetime),
	}
	if code, description := f.authorizationError(q); code != "" {
		return a.refuse(code, description)
	}
	switch provider := q.Get("provider"); provider {
	case "authkit":
	case "": // only an organization or a connection: single sign-on
		a.method = "SSO"
		if o, exists := f.organizationWith(q.Get("connection_id")); exists {
			a.organizationID = o.ID
		}
	default:
		a.method = provider
	}
	if i := f.invitationWith(q.Get("invitation_token")); i != nil {
		a.invitation, a.hint = i, i.email
	}
	if q.Has("provider_scopes") {
		a.providerScopes = scopesOf(q)
	}
	f.authorizations[a.id] = a
	if result, found := f.browserSession(r); found && f.satisfies(result, a, q) {
		a.result = result
		next := f.continueSignIn(a)
		if next.status == http.StatusSeeOther {
			next.status = http.StatusFound // 303 answers the form of a page; this request is a GET
		}
		return next
	}
	if q.Get("screen_hint") == "sign-up" || a.invitation != nil && f.accountByEmail(a.invitation.email) == nil {
		return redirect(http.StatusFound, a.path()+"/sign-up")
	}
	return redirect(http.StatusFound, a.path())
}

// authorizationError checks a request and returns the error code and description for the callback. Both are empty for a
// valid request.
func (f *Server) authorizationError(q url.Values) (code, description string) {
	provider, connection, organizationID := q.Get("provider"), q.Get("connection_id"), q.Get("organization_id")
	switch {
	case q.Get("response_type") != "code":
		return "unsupported_response_type", "The response_type must be code."
	case provider == "" && connection == "" && organizationID == "":
		return "invalid_connection_selector", "One of provider, connection_id and organization_id is required."
	case connection != "" && provider+organizationID != "", organizationID != "" && provider != "" && provider != "authkit":
		return "ambiguous_connection_selector", "Only one of provider, connection_id and organization_id is allowed."
	case provider != "" && !slices.Contains(providers, provider):
		return "invalid_connection_selector", "The provider is not supported."
	}
	switch {
	case q.Has("provider_scopes") && provider == "":
		return "invalid_request", "provider_scopes requires a provider."
	case q.Has("provider_scopes") && slices.Contains(scopesOf(q), ""):
		return "invalid_request", "provider_scopes must be scopes, separated by commas."
	}
	if _, exists := f.organization(organizationID); organizationID != "" && !exists {
		return "organization_invalid", "The organization does not exist."
	}
	if _, exists := f.organizationWith(connection); connection != "" && !exists {
		return "connection_invalid", "The connection does not exist."
	}
	if token := q.Get("invitation_token"); token != "" {
		if i := f.invitationWith(token); i == nil || i.state(f.clock.Now()) != invitationPending {
			return "invitation_invalid", "The invitation is invalid, has expired or was accepted already."
		}
	}
	challenge, method := q.Get("code_challenge"), q.Get("code_challenge_method")
	if q.Has("code_challenge") != q.Has("code_challenge_method") {
		return "invalid_request", "code_challenge and code_challenge_method must be sent together."
	}
	if q.Has("code_challenge") && (method != "S256" || len(challenge) != len(challengeOf(""))) {
		return "invalid_request", "The code_challenge_method must be S256, and code_challenge a SHA-256 digest in base64url."
	}
	if !validMaxAge(q) {
		return "invalid_request", "max_age must be a number of seconds."
	}
	if hint := q.Get("screen_hint"); hint != "" && hint != "sign-in" && hint != "sign-up" {
		return "invalid_request", "screen_hint must be sign-in or sign-up."
	}
	return "", ""
}

// validMaxAge reports whether the max_age of a request is a number of seconds, or missing.
func validMaxAge(q url.Values) bool {
	_, err := strconv.ParseUint(q.Get("max_age"), 10, 31)
	return q.Get("max_age") == "" || err == nil
}

// scopesOf returns the provider_scopes of an authorization request. They are separated by commas, or sent as several
// parameters.
func scopesOf(q url.Values) []string {
	return strings.Split(strings.Join(q["provider_scopes"], ","), ",")
}

// direct reports whether the sign-in goes to a provider or a connection, and not through the hosted pages.
func (a *authorization) direct() bool { return a.method != "" }

// continueSignIn redirects a signed-in user to the organization page if there is a choice, else back to the application. A
// sign-in at a provider or a connection has no further page. The code exchange returns what it lacks, as in production.
func (f *Server) continueSignIn(a *authorization) pageResponse {
	user := f.accountByID(a.result.userID)
	memberships := user.activeMemberships()
	if !a.direct() {
		f.verifyEmail(user) // the page of production would ask for a code
	}
	switch {
	case a.organizationID != "":
		a.result.organizationID = a.organizationID
	case a.invitation != nil && a.invitation.organizationID != "":
		a.result.organizationID = a.invitation.organizationID
	case a.direct():
	case len(memberships) == 1:
		a.result.organizationID = memberships[0].OrganizationID
	case len(memberships) > 1:
		return redirect(http.StatusSeeOther, a.path()+"/organization")
	}
	return f.finishAuthorization(a)
}

// finishAuthorization redirects the browser to the application with a code and removes the authorization, so that its
// pages no longer work. For a device it redirects to the confirmation page instead, and for a client to the consent page. Before that, a user whom Radar challenges
// enters the code on a page.
func (f *Server) finishAuthorization(a *authorization) pageResponse {
	if user := f.accountByID(a.result.userID); user.RadarChallenge != "" && !a.result.radarPassed && !a.direct() {
		a.radar = f.challengeUser(user)
		return redirect(http.StatusSeeOther, a.path()+"/radar")
	}
	if q := f.signInQuestion(a); q != nil {
		return pageResponse{question: q}
	}
	if i := a.invitation; i != nil && i.state(f.clock.Now()) == invitationPending {
		a.result = f.withInvitation(i, f.accountByID(a.result.userID), a.result)
		if a.organizationID != "" {
			a.result.organizationID = a.organizationID
		}
		if !a.direct() {
			_ = f.acceptAtSignIn(&a.result) // the invitation is pending
		}
	}
	if a.device != nil {
		return redirect(http.StatusSeeOther, a.path()+"/device")
	}
	if a.client != nil {
		return f.finishClientRequest(a)
	}
	delete(f.authorizations, a.id)
	code := issuedCode{signInResult: a.result, challenge: a.challenge, direct: a.direct()}
	if !code.direct {
		code.signInResult = f.withRequirementsMet(a.result)
	}
	code.providerScopes = a.providerScopes
	return a.answer(url.Values{"code": {f.issueCode(code)}})
}

func (a *authorization) refuse(code, description string) pageResponse {
	return a.answer(url.Values{"error": {code}, "error_description": {description}})
}

// answer redirects to the application. The redirect URI may already have a query.
func (a *authorization) answer(params url.Values) pageResponse {
	if a.state != "" {
		params.Set("state", a.state)
	}
	if a.client != nil {
		params.Set("iss", a.client.issuer) // RFC 9207
	}
	return redirect(http.StatusFound, withQuery(a.redirectURI, params))
}

// path returns the path of the sign-in pages of this authorization.
func (a *authorization) path() string { return "/sign-in/" + a.id }

// registered reports whether uri is in list. If list is empty, it reports whether uri is an http or https URI on a
// loopback host.
func registered(uri string, list []string) bool {
	u, err := url.Parse(uri)
	if len(list) > 0 {
		return err == nil && slices.Contains(list, uri)
	}
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	return isLoopback(u)
}

// withQuery adds parameters to the query of a URI and changes nothing else.
func withQuery(uri string, params url.Values) string {
	separator := "?"
	if strings.Contains(uri, "?") {
		separator = "&"
	}
	return uri + separator + params.Encode()
}
