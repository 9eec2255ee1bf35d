// Me: the handler that tells a front end who is signed in.

package authkit

import (
	"net/http"
	"time"
)

// me is the JSON document of [AuthKit.Me].
type me struct {
	SessionID      string          `json:"session_id"`
	User           meUser          `json:"user"`
	OrganizationID string          `json:"organization_id,omitempty"`
	Role           string          `json:"role,omitempty"`
	Roles          []string        `json:"roles"`
	Permissions    []string        `json:"permissions"`
	Entitlements   []string        `json:"entitlements"`
	FeatureFlags   []string        `json:"feature_flags"`
	Impersonator   *meImpersonator `json:"impersonator,omitempty"`
	ExpiresAt      time.Time       `json:"expires_at"`
}

// meUser leaves out the metadata and the external ID, which may be meant for the
// server alone.
type meUser struct {
	ID                string `json:"id"`
	Email             string `json:"email,omitempty"`
	EmailVerified     bool   `json:"email_verified,omitempty"`
	FirstName         string `json:"first_name,omitempty"`
	LastName          string `json:"last_name,omitempty"`
	Name              string `json:"name,omitempty"`
	ProfilePictureURL string `json:"profile_picture_url,omitempty"`
	Locale            string `json:"locale,omitempty"`
}

type meImpersonator struct {
	Email string `json:"email"`
}

// Me returns the handler that tells a front end who is signed in, as JSON. Mount it at
// any path:
//
//	mux.Handle("GET /api/me", ak.Me())
//
// A request with a session is answered 200:
//
//	{"session_id":"session_…","user":{"id":"user_…","email":"ada@example.com","first_name":"Ada"},
//	 "organization_id":"org_…","role":"admin","roles":["admin"],"permissions":["posts:read"],
//	 "entitlements":[],"feature_flags":[],"expires_at":"2026-03-14T09:31:53Z"}
//
// A member without a value is left out, and a list without values is empty. The user of
// a bearer token has an ID alone. While a member of your team is signed in as the user,
// the member impersonator has the email address of that person. The expiry is that of
// the access token, which the middleware refreshes. The document has no token, no
// metadata and no external ID.
//
// Any other request is answered as by [AuthKit.RequireAuth], but none is redirected to
// sign-in: 401 ([ErrUnauthenticated]) if it is anonymous, and 503 ([ErrUnavailable]) if
// its session cannot be checked. Responses are "private, no-store". A method other than
// GET is answered 405.
func (a *AuthKit) Me() http.Handler {
	return a.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.onlyMethod(w, r, http.MethodGet) {
			return
		}
		switch auth := a.requestAuthOf(r); {
		case auth.session != nil:
			noStore(w.Header())
			writeJSON(w, "application/json", http.StatusOK, meOf(auth.session))
		case auth.err != nil:
			a.fail(w, r, auth.err, "")
		default:
			a.failUnauthenticated(w, r, auth.challenge)
		}
	}))
}

func meOf(s *Session) me {
	user := s.User()
	document := me{
		SessionID: s.ID(),
		User: meUser{
			ID: s.UserID(), Email: user.Email, EmailVerified: user.EmailVerified, FirstName: user.FirstName, LastName: user.LastName,
			Name: user.Name, ProfilePictureURL: user.ProfilePictureURL, Locale: user.Locale,
		},
		OrganizationID: s.OrganizationID(),
		Role:           s.Role(),
		Roles:          listOf(s.Roles()),
		Permissions:    listOf(s.Permissions()),
		Entitlements:   listOf(s.Entitlements()),
		FeatureFlags:   listOf(s.FeatureFlags()),
		ExpiresAt:      s.ExpiresAt(),
	}
	if impersonator, ok := s.Impersonator(); ok {
		document.Impersonator = &meImpersonator{impersonator.Email}
	}
	return document
}

// listOf returns a list that JSON encodes as [] and not as null if it is empty.
func listOf(values []string) []string { return append([]string{}, values...) }
