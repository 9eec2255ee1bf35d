//go:build linux

// The report: Markdown tables.

package main

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// report is all that the command has measured.
type report struct {
	Began                 time.Time
	LoadBefore, LoadAfter string
	Reduced               [][2]int // numbers of sessions that did not fit into the memory, and what was measured instead
	Held                  []held
	Puts                  []puts
	Rates                 []rates
}

func (r report) write(w io.Writer) error {
	var text strings.Builder
	r.memory(&text)
	r.collections(&text)
	r.hitRates(&text)
	r.requests(&text)
	r.cache(&text)
	for _, n := range r.Reduced {
		fmt.Fprintf(&text, "%s sessions did not fit into the free memory, so %s were measured.\n", thousands(n[0]), thousands(n[1]))
	}
	fmt.Fprintf(&text, "Measured on %s, on %d processors with %s. The load was %s before the run and %s after it.\n",
		r.Began.UTC().Format(time.DateOnly), runtime.GOMAXPROCS(0), runtime.Version(), r.LoadBefore, r.LoadAfter)
	_, err := io.WriteString(w, text.String())
	return err
}

func (r report) memory(w io.Writer) {
	head(w, "sessions", "heap per session", "as the cache counts it", "objects per session", "heap of all")
	for _, h := range r.Held {
		row(w, thousands(h.Sessions), thousands(int(h.Bytes))+" B", thousands(int(h.Counted))+" B",
			strconv.FormatFloat(h.Objects, 'f', 1, 64), thousands(int(h.Bytes*float64(h.Sessions))>>20)+" MB")
	}
	end(w)
}

func (r report) collections(w io.Writer) {
	head(w, "sessions", "one collection: time", "CPU time", "longest pause, median", "longest pause of all", "share of the CPU time of warm requests")
	for _, h := range r.Held {
		for _, c := range []struct {
			title, share string
			collection
		}{
			{"none, cache for " + thousands(h.Sessions), "–", h.Empty},
			{thousands(h.Sessions), percent(h.GCShare), h.Full},
		} {
			row(w, c.title, duration(c.Time), duration(c.CPU), duration(c.Pause), duration(c.Longest), c.share)
		}
	}
	end(w)
}

func (r report) hitRates(w io.Writer) {
	head(w, "sessions", "cache for", "requests", "authkit", "LRU", "the most popular", "hot set: authkit", "LRU", "the most popular")
	for _, one := range r.Rates {
		row(w, thousands(one.Population), thousands(one.Capacity), one.Traffic, one.Ours.all(), one.LRU.all(), one.Best.all(),
			one.Ours.hot(), one.LRU.hot(), one.Best.hot())
	}
	end(w)
}

func (r rate) all() string { return share(r.Hits, r.Requests) }
func (r rate) hot() string { return share(r.HotHits, r.HotRequests) }

func share(part, of int) string {
	if of == 0 {
		return "–"
	}
	return percent(float64(part) / float64(of))
}

func (r report) requests(w io.Writer) {
	head(w, "sessions in the cache", "request", "1 goroutine: time", "CPU time", "256 goroutines: time", "CPU time", "waiting for mutexes")
	for _, h := range r.Held {
		pairRow(w, thousands(h.Sessions), "a warm session", h.Warm)
		pairRow(w, thousands(h.Sessions), "a new session, evicts one", h.New)
	}
	end(w)
}

func (r report) cache(w io.Writer) {
	head(w, "sessions in the cache", "the cache alone", "1 goroutine: time", "CPU time", "256 goroutines: time", "CPU time", "waiting for mutexes")
	for _, p := range r.Puts {
		pairRow(w, thousands(p.Sessions), "get", p.Get)
		pairRow(w, thousands(p.Sessions), "put, evicts one", p.Put)
		row(w, thousands(p.Sessions), "put, all others are in use", duration(p.First), "–", "–", "–", "–")
	}
	end(w)
}

func pairRow(w io.Writer, sessions, what string, p pair) {
	row(w, sessions, what, duration(p.One.Time), duration(p.One.CPU), duration(p.Many.Time), duration(p.Many.CPU), duration(p.Many.Wait))
}

// head writes the first row of a table. All columns but those of words are aligned to the right.
func head(w io.Writer, titles ...string) {
	row(w, titles...)
	io.WriteString(w, "|")
	for _, title := range titles {
		if title == "request" || title == "requests" || title == "the cache alone" {
			io.WriteString(w, "---|")
		} else {
			io.WriteString(w, "--:|")
		}
	}
	end(w)
}

func row(w io.Writer, cells ...string) { fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")) }

func end(w io.Writer) { io.WriteString(w, "\n") }

func percent(share float64) string { return strconv.FormatFloat(100*share, 'f', 1, 64) + " %" }

// duration formats a time with three digits.
func duration(d time.Duration) string {
	units := []struct {
		name string
		size time.Duration
	}{{"s", time.Second}, {"ms", time.Millisecond}, {"µs", time.Microsecond}}
	for _, unit := range units {
		if d >= unit.size {
			v := float64(d) / float64(unit.size)
			return strconv.FormatFloat(v, 'f', max(0, 2-int(math.Log10(v))), 64) + " " + unit.name
		}
	}
	return strconv.Itoa(int(d)) + " ns"
}

// thousands formats a number with a space between groups of three digits, if it has more than four.
func thousands(n int) string {
	text := strconv.Itoa(n)
	if len(text) <= 4 {
		return text
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + " " + text[i:]
	}
	return text
}
