// alexedwards/scs with its store in memory.

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

// What sessions on the server and gorilla/sessions keep a session under.
const (
	userValue         = "user"
	accessTokenValue  = "access_token"
	refreshTokenValue = "refresh_token"
)

// scsMemory is sessions on the server: the cookie is a key into a table.
//
// The store has no goroutine that sweeps out expired sessions: there are none, and it could not be stopped safely. The
// one that scs.New starts sweeps a store without any.
func scsMemory() Contender {
	return Contender{
		Name:    "scs",
		Title:   "scs, memory store",
		Modules: []string{"github.com/alexedwards/scs/v2"},
		What:    "`LoadAndSave` finds the session in the server's own memory and decodes it (gob). It trusts the token that it keeps.",
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
					who, _ := sessions.Get(r.Context(), userValue).(workos.User)
					return who.ID
				},
			}, nil
		},
	}
}
