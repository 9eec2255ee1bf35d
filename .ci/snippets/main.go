// Command snippets checks that the Go code in the documentation compiles: the
// code blocks of the Markdown files, and those of the doc comments of all
// packages. Each becomes a program of its own, which go vet checks. Run it in the
// directory .ci:
//
//	go run ./snippets
//
// A snippet of a Markdown file may use names that the text before it explains,
// such as a handler of the reader's application. The line before the snippet
// declares them, in a comment that readers do not see:
//
//	<!-- snippet: account http.HandlerFunc; r *http.Request -->
//
// A block that begins with ```go and a further word, such as wrong or before, shows
// code that is not checked: a mistake, or the code of another library.
//
// The names that doc comments may use are in names.txt. Code blocks of doc
// comments that are no Go code begin as notgo.txt says.
//
// CONTRIBUTING.md is left out: its snippets quote files, and a test of the root
// package compares them.
package main

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"go/version"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

//go:embed names.txt
var names string

//go:embed notgo.txt
var notGo string

func main() {
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: snippets [directory of the repository, by default ..]")
	}
	flag.Parse()
	dir := ".."
	if flag.NArg() > 0 {
		dir = flag.Arg(0)
	}
	faults, err := check(os.Stdout, dir, names, notGo)
	if err != nil {
		fmt.Fprintln(os.Stderr, "snippets:", err)
		os.Exit(1)
	}
	if faults > 0 {
		os.Exit(1)
	}
}

// snippet is a piece of Go code in the documentation.
type snippet struct {
	file  string // relative to the repository
	line  int    // of the first line of code
	code  string
	names []declaration // that it may use
	own   bool          // names is only for this snippet, so it uses all of them
}

func (s snippet) place() string { return fmt.Sprintf("%s:%d", s.file, s.line) }

// check writes a report about the repository in dir and returns the number of
// faults in it.
func check(w io.Writer, dir, names, notGo string) (faults int, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return 0, err
	}
	snippets, problems, err := collect(dir, names, notGo)
	if err != nil {
		return 0, err
	}
	var programs []program
	for _, s := range snippets {
		p, err := s.program(dir)
		if err != nil {
			problems = append(problems, s.place()+": "+err.Error())
			continue
		}
		programs = append(programs, p)
	}
	vetted, err := vet(dir, programs)
	if err != nil {
		return 0, err
	}
	problems = append(problems, vetted...)
	fmt.Fprintf(w, "snippets: %d\n", len(snippets))
	for _, p := range problems {
		fmt.Fprintln(w, p)
	}
	fmt.Fprintf(w, "faults: %d\n", len(problems))
	return len(problems), nil
}

// collect returns the snippets of all files of the repository.
func collect(dir, names, notGo string) (snippets []snippet, problems []string, err error) {
	known, err := parseNames(names)
	if err != nil {
		return nil, nil, err
	}
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if name == "testdata" || name == "node_modules" || strings.HasPrefix(name, ".") && path != dir {
				return filepath.SkipDir
			}
			return nil
		}
		file, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		file = filepath.ToSlash(file)
		read := func() (string, error) {
			text, err := os.ReadFile(path)
			return string(text), err
		}
		switch {
		case file == "CONTRIBUTING.md":
		case strings.HasSuffix(name, ".md"):
			text, err := read()
			if err != nil {
				return err
			}
			found, faults := markdownSnippets(file, text)
			snippets, problems = append(snippets, found...), append(problems, faults...)
		case strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go"):
			text, err := read()
			if err != nil {
				return err
			}
			found, err := commentSnippets(file, text, known, strings.Fields(notGo))
			if err != nil {
				return err
			}
			snippets = append(snippets, found...)
		}
		return nil
	})
	return snippets, problems, err
}

// vet writes each program into a package of a temporary module, in a workspace
// with the modules of the repository, and returns what go vet reports.
func vet(dir string, programs []program) (problems []string, err error) {
	temporary, err := os.MkdirTemp("", "snippets")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temporary)
	if temporary, err = filepath.EvalSymlinks(temporary); err != nil {
		return nil, err
	}
	modules, newest, err := modulesOf(dir)
	if err != nil {
		return nil, err
	}
	workspace := "go " + newest + "\n\nuse ./programs\n"
	for _, module := range modules {
		workspace += fmt.Sprintf("use %q\n", module)
	}
	files := map[string]string{"go.work": workspace, "programs/go.mod": "module snippets\n\ngo 1.25.0\n"}
	for i, p := range programs {
		files[fmt.Sprintf("programs/p%03d/main.go", i)] = string(p)
	}
	for name, text := range files {
		name = filepath.Join(temporary, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command("go", "vet", "./...")
	cmd.Dir = filepath.Join(temporary, "programs")
	cmd.Env = append(os.Environ(), "GOWORK="+filepath.Join(temporary, "go.work"), "GOFLAGS=")
	output, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		return nil, err
	}
	for line := range strings.Lines(string(output)) {
		if line = strings.TrimSuffix(line, "\n"); strings.HasPrefix(line, "#") || strings.HasPrefix(line, "go: downloading ") {
			continue // the name of a temporary package, or of a module that is not in the cache
		}
		line = strings.TrimPrefix(line, "vet: ")
		if at := strings.Index(line, dir+"/"); at >= 0 {
			line = line[at+len(dir)+1:]
		}
		problems = append(problems, line)
	}
	if err != nil && len(problems) == 0 {
		return nil, err
	}
	return problems, nil
}

// goVersion matches the version of Go in a go.mod file.
var goVersion = regexp.MustCompile(`(?m)^go (\S+)$`)

// modulesOf returns the directories of the modules whose packages and dependencies
// snippets may use, and the newest version of Go that one of them needs.
func modulesOf(dir string) (modules []string, newest string, err error) {
	for _, pattern := range []string{"go.mod", "contrib/*/go.mod", "examples/*/go.mod"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, "", err
		}
		for _, file := range found {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, "", err
			}
			if match := goVersion.FindSubmatch(text); match != nil && version.Compare("go"+string(match[1]), "go"+newest) > 0 {
				newest = string(match[1])
			}
			modules = append(modules, filepath.Dir(file))
		}
	}
	return modules, newest, nil
}
