// Command publish checks that the modules of the repository work for those who install them. It releases the working tree as
// v0.0.0-test into a module proxy of files, and uses that as strangers do: it installs the command authkit, and builds and runs a
// program on each module, from testdata/consumers. Run it in the directory .ci:
//
//	go run ./publish
//
// It needs redis-server. What it makes is in a temporary directory, with a module cache of its own.
package main

import (
	"errors"
	"flag"
	"fmt"
	"go/version"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/authkit-go/authkit/ci/releasing"
)

// testVersion is the version of the modules. No release has it, and every release is newer.
const testVersion = "v0.0.0-test"

func main() {
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: publish [directory of the repository, by default ..]")
		flag.PrintDefaults()
	}
	flag.Parse()
	root := ".."
	if flag.NArg() > 0 {
		root = flag.Arg(0)
	}
	if err := run(os.Stdout, root); err != nil {
		fmt.Fprintln(os.Stderr, "publish:", err)
		os.Exit(1)
	}
}

// run publishes the working tree in root, and uses every module.
func run(w io.Writer, root string) error {
	temp, err := os.MkdirTemp("", "publish-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	root, err = filepath.Abs(root)
	if err != nil {
		return err
	}
	snapshot := filepath.Join(temp, "snapshot")
	if err := releasing.Snapshot(root, snapshot); err != nil {
		return err
	}
	release, err := releasing.Make(snapshot, testVersion, w)
	if err != nil {
		return err
	}
	consumer, err := releasing.NewConsumer(release)
	if err != nil {
		return err
	}
	defer consumer.Close()
	redis, err := startRedis(temp)
	if err != nil {
		return err
	}
	defer redis.stop()
	consumer.Setenv("REDIS_SOCKET", redis.socket)

	used := 0
	for _, m := range release.Modules {
		if !runsHere(m) {
			fmt.Fprintf(w, "left out: %s needs Go %s, and this is %s\n", m.Path, m.Go, runtime.Version())
			continue
		}
		name := path.Base(m.Path)
		if strings.HasPrefix(m.Dir, "cmd/") {
			err = install(w, consumer, m)
		} else {
			if m.Dir == "" {
				name = "core"
			}
			err = consume(w, consumer, release, snapshot, m, filepath.Join(root, ".ci", "publish", "testdata", "consumers", name))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", m.Path, err)
		}
		used++
	}
	fmt.Fprintf(w, "modules used by strangers: %d\n", used)
	return nil
}

// runsHere reports whether this version of Go builds a module.
func runsHere(m releasing.Module) bool {
	return version.Compare("go"+m.Go, runtime.Version()) <= 0
}

// install installs a command with go install, and checks the version that it prints.
func install(w io.Writer, consumer *releasing.Consumer, m releasing.Module) error {
	empty, err := os.MkdirTemp(consumer.Dir, "empty-")
	if err != nil {
		return err
	}
	if err := consumer.Go(empty, "install", m.Path+"@latest"); err != nil {
		return err
	}
	name := path.Base(m.Path)
	printed, err := consumer.Run(empty, filepath.Join(consumer.Bin(), name), "--version")
	if err != nil {
		return err
	}
	if want := name + " " + testVersion; strings.TrimSpace(printed) != want {
		return fmt.Errorf("%s --version prints %q, want %q", name, printed, want)
	}
	fmt.Fprintf(w, "installed: go install %s@latest; its version is %s\n", m.Path, testVersion)
	return nil
}

// consume builds the program of a module in a module of its own, runs it, and compares what it prints with want.txt, in which
// VERSION stands for the version without its "v".
func consume(w io.Writer, consumer *releasing.Consumer, release *releasing.Release, snapshot string, m releasing.Module, program string) error {
	source, err := os.ReadFile(filepath.Join(program, "main.go"))
	if errors.Is(err, os.ErrNotExist) {
		return errors.New("the module has no consumer: add main.go and want.txt in .ci/publish/testdata/consumers/" + filepath.Base(program))
	}
	if err != nil {
		return err
	}
	want, err := os.ReadFile(filepath.Join(program, "want.txt"))
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(consumer.Dir, "consumer-")
	if err != nil {
		return err
	}
	// The hashes of other modules are those that the module itself was tested with.
	sums, err := os.ReadFile(filepath.Join(snapshot, filepath.FromSlash(m.Dir), "go.sum"))
	if err != nil {
		return err
	}
	required := []string{release.Modules[0].Path}
	if m.Dir != "" {
		required = append(required, m.Path)
	}
	goMod := "module example.com/consumer\n\ngo " + m.Go + "\n"
	for _, path := range required {
		goMod += "\nrequire " + path + " " + testVersion + "\n"
	}
	for name, text := range map[string]string{
		"main.go": string(source),
		"go.mod":  goMod,
		"go.sum":  strings.Join(slices.Compact(slices.Sorted(slices.Values(append(release.Sums(), nonEmptyLines(string(sums))...)))), "\n") + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	binary := filepath.Join(dir, "consumer")
	if err := consumer.Go(dir, "build", "-mod=mod", "-o", binary, "."); err != nil {
		return err
	}
	printed, err := consumer.Run(dir, binary)
	if err != nil {
		return err
	}
	wanted := strings.ReplaceAll(string(want), "VERSION", strings.TrimPrefix(testVersion, "v"))
	if printed != wanted {
		return fmt.Errorf("its consumer prints %q, want %q", printed, wanted)
	}
	fmt.Fprintf(w, "consumed: %s\n", m.Path)
	return nil
}

// nonEmptyLines returns the lines of a text that are not empty.
func nonEmptyLines(text string) []string {
	return slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return line == "" })
}
