// The page docs/performance.md, generated from the measurements.

package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/authkit-go/authkit/bench/contender"
)

//go:embed performance.md.tmpl
var pageTemplate string

// page is the data of the template.
type page struct {
	Machine    machine
	Modules    []dependency
	Date       string
	Rounds     int
	Benchtime  time.Duration
	Load       time.Duration
	Took       time.Duration
	Sessions   string
	Sizes      contender.Sizes
	Processors int
	Floor      string
	Conditions pageConditions

	AtMost     []limitLine
	Records    []record
	Differing  []differingLine
	One, Many  []subjectLine
	Storms     []stormLine
	StormBatch string
	Floods     []floodLine
	Refusals   []refusalLine
	Memory     []memoryLine
	Server     serverPart
	Checks     []checkLine
	Forgeries  []contender.Forgery

	plot []bar
}

// pageConditions are the conditions of the run.
type pageConditions struct {
	Measured, Undisturbed     bool
	Others, MostOthers, Limit string
	GOGC, MemoryLimit         string
	Rounds                    []conditionLine
}

type conditionLine struct {
	Number                                            int
	LoadBefore, LoadAfter, Others, Stolen, Live, Goal string
}

type limitLine struct{ What, Measured, Limit, Met string }

type subjectLine struct{ Title, Traffic, Time, Ratio, Range, Allocations, Bytes, Scaling string }

type stormLine struct{ Requests, Exchanges, Late, CPU, Bare string }

type floodLine struct{ Title, Time, Fetches string }

type refusalLine struct{ Title, Time, Ratio, Range, Allocations, Bytes string }

type memoryLine struct{ Title, Size string }

type checkLine struct {
	Title, What string
	Refuses     []string // yes or no, for each forgery
}

func newPage(s settings, rs results, sizes contender.Sizes, took time.Duration) (*page, error) {
	modules, err := dependencies()
	if err != nil {
		return nil, err
	}
	p := &page{
		Machine: thisMachine(), Modules: modules, Date: time.Now().UTC().Format(time.DateOnly),
		Rounds: s.rounds, Benchtime: s.benchtime, Load: s.measure, Took: took.Round(time.Second),
		Sessions: thousands(s.sessions), Sizes: sizes, Processors: runtime.GOMAXPROCS(0),
		Floor:     duration(rs.cpu(floorName).Median),
		Forgeries: contender.Forgeries, StormBatch: shortest(duration(nanoseconds(contender.Batch))),
	}
	p.addConditions(rs)
	p.addLimits(rs, sizes)
	p.addSubjects(rs)
	p.addStress(rs)
	p.Server = newServerPart(rs)
	for _, c := range contender.Contenders() {
		line := checkLine{Title: c.Title, What: c.What}
		for _, f := range contender.Forgeries {
			line.Refuses = append(line.Refuses, yes(slices.Contains(c.Refuses, f)))
		}
		p.Checks = append(p.Checks, line)
	}
	return p, nil
}

// addConditions adds the conditions of all rounds.
func (p *page) addConditions(rs results) {
	others := rs.others()
	p.Conditions = pageConditions{
		Measured: rs.measured(), Undisturbed: others.Median <= mostOthers,
		Others: percent(others.Median), MostOthers: percent(others.Max), Limit: shortest(percent(mostOthers)),
		GOGC: gogc(), MemoryLimit: memoryLimit(),
	}
	for i, r := range rs {
		c := r.conditions
		line := conditionLine{
			Number: i + 1, LoadBefore: cmp.Or(c.LoadBefore, "–"), LoadAfter: cmp.Or(c.LoadAfter, "–"), Others: "–", Stolen: "–",
			Live: size(c.Heap.Live), Goal: size(c.Heap.Goal),
		}
		if c.Measured {
			line.Others, line.Stolen = percent(c.Others), percent(c.Stolen)
		}
		p.Conditions.Rounds = append(p.Conditions.Rounds, line)
	}
}

// addLimits adds authkit's limits, and whether they are met.
func (p *page) addLimits(rs results, sizes contender.Sizes) {
	for _, l := range slices.Concat(ofServers(), atMost(sizes), ofScaling()) {
		p.AtMost = append(p.AtMost, newLimitLine(l.What, l.Measured(rs).Median, l.Limit, l.Show))
	}
}

