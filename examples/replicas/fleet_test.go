//go:build unix

// The harness of the tests: three processes of the application behind the front, a fake AuthKit and a store's engine.

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testserver"
)

const ada = "ada@harborpress.test"

// programs is the folder with the built programs: app, fake and replicas.
var programs string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	folder, err := os.MkdirTemp("", "authkit-replicas-test-")
	if err == nil {
		defer os.RemoveAll(folder)
		err = build(context.Background(), folder, ".", "./app", "./fake")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	programs = folder
	// Most tests wait for real time, so more of them run at a time than there are processors.
	flag.Parse()
	if !set("test.parallel") {
		if err := flag.Set("test.parallel", "6"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

// set reports whether the command line sets a flag.
func set(name string) (found bool) {
	flag.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

// testFleet is the instances behind the front.
type testFleet struct {
	*testing.T
	fleet fleet
	front *front
	fake  *authkittest.Server
	home  string // URL of the front
}

// fleetOptions are the options of startFleetWith.
type fleetOptions struct {
	shared   engine               // the zero engine for no store
	names    []string             // of the instances; nil for A, B and C
	fake     []authkittest.Option // of the fake AuthKit
	upstream *upstream            // between the instances and the fake; nil for none
	webhooks bool                 // the fake sends webhooks to the front
}

// startFleet starts three instances with a store, or without one, and a fake with these options.
func startFleet(t *testing.T, shared engine, opts ...authkittest.Option) *testFleet {
	t.Helper()
	return startFleetWith(t, fleetOptions{shared: shared, fake: opts})
}

func startFleetWith(t *testing.T, o fleetOptions) *testFleet {
	t.Helper()
	f := &testFleet{T: t}
	if o.names == nil {
		o.names = []string{"A", "B", "C"}
	}
	server := httptest.NewUnstartedServer(nil)
	f.home = strings.Replace("http://"+server.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
	if o.upstream != nil {
		o.fake = append(o.fake, authkittest.WithIssuer(o.upstream.url))
	}
	f.fake = authkittest.New(t, append([]authkittest.Option{
		authkittest.WithRedirectURIs(f.home + "/callback"), authkittest.WithSignOutRedirects(f.home + "/"),
	}, o.fake...)...)
	env := f.fake.Env()
	if o.upstream != nil {
		o.upstream.forward(f.fake, env)
	}
	env["WORKOS_COOKIE_PASSWORD"] = rand.Text() + rand.Text()
	if o.webhooks {
		env["WORKOS_WEBHOOK_SECRET"] = rand.Text()
		f.fake.AddWebhookEndpoint(f.home+"/webhooks/workos", env["WORKOS_WEBHOOK_SECRET"])
	}
	f.fleet = newFleet(filepath.Join(programs, "app"), o.names, environment(env, f.home, o.shared))
	output := &testOutput{t: t}
	for _, i := range f.fleet {
		i.output = output
	}
	t.Cleanup(func() { f.fleet.each(func(_ int, i *instance) { i.kill() }) })
	require.NoError(t, f.fleet.start())

	control := httptest.NewServer(f.fake.Control())
	t.Cleanup(control.Close)
	f.front = newFront(f.fleet)
	server.Config.Handler = routes(f.front, controlClient{control.URL}, o.shared.String())
	server.Start()
	t.Cleanup(server.Close)
	return f
}

// testOutput shows the output of the instances if the test fails.
type testOutput struct {
	t  *testing.T
	mu sync.Mutex
}

func (o *testOutput) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.t.Logf("%s", bytes.TrimSpace(text))
	return len(text), nil
}

// signedIn returns a browser that is signed in as a user, on the account page.
func (f *testFleet) signedIn(email string) *authkittest.Browser {
	f.Helper()
	b := f.browser()
	page, err := b.SignIn(f.home+"/login?return_to=/account", email)
	require.NoError(f, err)
	require.Equal(f, http.StatusOK, page.StatusCode)
	return b
}

func (f *testFleet) browser() *authkittest.Browser {
	b := authkittest.NewBrowser()
	f.Cleanup(b.CloseIdleConnections)
	return b
}

// me fetches /api/me and returns the status and the instance that answered.
func (f *testFleet) me(b *authkittest.Browser) (status int, by string) {
	f.Helper()
	page, err := b.Fetch(http.MethodGet, f.home+"/api/me")
	require.NoError(f, err)
	return page.StatusCode, page.Header.Get("X-Instance")
}

// startRedis starts Redis for a test.
func startRedis(t *testing.T) engine {
	t.Helper()
	return startServer(t).engine()
}

// startProgram starts an engine. The test ends it, and shows its output if it has failed.
func startProgram(t *testing.T, p testserver.Program) *testserver.Server {
	t.Helper()
	s, err := testserver.Start(p)
	require.NoError(t, err)
	t.Cleanup(func() {
		s.Close()
		if t.Failed() {
			t.Logf("%s", s.Output())
		}
	})
	return s
}
