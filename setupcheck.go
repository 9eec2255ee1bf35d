// What requests tell about mistakes in the set-up: package misconfig decides and logs.

package authkit

import (
	"cmp"
	"log/slog"
	"net/http"

	"github.com/authkit-go/authkit/internal/cookie"
)

// noteNoSession is called for a request without a session cookie.
func (a *AuthKit) noteNoSession(r *http.Request) {
	if a.mistakes.IsWaiting() && isNavigation(r) {
		a.mistakes.NoSession(r)
	}
}

// noteSessionCookies is called for a request that may have session cookies. Opened says
// that there is a session among them. A cookie that came twice is logged at Debug, since
// any site of the domain can cause it.
func (a *AuthKit) noteSessionCookies(r *http.Request, own *cookie.Value, opened bool) {
	if opened {
		a.mistakes.SessionOpened()
	}
	if opened && own.Ambiguous() && a.log.Enabled(r.Context(), slog.LevelDebug) {
		a.log.LogAttrs(r.Context(), slog.LevelDebug, "authkit: a session was found among several session cookies", slog.String("cookies", a.cookies.Describe(r.Header)))
	}
	switch {
	case !a.mistakes.AwaitsChunks():
	case own.Chunked():
		a.mistakes.ChunksCame(r, own.Parts())
	case !own.IsAbsent():
		a.mistakes.ChunksCame(r, a.cookies.SessionValues(r.Header))
	}
}

// noteTarget is called before a request is answered, and before a callback uses its state.
func (a *AuthKit) noteTarget(r *http.Request) {
	if a.basePath != "" && r.Method == http.MethodGet && !a.redirectURLs.isEmpty() && targetPath(r) == a.redirectURLs.of(r).publicTarget {
		a.mistakes.BasePathKept(r, r.URL.Query().Get("state"), a.basePath)
	}
}

// noteAnswer is called when a request was answered. The status is 0 if the handler gave
// none.
func (a *AuthKit) noteAnswer(r *http.Request, status int) {
	switch {
	case r.Method != http.MethodGet:
	case a.isCallback(r):
		a.mistakes.CallbackAnswered(r, r.URL.Query().Get("state"), a.redirectURLs.of(r).target, cmp.Or(status, http.StatusOK))
	case (status == http.StatusNotFound || status == http.StatusMethodNotAllowed) && a.signsIn() && targetPath(r) == a.loginPath:
		a.mistakes.LoginAnswered(r, a.loginPath, status)
	}
}
