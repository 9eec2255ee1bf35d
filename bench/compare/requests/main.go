//go:build linux

// Command requests sends requests to the middleware and measures them. Command compare builds it for two commits and
// starts it. It reads one [order.Order] after the other from its standard input, and writes an [order.Result] for each.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/authkit-go/authkit/bench/compare/order"
	"github.com/authkit-go/authkit/bench/contender"
)

func main() {
	debug.SetGCPercent(-1) // collections run between bursts only
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(in io.Reader, out io.Writer) error {
	stage, err := contender.NewStage(1)
	if err != nil {
		return err
	}
	defer stage.Close()
	clients := map[string]func() func(int) error{}
	orders, results := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var o order.Order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if clients[o.Subject] == nil {
			if clients[o.Subject], err = stage.Sender(o.Subject); err != nil {
				return err
			}
		}
		r, err := measure(o, clients[o.Subject])
		if err != nil {
			return err
		}
		if err := results.Encode(r); err != nil {
			return err
		}
	}
}

// measure sends the requests of an order.
func measure(o order.Order, newClient func() func(int) error) (r order.Result, err error) {
	runtime.GOMAXPROCS(o.Processors)
	runtime.GC()
	if r.Allocations, r.Bytes, err = countAllocations(newClient()); err != nil {
		return r, err
	}
	bursts, err := sendBursts(o, newClient)
	if err != nil {
		return r, err
	}
	r.Nanoseconds = undisturbed(bursts, o.Requests)
	r.Mean = float64(total(bursts)) / float64(o.Requests*o.Bursts*o.Processors)
	return r, nil
}

// countAllocations returns the allocations of one request, without those of the client.
func countAllocations(send func(int) error) (allocations, bytes float64, err error) {
	const requests = 100
	if err := send(1); err != nil { // fills caches
		return 0, 0, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err = send(requests)
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / requests, float64(after.TotalAlloc-before.TotalAlloc) / requests, err
}
