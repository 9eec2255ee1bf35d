// What is kept of a sign-in.

package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/authkit-go/authkit/workos"
)

// session is a sign-in as the store keeps it. Its access token has been verified.
type session struct {
	Application    application `json:"application"`
	User           person      `json:"user"`
	OrganizationID string      `json:"organization_id,omitempty"`
	AccessToken    token       `json:"access_token"`
	RefreshToken   token       `json:"refresh_token"`
}

func newSession(app application, auth *workos.Authentication) *session {
	return &session{
		Application:    app,
		User:           newPerson(auth.User),
		OrganizationID: auth.OrganizationID,
		AccessToken:    token(auth.AccessToken),
		RefreshToken:   token(auth.RefreshToken),
	}
}

// complete tells whether what has been read is a session, and not some other JSON.
func (s *session) complete() bool {
	return s.Application.ClientID != "" && s.Application.API != "" && s.AccessToken != "" && s.RefreshToken != ""
}

// person is the part of a user that the tool shows. Access tokens have no more than the ID.
type person struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email"`
}

func newPerson(u workos.User) person {
	return person{Name: cmp.Or(strings.TrimSpace(u.FirstName+" "+u.LastName), u.Name), Email: u.Email}
}

func (p person) String() string {
	if p.Name == "" {
		return p.Email
	}
	return p.Name + " <" + p.Email + ">"
}

// token is written to the store and nowhere else: printing one does not show it.
type token string

// Format implements [fmt.Formatter].
func (token) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[token]") }
