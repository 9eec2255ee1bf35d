// The URLs of an application with several hosts: a request gets the one of its host.

package authkit

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
)

// hostURLs are configured URLs, one for each host of the application.
type hostURLs struct {
	all    []*hostURL          // in the order of the configuration; the first is the default
	scheme string              // of all of them
	byHost map[string]*hostURL // by host, nil if there is at most one URL
}

// hostURL is one of these URLs.
type hostURL struct {
	url string // as configured
	// publicTarget is its path as a browser writes it into its request. target is the
	// same without the base path, as the application gets it.
	publicTarget, target string
}

// newHostURLs returns the URLs, whose paths begin with the base path. They were checked
// before.
func newHostURLs(urls []string, basePath string) (all hostURLs) {
	hosts := map[string]*hostURL{}
	for _, raw := range urls {
		u, err := url.Parse(raw)
		if err != nil || u.Host == "" {
			continue
		}
		// Browsers send "/" for an empty path (RFC 9112, section 3.2.1).
		own := &hostURL{url: raw, publicTarget: cmp.Or(u.EscapedPath(), "/")}
		own.target = strings.TrimPrefix(own.publicTarget, basePath)
		all.scheme = u.Scheme
		hosts[canonicalHost(u.Host, u.Scheme)] = own
		all.all = append(all.all, own)
	}
	if len(all.all) > 1 {
		all.byHost = hosts
	}
	return all
}

// noURL is that of an application without one.
var noURL hostURL

// of returns the URL of a request: the one of its Host, or the first one. Other headers,
// such as X-Forwarded-Host, do not count, since a client can send them through a proxy.
// The Host is a client's too, but it can only choose from the list.
func (u *hostURLs) of(r *http.Request) *hostURL {
	if own := u.listed(r); own != nil {
		return own
	}
	return u.first()
}

// listed returns the URL of a request's Host. It returns nil if there is at most one URL,
// or none for this Host.
func (u *hostURLs) listed(r *http.Request) *hostURL {
	if u.byHost == nil {
		return nil
	}
	return u.byHost[canonicalHost(r.Host, u.scheme)]
}

func (u *hostURLs) first() *hostURL {
	if len(u.all) == 0 {
		return &noURL
	}
	return u.all[0]
}

// canonicalHost returns a host in the form in which hosts are compared: in lower case,
// without the default port of the scheme, and without the dot at the end of the name.
func canonicalHost(host, scheme string) string {
	name, port := strings.ToLower(host), ""
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, ']') {
		name, port = name[:i], name[i+1:]
	}
	name = strings.TrimSuffix(name, ".")
	if port == "" || scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		return name
	}
	return name + ":" + port
}

func (u *hostURLs) isEmpty() bool { return len(u.all) == 0 }

// String returns the URLs, separated by spaces.
func (u *hostURLs) String() string {
	var urls []string
	for _, own := range u.all {
		urls = append(urls, own.url)
	}
	return strings.Join(urls, " ")
}
