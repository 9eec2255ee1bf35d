// Every case of the suite finds a store that breaks the contract. The broken stores run in other processes, because a case that
// fails would fail this test. Those in bubbles share a process.

package storetest_test

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/storetest"
)

// brokenVariable names the broken store to the process that runs the suite against it, or is inBubbles.
const brokenVariable = "AUTHKIT_STORETEST_BROKEN"

// inBubbles stands for all broken stores that can be in a bubble. Each of them is a test, with the case that finds it.
const inBubbles = "in bubbles"

func TestTheSuiteFailsForEveryBrokenStore(t *testing.T) {
	if name := os.Getenv(brokenVariable); name != "" {
		runBroken(t, name)
		return
	}
	t.Parallel()
	type result struct {
		output string
		err    error
	}
	stores := brokenStores()
	results := map[string]chan result{inBubbles: make(chan result, 1)}
	for name := range leavesGoroutines {
		results[name] = make(chan result, 1)
	}
	for name, ended := range results {
		go func() {
			cases := []string{stores[name].found}
			if name == inBubbles {
				cases = nil
			}
			output, err := runCases(t.Context(), name, cases...)
			ended <- result{output, err}
		}()
	}
	bubbles := <-results[inBubbles]
	for name, b := range stores {
		t.Run(name, func(t *testing.T) {
			r, test := bubbles, underscored(name)+"/"+underscored(b.found)
			if leavesGoroutines[name] {
				r, test = <-results[name], underscored(b.found)
			}
			var failed *exec.ExitError
			require.ErrorAs(t, r.err, &failed, "the suite passes:\n%s", r.output)
			assert.Contains(t, r.output, "--- FAIL: TestTheSuiteFailsForEveryBrokenStore/"+test+" ")
			assert.NotContains(t, r.output, "panic:")
			t.Logf("%.300s", firstError(r.output, test))
		})
	}
}

func TestTheSuiteLeavesOutWhatAHarnessCannotDo(t *testing.T) {
	fields := map[string]string{
		"a link that breaks leaves no gap":                           "Break",
		"a notice leaves the log after the retention":                "ShortLog",
		"a Follow does not call caughtUp while the engine is frozen": "Freeze",
		"a call of an engine that is frozen ends with its context":   "Freeze",
		"a Follow reports that the log was emptied":                  "Flush",
		"a restart of the engine leaves no gap":                      "Restart",
	}
	output, err := runCases(t.Context(), "no hooks", slices.Collect(maps.Keys(fields))...)
	require.NoError(t, err, "%s", output)
	for found, field := range fields {
		_, after, skipped := strings.Cut(output, "=== RUN   TestTheSuiteFailsForEveryBrokenStore/"+underscored(found)+"\n")
		assert.True(t, skipped, "%s is not in:\n%s", found, output)
		reason, _, _ := strings.Cut(after, "=== RUN")
		assert.Contains(t, reason, "left out: Harness."+field+" is nil")
		assert.Contains(t, output, "--- SKIP: TestTheSuiteFailsForEveryBrokenStore/"+underscored(found)+" ")
	}
}

// leavesGoroutines are the broken stores that cannot be in a bubble, because a goroutine of them waits for ever.
var leavesGoroutines = map[string]bool{
	"calls f after Follow has returned": true,
	"ignores the context of Follow":     true,
	"has one follower for each client":  true,
}

// runBroken is what the other process does.
func runBroken(t *testing.T, name string) {
	if name == "no hooks" {
		storetest.Run(t, func(*testing.T) storetest.Harness {
			return storetest.Harness{Connect: inMemory(func(m *authkittest.MemoryStore) authkit.Store { return m }).Connect}
		})
		return
	}
	stores := brokenStores()
	if name == inBubbles {
		for name, b := range stores {
			if !leavesGoroutines[name] {
				t.Run(name, func(t *testing.T) { storetest.RunInBubble(t, b.found, b.open) })
			}
		}
		return
	}
	b, known := stores[name]
	require.True(t, known, "there is no broken store %q", name)
	storetest.Run(t, b.open)
}

// open returns a harness of a broken store.
func (b broken) open(*testing.T) storetest.Harness {
	h := inMemory(func(m *authkittest.MemoryStore) authkit.Store {
		s := &altered{MemoryStore: m}
		b.alter(s)
		return s
	})
	h.Patience = 5 * time.Second / pace
	return h
}

// runCases runs cases of the suite in another process. Without cases, it runs those that the process chooses.
func runCases(ctx context.Context, store string, cases ...string) (output string, err error) {
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	patterns := make([]string, len(cases))
	for i, name := range cases {
		patterns[i] = regexp.QuoteMeta(underscored(name))
	}
	pattern := "^TestTheSuiteFailsForEveryBrokenStore$"
	if len(cases) > 0 {
		pattern += "/^(" + strings.Join(patterns, "|") + ")$"
	}
	command := exec.CommandContext(ctx, program, "-test.run="+pattern, "-test.v", "-test.timeout=80s")
	command.Env = append(os.Environ(), brokenVariable+"="+store)
	all, err := command.CombinedOutput()
	return string(all), err
}

// underscored returns the name of a case as package testing writes it.
func underscored(name string) string { return strings.ReplaceAll(name, " ", "_") }

// firstError returns what the suite says about the broken store, in the case with the given name.
func firstError(output, test string) string {
	_, of, _ := strings.Cut(output, "=== RUN   TestTheSuiteFailsForEveryBrokenStore/"+test+"\n")
	_, text, _ := strings.Cut(of, "Error:")
	text, _, _ = strings.Cut(text, "Test:")
	return strings.Join(strings.Fields(text), " ")
}
