// How a handler sends a browser to the next page if it cannot simply redirect it.

package authkit

import (
	"net/http"

	"github.com/authkit-go/authkit/internal/page"
)

// continueTo sends a client from a POST to the address target. A browser that loads a
// page is redirected (303). A script gets 200 and a JSON document with target as the
// member name. A service worker that repeats a navigation as a fetch gets a page that
// loads target: its fetch cannot follow a redirect to another origin, and the browser
// shows the page. htmx gets the JSON document with HX-Redirect, which makes it load
// target.
func (a *AuthKit) continueTo(w http.ResponseWriter, r *http.Request, target, name string) {
	if isHTMX(r) {
		setHTMXRedirect(w.Header(), target)
	}
	switch {
	case loadsPage(r):
		seeOther(w, target)
	case wantsPage(r):
		a.loadNext(w, target)
	default:
		writeJSON(w, "application/json", http.StatusOK, map[string]string{name: target})
	}
}

// loadNext writes a page that loads target.
func (a *AuthKit) loadNext(w http.ResponseWriter, target string) {
	page.Write(w, http.StatusOK, page.Page{
		Title: "One moment …", Text: "The next page is loading.", Link: target, Label: "Continue", Redirect: true, Origins: a.pageOrigins,
	})
}
