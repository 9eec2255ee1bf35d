// The hosts that the proxy answers for.

package proxy

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// hostList decides which requests are for the proxy. The Host of a request is the choice of its client, and an application behind the
// proxy may make links of it: a page of one user, a cache or a mail would then lead others to the host of an attacker.
type hostList struct {
	hosts  map[string]bool // in the form of canonicalHost; nil for every host
	health string          // the path that has an answer at every host, because a probe uses an address; "" for none
}

// newHosts returns the list, and adds its faults.
func (c *Config) newHosts(faults *faultList) *hostList {
	if len(c.Hosts) == 0 {
		return &hostList{}
	}
	list := &hostList{hosts: map[string]bool{}, health: c.Paths.Health}
	for i, host := range c.Hosts {
		if !isHost(host) {
			faults.add(fmt.Sprintf("hosts[%d]", i), "%q is not a host such as app.example.com or localhost:8080; give it in ASCII, without scheme, path and wildcard", host)
			continue
		}
		list.hosts[canonicalHost(host)] = true
	}
	for _, address := range c.redirectURLs() {
		u, err := url.Parse(address)
		if err == nil && u.Host != "" && !list.hosts[canonicalHost(u.Host)] { // authkit.New has reported another fault
			faults.add("hosts", "has no %s, which is the host of a redirect URL, so that no sign-in could end there", u.Host)
		}
	}
	return list
}

// has reports whether the list has the host of a request.
func (l *hostList) has(r *http.Request) bool {
	return l.hosts == nil || l.hosts[canonicalHost(r.Host)] || l.health != "" && r.URL.EscapedPath() == l.health
}

// canonicalHost returns a host in the form in which hosts are compared: in lower case, without the dot at the end of the name, without
// the port of http or https, and an IPv6 address in the form of RFC 5952.
func canonicalHost(host string) string {
	name, port := splitPort(strings.ToLower(host))
	name = strings.TrimSuffix(name, ".")
	if address, ok := ipv6Of(name); ok {
		name = "[" + address.String() + "]"
	}
	if port == "" || port == ":80" || port == ":443" {
		return name
	}
	return name + port
}

// splitPort splits a host into its name and its port, which begins with a colon or is "".
func splitPort(host string) (name, port string) {
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		return host[:i], host[i:]
	}
	return host, ""
}

// ipv6Of returns the IPv6 address in brackets that a host has as its name. A zone is for one machine alone, so no Host has it.
func ipv6Of(name string) (netip.Addr, bool) {
	if !strings.HasPrefix(name, "[") || !strings.HasSuffix(name, "]") {
		return netip.Addr{}, false
	}
	address, err := netip.ParseAddr(name[1 : len(name)-1])
	return address, err == nil && address.Is6() && address.Zone() == ""
}

// isHost reports whether a text is the host of requests, as a browser writes it.
func isHost(text string) bool {
	name, port := splitPort(text)
	if port != "" {
		number, err := strconv.ParseUint(port[1:], 10, 16)
		if err != nil || strconv.FormatUint(number, 10) != port[1:] {
			return false
		}
	}
	if strings.HasPrefix(name, "[") {
		_, ok := ipv6Of(name)
		return ok
	}
	return name != "" && name[0] != '.' && !strings.Contains(name, "..") &&
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") == ""
}
