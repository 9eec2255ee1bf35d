// Pipes: the providers whose accounts users can connect, and the page on which a user connects one.

package authkittest

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// DataProvider is a provider of Pipes, such as GitHub, whose accounts users can connect by OAuth.
type DataProvider struct {
	Slug         string // such as "github"
	Name         string // Slug when empty
	Description  string
	Scopes       []string // the scopes that an account of the pages has
	ConfigFields []string // what config of workos.AuthorizeConnectedAccountParams may have, such as "subdomain"

	id        string
	createdAt time.Time
}

// AddDataProvider adds a provider, as the WorkOS dashboard does. It panics if the slug is empty, or if there is a provider with it.
func (f *Server) AddDataProvider(p DataProvider) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.Slug == "" || f.providerWith(p.Slug) != nil {
		panic(fmt.Sprintf("authkittest: AddDataProvider: the slug %q is empty or used already", p.Slug))
	}
	p.Name = cmp.Or(p.Name, p.Slug)
	p.Scopes, p.ConfigFields = slices.Clone(p.Scopes), slices.Clone(p.ConfigFields)
	p.id, p.createdAt = newID("data_integration"), f.clock.Now()
	f.dataProviders = append(f.dataProviders, &p)
}

// ConnectAccount connects an account of the user with this email address at the provider with the given slug, as the user does on
// the page of workos.Client.AuthorizeConnectedAccount. organizationID may be empty. ConnectAccount panics if the user does not
// exist, if there is no such provider, or if the user is not a member of the organization.
func (f *Server) ConnectAccount(email, slug, organizationID string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	owner := accountOwner{f.mustAccount(email).ID, slug, organizationID}
	if apiErr := f.checkOwner(owner); apiErr != nil {
		panic("authkittest: ConnectAccount: " + apiErr.Message)
	}
	f.connect(owner)
}

func (f *Server) providerWith(slug string) *DataProvider {
	if i := slices.IndexFunc(f.dataProviders, func(p *DataProvider) bool { return p.Slug == slug }); i >= 0 {
		return f.dataProviders[i]
	}
	return nil
}

type dataProviderObject struct {
	Object          string               `json:"object"`
	ID              string               `json:"id"`
	Name            string               `json:"name"`
	Description     *string              `json:"description"`
	Slug            string               `json:"slug"`
	IntegrationType string               `json:"integration_type"`
	CredentialsType string               `json:"credentials_type"`
	Scopes          []string             `json:"scopes"` // null for none
	AuthMethods     []string             `json:"auth_methods"`
	Ownership       string               `json:"ownership"`
	Account         *listedAccountObject `json:"connected_account"`
	CreatedAt       string               `json:"created_at"`
	UpdatedAt       string               `json:"updated_at"`

	// The deprecated names of the same members.
	OldIntegrationType string `json:"integrationType"`
	OldCredentialsType string `json:"credentialsType"`
	OldCreatedAt       string `json:"createdAt"`
	OldUpdatedAt       string `json:"updatedAt"`
}

// listDataProviders answers RouteListDataProviders. This list is not paginated.
func (f *Server) listDataProviders(c *call) (any, *apiError) {
	user, apiErr := f.userOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	organizationID := c.URL.Query().Get("organization_id")
	if apiErr := user.checkMember(organizationID); apiErr != nil {
		return nil, apiErr
	}
	list := struct {
		Object string               `json:"object"`
		Data   []dataProviderObject `json:"data"`
	}{"list", []dataProviderObject{}}
	for _, p := range f.dataProviders {
		at := timestamp(p.createdAt)
		o := dataProviderObject{
			Object: "data_provider", ID: p.id, Name: p.Name, Description: orNull(p.Description), Slug: p.Slug, IntegrationType: p.Slug,
			CredentialsType: "oauth2", Scopes: p.Scopes, AuthMethods: []string{"oauth"}, Ownership: "userland_user", CreatedAt: at, UpdatedAt: at,
			OldIntegrationType: p.Slug, OldCredentialsType: "oauth2", OldCreatedAt: at, OldUpdatedAt: at,
		}
		if a := f.connectedAccountOf(accountOwner{user.ID, p.Slug, organizationID}); a != nil {
			o.Account = a.listed()
		}
		list.Data = append(list.Data, o)
	}
	return list, nil
}

// connection is a URL at which a user connects an account.
type connection struct {
	accountOwner
	id        string
	returnTo  string
	expiresAt time.Time
}

// path returns the path of the page of this connection.
func (n *connection) path() string { return "/connect-account/" + n.id }

// authorizeConnectedAccount answers RouteAuthorizeConnectedAccount.
func (f *Server) authorizeConnectedAccount(c *call) (any, *apiError) {
	var in struct {
		UserID         optional[string]            `json:"user_id"`
		OrganizationID optional[string]            `json:"organization_id"`
		ReturnTo       optional[string]            `json:"return_to"`
		Config         optional[map[string]string] `json:"config"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	owner := accountOwner{in.UserID.value, c.PathValue("slug"), in.OrganizationID.value}
	if apiErr := f.checkOwner(owner); apiErr != nil {
		return nil, apiErr
	}
	target, err := url.Parse(in.ReturnTo.value)
	if in.ReturnTo.sent && (err != nil || target.Scheme != "http" && target.Scheme != "https" || target.Host == "") {
		return nil, &apiError{Message: "The return_to must be an absolute URL."}
	}
	for name := range in.Config.value {
		if !slices.Contains(f.providerWith(owner.slug).ConfigFields, name) {
			return nil, &apiError{Message: "The provider has no config field '" + name + "'."}
		}
	}
	n := &connection{owner, newID("connection"), in.ReturnTo.value, f.clock.Now().Add(authorizationLifetime)}
	f.connections[n.id] = n
	return struct {
		URL string `json:"url"`
	}{f.base + n.path()}, nil
}

// connecting returns a handler of the page of a connection.
func (f *Server) connecting(page func(*connection) pageResponse) http.HandlerFunc {
	return f.browse(func(r *http.Request) pageResponse {
		n := f.connections[r.PathValue("connection")]
		if n == nil {
			return notice(http.StatusNotFound, "This page is over",
				"The account was connected, it was cancelled, or the page was left open for more than an hour. Go back to the application to start again.")
		}
		return page(n)
	})
}

// connectPage asks the user whether to connect an account.
func (f *Server) connectPage(n *connection) pageResponse {
	o, _ := f.organization(n.organizationID)
	return showPage(http.StatusOK, "connect", view{
		App: cmp.Or(f.settings.appName, "The application"), Path: n.path(), Provider: f.providerWith(n.slug).Name,
		Email: f.accountByID(n.userID).Email, Organization: o.Name,
	})
}

// finishConnection connects the account.
func (f *Server) finishConnection(n *connection) pageResponse {
	f.connect(n.accountOwner)
	return f.leaveConnection(n, "The account is connected")
}

// cancelConnection connects no account.
func (f *Server) cancelConnection(n *connection) pageResponse {
	f.emitConnectionFailed(n.accountOwner)
	return f.leaveConnection(n, "The account was not connected")
}

// leaveConnection redirects the browser to the application, if the application has said where.
func (f *Server) leaveConnection(n *connection, heading string) pageResponse {
	delete(f.connections, n.id)
	if n.returnTo == "" {
		return notice(http.StatusOK, heading, "You can close this page and go back to the application.")
	}
	return redirect(http.StatusSeeOther, n.returnTo)
}
