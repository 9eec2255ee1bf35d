// Responses that end late, and what they leave in the browser.

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

// reporting adds /report, whose handler waits until it may go on, and POST /organization.
func reporting(began, goOn chan struct{}) func(*App, *http.ServeMux) {
	var once sync.Once
	return func(a *App, mux *http.ServeMux) {
		mux.Handle("POST /organization", a.SwitchOrganization())
		mux.HandleFunc("/me", func(w http.ResponseWriter, r *http.Request) {
			s, ok := sessionOf(r)
			if !ok {
				io.WriteString(w, "nobody")
				return
			}
			io.WriteString(w, s.UserID()+" in "+s.OrganizationID())
		})
		mux.HandleFunc("/report", func(w http.ResponseWriter, r *http.Request) {
			once.Do(func() { close(began) })
			<-goOn
			io.WriteString(w, Visitor(r))
		})
	}
}

func (a *App) BeginLate(target, cookie string, began chan struct{}) chan Response {
	answered := make(chan Response, 1)
	go func() {
		r, _ := a.Do(Request{Target: target, Cookie: cookie, Header: Scripted()})
		answered <- r
	}()
	<-began
	return answered
}

// JarAfter is what a browser keeps after a response.
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

// Slowly is an application whose kim asks for a page when the session is due and
// WorkOS takes three seconds to renew it. After two of them the page is served
// with the old token.
func Slowly(t *testing.T, target string, routes func(*App, *http.ServeMux)) (a *App, cookie string, answered chan Response, renewed chan struct{}) {
	t.Helper()
	answered, renewed = make(chan Response, 1), make(chan struct{}, 9)
	a = NewApp(t, AppOptions{Routes: routes, AuthKit: []authkit.Option{
		authkit.WithOnRefresh(func(context.Context, authkit.RefreshEvent) { renewed <- struct{}{} }),
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
	a.Clock.AwaitTimers(3) // the attempt's, the waiting request's and the fault's
	a.Clock.Advance(2 * time.Second)
	return a, cookie, answered, renewed
}

// endingReader yields n bytes and is no io.WriterTo.
func endingReader(n int64) io.Reader { return io.LimitReader(zeros{}, n) }

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
