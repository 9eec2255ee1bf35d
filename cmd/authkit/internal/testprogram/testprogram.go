// Package testprogram builds the program authkit for tests that run it.
package testprogram

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

var dir string // empty until the program is built

var build = sync.OnceValues(func() (string, error) {
	temp, err := os.MkdirTemp("", "authkit-program-")
	if err != nil {
		return "", err
	}
	dir = temp
	path := filepath.Join(dir, "authkit")
	output, err := exec.Command("go", "build", "-o", path, "github.com/authkit-go/authkit/cmd/authkit").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("testprogram: %w\n%s", err, output)
	}
	return path, nil
})

// Path builds the program at the first call in a test binary, and returns its path. It must run in the module cmd/authkit.
func Path() (string, error) { return build() }

// Remove removes the program. TestMain calls it after the tests.
func Remove() error { return os.RemoveAll(dir) }
