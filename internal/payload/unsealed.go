// The shared format without a seal: JSON in the text of the cookie.

package payload

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/authkit-go/authkit/internal/fields"
	"github.com/authkit-go/authkit/workos"
)

// IsUnsealed reports whether the text of a cookie may be a session without a seal. The
// texts of all seals begin differently.
func IsUnsealed(text string) bool {
	return strings.HasPrefix(text, "{") || strings.HasPrefix(text, "%7B") || strings.HasPrefix(text, "%7b")
}

// DecodeUnsealed decodes a session that the text of a cookie contains as JSON in the
// shared format. JavaScript encodes the text with encodeURIComponent. The error quotes
// nothing of the session.
//
// Anyone can write such a text. DecodeUnsealed takes the tokens and the user's ID from it
// and nothing else: no profile, no impersonator, no times and no unknown members. Only the
// signature of the access token proves something. The caller must verify it before it uses
// the session in any way, and must compare the user's ID with the token.
func DecodeUnsealed(text string) (s Session, err error) {
	if !strings.HasPrefix(text, "{") {
		decoded, err := url.PathUnescape(text)
		if err != nil {
			return s, notUnsealed(err)
		}
		text = decoded
	}
	var session, user object
	if err := json.Unmarshal([]byte(text), &session); err != nil {
		return s, notUnsealed(err)
	}
	s = Session{Unsealed: true}
	var id, token string
	for _, err := range []error{
		session.get(memberAccessToken, &token),
		session.get(memberRefreshToken, &s.RefreshToken),
		session.get(memberUser, &user),
		user.get("id", &id),
	} {
		if err != nil {
			return Session{}, notUnsealed(err)
		}
	}
	s.AccessToken = NewToken(token)
	s.User = workos.User{ID: id}
	if err := s.complete(); err != nil {
		return Session{}, err
	}
	return s, nil
}

// notUnsealed returns the error for a text that is not a session. The errors of
// encoding/json and net/url may quote the text, so only their type is included.
func notUnsealed(err error) error {
	return fmt.Errorf("%w: not a session without a seal (%T)", fields.ErrEncoding, err)
}
