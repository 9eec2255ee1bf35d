// Tests of the page.

package page

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
)

func write(p Page) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	Write(w, http.StatusForbidden, p)
	return w
}

func TestAPageShowsItsContentAndEscapesIt(t *testing.T) {
	w := write(Page{Title: "No <access>", Text: "Ask & wait", Link: `/a?b="c"`, Label: "<Back>"})
	assert.Equal(t, http.StatusForbidden, w.Code)
	body := w.Body.String()
	assert.Contains(t, body, "<title>No &lt;access&gt;</title>")
	assert.Contains(t, body, "<h1>No &lt;access&gt;</h1>")
	assert.Contains(t, body, "<p>Ask &amp; wait</p>")
	assert.Contains(t, body, `<a href="/a?b=%22c%22">&lt;Back&gt;</a>`)
	assert.NotContains(t, body, "http-equiv")
}

func TestAPageWithoutALinkShowsNone(t *testing.T) {
	assert.NotContains(t, write(Page{Title: "a", Label: "b"}).Body.String(), "<a ")
}

func TestAPageShowsASecondLinkToTheHomePage(t *testing.T) {
	body := write(Page{Title: "a", Link: "/next", Label: "b", Home: "/tool/"}).Body.String()
	assert.Contains(t, body, `<a href="/next">b</a>`)
	assert.Contains(t, body, `<a class="home" href="/tool/">Home page</a>`)
	assert.Contains(t, write(Page{Title: "a", Home: "/"}).Body.String(), `<a class="home" href="/">Home page</a>`)
	assert.NotContains(t, write(Page{Title: "a", Link: "/", Label: "b", Home: "/"}).Body.String(), "Home page", "one link to one page")
}

func TestAPageThatRedirectsAlsoShowsItsLink(t *testing.T) {
	body := write(Page{Title: "a", Link: "/next", Label: "b", Redirect: true}).Body.String()
	assert.Contains(t, body, `<meta http-equiv="refresh" content="0;url=/next">`)
	assert.Contains(t, body, `<a href="/next">b</a>`)
}

func TestThePolicyOfAPageAllowsOnlyItsStyle(t *testing.T) {
	h := write(Page{Title: "a"}).Header()
	assert.Equal(t, "text/html; charset=utf-8", h.Get("Content-Type"))
	assert.Equal(t, "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", h.Get("Content-Security-Policy"))
	assert.Equal(t, "no-referrer", h.Get("Referrer-Policy"))
	assert.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
}
