// Command release tags a release of all modules. RELEASING.md of the repository is the checklist around it. Run it in the directory
// .ci:
//
//	go run ./release -version v0.1.0        # a dry run: checks, makes and tries the release in a temporary clone
//	go run ./release -version v0.1.0 -tag   # the same, and then creates the tags in the repository
//
// It pushes nothing. It prints the command that does.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/authkit-go/authkit/ci/releasing"
)

func main() {
	version := flag.String("version", "", "the version of all modules, such as v0.1.0 or v0.1.0-rc.1")
	tag := flag.Bool("tag", false, "create the tags in the repository; without it, nothing there changes")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: release -version v0.1.0 [-tag] [directory of the repository, by default ..]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if *version == "" || flag.NArg() > 1 {
		flag.Usage()
		os.Exit(2)
	}
	root := ".."
	if flag.NArg() == 1 {
		root = flag.Arg(0)
	}
	if err := run(os.Stdout, root, *version, *tag); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// run makes a release in a temporary clone of the repository in root and tries it. With tag, it then creates the tags in the
// repository, all of them or none.
func run(w io.Writer, root, version string, tag bool) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "check the version, the working tree, the tags and CHANGELOG.md")
	if err := check(root, version); err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	clone := filepath.Join(temp, "clone")
	if err := releasing.Clone(root, clone); err != nil {
		return err
	}
	release, err := releasing.Make(clone, version, w)
	if err != nil {
		return err
	}
	if err := try(w, clone, release); err != nil {
		return err
	}
	push := "git push --atomic origin " + strings.Join(release.Tags(), " ")
	if !tag {
		fmt.Fprintln(w, "this was a dry run: the repository is unchanged. With -tag, the tags are created in it. Then push them with")
		fmt.Fprintln(w, "  "+push)
		return nil
	}
	args := []string{"fetch", "--quiet", "--atomic", "--no-tags", clone}
	for _, name := range release.Tags() {
		args = append(args, "refs/tags/"+name+":refs/tags/"+name)
	}
	if _, err := git(root, args...); err != nil {
		return err
	}
	fmt.Fprintf(w, "created %d tags. Nothing is pushed. Push them with\n  %s\n", len(release.Tags()), push)
	return nil
}

// check reports all reasons for which the repository cannot be released.
func check(root, version string) error {
	if err := releasing.CheckVersion(version); err != nil {
		return err
	}
	status, err := git(root, "status", "--porcelain")
	if err != nil {
		return err
	}
	var faults []error
	if status != "" {
		faults = append(faults, fmt.Errorf("the working tree is not clean. Commit, stash or remove these files:\n%s", strings.TrimRight(status, "\n")))
	}
	tags, err := git(root, "tag", "--list", version, "*/"+version)
	if err != nil {
		return err
	}
	if tags != "" {
		faults = append(faults, fmt.Errorf("the version has tags already: %s. A version that was once pushed cannot be changed: choose the next one",
			strings.Join(strings.Fields(tags), ", ")))
	}
	text, err := os.ReadFile(filepath.Join(root, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	if err := checkChangelog(string(text), version); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// checkChangelog reports whether a changelog lacks the version, or has changes that belong to no version.
func checkChangelog(text, version string) error {
	sections := map[string]string{} // the text of each section, by the first word of its heading
	name := ""
	for line := range strings.Lines(text) {
		if heading, found := strings.CutPrefix(line, "## "); found {
			name, _, _ = strings.Cut(strings.TrimSpace(heading), " ")
			sections[name] += ""
			continue
		}
		sections[name] += line
	}
	changes, found := sections[version]
	switch {
	case !found:
		return fmt.Errorf("CHANGELOG.md has no section %q: rename the section \"## Unreleased\"", "## "+version)
	case strings.TrimSpace(changes) == "":
		return fmt.Errorf("the section %q of CHANGELOG.md is empty", "## "+version)
	case strings.TrimSpace(sections["Unreleased"]) != "":
		return fmt.Errorf("CHANGELOG.md has changes under \"## Unreleased\": move them to %q", "## "+version)
	}
	return nil
}

// try checks that each nested module of a release can be built as its consumers get it, with every hash in its go.sum.
func try(w io.Writer, clone string, release *releasing.Release) error {
	consumer, err := releasing.NewConsumer(release)
	if err != nil {
		return err
	}
	defer consumer.Close()
	for _, m := range release.Modules {
		dir := filepath.Join(clone, filepath.FromSlash(m.Dir))
		fmt.Fprintf(w, "build %s\n", m.Path)
		for _, args := range [][]string{
			{"list", "-mod=readonly", "-deps", "-test", "./..."}, // fails if go.mod or go.sum lacks something, also for the tests
			{"build", "-mod=readonly", "./..."},
		} {
			if err := consumer.Go(dir, args...); err != nil {
				return fmt.Errorf("%s: %w", m.Path, err)
			}
		}
	}
	return nil
}

// git runs git in a directory and returns its output.
func git(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}
