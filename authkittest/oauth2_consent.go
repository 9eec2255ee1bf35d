// The consent page, and what users have consented to. A consent is an authorized application, which the API lists and deletes.

package authkittest

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// consentOf returns the consent of a user to a client, or nil. It is valid until f.authorizedApps changes.
func (f *Server) consentOf(userID, clientID string) *AuthorizedApplication {
	i := slices.IndexFunc(f.authorizedApps, func(a AuthorizedApplication) bool { return a.userID == userID && a.ClientID == clientID })
	if i < 0 {
		return nil
	}
	return &f.authorizedApps[i]
}

// covers reports whether the user has consented to all of the scopes and resources.
func (a *AuthorizedApplication) covers(scopes, resources []string) bool {
	return contains(a.Scopes, scopes...) && contains(a.resources, resources...)
}

// consent records the consent of a user to a client and returns its ID. An earlier consent grows and keeps its ID.
func (f *Server) consent(userID string, c *oauthClient, scopes, resources []string) string {
	given := f.consentOf(userID, c.id)
	if given == nil {
		f.authorizedApps = append(f.authorizedApps, AuthorizedApplication{
			ID: newID("authorized_connect_app"), ApplicationID: stableID("conn_app", c.id), ClientID: c.id, Name: cmp.Or(c.name, c.id),
			userID: userID, createdAt: f.clock.Now(), consentID: newID("app_consent"), registered: true,
		})
		given = &f.authorizedApps[len(f.authorizedApps)-1]
	}
	given.Scopes, given.resources = union(given.Scopes, scopes), union(given.resources, resources)
	if len(given.resources) > 0 {
		given.OAuthResource = given.resources[0]
	}
	return given.consentID
}

// union returns a new list with the values of both, each once.
func union(list, more []string) []string {
	all := slices.Clone(list)
	for _, value := range more {
		if !slices.Contains(all, value) {
			all = append(all, value)
		}
	}
	return all
}

// RevokeAuthorizedApplication ends the access of a client to the account of the user with this email address, as the user or the
// dashboard does. Its refresh tokens and codes are answered invalid_grant, and the next authorization request asks for consent
// again. Access tokens stay valid until they expire, as they are verified without a call. RevokeAuthorizedApplication panics if
// the user does not exist or has not given the client access.
func (f *Server) RevokeAuthorizedApplication(email, clientID string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.removeAuthorizedApplication(f.mustAccount(email).ID, clientID) {
		panic(fmt.Sprintf("authkittest: %s has not given a client with the ID %q access", email, clientID))
	}
}

// consentPage asks the signed-in user whether the client may act for the user.
func (f *Server) consentPage(_ *http.Request, a *authorization) pageResponse {
	if a.client == nil || a.result.userID == "" {
		return redirect(http.StatusSeeOther, a.path())
	}
	v := f.view(a)
	v.Email = f.accountByID(a.result.userID).Email
	o, _ := f.organization(a.result.organizationID)
	target, _ := url.Parse(a.redirectURI) // the client has registered it
	v.Organization, v.Host = o.Name, target.Host
	v.Scopes, v.Resources = a.client.scopes, a.client.resources
	return showPage(http.StatusOK, "consent", v)
}

// allowClient records the consent and redirects to the client.
func (f *Server) allowClient(_ *http.Request, a *authorization) pageResponse {
	if a.client == nil || a.result.userID == "" {
		return redirect(http.StatusSeeOther, a.path())
	}
	return f.answerClient(a, f.consent(a.result.userID, a.client.oauthClient, a.client.scopes, a.client.resources))
}
