// Standalone Connect: the application signs users in itself, for the OAuth clients of WorkOS Connect.

package workos

import (
	"context"
	"errors"
	"net/http"
)

// CompleteExternalAuthParams are the parameters of [Client.CompleteExternalAuth]. ExternalAuthID, and the ID and the Email of the
// User, are required.
type CompleteExternalAuthParams struct {
	ExternalAuthID string              `json:"external_auth_id"` // the parameter with which AuthKit has sent the browser
	User           ExternalUser        `json:"user"`
	ConsentOptions []UserConsentOption `json:"user_consent_options,omitempty"` // what the user can choose on the consent page
}

// ExternalUser is a user whom the application has signed in itself.
type ExternalUser struct {
	ID        string            `json:"id"` // the application's ID of the user, which becomes the ExternalID of the [User]
	Email     string            `json:"email"`
	FirstName string            `json:"first_name,omitempty"`
	LastName  string            `json:"last_name,omitempty"`
	Name      string            `json:"name,omitempty"`     // the display name
	Metadata  map[string]string `json:"metadata,omitempty"` // values of at most 600 characters
}

// UserConsentOption is a choice on the consent page, such as that of a workspace. The chosen value becomes a claim.
type UserConsentOption struct {
	Claim   string                    `json:"claim"` // the name of the claim
	Type    string                    `json:"type"`  // "enum"
	Label   string                    `json:"label"`
	Choices []UserConsentOptionChoice `json:"choices"`
}

// UserConsentOptionChoice is one choice of a [UserConsentOption].
type UserConsentOptionChoice struct {
	Value string `json:"value"`
	Label string `json:"label"`
}

// CompleteExternalAuth tells AuthKit which user the application has signed in, and returns the URL to which the application
// must redirect the browser. It creates the user, or updates the user with this ID of the application. An ExternalAuthID
// works once, so there is exactly one attempt: the next one has an error with the code
// [CodeExternalAuthSessionAlreadyCompleted]. If another user has the email address, the code is [CodeEmailNotAvailable].
//
// See https://workos.com/docs/authkit/connect/standalone
func (c *Client) CompleteExternalAuth(ctx context.Context, p CompleteExternalAuthParams) (redirectURI string, err error) {
	response, err := fetch[externalAuthResponse](ctx, c, call{
		method:   http.MethodPost,
		path:     "/authkit/oauth2/complete",
		body:     p,
		required: []argument{{"external_auth_id", p.ExternalAuthID}, {"user_id", p.User.ID}, {"user_email", p.User.Email}},
		secrets:  []string{p.ExternalAuthID},
	})
	if err != nil {
		return "", err
	}
	return response.RedirectURI, nil
}

type externalAuthResponse struct {
	RedirectURI string `json:"redirect_uri"`
}

func (r *externalAuthResponse) validate() error {
	if r.RedirectURI == "" {
		return errors.New("missing redirect_uri")
	}
	return nil
}
