// alexedwards/scs with its memory store.

package contender

import (
	"context"
	"encoding/gob"
	"net/http"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"

	"github.com/authkit-go/authkit/workos"
)

func init() { gob.Register(workos.User{}) }

// The keys of the values in the sessions of scs and gorilla/sessions.
const (
	userValue         = "user"
	accessTokenValue  = "access_token"
	refreshTokenValue = "refresh_token"
)

// scsMemory keeps the sessions on the server. The cookie is a key into a table.
//
// The store has no cleanup goroutine: no session expires, and the goroutine could not be stopped safely. The one that
// scs.New starts belongs to a store without sessions.
func scsMemory() Contender {
	return Contender{
		Name:    "scs",
		Title:   "scs, memory store",
		Modules: []string{"github.com/alexedwards/scs/v2"},
		What:    "`LoadAndSave` finds the session in the server's own memory and decodes it (gob). It does not verify the token in it.",
		Refuses: []Forgery{Integrity},
		setUp: func(context.Context, *authority) (*setup, error) {
			sessions := scs.New()
			sessions.Store = memstore.NewWithCleanupInterval(0)
			return &setup{
				header: "Cookie",
				issue: func(s session) (string, error) {
					in, err := sessions.Load(context.Background(), "")
					if err != nil {
						return "", err
					}
					sessions.Put(in, userValue, s.user)
					sessions.Put(in, accessTokenValue, s.token.text)
					sessions.Put(in, refreshTokenValue, s.refreshToken)
					key, _, err := sessions.Commit(in)
					return sessions.Cookie.Name + "=" + key, err
				},
				wrap: func(next http.Handler) http.Handler {
					return sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if !sessions.Exists(r.Context(), userValue) {
							refuse(w)
							return
						}
						next.ServeHTTP(w, r)
					}))
				},
				user: func(r *http.Request) string {
					user, _ := sessions.Get(r.Context(), userValue).(workos.User)
					return user.ID
				},
			}, nil
		},
	}
}
