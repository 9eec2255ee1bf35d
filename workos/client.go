// The client, its options and their validation.

package workos

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// DefaultBaseURL is the address of the API. A WorkOS environment can have a custom domain instead; see [WithBaseURL].
const DefaultBaseURL = "https://api.workos.com"

// Client calls the WorkOS API for one application. It is safe for concurrent use. It starts no permanent goroutine and
// does not need to be closed. Printed, it shows neither its API key nor its HTTP client.
type Client struct {
	clientID string
	apiKey   string // empty for a public client
	baseURL  string // scheme and host, without a trailing slash
	http     *http.Client
	clock    Clock
}

// Option configures [NewClient].
type Option func(*options)

// options are the values that the options of [NewClient] set. NewClient checks them.
type options struct {
	apiKey     string
	withAPIKey bool // an empty key must not make a public client
	baseURL    string
	httpClient *http.Client
	clock      Clock
}

// WithAPIKey makes a confidential client: it sends the key ("sk_…") as bearer token and as client_secret. Without this
// option the client is public and sends neither. An empty key is an error.
func WithAPIKey(key string) Option {
	return func(o *options) { o.apiKey, o.withAPIKey = key, true }
}

// WithBaseURL sets the address of the API. The default is [DefaultBaseURL]. It consists of a scheme, a host and
// optionally a port, without a trailing slash. Use plain http only for an emulator on the same machine: it sends the API
// key unencrypted.
func WithBaseURL(base string) Option {
	return func(o *options) { o.baseURL = base }
}

// WithHTTPClient sets the client that sends the requests, for a proxy, a private certificate authority or tracing.
// [NewClient] copies it and does not change it. Its CheckRedirect is not used, because no redirect is followed. Its
// Timeout, if set, bounds each attempt in addition to the limits in the package documentation.
func WithHTTPClient(client *http.Client) Option {
	return func(o *options) { o.httpClient = client }
}

// WithClock sets the clock for deadlines and retries. The default is the system clock.
func WithClock(clock Clock) Option {
	return func(o *options) { o.clock = clock }
}

// NewClient returns a client for the application with the given client ID ("client_…"). It makes no request. The error
// names every fault of the configuration at once, without the value of any secret.
func NewClient(clientID string, opts ...Option) (*Client, error) {
	o := options{baseURL: DefaultBaseURL, httpClient: &http.Client{}, clock: systemClock{}}
	for _, opt := range opts {
		opt(&o)
	}
	var faults []error
	if clientID == "" {
		faults = append(faults, errors.New("the client ID is empty"))
	}
	if err := errors.Join(append(faults, o.validate()...)...); err != nil {
		return nil, fmt.Errorf("workos: new client: %w", err)
	}
	httpClient := *o.httpClient
	// The API never redirects a call. Following a redirect could send a code, a token or the API key to another host.
	httpClient.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{
		clientID: clientID,
		apiKey:   o.apiKey,
		baseURL:  strings.ToLower(o.baseURL),
		http:     &httpClient,
		clock:    o.clock,
	}, nil
}

// validate returns every fault of the options.
func (o options) validate() []error {
	var faults []error
	fault := func(text string) { faults = append(faults, errors.New(text)) }
	switch {
	case o.withAPIKey && o.apiKey == "":
		fault("WithAPIKey: the key is empty; for a public client, omit this option")
	// RFC 6750 section 2.1: a bearer token is visible ASCII. A common fault is a line feed from a secrets file.
	case strings.ContainsFunc(o.apiKey, func(r rune) bool { return r <= ' ' || r > '~' }):
		fault("WithAPIKey: the key contains white space, a control character or a character outside ASCII")
	}
	if !isBaseURL(o.baseURL) {
		// The text omits the value, which may contain a password.
		fault("WithBaseURL: want http or https, a host, optionally a port, and nothing else, as in " + DefaultBaseURL)
	}
	if o.httpClient == nil {
		fault("WithHTTPClient: the client is nil")
	}
	if o.clock == nil {
		fault("WithClock: the clock is nil")
	}
	return faults
}

// isBaseURL reports whether base consists of a scheme, a host and optionally a port.
func isBaseURL(base string) bool {
	u, err := url.Parse(base)
	return err == nil &&
		(u.Scheme == "https" || u.Scheme == "http") &&
		u.Hostname() != "" &&
		!strings.HasSuffix(u.Host, ":") &&
		strings.EqualFold(base, u.Scheme+"://"+u.Host)
}

// ClientID returns the application's client ID.
func (c *Client) ClientID() string { return c.clientID }

// BaseURL returns the address of the API: scheme and host in lower case, without a trailing slash.
func (c *Client) BaseURL() string { return c.baseURL }

// url returns the URL of an API path. The query parameters are sorted by name.
func (c *Client) url(path string, query url.Values) string {
	address := c.baseURL + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return address
}

// Format implements [fmt.Formatter]. It shows only the client ID and the base URL.
func (c Client) Format(s fmt.State, verb rune) {
	format(s, verb, struct{ ClientID, BaseURL string }{c.clientID, c.baseURL})
}
