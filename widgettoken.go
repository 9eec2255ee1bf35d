// WidgetToken: a token for the widgets of WorkOS in a page of the signed-in user.

package authkit

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/authkit-go/authkit/workos"
)

// WidgetToken returns a token with which the widgets of WorkOS in a page act for the user of the request's session, in the
// organization of the session (https://workos.com/docs/widgets). The scopes are workos.WidgetScope constants, such as
// [workos.WidgetScopeUsersTable]. WorkOS decides whether the user's role permits them. Without a scope, the token is for the
// widgets of the user, such as the profile. A session that is in no organization needs no scope for those.
//
//	mux.HandleFunc("GET /widget-token", func(w http.ResponseWriter, r *http.Request) {
//		token, err := ak.WidgetToken(w, r, workos.WidgetScopeUsersTable)
//		var refusal *workos.Error
//		switch {
//		case err == nil:
//			json.NewEncoder(w).Encode(map[string]string{"token": token})
//		case errors.As(err, &refusal) && !errors.Is(err, authkit.ErrUnavailable): // the user's role does not permit this widget
//			http.Error(w, "You may not use this widget.", http.StatusForbidden)
//		default:
//			ak.Fail(w, r, err) // 401, 403 or 503
//		}
//	})
//
// The token is a secret of the user. WorkOS accepts it for an hour, also after a sign-out, and it cannot be revoked. So
// send it only in the response to the request. WidgetToken sets "private, no-store" on the response. Call it before the
// response is written. It works behind the middleware, and also without it. Then it refreshes a session that is about to expire,
// as the middleware does, and the response has the new cookie. Each call asks WorkOS, for 10 seconds at most.
//
// The error matches one of these:
//
//   - [ErrUnauthenticated]: the request has no session, or the session has ended. A request with an API key has no session.
//   - [ErrForbidden]: the session is impersonated, or there are scopes and the session is in no organization. The
//     [ForbiddenError] says which. An impersonator would act in the widgets as the user, where WorkOS shows no impersonator,
//     and for longer than the impersonation lasts. [AuthKit.Client] can make the token nevertheless (CreateWidgetToken).
//   - [ErrUnavailable]: WorkOS could not be reached, or has answered 408, 429 or 5xx.
//   - [*workos.Error]: WorkOS has refused the token, for example because of a scope. Answer it yourself: [AuthKit.Fail] would
//     answer it 502.
//
// A public client has no API key to call WorkOS with, so it always gets an error.
func (a *AuthKit) WidgetToken(w http.ResponseWriter, r *http.Request, scopes ...string) (token string, err error) {
	if a.public {
		return "", errors.New("authkit: WidgetToken: a public client has no API key to make a widget token with")
	}
	_, s, err := a.loadRequest(w, r, false)
	if err != nil {
		return "", err
	}
	if _, impersonated := s.Impersonator(); impersonated {
		return "", &ForbiddenError{Missing: "a session without impersonation"}
	}
	if len(scopes) > 0 && s.OrganizationID() == "" {
		return "", &ForbiddenError{Missing: "a session in an organization"}
	}
	token, err = a.client.CreateWidgetToken(r.Context(), workos.CreateWidgetTokenParams{
		UserID: s.UserID(), OrganizationID: s.OrganizationID(), Scopes: scopes,
	})
	var refusal *workos.Error
	switch {
	case a.isSignedOut(s): // during the call
		return "", fmt.Errorf("%w: the session was signed out", ErrUnauthenticated)
	case err == nil:
		return token, nil
	case errors.As(err, &refusal) && !workos.IsTransient(err):
		return "", fmt.Errorf("authkit: WidgetToken: %w", err)
	}
	return "", unavailable(err, workos.RetryAfter(err))
}
