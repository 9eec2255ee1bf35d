// Package misconfig finds mistakes in the set-up of an application from its requests:
// in its configuration, in the proxies in front of it and in its routes. It logs each
// kind of mistake once in a process, as a warning that says what is wrong and what to
// do. It changes no response.
//
// A request can be forged, and a right set-up must cause no warning. So the package
// warns only with evidence:
//
//   - A sign-in counts only if this process has started it, for a browser, and the
//     callback comes from a browser of the same kind.
//   - A lost cookie is a mistake of the set-up only as long as no cookie of that kind
//     has come back. Later it is a matter of that browser.
//   - The host of a page counts only if the browser names it too, in Referer or Origin,
//     because a proxy may rewrite Host.
//
// An attacker who makes the effort can still cause a warning, once for each kind. A kind
// is divided into classes where the warning of an attacker could hide a true one. No
// warning contains a secret. Of a request it contains a host name at most, in a
// restricted form.
package misconfig

import (
	"context"
	"hash/maphash"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authkit-go/authkit/internal/expiring"
)

// Settings are what a [Detector] must know of the configuration.
type Settings struct {
	Log *slog.Logger
	Now func() time.Time
	// RedirectURLs are the redirect URLs of the application, without empty ones.
	RedirectURLs []string
	// CookieDomain is the Domain attribute of the cookies, "" for host-only cookies.
	CookieDomain string
	// CookieName is the name of the session cookie.
	CookieName string
	// Secure is the Secure attribute of the cookies.
	Secure bool
	// SameSite is the SameSite attribute of the session cookie.
	SameSite http.SameSite
	// SignInTimeout is how long a sign-in may take.
	SignInTimeout time.Duration
	// Origins are the origins whose pages may use the application.
	Origins []string
}

const (
	// maxStarted bounds how many sign-ins are remembered.
	maxStarted = 1024
	// maxExpected bounds how many browsers are remembered whose session cookie has not
	// come back yet.
	maxExpected = 64
	// maxChunkSets bounds how many sets of chunks are remembered.
	maxChunkSets = 64
	// maxReplaced bounds how many kinds of browsers are remembered in which a sign-in
	// has replaced a cookie that did not open.
	maxReplaced = 256
)

// Detector finds mistakes. It is safe for concurrent use.
type Detector struct {
	Settings
	redirects []*url.URL
	origins   []*url.URL
	seed      maphash.Seed

	logged [kinds][classes]atomic.Bool

	started *expiring.Map[start] // by the state of the sign-in
	// replaced holds the browsers in which a sign-in has replaced a cookie that did
	// not open or belongs to another client.
	replaced *expiring.Map[struct{}]

	callbackCame    atomic.Bool // with the state of a sign-in that started here
	stateCameBack   atomic.Bool // the cookie of a sign-in came back to the callback
	sessionCameBack atomic.Bool // a session cookie came back and opened

	provenSize atomic.Int64 // of the largest session in several cookies that came back whole

	waiting  atomic.Int32 // the length of expected
	sets     atomic.Int32 // the length of chunks
	mu       sync.Mutex
	expected []expectation // guarded by mu: the oldest first
	chunks   []*chunkSet   // guarded by mu: the oldest first
}

// New returns a Detector.
func New(s Settings) *Detector {
	d := &Detector{
		Settings: s,
		seed:     maphash.MakeSeed(),
		started:  expiring.New[start](s.Now, maxStarted),
		replaced: expiring.New[struct{}](s.Now, maxReplaced),
	}
	d.redirects = parsed(s.RedirectURLs)
	d.origins = parsed(s.Origins)
	return d
}

func parsed(urls []string) (all []*url.URL) {
	for _, raw := range urls {
		if u, err := url.Parse(raw); err == nil && u.Host != "" {
			all = append(all, u)
		}
	}
	return all
}

// warn logs a mistake, unless it was logged before in this process.
func (d *Detector) warn(ctx context.Context, k kind, c class, attrs ...slog.Attr) {
	if !d.logged[k][c].Swap(true) {
		d.Log.LogAttrs(ctx, slog.LevelWarn, messages[k], attrs...)
	}
}

// hash returns a short form of a text, which reveals nothing of it.
func (d *Detector) hash(text string) uint64 { return maphash.String(d.seed, text) }

// key returns the hash of a text as the key of a map.
func (d *Detector) key(text string) string {
	h := d.hash(text)
	return string([]byte{byte(h), byte(h >> 8), byte(h >> 16), byte(h >> 24), byte(h >> 32), byte(h >> 40), byte(h >> 48), byte(h >> 56)})
}
