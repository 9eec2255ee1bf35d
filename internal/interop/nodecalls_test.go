// Every method of @workos-inc/node against the fake, and docs/node.md, the list of what was checked.

package interop_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// update makes TestEveryCallOfTheLibraryForNodeWorksOrHasAReason write the list.
var update = flag.Bool("update", false, "write docs/node.md")

// nodeLibraries are the versions of @workos-inc/node that make the calls, as package.json names them, oldest first.
var nodeLibraries = []string{"@workos-inc/node", "workos-node-11"}

// nodeRun is what calls.mjs prints.
type nodeRun struct {
	Version       string
	Methods       []string
	Internals     []nodeInternal
	WithoutRow    []string
	WithoutMethod []string
	Twice         []string
	Rows          []nodeRow
}

// nodeInternal is a member of the library that needs no row.
type nodeInternal struct{ Method, Reason string }

// nodeRow is the result of a row.
type nodeRow struct {
	Row      string // "userManagement.getUser", or "refusal: …"
	Error    string
	Absent   bool     // the fake has no such route
	Requests []string // method and path
	Fields   int      // members that were compared
	Facts    []string
}

// nodeOutput runs a program in Node.js with input as JSON, and returns what it prints.
func nodeOutput(t *testing.T, input any, program ...string) []byte {
	t.Helper()
	text, err := json.Marshal(input)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "node", program...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(text), &stderr
	output, err := cmd.Output()
	require.NoError(t, err, "node %s: %s", program[0], &stderr)
	return output
}

func TestEveryCallOfTheLibraryForNodeWorksOrHasAReason(t *testing.T) {
	var runs []nodeRun
	for _, library := range nodeLibraries {
		run := runCalls(t, library)
		t.Run(run.Version, func(t *testing.T) {
			assert.Empty(t, run.WithoutRow, "methods that need a row in calls/")
			assert.Empty(t, run.Twice, "methods with two rows")
			for _, row := range run.Rows {
				assert.Empty(t, row.Error, "%s", row.Row)
			}
		})
		runs = append(runs, run)
	}
	newest := runs[len(runs)-1]
	assert.Empty(t, newest.WithoutMethod, "rows without a method in %s", newest.Version)

	want := nodeList(operations(t), runs)
	if *update && !t.Failed() {
		require.NoError(t, os.WriteFile(nodeDocument, []byte(want), 0o644))
	}
	got, err := os.ReadFile(nodeDocument)
	require.NoError(t, err)
	assert.Equal(t, want, string(got), "write it: go test ./internal/interop -run CallOfTheLibrary -update")
}
