// POST /user_management/authenticate: reads the request, and defines the response of all grants.

package authkittest

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"
)

// parameters are the members of the request.
type parameters map[string]string

// grant is a supported grant type. run is called with f.mu held.
type grant struct {
	run    func(*Server, parameters) (*authentication, *apiError)
	secret bool // the client secret is required
}

var grants = map[string]grant{
	"authorization_code": {run: (*Server).exchangeCode},
	"refresh_token":      {run: (*Server).refresh},
	"password":           {run: (*Server).passwordGrant, secret: true},
	"urn:workos:oauth:grant-type:magic-auth:code":            {run: (*Server).magicAuthGrant, secret: true},
	"urn:workos:oauth:grant-type:email-verification:code":    {run: (*Server).emailVerificationGrant, secret: true},
	"urn:workos:oauth:grant-type:mfa-totp":                   {run: (*Server).totpGrant, secret: true},
	"urn:workos:oauth:grant-type:organization-selection":     {run: (*Server).organizationGrant, secret: true},
	"urn:workos:oauth:grant-type:radar-email-challenge:code": {run: (*Server).radarEmailGrant, secret: true},
	"urn:workos:oauth:grant-type:radar-sms-challenge:code":   {run: (*Server).radarSMSGrant, secret: true},
	"urn:ietf:params:oauth:grant-type:device_code":           {run: (*Server).deviceGrant},
}

// grantRoute returns the route of a single grant.
func grantRoute(grantType string) Route { return RouteAuthenticate + " " + Route(grantType) }

// authenticate answers RouteAuthenticate. It reads the body before it counts the call, because the grant type decides the
// route of the call.
func (f *Server) authenticate(w http.ResponseWriter, r *http.Request) {
	p, apiErr := readParameters(r)
	grantType := p["grant_type"]
	routes := []Route{grantRoute(grantType), RouteAuthenticate}
	run := func(_ *http.Request, grantType string, p parameters) (*authentication, *apiError) {
		return f.grant(grantType, p)
	}
	if grantType == "refresh_token" {
		refresh := &refreshCall{ResponseWriter: w, f: f}
		defer refresh.unlock()
		w, run = refresh, refresh.run
	}
	answer := func(w http.ResponseWriter, r *http.Request) {
		if apiErr != nil {
			apiErr.write(w)
			return
		}
		apiErr := f.rateLimitError()
		var response *authentication
		if apiErr == nil {
			response, apiErr = run(r, grantType, p)
		}
		if apiErr == nil {
			write(w, http.StatusOK, response)
			return
		}
		if apiErr.status == http.StatusTooManyRequests {
			f.traffic.limit(routes)
			f.calls.noteFault() // its caller waits before it tries again
		}
		apiErr.write(w)
	}
	f.handleCall(w, r, answer, routes...)
}

func (f *Server) grant(grantType string, p parameters) (*authentication, *apiError) {
	grant, known := grants[grantType]
	switch secret, sent := p["client_secret"]; {
	case grantType == "":
		return nil, oauthError("invalid_request", "The grant_type parameter is required.")
	case !known:
		return nil, oauthError("invalid_request", "The grant_type is not supported.")
	case p["client_id"] == "":
		return nil, oauthError("invalid_request", "The client_id parameter is required.")
	case p["client_id"] != f.clientID:
		return nil, oauthError("invalid_client", "Invalid client ID.")
	case sent && secret != f.apiKey: // a public client omits it; an empty secret is wrong
		return nil, oauthError("invalid_client", "Invalid client secret.")
	case grant.secret && !sent:
		return nil, p.require("client_secret")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prune()
	return grant.run(f, p)
}

// require returns an error for the first parameter that is missing, or nil.
func (p parameters) require(names ...string) *apiError {
	for _, name := range names {
		if p[name] == "" {
			return oauthError("invalid_request", "The "+name+" parameter is required.")
		}
	}
	return nil
}

// signInResult returns the result of a sign-in that this request has just completed.
func (p parameters) signInResult(user *account, method string, now time.Time) signInResult {
	return signInResult{
		userID: user.ID, method: method, authTime: now, ipAddress: p["ip_address"], userAgent: p["user_agent"],
	}
}

// readParameters reads a JSON object of strings, or a form. Production accepts both for every grant.
func readParameters(r *http.Request) (parameters, *apiError) {
	malformed := oauthError("invalid_request", "The request body could not be read.")
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		return nil, malformed
	}
	p := parameters{}
	if mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); mediaType == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, malformed
		}
		for name := range form {
			p[name] = form.Get(name)
		}
		return p, nil
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, malformed
	}
	return p, nil
}

// authentication is the response to every grant that succeeds. Like production, it omits members that have no value.
type authentication struct {
	User                 userObject          `json:"user"`
	OrganizationID       string              `json:"organization_id,omitempty"`
	AccessToken          string              `json:"access_token"`
	RefreshToken         string              `json:"refresh_token"`
	AuthenticationMethod string              `json:"authentication_method"`
	Impersonator         *impersonatorObject `json:"impersonator,omitempty"`
	OAuthTokens          *oauthTokens        `json:"oauth_tokens,omitempty"`
}

type impersonatorObject struct {
	Email  string  `json:"email"`
	Reason *string `json:"reason"`
}
