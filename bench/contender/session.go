// Sessions: the access token and the profile that every contender is asked about.

package contender

import (
	"fmt"
	"time"

	"github.com/authkit-go/authkit/workos"
)

// session is what somebody who signed in has.
type session struct {
	token        token
	refreshToken string
	user         workos.User
}

// token is an access token, and what somebody must believe in to take it for a good one.
type token struct {
	text string
	trust
}

// trust is who signed a token, with what, when, and for whom.
type trust struct {
	key      *key
	issuer   string
	clientID string
	issuedAt time.Time
}

// trust is what a good token of the authority deserves.
func (a *authority) trust() trust {
	return trust{key: a.key, issuer: a.issuer(), clientID: a.clientID, issuedAt: a.started}
}

// session is the session of the i-th person. It has an organization, a role, ten permissions and a profile, which is
// about 2 KB in a sealed cookie.
func (a *authority) session(i int) (session, error) { return newSession(i, a.trust()) }

func newSession(i int, t trust) (session, error) {
	text, err := t.key.sign(claimsOf(i, t))
	return sessionOf(i, token{text: text, trust: t}), err
}

// sessionOf is what the i-th person has besides a token.
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

// claimsOf are what the token of the i-th person says.
func claimsOf(i int, t trust) accessToken {
	return accessToken{
		Issuer:         t.issuer,
		Subject:        userID(i),
		Audience:       t.clientID,
		SessionID:      fmt.Sprintf("session_01K2V9%020d", i),
		ID:             fmt.Sprintf("01K2VA%020d", i),
		ClientID:       t.clientID,
		OrganizationID: "org_01K2V7S0F4XJ5GQ2N8BWTYRKCM",
		Role:           "editor",
		Roles:          []string{"editor", "billing-manager"},
		Permissions: []string{
			"articles:read", "articles:write", "articles:publish", "comments:read", "comments:moderate",
			"media:read", "media:upload", "invoices:read", "members:read", "reports:export",
		},
		Entitlements: []string{"audit-logs", "single-sign-on"},
		FeatureFlags: []string{"new-editor"},
		AuthTime:     t.issuedAt.Unix(),
		IssuedAt:     t.issuedAt.Unix(),
		ExpiresAt:    t.issuedAt.Add(tokenLifetime).Unix(),
	}
}

// accessToken is the payload of an AuthKit access token. It has an audience, as a JWT template may add one, so that the
// contenders that check nothing but the audience can say whom a token is for.
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
	Entitlements   []string `json:"entitlements"`
	FeatureFlags   []string `json:"feature_flags"`
	AuthTime       int64    `json:"auth_time"`
	IssuedAt       int64    `json:"iat"`
	ExpiresAt      int64    `json:"exp"`
}

// rights are the claims of an access token beyond the registered ones that an application decides by.
type rights struct {
	SessionID      string   `json:"sid"`
	OrganizationID string   `json:"org_id"`
	Role           string   `json:"role"`
	Permissions    []string `json:"permissions"`
}
