// Which modules the repository has, and which of them are released.

package releasing

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// Module is a module of the repository.
type Module struct {
	Dir  string // relative to the root of the repository, with slashes; empty for the root
	Path string
	Go   string // the version of its go directive, such as "1.25.0"

	requires []string // the paths of the modules of this repository that it requires, sorted
	uses     []string // these, and those that it only replaces, sorted
}

// Tag returns the name of the tag for a version of the module (https://go.dev/ref/mod#vcs-version).
func (m Module) Tag(version string) string { return path.Join(m.Dir, version) }

// IsKnown reports whether the place of the module says if it gets a tag: it is released, or an example, a benchmark or a tool.
func (m Module) IsKnown() bool {
	return m.Released() || m.Dir == ".ci" || m.Dir == "bench" || strings.HasPrefix(m.Dir, "examples/")
}

// Released reports whether the module gets a tag: the root, the adapters and the command. Examples, benchmarks and the checks of
// the repository are for reading and running in a clone, so that no application requires them.
func (m Module) Released() bool {
	return m.Dir == "" || strings.HasPrefix(m.Dir, "contrib/") || strings.HasPrefix(m.Dir, "cmd/")
}

// Modules returns all modules of the repository in root. A module comes after those that it uses.
func Modules(root string) ([]Module, error) {
	files, err := git(root, "ls-files", "--cached", "--others", "--exclude-standard", "--", "go.mod", "**/go.mod")
	if err != nil {
		return nil, err
	}
	var modules []Module
	for file := range strings.Lines(files) {
		file = strings.TrimSpace(file)
		if slices.Contains(strings.Split(file, "/"), "testdata") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
		if errors.Is(err, os.ErrNotExist) {
			continue // deleted in the working tree
		}
		if err != nil {
			return nil, err
		}
		m, err := parse(file, text)
		if err != nil {
			return nil, err
		}
		modules = append(modules, m)
	}
	return sorted(modules)
}

// parse returns the module of a go.mod file. file is relative to the root of the repository.
func parse(file string, text []byte) (Module, error) {
	parsed, err := modfile.Parse(file, text, nil)
	if err != nil {
		return Module{}, err
	}
	if parsed.Module == nil || parsed.Go == nil {
		return Module{}, fmt.Errorf("%s: the file needs a module directive and a go directive", file)
	}
	dir, _ := strings.CutSuffix(file, "go.mod")
	m := Module{Dir: strings.TrimSuffix(dir, "/"), Path: parsed.Module.Mod.Path, Go: parsed.Go.Version}
	for _, require := range parsed.Require {
		m.requires = append(m.requires, require.Mod.Path)
	}
	m.uses = slices.Clone(m.requires)
	for _, replace := range parsed.Replace {
		m.uses = append(m.uses, replace.Old.Path)
	}
	return m, nil
}

// sorted sorts modules by their directories, and puts each one after those that it uses.
func sorted(modules []Module) ([]Module, error) {
	slices.SortFunc(modules, func(a, b Module) int { return strings.Compare(a.Dir, b.Dir) })
	ours := map[string]bool{}
	for _, m := range modules {
		ours[m.Path] = true
	}
	for i := range modules {
		m := &modules[i]
		for _, paths := range []*[]string{&m.requires, &m.uses} {
			*paths = slices.DeleteFunc(*paths, func(path string) bool { return !ours[path] || path == m.Path })
			slices.Sort(*paths)
			*paths = slices.Compact(*paths)
		}
	}
	var inOrder []Module
	done := map[string]bool{}
	for len(inOrder) < len(modules) {
		before := len(inOrder)
		for _, m := range modules {
			if !done[m.Path] && !slices.ContainsFunc(m.uses, func(path string) bool { return !done[path] }) {
				inOrder = append(inOrder, m)
				done[m.Path] = true
			}
		}
		if len(inOrder) == before {
			return nil, errors.New("the modules of the repository require one another in a circle")
		}
	}
	return inOrder, nil
}

// Released returns those of the modules that are released.
func Released(modules []Module) []Module {
	return slices.DeleteFunc(slices.Clone(modules), func(m Module) bool { return !m.Released() })
}

// CheckVersion reports what is wrong with the version of a release. It accepts canonical semantic versions of the majors 0 and 1,
// such as v0.1.0 and v1.0.0-rc.1. From v2 on, the paths of the modules must change too (https://go.dev/ref/mod#major-version-suffixes).
func CheckVersion(version string) error {
	switch {
	case semver.Canonical(version) != version:
		return fmt.Errorf("the version %q is not of the form v0.1.0 or v0.1.0-rc.1", version)
	case module.IsPseudoVersion(version):
		return fmt.Errorf("the version %q is a pseudo-version, which needs no release", version)
	case semver.Major(version) != "v0" && semver.Major(version) != "v1":
		return fmt.Errorf("the version %q is of another major than v0 and v1: from v2 on, the paths of the modules end in /v2", version)
	}
	return nil
}
