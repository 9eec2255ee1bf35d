// Authorized applications: the Connect applications to which users have given access, and the API calls for them.

package authkittest

import (
	"cmp"
	"slices"
	"time"
)

// AuthorizedApplication is the access of a Connect application to the account of a user.
type AuthorizedApplication struct {
	ID             string // of the access; random when empty
	ApplicationID  string // "conn_app_…"; derived from Name when empty
	ClientID       string // "client_…"; derived from Name when empty
	Name           string
	OrganizationID string   // the organization that the application belongs to; empty for an application of your own
	Scopes         []string // the scopes that the user has granted
	OAuthResource  string   // the resource indicator (RFC 8707); may be empty

	userID     string
	createdAt  time.Time
	consentID  string   // the sid of its tokens
	resources  []string // all of its resource indicators; OAuthResource is the first
	registered bool     // the client registered itself
}

// AuthorizeApplication gives a Connect application access to the account of the user with this email address, as the user does at a
// consent page. It returns the access with its IDs. A client with its ClientID, that requests no other scope or resource, then gets
// a code without a consent page. It panics if the user does not exist.
func (f *Server) AuthorizeApplication(email string, a AuthorizedApplication) AuthorizedApplication {
	f.mu.Lock()
	defer f.mu.Unlock()
	a.userID, a.createdAt = f.mustAccount(email).ID, f.clock.Now()
	a.ID = cmp.Or(a.ID, newID("authorized_connect_app"))
	a.ApplicationID = cmp.Or(a.ApplicationID, stableID("conn_app", a.Name))
	a.ClientID = cmp.Or(a.ClientID, stableID("client", a.Name))
	a.Scopes = slices.Clone(a.Scopes)
	a.consentID = newID("app_consent")
	if a.OAuthResource != "" {
		a.resources = []string{a.OAuthResource}
	}
	f.authorizedApps = append(f.authorizedApps, a)
	a.Scopes = slices.Clone(a.Scopes)
	return a
}

type authorizedObject struct {
	Object        string            `json:"object"`
	ID            string            `json:"id"`
	Scopes        []string          `json:"granted_scopes"`
	OAuthResource string            `json:"oauth_resource,omitempty"`
	Application   applicationObject `json:"application"`
	UserID        string            `json:"user_id,omitempty"` // only in the list of an organization
}

type applicationObject struct {
	Object         string     `json:"object"`
	ID             string     `json:"id"`
	ClientID       string     `json:"client_id"`
	Name           string     `json:"name"`
	Description    *string    `json:"description"` // always null
	Type           string     `json:"application_type"`
	Scopes         []string   `json:"scopes"`
	RedirectURIs   []struct{} `json:"redirect_uris"` // always empty
	UsesPKCE       bool       `json:"uses_pkce"`
	FirstParty     bool       `json:"is_first_party"`
	Registered     *bool      `json:"was_dynamically_registered,omitempty"` // only if it is not first-party
	OrganizationID string     `json:"organization_id,omitempty"`
	CreatedAt      string     `json:"created_at"`
	UpdatedAt      string     `json:"updated_at"`
}

func (a AuthorizedApplication) object() authorizedObject {
	scopes := append([]string{}, a.Scopes...)
	o := authorizedObject{
		Object: "authorized_connect_application", ID: a.ID, Scopes: scopes, OAuthResource: a.OAuthResource,
		Application: applicationObject{
			Object: "connect_application", ID: a.ApplicationID, ClientID: a.ClientID, Name: a.Name, Type: "oauth", Scopes: scopes,
			RedirectURIs: []struct{}{}, UsesPKCE: true, FirstParty: a.OrganizationID == "" && !a.registered, OrganizationID: a.OrganizationID,
			CreatedAt: timestamp(a.createdAt), UpdatedAt: timestamp(a.createdAt),
		},
	}
	if !o.Application.FirstParty {
		o.Application.Registered = &a.registered
	}
	return o
}

// listUserAuthorizedApplications answers RouteListUserAuthorizedApplications.
func (f *Server) listUserAuthorizedApplications(c *call) (any, *apiError) {
	user, apiErr := f.userOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	found := slices.DeleteFunc(slices.Clone(f.authorizedApps), func(a AuthorizedApplication) bool { return a.userID != user.ID })
	return page(c, found, func(a AuthorizedApplication) string { return a.ID }, AuthorizedApplication.object)
}

// listOrganizationAuthorizedApplications answers RouteListOrganizationAuthorizedApplications: the applications of its members.
func (f *Server) listOrganizationAuthorizedApplications(c *call) (any, *apiError) {
	i, apiErr := f.organizationOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	found := slices.DeleteFunc(slices.Clone(f.authorizedApps), func(a AuthorizedApplication) bool {
		_, member := f.accountByID(a.userID).membership(f.organizations[i].ID)
		return !member
	})
	return page(c, found, func(a AuthorizedApplication) string { return a.ID }, func(a AuthorizedApplication) authorizedObject {
		o := a.object()
		o.UserID = a.userID
		return o
	})
}

// deleteUserAuthorizedApplication answers RouteDeleteUserAuthorizedApplication. The path has the ID or the client ID of the
// application.
func (f *Server) deleteUserAuthorizedApplication(c *call) (any, *apiError) {
	user, apiErr := f.userOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	if id := c.PathValue("application_id"); !f.removeAuthorizedApplication(user.ID, id) {
		return nil, notFound("Authorized application", id)
	}
	return nil, nil
}

// removeAuthorizedApplication ends the access of an application, by its ID or client ID, and reports whether it had any.
func (f *Server) removeAuthorizedApplication(userID, id string) bool {
	before := len(f.authorizedApps)
	f.authorizedApps = slices.DeleteFunc(f.authorizedApps, func(a AuthorizedApplication) bool {
		return a.userID == userID && (a.ApplicationID == id || a.ClientID == id)
	})
	return len(f.authorizedApps) < before
}
