// Package cookie names, reads and writes the cookies of one application: the
// session cookie and its chunks, and the cookies that a sign-in needs.
//
// The values are opaque: sealing and opening them is the caller's task. A
// request contains neither Domain nor Path of a cookie (RFC 6265, section 4.2.2),
// so a request may bring several cookies of one name. The package reads what can
// be read of them, and expires the duplicates.
package cookie

import (
	"cmp"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Settings decide the names and attributes of an application's cookies.
type Settings struct {
	// SessionName is the name of the session cookie. The default, for "", is
	// authkit-session or __Host-authkit-session, and a hash if there is a BasePath.
	SessionName string
	// Single keeps a session in one cookie. Otherwise a session that is too large
	// for one cookie is split into up to eight chunks.
	Single bool
	// AcceptedNames are the names of other libraries' session cookies. They are
	// read, and expired when a session replaces them, but never set.
	AcceptedNames []string
	// ClientID keeps applications on one host apart: its hash is part of the name
	// of every cookie except the session cookie.
	ClientID string
	// BasePath is the path below which browsers find the application, or "". Its hash
	// keeps applications on one host apart, as that of ClientID does, and is also part
	// of the default name of the session cookie.
	BasePath string
	// Domain is the Domain attribute of all cookies. They are host-only for "".
	Domain string
	// Host is the host name of the redirect URL. It limits the Domain attributes
	// that a duplicate can have.
	Host string
	// OtherHosts are the names of the application's other hosts. For a request to one
	// of them, it takes the place of Host.
	OtherHosts []string
	// Secure is the Secure attribute of all cookies.
	Secure bool
	// SameSite is the SameSite attribute of the session cookie.
	SameSite http.SameSite
	// Partitioned is the Partitioned attribute of all cookies.
	Partitioned bool
	// MaxAge is the Max-Age attribute of the session cookie, in whole seconds.
	// The attribute is left out for zero.
	MaxAge time.Duration
}

// Codec reads and writes the cookies of one application. It is safe for
// concurrent use.
type Codec struct {
	sessionName   string
	chunks        int      // how many chunks a session may have, 0 for none
	acceptedNames []string // of other libraries' session cookies

	statePrefix  string // of a state cookie's name
	restartName  string
	stepName     string
	conflictName string

	domain   string
	secure   bool
	sameSite http.SameSite // of the session cookie
	// partitioned cookies are stored apart from other cookies of the same name
	// (https://datatracker.ietf.org/doc/html/draft-cutler-httpbis-partitioned-cookies).
	partitioned bool
	maxAge      time.Duration // of the session cookie

	basePath         string
	host             string   // of the redirect URL, in lower case
	duplicateDomains []string // Domain attributes that a duplicate can have, "" for none
	// otherHosts holds these attributes for the other hosts, by host name in lower case.
	otherHosts map[string][]string

	// Counters of the windows of duplicates that were expired, when sign-ins
	// started and when sessions were replaced or ended.
	startWindows, endWindows atomic.Uint64
}

// New returns the Codec of an application.
func New(s Settings) *Codec {
	prefix := ""
	if s.Secure && s.Domain == "" {
		prefix = HostPrefix
	}
	c := &Codec{
		sessionName:   cmp.Or(s.SessionName, prefix+defaultName(s.BasePath)),
		chunks:        maxChunks,
		acceptedNames: s.AcceptedNames,
		domain:        s.Domain,
		basePath:      s.BasePath,
		host:          strings.ToLower(s.Host),
		secure:        s.Secure,
		sameSite:      s.SameSite,
		partitioned:   s.Partitioned,
		maxAge:        s.MaxAge,
	}
	if s.Single {
		c.chunks = 0
	}
	// Applications on one host, such as two ports of localhost, receive each
	// other's cookies.
	identity := []string{s.ClientID, c.sessionName}
	if s.BasePath != "" {
		identity = append(identity, s.BasePath)
	}
	application := nameHash(6, identity...)
	c.statePrefix = prefix + statePrefix + application + "-"
	c.restartName = prefix + restartPrefix + application
	c.stepName = prefix + stepPrefix + application
	c.conflictName = prefix + conflictPrefix + application
	c.duplicateDomains = duplicateDomains(c.host, c.domain)
	c.otherHosts = map[string][]string{}
	for _, host := range s.OtherHosts {
		host = strings.ToLower(host)
		c.otherHosts[host] = duplicateDomains(host, c.domain)
	}
	return c
}

// SessionName returns the name of the session cookie. The name of a chunk is
// the same with a dot and the chunk's number behind it.
func (c *Codec) SessionName() string { return c.sessionName }

// AcceptedNames returns the names of other libraries' session cookies.
func (c *Codec) AcceptedNames() []string { return c.acceptedNames }

// SameSite returns the SameSite attribute of the session cookie.
func (c *Codec) SameSite() http.SameSite { return c.sameSite }
