// The application itself, as a browser reaches it: the address, the sign-in, and the limits of the proxy in front of it.

package doctor

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// requestSizes are the sizes of the Cookie lines that are sent, in octets.
var requestSizes = []int{1 << 10, 2 << 10, 4 << 10, 6 << 10, 8<<10 + 512, 12 << 10, 16 << 10}

// responseSizes are the sizes of the headers with which the stand-in answers, in octets.
var responseSizes = []int{2 << 10, 4<<10 + 512, 6 << 10, 8<<10 + 512, 12 << 10, 16 << 10}

// headerRefusals are the statuses with which servers refuse a header that is too large.
var headerRefusals = []int{400, 413, 414, 431, 494}

// checkApplication checks the address of --url.
func (d *doctor) checkApplication(ctx context.Context) {
	const check = "application"
	if d.URL == "" {
		d.skip(check, "no address given (--url https://app.example.com)")
		return
	}
	u, err := url.Parse(d.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		d.fault(check, "Give the address that users open, such as --url https://app.example.com.", "the address of --url is no http or https URL")
		return
	}
	root := u.Scheme + "://" + u.Host
	if d.StandIn != "" {
		stop, err := standIn(d.StandIn)
		if err != nil {
			d.fault(check, "Stop the application, which the proxy reaches at this address, and run doctor on its machine.", "doctor cannot listen at %s", d.StandIn)
			return
		}
		defer stop()
	}
	first, err := d.get(ctx, root+"/", nil)
	if err != nil {
		finding, cure := failure(root, err)
		d.fault(check, cure, "%s", finding)
		return
	}
	if first.StatusCode == http.StatusBadGateway || first.StatusCode == http.StatusServiceUnavailable || first.StatusCode == http.StatusGatewayTimeout {
		d.fault(check, "Start the application, and check the address of the upstream in the configuration of the proxy.", "%s answers %d: the proxy does not reach the application", root, first.StatusCode)
		return
	}
	switch {
	case first.StatusCode >= 500:
		d.fault(check, "Look at the log of the application.", "%s answers %d", root, first.StatusCode)
		return
	case slices.Contains(headerRefusals, first.StatusCode):
		d.warn(check, "Open the address in a browser. A server of https answers 400 to http.", "%s answers %d to a request without cookies", root, first.StatusCode)
		return
	}
	d.ok(check, "%s answers %d", root, first.StatusCode)
	d.compareHosts(u)
	d.checkRequestSize(ctx, root, first.StatusCode)
	if d.StandIn != "" {
		d.checkResponseSize(ctx, root)
		return
	}
	d.skip("response header", "an application makes no large header on request; stop it and let doctor stand in for it (--stand-in)")
	if d.checkLogin(ctx, root) {
		d.checkCallback(ctx, u)
	}
}

// standInHeader is the header of a request that says how large the header of the answer is to be.
const standInHeader = "Authkit-Doctor-Size"

// standIn serves in place of the application until stop is called.
func standIn(addr string) (stop func(), err error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.Header.Get(standInHeader)) // 0 without it
		for i := 0; size > 0; i++ {
			n := min(size, 2000)
			w.Header().Add("Set-Cookie", fmt.Sprintf("authkit-doctor-%d=%s; Path=/authkit-doctor; Max-Age=0", i, strings.Repeat("x", n)))
			size -= n
		}
	})}
	go func() { _ = server.Serve(listener) }() // it returns when the server is closed
	return func() { server.Close() }, nil
}

// compareHosts compares the address of the application with the redirect URI: cookies of one host are not sent to another.
func (d *doctor) compareHosts(u *url.URL) {
	redirect, err := url.Parse(d.env.redirectURI)
	if err != nil || redirect.Host == "" {
		return
	}
	switch {
	case redirect.Hostname() != u.Hostname():
		d.warn("host", "Open the application at the host of WORKOS_REDIRECT_URI, redirect other hosts there, or name each host with WithRedirectURL. The cookies of one host are not "+
			"sent to another.", "users open %s, and sign-ins return to %s", u.Host, redirect.Host)
	case redirect.Scheme != u.Scheme:
		d.fault("host", "Use https for both. Browsers do not send Secure cookies over http.", "users open %s, and sign-ins return to %s", u.Scheme, redirect.Scheme)
	default:
		d.ok("host", "that of the redirect URI")
	}
}

// checkRequestSize finds the largest Cookie line that reaches the application.
func (d *doctor) checkRequestSize(ctx context.Context, root string, plain int) {
	const check = "request header"
	passed := 0
	for _, size := range requestSizes {
		a, err := d.get(ctx, root+"/", http.Header{"Cookie": {cookieLine(size)}})
		if err == nil && (a.StatusCode == plain || !slices.Contains(append([]int{500, 502, 503, 520}, headerRefusals...), a.StatusCode)) {
			passed = size
			continue
		}
		status := "no answer"
		if err == nil {
			status = a.Status
		}
		report := d.warn
		if d.typical > 0 && size <= d.typical {
			report = d.fault
		}
		report(check, nginxLines+"\nFor Node.js: node --max-http-header-size=49152. Others: docs/headers.md.",
			"a Cookie line of %d bytes passes, and one of %d bytes is refused (%s); a large session has more", passed, size, status)
		return
	}
	d.ok(check, "a Cookie line of %d bytes passes", passed)
}

