// Set-ups of an application, right and wrong ones: a browser with the headers of real browsers, and hosts by name.

package behaviour

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// setup is an application with a browser like a person's.
type setup struct {
	*App
	*authkittest.Browser
	// referer is sent with the next requests. The browser of authkittest sends none.
	referer string
	// userAgent replaces that of the browser if it is not empty.
	userAgent string
	// hosts maps a host and a port to the address of a listener.
	hosts map[string]string
}

// newSetup starts an application, and wraps its handler. Wrap may be nil.
func newSetup(t *testing.T, wrap func(http.Handler) http.Handler, o AppOptions) *setup {
	t.Helper()
	s := &setup{App: NewApp(t, o), hosts: map[string]string{}}
	if wrap != nil {
		s.Server.Config.Handler = wrap(s.Server.Config.Handler)
	}
	s.Browser = s.newBrowser()
	return s
}

// newSetupAt starts an application at http://app.example.test, which other hosts reach too.
func newSetupAt(t *testing.T, wrap func(http.Handler) http.Handler, opts ...authkit.Option) *setup {
	t.Helper()
	const redirect = appURL + "/callback"
	s := newSetup(t, wrap, AppOptions{
		Fake:    []authkittest.Option{authkittest.WithRedirectURIs(redirect, "http://www."+appHost+"/callback"), authkittest.WithSignOutRedirects(appURL + "/")},
		AuthKit: append([]authkit.Option{authkit.WithInsecureHTTP(), authkit.WithRedirectURL(redirect), authkit.WithPostLogoutRedirectURL(appURL + "/")}, opts...),
	})
	for _, host := range []string{appHost, "www." + appHost, "other.test"} {
		s.hosts[host+":80"] = s.Server.Listener.Addr().String()
	}
	return s
}

func (s *setup) newBrowser() *authkittest.Browser {
	transport := direct.Clone()
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if actual := s.hosts[address]; actual != "" {
			address = actual
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	b := authkittest.NewBrowser()
	b.Base = s.transport(transport)
	s.T.Cleanup(func() { b.CloseIdleConnections(); transport.CloseIdleConnections() })
	return b
}

type roundTripperFunc func(*http.Request) (*http.Response, error)

func (f roundTripperFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// transport adds the headers of a real browser, and records the secrets of the messages.
func (s *setup) transport(base http.RoundTripper) http.RoundTripper {
	return roundTripperFunc(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0")
		if s.userAgent != "" {
			r.Header.Set("User-Agent", s.userAgent)
		}
		if s.referer != "" {
			r.Header.Set("Referer", s.referer)
		}
		if !strings.HasPrefix(r.URL.String(), "https:") && !isLoopbackHost(r.URL.Hostname()) {
			for _, name := range []string{"Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-User"} {
				r.Header.Del(name) // browsers send them over https and on loopback alone
			}
		}
		s.Logs.addSecrets(r.Header, r.URL)
		resp, err := base.RoundTrip(r)
		if err == nil {
			location, _ := resp.Location()
			s.Logs.addSecrets(resp.Header, location)
		}
		return resp, err
	})
}

func isLoopbackHost(host string) bool { return host == "localhost" || host == "127.0.0.1" }

// signInAt opens an address and signs kim in at AuthKit. The page that follows may be an error page.
func (s *setup) signInAt(address string) *authkittest.Page {
	s.T.Helper()
	page, err := s.Get(address)
	require.NoError(s.T, err)
	for range 3 {
		if !strings.HasPrefix(page.URL.String(), s.Fake.URL()) {
			return page
		}
		page, err = s.Submit("Kim", nil)
		require.NoError(s.T, err)
	}
	return page
}

var warningLine = regexp.MustCompile(`(?m)level=(?:WARN|ERROR) msg="((?:[^"\\]|\\.)*)"`)

// warnings returns the texts of all warnings and errors in the log.
func (s *setup) warnings() (texts []string) {
	for _, match := range warningLine.FindAllStringSubmatch(s.Logs.String(), -1) {
		texts = append(texts, strings.ReplaceAll(match[1], `\"`, `"`))
	}
	return texts
}

// dropping returns a wrapper that removes cookies from requests, as a proxy does. Drop gets the name of a cookie.
func dropping(drop func(name string) bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			cookies := r.Cookies()
			r.Header.Del("Cookie")
			for _, c := range cookies {
				if !drop(c.Name) {
					r.AddCookie(c)
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

// rewritingHost returns a wrapper that replaces Host, as a proxy does that keeps no Host.
func rewritingHost(host string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Host = host
			next.ServeHTTP(w, r)
		})
	}
}

// tlsProxy starts a proxy that ends TLS and keeps Host. With forward it sends X-Forwarded headers.
func tlsProxy(t *testing.T, target string, forward bool) *httptest.Server {
	t.Helper()
	u, err := url.Parse(target)
	require.NoError(t, err)
	proxy := httptest.NewTLSServer(&httputil.ReverseProxy{Transport: direct, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(u)
		r.Out.Host = r.In.Host
		if forward {
			r.SetXForwarded()
		}
	}})
	t.Cleanup(proxy.Close)
	return proxy
}

// removingPath removes a path from each request before the handler gets it, as a proxy does.
func removingPath(path string, next http.Handler) http.Handler {
	return http.StripPrefix(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RequestURI = strings.TrimPrefix(r.RequestURI, path)
		next.ServeHTTP(w, r)
	}))
}
