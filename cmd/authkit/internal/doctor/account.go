// What WorkOS says of the API key, the redirect URI and the sign-out redirect.

package doctor

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/authkit-go/authkit/workos"
)

// madeUpToken is a refresh token that does not exist. Its exchange tells whether the API key and the client ID belong together,
// and changes nothing.
const madeUpToken = "authkit_doctor_no_such_token"

// checkAPIKey checks whether the API key is accepted, and whether it belongs to the client ID.
func (d *doctor) checkAPIKey(ctx context.Context) {
	const check = "API key"
	switch {
	case d.PublicClient:
		d.skip(check, "a public client has none")
		return
	case d.unreachable:
		d.skip(check, "not tried, because WorkOS did not answer")
		return
	}
	limited, cancel := d.limited(ctx)
	defer cancel()
	uris, err := d.registeredURIs(limited)
	var refusal *workos.Error
	switch {
	case err == nil:
	case errors.As(err, &refusal) && refusal.StatusCode == http.StatusUnauthorized:
		d.fault(check, "Copy the key again: WorkOS dashboard, API Keys. Was it revoked, or is it one of another environment (staging or production)?",
			"WorkOS does not accept the API key")
		return
	case errors.As(err, &refusal) && refusal.StatusCode == http.StatusForbidden:
		d.warn(check, "Give the key permission to read redirect URIs, or check them in the dashboard.", "WorkOS accepts the API key, and it may not list redirect URIs")
	default:
		d.warn(check, "Try again in a moment.", "WorkOS did not answer the list of redirect URIs as expected: %s", reason(err))
		return
	}
	d.registered = uris
	if uris != nil {
		defer d.matchRedirectURI(uris)
	}
	if d.unknownClient {
		d.ok(check, "accepted; whether it belongs to the client ID was not asked")
		return
	}
	limited, cancelGrant := d.limited(ctx)
	defer cancelGrant()
	_, err = d.client.AuthenticateWithRefreshToken(limited, workos.AuthenticateWithRefreshTokenParams{RefreshToken: madeUpToken})
	switch errors.As(err, &refusal); {
	case refusal != nil && refusal.Code == workos.CodeInvalidGrant:
		d.ok(check, "accepted, and of the same environment as the client ID")
	case refusal != nil && (refusal.Code == workos.CodeInvalidClient || refusal.Code == workos.CodeUnauthorizedClient):
		d.fault(check, "Copy both from one environment of the WorkOS dashboard: the API key (API Keys) and the client ID (Overview).",
			"WorkOS accepts the API key, but not together with %s (%s)", d.env.clientID, refusal.Code)
	default:
		d.ok(check, "accepted; whether it belongs to the client ID is not known (%s)", reason(err))
	}
}

// reason returns what went wrong with a call, in a few words and without a body.
func reason(err error) string {
	var refusal *workos.Error
	switch {
	case err == nil:
		return "no error"
	case errors.As(err, &refusal):
		return strings.TrimSpace(http.StatusText(refusal.StatusCode) + " " + refusal.Code)
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	}
	return "no usable answer"
}

// registeredURIs returns the redirect URIs of the environment.
func (d *doctor) registeredURIs(ctx context.Context) ([]string, error) {
	uris := []string{}
	for uri, err := range d.client.ListRedirectURIs(ctx, workos.Paging{PageSize: 100}) {
		if err != nil {
			return nil, err
		}
		uris = append(uris, uri.URI)
	}
	return uris, nil
}

// matchRedirectURI compares the redirect URI with the registered ones.
func (d *doctor) matchRedirectURI(uris []string) {
	const check = "redirect URI"
	own := d.env.redirectURI
	if own == "" {
		return // checkRedirectScheme has said so
	}
	if isRegistered(own, uris) {
		d.ok(check, "%s is registered", shown(own))
		return
	}
	near := ""
	for _, uri := range uris {
		if difference := differs(own, uri); difference != "" {
			near = "; " + uri + " is, and differs in " + difference
			break
		}
	}
	d.unregistered = true
	d.fault(check, "Register exactly "+shown(own)+" in the WorkOS dashboard (Redirects), or correct WORKOS_REDIRECT_URI. Every character counts.",
		"%s is not registered%s", shown(own), near)
}

// isRegistered reports whether a URI is in a list of registered ones.
func isRegistered(own string, uris []string) bool {
	return slices.ContainsFunc(uris, func(uri string) bool { return uri == own || matchesWildcard(own, uri) })
}

// shown returns a URL without a password.
func shown(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the address"
	}
	return u.Redacted()
}

// matchesWildcard reports whether a URI is one of a registered pattern: * as the left-most label of the host, or as the port of a
// loopback host.
func matchesWildcard(own, pattern string) bool {
	if strings.Count(pattern, "*") != 1 {
		return false
	}
	before, after, _ := strings.Cut(pattern, "*")
	if !strings.HasPrefix(own, before) || !strings.HasSuffix(own, after) || len(own) <= len(before)+len(after) {
		return false
	}
	return !strings.ContainsAny(own[len(before):len(own)-len(after)], "./:@?#")
}

