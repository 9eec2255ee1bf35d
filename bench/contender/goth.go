// markbates/goth with gorilla/sessions.

package contender

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/gorilla/sessions"
	"github.com/markbates/goth"
	"github.com/markbates/goth/gothic"
)

// gothValue is the name of the user in gothic's session.
const gothValue = "user"

// gothSessions keeps the goth.User of a sign-in in the session of gothic, which is in an encrypted cookie of
// gorilla/sessions. goth is for the sign-in. What an application does on later requests is up to it, and this is all that
// gothic offers for them.
func gothSessions() Contender {
	return Contender{
		Name:    "goth",
		Title:   "goth + gorilla/sessions",
		Modules: []string{"github.com/markbates/goth", "github.com/gorilla/sessions", "github.com/gorilla/securecookie"},
		What: "`gothic.GetFromSession` opens the cookie (gob) and decompresses the `goth.User`, `encoding/json` decodes it. " +
			"It does not verify the token in it.",
		Refuses: []Forgery{Integrity},
		setUp: func(context.Context, *authority) (*setup, error) {
			gothic.Store = sessions.NewCookieStore(bytes.Repeat([]byte("h"), 64), bytes.Repeat([]byte("b"), 32))
			return &setup{
				header: "Cookie",
				issue:  storeGothUser,
				wrap: func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						user, err := loadGothUser(r)
						if err != nil {
							refuse(w)
							return
						}
						next.ServeHTTP(w, withUser(r, user))
					})
				},
				user: func(r *http.Request) string {
					user, ok := userFrom[*goth.User](r)
					if !ok {
						return ""
					}
					return user.UserID
				},
			}, nil
		},
	}
}

// storeGothUser returns the Cookie header of a session, as the callback of an application creates it. What has no field in
// goth.User is in the raw data.
func storeGothUser(s session) (string, error) {
	text, err := json.Marshal(goth.User{
		Provider: "openid-connect",
		UserID:   s.user.ID, Email: s.user.Email, Name: s.user.Name, FirstName: s.user.FirstName, LastName: s.user.LastName,
		AvatarURL:    s.user.ProfilePictureURL,
		AccessToken:  s.token.text,
		RefreshToken: s.refreshToken,
		ExpiresAt:    s.token.issuedAt.Add(tokenLifetime),
		RawData: map[string]any{
			"email_verified": s.user.EmailVerified,
			"external_id":    s.user.ExternalID,
			"locale":         s.user.Locale,
			"metadata":       s.user.Metadata,
			"last_sign_in":   s.user.LastSignInAt.Format(time.RFC3339Nano),
			"created_at":     s.user.CreatedAt.Format(time.RFC3339Nano),
			"updated_at":     s.user.UpdatedAt.Format(time.RFC3339Nano),
		},
	})
	if err != nil {
		return "", err
	}
	w := httptest.NewRecorder()
	if err := gothic.StoreInSession(gothValue, string(text), httptest.NewRequest(http.MethodGet, "/callback", nil), w); err != nil {
		return "", err
	}
	cookies := w.Result().Cookies()
	if len(cookies) != 1 {
		return "", errors.New("gothic set no session cookie")
	}
	return cookieHeader(cookies), nil
}

// loadGothUser returns the user of a request.
func loadGothUser(r *http.Request) (*goth.User, error) {
	text, err := gothic.GetFromSession(gothValue, r)
	if err != nil {
		return nil, err
	}
	var user goth.User
	return &user, json.Unmarshal([]byte(text), &user)
}
