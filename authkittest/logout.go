// GET /user_management/sessions/logout: the end of a session, at the fake and in the browser.

package authkittest

import "net/http"

// logout answers RouteLogout. It needs no proof beyond the session ID, and a session that is over already logs out too.
func (f *Server) logout(r *http.Request) pageResponse {
	q := r.URL.Query()
	s := f.session(q.Get("session_id"))
	if s == nil {
		return pageResponse{status: http.StatusUnprocessableEntity, apiError: &apiError{Message: "The session_id is missing or unknown."}}
	}
	s.end(f.clock.Now())
	delete(f.browserSessions, s.browserID)
	next := redirect(http.StatusFound, f.logoutRedirect(q.Get("return_to")))
	if _, found := f.browserSession(r); !found { // unless somebody else has signed in here meanwhile
		next.cookie = f.cookie("")
	}
	return next
}

// afterSignOut is where a logout leads: to return_to if that is registered, else to the default.
func (f *Server) logoutRedirect(returnTo string) string {
	switch list := f.settings.signOutRedirects; {
	case returnTo != "" && registered(returnTo, list):
		return returnTo
	case len(list) > 0:
		return list[0]
	default:
		return "/signed-out"
	}
}

func (f *Server) signedOutPage(*http.Request) pageResponse {
	return notice(http.StatusOK, "You are signed out", "You can close this page or go back to the application.")
}
