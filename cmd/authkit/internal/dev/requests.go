// The requests that the fake gets: a short log of them, and the findings of the strict mode.

package dev

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authkit-go/authkit/authkittest"
)

const (
	keptRequests = 200     // in the log
	maxBody      = 1 << 20 // octets of a body that is read; the fake refuses longer ones
)

// byBrowser matches paths that browsers ask for by themselves: icons, and the project of developer tools.
var byBrowser = regexp.MustCompile(`^/(favicon\.ico|apple-touch-icon[a-z0-9-]*\.png|\.well-known/appspecific/.*)$`)

// request is a request to the fake, without its query and its body, which have codes and tokens.
type request struct {
	Time     time.Time // on the clock of the fake
	Method   string
	Path     string
	Grant    string // of an authentication; empty if it is unknown
	Status   int
	Findings []string
}

// observer records the requests to a fake. It is safe for concurrent use.
type observer struct {
	fake    atomic.Pointer[authkittest.Server] // nil until the fake has started
	clock   *clock
	faults  *faults
	signOut []string              // the registered sign-out redirects; empty if every one on a loopback host is accepted
	report  func(request, string) // is told each finding; may be nil

	mu       sync.Mutex // guards everything below
	requests []request  // oldest first
	findings int
}

// middleware records the requests that next gets.
func (o *observer) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fake := o.fake.Load()
		if fake == nil || byBrowser.MatchString(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody+1))
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failingReader{err}))
		c := &call{Request: r, body: body, clientID: fake.ClientID(), signOut: o.signOut}
		c.route, c.known = fake.RouteOf(r)
		findings := c.check()
		recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		finished := false
		defer func() {
			if !c.known && recorder.status != http.StatusNotFound {
				findings = nil // a fault has answered it
			}
			if finished && !o.faults.has(c.route) {
				findings = append(findings, c.checkResponse(recorder)...)
			}
			o.add(request{Time: o.clock.Now(), Method: r.Method, Path: r.URL.Path, Grant: c.grant, Status: recorder.status, Findings: findings})
		}()
		next.ServeHTTP(recorder, r)
		finished = true
	})
}

// add records a request.
func (o *observer) add(r request) {
	o.mu.Lock()
	o.requests = append(o.requests, r)
	if len(o.requests) > keptRequests {
		o.requests = slices.Delete(o.requests, 0, len(o.requests)-keptRequests)
	}
	o.findings += len(r.Findings)
	o.mu.Unlock()
	if o.report != nil {
		for _, finding := range r.Findings {
			o.report(r, finding)
		}
	}
}

// log returns the recorded requests, newest first, and the number of all findings.
func (o *observer) log() (requests []request, findings int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	requests = slices.Clone(o.requests)
	slices.Reverse(requests)
	return requests, o.findings
}

// failingReader is the end of a body: io.EOF, or the error of reading it.
type failingReader struct{ err error }

// Read implements [io.Reader].
func (f failingReader) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

// keptResponse is how many octets of a refusal are kept, for its code.
const keptResponse = 4096

// statusRecorder remembers the status of a response, and the body of a refusal.
type statusRecorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader implements [http.ResponseWriter].
func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (r *statusRecorder) Write(part []byte) (int, error) {
	if r.status >= 400 && r.body.Len() < keptResponse {
		r.body.Write(part[:min(len(part), keptResponse-r.body.Len())])
	}
	return r.ResponseWriter.Write(part)
}

// Unwrap returns the writer for [http.ResponseController].
func (r *statusRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
