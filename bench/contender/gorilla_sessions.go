// gorilla/sessions with its cookie store.

package contender

import (
	"bytes"
	"context"
	"net/http"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	"github.com/authkit-go/authkit/workos"
)

// gorillaSessions keeps the whole session in an encrypted cookie, encoded with gob.
func gorillaSessions() Contender {
	const name = "session"
	return Contender{
		Name:    "gorilla-sessions",
		Title:   "gorilla/sessions, cookie store",
		Modules: []string{"github.com/gorilla/sessions", "github.com/gorilla/securecookie"},
		What:    "`CookieStore.Get` opens the cookie and decodes the session (gob). It does not verify the token in it.",
		Refuses: []Forgery{Integrity},
		setUp: func(context.Context, *authority) (*setup, error) {
			store := sessions.NewCookieStore(bytes.Repeat([]byte("h"), 64), bytes.Repeat([]byte("b"), 32))
			return &setup{
				header: "Cookie",
				issue: func(s session) (string, error) {
					value, err := securecookie.EncodeMulti(name, map[any]any{
						userValue:         s.user,
						accessTokenValue:  s.token.text,
						refreshTokenValue: s.refreshToken,
					}, store.Codecs...)
					return name + "=" + value, err
				},
				wrap: func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						s, err := store.Get(r, name)
						if _, ok := s.Values[userValue]; err != nil || !ok {
							refuse(w)
							return
						}
						next.ServeHTTP(w, r)
					})
				},
				user: func(r *http.Request) string {
					s, err := store.Get(r, name)
					if err != nil {
						return ""
					}
					user, _ := s.Values[userValue].(workos.User)
					return user.ID
				},
			}, nil
		},
	}
}
