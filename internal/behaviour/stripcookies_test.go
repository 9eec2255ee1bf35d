// StripCookies: requests that a reverse proxy behind the middleware sends on.

package behaviour

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnUpstreamBehindAReverseProxyGetsNoCookieOfThisPackage(t *testing.T) {
	var got http.Header
	upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Clone() }))
	t.Cleanup(upstream.Close)
	target, err := url.Parse(upstream.URL)
	require.NoError(t, err)
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/upstream/", &httputil.ReverseProxy{Rewrite: func(pr *httputil.ProxyRequest) {
			pr.SetURL(target)
			a.StripCookies(pr.Out)
		}})
	}})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(10 * time.Minute)
	resp := a.Send(Request{Target: "/upstream/x", Cookie: `theme="dark mode"; ` + cookie + "; lang=de"})
	require.Equal(t, http.StatusOK, resp.Status)
	assert.Equal(t, []string{`theme="dark mode"; lang=de`}, got["Cookie"])
	assert.NotEmpty(t, resp.NewCookie(t), "the middleware still sets the refreshed session")
}

func TestStripCookiesInAHandlerLeavesTheRequestOfTheMiddlewareAlone(t *testing.T) {
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		mux.HandleFunc("/strip", func(w http.ResponseWriter, r *http.Request) {
			a.StripCookies(r)
			w.Header().Set("X-Cookie", r.Header.Get("Cookie"))
		})
	}})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Fake.RevokeSession(a.SessionID())
	a.Clock.Advance(10 * time.Minute)
	resp := a.Send(Request{Target: "/strip", Cookie: cookie + "; a=1"})
	assert.Equal(t, "a=1", resp.Header.Get("X-Cookie"))
	assert.Negative(t, resp.SetCookies(t)["authkit-session"].MaxAge, "the middleware clears the ended session")
}
