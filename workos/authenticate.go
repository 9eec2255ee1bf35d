// The authenticate call with the code grant and the refresh token grant, and the result of all grants.

package workos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// AuthenticateWithCodeParams are the parameters of [Client.AuthenticateWithCode]. Printed, they show no secret.
type AuthenticateWithCodeParams struct {
	// Code is the code that the browser brought to the redirect URI. It works once.
	Code string `json:"-"`
	// CodeVerifier is the code verifier whose challenge was in the authorization URL (RFC 7636). A public client needs
	// it.
	CodeVerifier string `json:"-"`
	// InvitationToken accepts an invitation with this sign-in. Optional.
	InvitationToken string `json:"-"`

	IPAddress string // of the user, for WorkOS's records; optional
	UserAgent string // of the user's browser, for WorkOS's records; optional
	DeviceID  string // of the user's device, for the same purpose; optional
	SignalsID string // of what WorkOS Radar has collected in the browser; optional
}

// AuthenticateWithRefreshTokenParams are the parameters of [Client.AuthenticateWithRefreshToken]. Printed, they show no
// secret.
type AuthenticateWithRefreshTokenParams struct {
	RefreshToken string `json:"-"`
	// OrganizationID is the organization of the new tokens. It may differ from that of the old tokens. Optional.
	OrganizationID string

	IPAddress string // of the user, for WorkOS's records; optional
	UserAgent string // of the user's browser, for WorkOS's records; optional
	DeviceID  string // of the user's device, for the same purpose; optional
}

// Authentication is the result of a sign-in or a refresh. Printed, logged or encoded as JSON, it shows no token and no code.
type Authentication struct {
	User           User   `json:"user"`
	OrganizationID string `json:"organization_id,omitempty"` // empty outside any organization

	// AccessToken is a JWT. This package does not verify it. It is never empty.
	AccessToken string `json:"-"`
	// RefreshToken replaces the previous refresh token. It is never empty after a sign-in. If a refresh leaves it
	// empty, the refresh token that was sent stays valid.
	RefreshToken string `json:"-"`

	// AuthKitAuthorizationCode is a code that another application can exchange for tokens. It is empty unless WorkOS
	// returns one.
	AuthKitAuthorizationCode string `json:"-"`

	// AuthenticationMethod is how the user signed in, such as "SSO", "Password", "Passkey", "MagicAuth", "GoogleOAuth".
	// WorkOS adds values.
	AuthenticationMethod string `json:"authentication_method,omitempty"`

	Impersonator *Impersonator `json:"impersonator,omitempty"` // nil unless the session is an impersonation
	OAuthTokens  *OAuthTokens  `json:"oauth_tokens,omitempty"` // nil unless WorkOS returns the provider's tokens
}

// Impersonator is a member of your team who is signed in as the user through the WorkOS dashboard.
type Impersonator struct {
	Email  string `json:"email"`
	Reason string `json:"reason,omitempty"` // entered in the dashboard; may be empty
}

// OAuthTokens are the tokens of the OAuth provider, for calls of the provider's API. Printed, logged or encoded as
// JSON, they show no token.
type OAuthTokens struct {
	Provider     string    `json:"provider"` // such as "GoogleOAuth"
	AccessToken  string    `json:"-"`
	RefreshToken string    `json:"-"` // empty if the provider issues none
	ExpiresAt    time.Time `json:"expires_at,omitzero"`
	Scopes       []string  `json:"scopes,omitempty"`
}

// AuthenticateWithCode exchanges the code of a sign-in for the user and tokens. A code works once, so there is exactly
// one attempt, of at most 10 s. Code is required. A public client also requires CodeVerifier.
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
		DeviceID:        p.DeviceID,
		SignalsID:       p.SignalsID,
	}, required...)
}

// AuthenticateWithRefreshToken exchanges a refresh token for new tokens. For 30 s WorkOS answers the same refresh token
// with the same new pair, so a retry is safe. An attempt takes at most 5 s, all attempts together at most 10 s.
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
		DeviceID:       p.DeviceID,
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
	grantRadarEmail            = "urn:workos:oauth:grant-type:radar-email-challenge:code"
	grantRadarSMS              = "urn:workos:oauth:grant-type:radar-sms-challenge:code"
	grantDeviceCode            = "urn:ietf:params:oauth:grant-type:device_code"
)

// grant is the body of an authenticate request. A public client omits client_secret.
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
	RadarChallengeID           string `json:"radar_challenge_id,omitempty"`
	VerificationID             string `json:"verification_id,omitempty"`
	PhoneNumber                string `json:"phone_number,omitempty"`
	OrganizationID             string `json:"organization_id,omitempty"`
	InvitationToken            string `json:"invitation_token,omitempty"`
	IPAddress                  string `json:"ip_address,omitempty"`
	UserAgent                  string `json:"user_agent,omitempty"`
	DeviceID                   string `json:"device_id,omitempty"`
	SignalsID                  string `json:"signals_id,omitempty"`
	RadarAuthAttemptID         string `json:"radar_auth_attempt_id,omitempty"`
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

// authenticationResponse decodes the members that the exported types omit from JSON.
type authenticationResponse struct {
	Authentication
	AccessToken              string `json:"access_token"`
	RefreshToken             string `json:"refresh_token"`
	AuthKitAuthorizationCode string `json:"authkit_authorization_code"`
	OAuthTokens              *struct {
		OAuthTokens
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		ExpiresAt    int64  `json:"expires_at"` // Unix time
	} `json:"oauth_tokens"`

	needsRefreshToken bool
}

// validate implements [validator].
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
	auth.AuthKitAuthorizationCode = r.AuthKitAuthorizationCode
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

// Format implements [fmt.Formatter]. It masks the code, the code verifier and the invitation token.
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

// Format implements [fmt.Formatter]. It masks the tokens and the code.
func (a Authentication) Format(s fmt.State, verb rune) {
	type plain Authentication
	a.AccessToken, a.RefreshToken = mask(a.AccessToken), mask(a.RefreshToken)
	a.AuthKitAuthorizationCode = mask(a.AuthKitAuthorizationCode)
	format(s, verb, plain(a))
}

// Format implements [fmt.Formatter]. It masks the tokens.
func (t OAuthTokens) Format(s fmt.State, verb rune) {
	type plain OAuthTokens
	t.AccessToken, t.RefreshToken = mask(t.AccessToken), mask(t.RefreshToken)
	format(s, verb, plain(t))
}
