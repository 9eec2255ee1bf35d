// The names of tests. A unique name identifies a test in a README, in a search
// and in go test -run.

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// sharedTestNames returns a text for every name that two tests, examples,
// benchmarks or fuzz targets below dir share, and the number of all of them.
// It looks into every package of every module. TestMain does not count.
func sharedTestNames(dir string) (faults []string, count int, err error) {
	places := map[string][]string{}
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path != dir && skipped(path) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !isTest(f.Name.Name) {
				continue
			}
			at := fset.Position(f.Pos())
			if rel, err := filepath.Rel(dir, path); err == nil {
				at.Filename = filepath.ToSlash(rel)
			}
			places[f.Name.Name] = append(places[f.Name.Name], fmt.Sprintf("\n  %s:%d", at.Filename, at.Line))
			count++
		}
		return nil
	})
	for _, name := range slices.Sorted(maps.Keys(places)) {
		if len(places[name]) > 1 {
			faults = append(faults, fmt.Sprintf("%d tests are called %s: rename all but one%s",
				len(places[name]), name, strings.Join(places[name], "")))
		}
	}
	return faults, count, err
}

// skipped reports whether a directory holds no package of the repository. The go
// command skips the same ones ("go help packages"), and node_modules is not ours.
// A directory that has a go.mod of its own counts, as .ci does.
func skipped(dir string) bool {
	switch name := filepath.Base(dir); {
	case name == "testdata", name == "vendor", name == "node_modules":
		return true
	case strings.HasPrefix(name, "."), strings.HasPrefix(name, "_"):
		_, err := os.Stat(filepath.Join(dir, "go.mod"))
		return err != nil
	}
	return false
}

// isTest reports whether go test runs a function of this name.
func isTest(name string) bool {
	if name == "TestMain" {
		return false
	}
	for _, kind := range []string{"Test", "Benchmark", "Fuzz", "Example"} {
		if rest, ok := strings.CutPrefix(name, kind); ok {
			first, _ := utf8.DecodeRuneInString(rest)
			return rest == "" || !unicode.IsLower(first)
		}
	}
	return false
}
