// The examples as programs: built once, started once, attacked by every test.

package attack_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	for _, p := range programs.started {
		if faults := p.stop(); len(faults) > 0 {
			fmt.Fprintln(os.Stderr, p.example, strings.Join(faults, "\n"))
			code = 1
		}
	}
	os.RemoveAll(programs.directory)
	os.Exit(code)
}

// programs are what this test binary has built and started.
var programs struct {
	build     sync.Once
	directory string              // of the binaries
	kept      map[string]*program // those that every test attacks, by the example
	started   []*program
}

const examples = "github.com/authkit-go/authkit/examples/"

// program is an example that runs, and the fake AuthKit that it takes for WorkOS.
type program struct {
	example, url, password string
	fake                   *authkittest.Server
	logs                   *log
	cmd                    *exec.Cmd
	browsers               map[string]*authkittest.Browser
}

// running is the example that all tests attack.
func running(t *testing.T, example string) *target {
	t.Helper()
	p := programs.kept[example]
	if p == nil {
		fake, err := authkittest.Start(people())
		require.NoError(t, err)
		p = start(t, example, fake, newPassword())
		if programs.kept == nil {
			programs.kept = map[string]*program{}
		}
		programs.kept[example] = p
	}
	return p.target(t)
}

func (p *program) target(t *testing.T) *target {
	a := &target{t: t, name: p.example, url: p.url, password: p.password, fake: p.fake, logs: p.logs, atAuthKit: p.browsers}
	t.Cleanup(func() {
		for _, fault := range p.logs.faults() {
			t.Error(fault)
		}
	})
	return a
}

// start starts an example as a user does, who has nothing but the environment to configure it with.
func start(t *testing.T, example string, fake *authkittest.Server, password string) *program {
	t.Helper()
	p := &program{
		example: example, password: password, fake: fake,
		logs:     newLog(fake.APIKey(), password),
		cmd:      exec.Command(binary(t, example)),
		browsers: map[string]*authkittest.Browser{},
	}
	p.cmd.Env = append(withoutSettings(), "ADDR=localhost:0", "WORKOS_COOKIE_PASSWORD="+password)
	for name, value := range fake.Env() {
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	p.cmd.Stderr = p.logs
	require.NoError(t, p.cmd.Start())
	programs.started = append(programs.started, p)
	// Should it never print its address, this test fails rather than hangs.
	hung := time.AfterFunc(30*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer hung.Stop()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	address, found := strings.CutPrefix(strings.TrimSpace(line), "Open ")
	require.True(t, found, line)
	p.url = address
	return p
}

// withoutSettings is the environment of this process, but for what would configure an example.
func withoutSettings() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "WORKOS_") })
}

// stop ends the program as a service manager does, and tells what was wrong with it and its log.
func (p *program) stop() (faults []string) {
	for _, b := range p.browsers {
		b.CloseIdleConnections()
	}
	direct.CloseIdleConnections()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	hung := time.AfterFunc(15*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer hung.Stop()
	if err := p.cmd.Wait(); err != nil {
		faults = append(faults, "ended badly: "+err.Error())
	}
	p.fake.Close()
	return append(faults, p.logs.faults()...)
}

// binary is a built example.
func binary(t *testing.T, example string) string {
	t.Helper()
	programs.build.Do(func() {
		directory, err := os.MkdirTemp("", "attack")
		require.NoError(t, err)
		programs.directory = directory
		output, err := exec.Command("go", "build", "-o", directory, examples+"stdlib", examples+"chi").CombinedOutput()
		require.NoError(t, err, string(output))
	})
	return filepath.Join(programs.directory, example)
}
