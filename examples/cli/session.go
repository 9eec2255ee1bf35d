// The session, as it is stored.

package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/authkit-go/authkit/workos"
)

// session is the result of a sign-in, as the store keeps it. Its access token has been verified.
type session struct {
	Application    application `json:"application"`
	User           user        `json:"user"`
	OrganizationID string      `json:"organization_id,omitempty"`
	AccessToken    token       `json:"access_token"`
	RefreshToken   token       `json:"refresh_token"`
}

func newSession(app application, auth *workos.Authentication) *session {
	return &session{
		Application:    app,
		User:           newUser(auth.User),
		OrganizationID: auth.OrganizationID,
		AccessToken:    token(auth.AccessToken),
		RefreshToken:   token(auth.RefreshToken),
	}
}

// isComplete reports whether the decoded JSON is a session.
func (s *session) isComplete() bool {
	return s.Application.ClientID != "" && s.Application.API != "" && s.AccessToken != "" && s.RefreshToken != ""
}

// user holds the name and address that the tool shows. They are stored because access tokens contain only the user's ID.
type user struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email"`
}

func newUser(u workos.User) user {
	return user{Name: cmp.Or(strings.TrimSpace(u.FirstName+" "+u.LastName), u.Name), Email: u.Email}
}

func (u user) String() string {
	if u.Name == "" {
		return u.Email
	}
	return u.Name + " <" + u.Email + ">"
}

// token is a secret. It is written only to the store; printing a token shows a placeholder.
type token string

// Format implements [fmt.Formatter].
func (token) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[token]") }
