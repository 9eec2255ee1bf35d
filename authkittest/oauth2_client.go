// The clients of WorkOS Connect: dynamic registration (RFC 7591), redirect URIs, and machines.

package authkittest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// The ways in which a client authenticates at the token endpoint.
const (
	authNone  = "none" // a public client
	authPost  = "client_secret_post"
	authBasic = "client_secret_basic"
)

// oauthClient is an application that requests tokens.
type oauthClient struct {
	id             string
	secret         string // empty for a public client
	name           string
	redirectURIs   []string
	grantTypes     []string
	scopes         []string // those it may request; none means all, except for a machine
	organizationID string   // of a machine
}

// clientMetadata is what a client says of itself, in a registration or in a client ID metadata document (RFC 7591 section 2).
type clientMetadata struct {
	ClientID      string   `json:"client_id,omitempty"` // of a document
	Name          string   `json:"client_name,omitempty"`
	RedirectURIs  []string `json:"redirect_uris"`
	GrantTypes    []string `json:"grant_types"`
	ResponseTypes []string `json:"response_types"`
	AuthMethod    string   `json:"token_endpoint_auth_method"`
	Scope         string   `json:"scope,omitempty"`
}

// registration is the answer to a registration (RFC 7591 section 3.2.1).
type registration struct {
	clientMetadata
	Secret          string `json:"client_secret,omitempty"`
	IssuedAt        int64  `json:"client_id_issued_at"`
	SecretExpiresAt *int64 `json:"client_secret_expires_at,omitempty"` // 0, which means never; only with a secret
}

// registerClient answers RouteOAuthRegister.
func (f *Server) registerClient(w http.ResponseWriter, r *http.Request) {
	var m clientMetadata
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil || json.Unmarshal(body, &m) != nil {
		writeOAuth(w, 0, nil, oauthError("invalid_client_metadata", "The body must be a JSON object with the metadata of the client."))
		return
	}
	answer, apiErr := f.addClient(m)
	writeOAuth(w, http.StatusCreated, answer, apiErr)
}

func (f *Server) addClient(m clientMetadata) (registration, *apiError) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, apiErr := f.clientWith(&m)
	if apiErr != nil {
		return registration{}, apiErr
	}
	c.id = newID("client")
	f.oauth.clients[c.id] = c
	m.ClientID = c.id
	answer := registration{clientMetadata: m, IssuedAt: f.clock.Now().Unix()}
	if m.AuthMethod != authNone {
		c.secret = rand.Text() + rand.Text()
		answer.Secret, answer.SecretExpiresAt = c.secret, new(int64)
	}
	return answer, nil
}

// clientWith checks the metadata of a client, sets the defaults of RFC 7591 in it and returns the client without an ID.
func (f *Server) clientWith(m *clientMetadata) (*oauthClient, *apiError) {
	if m.AuthMethod == "" {
		m.AuthMethod = authBasic
	}
	if len(m.GrantTypes) == 0 {
		m.GrantTypes = []string{"authorization_code"}
	}
	if len(m.ResponseTypes) == 0 {
		m.ResponseTypes = []string{"code"}
	}
	refuse := func(text string) (*oauthClient, *apiError) { return nil, oauthError("invalid_client_metadata", text) }
	scopes := strings.Fields(m.Scope)
	switch {
	case !contains([]string{authNone, authPost, authBasic}, m.AuthMethod):
		return refuse("The token_endpoint_auth_method must be none, client_secret_post or client_secret_basic.")
	case !contains([]string{"authorization_code", "refresh_token"}, m.GrantTypes...) || !slices.Contains(m.GrantTypes, "authorization_code"):
		return refuse("The grant_types must be authorization_code, with or without refresh_token.")
	case !contains([]string{"code"}, m.ResponseTypes...):
		return refuse("The response_types must be code.")
	case !contains(f.scopesSupported(), scopes...):
		return refuse("The scope has a scope that is not supported.")
	case len(m.RedirectURIs) == 0:
		return nil, oauthError("invalid_redirect_uri", "A client needs a redirect URI.")
	}
	for _, uri := range m.RedirectURIs {
		if problem := redirectURIProblem(uri); problem != "" {
			return nil, oauthError("invalid_redirect_uri", "A redirect URI "+problem+".")
		}
	}
	return &oauthClient{name: m.Name, redirectURIs: m.RedirectURIs, grantTypes: m.GrantTypes, scopes: scopes}, nil
}

// contains reports whether list has all of the values.
func contains(list []string, values ...string) bool {
	return !slices.ContainsFunc(values, func(value string) bool { return !slices.Contains(list, value) })
}

// redirectURIProblem returns why a client cannot have a redirect URI, or "".
func redirectURIProblem(uri string) string {
	u, err := url.Parse(uri)
	switch {
	case err != nil || u.Host == "" && !isPrivateUse(u):
		return "is not an absolute URI"
	case strings.Contains(uri, "#"):
		return "has a fragment"
	case u.User != nil:
		return "has a user name"
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u)) && !isPrivateUse(u):
		return "is neither https, nor http on a loopback host, nor of a private-use scheme such as com.example.app"
	}
	return ""
}

// isPrivateUse reports whether an address is one of a native application, such as com.example.app:/callback. The scheme is the
// reversed domain of its developer, so it has a period (RFC 8252 sections 7.1 and 8.4).
func isPrivateUse(u *url.URL) bool {
	return strings.Contains(u.Scheme, ".") && (u.Host != "" || strings.HasPrefix(u.Path, "/"))
}

// isLoopback reports whether an address is on this machine.
func isLoopback(u *url.URL) bool {
	host := u.Hostname()
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}

// redirectsTo reports whether the client has a redirect URI. It must be equal in every character, except that an http URI on a
// loopback host may have any port (RFC 8252 section 7.3).
func (c *oauthClient) redirectsTo(uri string) bool {
	return slices.ContainsFunc(c.redirectURIs, func(registered string) bool {
		return uri == registered || withoutLoopbackPort(registered) != "" && withoutLoopbackPort(uri) == withoutLoopbackPort(registered)
	})
}

// withoutLoopbackPort returns an http URI on a loopback host without its port, or "" for any other URI.
func withoutLoopbackPort(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || redirectURIProblem(uri) != "" || u.Scheme != "http" {
		return ""
	}
	before, after, _ := strings.Cut(uri, u.Host)
	return before + u.Hostname() + after
}

// AddMachine adds a machine-to-machine application of WorkOS Connect, as the dashboard does, and returns its credentials for the
// client_credentials grant. Its tokens are for the organization, which must exist. The scopes are those that it may request, and
// those that it gets if it requests none. AddMachine panics if the organization does not exist.
//
// See https://workos.com/docs/authkit/connect/m2m
func (f *Server) AddMachine(organizationID string, scopes ...string) (clientID, clientSecret string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, exists := f.organization(organizationID); !exists {
		panic(fmt.Sprintf("authkittest: AddMachine: no organization has the ID %q", organizationID))
	}
	c := f.addMachine(organizationID, scopes)
	return c.id, c.secret
}

// addMachine is AddMachine for an organization that exists. f.mu is held.
func (f *Server) addMachine(organizationID string, scopes []string) *oauthClient {
	c := &oauthClient{
		id: newID("client"), secret: rand.Text() + rand.Text(), grantTypes: []string{"client_credentials"},
		scopes: append([]string{}, scopes...), organizationID: organizationID,
	}
	f.oauth.clients[c.id] = c
	return c
}
