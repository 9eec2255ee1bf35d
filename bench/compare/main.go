// Command compare measures what a change costs: the CPU time and the allocations of a request, before and after it. It
// sends the same requests through the middleware of two checkouts of this repository, in turns.
//
//	cd bench && go run ./compare [-rounds N] [-burst D] BEFORE [AFTER]
//
// BEFORE and AFTER are commits, or folders of checkouts. AFTER is this checkout by default. Both are built with the
// benchmark code of this checkout. With the same commit twice, the result shows what the machine adds by chance.
//
// Each round starts a process of each side. For each kind of request, the two processes work in turns, in the order before,
// after, after, before, and the next round begins with the other side. In a turn, a process sends bursts of requests that are
// shorter than a millisecond, on one thread, and then on two threads that are pinned to two processors and send at the same
// time. Only bursts count that no other program has disturbed: each thread had its processor all the time. So the command
// also works on a busy machine, where it takes longer. No garbage collection runs during a burst. It needs Linux.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/authkit-go/authkit/bench/compare/order"
	"github.com/authkit-go/authkit/bench/contender"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// subjects are the names of the kinds of requests.
var subjects = []string{contender.Anonymous, contender.Warm, contender.Uncached}

// settings are the command-line options.
type settings struct {
	rounds int
	burst  time.Duration
	only   string    // the subject, "" for all
	sides  [2]string // before and after
}

func parse(arguments []string) (settings, error) {
	s := settings{}
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	flags.IntVar(&s.rounds, "rounds", 24, "number of rounds")
	flags.DurationVar(&s.burst, "burst", 200*time.Microsecond, "about how long a burst is")
	flags.StringVar(&s.only, "only", "", "compare only the requests with this name")
	if err := flags.Parse(arguments); err != nil {
		return s, err
	}
	s.sides = [2]string{flags.Arg(0), ".."}
	if flags.NArg() == 2 {
		s.sides[1] = flags.Arg(1)
	}
	switch {
	case flags.NArg() < 1 || flags.NArg() > 2:
		return s, errors.New("give a commit or a folder to compare with, and a second one to compare that with, instead of this checkout")
	case s.only != "" && !slices.Contains(subjects, s.only):
		return s, fmt.Errorf("-only must be one of %s", strings.Join(subjects, ", "))
	case s.rounds < 1 || s.burst <= 0:
		return s, errors.New("-rounds must be at least 1, and -burst more than 0")
	}
	return s, nil
}

// kinds are the kinds of requests that are compared.
func (s settings) kinds() (all []order.Order) {
	for processors := range min(runtime.NumCPU(), 2) {
		for _, subject := range subjects {
			if s.only == "" || s.only == subject {
				all = append(all, order.Order{Subject: subject, Processors: processors + 1})
			}
		}
	}
	return all
}

func run(ctx context.Context, arguments []string, out io.Writer) (err error) {
	s, err := parse(arguments)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "compare")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	var programs [2]string
	for i, side := range s.sides {
		checkout, remove, err := checkOut(ctx, side, fmt.Sprintf("%s/checkout%d", folder, i))
		if err != nil {
			return err
		}
		programs[i], err = build(ctx, checkout, fmt.Sprintf("%s/requests%d", folder, i))
		if err := errors.Join(err, remove()); err != nil {
			return err
		}
	}
	var all []comparison
	for _, kind := range s.kinds() {
		all = append(all, comparison{kind: kind})
	}
	for number := range s.rounds {
		if err := addRound(ctx, programs, number, s.burst, all); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "round %d of %d\n", number+1, s.rounds)
	}
	return write(out, all)
}
