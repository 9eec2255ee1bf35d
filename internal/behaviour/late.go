// Responses that complete late, and the cookies that they leave in a browser.

package behaviour

import (
	"context"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// reportRoutes adds /report, whose handler closes began and waits for proceed. It also adds /me and POST /organization.
func reportRoutes(began, proceed chan struct{}) func(*App, *http.ServeMux) {
	var once sync.Once
	return func(a *App, mux *http.ServeMux) {
		mux.Handle("POST /organization", a.SwitchOrganization())
		mux.HandleFunc("/me", func(w http.ResponseWriter, r *http.Request) {
			s, ok := sessionOf(r)
			if !ok {
				io.WriteString(w, "anonymous")
				return
			}
			io.WriteString(w, s.UserID()+" in "+s.OrganizationID())
		})
		mux.HandleFunc("/report", func(w http.ResponseWriter, r *http.Request) {
			once.Do(func() { close(began) })
			<-proceed
			io.WriteString(w, Visitor(r))
		})
	}
}

// StartSlowRequest sends a request on its own goroutine and returns when the handler has closed began.
func (a *App) StartSlowRequest(target, cookie string, began chan struct{}) chan Response {
	answered := make(chan Response, 1)
	go func() {
		r, _ := a.Do(Request{Target: target, Cookie: cookie, Header: Scripted()})
		answered <- r
	}()
	<-began
	return answered
}

// JarAfter returns the Cookie header of a browser after a response. jar is the Cookie header before it.
func JarAfter(jar string, r Response) string {
	for _, line := range r.Header["Set-Cookie"] {
		if c, err := http.ParseSetCookie(line); err == nil && c.Name == "authkit-session" {
			if c.MaxAge < 0 {
				return ""
			}
			return c.Name + "=" + c.Value
		}
	}
	return jar
}

// StartSlowRefresh starts an application and a request of kim's session whose refresh takes three seconds at WorkOS. It
// advances the clock by two seconds, after which the page is served with the old token. refreshed receives a value when the
// refresh has completed.
func StartSlowRefresh(t *testing.T, target string, routes func(*App, *http.ServeMux)) (a *App, cookie string, answered chan Response, refreshed chan struct{}) {
	t.Helper()
	answered, refreshed = make(chan Response, 1), make(chan struct{}, 9)
	a = NewApp(t, AppOptions{Routes: routes, AuthKit: []authkit.Option{
		authkit.WithOnRefresh(func(context.Context, authkit.RefreshEvent) { refreshed <- struct{}{} }),
	}})
	cookie = a.SignedIn(Kim).CookieHeader()
	a.Send(Request{Target: "/account", Cookie: cookie})
	a.Clock.Advance(4*time.Minute + 10*time.Second)
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Delay: 3 * time.Second, Times: 1})
	go func() {
		resp, err := a.Do(Request{Target: target, Cookie: cookie, Header: Scripted()})
		assert.NoError(t, err)
		answered <- resp
	}()
	a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	a.Clock.AwaitTimers(3) // of the refresh, of the waiting request and of the fault
	a.Clock.Advance(2 * time.Second)
	return a, cookie, answered, refreshed
}

// endingReader returns a Reader of n zero bytes that does not implement io.WriterTo.
func endingReader(n int64) io.Reader { return io.LimitReader(zeros{}, n) }

// zeros is an endless Reader of zero bytes.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
