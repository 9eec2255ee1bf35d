// Standalone Connect: the application signs users in itself, for the OAuth clients of WorkOS Connect.

package authkittest

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// externalAuthLifetime is how long an external_auth_id works. WorkOS does not document the value of production.
const externalAuthLifetime = 10 * time.Minute

// externalAuth is the sign-in of an OAuth client, which waits for the application to sign the user in.
type externalAuth struct {
	state     string // in the redirect_uri; empty until the application has completed the sign-in
	userID    string
	expiresAt time.Time
}

// StartExternalAuth starts a sign-in as an OAuth client of WorkOS Connect does, and returns the external_auth_id with which
// AuthKit sends the browser to the login URI of the application. It works once, and for ten minutes:
//
//	http.Get(app + "/login?external_auth_id=" + fake.StartExternalAuth())
//
// The application signs the user in, calls RouteCompleteExternalAuth (workos.Client.CompleteExternalAuth) and redirects to the URI
// that it gets. There the fake has a page that names the user. It asks for no consent and issues no token to the client.
//
// See https://workos.com/docs/authkit/connect/standalone
func (f *Server) StartExternalAuth() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := newID("ext_auth")
	f.externalAuths[id] = &externalAuth{expiresAt: f.clock.Now().Add(externalAuthLifetime)}
	return id
}

// externalUser is a user whom the application has signed in.
type externalUser struct {
	ID        optional[string]             `json:"id"`
	Email     optional[string]             `json:"email"`
	FirstName nullable[string]             `json:"first_name"`
	LastName  nullable[string]             `json:"last_name"`
	Name      nullable[string]             `json:"name"`
	Metadata  nullable[map[string]*string] `json:"metadata"`
}

// fields returns the user as the request that creates it.
func (u externalUser) fields() userFields {
	return userFields{
		Email: u.Email, FirstName: u.FirstName, LastName: u.LastName, Name: u.Name, Metadata: u.Metadata,
		ExternalID: nullable[string]{sent: true, value: u.ID.value},
	}
}

// consentOption is a choice on the consent page.
type consentOption struct {
	Claim   optional[string]     `json:"claim"`
	Type    optional[string]     `json:"type"`
	Label   optional[string]     `json:"label"`
	Choices optional[[]struct{}] `json:"choices"`
}

// problem returns the error for an option that is not valid, or nil.
func (o consentOption) problem() *apiError {
	switch {
	case o.Claim.value == "", o.Label.value == "", o.Type.value != "enum", !o.Choices.sent:
		return unprocessable("A consent option needs a claim, the type enum, a label and choices.")
	case slices.Contains(reservedClaims, o.Claim.value):
		return &apiError{OAuthError: "Bad Request", Message: fmt.Sprintf("Claim %q is reserved and cannot be used.", o.Claim.value)}
	}
	return nil
}

// completeExternalAuth answers RouteCompleteExternalAuth. An external_auth_id is used up only if the call succeeds.
func (f *Server) completeExternalAuth(c *call) (any, *apiError) {
	var in struct {
		ID             optional[string] `json:"external_auth_id"`
		User           externalUser     `json:"user"`
		ConsentOptions []consentOption  `json:"user_consent_options"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	if in.ID.value == "" || in.User.ID.value == "" || in.User.Email.value == "" {
		return nil, unprocessable("The external_auth_id, and the id and the email of the user, are required.")
	}
	if apiErr := in.User.fields().problem(); apiErr != nil {
		return nil, unprocessable(apiErr.Message) // unlike a call for users, which has errors with codes
	}
	for _, option := range in.ConsentOptions {
		if apiErr := option.problem(); apiErr != nil {
			return nil, apiErr
		}
	}
	auth := f.externalAuths[in.ID.value]
	switch {
	case auth == nil || !f.clock.Now().Before(auth.expiresAt):
		return nil, notFound("External Auth Session", in.ID.value)
	case auth.state != "":
		return nil, plainError("external_auth_session_already_completed", "The external authentication was completed already.")
	}
	user, apiErr := f.upsertExternal(in.User)
	if apiErr != nil {
		return nil, apiErr
	}
	auth.state, auth.userID = rand.Text(), user.ID
	return struct {
		RedirectURI string `json:"redirect_uri"`
	}{withQuery(f.base+"/oauth2/complete", url.Values{"state": {auth.state}})}, nil
}

// upsertExternal creates or updates the user with the ID of the application.
func (f *Server) upsertExternal(in externalUser) (*account, *apiError) {
	email := in.Email.value
	user := f.findAccount(func(a *account) bool { return a.ExternalID == in.ID.value })
	holder := f.accountByEmail(email)
	switch {
	case !isAddress(email):
		return nil, plainError("invalid_email", "The email address is invalid.")
	case holder != nil && holder != user:
		return nil, plainError("email_not_available", "This email is not available.")
	case user == nil:
		u := User{ID: newID("user"), Email: email, EmailUnverified: true}
		if apiErr := f.change(&u, in.fields()); apiErr != nil {
			return nil, apiErr
		}
		return f.addUser(u), nil
	}
	u := user.User.clone()
	if !strings.EqualFold(email, u.Email) {
		u.Email, u.EmailUnverified = email, true
	}
	if apiErr := f.change(&u, in.fields()); apiErr != nil {
		return nil, apiErr
	}
	user.User = u
	f.userChanged(user)
	return user, nil
}

// externalAuthPage is where a redirect_uri leads.
func (f *Server) externalAuthPage(r *http.Request) pageResponse {
	state := r.URL.Query().Get("state")
	for _, auth := range f.externalAuths {
		user := f.accountByID(auth.userID)
		if user != nil && auth.state == state {
			return notice(http.StatusOK, "The client is signed in", "It may act for "+user.Name()+". At WorkOS, the user would be asked for consent here.")
		}
	}
	return notice(http.StatusNotFound, "This sign-in is over", "No application has completed it. Start again at the OAuth client.")
}
