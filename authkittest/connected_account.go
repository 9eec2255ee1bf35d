// Connected accounts: the accounts of users at the providers of Pipes, their tokens, and the API calls for them.

package authkittest

import (
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"time"
)

// The states of a connected account.
const (
	accountConnected            = "connected"
	accountNeedsReauthorization = "needs_reauthorization"
)

// accountOwner names a connected account: a user has at most one at a provider outside organizations, and one in each organization.
type accountOwner struct {
	userID         string
	slug           string // of the provider
	organizationID string // empty for none
}

// connectedAccount is an account of a user at a provider.
type connectedAccount struct {
	accountOwner
	id                        string
	providerID                string
	scopes                    []string
	state                     string
	accessToken, refreshToken string
	expiresAt                 time.Time // of the access token; zero if it does not expire
	createdAt, updatedAt      time.Time
}

type connectedAccountObject struct {
	Object         string   `json:"object"`
	ID             string   `json:"id"`
	UserID         string   `json:"user_id"`
	OrganizationID *string  `json:"organization_id"`
	Scopes         []string `json:"scopes"`
	AuthMethod     string   `json:"auth_method"`
	APIKeyLast4    *string  `json:"api_key_last_4"` // always null
	State          string   `json:"state"`
	CreatedAt      string   `json:"created_at"`
	UpdatedAt      string   `json:"updated_at"`
}

// listedAccountObject is an account in the list of providers. It has the deprecated names of some members too.
type listedAccountObject struct {
	connectedAccountObject
	OldUserID         string  `json:"userlandUserId"`
	OldOrganizationID *string `json:"organizationId"`
	OldCreatedAt      string  `json:"createdAt"`
	OldUpdatedAt      string  `json:"updatedAt"`
}

// connectedAccountData is the data of the events of a connected account.
type connectedAccountData struct {
	Object         string   `json:"object"`
	ID             string   `json:"id"`
	ProviderID     string   `json:"data_integration_id"`
	ProviderSlug   string   `json:"provider_slug"`
	UserID         string   `json:"user_id"`
	OrganizationID *string  `json:"organization_id"`
	Scopes         []string `json:"scopes"`
	State          string   `json:"state"`
	CreatedAt      string   `json:"created_at"`
	UpdatedAt      string   `json:"updated_at"`
}

// connectionFailedData is the data of the event of a user who has cancelled.
type connectionFailedData struct {
	Object                   string  `json:"object"`
	ProviderID               string  `json:"data_integration_id"`
	ProviderSlug             string  `json:"provider_slug"`
	UserID                   string  `json:"user_id"`
	OrganizationID           *string `json:"organization_id"`
	ErrorCode                string  `json:"error_code"`
	ErrorReason              string  `json:"error_reason"`
	ProviderError            string  `json:"provider_error"`
	ProviderErrorDescription *string `json:"provider_error_description"` // always null
	CreatedAt                string  `json:"created_at"`
}

func (a *connectedAccount) object() connectedAccountObject {
	return connectedAccountObject{
		Object: "connected_account", ID: a.id, UserID: a.userID, OrganizationID: orNull(a.organizationID), Scopes: append([]string{}, a.scopes...),
		AuthMethod: "oauth", State: a.state, CreatedAt: timestamp(a.createdAt), UpdatedAt: timestamp(a.updatedAt),
	}
}

func (a *connectedAccount) listed() *listedAccountObject {
	o := a.object()
	return &listedAccountObject{o, o.UserID, o.OrganizationID, o.CreatedAt, o.UpdatedAt}
}

// emitConnectedAccount adds the event pipes.connected_account.connected, .disconnected or .reauthorization_needed.
func (f *Server) emitConnectedAccount(change string, a *connectedAccount) {
	f.emit("pipes.connected_account."+change, a.organizationID, connectedAccountData{
		"connected_account", a.id, a.providerID, a.slug, a.userID, orNull(a.organizationID), append([]string{}, a.scopes...), a.state,
		timestamp(a.createdAt), timestamp(a.updatedAt),
	})
}

// emitConnectionFailed adds the event pipes.connected_account.connection_failed of a user who has cancelled.
func (f *Server) emitConnectionFailed(owner accountOwner) {
	f.emit("pipes.connected_account.connection_failed", owner.organizationID, connectionFailedData{
		Object: "connection_failed", ProviderID: f.providerWith(owner.slug).id, ProviderSlug: owner.slug, UserID: owner.userID,
		OrganizationID: orNull(owner.organizationID), ErrorCode: "access_denied", ErrorReason: "The user has cancelled.",
		ProviderError: "access_denied", CreatedAt: timestamp(f.clock.Now()),
	})
}

