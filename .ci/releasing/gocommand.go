// The go command as a consumer of a release runs it.

package releasing

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Consumer runs the go command with the modules of a release, as a machine does that has never seen them. It has a module cache of
// its own. The cache of this machine serves only as a proxy: what it has is not downloaded again.
type Consumer struct {
	Dir string // where everything is below; removed by Close

	env []string
}

// NewConsumer writes the proxy files of a release into a temporary directory, for a Consumer.
func NewConsumer(r *Release) (*Consumer, error) {
	dir, err := os.MkdirTemp("", "consumer-")
	if err != nil {
		return nil, err
	}
	c := &Consumer{Dir: dir}
	if err := r.WriteProxy(filepath.Join(dir, "proxy")); err != nil {
		c.Close()
		return nil, err
	}
	settings, err := exec.Command("go", "env", "GOMODCACHE", "GOPROXY").Output()
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("go env: %w", err)
	}
	cache, proxy, _ := strings.Cut(strings.TrimSpace(string(settings)), "\n")
	c.env = append(os.Environ(),
		"GOPROXY="+strings.Join([]string{fileURL(filepath.Join(dir, "proxy")), fileURL(filepath.Join(cache, "cache", "download")), proxy}, ","),
		"GOMODCACHE="+filepath.Join(dir, "modules"),
		"GOBIN="+c.Bin(),
		"GONOSUMDB="+r.Modules[0].Path, // and all modules below it: no checksum database can know them yet
		"GOFLAGS=-modcacherw -trimpath",
		"GOWORK=off",
		"GOTOOLCHAIN=local",
	)
	return c, nil
}

// fileURL returns the file URL of a directory.
func fileURL(dir string) string {
	return (&url.URL{Scheme: "file", Path: "/" + strings.TrimPrefix(filepath.ToSlash(dir), "/")}).String()
}

// Setenv sets an environment variable for the programs that Run and Go start.
func (c *Consumer) Setenv(name, value string) { c.env = append(c.env, name+"="+value) }

// Bin returns the directory into which go install puts commands.
func (c *Consumer) Bin() string { return filepath.Join(c.Dir, "bin") }

// Go runs the go command in a directory.
func (c *Consumer) Go(dir string, args ...string) error {
	_, err := c.Run(dir, "go", args...)
	return err
}

// Run runs a program in a directory and returns its standard output. The error has what the program wrote to standard error.
func (c *Consumer) Run(dir, program string, args ...string) (string, error) {
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = dir, c.env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", filepath.Base(program), strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String(), nil
}

// Close removes the directory.
func (c *Consumer) Close() error { return os.RemoveAll(c.Dir) }
