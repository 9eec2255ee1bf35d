// Command cli is a command-line tool whose users sign in to AuthKit by the device flow (RFC 8628): it shows a code, and
// they approve it in a browser, on whatever machine they have one.
//
//	go run ./examples/cli login
//	go run ./examples/cli whoami
//	go run ./examples/cli logout
//
// WORKOS_CLIENT_ID names the application; WORKOS_API_HOSTNAME, WORKOS_API_PORT and WORKOS_API_HTTPS say where its API
// is, if that is not api.workos.com. It takes no API key: what is handed out to users can keep no secret. Without
// WORKOS_CLIENT_ID there is a fake AuthKit inside, for as long as login runs.
//
// Tokens are kept in the user's configuration directory, or in the one that AUTHKIT_EXAMPLE_DIR names. The exit status
// is 0 for success, 1 for failure, 2 for a wrong command line and 130 after Ctrl-C.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/authkit-go/authkit/workos"
)

const (
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130 // as shells have it: 128 and the number of SIGINT
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program whatever it is doing

	t := &tool{
		stdout:   os.Stdout,
		stderr:   os.Stderr,
		terminal: isTerminal(os.Stdout),
		clock:    systemClock{},
		getenv:   os.Getenv,
	}
	return t.run(ctx, os.Args[1:])
}

// tool is the program and the world that it runs in.
type tool struct {
	stdout, stderr io.Writer
	terminal       bool // stdout is one
	clock          workos.Clock
	getenv         func(string) string
	store          store
}

// run runs a command line and returns the exit status.
func (t *tool) run(ctx context.Context, args []string) int {
	commands := map[string]func(context.Context) error{"login": t.login, "whoami": t.whoami, "logout": t.logout}
	if len(args) != 1 || commands[args[0]] == nil {
		fmt.Fprintln(t.stderr, "usage: cli login | whoami | logout")
		return exitUsage
	}
	err := t.openStore()
	if err == nil {
		err = commands[args[0]](ctx)
	}
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil: // whatever came of it
		t.warn("%s: interrupted", args[0])
		return exitInterrupted
	default:
		t.warn("%s: %v", args[0], err)
		return exitFailure
	}
}

// openStore finds the directory of the tokens.
func (t *tool) openStore() error {
	dir := t.variable("AUTHKIT_EXAMPLE_DIR")
	if dir == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return err
		}
		dir = filepath.Join(config, "authkit-example")
	}
	t.store = store{dir: dir, clock: t.clock}
	return nil
}

// variable reads an environment variable; an empty one is an absent one.
func (t *tool) variable(name string) string { return strings.TrimSpace(t.getenv(name)) }

// say prints a line of the answer.
func (t *tool) say(format string, args ...any) {
	fmt.Fprintln(t.stdout, printable(fmt.Sprintf(format, args...)))
}

// warn prints a line beside the answer.
func (t *tool) warn(format string, args ...any) {
	fmt.Fprintln(t.stderr, printable(fmt.Sprintf(format, args...)))
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) AfterFunc(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }
