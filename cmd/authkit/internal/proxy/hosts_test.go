// Tests of the hosts that the proxy answers for.

package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/cmd/authkit/internal/proxy"
)

// requestTo sends a request with a Host, and returns the response and its body.
func (d *door) requestTo(transport http.RoundTripper, host, path string, headers ...string) (*http.Response, string) {
	d.t.Helper()
	r, err := http.NewRequest("GET", d.URL+path, nil)
	require.NoError(d.t, err)
	r.Host = host
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := transport.RoundTrip(r)
	require.NoError(d.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(d.t, err)
	return resp, string(text)
}

func TestARequestForAnotherHostIsMisdirected(t *testing.T) {
	upstream := &recorder{}
	d := start(t, upstream, setUp{change: func(c *proxy.Config) {
		allPublic(c)
		c.Hosts = []string{"app.example.com", "Shop.Example.com.:8443", "[::1]:8080", "[2001:0DB8:0::01]"}
		c.WorkOS.RedirectURLs = []string{"https://app.example.com/callback"}
	}})
	http2 := new(http.Protocols)
	http2.SetUnencryptedHTTP2(true)
	for version, transport := range map[string]*http.Transport{"HTTP/1.1": {}, "HTTP/2.0": {Protocols: http2}} {
		t.Cleanup(transport.CloseIdleConnections)
		for host, status := range map[string]int{
			"app.example.com": 200, "APP.example.com": 200, "app.example.com.": 200, "app.example.com:443": 200, "app.example.com:80": 200,
			"shop.example.com:8443": 200, "[::1]:8080": 200, "[0:0:0:0:0:0:0:1]:8080": 200, "[2001:db8::1]": 200, "[2001:DB8::1]:443": 200,
			"app.example.com:8443": 421, "shop.example.com": 421, "evil.example": 421, "app.example.com.evil.example": 421,
			"x.app.example.com": 421, "example.com": 421, "localhost": 421, "[::1]": 421, "app.example.com:443:443": 421,
			"[::1]]:8080": 421, "[[::1]:8080": 421, "[::1": 421, "::1:8080": 421, "[app.example.com]": 421, "app.example.com:": 421, "app.example.com..": 421,
			"app.example.com:0443": 421, "app.example.com:443.": 421, "app%2eexample.com": 421, "app.example.com,evil.example": 421, "[2001:db8::1]evil": 421,
		} {
			for _, path := range []string{"/a", "/login", "/callback?code=a&state=b", "/authkit/me", "/socket"} {
				resp, text := d.requestTo(transport, host, path)
				require.Equal(t, version, resp.Proto)
				if status == 200 {
					assert.NotEqual(t, 421, resp.StatusCode, "%s %s", host, path)
					continue
				}
				assert.Equal(t, 421, resp.StatusCode, "%s %s", host, path)
				assert.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
				assert.Contains(t, text, `"title":"Misdirected Request"`)
				assert.NotContains(t, text, "example", "neither the Host nor the list")
			}
			resp, _ := d.requestTo(transport, host, "/healthz")
			assert.Equal(t, 200, resp.StatusCode, "the probe of a load balancer, at %s", host)
		}
	}
	for _, seen := range upstream.take() {
		assert.NotContains(t, seen, "/login")
	}
	assert.Equal(t, 421, d.raw("GET /a HTTP/1.0\r\n\r\n"), "no Host")
	assert.Equal(t, 421, d.raw("GET http://evil.example/a HTTP/1.1\r\nHost: app.example.com\r\n\r\n"), "the host of an absolute URL counts")
	assert.Equal(t, 200, d.raw("GET http://app.example.com/a HTTP/1.1\r\nHost: evil.example\r\n\r\n"))
	assert.Equal(t, []string{`GET /a ""`}, upstream.take())
	_, text := d.requestTo(http.DefaultTransport, "evil.example", "/a", "X-Forwarded-Host", "app.example.com", "Accept", "text/html")
	assert.Contains(t, text, "<title>Misdirected Request</title>", "a page for a person, and X-Forwarded-Host does not count")
}

func TestWithoutAListEveryHostIsServed(t *testing.T) {
	d := start(t, echo, setUp{change: allPublic})
	resp, _ := d.requestTo(http.DefaultTransport, "any.example", "/a")
	assert.Equal(t, 200, resp.StatusCode)
}

func TestTheListOfHostsIsReloaded(t *testing.T) {
	f := startFromFile(t, echo, "rules: [{path: /*, allow: [public]}]\n")
	status := func(host string) int {
		resp, _ := f.requestTo(http.DefaultTransport, host, "/a")
		return resp.StatusCode
	}
	require.Equal(t, 200, status("any.example"))
	f.write(t, "rules: [{path: /*, allow: [public]}]\nhosts: ["+f.host()+"]\n")
	f.reload <- struct{}{}
	f.reload <- struct{}{} // it is received after the first reload
	assert.Equal(t, 421, status("any.example"))
	assert.Equal(t, 200, status(f.host()))
}

func TestAListOfHostsWithoutAHostIsAFault(t *testing.T) {
	withoutVariables(t)
	for text, place := range map[string]string{"hosts:": "hosts", "hosts: []": "hosts", "hosts: ~": "hosts", "hosts: [app.example.com, null]": "hosts[1]", "a: &a []\nhosts: *a": "hosts"} {
		_, err := proxy.Load(writeFile(t, "c.yaml", text+"\n"))
		assert.ErrorContains(t, err, place+" has no value; give one or remove it", "an empty list would let every host pass: %s", text)
	}
}

func TestAHostThatNoRequestCanHaveIsAFault(t *testing.T) {
	withoutVariables(t)
	for _, host := range []string{"https://app.example.com", "*.example.com", "app.example.com/a", "", "a b", "bücher.example", "app.example.com:", "app.example.com:x", "user@app.example.com", "::1", "[::1", ":8080",
		"[fe80::1%25eth0]", "[::1]a", "app.example.com:08080", "app.example.com..",
		".example.com", "["} {
		c, err := proxy.Load(writeFile(t, "c.yaml", fmt.Sprintf("workos: {redirect_urls: [\"https://app.example.com/callback\"]}\nhosts:\n- app.example.com\n- %q\n", host)))
		require.NoError(t, err)
		assert.ErrorContains(t, c.Check(), fmt.Sprintf("line 4: hosts[1]: %q is not a host", host))
	}
	c := proxy.Default()
	c.Hosts = []string{"app.example.com", "localhost:8080"}
	c.WorkOS.RedirectURLs = []string{"https://app.example.com/callback", "https://shop.example.com/callback"}
	assert.ErrorContains(t, c.Check(), "hosts: has no shop.example.com, which is the host of a redirect URL")
	assert.NotContains(t, c.Check().Error(), "hosts: has no app.example.com")
}
