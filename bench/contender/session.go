// Sessions: the access token and the profile that every contender gets.

package contender

import (
	"fmt"
	"time"

	"github.com/authkit-go/authkit/workos"
)

// session is the result of a sign-in.
type session struct {
	token        token
	refreshToken string
	user         workos.User
}

// token is an access token with its parameters.
type token struct {
	text string
	tokenParams
}

// tokenParams are the parameters of a token. A contender accepts it only if they are the authority's.
type tokenParams struct {
	key      *key
	issuer   string
	clientID string
	issuedAt time.Time
}

// tokenParams returns the parameters of a valid token.
func (a *authority) tokenParams() tokenParams {
	return tokenParams{key: a.key, issuer: a.issuer(), clientID: a.clientID, issuedAt: a.started}
}

// session returns the session of the i-th user. It has an organization, a role, ten permissions and a profile: about 2 KB
// in a sealed cookie.
func (a *authority) session(i int) (session, error) { return newSession(i, a.tokenParams()) }

func newSession(i int, t tokenParams) (session, error) {
	text, err := t.key.sign(claimsOf(i, t))
	return sessionOf(i, token{text: text, tokenParams: t}), err
}

// sessionOf returns the session of the i-th user with this token.
func sessionOf(i int, t token) session {
	return session{
		token:        t,
		refreshToken: fmt.Sprintf("rt%023d", i),
		user: workos.User{
			ID:                userID(i),
			Email:             fmt.Sprintf("rosalind.okonkwo.%06d@harborpress.example", i),
			EmailVerified:     true,
			FirstName:         "Rosalind",
			LastName:          "Okonkwo",
			Name:              "Rosalind Okonkwo",
			ProfilePictureURL: fmt.Sprintf("https://images.example.com/v1/people/01K2V8%020d", i),
			ExternalID:        fmt.Sprintf("employee-%06d", i),
			Locale:            "en-GB",
			Metadata:          map[string]string{"plan": "business", "timezone": "Europe/London"},
			LastSignInAt:      t.issuedAt.Truncate(time.Millisecond),
			CreatedAt:         time.Date(2025, 2, 3, 9, 41, 17, 0, time.UTC),
			UpdatedAt:         t.issuedAt.Truncate(time.Millisecond),
		},
	}
}

func userID(i int) string { return fmt.Sprintf("user_01K2V8%020d", i) }

// claimsOf returns the claims in the token of the i-th user.
func claimsOf(i int, t tokenParams) accessToken {
	return accessToken{
		Issuer:         t.issuer,
		Subject:        userID(i),
		Audience:       t.clientID,
		SessionID:      fmt.Sprintf("sid_01K2V9%024d", i),
		ID:             fmt.Sprintf("01K2VA%020d", i),
		ClientID:       t.clientID,
		OrganizationID: "org_01K2V7S0F4XJ5GQ2N8BWTYRKCM",
		Role:           "editor",
		Roles:          []string{"editor", "billing-manager"},
		Permissions: []string{
			"articles:read", "articles:write", "articles:publish", "comments:read", "comments:moderate",
			"media:read", "media:upload", "invoices:read", "members:read", "reports:export",
		},
		Scope:        "openid articles:read articles:write",
		Entitlements: []string{"audit-logs", "single-sign-on"},
		FeatureFlags: []string{"new-editor"},
		AuthTime:     t.issuedAt.Unix(),
		IssuedAt:     t.issuedAt.Unix(),
		ExpiresAt:    t.issuedAt.Add(tokenLifetime).Unix(),
	}
}

// accessToken is the payload of an AuthKit access token. It has an audience, which a JWT template may add, because some
// contenders check the audience but not client_id. It has the scope of an access token of Connect, because package resource
// checks it, and a sid that is neither that of a session (session_…) nor that of a consent, because package resource refuses the
// first.
type accessToken struct {
	Issuer         string   `json:"iss"`
	Subject        string   `json:"sub"`
	Audience       string   `json:"aud"`
	SessionID      string   `json:"sid"`
	ID             string   `json:"jti"`
	ClientID       string   `json:"client_id"`
	OrganizationID string   `json:"org_id"`
	Role           string   `json:"role"`
	Roles          []string `json:"roles"`
	Permissions    []string `json:"permissions"`
	Scope          string   `json:"scope"`
	Entitlements   []string `json:"entitlements"`
	FeatureFlags   []string `json:"feature_flags"`
	AuthTime       int64    `json:"auth_time"`
	IssuedAt       int64    `json:"iat"`
	ExpiresAt      int64    `json:"exp"`
}

// customClaims are the claims, other than the registered ones, that an application uses for authorization.
type customClaims struct {
	SessionID      string   `json:"sid"`
	OrganizationID string   `json:"org_id"`
	Role           string   `json:"role"`
	Permissions    []string `json:"permissions"`
}
