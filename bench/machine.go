// The machine that was measured on, and the versions of what was measured.

package main

import (
	"errors"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/authkit-go/authkit/bench/contender"
)

// module is this module.
const module = "github.com/authkit-go/authkit/bench"

// machine is what the measurements depend on.
type machine struct {
	CPU        string
	Processors int
	OS         string
	Go         string
}

func thisMachine() machine {
	return machine{
		CPU:        field("/proc/cpuinfo", "model name", ":", runtime.GOARCH),
		Processors: runtime.NumCPU(),
		OS:         field("/etc/os-release", "PRETTY_NAME", "=", runtime.GOOS) + ", " + runtime.GOOS + "/" + runtime.GOARCH,
		Go:         runtime.Version(),
	}
}

// field is the value of the first line of a file that has a name, or something else where there is none.
func field(file, name, separator, otherwise string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return otherwise
	}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, separator)
		if strings.TrimSpace(key) == name {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return otherwise
}

// dependency is a module that a contender uses, and its version.
type dependency struct{ Path, Version string }

// dependencies are the modules of the contenders in the versions that this program was built with.
func dependencies() ([]dependency, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil, errors.New("the program does not know what it was built from")
	}
	var found []dependency
	for _, c := range contender.Contenders() {
		for _, path := range c.Modules {
			i := slices.IndexFunc(info.Deps, func(m *debug.Module) bool { return m.Path == path })
			if i < 0 {
				return nil, errors.New("the program was built without " + path)
			}
			d := dependency{path, info.Deps[i].Version}
			if info.Deps[i].Replace != nil {
				d.Version = "this checkout"
			}
			if !slices.Contains(found, d) {
				found = append(found, d)
			}
		}
	}
	return found, nil
}
