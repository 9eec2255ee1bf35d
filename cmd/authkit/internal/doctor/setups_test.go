// Broken set-ups, one row each: what is wrong, what the doctor finds, and how to cure it. docs/doctor.md lists them.

package doctor

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testserver"
)

const (
	goodPassword = "Zq7vT2mXb9LrW4sKd8HnPf3JcY6gAe5u"
	callback     = "https://app.example.com/callback"
)

// scene is a set-up: the environment, the flags, and the fake in the place of WorkOS.
type scene struct {
	t    *testing.T
	env  map[string]string
	cfg  Config
	fake *authkittest.Server
}

// newScene returns a set-up without a fault.
func newScene(t *testing.T, opts ...authkittest.Option) *scene {
	t.Helper()
	s := &scene{t: t, cfg: Config{Timeout: 5 * time.Second, LoginPath: "/login"}}
	s.start(append([]authkittest.Option{authkittest.WithRedirectURIs(callback)}, opts...)...)
	s.env["WORKOS_REDIRECT_URI"] = callback
	return s
}

// start starts the fake and sets the variables that point at it.
func (s *scene) start(opts ...authkittest.Option) {
	s.fake = authkittest.New(s.t, opts...)
	if s.env == nil {
		s.env = map[string]string{"WORKOS_COOKIE_PASSWORD": goodPassword}
	}
	for name, value := range s.fake.Env() {
		s.env[name] = value
	}
}

// answering returns a middleware that answers the requests to a path.
func answering(path string, answer http.HandlerFunc) authkittest.Option {
	return authkittest.WithMiddleware(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, path) {
				answer(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
}

// answers returns a handler with a status and a body.
func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// application starts an application with authkit, and a front before it. The front is the address that users open.
func (s *scene) application(front func(next http.Handler) http.Handler) {
	server := httptest.NewUnstartedServer(nil)
	s.t.Cleanup(server.Close)
	origin := "http://localhost:" + port(server.Listener.Addr().String())
	s.start(authkittest.WithRedirectURIs(origin + "/callback"))
	s.env["WORKOS_REDIRECT_URI"] = origin + "/callback"
	s.setenv()
	ak, err := authkit.FromEnv()
	require.NoError(s.t, err)
	mux := http.NewServeMux()
	mux.Handle("GET /login", ak.Login())
	mux.Handle("GET /callback", ak.Callback())
	mux.HandleFunc("GET /{$}", func(http.ResponseWriter, *http.Request) {})
	server.Config.Handler = front(ak.Middleware(mux))
	server.Start()
	s.cfg.URL = origin
}

// standIn lets the doctor stand in for the application behind a proxy, which may refuse its answers.
func (s *scene) standIn(modify func(*http.Response) error) {
	reserved, err := testserver.Reserve()
	require.NoError(s.t, err)
	s.t.Cleanup(func() { require.NoError(s.t, reserved.Release()) })
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: reserved.Addr()})
	proxy.ModifyResponse = modify
	proxy.ErrorLog = log.New(io.Discard, "", 0)
	server := httptest.NewServer(proxy)
	s.t.Cleanup(server.Close)
	s.cfg.URL, s.cfg.StandIn = server.URL, reserved.Addr()
}

func port(addr string) string { return addr[strings.LastIndex(addr, ":")+1:] }

// setenv sets the variables of the scene, and clears the others.
func (s *scene) setenv() {
	for _, name := range []string{
		"WORKOS_API_KEY", "WORKOS_CLIENT_ID", "WORKOS_COOKIE_PASSWORD", "WORKOS_REDIRECT_URI", "WORKOS_COOKIE_NAME", "WORKOS_COOKIE_DOMAIN", "WORKOS_COOKIE_MAX_AGE",
		"WORKOS_COOKIE_SAMESITE", "WORKOS_API_HOSTNAME", "WORKOS_API_HTTPS", "WORKOS_API_PORT", "WORKOS_WEBHOOK_SECRET",
	} {
		s.t.Setenv(name, s.env[name])
	}
}

