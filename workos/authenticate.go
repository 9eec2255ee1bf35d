// The authenticate call: the two grants of every sign-in by a browser, and what all grants get back.

package workos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// AuthenticateWithCodeParams is what [Client.AuthenticateWithCode] exchanges. Printed, it shows no secret.
type AuthenticateWithCodeParams struct {
	// Code is the code that came back to the redirect URI. It works once.
	Code string `json:"-"`
	// CodeVerifier is the verifier whose challenge the authorization address had (RFC 7636). A public client needs it.
	CodeVerifier string `json:"-"`
	// InvitationToken accepts an invitation with this sign-in. Optional.
	InvitationToken string `json:"-"`

	IPAddress string // of the user, for WorkOS's own records; optional
	UserAgent string // of the user's browser, likewise
}

// AuthenticateWithRefreshTokenParams is what [Client.AuthenticateWithRefreshToken] exchanges. Printed, it shows no secret.
type AuthenticateWithRefreshTokenParams struct {
	RefreshToken string `json:"-"`
	// OrganizationID is the organization that the new tokens are for, and may differ from that of the old ones.
	// Optional.
	OrganizationID string

	IPAddress string // of the user, for WorkOS's own records; optional
	UserAgent string // of the user's browser, likewise
}

// Authentication is a successful sign-in or refresh. Printed, logged or encoded as JSON, it shows no token.
type Authentication struct {
	User           User   `json:"user"`
	OrganizationID string `json:"organization_id,omitempty"` // empty outside any organization

	// AccessToken is a JWT, not verified here. It is never empty.
	AccessToken string `json:"-"`
	// RefreshToken replaces the one before it. It is never empty after a sign-in; where a refresh leaves it empty, the
	// token that was sent stays in force.
	RefreshToken string `json:"-"`

	// AuthenticationMethod is how the user signed in: "SSO", "Password", "Passkey", "MagicAuth", "GoogleOAuth" and so
	// on. The list is WorkOS's and grows.
	AuthenticationMethod string `json:"authentication_method,omitempty"`

	Impersonator *Impersonator `json:"impersonator,omitempty"` // nil unless someone else acts as the user
	OAuthTokens  *OAuthTokens  `json:"oauth_tokens,omitempty"` // nil unless the provider's tokens are handed on
}

// Impersonator is who acts as the user, from the WorkOS dashboard.
type Impersonator struct {
	Email  string `json:"email"`
	Reason string `json:"reason,omitempty"` // as given in the dashboard; may be empty
}

// OAuthTokens are the OAuth provider's own tokens, with which its API can be called for the user. Printed, logged or
// encoded as JSON, they are not shown.
type OAuthTokens struct {
	Provider     string    `json:"provider"` // such as "GoogleOAuth"
	AccessToken  string    `json:"-"`
	RefreshToken string    `json:"-"` // empty where the provider gives none
	ExpiresAt    time.Time `json:"expires_at,omitzero"`
	Scopes       []string  `json:"scopes,omitempty"`
}

// AuthenticateWithCode exchanges the code of a completed sign-in for the user and tokens. A code works once, so there
// is exactly one attempt, of 10 s at most. Code is required, and so is CodeVerifier of a public client.
//
// See https://workos.com/docs/reference/authkit/authentication/code
func (c *Client) AuthenticateWithCode(ctx context.Context, p AuthenticateWithCodeParams) (*Authentication, error) {
	required := []argument{{"code", p.Code}}
	if c.apiKey == "" {
		required = append(required, argument{"code_verifier", p.CodeVerifier})
	}
	return c.authenticate(ctx, keyOptional, grant{
		GrantType:       grantCode,
		Code:            p.Code,
		CodeVerifier:    p.CodeVerifier,
		InvitationToken: p.InvitationToken,
		IPAddress:       p.IPAddress,
		UserAgent:       p.UserAgent,
	}, required...)
}

// AuthenticateWithRefreshToken exchanges a refresh token for new tokens. WorkOS answers the same token with the same
// new pair for 30 s, which makes it safe to retry: an attempt takes 5 s at most, all of them together 10 s.
// RefreshToken is required.
//
// See https://workos.com/docs/reference/authkit/authentication/refresh-token
func (c *Client) AuthenticateWithRefreshToken(ctx context.Context, p AuthenticateWithRefreshTokenParams) (*Authentication, error) {
	return c.authenticate(ctx, keyOptional, grant{
		GrantType:      grantRefreshToken,
		RefreshToken:   p.RefreshToken,
		OrganizationID: p.OrganizationID,
		IPAddress:      p.IPAddress,
		UserAgent:      p.UserAgent,
	}, argument{"refresh_token", p.RefreshToken})
}

