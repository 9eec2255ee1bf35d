// SignedInRequest: a request with a session, for the test of one handler.

package authkittest

import (
	"net/http"

	"github.com/authkit-go/authkit"
)

// SignedInRequest returns a copy of r with a session in its context, as authkit's middleware passes it to a handler for a
// signed-in user. No sign-in takes place:
//
//	handler.ServeHTTP(recorder, authkittest.SignedInRequest(r, authkit.SessionParams{Role: "admin"}))
//
// Guards of every authkit.AuthKit accept the session.
func SignedInRequest(r *http.Request, session authkit.SessionParams) *http.Request {
	return r.WithContext(authkit.NewContext(r.Context(), authkit.NewSession(session)))
}
