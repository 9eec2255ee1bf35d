// Whether WorkOS can be reached, and whether its clock is ours.

package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

// maxAnswer is how many octets of an answer are read.
const maxAnswer = 1 << 20

// answer is a response whose body has been read.
type answer struct {
	*http.Response
	body          []byte
	before, after time.Time // of this machine's clock
}

// get sends a GET, follows no redirect and reads the body.
func (d *doctor) get(ctx context.Context, address string, header http.Header) (*answer, error) {
	ctx, cancel := d.limited(ctx)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", "authkit-doctor")
	for name, values := range header {
		r.Header[name] = values
	}
	a := &answer{before: time.Now()}
	if a.Response, err = d.http.Do(r); err != nil {
		return nil, err
	}
	defer a.Body.Close()
	a.after = time.Now()
	a.body, err = io.ReadAll(io.LimitReader(a.Body, maxAnswer))
	return a, err
}

// failure explains an error of a connection: what happened, and the cure. The text contains the host and nothing else of the URL.
func failure(address string, err error) (finding, cure string) {
	host := address
	if u, parseErr := url.Parse(address); parseErr == nil {
		host = u.Host
	}
	var (
		dns       *net.DNSError
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		timeout   interface{ Timeout() bool }
		dial      *net.OpError
	)
	switch {
	case errors.As(err, &dial) && dial.Op == "proxyconnect":
		return host + ": the proxy of the environment cannot be reached", "Check HTTPS_PROXY and HTTP_PROXY, or name the host in NO_PROXY if it is reached without a proxy."
	case errors.As(err, &dns):
		return host + ": the name has no address", "Check the spelling of the host (WORKOS_API_HOSTNAME), and the DNS of this machine or container."
	case errors.As(err, &authority):
		return host + ": the certificate is signed by an authority that this machine does not know",
			"Install the certificates of authorities (the package ca-certificates in a container), or the one of the proxy that inspects TLS (SSL_CERT_FILE)."
	case errors.As(err, &name):
		return host + ": the certificate is for another name", "Use the name that the certificate is for. A custom authentication domain must be active in the WorkOS dashboard."
	case errors.As(err, &invalid):
		return host + ": the certificate is not valid, perhaps expired", "Check the clock of this machine first, then the certificate."
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return host + ": it speaks plain http, and not https", "For a fake AuthKit on this machine, set WORKOS_API_HTTPS=false. Otherwise check the port."
	case errors.Is(err, syscall.ECONNREFUSED):
		return host + ": nothing listens there", "Check the host and the port. For authkit dev: is it running, and on the port of the variables (--port)?"
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return host + ": no answer in time", "Check the firewall and the proxy (HTTPS_PROXY) between this machine and the host. --timeout waits longer."
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return host + ": the connection was closed without an answer", "Check the firewall and the proxy between this machine and the host."
	}
	return host + ": the connection failed", "Check the network between this machine and the host."
}

// checkReachable reads the discovery document of the client: the address, the client ID, the issuer and the clock.
func (d *doctor) checkReachable(ctx context.Context) {
	const check = "WorkOS"
	d.unreachable = true
	if d.client == nil || !strings.HasPrefix(d.env.clientID, "client_") {
		d.skip(check, "not asked; see the configuration")
		return
	}
	document, err := d.get(ctx, d.base+"/user_management/"+url.PathEscape(d.env.clientID)+"/.well-known/openid-configuration", nil)
	if err != nil {
		finding, cure := failure(d.base, err)
		d.fault(check, cure, "%s", finding)
		return
	}
	var discovery struct{ Issuer string }
	isJSON := json.Unmarshal(document.body, &discovery) == nil
	switch {
	case document.StatusCode == http.StatusTooManyRequests || document.StatusCode >= 500:
		d.warn(check, "Try again in a moment, and look at status.workos.com.", "%s answers %d at present", d.base, document.StatusCode)
		return
	case !isJSON:
		d.fault(check, "Check WORKOS_API_HOSTNAME, and whether a proxy or a firewall answers in place of WorkOS.",
			"%s answers %d with what is no JSON", d.base, document.StatusCode)
		return
	}
	d.unreachable = false
	d.ok(check, "%s answers after %d ms", d.base, document.after.Sub(document.before).Milliseconds())
	d.checkClock(document)
	if document.StatusCode == http.StatusNotFound {
		d.unknownClient = true
		d.fault("client ID", "Copy the client ID again: WorkOS dashboard, Overview. Is it the one of this environment (staging or production)?",
			"WorkOS has no application %s", d.env.clientID)
		return
	}
	if document.StatusCode != http.StatusOK {
		d.warn("client ID", "Look at the answer of the discovery document in a browser.", "the discovery document is answered %d", document.StatusCode)
		return
	}
	d.ok("client ID", "WorkOS knows %s", d.env.clientID)
	d.checkIssuer(discovery.Issuer)
}

