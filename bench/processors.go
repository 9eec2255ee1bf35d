// The limits on other processors: what the last undisturbed run on each of them measured.

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// recordFile is the name of the file with the records, next to the page.
const recordFile = "performance-limits.json"

// record is the result of the last undisturbed run on one kind of processor.
type record struct {
	Processor string          `json:"processor"` // with the number of processors
	Date      string          `json:"date"`
	Limits    []recordedLimit `json:"limits"`
}

// recordedLimit is one limit of a record. The texts are those of the page.
type recordedLimit struct {
	What     string `json:"what"`
	Measured string `json:"measured"`
	Limit    string `json:"limit"`
	Met      bool   `json:"met"`
}

// differingLine is a limit that one processor meets and another misses.
type differingLine struct {
	What, Limit string
	Measured    []string // on each processor
}

// Row returns the cells for all processors.
func (l differingLine) Row() string { return strings.Join(l.Measured, " | ") }

// record returns the limits of this run.
func (p *page) record() record {
	r := record{Processor: fmt.Sprintf("%s, %d of them", p.Machine.CPU, p.Machine.Processors), Date: p.Date}
	for _, l := range p.AtMost {
		r.Limits = append(r.Limits, recordedLimit{l.What, l.Measured, l.Limit, l.Met == yes(true)})
	}
	return r
}

// readRecords reads the records in a folder. Without a file, there are none.
func readRecords(folder string) ([]record, error) {
	text, err := os.ReadFile(filepath.Join(folder, recordFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var records []record
	if err := json.Unmarshal(text, &records); err != nil {
		return nil, fmt.Errorf("read %s: %w", recordFile, err)
	}
	return records, nil
}

// withRecord returns the records with that of this run, which replaces an earlier one of its processor.
func withRecord(records []record, one record) []record {
	others := slices.DeleteFunc(slices.Clone(records), func(r record) bool { return r.Processor == one.Processor })
	return append(others, one)
}

// addDiffering adds the limits that one of the processors meets and another misses. A limit that has changed since a record
// is left out of it.
func (p *page) addDiffering(records []record) {
	p.Records = records
	for _, l := range p.AtMost {
		line := differingLine{What: l.What, Limit: l.Limit}
		met, missed := false, false
		for _, r := range records {
			i := slices.IndexFunc(r.Limits, func(one recordedLimit) bool { return one.What == l.What && one.Limit == l.Limit })
			if i < 0 {
				line.Measured = append(line.Measured, "–")
				continue
			}
			met, missed = met || r.Limits[i].Met, missed || !r.Limits[i].Met
			line.Measured = append(line.Measured, r.Limits[i].Measured)
		}
		if met && missed {
			p.Differing = append(p.Differing, line)
		}
	}
}
