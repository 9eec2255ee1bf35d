// Browser and its cookie jar.

package authkittest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// site serves a handler under two host names, which are two sites to a browser.
func site(t *testing.T, h http.HandlerFunc) (ip, localhost string) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL, strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
}

func newBrowser(t *testing.T) *authkittest.Browser {
	t.Helper()
	b := authkittest.NewBrowser()
	t.Cleanup(b.CloseIdleConnections)
	return b
}

func TestTheCookieJarAppliesTheLimitsOfBrowsers(t *testing.T) {
	cases := map[string]struct {
		cookies []string
		stored  string // names
	}{
		"a cookie of 4096 octets is kept":             {[]string{"n=" + strings.Repeat("x", 4095)}, "n"},
		"a larger one is dropped":                     {[]string{"n=" + strings.Repeat("x", 4096)}, ""},
		"a larger one does not replace the old one":   {[]string{"n=old", "n=" + strings.Repeat("x", 4096)}, "n"},
		"__Host- needs a secure connection":           {[]string{"__Host-n=v; Secure; Path=/"}, ""},
		"__Secure- needs a secure connection":         {[]string{"__Secure-n=v; Secure"}, ""},
		"an expired cookie is removed":                {[]string{"n=v", "n=; Max-Age=-1"}, ""},
		"the 181st of a host removes the oldest":      {numbered(181), strings.Join(names(1, 181), " ")},
		"setting one again makes it the newest":       {append(numbered(180), "n0=again", "n180=v"), strings.Join(append([]string{"n0"}, names(2, 181)...), " ")},
		"expiring one makes room for another":         {append(numbered(180), "n5=; Max-Age=-1", "n180=v"), strings.Join(append(names(0, 5), names(6, 181)...), " ")},
		"expiring one by date makes room for another": {append(numbered(180), "n5=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "n180=v"), strings.Join(append(names(0, 5), names(6, 181)...), " ")},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			address, _ := site(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/set" {
					for _, cookie := range c.cookies {
						w.Header().Add("Set-Cookie", cookie)
					}
				}
				var sent []string
				for _, cookie := range r.Cookies() {
					sent = append(sent, cookie.Name)
				}
				fmt.Fprint(w, strings.Join(sent, " "))
			})
			b := newBrowser(t)
			_, err := b.Get(address + "/set")
			require.NoError(t, err)
			page, err := b.Get(address + "/")
			require.NoError(t, err)
			assert.ElementsMatch(t, strings.Fields(c.stored), strings.Fields(page.Body))
		})
	}
}

func numbered(n int) (cookies []string) {
	for _, name := range names(0, n) {
		cookies = append(cookies, name+"=v")
	}
	return cookies
}

func names(from, to int) (list []string) {
	for i := from; i < to; i++ {
		list = append(list, fmt.Sprintf("n%d", i))
	}
	return list
}

