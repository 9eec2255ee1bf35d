// The limits on several processors, with made-up records.

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestALimitThatOneProcessorMissesIsStatedPerProcessor(t *testing.T) {
	folder := t.TempDir()
	before, err := json.Marshal([]record{{Processor: "Another Processor, 8 of them", Date: "2026-01-02", Limits: []recordedLimit{
		{What: "Warm: time", Measured: "0.016x", Limit: "0.018x", Met: true},
		{What: "Cold: allocations", Measured: "41", Limit: "42", Met: true},
		{What: "Cold: time", Measured: "1.70x", Limit: "3x", Met: true}, // the limit was another one
	}}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, recordFile), before, 0o644))

	text := writtenTo(t, folder, fakeResults(t))
	assert.Contains(t, text, "| | limit | Another Processor, 8 of them (2026-01-02) | ")
	assert.Contains(t, text, "| Warm: time | 0.018x | 0.016x | 2.00x |")
	assert.NotContains(t, text, "| Cold: allocations | 42 | 41 |", "both meet it")
	assert.NotContains(t, text, "| Cold: time | 1.75x | 1.70x |")

	records, err := readRecords(folder)
	require.NoError(t, err)
	require.Len(t, records, 2)
	assert.Contains(t, records[1].Limits, recordedLimit{"Warm: time", "2.00x", "0.018x", false})
	writtenTo(t, folder, fakeResults(t))
	again, err := readRecords(folder)
	require.NoError(t, err)
	assert.Equal(t, records, again, "a second run replaces the record of its processor")
}

func TestOnlyAnUndisturbedRunIsRecorded(t *testing.T) {
	for name, change := range map[string]func(*conditions){
		"disturbed":    func(c *conditions) { c.Others = 0.3 },
		"not measured": func(c *conditions) { c.Measured = false },
	} {
		folder, rs := t.TempDir(), fakeResults(t)
		change(&rs[0].conditions)
		assert.NotContains(t, writtenTo(t, folder, rs), "on one processor and missed on another", name)
		assert.NoFileExists(t, filepath.Join(folder, recordFile), name)
	}
}

func TestARecordThatCannotBeReadIsAnError(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, recordFile), []byte("{"), 0o644))
	_, err := readRecords(folder)
	assert.ErrorContains(t, err, recordFile)
}
