// The upstreams: which server a path belongs to, and the connections to it.

package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// upstream is a server behind the proxy.
type upstream struct {
	below       string // the path without "/*"; "" for all paths
	isExact     bool
	target      *url.URL
	rewriteHost bool
	transport   *http.Transport
	settings    Upstream
}

const (
	dialTimeout = 10 * time.Second
	// upstreamIdle is how long an unused connection to an upstream is kept. Node.js, uvicorn and Apache close theirs after 5 s. A POST that
	// is sent on a connection that the upstream is closing fails, and cannot be sent again. After a burst of requests, unused connections take memory, too.
	upstreamIdle      = 4 * time.Second
	idlePerUpstream   = 512
	maxUpstreamHeader = 1 << 20
)

// newUpstreams returns the upstreams, and adds their faults. An upstream whose settings are those of an earlier one keeps its
// connections.
func (c *Config) newUpstreams(earlier []*upstream, faults *faultList) []*upstream {
	if len(c.Upstreams) == 0 {
		faults.add("upstreams", "give at least one, with its url")
	}
	var all []*upstream
	seen := map[string]bool{}
	for i, u := range c.Upstreams {
		place := fmt.Sprintf("upstreams[%d]", i)
		path := u.Path
		if path == "" {
			path = "/*"
		}
		below, isPrefix := strings.CutSuffix(path, "/*")
		if !strings.HasPrefix(path, "/") || strings.ContainsAny(below, "*?#%;\\") || strings.Contains(path, "//") {
			faults.add(place+".path", "%q is neither a path such as /about nor one such as /api/*", u.Path)
		}
		if seen[path] {
			faults.add(place+".path", "%s has two upstreams", path)
		}
		seen[path] = true
		target, transport, err := newTransport(u)
		if err != nil {
			faults.add(place+".url", "%v", err)
			continue
		}
		if !strings.HasPrefix(u.URL, "unix:") && isItself(c.Listen, target) {
			faults.add(place+".url", "%q is the proxy itself, which listens at %s; give the address of the application", u.URL, c.Listen)
		}
		if err := trust(transport, u.CAFile); err != nil {
			faults.add(place+".ca_file", "%v", err)
		}
		if u.ResponseTimeout < 0 {
			faults.add(place+".response_timeout", "%s is negative; 0s is a minute", u.ResponseTimeout)
		}
		for _, e := range earlier {
			if e.settings == u && u.CAFile == "" { // the content of a file may have changed
				transport = e.transport
			}
		}
		all = append(all, &upstream{below, !isPrefix, target, u.RewriteHost, transport, u})
	}
	return all
}

// isItself reports whether an upstream is surely at the address where the proxy listens. A request would go round without end.
func isItself(listen string, target *url.URL) bool {
	host, port, err := net.SplitHostPort(listen)
	upstreamPort := target.Port()
	if upstreamPort == "" {
		upstreamPort = map[string]string{"http": "80", "https": "443"}[target.Scheme]
	}
	if err != nil || port != upstreamPort {
		return false
	}
	isLoopback := func(name string) bool { return name == "localhost" || name == "127.0.0.1" }
	isAll := host == "" || host == "0.0.0.0" || host == "::"
	return host == target.Hostname() || isLoopback(target.Hostname()) && (isAll || isLoopback(host))
}

// newTransport returns the URL for requests to an upstream, and its connections.
func newTransport(u Upstream) (*url.URL, *http.Transport, error) {
	const accepted = "give http://host:port, https://host:port, h2c://host:port or unix:///path/of/socket"
	target, err := url.Parse(u.URL)
	if err != nil {
		return nil, nil, fmt.Errorf("the URL cannot be parsed; %s", accepted) // the error of url.Parse has the URL, which may have a password
	}
	timeout := u.ResponseTimeout
	if timeout == 0 {
		timeout = defaultResponseTimeout
	}
	dialer := &net.Dialer{Timeout: dialTimeout}
	transport := &http.Transport{
		DialContext: dialer.DialContext, DisableCompression: true, ForceAttemptHTTP2: true, IdleConnTimeout: upstreamIdle,
		MaxIdleConnsPerHost: idlePerUpstream, TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: timeout,
		ExpectContinueTimeout: time.Second, MaxResponseHeaderBytes: maxUpstreamHeader,
	}
	switch {
	case target.User != nil:
		return nil, nil, fmt.Errorf("the URL has a user; %s", accepted)
	case target.RawQuery != "" || target.Fragment != "":
		return nil, nil, fmt.Errorf("the URL has a query or a fragment; %s", accepted)
	case target.Scheme == "unix":
		socket := target.Path
		if target.Host != "" || socket == "" {
			return nil, nil, fmt.Errorf("%q has no absolute path; %s", u.URL, accepted)
		}
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		}
		return &url.URL{Scheme: "http", Host: "localhost"}, transport, nil
	case target.Host == "" || target.Path != "" && target.Path != "/":
		return nil, nil, fmt.Errorf("%q has no host, or a path: the path of a request is never changed; %s", u.URL, accepted)
	case target.Scheme == "h2c":
		protocols := new(http.Protocols)
		protocols.SetUnencryptedHTTP2(true)
		transport.Protocols = protocols
		return &url.URL{Scheme: "http", Host: target.Host}, transport, nil
	case target.Scheme == "http" || target.Scheme == "https":
		return &url.URL{Scheme: target.Scheme, Host: target.Host}, transport, nil
	}
	return nil, nil, fmt.Errorf("%q has another scheme; %s", u.URL, accepted)
}

// trust makes a transport trust the certificates of a file, and no others.
func trust(transport *http.Transport, name string) error {
	if name == "" {
		return nil
	}
	content, err := readFile(name)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return fmt.Errorf("%s has no certificate in PEM", name)
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return nil
}

// upstreamOf returns the upstream of the most specific path, or nil. The gate has asked the rules about every reading of the path,
// so the choice of the server decides nothing about who may pass.
func upstreamOf(all []*upstream, path string) *upstream {
	var best *upstream
	for _, u := range all {
		rest, found := strings.CutPrefix(path, u.below)
		switch {
		case !found || u.isExact && rest != "" || rest != "" && rest[0] != '/':
		case u.isExact:
			return u
		case best == nil || len(u.below) > len(best.below):
			best = u
		}
	}
	return best
}
