// A trial: the same application with authkit's middleware and without it, under the same loads.

package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

const (
	firstName = "Rosalind"
	email     = "rosalind@harborpress.example"
	password  = "correct horse battery"
)

// Sessions is the number of sessions of the signed-in users.
const Sessions = 208

// maxStale is how many sessions a load refreshes at most.
const maxStale = 300

// tokenLifetime is longer than a trial.
const tokenLifetime = time.Hour

// Processes returns a process of this program that runs [Serve] or [Generate] with its standard input and output.
type Processes func(ctx context.Context, name string) *exec.Cmd

// The names for Processes.
const (
	ServeProcess    = "serve"
	GenerateProcess = "load"
)

// Trial is an application in two processes: with the middleware and without it.
type Trial struct {
	processes Processes
	with      *service
	without   *service
	cookies   []string // Cookie headers of sessions
}

// Start starts the processes of a trial. They end with Close or with the context.
func Start(ctx context.Context, processes Processes) (t *Trial, err error) {
	t = &Trial{processes: processes}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.Close())
		}
	}()
	if t.without, err = start(ctx, processes, config{}); err != nil {
		return t, err
	}
	if t.with, err = startWithFake(ctx, processes); err != nil {
		return t, err
	}
	t.cookies, err = t.with.signIn(ctx, Sessions)
	return t, err
}

// Close stops the processes.
func (t *Trial) Close() error { return errors.Join(t.without.stop(), t.with.stop()) }

// Round is the result of each load in one round.
type Round struct {
	Pairs      map[Load]Pair
	Refreshing Pair // the first load of the signed-in page, where some of the requests with the middleware refresh a session
	// What the processes report after the loads.
	With, Without Usage
}

// Round measures each load, each side for the given time. Every other round runs them in reverse order.
func (t *Trial) Round(ctx context.Context, number int, measure time.Duration) (Round, error) {
	stale, err := t.with.signInStale(ctx, maxStale)
	if err != nil {
		return Round{}, err
	}
	r := Round{Pairs: map[Load]Pair{}}
	loads := Loads()
	if number%2 == 1 {
		slices.Reverse(loads)
	}
	for _, l := range loads {
		if r.Pairs[l], err = t.compare(ctx, l, nil, measure); err != nil {
			return r, err
		}
	}
	if r.Refreshing, err = t.compare(ctx, RefreshingLoad, stale, measure); err != nil {
		return r, err
	}
	if r.With, err = t.with.process.usage(); err != nil {
		return r, err
	}
	r.Without, err = t.without.process.usage()
	return r, err
}

// service is a process that serves the application, and its fake AuthKit.
type service struct {
	config    config
	fake      *authkittest.Server // nil without the middleware, like the clock
	clock     *authkittest.FakeClock
	process   *process
	addresses addresses
}

// StartFake starts a fake AuthKit with one user, who has an organization, a role and ten permissions. Her access tokens are valid for
// an hour of the clock.
func StartFake(clock *authkittest.FakeClock) (*authkittest.Server, error) {
	return authkittest.Start(
		authkittest.WithClock(clock),
		authkittest.WithAccessTokenLifetime(tokenLifetime),
		authkittest.WithOrganizations(authkittest.Organization{ID: "org_01", Name: "Harbor Press"}),
		authkittest.WithUsers(authkittest.User{
			Email: email, Password: password, FirstName: firstName, LastName: "Okonkwo",
			Locale: "en-GB",
			Memberships: []authkittest.Membership{{OrganizationID: "org_01", Role: "editor", Permissions: []string{
				"articles:read", "articles:write", "articles:publish", "comments:read", "comments:moderate",
				"media:read", "media:upload", "invoices:read", "members:read", "reports:export",
			}}},
		}))
}

func startWithFake(ctx context.Context, processes Processes) (*service, error) {
	clock := authkittest.NewFakeClock(time.Now())
	fake, err := StartFake(clock)
	if err != nil {
		return nil, err
	}
	s, err := start(ctx, processes, config{
		Middleware: true, BaseURL: fake.URL(), ClientID: fake.ClientID(), APIKey: fake.APIKey(),
	})
	if err != nil {
		fake.Close()
		return nil, err
	}
	s.fake, s.clock = fake, clock
	return s, nil
}

func start(ctx context.Context, processes Processes, c config) (*service, error) {
	p, err := startProcess(processes(ctx, ServeProcess))
	if err != nil {
		return nil, err
	}
	s := &service{config: c, process: p}
	if err := p.ask(c, &s.addresses); err != nil {
		return nil, errors.Join(fmt.Errorf("read the addresses of the server: %w", err), p.stop())
	}
	return s, nil
}

func (s *service) stop() error {
	if s == nil {
		return nil
	}
	err := s.process.stop()
	if s.fake != nil {
		s.fake.Close()
	}
	return err
}

// signInStale creates sessions with expired access tokens, which can be refreshed.
func (s *service) signInStale(ctx context.Context, sessions int) ([]string, error) {
	s.clock.Set(time.Now().Add(-2 * tokenLifetime))
	defer func() { s.clock.Set(time.Now()) }()
	return s.signIn(ctx, sessions)
}

// signIn creates sessions at the time of the fake's clock, and returns their Cookie headers.
func (s *service) signIn(ctx context.Context, sessions int) ([]string, error) {
	ak, err := s.config.authkit(authkit.WithClock(s.clock))
	if err != nil {
		return nil, err
	}
	cookies := make([]string, sessions)
	for i := range cookies {
		authentication, err := ak.Client().AuthenticateWithPassword(ctx, workos.AuthenticateWithPasswordParams{Email: email, Password: password})
		if err != nil {
			return nil, fmt.Errorf("sign in with the fake AuthKit: %w", err)
		}
		w := httptest.NewRecorder()
		if _, err := ak.SignIn(w, httptest.NewRequest(http.MethodPost, "/sign-in", nil), authentication); err != nil {
			return nil, fmt.Errorf("sign in: %w", err)
		}
		var pairs []string
		for _, c := range w.Result().Cookies() {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
		cookies[i] = strings.Join(pairs, "; ")
	}
	return cookies, nil
}
