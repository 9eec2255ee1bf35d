// Memory: the heap that a process uses for each session that it has served.

package contender

import (
	"net/http"
	"runtime"
	"strings"
	"testing"
)

// PerSession is the metric of a memory benchmark: the growth of the heap, divided by the sessions.
const PerSession = "B/session"

// Memory returns the name of the memory benchmark of a contender.
func Memory(c Contender) string { return "memory/" + c.Name }

// Remembering returns the contenders that keep sessions in memory.
func Remembering() []Contender {
	return []Contender{
		authkitWith(cacheLarge), byHandWithLRU(memorySessions), scsMemory(),
	}
}

func (s *Stage) memories() []Benchmark {
	var all []Benchmark
	for _, c := range Remembering() {
		all = append(all, Benchmark{Memory(c), func(b *testing.B) { s.memory(b, c) }})
	}
	return all
}

// memory sets up a contender and serves each of many sessions once. The benchmark keeps neither cookies nor requests, so
// only the contender makes the heap grow.
func (s *Stage) memory(b *testing.B, c Contender) {
	sessions := min(memorySessions, s.population.size)
	var grown, served int64
	for b.Loop() {
		ready, err := c.setUp(s.ctx, s.authority)
		if err != nil {
			b.Fatal(err)
		}
		credential, err := s.credentials(c, ready)
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

// credentials returns a function that returns the credential of the i-th session. For authkit this is a copy of the
// population's. For a contender that stores sessions in the process, the function signs in.
func (s *Stage) credentials(c Contender, ready *setup) (func(i int) (string, error), error) {
	if c.Name != AuthKit {
		return func(i int) (string, error) { return ready.issue(s.population.session(i)) }, s.population.sign()
	}
	credentials, err := s.population.issue(kind(c, ready), ready.issue)
	return func(i int) (string, error) { return strings.Clone(credentials[i]), nil }, err
}

// heap returns the size of the live heap, in bytes.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // frees what finalizers and pools still held during the first run
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