// newLimitLine returns the line of a limit. A value that looks like the limit, but is larger, is "over" it.
func newLimitLine(what string, measured, most float64, show func(float64) string) limitLine {
	line := limitLine{what, show(measured), shortest(show(most)), yes(measured <= most)}
	if measured > most && line.Measured == show(most) {
		line.Measured = "over " + line.Measured
	}
	return line
}

// addSubjects adds the comparison of all subjects.
func (p *page) addSubjects(rs results) {
	for _, s := range contender.Subjects() {
		name := s.Serial()
		ratio := rs.ratio(name)
		line := subjectLine{
			Title:       s.Title,
			Traffic:     string(s.Traffic),
			Time:        duration(rs.cpu(name).Median),
			Ratio:       times(ratio.Median),
			Range:       ranged(ratio, times),
			Allocations: whole(rs.allocations(name)),
			Bytes:       whole(rs.bytes(name)),
			Scaling:     times(rs.scaling(s).Median),
		}
		if s.Traffic == contender.ManySessions {
			p.Many = append(p.Many, line)
			continue
		}
		p.One = append(p.One, line)
		if s.Name != contender.Handler {
			p.plot = append(p.plot, bar{Label: s.Title, Value: ratio.Median, Ours: s.Ours()})
		}
	}
}

// addStress adds storms, floods, refusals and memory.
func (p *page) addStress(rs results) {
	for _, requests := range contender.Storms {
		name := contender.Storm(requests)
		p.Storms = append(p.Storms, stormLine{
			Requests:  thousands(requests),
			Exchanges: whole(rs.extra(name, contender.ExchangesPerStorm).Median),
			Late:      whole(rs.extra(name, contender.LatePerStorm).Median),
			CPU:       duration(rs.extra(name, contender.PerWaiter).Median),
			Bare:      duration(rs.extra(name, contender.PerBareWaiter).Median),
		})
	}
	for _, c := range contender.Flooded() {
		name := contender.Flood(c)
		p.Floods = append(p.Floods, floodLine{
			Title: c.Title, Time: duration(rs.nanoseconds(name).Median),
			Fetches: significant(rs.extra(name, contender.FetchesPerRequest).Median, 2),
		})
	}
	for _, r := range contender.Refusals() {
		name := r.Benchmark()
		ratio := rs.ratio(name)
		p.Refusals = append(p.Refusals, refusalLine{
			Title: r.Title, Time: duration(rs.cpu(name).Median), Ratio: times(ratio.Median), Range: ranged(ratio, times),
			Allocations: whole(rs.allocations(name)), Bytes: whole(rs.bytes(name)),
		})
	}
	for _, c := range contender.Remembering() {
		p.Memory = append(p.Memory, memoryLine{c.Title, size(rs.extra(contender.Memory(c), contender.PerSession).Median)})
	}
}

// write writes the page, its plot and the records into a folder, and prints their paths. A run that was disturbed, or may have
// been, leaves the records as they are.
func (p *page) write(folder string) error {
	records, err := readRecords(folder)
	if err != nil {
		return err
	}
	recorded := p.Conditions.Measured && p.Conditions.Undisturbed
	if recorded {
		records = withRecord(records, p.record())
	}
	p.addDiffering(records)
	parsed, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := parsed.Execute(&text, p); err != nil {
		return err
	}
	files := []outputFile{{"performance.md", text.Bytes()}, {"performance.svg", draw(p.plot)}}
	if recorded {
		content, err := json.MarshalIndent(records, "", "\t")
		if err != nil {
			return err
		}
		files = append(files, outputFile{recordFile, append(content, '\n')})
	}
	for _, file := range files {
		path := filepath.Join(folder, file.name)
		if err := os.WriteFile(path, file.content, 0o644); err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, "wrote "+path)
	}
	return nil
}

// outputFile is a file that a run writes.
type outputFile struct {
	name    string
	content []byte
}

// Row returns the cells for all forgeries.
func (l checkLine) Row() string { return strings.Join(l.Refuses, " | ") }

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