// The grant types of the authenticate call.
const (
	grantCode                  = "authorization_code"
	grantRefreshToken          = "refresh_token"
	grantPassword              = "password"
	grantMagicAuth             = "urn:workos:oauth:grant-type:magic-auth:code"
	grantEmailVerification     = "urn:workos:oauth:grant-type:email-verification:code"
	grantTOTP                  = "urn:workos:oauth:grant-type:mfa-totp"
	grantOrganizationSelection = "urn:workos:oauth:grant-type:organization-selection"
	grantDeviceCode            = "urn:ietf:params:oauth:grant-type:device_code"
)

// grant is the body of an authenticate request. A public client leaves client_secret out altogether.
type grant struct {
	ClientID                   string `json:"client_id"`
	ClientSecret               string `json:"client_secret,omitempty"`
	GrantType                  string `json:"grant_type"`
	Code                       string `json:"code,omitempty"`
	CodeVerifier               string `json:"code_verifier,omitempty"`
	RefreshToken               string `json:"refresh_token,omitempty"`
	Email                      string `json:"email,omitempty"`
	Password                   string `json:"password,omitempty"`
	DeviceCode                 string `json:"device_code,omitempty"`
	PendingAuthenticationToken string `json:"pending_authentication_token,omitempty"`
	AuthenticationChallengeID  string `json:"authentication_challenge_id,omitempty"`
	OrganizationID             string `json:"organization_id,omitempty"`
	InvitationToken            string `json:"invitation_token,omitempty"`
	IPAddress                  string `json:"ip_address,omitempty"`
	UserAgent                  string `json:"user_agent,omitempty"`
}

func (c *Client) authenticate(ctx context.Context, key keyUse, g grant, required ...argument) (*Authentication, error) {
	g.ClientID = c.clientID
	if key != keyOmitted {
		g.ClientSecret = c.apiKey
	}
	refresh := g.GrantType == grantRefreshToken
	response := authenticationResponse{needsRefreshToken: !refresh}
	err := c.do(ctx, call{
		method:   http.MethodPost,
		path:     "/user_management/authenticate",
		note:     g.GrantType,
		body:     g,
		required: required,
		secrets: []string{
			g.Code, g.CodeVerifier, g.RefreshToken, g.Password, g.DeviceCode, g.PendingAuthenticationToken, g.InvitationToken,
		},
		key:        key,
		idempotent: refresh,
	}, &response)
	if err != nil {
		return nil, err
	}
	return response.authentication(), nil
}

// authenticationReply reads what the exported types keep out of JSON.
type authenticationResponse struct {
	Authentication
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	OAuthTokens  *struct {
		OAuthTokens
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		ExpiresAt    int64  `json:"expires_at"` // Unix time
	} `json:"oauth_tokens"`

	needsRefreshToken bool
}

// check implements [checker].
func (r *authenticationResponse) validate() error {
	switch {
	case r.User.ID == "":
		return errors.New("missing user.id")
	case r.AccessToken == "":
		return errors.New("missing access_token")
	case r.RefreshToken == "" && r.needsRefreshToken:
		return errors.New("missing refresh_token")
	}
	return nil
}

func (r *authenticationResponse) authentication() *Authentication {
	auth := r.Authentication
	auth.AccessToken, auth.RefreshToken = r.AccessToken, r.RefreshToken
	if r.OAuthTokens != nil {
		tokens := r.OAuthTokens.OAuthTokens
		tokens.AccessToken, tokens.RefreshToken = r.OAuthTokens.AccessToken, r.OAuthTokens.RefreshToken
		if r.OAuthTokens.ExpiresAt != 0 {
			tokens.ExpiresAt = time.Unix(r.OAuthTokens.ExpiresAt, 0).UTC()
		}
		auth.OAuthTokens = &tokens
	}
	return &auth
}

// Format implements [fmt.Formatter]. It masks the code, the verifier and the invitation token.
func (p AuthenticateWithCodeParams) Format(s fmt.State, verb rune) {
	type plain AuthenticateWithCodeParams
	p.Code, p.CodeVerifier, p.InvitationToken = mask(p.Code), mask(p.CodeVerifier), mask(p.InvitationToken)
	format(s, verb, plain(p))
}

// Format implements [fmt.Formatter]. It masks the refresh token.
func (p AuthenticateWithRefreshTokenParams) Format(s fmt.State, verb rune) {
	type plain AuthenticateWithRefreshTokenParams
	p.RefreshToken = mask(p.RefreshToken)
	format(s, verb, plain(p))
}

// Format implements [fmt.Formatter]. It masks the tokens.
func (a Authentication) Format(s fmt.State, verb rune) {
	type plain Authentication
	a.AccessToken, a.RefreshToken = mask(a.AccessToken), mask(a.RefreshToken)
	format(s, verb, plain(a))
}

// Format implements [fmt.Formatter]. It masks the tokens.
func (t OAuthTokens) Format(s fmt.State, verb rune) {
	type plain OAuthTokens
	t.AccessToken, t.RefreshToken = mask(t.AccessToken), mask(t.RefreshToken)
	format(s, verb, plain(t))
}
