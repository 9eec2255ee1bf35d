// Package doctor checks the configuration of an application against WorkOS: the command "authkit doctor".
package doctor

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/workos"
)

// Status is the outcome of a check.
type Status string

// The values of Status.
const (
	OK      Status = "ok"
	Warning Status = "warning" // it works, and may not in some cases
	Fault   Status = "fault"   // something does not work
	Skipped Status = "skipped" // could not be checked, or does not apply
)

// Result is what a check has found. It contains no secret.
type Result struct {
	Check   string `json:"check"`
	Status  Status `json:"status"`
	Finding string `json:"finding"`
	Cure    string `json:"cure,omitempty"` // empty unless the status is a warning or a fault
}

// Config is what the flags of the command set. The configuration of the application is in the environment.
type Config struct {
	URL             string // of the application, as browsers open it; empty to leave these checks out
	LoginPath       string // of the application
	StandIn         string // an address at which the proxy of URL expects the application, to serve there meanwhile; empty for no
	SignOutRedirect string // where a logout returns to; empty for the root of the host of the redirect URI
	Store           string // redis://…, rediss://… or postgres://…; empty for none
	SharedSession   bool   // the application has WithSharedSession
	PublicClient    bool   // the application has WithPublicClient
	Timeout         time.Duration
	Progress        func(check string) // is told which check begins; may be nil
	HTTPClient      *http.Client       // nil for one with the settings of the system
}

// doctor is one run of the checks.
type doctor struct {
	Config
	http    *http.Client
	results []Result

	env         environment
	client      *workos.Client
	base        string   // the address of WorkOS
	registered  []string // the redirect URIs of the environment; nil if they are not known
	unreachable bool

	unknownClient bool // WorkOS does not know the client ID
	unregistered  bool // the list of WorkOS lacks the redirect URI

	typical int // octets of the Cookie header of a typical session; 0 if unknown
}

// Run runs all checks, and returns a result of each in their order. Each check takes at most cfg.Timeout for each of its calls.
func Run(ctx context.Context, cfg Config) []Result {
	d := &doctor{Config: cfg, http: cfg.HTTPClient}
	if d.http == nil {
		d.http = &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
	}
	copied := *d.http
	copied.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	d.http = &copied
	for _, c := range []struct {
		name string
		run  func(context.Context)
	}{
		{"configuration", d.checkConfiguration},
		{"cookie password", d.checkPassword},
		{"WorkOS", d.checkReachable},
		{"signing keys", d.checkKeys},
		{"API key", d.checkAPIKey},
		{"authorization", d.checkRedirectURI},
		{"sign-out redirect", d.checkSignOutRedirect},
		{"session size", d.checkSessionSize},
		{"webhook secret", d.checkWebhookSecret},
		{"store", d.checkStore},
		{"application", d.checkApplication},
	} {
		if cfg.Progress != nil {
			cfg.Progress(c.name)
		}
		c.run(ctx)
	}
	return d.results
}

// HasFault reports whether a result is a fault.
func HasFault(results []Result) bool {
	for _, r := range results {
		if r.Status == Fault {
			return true
		}
	}
	return false
}

func (d *doctor) ok(check, finding string, args ...any) {
	d.results = append(d.results, Result{Check: check, Status: OK, Finding: fmt.Sprintf(finding, args...)})
}

func (d *doctor) skip(check, finding string, args ...any) {
	d.results = append(d.results, Result{Check: check, Status: Skipped, Finding: fmt.Sprintf(finding, args...)})
}

func (d *doctor) warn(check, cure, finding string, args ...any) {
	d.results = append(d.results, Result{Check: check, Status: Warning, Finding: fmt.Sprintf(finding, args...), Cure: cure})
}

func (d *doctor) fault(check, cure, finding string, args ...any) {
	d.results = append(d.results, Result{Check: check, Status: Fault, Finding: fmt.Sprintf(finding, args...), Cure: cure})
}

// limited returns a context that ends after the time for one call.
func (d *doctor) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d.Timeout)
}

// options are the options of the application that the flags name.
func (d *doctor) options() []authkit.Option {
	var opts []authkit.Option
	if d.SharedSession {
		opts = append(opts, authkit.WithSharedSession())
	}
	if d.PublicClient {
		opts = append(opts, authkit.WithPublicClient())
	}
	return opts
}
