// The application and its processes.

package soak

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

// slot is an address at which one process of the application listens. The process
// can be replaced by a new one.
type slot struct {
	world   *world
	url     string // http://localhost:port
	process atomic.Pointer[process]
	// passwords are those of the current process.
	passwords atomic.Pointer[[]string]
	server    *httptest.Server
}

// process is one instance of the application. Other data refers to it by its
// number, so that a replaced process is not kept in memory.
type process struct {
	number   uint64 // from 1
	handler  http.Handler
	upstream *upstream
	ak       *authkit.AuthKit
	// life ends when the process is killed. That cuts the requests of browsers.
	life context.Context
	// instance is the process as an instance that shares a store. It is nil without one.
	instance *instance
}

func (w *world) newSlot() *slot {
	s := &slot{world: w}
	s.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s.process.Load().handler.ServeHTTP(&orderedWriter{ResponseWriter: rw, next: &w.order}, r)
	}))
	s.url = strings.Replace(s.server.URL, "127.0.0.1", "localhost", 1)
	w.t.Cleanup(func() {
		s.server.Close()
		s.process.Load().upstream.base.CloseIdleConnections()
	})
	return s
}

func (s *slot) number() uint64 { return s.process.Load().number }

// replace starts a new process in the slot. It replaces an earlier process.
func (s *slot) replace(passwords ...string) {
	w := s.world
	s.passwords.Store(&passwords)
	p := &process{number: w.processes.Add(1), upstream: &upstream{
		clock: w.clock, base: &http.Transport{MaxIdleConnsPerHost: 64}, exchanges: map[string]int{},
	}}
	p.life = context.Background()
	transport, clock := http.RoundTripper(p.upstream), authkit.Clock(w.clock)
	var shared []authkit.Option
	if w.shared != nil {
		p.instance = w.shared.newInstance(s, p)
		p.life, transport, clock = p.instance.life, p.instance, &instanceClock{w.clock, p.instance}
		shared = []authkit.Option{authkit.WithStore(p.instance)}
	}
	ak, err := authkit.New(append(shared,
		authkit.WithAPIKey(w.fake.APIKey()), authkit.WithClientID(w.fake.ClientID()), authkit.WithBaseURL(w.fake.URL()),
		authkit.WithCookiePassword(passwords[0], passwords[1:]...),
		authkit.WithRedirectURL(s.url+"/callback"), authkit.WithPostLogoutRedirectURL(s.url+"/"),
		authkit.WithHTTPClient(&http.Client{Transport: transport}),
		authkit.WithClock(clock), authkit.WithLogger(slog.New(slog.DiscardHandler)),
		authkit.WithSessionCache(500, 8<<20), // fewer entries than sessions
		authkit.WithErrorHandler(handleFailure),
	)...)
	w.require().NoError(err)
	p.ak, p.handler = ak, w.routes(ak)
	if before := s.process.Swap(p); before != nil {
		before.upstream.base.CloseIdleConnections()
		if before.instance != nil {
			before.instance.die()
		}
	}
}

// causeHeader is the response header with the cause of a 503. For the checker, a
// cool-down is not an outage.
const causeHeader = "X-Cause"

// errorHeader is the response header with the error, for the report of a finding.
const errorHeader = "X-Error"

const coolDown = "cool-down"

func handleFailure(w http.ResponseWriter, r *http.Request, f authkit.Failure) {
	// The error for a new token whose key cannot be fetched yet has no sentinel, only this text.
	if errors.Is(f.Err, jwks.ErrCoolDown) || strings.Contains(f.Err.Error(), "could not be verified yet") {
		w.Header().Set(causeHeader, coolDown)
	}
	w.Header().Set(errorHeader, f.Err.Error())
	f.ServeHTTP(w, r)
}

// pageContent is the content of a page: the signed-in user and the session.
type pageContent struct {
	Email        string
	UserID       string
	Session      string
	Organization string
	Unavailable  bool
}

// slowPage is a page that is written when finish is closed.
type slowPage struct{ started, finish chan struct{} }

func (w *world) routes(ak *authkit.AuthKit) http.Handler {
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var p pageContent
		if s, ok := authkit.FromContext(r.Context()); ok {
			p = pageContent{Email: s.User().Email, UserID: s.UserID(), Session: s.ID(), Organization: s.OrganizationID()}
		}
		p.Unavailable = authkit.ErrorFromContext(r.Context()) != nil
		json.NewEncoder(w).Encode(p)
	})
	mux := http.NewServeMux()
	mux.Handle("/login", ak.Login())
	mux.Handle("/callback", ak.Callback())
	mux.Handle("/logout", ak.Logout())
	mux.Handle("/organization", ak.SwitchOrganization())
	mux.Handle("/account", ak.RequireAuth(page))
	mux.Handle("/{$}", page)
	mux.HandleFunc("/slow/{number}", func(rw http.ResponseWriter, r *http.Request) {
		if slow, ok := w.slowPages.Load(r.PathValue("number")); ok {
			close(slow.(*slowPage).started)
			<-slow.(*slowPage).finish
		}
		page(rw, r)
	})
	mux.HandleFunc("POST /signin", func(w http.ResponseWriter, r *http.Request) {
		authentication, err := authenticate(ak.Client(), r, r.PostFormValue("email"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		session, err := ak.SignIn(w, r, authentication)
		if err != nil {
			ak.Fail(w, r, err)
			return
		}
		json.NewEncoder(w).Encode(pageContent{
			Email: session.User().Email, UserID: session.UserID(), Session: session.ID(), Organization: session.OrganizationID(),
		})
	})
	return ak.Middleware(mux)
}

func authenticate(client *workos.Client, r *http.Request, email string) (*workos.Authentication, error) {
	authentication, err := client.AuthenticateWithPassword(r.Context(), workos.AuthenticateWithPasswordParams{Email: email, Password: password})
	var selection *workos.OrganizationSelectionRequiredError
	if errors.As(err, &selection) {
		return client.AuthenticateWithOrganizationSelection(r.Context(), selection.SelectionParams(acme))
	}
	return authentication, err
}

// orderHeader is the response header with the order in which responses were sent.
// Over several connections they can arrive in another order.
const orderHeader = "X-Order"

// orderedWriter sets orderHeader when a response is sent.
type orderedWriter struct {
	http.ResponseWriter
	next *atomic.Uint64
	sent bool
}

func (n *orderedWriter) WriteHeader(status int) {
	if !n.sent {
		n.sent = true
		n.Header().Set(orderHeader, strconv.FormatUint(n.next.Add(1), 10))
	}
	n.ResponseWriter.WriteHeader(status)
}

func (n *orderedWriter) Write(b []byte) (int, error) {
	if !n.sent {
		n.WriteHeader(http.StatusOK)
	}
	return n.ResponseWriter.Write(b)
}
