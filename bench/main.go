// Command bench measures what it costs to authenticate a request. It compares authkit with libraries that an application
// might use instead, with the same token and the same profile. It measures in rounds, writes docs/performance.md and
// docs/performance.svg, and prints every measurement in the format of benchstat.
//
//	cd bench && go run .
//
// It measures CPU time, so it needs a Unix. With -oauth2-proxy, it also builds oauth2-proxy and measures it, on Linux.
//
// The benchmarks also run with go test:
//
//	go test -run '^$' -bench . -count 7
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
	"testing"
	"time"

	"github.com/authkit-go/authkit/bench/contender"
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
		rounds: 7, benchtime: 250 * time.Millisecond, measure: 1200 * time.Millisecond, sessions: 100_000,
		out: filepath.Join("..", "docs"),
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
	rounds    int
	benchtime time.Duration // of each benchmark in a round
	measure   time.Duration // of each load of a server in a round
	sessions  int           // of different users
	proxy     bool          // measure oauth2-proxy too
	out       string        // the folder for the page and the plot
	force     bool          // to write the page after a disturbed run
}

// parse reads the command line.
func (s settings) parse(arguments []string) (settings, error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	quick := flags.Bool("quick", false, "make a short run to try the program; the results are not meaningful and go to the folder for temporary files")
	flags.IntVar(&s.rounds, "rounds", s.rounds, "number of rounds; each round measures everything once")
	flags.DurationVar(&s.benchtime, "benchtime", s.benchtime, "duration of each benchmark in a round")
	flags.DurationVar(&s.measure, "load", s.measure, "duration of each server load in a round, with authkit and without it")
	flags.IntVar(&s.sessions, "sessions", s.sessions, "number of sessions")
	flags.BoolVar(&s.proxy, "oauth2-proxy", s.proxy, "build "+server.ProxyModule+" and measure it too; needs a network and Linux")
	flags.StringVar(&s.out, "out", s.out, "the folder for performance.md and performance.svg")
	flags.BoolVar(&s.force, "force", s.force, "write the page even if other programs used more than "+shortest(percent(mostOthers))+" of the processors; the page says so")
	if err := flags.Parse(arguments); err != nil {
		return s, err
	}
	if *quick {
		given := map[string]bool{}
		flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
		for name, value := range map[string]string{"rounds": "2", "benchtime": "20ms", "load": "200ms", "sessions": "2000", "out": os.TempDir()} {
			if given[name] {
				continue
			}
			if err := flags.Set(name, value); err != nil {
				return s, err
			}
		}
	}
	if s.rounds < 1 || s.sessions < 1 {
		return s, errors.New("-rounds and -sessions must be at least 1")
	}
	return s, nil
}

func run(ctx context.Context, s settings) error {
	testing.Init() // registers -test.benchtime, which sets the duration of a benchmark
	began := time.Now()
	stage, err := contender.NewStage(s.sessions)
	if err != nil {
		return err
	}
	defer stage.Close()
	program, err := os.Executable()
	if err != nil {
		return err
	}
	trial, err := server.Start(ctx, func(ctx context.Context, name string) *exec.Cmd { return exec.CommandContext(ctx, program, name) })
	if err != nil {
		return err
	}
	var proxy *server.Proxy
	if s.proxy {
		if proxy, err = startProxy(ctx, trial); err != nil {
			return errors.Join(err, trial.Close())
		}
	}
	results, err := measure(ctx, s, stage, trial, proxy)
	if err := errors.Join(err, proxy.Close(), trial.Close()); err != nil {
		return err
	}
	if err := results.checkUndisturbed(); err != nil && !s.force {
		return err
	}
	sizes, err := stage.Sizes()
	if err != nil {
		return err
	}
	page, err := newPage(s, results, sizes, time.Since(began))
	if err != nil {
		return err
	}
	return page.write(s.out)
}
