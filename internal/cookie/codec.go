// Package cookie names, writes and reads the cookies of one application.
package cookie

import (
	"cmp"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Settings decide how an application's cookies are named and which attributes
// they have.
type Settings struct {
	// SessionName is the name of the session cookie, "" for the default.
	SessionName string
	// Single keeps a session in one cookie. Otherwise a large one is split into
	// up to [MaxChunks].
	Single bool
	// AcceptedNames are the names of cookies that hold sessions of other libraries.
	AcceptedNames []string
	// ClientID goes into the names of the other cookies, as part of a hash.
	ClientID string
	// Domain is the cookies' Domain attribute, "" for host-only cookies.
	Domain string
	// Host is the host name of the redirect URL.
	Host     string
	Secure   bool
	SameSite http.SameSite
	// MaxAge is the session cookie's Max-Age. Zero leaves the attribute out.
	MaxAge time.Duration
}

// Codec reads and writes the cookies of one application.
type Codec struct {
	sessionName string
	// chunks is into how many cookies a session may be split: MaxChunks or
	// oneCookie.
	chunks        int
	acceptedNames []string // of sessions of others that are accepted
	statePrefix   string   // of the cookie of a sign-in under way
	restartName   string   // marks a callback without a state
	stepName      string   // of what a sign-in with forms of its own remembers
	domain        string
	conflictName  string        // counts sign-ins that cookies in the way made fruitless
	host          string        // of the redirect URL
	otherDomains  []string      // that another form of the session cookie may have, "" for none
	starts, ends  atomic.Uint64 // windows of forms that were expired where a sign-in started, and where something ended
	secure        bool
	sameSite      http.SameSite
	maxAge        time.Duration
}

// New returns the Codec of an application.
func New(s Settings) *Codec {
	prefix := ""
	if s.Secure && s.Domain == "" {
		prefix = HostPrefix
	}
	c := &Codec{
		sessionName:   cmp.Or(s.SessionName, prefix+sessionCookieName),
		chunks:        MaxChunks,
		acceptedNames: s.AcceptedNames,
		domain:        s.Domain,
		host:          strings.ToLower(s.Host),
		secure:        s.Secure,
		sameSite:      s.SameSite,
		maxAge:        s.MaxAge,
	}
	if s.Single {
		c.chunks = oneCookie
	}
	// Applications on one host, such as two ports of localhost, see each other's
	// cookies. Names of their own keep them apart.
	application := nameHash(6, s.ClientID, c.sessionName)
	c.statePrefix = prefix + stateCookiePrefix + application + "-"
	c.restartName = prefix + restartCookiePrefix + application
	c.stepName = prefix + stepCookiePrefix + application
	c.conflictName = prefix + conflictCookiePrefix + application
	c.otherDomains = otherDomains(c.host, c.domain)
	return c
}

// SessionName returns the name of the session cookie.
func (c *Codec) SessionName() string { return c.sessionName }

// AcceptedNames returns the names of cookies that hold sessions of other
// libraries.
func (c *Codec) AcceptedNames() []string { return c.acceptedNames }

// SameSite returns the session cookie's SameSite attribute.
func (c *Codec) SameSite() http.SameSite { return c.sameSite }

// RestartName returns the name of the cookie that [Codec.SetRestart] sets.
func (c *Codec) RestartName() string { return c.restartName }

// StepName returns the name of the cookie that [Codec.SetStep] sets.
func (c *Codec) StepName() string { return c.stepName }
