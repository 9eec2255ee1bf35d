// The minimal application, for what needs a clock, a neighbour or keys of the attacker's own.

package attack_test

import (
	"encoding/json"
	"io"
	stdlog "log"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// startOfTime is the time at which every test of the minimal application begins.
var startOfTime = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

// minimal is a ServeMux with the handlers, one guarded page and a clock.
type minimal struct {
	*target
	authkit *authkit.AuthKit
	clock   *authkittest.FakeClock
	server  *httptest.Server
	mux     *http.ServeMux
}

func newMinimal(t *testing.T, opts ...authkit.Option) *minimal {
	t.Helper()
	clock := authkittest.NewFakeClock(startOfTime)
	fake := authkittest.New(t, people(), authkittest.WithClock(clock))
	return newProcess(t, fake, clock, newPassword(), opts...)
}

// newProcess is one process of the application: several can stand before one fake.
func newProcess(t *testing.T, fake *authkittest.Server, clock *authkittest.FakeClock, password string, opts ...authkit.Option) *minimal {
	t.Helper()
	logs := newLog(fake.APIKey(), password)
	m := &minimal{clock: clock, mux: http.NewServeMux()}
	m.server = httptest.NewUnstartedServer(nil)
	m.target = &target{
		t: t, name: "minimal", password: password, fake: fake, logs: logs, atAuthKit: map[string]*authkittest.Browser{},
		url: "http://" + strings.Replace(m.server.Listener.Addr().String(), "127.0.0.1", "localhost", 1),
	}
	var err error
	m.authkit, err = authkit.New(append([]authkit.Option{
		authkit.WithAPIKey(fake.APIKey()),
		authkit.WithClientID(fake.ClientID()),
		authkit.WithBaseURL(fake.URL()),
		authkit.WithCookiePassword(password),
		authkit.WithRedirectURL(m.url + "/callback"),
		authkit.WithPostLogoutRedirectURL(m.url + "/"),
		authkit.WithClock(clock),
		authkit.WithLogger(slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}))),
	}, opts...)...)
	require.NoError(t, err)
	m.routes()
	m.server.Config.Handler = m.authkit.Middleware(m.mux)
	m.server.Config.ErrorLog = stdlog.New(logs, "", 0)
	m.server.Config.MaxHeaderBytes = 4 << 20 // so that what is too large reaches the library
	m.server.Start()
	t.Cleanup(func() {
		for _, b := range m.atAuthKit {
			b.CloseIdleConnections()
		}
		m.server.Close()
		for _, fault := range logs.faults() {
			t.Error(fault)
		}
	})
	return m
}

func (m *minimal) routes() {
	// No methods: the handlers have to see to those themselves.
	m.mux.Handle("/login", m.authkit.Login())
	m.mux.Handle("/callback", m.authkit.Callback())
	m.mux.Handle("/logout", m.authkit.Logout())
	m.mux.Handle("/organization", m.authkit.SwitchOrganization())
	m.mux.Handle("GET /account", m.authkit.RequireAuth(http.HandlerFunc(account)))
	m.mux.Handle("GET /deep/", m.authkit.RequireAuth(http.HandlerFunc(account)))
	m.mux.Handle("GET /api/me", m.authkit.RequireAuth(http.HandlerFunc(me)))
	m.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") })
	m.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "home of ")
		if s, ok := authkit.FromContext(r.Context()); ok {
			io.WriteString(w, s.User().Email)
		}
	})
}

func account(w http.ResponseWriter, r *http.Request) {
	s, _ := authkit.FromContext(r.Context())
	io.WriteString(w, "Your account, "+s.User().Email)
}

// me answers as the examples do.
func me(w http.ResponseWriter, r *http.Request) {
	s, _ := authkit.FromContext(r.Context())
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{
		"user":            map[string]string{"id": s.UserID(), "email": s.User().Email},
		"session_id":      s.ID(),
		"organization_id": s.OrganizationID(),
	})
}

// expireTokens moves the clock beyond the expiry of the tokens so far, and that much further.
func (m *minimal) expireTokens(beyond time.Duration) { m.clock.Advance(5*time.Minute + beyond) }

// incompressible is a text that fills a token.
func incompressible(n int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	random := mathrand.New(mathrand.NewPCG(1, 2))
	text := make([]byte, n)
	for i := range text {
		text[i] = letters[random.IntN(len(letters))]
	}
	return string(text)
}
