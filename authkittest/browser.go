// Browser: going through an application as a person does, by its links and forms.

package authkittest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const (
	maxPage    = 4 << 20 // octets that a browser reads of a page
	maxRefresh = 5       // pages in a row that go on by themselves
)

// Browser walks through an application as a person with a browser does. It follows redirects and pages that go on by
// themselves, keeps cookies within a browser's limits (name and value of at most 4096 octets together, 180 cookies a
// host, the rules for __Host- and __Secure-, SameSite), and sends Origin and the Sec-Fetch headers. It runs no scripts,
// enforces neither CORS nor a Content-Security-Policy, and lets cookies expire on real time. A Browser is not for
// concurrent use; its Client is.
type Browser struct {
	// Client shares the cookies. A GET of it counts as an address typed in, any other method as a form on a page of the
	// same origin; a request that sets Sec-Fetch-Mode itself is sent as it is.
	*http.Client

	// Base carries the requests, when it is set: the Transport of an httptest.Server's Client, which trusts its certificate.
	Base http.RoundTripper

	jar  *jar
	page *Page
}

// NewBrowser returns a browser without cookies, at no page.
func NewBrowser() *Browser {
	b := &Browser{jar: newJar()}
	own := http.DefaultTransport.(*http.Transport).Clone()
	own.Proxy = nil // everything a test talks to is here
	b.Client = &http.Client{Transport: &transport{browser: b, own: own}, Jar: b.jar}
	return b
}

// BrowserClient returns an http.Client that behaves like a browser's address bar, with the cookies and headers of Browser.
func (f *Server) BrowserClient(tb testing.TB) *http.Client {
	return newTestBrowser(tb).Client
}

func newTestBrowser(tb testing.TB) *Browser {
	b := NewBrowser()
	tb.Cleanup(b.CloseIdleConnections)
	return b
}

// Page is the page that the browser shows: nil before the first step.
func (b *Browser) Page() *Page { return b.page }

// Get goes to an address as if it had been typed in.
func (b *Browser) Get(address string) (*Page, error) {
	return b.navigate(http.MethodGet, address, nil, &navigation{})
}

// Follow clicks the first link of the page whose text contains text.
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
	return nil, fmt.Errorf("authkittest: %v has no link %q, only %q", b.page, text, there)
}

// Submit presses the first button of the page whose text contains button, once the fields of its form are filled in
// with fill; the others keep the values that the page gave them. It fails when the form has no such field.
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
	return nil, fmt.Errorf("authkittest: %v has no button %q, only %q", b.page, button, there)
}

func (b *Browser) submit(form Form, pressed Button, fill url.Values) (*Page, error) {
	fields := maps.Clone(form.Fields)
	for name, values := range fill {
		if !fields.Has(name) {
			return nil, fmt.Errorf("authkittest: the form has no field %q, only %q", name, slices.Sorted(maps.Keys(fields)))
		}
		fields[name] = values
	}
	if pressed.Name != "" {
		fields.Add(pressed.Name, pressed.Value)
	}
	if form.Method == http.MethodPost {
		return b.navigate(http.MethodPost, form.Action.String(), fields, b.from(b.page))
	}
	target := *form.Action
	target.RawQuery = fields.Encode()
	return b.navigate(http.MethodGet, target.String(), nil, b.from(b.page))
}

// Fetch makes a request as a script on the current page does with fetch(), and leaves the browser on that page.
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

var errNoPage = errors.New("authkittest: the browser is at no page yet")

// from begins a step that a page causes.
func (b *Browser) from(p *Page) *navigation {
	return &navigation{initiator: p.URL, policy: p.Header.Get("Referrer-Policy")}
}

// navigate goes to an address, and on while the page there says so.
func (b *Browser) navigate(method, address string, form url.Values, n *navigation) (*Page, error) {
	for range maxRefresh {
		page, err := b.send(method, address, form, n)
		if err != nil {
			return nil, err
		}
		b.page = page
		refresh := page.read()
		if refresh == nil {
			return page, nil
		}
		method, address, form, n = http.MethodGet, refresh.String(), nil, b.from(page)
	}
	return nil, fmt.Errorf("authkittest: %v goes on and on", b.page)
}

func (b *Browser) send(method, address string, form url.Values, n *navigation) (*Page, error) {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
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
	return &Page{URL: response.Request.URL, StatusCode: response.StatusCode, Header: response.Header, Body: string(text)}, nil
}

// withoutSecrets rewrites an error of http.Client, which quotes the whole address, codes and state included.
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

// withoutQuery is the part of an address that may be told.
func withoutQuery(u *url.URL) string { return u.Scheme + "://" + u.Host + u.Path }
