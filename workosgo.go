// What the official Go SDK keeps in a session.

package authkit

import (
	"encoding/json"
	"fmt"

	"github.com/authkit-go/authkit/workos"
)

func decodeWorkOSGo(encoded []byte) (sealedSession, error) {
	var session struct {
		AccessToken  string               `json:"access_token"`
		RefreshToken string               `json:"refresh_token"`
		User         workos.User          `json:"user"`
		Impersonator *workos.Impersonator `json:"impersonator"`
	}
	if err := json.Unmarshal(encoded, &session); err != nil {
		return sealedSession{}, fmt.Errorf("%w: not a session of the official Go SDK (%T)", errSealed, err)
	}
	s := sealedSession{
		accessToken:  session.AccessToken,
		refreshToken: session.RefreshToken,
		impersonator: session.Impersonator,
	}
	s.setUser(session.User)
	return s, s.settle()
}
