// The responses for programs: /api/me and /healthz.

package demo

import (
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/authkit-go/authkit"
)

// me is the document of /api/me.
type me struct {
	User           user      `json:"user"`
	SessionID      string    `json:"session_id"`
	OrganizationID string    `json:"organization_id"`
	Role           string    `json:"role"`
	Permissions    []string  `json:"permissions"` // never null
	ExpiresAt      time.Time `json:"expires_at"`
}

type user struct {
	ID        string `json:"id"`
	Email     string `json:"email"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
}

// WriteMe writes the user and the session as JSON.
func WriteMe(w http.ResponseWriter, s *authkit.Session) {
	u := s.User()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(me{ // an error means that the client is gone
		User:           user{ID: u.ID, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName},
		SessionID:      s.ID(),
		OrganizationID: s.OrganizationID(),
		Role:           s.Role(),
		Permissions:    append([]string{}, s.Permissions()...),
		ExpiresAt:      s.ExpiresAt().UTC(),
	})
}

// Healthy is the health check: it answers "ok".
func Healthy(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "ok")
}
