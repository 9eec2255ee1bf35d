// The forwarding headers: what an upstream learns about the client's address, host and scheme.

package proxy

import (
	"net"
	"net/http"
	"net/netip"
	"net/textproto"
	"slices"
	"strings"
)

// forwarding decides about X-Forwarded headers.
type forwarding struct {
	trusted []netip.Prefix
	unix    bool   // clients at a Unix socket are trusted
	scheme  string // of the redirect URL: that of requests without TLS, unless a trusted proxy says otherwise
}

func (c *Config) newForwarding(faults *faultList) *forwarding {
	f := &forwarding{scheme: "http"}
	for _, text := range c.TrustedProxies {
		if text == "unix" {
			f.unix = true
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			address, addressErr := netip.ParseAddr(text)
			if addressErr != nil {
				faults.add("trusted_proxies", "%q is neither an address such as 10.0.0.7, nor a block such as 10.0.0.0/8, nor unix", text)
				continue
			}
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
		if prefix.Addr().Is4In6() && prefix.Bits() >= 96 { // addresses of clients are compared without ::ffff:
			prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
		}
		f.trusted = append(f.trusted, prefix.Masked())
	}
	if urls := c.redirectURLs(); len(urls) > 0 && strings.HasPrefix(urls[0], "https:") {
		f.scheme = "https"
	}
	return f
}

// isTrusted reports whether an address is that of a trusted proxy. A client at a Unix socket has the address "".
func (f *forwarding) isTrusted(address string) bool {
	if address == "" {
		return f.unix
	}
	ip, err := netip.ParseAddr(strings.TrimSpace(address))
	if err != nil {
		return false
	}
	ip = ip.Unmap().WithZone("")
	return slices.ContainsFunc(f.trusted, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// clientOf returns the address of the client: the last one of X-Forwarded-For that no trusted proxy has, if a trusted proxy has
// sent the request.
func (f *forwarding) clientOf(r *http.Request) string {
	remote := remoteAddress(r)
	if !f.isTrusted(remote) {
		return remote
	}
	client := remote
	for _, address := range slices.Backward(strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")) {
		address = strings.TrimSpace(address)
		if _, err := netip.ParseAddr(address); err != nil {
			break
		}
		client = address
		if !f.isTrusted(address) {
			break
		}
	}
	return client
}

// schemeOf returns the scheme that the browser has used.
func (f *forwarding) schemeOf(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	if f.isTrusted(remoteAddress(r)) {
		if scheme := r.Header.Get("X-Forwarded-Proto"); scheme == "http" || scheme == "https" {
			return scheme
		}
	}
	return f.scheme
}

func remoteAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return host
}

// normalName returns the canonical name of a header as the CGI family reads it: every byte that is neither a letter nor a digit is "-".
func normalName(name string) string {
	return textproto.CanonicalMIMEHeaderKey(strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' {
			return c
		}
		return '-'
	}, name))
}

// set replaces all forwarding headers of the request to the upstream. in is the request of the client.
func (f *forwarding) set(out http.Header, in *http.Request) {
	remote, scheme, client := remoteAddress(in), f.schemeOf(in), f.clientOf(in)
	chain := remote
	if f.isTrusted(remote) {
		if before := strings.Join(in.Header["X-Forwarded-For"], ", "); before != "" {
			chain = strings.TrimSuffix(before+", "+remote, ", ")
		}
	}
	for name := range out {
		switch normalName(name) {
		case "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix",
			"X-Forwarded-Server", "X-Forwarded-Scheme", "X-Forwarded-Ssl", "X-Forwarded-Proto-Version", "X-Real-Ip", "X-Client-Ip", "X-Scheme",
			"X-Original-Host", "X-Host", "X-Http-Host-Override", "Front-End-Https", "True-Client-Ip", "X-Url-Scheme",
			"Cf-Connecting-Ip", "Fastly-Client-Ip", "X-Cluster-Client-Ip", "X-Forwarded", "Forwarded-For", "X-Script-Name",
			"Proxy": // CGI programs take HTTP_PROXY for a proxy of theirs
			delete(out, name)
		}
	}
	if chain != "" {
		out["X-Forwarded-For"] = []string{chain}
	}
	if client != "" {
		out["X-Real-Ip"] = []string{client}
	}
	out["X-Forwarded-Host"] = []string{in.Host}
	out["X-Forwarded-Proto"] = []string{scheme}
}
