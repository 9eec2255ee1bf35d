// The measurements: rounds of loads, and the memory of the proxies.

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/authkit-go/authkit/bench/server"
)

// results are the measurements of a run.
type results struct {
	doors                 []door
	rounds                []map[server.FrontLoad]server.Turns
	memory                []memory // of each door
	redis                 string   // the version; "" without Redis
	loadBefore, loadAfter string   // of the machine
	took                  time.Duration
}

// memory is the resident memory of a proxy, in bytes.
type memory struct {
	signedIn float64
	rounds   []float64 // after the loads of each round
	most     float64   // during the loads
	idle     float64   // with idle connections
}

// measure starts everything, measures, and stops everything.
func measure(ctx context.Context, s settings, processes server.Processes, p programs, folder string) (r *results, err error) {
	began := time.Now()
	stage, err := newStage(ctx, s, processes, p, folder)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stage.close()) }()
	r = &results{doors: stage.doors, memory: make([]memory, len(stage.doors)), loadBefore: loadAverage()}
	if p.redis != "" {
		version, err := exec.CommandContext(ctx, p.redis, "--version").Output()
		if err != nil {
			return nil, fmt.Errorf("ask redis-server for its version: %w", err)
		}
		r.redis = versionIn(string(version))
	}
	if err := r.eachMemory(func(m *memory, now, _ float64) { m.signedIn = now }); err != nil {
		return nil, err
	}
	for number := range s.rounds {
		round := map[server.FrontLoad]server.Turns{}
		for _, l := range server.FrontLoads() {
			fmt.Fprintf(os.Stderr, "round %d of %d: %s\n", number+1, s.rounds, title(l))
			if round[l], err = stage.front.Compare(ctx, l, s.measure); err != nil {
				return nil, err
			}
		}
		r.rounds = append(r.rounds, round)
		if err := r.eachMemory(func(m *memory, now, most float64) { m.rounds, m.most = append(m.rounds, now), most }); err != nil {
			return nil, err
		}
	}
	for _, d := range r.doors {
		release, err := d.Hold(s.idle)
		if err != nil {
			return nil, fmt.Errorf("hold connections to %s with %s: %w", d.Name, d.Session, err)
		}
		defer release()
	}
	err = r.eachMemory(func(m *memory, now, _ float64) { m.idle = now })
	r.loadAfter, r.took = loadAverage(), time.Since(began)
	return r, err
}

// eachMemory reads the memory of all proxies: what is in use now, and the most that was in use.
func (r *results) eachMemory(record func(m *memory, now, most float64)) error {
	for i, d := range r.doors {
		now, most, err := d.ResidentMemory()
		if err != nil {
			return err
		}
		record(&r.memory[i], now, most)
	}
	return nil
}

// loadAverage returns the load of the machine in the last minute.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

// versionIn returns the version in what redis-server prints: "Redis server v=7.0.15 sha=…".
func versionIn(text string) string {
	_, rest, _ := strings.Cut(text, "v=")
	version, _, _ := strings.Cut(rest, " ")
	return version
}
