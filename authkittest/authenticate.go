// POST /user_management/authenticate: reading the request, and the reply that all grants share.

package authkittest

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"
)

// parameters are the members of an authenticate request.
type parameters map[string]string

// grant is a grant type that the fake knows. It runs with the fake's lock held.
type grant struct {
	run    func(*Server, parameters) (*authentication, *apiError)
	secret bool // without the client secret it is refused
}

var grants = map[string]grant{
	"authorization_code": {run: (*Server).exchangeCode},
	"refresh_token":      {run: (*Server).refresh},
	"password":           {run: (*Server).passwordGrant, secret: true},
	"urn:workos:oauth:grant-type:magic-auth:code":         {run: (*Server).magicAuthGrant, secret: true},
	"urn:workos:oauth:grant-type:email-verification:code": {run: (*Server).emailVerificationGrant, secret: true},
	"urn:workos:oauth:grant-type:mfa-totp":                {run: (*Server).totpGrant, secret: true},
	"urn:workos:oauth:grant-type:organization-selection":  {run: (*Server).organizationGrant, secret: true},
	"urn:ietf:params:oauth:grant-type:device_code":        {run: (*Server).deviceGrant},
}

// grantRoute is the route of a single grant.
func grantRoute(grantType string) Route { return RouteAuthenticate + " " + Route(grantType) }

// authenticate answers RouteAuthenticate. It reads the body before the call is counted, because the grant decides which
// route the call belongs to.
func (f *Server) authenticate(w http.ResponseWriter, r *http.Request) {
	p, apiErr := readParameters(r)
	grantType := p["grant_type"]
	answer := func(w http.ResponseWriter, _ *http.Request) {
		if apiErr != nil {
			apiErr.write(w)
			return
		}
		reply, apiErr := f.grant(grantType, p)
		if apiErr != nil {
			apiErr.write(w)
			return
		}
		write(w, http.StatusOK, reply)
	}
	f.handleCall(w, r, answer, grantRoute(grantType), RouteAuthenticate)
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
	case sent && secret != f.apiKey: // a public client leaves it out; an empty one is wrong
		return nil, oauthError("invalid_client", "Invalid client secret.")
	case grant.secret && !sent:
		return nil, p.require("client_secret")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prune()
	return grant.run(f, p)
}

// require tells which of the parameters is missing, if one is.
func (p parameters) require(names ...string) *apiError {
	for _, name := range names {
		if p[name] == "" {
			return oauthError("invalid_request", "The "+name+" parameter is required.")
		}
	}
	return nil
}

// identity is that of a user who has just proved, by this request, who they are.
func (p parameters) signInResult(user *account, method string, now time.Time) signInResult {
	return signInResult{
		userID: user.ID, method: method, authTime: now, ipAddress: p["ip_address"], userAgent: p["user_agent"],
	}
}

// readParameters reads a JSON object of strings, or a form: production takes both for every grant.
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

// authentication is the reply to every grant that succeeds. What production leaves out when there is none is left out.
type authentication struct {
	User                 userObject          `json:"user"`
	OrganizationID       string              `json:"organization_id,omitempty"`
	AccessToken          string              `json:"access_token"`
	RefreshToken         string              `json:"refresh_token"`
	AuthenticationMethod string              `json:"authentication_method"`
	Impersonator         *impersonatorObject `json:"impersonator,omitempty"`
}

type impersonatorObject struct {
	Email  string  `json:"email"`
	Reason *string `json:"reason"`
}
