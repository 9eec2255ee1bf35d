// Tests of the command: small modules in testdata, each with the report that
// the command writes about it.

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// unpack writes the files of an archive into a directory and loads it as a
// module. It returns the texts of the archive by their names as well.
func unpack(t *testing.T, archive string) (*layout, map[string]string) {
	t.Helper()
	files, err := txtar.ParseFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	dir, texts := t.TempDir(), map[string]string{}
	for _, file := range files.Files {
		name := filepath.Join(dir, file.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, file.Data, 0o644); err != nil {
			t.Fatal(err)
		}
		texts[file.Name] = string(file.Data)
	}
	l, err := load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return l, texts
}

func TestTheReportAboutEachModuleInTestdata(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archive in testdata: %v", err)
	}
	for _, archive := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(archive), ".txtar"), func(t *testing.T) {
			l, texts := unpack(t, archive)
			var report, graph, dot strings.Builder
			faults, err := check(&report, l, texts["forbidden.txt"])
			if err != nil {
				t.Fatal(err)
			}
			writeGraph(&graph, l)
			writeDot(&dot, l)
			for name, got := range map[string]string{"report": report.String(), "graph": graph.String(), "dot": dot.String()} {
				if want, given := texts[name]; given && got != want {
					t.Errorf("%s: have\n%s\nwant\n%s", name, got, want)
				}
			}
			if clean := strings.HasSuffix(texts["report"], "\nfaults: 0\n"); clean != (faults == 0) {
				t.Errorf("check returned %d faults for the report\n%s", faults, texts["report"])
			}
		})
	}
}

func TestARuleOfTheWrongFormIsAnError(t *testing.T) {
	l, _ := unpack(t, "testdata/clean.txtar")
	for _, line := range []string{
		"session.go never authkit.go",
		"session.go | never | authkit.go",
		"session.go | never | authkit.go |",
		"session.go | never | | there is nothing to forbid",
		"session.go | sometimes | authkit.go | there is no such verb",
		"session.go | never | authkit.go | too many | columns",
	} {
		if _, err := checkRules(l, "\n"+line); err == nil || !strings.HasPrefix(err.Error(), ".ci/rooms/forbidden.txt:2: ") {
			t.Errorf("%q: have the error %v, want one about line 2", line, err)
		}
	}
}

func TestAModuleThatDoesNotCompileIsAnError(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.org/broken\n\ngo 1.25.0\n", "broken.go": "package broken\n\nvar session = cookie\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := load(dir); err == nil || !strings.Contains(err.Error(), "undefined: cookie") {
		t.Errorf("have the error %v, want one about the identifier cookie", err)
	}
}
