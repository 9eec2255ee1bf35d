// Run: an application under test, with a fake AuthKit and one clock for both, in one call.

package authkittest

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/authkit-go/authkit"
)

// App is an application under test, which listens on localhost. [Run] starts it.
type App struct {
	URL   string       // "http://localhost:port", without a path
	Fake  *Server      // its AuthKit
	Clock *FakeClock   // the clock of the application and of Fake
	Store *MemoryStore // for the instances of the application; used if the application passes Env.Store to authkit.WithStore

	tb     testing.TB
	build  func(Env) http.Handler
	log    *appLog
	client *http.Client // of the application, for its calls
}

// Env is what an application needs to run in a test.
type Env struct {
	URL   string       // of this application: "http://localhost:port", without a path
	Fake  *Server      // its AuthKit
	Clock *FakeClock   // shows the time of the test
	Store *MemoryStore // the same for all instances; for authkit.WithStore
	Log   *slog.Logger // writes to the log of the test; for authkit.WithLogger, and for the application itself

	app *App
}

// followTime is longer than authkit follows the log of a store without a request.
const followTime = 10 * time.Minute

// Run starts a fake AuthKit and the application that build returns, on localhost, and stops both when the test ends. They have
// the same [FakeClock], which shows the present time and stands still. The application makes its AuthKit with [Env.AuthKit] or
// with the options of [Env.Options]. build can fail the test. Run sets no environment variable, so the test can be parallel.
//
//	func TestAccount(t *testing.T) {
//		app := authkittest.Run(t, func(env authkittest.Env) http.Handler { return application(env.AuthKit()) })
//		page, err := app.SignIn("ada@harborpress.test").Get("/account")
//		if err != nil || page.StatusCode != http.StatusOK {
//			t.Errorf("%v, %v", page, err)
//		}
//	}
//
// The options are those of [New]. The clock of [WithClock] must be a *FakeClock.
//
// The clock stands still, except in one case: if a call of the application meets a fault of the fake or of the store, requests
// that wait because of it move the clock from timer to timer, until their responses begin. So no request of a test hangs
// because of a fault, and none waits for real time: a refresh that hangs takes ten seconds of the clock and some milliseconds
// of the test. A fault concerns the requests that wait for their response when it applies, and those that begin within
// 15 seconds of the clock after it. One request moves the clock by a minute at most. A response that has begun moves no
// clock, so a stream does not run to its end. But if a handler works for long, in real time, before the response of such a
// request begins, the clock may move meanwhile. [WithStillClock] turns all this off.
//
// The log of the application is written to the log of the test when the test ends, without keys, passwords, tokens, codes and
// sealed cookies.
//
// An application that reads its configuration from the environment and takes no options is started by [Server.ServeApp].
func Run(tb testing.TB, build func(Env) http.Handler, opts ...Option) *App {
	tb.Helper()
	clock := NewFakeClock(time.Now())
	fake := New(tb, append([]Option{WithClock(clock)}, opts...)...)
	clock, ok := fake.clock.(*FakeClock)
	if !ok {
		tb.Fatalf("authkittest: Run: the clock of WithClock is a %T; it must be a *FakeClock", fake.clock)
	}
	if !fake.settings.stillClock {
		clock.moveForFaults()
	}
	client := &http.Client{Transport: newTransport()}
	a := &App{
		Fake: fake, Clock: clock, Store: NewMemoryStore(clock), tb: tb, build: build, client: client,
		log: &appLog{},
	}
	tb.Cleanup(func() {
		if a.Store.Commands().Follow > 0 {
			clock.Advance(followTime) // the instances stop to follow the log of the store
		}
		fake.Close()
		client.CloseIdleConnections()
		clock.stopMoving()
		a.log.writeTo(tb, fake.secrets())
	})
	a.URL = a.serve()
	return a
}

// Instance starts another instance of the application, with the same fake, clock, store and cookie password, and returns it. A
// browser that is signed in at one instance is signed in at the other: a cookie is for a host, not for a port.
func (a *App) Instance() *App {
	a.tb.Helper()
	other := *a
	other.URL = other.serve()
	return &other
}

