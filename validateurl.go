// The check of the URLs of the hosts and of the base path.

package authkit

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// hostURLFaults returns why the URLs of one option are not accepted: one for each host,
// all of one scheme.
func (c *config) hostURLFaults(urls []string) (found []fault) {
	scheme, first := "", ""
	hosts := map[string]string{} // the URL of each host
	for i, raw := range urls {
		if f := c.checkURL(raw); f != (fault{}) {
			if len(urls) > 1 {
				f.problem = fmt.Sprintf("URL %d of %d: %s", i+1, len(urls), f.problem)
			}
			found = append(found, f)
			continue
		}
		u, _ := url.Parse(raw) // checkURL has parsed it
		if scheme == "" {
			scheme, first = u.Scheme, raw
		}
		host := canonicalHost(u.Host, u.Scheme)
		switch {
		case u.Scheme != scheme:
			found = append(found, faultOf(ReasonConflict, "%q and %q have different schemes; all hosts need the same one", first, raw))
		case hosts[host] != "":
			found = append(found, faultOf(ReasonConflict, "%q and %q are of one host; give one URL for each host", hosts[host], raw))
		}
		hosts[host] = raw
	}
	return found
}

// maxBasePath bounds the base path. It is a part of every return path.
const maxBasePath = 128

// basePathFault returns why the base path is not accepted. Browsers and proxies must not
// change it: "/a/./b" and "/%61" are other spellings of "/a/b" and "/a".
func (c *config) basePathFault() fault {
	isPlain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("/-._~!$&'()*+,;=:@", r)
	}
	segments := strings.Split(c.basePath, "/")[1:]
	switch {
	case c.basePath == "":
		return fault{}
	case !strings.HasPrefix(c.basePath, "/"):
		return faultOf(ReasonMalformed, "%q does not begin with /", c.basePath)
	case strings.HasSuffix(c.basePath, "/"):
		return faultOf(ReasonMalformed, "%q ends with /; leave it out", c.basePath)
	case strings.ContainsFunc(c.basePath, func(r rune) bool { return !isPlain(r) }):
		return faultOf(ReasonMalformed, "%q has a query, a fragment, a percent-encoding or another character that is not plain in a path (RFC 3986, section 3.3)", c.basePath)
	case slices.Contains(segments, ""), slices.Contains(segments, "."), slices.Contains(segments, ".."):
		return faultOf(ReasonMalformed, "%q has an empty segment or a dot segment, which browsers and proxies change", c.basePath)
	case len(c.basePath) > maxBasePath:
		return faultOf(ReasonOutOfRange, "has %d characters; at most %d are allowed", len(c.basePath), maxBasePath)
	}
	for _, raw := range c.redirectURLs() {
		if c.checkURL(raw) == (fault{}) && !strings.HasPrefix(escapedPath(raw), c.basePath+"/") {
			return faultOf(ReasonConflict, "the path of the redirect URL %q does not begin with %q; give the URL as browsers see it, such as https://example.com%[2]scallback", raw, c.basePath+"/")
		}
	}
	return fault{}
}

// checkURL returns why a URL is not accepted. It must be absolute. The scheme must be
// https, or http on a loopback host or with [WithInsecureHTTP].
func (c *config) checkURL(raw string) fault {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return fault{ReasonMalformed, "is not a URL; give one that starts with https:// (or http:// on a loopback host)"}
	case u.User != nil:
		return fault{ReasonInsecure, "contains a user name or password; remove it"}
	case u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		return faultOf(ReasonMalformed, "%s is not an absolute URL that starts with https:// (or http:// on a loopback host)", quoteURL(raw))
	case strings.ContainsFunc(u.Host, func(r rune) bool { return r > '~' }):
		return faultOf(ReasonMalformed, "%q has a host that is not ASCII; write the host in Punycode (xn--…), as browsers do", raw)
	case strings.Contains(raw, "#"):
		return faultOf(ReasonMalformed, "%q has a fragment; remove it, since browsers do not send it", raw)
	case u.Scheme == "http" && !isLoopback(u.Hostname()) && !c.insecureHTTP:
		return faultOf(ReasonInsecure, "%q is plain http on a host that is not loopback; use https, or WithInsecureHTTP() on a closed test network", raw)
	}
	return fault{}
}

// quoteURL quotes a URL for an error text, unless it may contain a password.
func quoteURL(raw string) string {
	if strings.Contains(raw, "@") {
		return "a value with a user name"
	}
	return strconv.Quote(raw)
}
