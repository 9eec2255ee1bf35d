// The machine of the measurements, and the versions of the measured modules.

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

// machine describes the machine.
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

// field returns the value of the first line in a file with this name, or the fallback if there is none.
func field(file, name, separator, fallback string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return fallback
	}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, separator)
		if strings.TrimSpace(key) == name {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return fallback
}

// dependency is a module of a contender, with its version.
type dependency struct{ Path, Version string }

// dependencies returns the modules of the contenders, with the versions in this build.
func dependencies() ([]dependency, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil, errors.New("the program has no build information")
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
