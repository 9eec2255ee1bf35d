// The commits and the tags of a release.

package releasing

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// Release is a release that is made in a clone.
type Release struct {
	Version string
	Modules []Module // in the order of their tags

	clone string
	sums  map[string][]string // the lines for go.sum, by the path of a tagged module
}

// Make commits and tags all released modules in a clone whose working tree is that of the commit to release. The clone must not be
// used for anything else: its HEAD moves to the last of the commits. Each step is a line in log.
func Make(clone, version string, log io.Writer) (*Release, error) {
	if err := CheckVersion(version); err != nil {
		return nil, err
	}
	modules, err := Modules(clone)
	if err != nil {
		return nil, err
	}
	r := &Release{Version: version, Modules: Released(modules), clone: clone, sums: map[string][]string{}}
	for _, m := range modules {
		if !m.IsKnown() {
			return nil, fmt.Errorf("%s: the module is in none of contrib, cmd, examples, bench and .ci, so whether it gets a tag is not known", m.Dir)
		}
	}
	if len(r.Modules) == 0 || r.Modules[0].Dir != "" {
		return nil, fmt.Errorf("the repository has no module in its root, or it uses another one")
	}
	if _, err := git(clone, "checkout", "--quiet", "--detach"); err != nil {
		return nil, err
	}
	for _, m := range r.Modules {
		if m.Dir != "" {
			if err := r.commit(m); err != nil {
				return nil, fmt.Errorf("%s: %w", m.Dir, err)
			}
		}
		tag := m.Tag(version)
		if _, err := git(clone, "tag", "-a", "-m", m.Path+" "+version, tag); err != nil {
			return nil, err
		}
		if err := r.hash(m); err != nil {
			return nil, fmt.Errorf("%s: %w", tag, err)
		}
		hash, err := git(clone, "rev-parse", "--short=12", "HEAD")
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(log, "tag %s at %s", tag, strings.TrimSpace(hash))
		if len(m.requires) > 0 {
			fmt.Fprintf(log, ", which requires %s %s", strings.Join(m.requires, ", "), version)
		}
		fmt.Fprintln(log)
	}
	return r, nil
}

// Tags returns the names of the tags, in the order in which they were made.
func (r *Release) Tags() []string {
	tags := make([]string, len(r.Modules))
	for i, m := range r.Modules {
		tags[i] = m.Tag(r.Version)
	}
	return tags
}

// commit commits the go.mod and the go.sum with which a nested module is released.
func (r *Release) commit(m Module) error {
	dir := filepath.Join(r.clone, filepath.FromSlash(m.Dir))
	for name, change := range map[string]func(string, []byte) ([]byte, error){
		"go.mod": r.released,
		"go.sum": func(_ string, text []byte) ([]byte, error) { return r.withSums(m, text), nil },
	} {
		file := filepath.Join(dir, name)
		text, err := os.ReadFile(file)
		if err != nil && (name == "go.mod" || !os.IsNotExist(err)) {
			return err
		}
		changed, err := change(file, text)
		if err != nil {
			return err
		}
		if err := os.WriteFile(file, changed, 0o644); err != nil {
			return err
		}
	}
	if _, err := git(r.clone, "add", "--all", "--", m.Dir); err != nil {
		return err
	}
	_, err := git(r.clone, "commit", "--quiet", "--allow-empty", "-m", "Release "+m.Dir+" "+r.Version+
		"\n\nThe commit is on no branch. Its go.mod has the version of the release in place of\nreplace directives, which go install refuses.")
	return err
}

// released returns a go.mod without replace directives for the modules of this repository, and with the version of the release in
// place of theirs. A replacement of another module is a fault, because consumers would not get it.
func (r *Release) released(file string, text []byte) ([]byte, error) {
	parsed, err := modfile.Parse(file, text, nil)
	if err != nil {
		return nil, err
	}
	ours := func(path string) bool {
		return slices.ContainsFunc(r.Modules, func(m Module) bool { return m.Path == path })
	}
	for _, replace := range slices.Clone(parsed.Replace) {
		if !ours(replace.Old.Path) {
			return nil, fmt.Errorf("go.mod replaces %s, which is no released module of this repository. Consumers ignore replace directives", replace.Old.Path)
		}
		if err := parsed.DropReplace(replace.Old.Path, replace.Old.Version); err != nil {
			return nil, err
		}
	}
	for _, require := range slices.Clone(parsed.Require) {
		if ours(require.Mod.Path) {
			if err := parsed.AddRequire(require.Mod.Path, r.Version); err != nil {
				return nil, err
			}
		}
	}
	parsed.Cleanup()
	return parsed.Format()
}

// withSums returns a go.sum with the hashes of the modules of this repository that m requires.
func (r *Release) withSums(m Module, text []byte) []byte {
	lines := map[module.Version]string{}
	add := func(line string) {
		if fields := strings.Fields(line); len(fields) == 3 {
			lines[module.Version{Path: fields[0], Version: fields[1]}] = line
		}
	}
	for line := range strings.Lines(string(text)) {
		if path, _, _ := strings.Cut(line, " "); r.sums[path] == nil {
			add(strings.TrimSpace(line))
		}
	}
	for _, path := range m.requires {
		for _, line := range r.sums[path] {
			add(line)
		}
	}
	versions := slices.Collect(maps.Keys(lines))
	module.Sort(versions) // as the go command sorts the file
	var b strings.Builder
	for _, version := range versions {
		b.WriteString(lines[version] + "\n")
	}
	return []byte(b.String())
}

// version returns the module and its version, as the go command names them.
func (r *Release) version(m Module) module.Version {
	return module.Version{Path: m.Path, Version: r.Version}
}
