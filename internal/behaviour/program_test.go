// Runs of the suite against the application in this process and against the examples as programs.

package behaviour

import (
	"bufio"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
)

func TestTheSuitePassesForAnApplicationInThisProcess(t *testing.T) {
	Run(t, Target{Name: "in this process", Start: func(t testing.TB, d Deployment) string {
		return NewInstance(t, d.Fake, nil, AppOptions{Password: d.CookiePassword, Log: d.Log}).URL
	}})
}

func TestTheSuitePassesForAnApplicationWithCompactCookies(t *testing.T) {
	Run(t, Target{Name: "in this process, compact", Start: func(t testing.TB, d Deployment) string {
		return NewInstance(t, d.Fake, nil, AppOptions{Password: d.CookiePassword, Log: d.Log, AuthKit: []authkit.Option{authkit.WithCompactCookie()}}).URL
	}})
}

func TestTheSuitePassesForTheStdlibExample(t *testing.T) {
	t.Parallel()
	Run(t, exampleTarget("stdlib"))
}

func TestTheSuitePassesForTheChiExample(t *testing.T) {
	t.Parallel()
	Run(t, exampleTarget("chi"))
}

func TestTheSuiteRunsEveryCaseInItsFiles(t *testing.T) {
	listed := map[string]bool{}
	for _, test := range suite {
		name := runtime.FuncForPC(reflect.ValueOf(test).Pointer()).Name()
		listed[name[strings.LastIndex(name, ".")+1:]] = true
	}
	assert.Len(t, listed, len(suite), "a case is listed twice")
	files, err := filepath.Glob("suite_*.go")
	require.NoError(t, err)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Test") {
				assert.True(t, listed[f.Name.Name], "%s of %s is not in the suite", f.Name.Name, name)
			}
		}
	}
}

// exampleTarget returns the target for an example that runs as a program. As for a user, only the environment configures it.
func exampleTarget(name string) Target {
	return Target{Name: name, Start: func(t testing.TB, d Deployment) string {
		cmd := exec.Command(filepath.Join(binaries(t), name))
		cmd.Env = append(environmentWithoutSettings(), "ADDR=localhost:0", "WORKOS_COOKIE_PASSWORD="+d.CookiePassword)
		for name, value := range d.Fake.Env() {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		stdout, err := cmd.StdoutPipe()
		require.NoError(t, err)
		cmd.Stderr = d.Log
		require.NoError(t, cmd.Start())
		t.Cleanup(func() { // as a service manager stops it
			direct.CloseIdleConnections()
			_ = cmd.Process.Signal(syscall.SIGTERM)
			timeout := time.AfterFunc(15*time.Second, func() { _ = cmd.Process.Kill() })
			defer timeout.Stop()
			assert.NoError(t, cmd.Wait(), "the program did not exit with status 0")
		})
		// If the program never prints its address, it is killed, so that the test fails instead of blocking.
		timeout := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
		defer timeout.Stop()
		line, err := bufio.NewReader(stdout).ReadString('\n')
		require.NoError(t, err)
		address, found := strings.CutPrefix(strings.TrimSpace(line), "Open ")
		require.True(t, found, line)
		return address
	}}
}

// environmentWithoutSettings returns the environment of this process without the variables that configure an example.
func environmentWithoutSettings() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "WORKOS_") })
}

// programs holds the examples that this test binary has built.
var programs struct {
	once      sync.Once
	directory string
	output    []byte
	err       error
}

// TestMain runs up to 16 parallel tests at a time, because those that are parallel wait for real time, and need little of a
// processor. The flag -parallel wins.
func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		flag.Set("test.parallel", "16")
	}
	code := m.Run()
	os.RemoveAll(programs.directory)
	os.Exit(code)
}

// binaries returns the directory with the built examples. The first call builds them.
func binaries(t testing.TB) string {
	t.Helper()
	programs.once.Do(func() {
		if programs.directory, programs.err = os.MkdirTemp("", "examples"); programs.err != nil {
			return
		}
		const examples = "github.com/authkit-go/authkit/examples/"
		programs.output, programs.err = exec.Command("go", "build", "-o", programs.directory, examples+"stdlib", examples+"chi", examples+"headless").CombinedOutput()
	})
	require.NoError(t, programs.err, string(programs.output))
	return programs.directory
}