// serve starts the application and returns its URL.
func (a *App) serve() string {
	a.tb.Helper()
	server := httptest.NewUnstartedServer(nil)
	address := "http://" + strings.Replace(server.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
	server.Config.ErrorLog = slog.NewLogLogger(a.log.logger().Handler(), slog.LevelError)
	env := Env{URL: address, Fake: a.Fake, Clock: a.Clock, Store: a.Store, Log: a.log.logger(), app: a}
	started := false
	a.tb.Cleanup(func() {
		if !started { // build has ended the test
			server.Listener.Close()
			return
		}
		server.CloseClientConnections() // ends the requests that still run, such as streams
		server.Close()
	})
	handler := a.build(env)
	if handler == nil {
		a.tb.Fatal("authkittest: Run: build returned no handler")
	}
	server.Config.Handler = a.Clock.waitingHandler(handler)
	server.Start()
	started = true
	return address
}

// Options returns the options with which the application uses the fake: its address and keys, the redirect URL
// URL + "/callback", the sign-out redirect URL + "/", a cookie password, the clock and the log. The options in opts follow
// them, so they win. If the callback has another path, add authkit.WithRedirectURL(env.URL + "/auth/callback").
//
// An application that calls authkit.FromEnv passes them to it: they override the environment.
func (e Env) Options(opts ...authkit.Option) []authkit.Option {
	return append([]authkit.Option{
		authkit.WithAPIKey(e.Fake.apiKey),
		authkit.WithClientID(e.Fake.clientID),
		authkit.WithBaseURL(e.Fake.base),
		authkit.WithCookiePassword(e.Fake.cookiePassword),
		authkit.WithRedirectURL(e.URL + "/callback"),
		authkit.WithPostLogoutRedirectURL(e.URL + "/"),
		authkit.WithHTTPClient(e.app.client),
		authkit.WithClock(e.Clock),
		authkit.WithLogger(e.Log),
	}, opts...)
}

// AuthKit returns authkit.New with the options of Options. It fails the test if New returns an error.
func (e Env) AuthKit(opts ...authkit.Option) *authkit.AuthKit {
	e.app.tb.Helper()
	ak, err := authkit.New(e.Options(opts...)...)
	if err != nil {
		e.app.tb.Fatal(err)
	}
	return ak
}

// Browser returns a browser that is not signed in. An address that begins with a slash is of this application.
func (a *App) Browser() *Browser {
	b := newTestBrowser(a.tb)
	b.home, _ = url.Parse(a.URL) // it is valid
	return b
}

// SignIn returns a browser that is signed in as the user with this email address. It opens /login and signs in on the pages of
// the fake. If there is a choice of organizations, it chooses the first. It fails the test if [Browser.SignIn] returns an
// error. The application need not have a page at "/".
func (a *App) SignIn(email string) *Browser {
	a.tb.Helper()
	return a.SignInAt("/login", email)
}

// SignInAt is SignIn from another page than /login: the login path of the application, or a page that requires a sign-in. The
// browser then shows the page to which the sign-in has returned.
func (a *App) SignInAt(path, email string) *Browser {
	a.tb.Helper()
	b := a.Browser()
	if _, err := b.SignIn(path, email); err != nil {
		a.tb.Fatal(err)
	}
	return b
}

// BearerToken returns an access token of a user, as [Server.BearerToken] does.
func (a *App) BearerToken(email string, claims ...Claims) string {
	return a.Fake.BearerToken(email, claims...)
}

// APIKey creates an API key with these permissions and returns its value. The key belongs to the first organization of the
// fake. [Server.AddAPIKey] makes other keys.
func (a *App) APIKey(permissions ...string) string {
	organizations := a.Fake.Organizations()
	if len(organizations) == 0 {
		a.Fake.addOrganizationForKeys()
		organizations = a.Fake.Organizations()
	}
	return a.Fake.AddAPIKey(APIKey{
		Name: "test", OrganizationID: organizations[0].ID, Permissions: permissions,
	})
}

func (f *Server) addOrganizationForKeys() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addOrganization(Organization{Name: "Customer"})
}

// APIClient returns a client that sends credential, a bearer token or an API key, in the Authorization header of each request to
// this application. It has no cookies and does not follow redirects, like a program. An empty credential is not sent.
func (a *App) APIClient(credential string) *http.Client {
	own := newTransport()
	a.tb.Cleanup(own.CloseIdleConnections)
	return &http.Client{
		Transport:     apiClientTransport{own: own, application: a.URL, credential: credential},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// apiClientTransport adds a credential to the requests to an application.
type apiClientTransport struct {
	own         *http.Transport
	application string
	credential  string
}

// RoundTrip implements http.RoundTripper.
func (t apiClientTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.credential != "" && origin(r.URL) == t.application {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+t.credential)
	}
	return t.own.RoundTrip(r)
}

// CloseIdleConnections closes the idle connections for http.Client.CloseIdleConnections.
func (t apiClientTransport) CloseIdleConnections() { t.own.CloseIdleConnections() }

// String returns the address of the application.
func (a *App) String() string { return "authkittest.App(" + a.URL + ")" }

// GoString returns String, for %#v. The application's keys are not shown.
func (a *App) GoString() string { return a.String() }

// String returns the address of the application.
func (e Env) String() string { return fmt.Sprintf("authkittest.Env(%s)", e.URL) }

// GoString returns String, for %#v. The application's keys are not shown.
func (e Env) GoString() string { return e.String() }