// behind puts a server between the doctor and the fake, such as one with TLS.
func (s *scene) behind(server *httptest.Server, host string) {
	s.t.Cleanup(server.Close)
	s.env["WORKOS_API_HOSTNAME"], s.env["WORKOS_API_PORT"], s.env["WORKOS_API_HTTPS"] = host, port(server.Listener.Addr().String()), "true"
}

// toFake returns a reverse proxy to the fake.
func (s *scene) toFake() http.Handler {
	target, err := url.Parse(s.fake.URL())
	require.NoError(s.t, err)
	return httputil.NewSingleHostReverseProxy(target)
}

// setup is a row of the table.
type setup struct {
	name  string
	scene func(t *testing.T) *scene
	// What the doctor must say: the check and the status, and parts of the finding and of the cure.
	check   string
	status  Status
	finding string
	cure    string
}

// with returns a scene without a fault, changed.
func with(change func(s *scene)) func(*testing.T) *scene {
	return func(t *testing.T) *scene {
		s := newScene(t)
		change(s)
		return s
	}
}

// set returns a scene with another value of a variable.
func set(name, value string) func(*testing.T) *scene {
	return with(func(s *scene) { s.env[name] = value })
}

// fakeWith returns a scene whose fake has further options.
func fakeWith(opts ...authkittest.Option) func(*testing.T) *scene {
	return func(t *testing.T) *scene { return newScene(t, opts...) }
}