// differs returns in what two URIs differ if that is one thing that is easily overlooked, or "".
func differs(own, registered string) string {
	a, err := url.Parse(own)
	b, errRegistered := url.Parse(registered)
	if err != nil || errRegistered != nil {
		return ""
	}
	var parts []string
	if a.Scheme != b.Scheme {
		parts = append(parts, "the scheme ("+b.Scheme+")")
	}
	switch {
	case a.Host == b.Host:
	case a.Hostname() == b.Hostname():
		parts = append(parts, "the port")
	case strings.EqualFold(a.Host, b.Host):
		parts = append(parts, "upper and lower case of the host")
	case slices.Contains(loopbackNames, a.Hostname()) && slices.Contains(loopbackNames, b.Hostname()):
		parts = append(parts, "the name of this machine ("+b.Hostname()+")")
	default:
		return ""
	}
	switch {
	case a.Path == b.Path:
	case strings.TrimSuffix(a.Path, "/") == strings.TrimSuffix(b.Path, "/"):
		parts = append(parts, "a slash at the end")
	default:
		parts = append(parts, "the path ("+b.Path+")")
	}
	if a.RawQuery != b.RawQuery {
		parts = append(parts, "the query")
	}
	return strings.Join(parts, " and ")
}

var loopbackNames = []string{"localhost", "127.0.0.1", "::1"}

// checkRedirectURI asks for an authorization, as the browser of a user does. It follows no redirect, so nothing begins. checkAPIKey
// has compared the URI with the list; this finds what the list does not have, and is the only check of a public client.
func (d *doctor) checkRedirectURI(ctx context.Context) {
	const check = "authorization"
	switch {
	case d.unreachable || d.env.redirectURI == "":
		d.skip(check, "not asked")
		return
	case d.unknownClient:
		d.skip(check, "not asked; see the client ID")
		return
	case d.unregistered:
		d.skip(check, "not asked; see the redirect URI")
		return
	}
	query := url.Values{
		"client_id": {d.env.clientID}, "redirect_uri": {d.env.redirectURI}, "response_type": {"code"}, "provider": {"authkit"},
		"state": {"authkit-doctor"}, "code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}, // RFC 7636, appendix B
	}
	a, err := d.get(ctx, d.base+"/user_management/authorize?"+query.Encode(), nil)
	if err != nil {
		finding, cure := failure(d.base, err)
		d.fault(check, cure, "%s", finding)
		return
	}
	location, _ := url.Parse(a.Header.Get("Location"))
	refusal := ""
	if location != nil {
		refusal = location.Query().Get("error")
	}
	switch {
	case a.StatusCode >= 500 || a.StatusCode == http.StatusTooManyRequests:
		d.warn(check, "Try again in a moment.", "WorkOS answers %d", a.StatusCode)
	case a.StatusCode >= 400:
		d.fault(check, "Register exactly "+shown(d.env.redirectURI)+" in the WorkOS dashboard (Redirects), and check the client ID.",
			"WorkOS refuses an authorization request with this redirect URI (%d)", a.StatusCode)
	case refusal != "":
		d.fault(check, "Check the client ID, the redirect URI and the settings of AuthKit in the WorkOS dashboard.", "WorkOS refuses an authorization request: %s", code(refusal))
	default:
		d.ok(check, "WorkOS accepts an authorization request with this redirect URI")
	}
}

// code returns the code of an error without what no code contains.
func code(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, text[:min(len(text), 64)])
}

// checkSignOutRedirect asks for a logout of a session that does not exist. WorkOS redirects it to return_to, or to the default if
// that is not registered. It may also refuse the session, and then says nothing.
func (d *doctor) checkSignOutRedirect(ctx context.Context) {
	const check = "sign-out redirect"
	to := d.SignOutRedirect
	if u, err := url.Parse(d.env.redirectURI); to == "" && err == nil && u.Host != "" {
		to = u.Scheme + "://" + u.Host + "/"
	}
	if d.unreachable || to == "" {
		d.skip(check, "not asked")
		return
	}
	query := url.Values{"session_id": {"session_01AUTHKITDOCTOR0000000000"}, "return_to": {to}}
	a, err := d.get(ctx, d.base+"/user_management/sessions/logout?"+query.Encode(), nil)
	switch {
	case err != nil:
		d.warn(check, "Try again in a moment.", "WorkOS did not answer")
	case a.StatusCode >= 300 && a.StatusCode < 400 && a.Header.Get("Location") == to:
		d.ok(check, "%s is registered", shown(to))
	case a.StatusCode >= 300 && a.StatusCode < 400:
		d.fault(check, "Register exactly "+shown(to)+" in the WorkOS dashboard (Redirects, Sign-out redirects), or name the right one with --sign-out-redirect.",
			"WorkOS does not return to %s after a sign-out", shown(to))
	default:
		d.skip(check, "WorkOS tells nothing without a session (%d); see that %s is in the dashboard (Redirects, Sign-out redirects)", a.StatusCode, shown(to))
	}
}