// checkOwner returns the error for an account that cannot exist, or nil.
func (f *Server) checkOwner(owner accountOwner) *apiError {
	user := f.accountByID(owner.userID)
	switch {
	case owner.userID == "":
		return &apiError{Message: "The user_id is required."}
	case user == nil:
		return notFound("User", owner.userID)
	case f.providerWith(owner.slug) == nil:
		return notFound("Data integration", owner.slug)
	}
	return user.checkMember(owner.organizationID)
}

// checkMember returns the error for an account in an organization to which the user does not belong, or nil.
func (a *account) checkMember(organizationID string) *apiError {
	if organizationID != "" && a.membershipIn(organizationID) < 0 {
		return notFound("Organization", organizationID)
	}
	return nil
}

func (f *Server) connectedAccountOf(owner accountOwner) *connectedAccount {
	i := slices.IndexFunc(f.pipesAccounts, func(a *connectedAccount) bool { return a.accountOwner == owner })
	if i < 0 {
		return nil
	}
	return f.pipesAccounts[i]
}

// newConnectedAccount adds an account without tokens.
func (f *Server) newConnectedAccount(owner accountOwner) *connectedAccount {
	a := &connectedAccount{
		accountOwner: owner, id: newID("data_installation"), providerID: f.providerWith(owner.slug).id, state: accountNeedsReauthorization,
		createdAt: f.clock.Now(),
	}
	f.pipesAccounts = append(f.pipesAccounts, a)
	return a
}

// connect connects an account with new tokens, or connects it again.
func (f *Server) connect(owner accountOwner) {
	a := f.connectedAccountOf(owner)
	if a == nil {
		a = f.newConnectedAccount(owner)
	}
	a.scopes = slices.Clone(f.providerWith(owner.slug).Scopes)
	a.refreshToken = "oauth_refresh_" + rand.Text()
	f.refreshAccount(a)
	f.setAccountState(a, accountConnected, true)
}

// refreshAccount gives an account a new access token.
func (f *Server) refreshAccount(a *connectedAccount) {
	a.accessToken, a.expiresAt = "oauth_access_"+rand.Text(), f.clock.Now().Add(oauthTokenLifetime)
}

// setAccountState sets the state of an account that has changed. isNew says that the account was connected just now.
func (f *Server) setAccountState(a *connectedAccount, state string, isNew bool) {
	changed := isNew || state != a.state
	a.state, a.updatedAt = state, f.clock.Now()
	switch {
	case !changed:
	case state == accountConnected:
		f.emitConnectedAccount("connected", a)
	case !isNew:
		f.emitConnectedAccount("reauthorization_needed", a)
	}
}

// disconnect removes the accounts that match returns true for, and the pages on which they can be connected.
func (f *Server) disconnect(match func(accountOwner) bool) {
	maps.DeleteFunc(f.connections, func(_ string, n *connection) bool { return match(n.accountOwner) })
	f.pipesAccounts = slices.DeleteFunc(f.pipesAccounts, func(a *connectedAccount) bool {
		if !match(a.accountOwner) {
			return false
		}
		f.emitConnectedAccount("disconnected", a)
		return true
	})
}

// connectedAccountIn returns the owner in a request, and its account or nil.
func (f *Server) connectedAccountIn(c *call) (accountOwner, *connectedAccount, *apiError) {
	owner := accountOwner{c.PathValue("id"), c.PathValue("slug"), c.URL.Query().Get("organization_id")}
	if apiErr := f.checkOwner(owner); apiErr != nil {
		return owner, nil, apiErr
	}
	return owner, f.connectedAccountOf(owner), nil
}

// existingAccountIn returns the account in a request, or an error if the user has none.
func (f *Server) existingAccountIn(c *call) (*connectedAccount, *apiError) {
	owner, a, apiErr := f.connectedAccountIn(c)
	if apiErr == nil && a == nil {
		apiErr = notFound("Connected account", owner.slug)
	}
	return a, apiErr
}

// accountFields are the members of the requests that import and update an account.
type accountFields struct {
	AccessToken  optional[string]    `json:"access_token"`
	RefreshToken optional[string]    `json:"refresh_token"`
	ExpiresAt    optional[time.Time] `json:"expires_at"`
	Scopes       optional[[]string]  `json:"scopes"`
	State        optional[string]    `json:"state"`
}

