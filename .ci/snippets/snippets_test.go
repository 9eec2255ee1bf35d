// Tests of the command: a small repository in testdata, with the report that the
// command writes about it.

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

func TestTheReportAboutTheSnippetsInTestdata(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/docs.txtar")
	if err != nil {
		t.Fatal(err)
	}
	dir, texts := t.TempDir(), map[string]string{}
	for _, file := range archive.Files {
		texts[file.Name] = string(file.Data)
		if strings.HasSuffix(file.Name, ".txt") || file.Name == "report" {
			continue // for the command, not of the repository
		}
		name := filepath.Join(dir, file.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, file.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var report strings.Builder
	faults, err := check(&report, dir, texts["names.txt"], texts["notgo.txt"])
	if err != nil {
		t.Fatal(err)
	}
	if faults != 7 {
		t.Errorf("%d faults", faults)
	}
	// go vet reports packages in the order in which it has finished them.
	have, want := strings.Split(report.String(), "\n"), strings.Split(texts["report"], "\n")
	slices.Sort(have)
	slices.Sort(want)
	for i := range max(len(have), len(want)) {
		if i >= len(have) || i >= len(want) || have[i] != want[i] {
			t.Fatalf("have\n%s\nwant\n%s", report.String(), texts["report"])
		}
	}
}

func TestNamesThatAreNoDeclarationsAreRefused(t *testing.T) {
	for _, names := range []string{"ak", "1 int", "ak *"} {
		if _, err := parseNames(names); err == nil {
			t.Errorf("%q is accepted", names)
		}
	}
}