func TestABrowserSendsFetchMetadataOriginAndSameSiteCookies(t *testing.T) {
	var got http.Header
	var cookies []string
	var ip, localhost string
	policy := ""
	ip, localhost = site(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/start":
			w.Header().Set("Referrer-Policy", policy)
			w.Header().Add("Set-Cookie", "strict=1; SameSite=Strict")
			w.Header().Add("Set-Cookie", "lax=1; SameSite=Lax")
			w.Header().Add("Set-Cookie", "none=1; SameSite=None")
			fmt.Fprintf(w, `<a href="/end">near</a> <a href="%[1]s/end">far</a> <a href="%[1]s/away">around</a>
				<form method="post" action="/end"><button>post near</button></form>
				<form method="post" action="%[1]s/end"><button>post far</button></form>`, localhost)
		case "/away":
			http.Redirect(w, r, ip+"/end", http.StatusFound)
		default:
			got, cookies = r.Header, nil
			for _, c := range r.Cookies() {
				cookies = append(cookies, c.Name)
			}
		}
	})
	all, safe, none := []string{"strict", "lax", "none"}, []string{"lax", "none"}, []string{"none"}
	type step func(*authkittest.Browser) (*authkittest.Page, error)
	press := func(text string) step {
		return func(b *authkittest.Browser) (*authkittest.Page, error) { return b.Submit(text, nil) }
	}
	click := func(text string) step {
		return func(b *authkittest.Browser) (*authkittest.Page, error) { return b.Follow(text) }
	}
	fetch := func(address *string) step {
		return func(b *authkittest.Browser) (*authkittest.Page, error) { return b.Fetch("POST", *address+"/end") }
	}
	cases := map[string]struct {
		step               step
		policy             string
		site, mode, origin string
		cookies            []string
	}{
		"an address typed in":             {func(b *authkittest.Browser) (*authkittest.Page, error) { return b.Get(ip + "/end") }, "", "none", "navigate", "", all},
		"a link on the same origin":       {click("near"), "", "same-origin", "navigate", "", all},
		"a link to another site":          {click("far"), "", "cross-site", "navigate", "", safe},
		"a link by way of another site":   {click("around"), "", "cross-site", "navigate", "", all},
		"a form on the same origin":       {press("post near"), "", "same-origin", "navigate", ip, all},
		"a form for another site":         {press("post far"), "", "cross-site", "navigate", ip, none},
		"a form on a no-referrer page":    {press("post near"), "no-referrer", "same-origin", "navigate", "null", all},
		"a same-origin page's form":       {press("post near"), "same-origin", "same-origin", "navigate", ip, all},
		"a same-origin page's form away":  {press("post far"), "same-origin", "cross-site", "navigate", "null", none},
		"a fetch on the same origin":      {fetch(&ip), "", "same-origin", "cors", ip, all},
		"a fetch to another site":         {fetch(&localhost), "", "cross-site", "cors", ip, none},
		"a fetch from a no-referrer page": {fetch(&ip), "no-referrer", "same-origin", "cors", ip, all},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			policy = c.policy
			b := newBrowser(t)
			for _, address := range []string{localhost, ip} { // sets cookies on both sites
				_, err := b.Get(address + "/start")
				require.NoError(t, err)
			}
			_, err := c.step(b)
			require.NoError(t, err)
			assert.Equal(t, []string{c.site, c.mode, c.origin},
				[]string{got.Get("Sec-Fetch-Site"), got.Get("Sec-Fetch-Mode"), got.Get("Origin")})
			assert.ElementsMatch(t, c.cookies, cookies)
		})
	}
}

func TestABrowserClientSendsRequestsLikeATypedAddress(t *testing.T) {
	var got http.Header
	address, _ := site(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header })
	client := authkittest.New(t).BrowserClient(t)
	do := func(method, mode string) {
		r, err := http.NewRequest(method, address, nil)
		require.NoError(t, err)
		if mode != "" {
			r.Header.Set("Sec-Fetch-Mode", mode)
		}
		response, err := client.Do(r)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
	}
	do("GET", "")
	assert.Equal(t, "none", got.Get("Sec-Fetch-Site"))
	assert.Equal(t, "document", got.Get("Sec-Fetch-Dest"))
	assert.Contains(t, got.Get("Accept"), "text/html")
	do("POST", "")
	assert.Equal(t, "same-origin", got.Get("Sec-Fetch-Site"))
	assert.Equal(t, address, got.Get("Origin"))
	do("GET", "cors")
	assert.Equal(t, "cors", got.Get("Sec-Fetch-Mode"))
	assert.Empty(t, got.Get("Accept"))
}

func TestAButtonOfABrowserCanHaveItsOwnActionAndMethod(t *testing.T) {
	address, _ := site(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		if r.URL.Path != "/" {
			fmt.Fprint(w, r.Method, " ", r.URL.Path, " ", r.Form.Encode())
			return
		}
		fmt.Fprint(w, `<form action="/team" method="post"><input type="hidden" name="id" value="1">
			<button>Save</button><button formaction="/team/resend">Resend</button>
			<input type="submit" formaction="revoke?x=2" value="Revoke"><button formmethod="GET" formaction="/show">Show</button>
			<button formmethod="get">List</button><button formaction="http://%zz">Broken</button></form>`)
	})
	b := newBrowser(t)
	for button, want := range map[string]string{
		"Save": "POST /team id=1", "Resend": "POST /team/resend id=1", "Revoke": "POST /revoke id=1&x=2",
		"Show": "GET /show id=1", "List": "GET /team id=1", "Broken": "POST /team id=1",
	} {
		_, err := b.Get(address)
		require.NoError(t, err)
		page, err := b.Submit(button, nil)
		require.NoError(t, err)
		assert.Equal(t, want, page.Body)
	}
}

