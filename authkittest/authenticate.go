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

// maxRequest bounds the body of a request.
const maxRequest = 1 << 20

// parameters are the members of an authenticate request.
type parameters map[string]string

// grants are the grant types that the fake knows. Each runs with the fake's lock held.
var grants = map[string]func(*AuthKit, parameters) (*authentication, *refusal){
	"authorization_code": (*AuthKit).exchangeCode,
	"refresh_token":      (*AuthKit).refresh,
}

// grantRoute is the route of a single grant.
func grantRoute(grantType string) Route { return RouteAuthenticate + " " + Route(grantType) }

// authenticate answers RouteAuthenticate. It reads the body before the call is counted, because the grant decides which
// route the call belongs to.
func (f *AuthKit) authenticate(w http.ResponseWriter, r *http.Request) {
	p, no := readParameters(r)
	grantType := p["grant_type"]
	answer := func(w http.ResponseWriter, _ *http.Request) {
		if no != nil {
			write(w, http.StatusBadRequest, no)
			return
		}
		reply, no := f.grant(grantType, p)
		if no != nil {
			write(w, http.StatusBadRequest, no)
			return
		}
		write(w, http.StatusOK, reply)
	}
	f.admit(w, r, answer, grantRoute(grantType), RouteAuthenticate)
}

func (f *AuthKit) grant(grantType string, p parameters) (*authentication, *refusal) {
	grant, known := grants[grantType]
	switch secret, sent := p["client_secret"]; {
	case grantType == "":
		return nil, oauthRefusal("invalid_request", "The grant_type parameter is required.")
	case !known:
		return nil, oauthRefusal("invalid_request", "The grant_type is not supported.")
	case p["client_id"] == "":
		return nil, oauthRefusal("invalid_request", "The client_id parameter is required.")
	case p["client_id"] != f.clientID:
		return nil, oauthRefusal("invalid_client", "Invalid client ID.")
	case sent && secret != f.apiKey: // a public client leaves it out; an empty one is wrong
		return nil, oauthRefusal("invalid_client", "Invalid client secret.")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prune()
	return grant(f, p)
}

// readParameters reads a JSON object of strings, or a form: production takes both for every grant.
func readParameters(r *http.Request) (parameters, *refusal) {
	malformed := oauthRefusal("invalid_request", "The request body could not be read.")
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

type userObject struct {
	Object            string            `json:"object"`
	ID                string            `json:"id"`
	Email             string            `json:"email"`
	EmailVerified     bool              `json:"email_verified"`
	FirstName         *string           `json:"first_name"`
	LastName          *string           `json:"last_name"`
	Name              *string           `json:"name"`
	ProfilePictureURL *string           `json:"profile_picture_url"`
	ExternalID        *string           `json:"external_id"`
	Metadata          map[string]string `json:"metadata"`
	Locale            *string           `json:"locale"`
	LastSignInAt      *string           `json:"last_sign_in_at"`
	CreatedAt         string            `json:"created_at"`
	UpdatedAt         string            `json:"updated_at"`
}

func (a *account) object() userObject {
	metadata := a.Metadata
	if metadata == nil {
		metadata = map[string]string{}
	}
	var lastSignInAt *string
	if !a.lastSignInAt.IsZero() {
		lastSignInAt = orNull(timestamp(a.lastSignInAt))
	}
	return userObject{
		Object:            "user",
		ID:                a.ID,
		Email:             a.Email,
		EmailVerified:     true,
		FirstName:         orNull(a.FirstName),
		LastName:          orNull(a.LastName),
		Name:              orNull(a.fullName()),
		ProfilePictureURL: orNull(a.ProfilePictureURL),
		ExternalID:        orNull(a.ExternalID),
		Metadata:          metadata,
		Locale:            orNull(a.Locale),
		LastSignInAt:      lastSignInAt,
		CreatedAt:         timestamp(a.createdAt),
		UpdatedAt:         timestamp(a.updatedAt),
	}
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// timestamp is ISO 8601 in UTC with milliseconds.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
