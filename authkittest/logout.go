// GET /user_management/sessions/logout: ends a session and the browser's session at the fake.

package authkittest

import (
	"net/http"
	"net/url"
)

// logout answers RouteLogout. It only needs the session ID. It also works for a session that has already ended.
func (f *Server) logout(r *http.Request) pageResponse {
	q := r.URL.Query()
	s := f.session(q.Get("session_id"))
	if s == nil {
		return pageResponse{status: http.StatusUnprocessableEntity, apiError: &apiError{Message: "The session_id is missing or unknown."}}
	}
	f.endSession(s)
	delete(f.browserSessions, s.browserID)
	next := redirect(http.StatusFound, f.logoutRedirect(q.Get("return_to")))
	if _, found := f.browserSession(r); !found { // another sign-in in this browser keeps its cookie
		next.cookie = f.cookie("")
	}
	return next
}

// logoutRedirect returns the address that a logout redirects to: returnTo if it is registered, else the default.
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

// signedOutPage has a link to the application, at the root of the host of the first redirect URI. WorkOS has no such page: it
// redirects to the default of the dashboard.
func (f *Server) signedOutPage(*http.Request) pageResponse {
	v := view{Heading: "You are signed out", Problem: "You can close this page or go back to the application."}
	if len(f.redirectURIs) > 0 {
		if u, err := url.Parse(f.redirectURIs[0].text); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
			v.Back = u.Scheme + "://" + u.Host + "/"
		}
	}
	return showPage(http.StatusOK, "notice", v)
}
