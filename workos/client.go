// The client and its construction: everything that can be wrong with a configuration is said here.

package workos

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// DefaultBaseURL is where the API is unless the customer has configured a host of its own for it.
const DefaultBaseURL = "https://api.workos.com"

// Client calls the WorkOS API for one application. It is safe for concurrent use and holds nothing that must be closed.
// Printed, it shows neither its API key nor its HTTP client.
type Client struct {
	clientID string
	apiKey   string // empty for a public client
	baseURL  string // scheme and host, without a trailing slash
	http     *http.Client
	clock    Clock
}

// Option is one decision about a [Client].
type Option func(*Client) error

// WithAPIKey makes a confidential client: the key ("sk_…") is sent as bearer token and as client_secret. Without this
// option the client is public and sends neither; an empty key is refused rather than taken for that.
func WithAPIKey(key string) Option {
	return func(c *Client) error {
		if key == "" {
			return errors.New("WithAPIKey: the key is empty; a public client is one without this option")
		}
		// RFC 6750 section 2.1: a bearer token is visible ASCII. A line feed from a secrets file is the usual stray.
		if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return errors.New("WithAPIKey: the key holds white space, a control character or one outside ASCII")
		}
		c.apiKey = key
		return nil
	}
}

// WithBaseURL sets where the API is (default [DefaultBaseURL]): scheme, host, perhaps a port, and nothing else, not
// even a trailing slash. Plain http is meant for an emulator on the same machine: the API key travels over it readable.
func WithBaseURL(base string) Option {
	return func(c *Client) error {
		// The value is not shown: it may hold a password.
		u, err := url.Parse(base)
		switch {
		case err != nil,
			u.Scheme != "https" && u.Scheme != "http",
			u.Hostname() == "",
			strings.HasSuffix(u.Host, ":"),
			!strings.EqualFold(base, u.Scheme+"://"+u.Host):
			return errors.New("WithBaseURL: want http or https, a host, perhaps a port, and nothing else, as in " + DefaultBaseURL)
		}
		c.baseURL = strings.ToLower(base)
		return nil
	}
}

// WithHTTPClient sets the client that requests go through, for a proxy, a private certificate authority or tracing.
// It is copied and not changed; its CheckRedirect is not used, because no redirect is followed. Its Timeout, if set,
// bounds each attempt in addition to the limits that the package documentation lists.
func WithHTTPClient(client *http.Client) Option {
	return func(c *Client) error {
		if client == nil {
			return errors.New("WithHTTPClient: the client is nil")
		}
		own := *client
		c.http = &own
		return nil
	}
}

// WithClock sets the clock by which deadlines and retries run (default: the system's).
func WithClock(clock Clock) Option {
	return func(c *Client) error {
		if clock == nil {
			return errors.New("WithClock: the clock is nil")
		}
		c.clock = clock
		return nil
	}
}

// NewClient returns a client for the application with the given client ID ("client_…"). It makes no request. Its error
// names every fault of the configuration at once, without the value of any secret.
func NewClient(clientID string, opts ...Option) (*Client, error) {
	c := &Client{clientID: clientID, baseURL: DefaultBaseURL, http: &http.Client{}, clock: systemClock{}}
	var faults []error
	if clientID == "" {
		faults = append(faults, errors.New("the client ID is empty"))
	}
	for _, opt := range opts {
		faults = append(faults, opt(c))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("workos: new client: %w", err)
	}
	// The API answers no call with a redirect, and to follow one could hand a code, a token or the key to another host.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, nil
}

// ClientID is the application's ID.
func (c *Client) ClientID() string { return c.clientID }

// BaseURL is where the API is: scheme and host in lower case, without a trailing slash.
func (c *Client) BaseURL() string { return c.baseURL }

// url is the address of a path of the API. Parameters are in the order of their names.
func (c *Client) url(path string, query url.Values) string {
	address := c.baseURL + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return address
}

// Format implements [fmt.Formatter].
func (c Client) Format(s fmt.State, verb rune) {
	format(s, verb, struct{ ClientID, BaseURL string }{c.clientID, c.baseURL})
}
