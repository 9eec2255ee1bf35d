//go:build linux

// Command scale measures the session cache with many sessions: its memory, what it costs the garbage collector, how often a
// session is found, and what new sessions cost while many goroutines send them. It prints Markdown tables.
//
//	cd bench && go run ./scale [-sessions 10000,100000,1000000]
//
// Each number of sessions has processes of its own, so that no heap has remains of another one. A million sessions need 16 GB of
// free memory, because the heap grows to more than twice its live size before it is collected. If less is available, fewer sessions
// are measured, and the tables say how many. It needs Linux.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"time"
)

// The processes that the command starts.
const (
	holdProcess = "hold"
	putProcess  = "put"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := dispatch(ctx, os.Args[1:])
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

// dispatch runs the command, or one of the processes that it starts.
func dispatch(ctx context.Context, arguments []string) error {
	if len(arguments) == 1 {
		switch arguments[0] {
		case holdProcess:
			return answerOrder(os.Stdin, os.Stdout, hold)
		case putProcess:
			return answerOrder(os.Stdin, os.Stdout, put)
		}
	}
	populations, err := parse(arguments)
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	return run(ctx, program, populations, os.Stdout)
}

// order is what a process measures. It is JSON on its standard input, and the result is JSON on its standard output.
type order struct {
	Sessions    int
	Collections int // forced, for their duration
	Cycles      int // collections that warm requests cause
	Warm        int // requests of sessions in the cache
	New         int // requests of new sessions
	Goroutines  int
}

// orderFor returns the order for a number of sessions.
func orderFor(sessions int) order {
	return order{Sessions: sessions, Collections: 7, Cycles: 2, Warm: 400_000, New: 10_000, Goroutines: 256}
}

func answerOrder[Result any](in io.Reader, out io.Writer, measure func(order) (Result, error)) error {
	var o order
	if err := json.NewDecoder(in).Decode(&o); err != nil {
		return fmt.Errorf("read the order: %w", err)
	}
	r, err := measure(o)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(r)
}

// parse returns the numbers of sessions.
func parse(arguments []string) (populations []int, err error) {
	flags := flag.NewFlagSet("scale", flag.ContinueOnError)
	list := flags.String("sessions", "10000,100000,1000000", "numbers of sessions, with commas between them")
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	for text := range strings.SplitSeq(*list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1000 {
			return nil, fmt.Errorf("-sessions: %q is not a number of at least 1000", text)
		}
		populations = append(populations, n)
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	return populations, nil
}

func run(ctx context.Context, program string, populations []int, out io.Writer) error {
	r := report{Began: time.Now(), LoadBefore: load()}
	for _, wanted := range populations {
		sessions := fitting(wanted, availableMemory())
		if sessions < wanted {
			r.Reduced = append(r.Reduced, [2]int{wanted, sessions})
		}
		o := orderFor(sessions)
		held, err := start[held](ctx, program, holdProcess, o)
		if err != nil {
			return err
		}
		puts, err := start[puts](ctx, program, putProcess, o)
		if err != nil {
			return err
		}
		r.Held, r.Puts = append(r.Held, held), append(r.Puts, puts)
		fmt.Fprintf(os.Stderr, "%d sessions: memory and requests after %s\n", sessions, time.Since(r.Began).Round(time.Second))
	}
	for _, population := range populations {
		r.Rates = append(r.Rates, hitRates(population)...)
		fmt.Fprintf(os.Stderr, "%d sessions: hit rates after %s\n", population, time.Since(r.Began).Round(time.Second))
	}
	r.LoadAfter = load()
	return r.write(out)
}

// start runs a process and returns its result.
func start[Result any](ctx context.Context, program, name string, o order) (r Result, err error) {
	in, err := json.Marshal(o)
	if err != nil {
		return r, err
	}
	command := exec.CommandContext(ctx, program, name)
	command.Stdin, command.Stderr = bytes.NewReader(in), os.Stderr
	out, err := command.Output()
	if err != nil {
		return r, fmt.Errorf("the process %s with %d sessions: %w", name, o.Sessions, err)
	}
	return r, json.Unmarshal(out, &r)
}
