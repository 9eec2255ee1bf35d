// The list of all benchmarks, and the loops that measure a subject.

package contender

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
)

// Benchmark is one measurement, in Go's test harness.
type Benchmark struct {
	Name string
	F    func(*testing.B)
}

// Benchmarks returns all benchmarks. Each one is set up on its first run and reused on later runs.
func (s *Stage) Benchmarks() []Benchmark {
	var all []Benchmark
	for _, subject := range Subjects() {
		if subject.Name == Floor {
			all = append(all, Benchmark{subject.Serial(), s.floorSerial}, Benchmark{subject.Parallel(), s.floorParallel})
			continue
		}
		ready := sync.OnceValues(func() (*stream, error) {
			if subject.Name == Handler {
				return &stream{
					handler: http.HandlerFunc(answer),
					source:  func() func() string { return func() string { return "" } },
					check:   func() error { return nil },
				}, nil
			}
			return s.stream(subject.Contender, subject.Traffic)
		})
		all = append(all,
			Benchmark{subject.Serial(), func(b *testing.B) { measure(b, ready, (*stream).serial) }},
			Benchmark{subject.Parallel(), func(b *testing.B) { measure(b, ready, (*stream).parallel) }})
	}
	return slices.Concat(all, s.storms(), s.floods(), s.refusals(), s.memories())
}

// measure runs a loop, and checks before and after it that requests are answered correctly.
func measure(b *testing.B, ready func() (*stream, error), loop func(*stream, *testing.B)) {
	b.Helper()
	st, err := ready()
	if err != nil {
		b.Fatal(err)
	}
	if err := st.check(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	loop(st, b)
	if err := st.check(); err != nil {
		b.Fatal(err)
	}
}

func (st *stream) serial(b *testing.B) {
	e, next := newExchange(st.header), st.source()
	for b.Loop() {
		if status := e.serve(st.handler, next()); status != http.StatusOK {
			b.Fatal(refused(status))
		}
	}
}

func (st *stream) parallel(b *testing.B) {
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		e, next := newExchange(st.header), st.source()
		for pb.Next() {
			if status := e.serve(st.handler, next()); status != http.StatusOK {
				b.Error(refused(status))
				return
			}
		}
	})
	b.StopTimer()
}

func refused(status int) error { return fmt.Errorf("a valid request got status %d", status) }

func (s *Stage) floorSerial(b *testing.B) {
	f := s.newFloor(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := f.read(); err != nil {
			b.Fatal(err)
		}
	}
}

func (s *Stage) floorParallel(b *testing.B) {
	one := s.newFloor(b)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		f := *one
		f.opened = nil
		for pb.Next() {
			if err := f.read(); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func (s *Stage) newFloor(b *testing.B) *floor {
	b.Helper()
	one, err := s.authority.session(0)
	if err != nil {
		b.Fatal(err)
	}
	f, err := newFloor(one.token)
	if err != nil {
		b.Fatal(err)
	}
	return f
}
