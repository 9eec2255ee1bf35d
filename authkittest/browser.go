// Browser: moves through an application by its links and forms, as a user does.

package authkittest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const (
	maxPage    = 4 << 20 // octets of a page that are read
	maxRefresh = 5       // successive pages with a meta refresh
)

// Browser moves through an application by its links and forms, as a user with a web browser does. It follows redirects and
// meta refreshes. It applies the cookie limits of browsers: at most 4096 octets for name and value together, at most 180
// cookies per host, the rules for __Host- and __Secure-, and SameSite. It sends Origin, the Sec-Fetch headers and a User-Agent
// that begins as that of a browser. It finds a host such as app.localhost on this machine. It runs no scripts and enforces
// neither CORS nor a Content-Security-Policy. Cookies expire on real time. A Browser is not safe for concurrent use. Its Client
// is.
type Browser struct {
	// Client shares the cookies of the browser. A GET is sent as a navigation without a referring page. Any other method is
	// sent like a form on a page of the same origin. A request that sets Sec-Fetch-Mode is sent unchanged.
	*http.Client

	// Base sends the requests, if it is set. An example is the Transport of an httptest.Server's Client, which trusts the
	// server's certificate.
	Base http.RoundTripper

	jar  *jar
	page *Page
	home *url.URL // of the application; nil for a Browser of NewBrowser
}

// NewBrowser returns a browser without cookies and without a page.
func NewBrowser() *Browser {
	b := &Browser{jar: newJar()}
	b.Client = &http.Client{Transport: &transport{browser: b, own: newTransport()}, Jar: b.jar}
	return b
}

// newTransport returns a transport with connections of its own, without a proxy: tests only talk to this machine. Hosts below
// localhost are this machine too (RFC 6761, section 6.3), as in browsers. Not every resolver knows that.
func newTransport() *http.Transport {
	own := http.DefaultTransport.(*http.Transport).Clone()
	own.Proxy = nil
	dial := own.DialContext
	own.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if host, port, err := net.SplitHostPort(address); err == nil && strings.HasSuffix(strings.ToLower(host), ".localhost") {
			address = net.JoinHostPort("localhost", port)
		}
		return dial(ctx, network, address)
	}
	return own
}

// BrowserClient returns the Client of a new Browser, for requests that are sent as navigations without a referring page.
func (f *Server) BrowserClient(tb testing.TB) *http.Client {
	return newTestBrowser(tb).Client
}

func newTestBrowser(tb testing.TB) *Browser {
	b := NewBrowser()
	tb.Cleanup(b.CloseIdleConnections)
	return b
}

// Page returns the page that the browser shows. It returns nil before the first navigation.
func (b *Browser) Page() *Page { return b.page }

// Get opens an address, as a navigation without a referring page. For a browser of an [App], an address that begins with a
// slash is of the application.
func (b *Browser) Get(address string) (*Page, error) {
	return b.navigate(http.MethodGet, address, nil, &navigation{})
}

// Follow clicks the first link of the page whose text contains text. It returns an error if there is no such link.
func (b *Browser) Follow(text string) (*Page, error) {
	if b.page == nil {
		return nil, errNoPage
	}
	var there []string
	for _, link := range b.page.Links {
		if strings.Contains(link.Text, text) {
			return b.navigate(http.MethodGet, link.URL.String(), nil, b.from(b.page))
		}
		there = append(there, link.Text)
	}
	return nil, fmt.Errorf("authkittest: Follow: page %v has no link with the text %q; its links are %q", b.page, text, there)
}

// Submit fills in the fields in fill and clicks the first button of the page whose text contains button. The other fields
// of the form keep their values from the page. The formaction and formmethod of the button count. Submit returns an error if the
// button or one of the fields does not exist.
func (b *Browser) Submit(button string, fill url.Values) (*Page, error) {
	if b.page == nil {
		return nil, errNoPage
	}
	var there []string
	for _, form := range b.page.Forms {
		for _, candidate := range form.Buttons {
			if strings.Contains(candidate.Text, button) {
				return b.submit(form, candidate, fill)
			}
			there = append(there, candidate.Text)
		}
	}
	return nil, fmt.Errorf("authkittest: Submit: page %v has no button with the text %q; its buttons are %q", b.page, button, there)
}