var setups = []setup{
	{"no API key", set("WORKOS_API_KEY", ""), "configuration", Fault, "no API key", "API Keys"},
	{"API key in quotes", set("WORKOS_API_KEY", `"sk_test_abc"`), "configuration", Fault, "not an API key", "without quotes"},
	{"API key of another environment", set("WORKOS_API_KEY", "sk_test_of_another_environment"), "API key", Fault, "does not accept", "another environment"},
	{"API key and client ID of two environments", fakeWith(answering("/user_management/authenticate", answers(400, `{"error":"invalid_client"}`))),
		"API key", Fault, "not together with client_", "from one environment"},
	{"no client ID", set("WORKOS_CLIENT_ID", ""), "configuration", Fault, "no client ID", "Overview"},
	{"client ID that WorkOS does not know", set("WORKOS_CLIENT_ID", "client_01UNKNOWN"), "client ID", Fault, "has no application client_01UNKNOWN", "staging or production"},
	{"cookie password too short", set("WORKOS_COOKIE_PASSWORD", "only-20-characters!!"), "configuration", Fault, "20 bytes", "openssl rand"},
	{"cookie password from an example", set("WORKOS_COOKIE_PASSWORD", "this-is-a-password-of-32-characters"), "cookie password", Fault, "can be guessed", "openssl rand"},
	{"cookie password of one character", set("WORKOS_COOKIE_PASSWORD", strings.Repeat("x", 40)), "cookie password", Fault, "too few different characters: 1", "openssl rand"},
	{"redirect URI not registered", set("WORKOS_REDIRECT_URI", "https://other.example.com/callback"), "redirect URI", Fault, "is not registered", "Register exactly"},
	{"redirect URI with a slash more", set("WORKOS_REDIRECT_URI", callback+"/"), "redirect URI", Fault, "differs in a slash at the end", "Every character counts"},
	{"redirect URI with another port", set("WORKOS_REDIRECT_URI", "https://app.example.com:8443/callback"), "redirect URI", Fault, "differs in the port", "Register exactly"},
	{"redirect URI with 127.0.0.1 in place of localhost", func(t *testing.T) *scene {
		s := newScene(t, authkittest.WithRedirectURIs("http://localhost:8080/callback"))
		s.env["WORKOS_REDIRECT_URI"] = "http://127.0.0.1:8080/callback"
		return s
	}, "redirect URI", Fault, "the name of this machine (localhost)", "Register exactly"},
	{"redirect URI over plain http", set("WORKOS_REDIRECT_URI", "http://app.example.com/callback"), "configuration", Fault, "plain http", "Use https"},
	{"no redirect URI", set("WORKOS_REDIRECT_URI", ""), "redirect URI", Warning, "is not set", "Set WORKOS_REDIRECT_URI"},
	{"redirect URI refused to a public client", with(func(s *scene) {
		s.cfg.PublicClient = true
		s.env["WORKOS_API_KEY"], s.env["WORKOS_REDIRECT_URI"] = "", "https://other.example.com/callback"
	}), "authorization", Fault, "refuses an authorization request", "Register exactly"},
	{"sign-out redirect not registered", fakeWith(answering("/user_management/sessions/logout", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://www.example.com/", http.StatusFound)
	})), "sign-out redirect", Fault, "does not return to https://app.example.com/", "Sign-out redirects"},
	{"clock ahead", func(t *testing.T) *scene {
		return newScene(t, authkittest.WithClock(authkittest.NewFakeClock(time.Now().Add(-5*time.Minute))))
	}, "clock", Fault, "ahead of WorkOS: sessions are refreshed too often, and tokens are refused beyond their lifetime and 60 s", "time synchronization"},
	{"clock half a minute ahead", func(t *testing.T) *scene {
		return newScene(t, authkittest.WithClock(authkittest.NewFakeClock(time.Now().Add(-30*time.Second))))
	}, "clock", Warning, "ahead of WorkOS; sessions are refreshed too early", "time synchronization"},
	{"clock behind", func(t *testing.T) *scene {
		return newScene(t, authkittest.WithClock(authkittest.NewFakeClock(time.Now().Add(5*time.Minute))))
	}, "clock", Fault, "behind WorkOS: tokens are refused", "time synchronization"},
	{"clock half a minute behind", func(t *testing.T) *scene {
		return newScene(t, authkittest.WithClock(authkittest.NewFakeClock(time.Now().Add(30*time.Second))))
	}, "clock", Warning, "behind WorkOS; from 60 s on", "time synchronization"},
	{"cookie domain of another site", set("WORKOS_COOKIE_DOMAIN", "example.org"), "configuration", Fault, "does not cover", "that the host of the redirect URI is in"},
	{"SameSite=None over http", with(func(s *scene) {
		s.env["WORKOS_REDIRECT_URI"], s.env["WORKOS_COOKIE_SAMESITE"] = "http://localhost:8080/callback", "none"
	}), "configuration", Fault, "None only over https", "lax"},
	{"API without TLS off this machine", with(func(s *scene) { s.env["WORKOS_API_HOSTNAME"] = "api.example.com" }), "configuration", Fault, "plain http", "Remove WORKOS_API_HTTPS=false"},
	{"nothing listens at the address of WorkOS", func(t *testing.T) *scene {
		s := newScene(t)
		reserved, err := testserver.Reserve()
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, reserved.Release()) })
		s.env["WORKOS_API_PORT"] = reserved.String()
		return s
	}, "WorkOS", Fault, "nothing listens there", "authkit dev: is it running"},
	{"WorkOS does not answer in time", with(func(s *scene) {
		s.fake.InjectFault(authkittest.RouteDiscovery, authkittest.Fault{Hang: true})
		s.cfg.Timeout = 200 * time.Millisecond
	}), "WorkOS", Fault, "no answer in time", "firewall"},
	{"WorkOS has an outage", with(func(s *scene) {
		s.fake.InjectFault(authkittest.RouteDiscovery, authkittest.Fault{Status: 503, Body: `{"message":"down"}`})
	}), "WorkOS", Warning, "answers 503", "status.workos.com"},
	{"certificate of an authority that this machine does not know", with(func(s *scene) {
		s.behind(httptest.NewTLSServer(s.toFake()), "127.0.0.1")
	}), "WorkOS", Fault, "signed by an authority that this machine does not know", "ca-certificates"},
	{"certificate of another name", with(func(s *scene) {
		server := httptest.NewTLSServer(s.toFake())
		s.behind(server, "localhost")
		s.cfg.HTTPClient = server.Client()
	}), "WorkOS", Fault, "for another name", "custom authentication domain"},
	{"https to a server of plain http", set("WORKOS_API_HTTPS", "true"), "WorkOS", Fault, "plain http, and not https", "WORKOS_API_HTTPS=false"},
	{"page of a firewall in place of WorkOS", fakeWith(answering("/user_management/client_", answers(200, "<html>Blocked</html>"))), "WorkOS", Fault, "no JSON", "firewall"},
	{"issuer of another application", fakeWith(authkittest.WithIssuer("https://auth.example.com/user_management/client_01OTHER")), "issuer", Fault, "is not accepted by default", "WithAdditionalIssuers"},
	{"signing keys cannot be read", with(func(s *scene) {
		s.fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 200, Body: `{"keys":[]}`})
	}), "signing keys", Fault, "no usable keys", "answered 503"},
	{"shared session with many permissions", with(func(s *scene) { s.cfg.SharedSession = true }), "session size", Warning, "does not fit", "Without WithSharedSession"},
	{"webhook secret with a line break", set("WORKOS_WEBHOOK_SECRET", "whsec_0123456789abcdef\n"), "webhook secret", Fault, "white space", "Copy the secret again"},
	{"API key as the webhook secret", set("WORKOS_WEBHOOK_SECRET", "sk_test_0123456789abcdef"), "webhook secret", Fault, "is an API key", "secret of the webhook endpoint"},
	{"store that cannot be reached", with(func(s *scene) {
		reserved, err := testserver.Reserve()
		require.NoError(s.t, err)
		s.t.Cleanup(func() { require.NoError(s.t, reserved.Release()) })
		s.cfg.Store = "redis://:" + goodPassword + "@" + reserved.Addr()
	}), "store", Fault, "cannot be reached", "localhost is the container itself"},
	{"address of a store with an unknown scheme", with(func(s *scene) { s.cfg.Store = "mysql://localhost/app" }), "store", Fault, `"mysql"`, "postgres://"},
	{"proxy that limits the header of a request", with(func(s *scene) {
		s.application(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if len(r.Header.Get("Cookie")) > 8<<10 {
					http.Error(w, "Request Header Or Cookie Too Large", http.StatusBadRequest)
					return
				}
				next.ServeHTTP(w, r)
			})
		})
	}), "request header", Warning, "is refused (400 Bad Request)", "large_client_header_buffers 4 40k;"},
	{"proxy that limits the header of a response", with(func(s *scene) {
		s.standIn(func(response *http.Response) error {
			if len(strings.Join(response.Header.Values("Set-Cookie"), "")) > responseLimit {
				return errors.New("upstream sent too big header")
			}
			return nil
		})
	}), "response header", Fault, "does not (502 Bad Gateway)", "proxy_buffer_size 40k;"},
	{"application that runs with another redirect URI", with(func(s *scene) {
		s.application(func(next http.Handler) http.Handler { return next })
		s.env["WORKOS_REDIRECT_URI"] = strings.Replace(s.env["WORKOS_REDIRECT_URI"], "/callback", "/auth/callback", 1)
	}), "sign-in", Fault, "the application returns to", "restart it"},
	{"application at another host than its redirect URI", with(func(s *scene) {
		s.application(func(next http.Handler) http.Handler { return next })
		s.cfg.URL = strings.Replace(s.cfg.URL, "localhost", "127.0.0.1", 1)
	}), "host", Warning, "sign-ins return to localhost", "WithRedirectURL"},
	{"callback not mounted at the path of the redirect URI", with(func(s *scene) {
		s.application(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/callback" {
					http.NotFound(w, r)
					return
				}
				next.ServeHTTP(w, r)
			})
		})
	}), "callback", Fault, "answers 404", "Mount ak.Callback()"},
	{"proxy that does not reach the application", with(func(s *scene) {
		server := httptest.NewServer(answers(http.StatusBadGateway, ""))
		s.t.Cleanup(server.Close)
		s.cfg.URL = server.URL
	}), "application", Fault, "does not reach the application", "upstream"},
}
