// A trial: the same application with authkit's middleware and without it, under the same load.

package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
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

// The parameters of the load.
const (
	Connections = 16
	Sessions    = 208 // distributed evenly over the connections
	maxStale    = 300 // sessions to refresh in one load
	warmup      = 2 * Sessions / Connections
)

// tokenLifetime is longer than a trial.
const tokenLifetime = time.Hour

// processLimit limits the lifetime of a load process, in addition to its measurement.
const processLimit = time.Minute

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
	Public     Pair
	SignedIn   Pair
	Refreshing Load // of the signed-in page, where some of the requests refresh a session
}

// RefreshingRatio returns the throughput with refreshes, divided by the throughput without the middleware.
func (r Round) RefreshingRatio() float64 {
	return r.Refreshing.Throughput() / r.SignedIn.Without.Throughput()
}

// Pair is the same load with the middleware and without it.
type Pair struct{ With, Without Load }

// Ratio returns the throughput with the middleware, divided by the throughput without it.
func (p Pair) Ratio() float64 { return p.With.Throughput() / p.Without.Throughput() }

// Round runs each load for the given time. Every other round runs them in reverse order.
func (t *Trial) Round(ctx context.Context, number int, measure time.Duration) (Round, error) {
	stale, err := t.with.signInStale(ctx, maxStale)
	if err != nil {
		return Round{}, err
	}
	var r Round
	loads := []struct {
		into    *Load
		service *service
		plan    plan
	}{
		{&r.Public.With, t.with, plan{Path: publicPath}},
		{&r.Public.Without, t.without, plan{Path: publicPath}},
		{&r.SignedIn.With, t.with, plan{Path: signedInPath, Cookies: t.cookies}},
		{&r.SignedIn.Without, t.without, plan{Path: signedInPath, Cookies: t.cookies}},
		{&r.Refreshing, t.with, plan{Path: signedInPath, Cookies: t.cookies, Stale: stale}},
	}
	if number%2 == 1 {
		slices.Reverse(loads)
	}
	for _, l := range loads {
		l.plan.Measure = measure
		if *l.into, err = t.load(ctx, l.service, l.plan); err != nil {
			return r, err
		}
	}
	return r, nil
}

// load runs a plan against a service, in another process.
func (t *Trial) load(ctx context.Context, s *service, p plan) (Load, error) {
	ctx, cancel := context.WithTimeout(ctx, p.Measure+processLimit)
	defer cancel()
	p.Address, p.Connections, p.Warmup = s.address, Connections, warmup
	input, err := json.Marshal(p)
	if err != nil {
		return Load{}, err
	}
	cmd := t.processes(ctx, GenerateProcess)
	cmd.Stdin = bytes.NewReader(input)
	cmd.Stderr = os.Stderr
	output, err := cmd.Output()
	if err != nil {
		return Load{}, fmt.Errorf("load %s: %w", p.Path, err)
	}
	var l Load
	err = json.Unmarshal(output, &l)
	return l, err
}

// service is a process that serves the application, and its fake AuthKit.
type service struct {
	config  config
	fake    *authkittest.Server // nil without the middleware, like the clock
	clock   *authkittest.FakeClock
	cmd     *exec.Cmd
	input   io.Closer // closing it stops the process
	address string
}

func startWithFake(ctx context.Context, processes Processes) (*service, error) {
	clock := authkittest.NewFakeClock(time.Now())
	fake, err := authkittest.Start(
		authkittest.WithClock(clock),
		authkittest.WithAccessTokenLifetime(tokenLifetime),
		authkittest.WithOrganizations(authkittest.Organization{ID: "org_01", Name: "Harbor Press"}),
		authkittest.WithUsers(authkittest.User{
			Email: email, Password: password, FirstName: firstName, LastName: "Okonkwo",
			Locale: "en-GB", Metadata: map[string]string{"plan": "business", "timezone": "Europe/London"},
			Memberships: []authkittest.Membership{{OrganizationID: "org_01", Role: "editor", Permissions: []string{
				"articles:read", "articles:write", "articles:publish", "comments:read", "comments:moderate",
				"media:read", "media:upload", "invoices:read", "members:read", "reports:export",
			}}},
		}))
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
	cmd := processes(ctx, ServeProcess)
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &service{config: c, cmd: cmd, input: input}
	if err := json.NewEncoder(input).Encode(c); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the address of the server: %w", err), s.stop())
	}
	s.address = strings.TrimSpace(line)
	return s, nil
}

func (s *service) stop() error {
	if s == nil {
		return nil
	}
	_ = s.input.Close()
	err := s.cmd.Wait()
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
