// The command line.

// Command frontdoor measures "authkit proxy" beside oauth2-proxy, in front of the same application, with the session in a cookie and with
// Redis. It builds both programs, writes docs/proxy-performance.md, and prints it.
//
//	cd bench && go run ./frontdoor
//
// It needs Linux, redis-server, Go 1.26 and a network, unless the go command has the modules already.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/authkit-go/authkit/bench/server"
)

func main() {
	if err := dispatch(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// dispatch runs the command, or one of the processes that the command starts.
func dispatch() error {
	if len(os.Args) == 2 {
		switch os.Args[1] {
		case server.ServeProcess:
			return server.Serve(os.Stdin, os.Stdout)
		case server.GenerateProcess:
			return server.Generate(os.Stdin, os.Stdout)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s, err := settings{
		rounds: 3, measure: 2 * time.Second, sessions: server.Sessions, idle: 1000, gogc: 50, out: filepath.Join("..", "docs", pageFile),
	}.parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	return run(ctx, s)
}

// settings are the command-line options.
type settings struct {
	rounds   int
	measure  time.Duration // of each load in a round, through each proxy
	sessions int           // of users who are signed in through each proxy
	idle     int           // connections
	gogc     int           // of a further authkit proxy beside each oauth2-proxy; 0 for none
	out      string        // the file of the page
	// The programs; "" to build them.
	authkit, oauth2Proxy string
}

// parse reads the command line.
func (s settings) parse(arguments []string) (settings, error) {
	flags := flag.NewFlagSet("frontdoor", flag.ContinueOnError)
	flags.IntVar(&s.rounds, "rounds", s.rounds, "number of rounds; each round measures everything once")
	flags.DurationVar(&s.measure, "load", s.measure, "duration of each load in a round, through each proxy")
	flags.IntVar(&s.sessions, "sessions", s.sessions, "number of sessions through each proxy")
	flags.IntVar(&s.idle, "idle", s.idle, "number of idle connections for the measurement of memory")
	flags.IntVar(&s.gogc, "gogc", s.gogc, "GOGC of a further authkit proxy, or 0 for none")
	flags.StringVar(&s.out, "out", s.out, "the file of the page")
	flags.StringVar(&s.authkit, "authkit", s.authkit, "a built authkit, in place of building it")
	flags.StringVar(&s.oauth2Proxy, "oauth2-proxy", s.oauth2Proxy, "a built oauth2-proxy "+server.ProxyVersion+", in place of building it")
	if err := flags.Parse(arguments); err != nil {
		return s, err
	}
	if s.rounds < 1 || s.sessions < 1 || s.idle < 1 || s.measure <= 0 || s.gogc < 0 {
		return s, errors.New("-rounds, -load, -sessions and -idle must be more than 0, and -gogc not less")
	}
	return s, nil
}

func run(ctx context.Context, s settings) (err error) {
	unsetForeign()
	folder, err := os.MkdirTemp("", "frontdoor")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	programs := programs{authkit: s.authkit, oauth2Proxy: s.oauth2Proxy}
	if programs.authkit == "" {
		if programs.authkit, err = buildAuthkit(ctx, filepath.Join("..", "cmd", "authkit"), folder); err != nil {
			return err
		}
	}
	if programs.oauth2Proxy == "" {
		if programs.oauth2Proxy, err = server.BuildProxy(ctx, folder); err != nil {
			return err
		}
	}
	if programs.redis, err = exec.LookPath("redis-server"); err != nil {
		return fmt.Errorf("find redis-server, which two of the proxies need: %w", err)
	}
	own, err := os.Executable()
	if err != nil {
		return err
	}
	processes := func(ctx context.Context, name string) *exec.Cmd { return exec.CommandContext(ctx, own, name) }
	results, err := measure(ctx, s, processes, programs, folder)
	if err != nil {
		return err
	}
	text, err := newPage(s, results).render()
	if err != nil {
		return err
	}
	if _, err := os.Stdout.Write(text); err != nil {
		return err
	}
	return os.WriteFile(s.out, text, 0o644)
}

// unsetForeign unsets the variables that would change the settings of the programs.
func unsetForeign() {
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		switch {
		case name == "GOGC", name == "GOMEMLIMIT", name == "GODEBUG", strings.HasPrefix(name, "WORKOS_"), strings.HasPrefix(name, "OAUTH2_PROXY_"):
			_ = os.Unsetenv(name) // it fails for an invalid name only
		}
	}
}
