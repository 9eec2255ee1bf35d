// The page docs/proxy-performance.md.

package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/authkit-go/authkit/bench/server"
)

// pageFile is the name of the page.
const pageFile = "proxy-performance.md"

//go:embed proxy-performance.md.tmpl
var pageTemplate string

// page is the data of the template.
type page struct {
	Ratios []ratioLine
	Lines  []line
	Memory []memoryLine

	CookieSizes                     []string
	Rounds, Sessions, Idle, GOGC    int
	Load, Took                      time.Duration
	CPU, System, Go, Date           string
	Processors                      int
	OAuth2Proxy, OAuth2ProxyVersion string
	Redis                           string
	LoadBefore, LoadAfter           string
}

// ratioLine has the values of oauth2-proxy divided by those of authkit proxy.
type ratioLine struct{ Load, Session, Beside, CPU, All, Throughput, P99 string }

// line has the values of one proxy under one load.
type line struct{ Load, Session, Name, Throughput, CPU, Application, Store, P50, P99 string }

type memoryLine struct{ Session, Name, SignedIn, Most, AfterLoads, Idle string }

// title returns a description of a load.
func title(l server.FrontLoad) string {
	what := "page with a session"
	if l.Anonymous {
		what = "redirect without a session"
	}
	return fmt.Sprintf("%s, %d connections", what, l.Concurrency)
}

func newPage(s settings, r *results) *page {
	p := &page{
		Rounds: s.rounds, Sessions: s.sessions, Idle: s.idle, GOGC: s.gogc, Load: s.measure, Took: r.took.Round(time.Second),
		CPU: field("/proc/cpuinfo", "model name", ":", runtime.GOARCH), Processors: runtime.NumCPU(),
		System: field("/etc/os-release", "PRETTY_NAME", "=", runtime.GOOS), Go: runtime.Version(), Date: time.Now().UTC().Format(time.DateOnly),
		OAuth2Proxy: server.ProxyModule, OAuth2ProxyVersion: server.ProxyVersion, Redis: r.redis,
		LoadBefore: r.loadBefore, LoadAfter: r.loadAfter,
	}
	for i, d := range r.doors {
		m := r.memory[i]
		p.Memory = append(p.Memory, memoryLine{
			d.Session, d.Name, megabytes(m.signedIn), megabytes(m.most), megabytes(median(m.rounds)), megabytes(m.idle),
		})
		if d.Name == ours || d.Name == theirs {
			p.CookieSizes = append(p.CookieSizes, fmt.Sprintf("%d bytes for %s (%s)", d.CookieSize(), d.Name, d.Session))
		}
	}
	for _, l := range server.FrontLoads() {
		for i, d := range r.doors {
			p.addLine(r, l, i)
			if j := slices.IndexFunc(r.doors, func(other door) bool { return other.Session == d.Session && other.Name == theirs }); j >= 0 && i != j {
				p.addRatio(r, l, j, i)
			}
		}
	}
	return p
}

// addLine adds the values of a proxy: the medians of the rounds.
func (p *page) addLine(r *results, l server.FrontLoad, i int) {
	of := func(value func(server.Result) float64) float64 {
		return median(r.values(func(round map[server.FrontLoad]server.Turns) float64 { return value(round[l].Sum(i)) }))
	}
	per := func(time func(server.Result) time.Duration) string {
		return duration(of(func(one server.Result) float64 { return float64(time(one)) / float64(one.Requests) }))
	}
	one := line{
		Load: title(l), Session: r.doors[i].Session, Name: r.doors[i].Name,
		Throughput:  strconv.Itoa(int(of(server.Result.Throughput))),
		CPU:         duration(of(server.Result.CPUPerRequest)),
		Application: per(func(one server.Result) time.Duration { return one.Application }),
		Store:       "–",
		P50:         duration(of(func(one server.Result) float64 { return float64(one.P50) })),
		P99:         duration(of(func(one server.Result) float64 { return float64(one.P99) })),
	}
	if r.doors[i].Session == withRedis {
		one.Store = per(func(one server.Result) time.Duration { return one.Store })
	}
	p.Lines = append(p.Lines, one)
}

// addRatio adds the values of a proxy divided by those of another one: the medians of the rounds, with the smallest and the largest.
func (p *page) addRatio(r *results, l server.FrontLoad, i, other int) {
	of := func(value func(server.Result) float64) string {
		return r.ranged(func(round map[server.FrontLoad]server.Turns) float64 { return round[l].Ratio(i, other, value) })
	}
	p.Ratios = append(p.Ratios, ratioLine{
		Load: title(l), Session: r.doors[other].Session, Beside: r.doors[other].Name,
		CPU: of(server.Result.CPUPerRequest),
		All: of(func(one server.Result) float64 {
			return float64(one.CPU+one.Application+one.Store) / float64(one.Requests)
		}),
		Throughput: of(server.Result.Throughput),
		P99: r.ranged(func(round map[server.FrontLoad]server.Turns) float64 {
			return float64(round[l].Sum(i).P99) / float64(round[l].Sum(other).P99)
		}),
	})
}

// values returns a value of each round.
func (r *results) values(value func(map[server.FrontLoad]server.Turns) float64) []float64 {
	var all []float64
	for _, round := range r.rounds {
		all = append(all, value(round))
	}
	return all
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// ranged formats the median of a ratio, with its range.
func (r *results) ranged(value func(map[server.FrontLoad]server.Turns) float64) string {
	all := r.values(value)
	return fmt.Sprintf("%.2fx (%.2f – %.2f)", median(all), slices.Min(all), slices.Max(all))
}

func (p *page) render() ([]byte, error) {
	parsed, err := template.New(pageFile).Parse(pageTemplate)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = parsed.Execute(&text, p)
	return text.Bytes(), err
}

// duration formats a number of nanoseconds.
func duration(nanoseconds float64) string {
	switch {
	case nanoseconds < 1e6:
		return strconv.FormatFloat(nanoseconds/1e3, 'f', 1, 64) + " µs"
	case nanoseconds < 1e9:
		return strconv.FormatFloat(nanoseconds/1e6, 'f', 2, 64) + " ms"
	}
	return strconv.FormatFloat(nanoseconds/1e9, 'f', 2, 64) + " s"
}

// megabytes formats a number of bytes.
func megabytes(bytes float64) string { return strconv.FormatFloat(bytes/(1<<20), 'f', 1, 64) + " MB" }

// field returns the value of the first line in a file with this name, or the fallback without one.
func field(file, name, separator, fallback string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return fallback
	}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, separator)
		if strings.TrimSpace(key) == name {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return fallback
}
