// Command cli is a command-line tool whose users sign in with AuthKit by the device flow (RFC 8628): the tool shows a
// code, and the user approves it in a browser, on this machine or on another.
//
//	go run ./examples/cli login
//	go run ./examples/cli whoami
//	go run ./examples/cli logout
//
// WORKOS_CLIENT_ID names the application. WORKOS_API_HOSTNAME, WORKOS_API_PORT and WORKOS_API_HTTPS give the address of
// the API; the default is https://api.workos.com. The tool has no API key: a program on its users' machines cannot keep
// a secret. Without WORKOS_CLIENT_ID, login starts a fake AuthKit, which ends with that command.
//
// The tokens are stored in the user's configuration directory, or in the directory that AUTHKIT_EXAMPLE_DIR names. The
// exit status is 0 for success, 1 for failure, 2 for a wrong command line and 130 after Ctrl-C.
//
// Start reading in login.go. The access token is refreshed in refresh.go, when whoami needs it.
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
	exitInterrupted = 130 // the convention of shells: 128 plus the number of SIGINT
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once

	t := &tool{
		stdout:   os.Stdout,
		stderr:   os.Stderr,
		terminal: isTerminal(os.Stdout),
		clock:    systemClock{},
		getenv:   os.Getenv,
	}
	return t.run(ctx, os.Args[1:])
}

// tool is the program with its environment, so that tests can replace the latter.
type tool struct {
	stdout, stderr io.Writer
	terminal       bool // stdout is a terminal
	clock          workos.Clock
	getenv         func(string) string
	store          store
}

// run executes a command line and returns the exit status.
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
	case ctx.Err() != nil: // err is a consequence of Ctrl-C
		t.warnf("%s: interrupted", args[0])
		return exitInterrupted
	default:
		t.warnf("%s: %v", args[0], err)
		return exitFailure
	}
}

// openStore sets the store, from the environment or the user's configuration directory.
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

// variable returns an environment variable without surrounding white space.
func (t *tool) variable(name string) string { return strings.TrimSpace(t.getenv(name)) }

// printf prints a line to stdout.
func (t *tool) printf(format string, args ...any) {
	fmt.Fprintln(t.stdout, printable(fmt.Sprintf(format, args...)))
}

// warnf prints a line to stderr.
func (t *tool) warnf(format string, args ...any) {
	fmt.Fprintln(t.stderr, printable(fmt.Sprintf(format, args...)))
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) AfterFunc(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }
