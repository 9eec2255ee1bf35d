// Memory: what a process keeps of each session that it has served.

package contender

import (
	"net/http"
	"runtime"
	"strings"
	"testing"
)

// PerSession is what a measurement of memory reports: the growth of the heap, divided by the sessions.
const PerSession = "B/session"

// Memory is the name of the benchmark in which the memory of a contender is measured.
func Memory(c Contender) string { return "memory/" + c.Name }

// Remembering are the contenders that keep something of a session in the process.
func Remembering() []Contender { return []Contender{authkitWith(cacheLarge), scsMemory()} }

func (s *Stage) memories() []Benchmark {
	var all []Benchmark
	for _, c := range Remembering() {
		all = append(all, Benchmark{Memory(c), func(b *testing.B) { s.memory(b, c) }})
	}
	return all
}

// memory serves different sessions, once each, with a contender that has seen none before. Neither the cookies nor the
// requests are kept by the benchmark, so that what grows is what the contender keeps.
func (s *Stage) memory(b *testing.B, c Contender) {
	sessions := min(memorySessions, s.people.size)
	var grown, served int64
	for b.Loop() {
		ready, err := c.setUp(s.ctx, s.authority)
		if err != nil {
			b.Fatal(err)
		}
		credential, err := s.visitors(c, ready)
		if err != nil {
			b.Fatal(err)
		}
		handler := ready.wrap(http.HandlerFunc(answer))
		before := heap()
		for i := range sessions {
			cookie, err := credential(i)
			if err != nil {
				b.Fatal(err)
			}
			if status := newExchange(ready.header).serve(handler, cookie); status != http.StatusOK {
				b.Fatal(refused(status))
			}
		}
		grown += heap() - before
		served += int64(sessions)
		runtime.KeepAlive(handler)
	}
	b.ReportMetric(max(0, float64(grown)/float64(served)), PerSession)
}

// visitors returns what makes everybody's credential: a copy of the population's, or, where a session is in the
// process from the sign-in on, that sign-in.
func (s *Stage) visitors(c Contender, ready *setup) (func(i int) (string, error), error) {
	if c.Name != AuthKit {
		return func(i int) (string, error) { return ready.issue(s.people.session(i)) }, s.people.sign()
	}
	credentials, err := s.people.issue(kind(c, ready), ready.issue)
	return func(i int) (string, error) { return strings.Clone(credentials[i]), nil }, err
}

// heap is the size of what is in use on the heap, in bytes.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what a finalizer or a pool held on to in the first
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