func TestABrowserUsesTheLinksAndFormsOfAPage(t *testing.T) {
	address, _ := site(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/done" {
			_ = r.ParseForm()
			fmt.Fprint(w, r.Method, " ", r.Form.Encode())
			return
		}
		fmt.Fprint(w, `<!-- <form action=/trap><button>Go</button></form> -->
			<A HREF='/done?a=1&amp;b=2'>Read <em>more</em> &amp; more</A>
			<form action="done" method=POST>
			<input type=hidden name=token value='"quoted" &lt;'><input name=text>
			<input type=checkbox name=off><input type=checkbox name=on checked><input type=radio name=r value=1 checked>
			<textarea name=area>some
			text</textarea><button type=button name=no>Not this</button><button name=which value=2>Go <b>on</b></button></form>
			<form><input type=submit name=s value=Search></form>`)
	})
	b := newBrowser(t)
	_, err := b.Get(address)
	require.NoError(t, err)
	page, err := b.Submit("Go on", url.Values{"text": {"filled in"}})
	require.NoError(t, err)
	assert.Equal(t, "POST area=some+text&on=on&r=1&text=filled+in&token=%22quoted%22+%3C&which=2", page.Body)

	_, err = b.Get(address)
	require.NoError(t, err)
	_, err = b.Submit("Go on", url.Values{"nothing": {"x"}})
	require.ErrorContains(t, err, `no field "nothing"`)
	_, err = b.Submit("Leave", nil)
	require.ErrorContains(t, err, `no button with the text "Leave"; its buttons are ["Go on" "Search"]`)
	_, err = b.Follow("nowhere")
	require.ErrorContains(t, err, `its links are ["Read more & more"]`)
	page, err = b.Submit("Search", nil)
	require.NoError(t, err)
	assert.Equal(t, "/?s=Search", page.URL.RequestURI())
	page, err = b.Follow("Read more")
	require.NoError(t, err)
	assert.Equal(t, "GET a=1&b=2", page.Body)
}

func TestABrowserFollowsAMetaRefresh(t *testing.T) {
	address, _ := site(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			fmt.Fprint(w, `<meta http-equiv="Refresh" content="0; URL='/end'">`)
		case "/loop":
			fmt.Fprint(w, `<meta http-equiv="refresh" content="0;url=/loop">`)
		default:
			fmt.Fprint(w, r.Header.Get("Sec-Fetch-Site"))
		}
	})
	b := newBrowser(t)
	page, err := b.Get(address)
	require.NoError(t, err)
	assert.Equal(t, "same-origin", page.Body)
	_, err = b.Get(address + "/loop?code=secret")
	require.ErrorContains(t, err, "more than 5 meta refreshes in a row")
}

func TestABrowserWithoutAPageReturnsAnError(t *testing.T) {
	b := newBrowser(t)
	assert.Nil(t, b.Page())
	_, err := b.Submit("x", nil)
	require.ErrorContains(t, err, "no page")
	_, err = b.Follow("x")
	require.ErrorContains(t, err, "no page")
	_, err = b.Fetch("GET", "/")
	require.ErrorContains(t, err, "no page")
}

func TestErrorsAndPrintedPagesOmitTheQuery(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	b := newBrowser(t)
	page, err := b.Get(server.URL + "/callback?code=secret")
	require.NoError(t, err)
	assert.Equal(t, "404 "+server.URL+"/callback", page.String())
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", page, page, page), "secret")
	_, err = b.Get("http://127.0.0.1:1/callback?code=secret") // nothing listens there
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "secret")
}

func TestABrowserUsesItsBaseTransport(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "__Host-n", Value: "v", Path: "/", Secure: true})
		fmt.Fprint(w, r.Header.Get("Cookie"))
	}))
	defer server.Close()
	b := newBrowser(t)
	b.Base = server.Client().Transport
	for _, want := range []string{"", "__Host-n=v"} {
		page, err := b.Get(server.URL)
		require.NoError(t, err)
		assert.Equal(t, want, page.Body)
	}
}
