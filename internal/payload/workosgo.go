// The format of the official Go SDK, workos-go: JSON.

package payload

import (
	"encoding/json"
	"fmt"

	"github.com/authkit-go/authkit/internal/fields"
	"github.com/authkit-go/authkit/workos"
)

// DecodeWorkOSGo decodes a session of workos-go. The times of sign-in and refresh
// are read from the access token. The error quotes nothing of the session.
func DecodeWorkOSGo(encoded []byte) (Session, error) {
	var session struct {
		AccessToken  string               `json:"access_token"`
		RefreshToken string               `json:"refresh_token"`
		User         workos.User          `json:"user"`
		Impersonator *workos.Impersonator `json:"impersonator"`
	}
	if err := json.Unmarshal(encoded, &session); err != nil {
		return Session{}, fmt.Errorf("%w: not a session in the format of workos-go (%T)", fields.ErrEncoding, err)
	}
	s := Session{
		AccessToken:  NewToken(session.AccessToken),
		RefreshToken: session.RefreshToken,
		Impersonator: session.Impersonator,
	}
	s.SetUser(session.User)
	return s, s.complete()
}