func (b *Browser) submit(form Form, pressed Button, fill url.Values) (*Page, error) {
	fields := maps.Clone(form.Fields)
	for name, values := range fill {
		if !fields.Has(name) {
			return nil, fmt.Errorf("authkittest: Submit: the form has no field %q; its fields are %q", name, slices.Sorted(maps.Keys(fields)))
		}
		fields[name] = values
	}
	if pressed.Name != "" {
		fields.Add(pressed.Name, pressed.Value)
	}
	action, method := cmp.Or(pressed.Action, form.Action), cmp.Or(pressed.Method, form.Method)
	if method == http.MethodPost {
		return b.navigate(http.MethodPost, action.String(), fields, b.from(b.page))
	}
	target := *action
	target.RawQuery = fields.Encode()
	return b.navigate(http.MethodGet, target.String(), nil, b.from(b.page))
}

// Fetch sends a request like a script on the current page with fetch(). The browser stays on that page.
func (b *Browser) Fetch(method, address string) (*Page, error) {
	if b.page == nil {
		return nil, errNoPage
	}
	n := b.from(b.page)
	n.fetch = true
	fetched, err := b.send(method, address, nil, n)
	if err != nil {
		return nil, err
	}
	fetched.read()
	return fetched, nil
}

var errNoPage = errors.New("authkittest: the browser has no page yet: call Get first")

// from returns a navigation that starts on a page.
func (b *Browser) from(p *Page) *navigation {
	return &navigation{initiator: p.URL, policy: p.Header.Get("Referrer-Policy")}
}

// navigate opens an address and follows meta refreshes.
func (b *Browser) navigate(method, address string, form url.Values, n *navigation) (*Page, error) {
	refreshed := false
	for range maxRefresh {
		page, err := b.send(method, address, form, n)
		if err != nil {
			return nil, err
		}
		if refreshed && page.redirectedBy == nil {
			page.redirectedBy = b.page.URL
		}
		b.page = page
		refresh := page.read()
		if refresh == nil {
			return page, nil
		}
		method, address, form, n, refreshed = http.MethodGet, refresh.String(), nil, b.from(page), true
	}
	return nil, fmt.Errorf("authkittest: page %v: more than %d meta refreshes in a row", b.page, maxRefresh)
}

func (b *Browser) send(method, address string, form url.Values, n *navigation) (*Page, error) {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	if b.home != nil && strings.HasPrefix(address, "/") {
		address = b.home.String() + address
	}
	r, err := http.NewRequestWithContext(n.context(context.Background()), method, address, body)
	if err != nil {
		return nil, fmt.Errorf("authkittest: %w", withoutSecrets(err))
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := b.Do(r)
	if err != nil {
		return nil, fmt.Errorf("authkittest: %w", withoutSecrets(err))
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxPage))
	if err != nil {
		return nil, fmt.Errorf("authkittest: %s: %w", withoutQuery(response.Request.URL), err)
	}
	page := &Page{URL: response.Request.URL, StatusCode: response.StatusCode, Header: response.Header, Body: string(text)}
	if redirect := response.Request.Response; redirect != nil {
		page.redirectedBy = redirect.Request.URL
	}
	return page, nil
}

// withoutSecrets removes the query from the address in an error of http.Client. The query can hold codes and states.
func withoutSecrets(err error) error {
	var quoted *url.Error
	if !errors.As(err, &quoted) {
		return err
	}
	address := "an address"
	if u, parseErr := url.Parse(quoted.URL); parseErr == nil {
		address = withoutQuery(u)
	}
	return fmt.Errorf("%s %s: %w", quoted.Op, address, quoted.Err)
}

// withoutQuery returns scheme, host and path of an address, which are not secret.
func withoutQuery(u *url.URL) string { return u.Scheme + "://" + u.Host + u.Path }
