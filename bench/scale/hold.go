//go:build linux

// Sessions that an authkit holds: their memory, and what requests and garbage collections cost with them.

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/bench/contender"
)

const (
	// samples is how many of the sessions send warm requests.
	samples = 1000
	// longestCookie is the length of the longest Cookie header of a sample.
	longestCookie = 4096
	// roomPerSession is what the option of the cache allows for each session. It is more than a session takes.
	roomPerSession = 16 << 10
)

// held is what the sessions cost.
type held struct {
	Sessions int
	// Bytes and Objects are the growth of the live heap for each session, and Counted is what the cache says.
	Bytes, Counted, Objects float64
	Empty, Full             collection // without and with the sessions
	GCShare                 float64    // of the CPU time while warm requests are served
	Warm, New               pair
}

// pair is the same work on one goroutine and on many.
type pair struct{ One, Many cost }

// hold lets the middleware serve one request of each session, and measures what it holds then.
func hold(o order) (held, error) {
	debug.SetMemoryLimit(int64(max(1<<30, o.Sessions*peakPerSession))) // other programs need the rest
	stage, err := contender.NewStage(0)
	if err != nil {
		return held{}, err
	}
	defer stage.Close()
	crowd, err := stage.Crowd(authkit.WithSessionCache(o.Sessions, o.Sessions*roomPerSession))
	if err != nil {
		return held{}, err
	}
	kept := newSample(min(samples, o.Sessions))
	if err := fill(stage, crowd, kept, 0, 1); err != nil { // the keys are fetched
		return held{}, err
	}
	r := held{Sessions: o.Sessions}
	r.Empty = collect(o.Collections)
	before := liveHeap()
	if err := fill(stage, crowd, kept, 1, o.Sessions); err != nil {
		return held{}, err
	}
	after := liveHeap()
	r.Full = collect(o.Collections)
	cache := crowd.Stats().Cache
	if cache.Entries != o.Sessions || cache.Evictions != 0 {
		return held{}, fmt.Errorf("the cache holds %d of %d sessions, and %d were evicted", cache.Entries, o.Sessions, cache.Evictions)
	}
	served := float64(o.Sessions - 1)
	r.Bytes, r.Objects = float64(after.HeapAlloc-before.HeapAlloc)/served, float64(after.HeapObjects-before.HeapObjects)/served
	r.Counted = float64(cache.Bytes) / float64(cache.Entries)
	if err := r.serveWarm(o, crowd, kept.cookies()); err != nil {
		return held{}, err
	}
	return r, r.serveNew(o, stage, crowd)
}

// serveWarm sends requests of sessions that the cache holds.
func (r *held) serveWarm(o order, crowd *contender.Crowd, cookies []string) (err error) {
	missed := crowd.Stats().Cache.Misses
	client := func() func(int) error {
		send := crowd.Client()
		return func(i int) error { return send(cookies[i%len(cookies)]) }
	}
	if r.Warm.One, err = work(1, o.Warm, client); err != nil {
		return err
	}
	if r.Warm.Many, err = work(o.Goroutines, o.Warm, client); err != nil {
		return err
	}
	if r.GCShare, err = shareOfCollections(o.Cycles, client); err != nil {
		return err
	}
	if missed = crowd.Stats().Cache.Misses - missed; missed > 0 {
		return fmt.Errorf("%d warm requests were not found in the cache", missed)
	}
	return nil
}

// serveNew sends requests of new sessions to the full cache: each one evicts another.
func (r *held) serveNew(o order, stage *contender.Stage, crowd *contender.Crowd) (err error) {
	signIn := stage.SignIns()
	cookies := make([]string, 2*o.New)
	if err := onAllProcessors(0, len(cookies), func(i int) (err error) {
		cookies[i], err = signIn(o.Sessions + i)
		return err
	}); err != nil {
		return err
	}
	client := func(cookies []string) func() func(int) error {
		return func() func(int) error {
			send := crowd.Client()
			return func(i int) error { return send(cookies[i]) }
		}
	}
	if r.New.One, err = work(1, o.New, client(cookies[:o.New])); err != nil {
		return err
	}
	if r.New.Many, err = work(o.Goroutines, o.New, client(cookies[o.New:])); err != nil {
		return err
	}
	if evicted := crowd.Stats().Cache.Evictions; evicted != uint64(len(cookies)) {
		return fmt.Errorf("%d new sessions have evicted %d", len(cookies), evicted)
	}
	return nil
}

// fill signs users in and sends one request of each session, on all processors. The authkit of the sign-ins is garbage afterwards.
func fill(stage *contender.Stage, crowd *contender.Crowd, kept *sample, from, to int) error {
	signIn := stage.SignIns()
	clients := make(chan func(string) error, runtime.GOMAXPROCS(0))
	for range cap(clients) {
		clients <- crowd.Client()
	}
	return onAllProcessors(from, to, func(i int) error {
		cookie, err := signIn(i)
		if err != nil {
			return err
		}
		if i < kept.size {
			if err := kept.keep(i, cookie); err != nil {
				return err
			}
		}
		send := <-clients
		defer func() { clients <- send }()
		return send(cookie)
	})
}

// onAllProcessors calls a function for each number.
func onAllProcessors(from, to int, each func(i int) error) error {
	var group errgroup.Group
	var next atomic.Int64
	next.Store(int64(from))
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			for i := int(next.Add(1)) - 1; i < to; i = int(next.Add(1)) - 1 {
				if err := each(i); err != nil {
					return fmt.Errorf("session %d: %w", i, err)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// sample keeps the Cookie headers of the first sessions, in memory that is allocated before the measurement.
type sample struct {
	size    int
	memory  []byte
	lengths []int
}

func newSample(size int) *sample {
	return &sample{size, make([]byte, size*longestCookie), make([]int, size)}
}

func (s *sample) keep(i int, cookie string) error {
	if len(cookie) > longestCookie {
		return fmt.Errorf("the Cookie header has %d bytes", len(cookie))
	}
	s.lengths[i] = copy(s.memory[i*longestCookie:], cookie)
	return nil
}

func (s *sample) cookies() []string {
	all := make([]string, s.size)
	for i, length := range s.lengths {
		all[i] = string(s.memory[i*longestCookie:][:length])
	}
	return all
}
