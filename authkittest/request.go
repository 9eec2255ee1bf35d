// SignedInRequest: a signed-in request for the test of one handler.

package authkittest

import (
	"net/http"

	"github.com/authkit-go/authkit"
)

// SignedInRequest returns r as it reaches a handler behind authkit's middleware when
// somebody is signed in, without any sign-in having taken place:
//
//	handler.ServeHTTP(recorder, authkittest.SignedInRequest(r, authkit.SessionParams{Role: "admin"}))
//
// Guards take the session for their own. The rest of this package knows nothing of the packages that it is there to
// test.
func SignedInRequest(r *http.Request, session authkit.SessionParams) *http.Request {
	return r.WithContext(authkit.NewContext(r.Context(), authkit.NewSession(session)))
}