// cookieLine returns cookies of this size together.
func cookieLine(size int) string {
	var cookies []string
	for i := 0; size > 0; i++ {
		n := min(size, 2000)
		name := "authkit-doctor-" + string(rune('a'+i)) + "="
		cookies = append(cookies, name+strings.Repeat("x", max(n-len(name)-len("; "), 1)))
		size -= n
	}
	return strings.Join(cookies, "; ")
}

// navigation is the header of a browser that opens a page.
func navigation() http.Header {
	return http.Header{"Accept": {"text/html"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}}
}

// checkLogin begins a sign-in, and compares what the application asks for with the environment. It reports whether nothing has shown
// that the application has another environment.
func (d *doctor) checkLogin(ctx context.Context, root string) bool {
	const check = "sign-in"
	login, err := d.get(ctx, root+d.LoginPath, navigation())
	if err != nil {
		finding, cure := failure(root, err)
		d.fault(check, cure, "%s", finding)
		return false
	}
	location, err := url.Parse(login.Header.Get("Location"))
	if err != nil || !strings.HasSuffix(location.Path, "/user_management/authorize") {
		d.skip(check, "%s does not lead to AuthKit (%d); name the path with --login-path", d.LoginPath, login.StatusCode)
		return true
	}
	return d.compareSignIn(root, login, location.Query())
}

// checkCallback requests the path of the redirect URI, without the query with which AuthKit returns.
func (d *doctor) checkCallback(ctx context.Context, application *url.URL) {
	const check = "callback"
	redirect, err := url.Parse(d.env.redirectURI)
	if err != nil || redirect.Hostname() != application.Hostname() {
		d.skip(check, "not requested; the redirect URI is not at the host of --url")
		return
	}
	a, err := d.get(ctx, application.Scheme+"://"+application.Host+redirect.EscapedPath(), navigation())
	switch {
	case err != nil:
		finding, cure := failure(application.Scheme+"://"+application.Host, err)
		d.fault(check, cure, "%s", finding)
	case a.StatusCode == http.StatusNotFound:
		d.fault(check, "Mount ak.Callback() at exactly this path, or correct WORKOS_REDIRECT_URI. A proxy in front of the application must pass the path on.",
			"the application answers 404 at %s, the path of the redirect URI", redirect.EscapedPath())
	default:
		d.ok(check, "the application answers at %s", redirect.EscapedPath())
	}
}

// compareSignIn compares an authorization request of the application with the environment. It reports whether both are the same.
func (d *doctor) compareSignIn(root string, login *answer, query url.Values) bool {
	const check = "sign-in"
	sent := query.Get("redirect_uri")
	switch {
	case query.Get("client_id") != d.env.clientID && d.env.clientID != "":
		d.fault(check, "Give doctor the environment of the application (--env-file), or correct WORKOS_CLIENT_ID there and restart it.",
			"the application uses another client ID than this environment")
		return false
	case d.isOfOtherHost(root, sent):
		if d.registered != nil && !isRegistered(sent, d.registered) {
			d.fault(check, "Register exactly "+shown(sent)+" in the WorkOS dashboard (Redirects).", "the application returns to %s, which is not registered", shown(sent))
			return false
		}
	case sent != d.env.redirectURI && d.env.redirectURI != "":
		d.fault(check, "Correct WORKOS_REDIRECT_URI of the application, and restart it.", "the application returns to %s, and this environment says %s", shown(sent), shown(d.env.redirectURI))
		return false
	}
	for _, line := range login.Header.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		if err == nil && strings.HasPrefix(root, "https://") && !c.Secure && c.Value != "" {
			d.warn(check, "Set WORKOS_REDIRECT_URI to an https URL: it decides whether cookies are Secure.", "the application sets a cookie without Secure over https")
			return true
		}
	}
	d.ok(check, "the application asks for this client ID, and returns to %s", shown(sent))
	return true
}

// isOfOtherHost reports whether an application on several hosts has sent the redirect URI of the host of root, and the environment
// has that of another one (see authkit.WithRedirectURL).
func (d *doctor) isOfOtherHost(root, sent string) bool {
	address, err := url.Parse(root)
	redirect, errSent := url.Parse(sent)
	own, errOwn := url.Parse(d.env.redirectURI)
	return err == nil && errSent == nil && errOwn == nil && own.Host != "" && redirect.Host == address.Host && own.Hostname() != address.Hostname()
}

// checkResponseSize finds the largest header that the stand-in can answer with.
func (d *doctor) checkResponseSize(ctx context.Context, root string) {
	const check = "response header"
	passed := 0
	for _, size := range responseSizes {
		a, err := d.get(ctx, root+"/", http.Header{standInHeader: {strconv.Itoa(size)}})
		if err == nil && a.StatusCode == http.StatusOK {
			if len(strings.Join(a.Header.Values("Set-Cookie"), "")) < size {
				d.skip(check, "the answer does not come from doctor; is %s where the proxy finds the application?", d.StandIn)
				return
			}
			passed = size
			continue
		}
		status := "no answer"
		if err == nil {
			status = a.Status
		}
		d.fault(check, nginxLines+"\nOthers: docs/headers.md.",
			"an answer with %d bytes of cookies passes, and one with %d bytes does not (%s): a sign-in with a large session fails", passed, size, status)
		return
	}
	d.ok(check, "an answer with %d bytes of cookies passes", passed)
}