// problem returns the error for fields that cannot be together, or nil. hasToken says that the account has an access token already.
func (in accountFields) problem(hasToken bool) *apiError {
	access, refresh, state := in.AccessToken.value, in.RefreshToken.value, in.State.value
	switch {
	case in.State.sent && state != accountConnected && state != accountNeedsReauthorization:
		return unprocessable("The state must be connected or needs_reauthorization.")
	case access == "" && (refresh != "" || in.ExpiresAt.sent):
		return unprocessable("A refresh_token or an expires_at requires an access_token.")
	case refresh == "" && in.ExpiresAt.sent:
		return unprocessable("An access_token with an expires_at requires a refresh_token.")
	case state == accountConnected && access == "" && !hasToken:
		return unprocessable("The state connected requires an access_token.")
	}
	return nil
}

// applyTo sets the tokens and scopes of an account, and returns its new state.
func (in accountFields) applyTo(a *connectedAccount) (state string) {
	if in.Scopes.sent {
		a.scopes = in.Scopes.value
	}
	state = a.state
	if in.AccessToken.value != "" {
		a.accessToken, a.refreshToken, a.expiresAt = in.AccessToken.value, in.RefreshToken.value, in.ExpiresAt.value
		state = accountConnected
	}
	set(&state, in.State)
	return state
}

// getConnectedAccount answers RouteGetConnectedAccount.
func (f *Server) getConnectedAccount(c *call) (any, *apiError) {
	a, apiErr := f.existingAccountIn(c)
	if apiErr != nil {
		return nil, apiErr
	}
	return a.object(), nil
}

// importConnectedAccount answers RouteImportConnectedAccount.
func (f *Server) importConnectedAccount(c *call) (any, *apiError) {
	owner, a, apiErr := f.connectedAccountIn(c)
	if apiErr != nil {
		return nil, apiErr
	}
	var in accountFields
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	switch apiErr := in.problem(false); {
	case apiErr != nil:
		return nil, apiErr
	case a != nil:
		return nil, &apiError{status: http.StatusConflict, Message: "The user has an account at the provider already."}
	}
	a = f.newConnectedAccount(owner)
	f.setAccountState(a, in.applyTo(a), true)
	return a.object(), nil
}

// updateConnectedAccount answers RouteUpdateConnectedAccount.
func (f *Server) updateConnectedAccount(c *call) (any, *apiError) {
	a, apiErr := f.existingAccountIn(c)
	if apiErr != nil {
		return nil, apiErr
	}
	var in accountFields
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	if apiErr := in.problem(a.accessToken != ""); apiErr != nil {
		return nil, apiErr
	}
	f.setAccountState(a, in.applyTo(a), false)
	return a.object(), nil
}

// deleteConnectedAccount answers RouteDeleteConnectedAccount.
func (f *Server) deleteConnectedAccount(c *call) (any, *apiError) {
	a, apiErr := f.existingAccountIn(c)
	if apiErr != nil {
		return nil, apiErr
	}
	f.disconnect(func(owner accountOwner) bool { return owner == a.accountOwner })
	return nil, nil
}

type providerTokenObject struct {
	Object        string   `json:"object"`
	AccessToken   string   `json:"access_token"`
	ExpiresAt     *string  `json:"expires_at"`
	Scopes        []string `json:"scopes"`
	MissingScopes []string `json:"missing_scopes"`
}

type providerTokenResponse struct {
	Active bool                 `json:"active"`
	Token  *providerTokenObject `json:"access_token,omitempty"`
	Error  string               `json:"error,omitempty"`
}

// getConnectedAccountToken answers RouteGetConnectedAccountToken. An access token that has expired is refreshed: an account with a
// token that expires has a refresh token.
func (f *Server) getConnectedAccountToken(c *call) (any, *apiError) {
	var in struct {
		UserID         optional[string] `json:"user_id"`
		OrganizationID optional[string] `json:"organization_id"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	owner := accountOwner{in.UserID.value, c.PathValue("slug"), in.OrganizationID.value}
	if apiErr := f.checkOwner(owner); apiErr != nil {
		return nil, apiErr
	}
	a := f.connectedAccountOf(owner)
	switch {
	case a == nil:
		return providerTokenResponse{Error: "not_installed"}, nil
	case a.state != accountConnected:
		return providerTokenResponse{Error: accountNeedsReauthorization}, nil
	case !a.expiresAt.IsZero() && !f.clock.Now().Before(a.expiresAt):
		f.refreshAccount(a)
	}
	token := &providerTokenObject{
		Object: "access_token", AccessToken: a.accessToken, Scopes: append([]string{}, a.scopes...), MissingScopes: []string{},
	}
	if !a.expiresAt.IsZero() {
		at := timestamp(a.expiresAt)
		token.ExpiresAt = &at
	}
	for _, scope := range f.providerWith(owner.slug).Scopes {
		if !slices.Contains(a.scopes, scope) {
			token.MissingScopes = append(token.MissingScopes, scope)
		}
	}
	return providerTokenResponse{Active: true, Token: token}, nil
}
