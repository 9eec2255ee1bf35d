// The session helper of WorkOS's official Go SDK, workos-go.

package contender

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/authkit-go/authkit/seal"
)

// workosGoClaims are the claims that the SDK decodes.
type workosGoClaims struct {
	customClaims
	Entitlements []string `json:"entitlements"`
	ExpiresAt    int64    `json:"exp"`
}

// workosGoSession is the result of the SDK's Authenticate.
type workosGoSession struct {
	workosGoClaims
	user profile
}

// workosGo does what AuthenticateSession of workos-go 10.1.1 does, as its README shows it: NewSession and Authenticate for
// each request. The steps were written anew for this program, which does not contain the SDK. The SDK derives the key of the
// seal for each session that it opens, and so does this code.
func workosGo() Contender {
	const name, password = "wos-session", "correct-horse-correct-horse-correct-horse-"
	return Contender{
		Name:  "workos-go",
		Title: "the steps of workos-go",
		What: "The steps of `Session.Authenticate` of the official SDK (workos-go 10.1.1), written anew: opens the cookie " +
			"(AES-256-GCM), decodes the session (JSON) and the claims of the token, and checks the expiry. The SDK trusts the " +
			"seal: it does not verify the token's signature, issuer or audience.",
		Refuses: []Forgery{Expiry, Integrity},
		setUp: func(context.Context, *authority) (*setup, error) {
			sealer, err := seal.WorkOSGo(password)
			if err != nil {
				return nil, err
			}
			return &setup{
				header: "Cookie",
				issue: func(s session) (string, error) {
					text, err := json.Marshal(sealedSession{s.token.text, s.refreshToken, profile(s.user)})
					if err != nil {
						return "", err
					}
					sealed, err := sealer.Seal(text)
					return name + "=" + sealed, err
				},
				wrap: func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						cookie, err := r.Cookie(name)
						if err != nil {
							refuse(w)
							return
						}
						s, err := authenticateLikeWorkOSGo(cookie.Value, password)
						if err != nil {
							refuse(w)
							return
						}
						next.ServeHTTP(w, withUser(r, s))
					})
				},
				user: func(r *http.Request) string {
					s, ok := userFrom[*workosGoSession](r)
					if !ok {
						return ""
					}
					return s.user.ID
				},
			}, nil
		},
	}
}

// authenticateLikeWorkOSGo opens a cookie and decodes the token in it.
func authenticateLikeWorkOSGo(cookie, password string) (*workosGoSession, error) {
	sealed, err := base64.StdEncoding.DecodeString(cookie)
	if err != nil {
		return nil, err
	}
	key := sha256.Sum256([]byte(password))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	n := aead.NonceSize()
	if len(sealed) < n {
		return nil, errors.New("the cookie is too short")
	}
	text, err := aead.Open(nil, sealed[:n], sealed[n:], nil)
	if err != nil {
		return nil, err
	}
	var opened sealedSession
	if err := json.Unmarshal(text, &opened); err != nil {
		return nil, err
	}
	parts := strings.Split(opened.AccessToken, ".")
	if len(parts) != 3 {
		return nil, errors.New("the access token is not a compact JWS")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, err
	}
	s := &workosGoSession{user: opened.User}
	if err := json.Unmarshal(payload, &s.workosGoClaims); err != nil {
		return nil, err
	}
	if s.ExpiresAt != 0 && time.Now().Unix() >= s.ExpiresAt {
		return nil, errors.New("the token has expired")
	}
	return s, nil
}
