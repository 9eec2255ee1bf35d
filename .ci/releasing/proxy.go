// The files of a module proxy, and the hashes of modules.

package releasing

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// hash computes the lines of a tagged module for go.sum, from the same zip file that a module proxy makes.
func (r *Release) hash(m Module) error {
	dir, err := os.MkdirTemp("", "releasing-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "module.zip")
	if err := r.writeZip(m, file); err != nil {
		return err
	}
	ofModule, err := dirhash.HashZip(file, dirhash.Hash1)
	if err != nil {
		return err
	}
	ofGoMod, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		text, err := r.goMod(m)
		return io.NopCloser(strings.NewReader(text)), err
	})
	if err != nil {
		return err
	}
	r.sums[m.Path] = []string{
		fmt.Sprintf("%s %s %s", m.Path, r.Version, ofModule),
		fmt.Sprintf("%s %s/go.mod %s", m.Path, r.Version, ofGoMod),
	}
	return nil
}

// Sums returns the lines for the go.sum of a consumer: two for each released module.
func (r *Release) Sums() []string {
	var lines []string
	for _, m := range r.Modules {
		lines = append(lines, r.sums[m.Path]...)
	}
	return lines
}

// goMod returns the go.mod of a module at its tag.
func (r *Release) goMod(m Module) (string, error) {
	return git(r.clone, "show", m.Tag(r.Version)+":"+strings.TrimPrefix(m.Dir+"/go.mod", "/"))
}

// writeZip writes the zip file of a module at its tag. It lacks the nested modules, as every module zip does.
func (r *Release) writeZip(m Module, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := zip.CreateFromVCS(f, r.version(m), r.clone, m.Tag(r.Version), m.Dir); err != nil {
		return err
	}
	return f.Close()
}

// WriteProxy writes all released modules into a directory, which is then a module proxy for GOPROXY=file://…
// (https://go.dev/ref/mod#goproxy-protocol).
func (r *Release) WriteProxy(dir string) error {
	for _, m := range r.Modules {
		if err := r.writeModule(dir, m); err != nil {
			return fmt.Errorf("%s: %w", m.Path, err)
		}
	}
	return nil
}

// writeModule writes the list of versions, the description, the go.mod and the zip file of a module.
func (r *Release) writeModule(dir string, m Module) error {
	escapedPath, err := module.EscapePath(m.Path)
	if err != nil {
		return err
	}
	escapedVersion, err := module.EscapeVersion(r.Version)
	if err != nil {
		return err
	}
	at := filepath.Join(dir, filepath.FromSlash(escapedPath), "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		return err
	}
	committed, err := git(r.clone, "log", "-1", "--format=%cI", m.Tag(r.Version))
	if err != nil {
		return err
	}
	when, err := time.Parse(time.RFC3339, strings.TrimSpace(committed))
	if err != nil {
		return err
	}
	info, err := json.Marshal(struct {
		Version string
		Time    time.Time
	}{r.Version, when.UTC()})
	if err != nil {
		return err
	}
	goMod, err := r.goMod(m)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"list": r.Version + "\n", escapedVersion + ".info": string(info), escapedVersion + ".mod": goMod,
	} {
		if err := os.WriteFile(filepath.Join(at, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return r.writeZip(m, filepath.Join(at, escapedVersion+".zip"))
}
