// A simple composition of gorilla/securecookie and lestrrat-go/jwx.

package contender

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"github.com/gorilla/securecookie"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jwt"

	"github.com/authkit-go/authkit/workos"
)

// sealedSession is the content of the cookie.
type sealedSession struct {
	AccessToken  string  `json:"access_token"`
	RefreshToken string  `json:"refresh_token"`
	User         profile `json:"user"`
}

// profile is a user as an application would define it: without the tolerant UnmarshalJSON of package workos, which is slower.
type profile workos.User

// secureCookieWithJWX keeps the session as JSON in a secure cookie, and verifies its token with jwt.Parse and the cached
// key set of the issuer. It is what an application would probably write first.
func secureCookieWithJWX() Contender {
	const name = "session"
	return Contender{
		Name:    "securecookie-jwx",
		Title:   "securecookie + jwx",
		Modules: []string{"github.com/gorilla/securecookie", "github.com/lestrrat-go/jwx/v2"},
		What:    "`securecookie` with its JSON serializer opens the cookie, `jwt.Parse` verifies the token in it with a cached key set.",
		Refuses: Forgeries,
		setUp: func(ctx context.Context, a *authority) (*setup, error) {
			codec := securecookie.New(bytes.Repeat([]byte("h"), 64), bytes.Repeat([]byte("b"), 32)).
				SetSerializer(securecookie.JSONEncoder{})
			cache := jwk.NewCache(ctx)
			if err := cache.Register(a.jwksURL()); err != nil {
				return nil, fmt.Errorf("register the key set: %w", err)
			}
			keys := jwk.NewCachedSet(cache, a.jwksURL())
			return &setup{
				header: "Cookie",
				issue: func(s session) (string, error) {
					value, err := codec.Encode(name, sealedSession{s.token.text, s.refreshToken, profile(s.user)})
					return name + "=" + value, err
				},
				wrap: func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						cookie, err := r.Cookie(name)
						if err != nil {
							refuse(w)
							return
						}
						var s sealedSession
						if err := codec.Decode(name, cookie.Value, &s); err != nil {
							refuse(w)
							return
						}
						_, err = jwt.ParseString(s.AccessToken, jwt.WithKeySet(keys), jwt.WithValidate(true),
							jwt.WithIssuer(a.issuer()), jwt.WithAudience(a.clientID))
						if err != nil {
							refuse(w)
							return
						}
						next.ServeHTTP(w, withUser(r, &s))
					})
				},
				user: func(r *http.Request) string {
					s, ok := userFrom[*sealedSession](r)
					if !ok {
						return ""
					}
					return s.User.ID
				},
			}, nil
		},
	}
}