// checkIssuer checks whether tokens of an issuer are accepted without another option (see authkit.WithAdditionalIssuers).
func (d *doctor) checkIssuer(issuer string) {
	var accepted []string
	for _, base := range []string{d.base, workos.DefaultBaseURL} {
		accepted = append(accepted, base, base+"/user_management/"+d.env.clientID)
	}
	if slices.Contains(accepted, strings.TrimSuffix(issuer, "/")) {
		d.ok("issuer", "%s is accepted", issuer)
		return
	}
	d.fault("issuer", "Pass authkit.WithAdditionalIssuers("+`"`+issuer+`"`+") to New, or set WORKOS_API_HOSTNAME to the custom authentication domain of the environment. In an "+
		"environment with several applications, the issuer may name another one of yours.",
		"the issuer %s is not accepted by default", issuer)
}

// The limits for the difference of the clocks. authkit accepts 60 s.
const (
	skewFault   = 60 * time.Second
	skewWarning = 15 * time.Second
)

// checkClock compares the clock of this machine with the Date of an answer, which has whole seconds.
func (d *doctor) checkClock(a *answer) {
	const check = "clock"
	date, err := http.ParseTime(a.Header.Get("Date"))
	if err != nil {
		d.skip(check, "the answer has no Date")
		return
	}
	age, _ := strconv.ParseUint(a.Header.Get("Age"), 10, 31) // 0 without it: no cache has kept the answer
	date = date.Add(time.Duration(age) * time.Second)
	const cure = "Set the clock: turn on time synchronization (timedatectl set-ntp true, chrony, or the settings of the host of a virtual machine)."
	ahead := a.before.Sub(date.Add(time.Second)) // at least that much
	behind := date.Sub(a.after)
	switch off := max(ahead, behind).Round(time.Second); {
	case off < skewWarning:
		d.ok(check, "within %s of WorkOS", skewWarning)
	case ahead >= behind && off > skewFault:
		d.fault(check, cure, "the clock of this machine is %s ahead of WorkOS: sessions are refreshed too often, and tokens are refused beyond their lifetime and 60 s", off)
	case ahead >= behind:
		d.warn(check, cure, "the clock of this machine is %s ahead of WorkOS; sessions are refreshed too early", off)
	case off > skewFault:
		d.fault(check, cure, "the clock of this machine is %s behind WorkOS: tokens are refused", off)
	default:
		d.warn(check, cure, "the clock of this machine is %s behind WorkOS; from 60 s on, tokens are refused", off)
	}
}

// checkKeys reads the signing keys as the application does.
func (d *doctor) checkKeys(ctx context.Context) {
	const check = "signing keys"
	if d.unreachable {
		d.skip(check, "not asked, because WorkOS did not answer")
		return
	}
	if d.unknownClient {
		d.skip(check, "not asked; see the client ID")
		return
	}
	ctx, cancel := d.limited(ctx)
	defer cancel()
	keys := jwks.NewKeySet(d.client.JWKSURL(), jwks.WithHTTPClient(d.http), jwks.WithLogger(slog.New(slog.DiscardHandler)))
	if err := keys.Load(ctx); err != nil {
		d.fault(check, "Open "+d.client.JWKSURL()+" from this machine. Without keys, every session is answered 503. Is the client ID right, and does a proxy change the answer?",
			"there are no usable keys at %s", d.client.JWKSURL())
		return
	}
	d.ok(check, "%d at %s", keys.State().Keys, d.client.JWKSURL())
}
