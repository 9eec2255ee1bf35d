// Chromium and its driver: found, started once for all tests, and stopped.

package browser_test

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	chromium string // the browser's program
	driver   string // http://localhost:port of its driver
	programs string // a folder for what is built, and for the browsers' profiles

	mu      sync.Mutex
	started []*tab                // every browser that runs, guarded by mu
	idle    = map[bool][]string{} // those that no test uses, with scripts and without; guarded by mu
)

// TestMain leaves everything out where there is no browser, and says so. In a
// list of packages the go command shows of that no more than "[no tests to
// run]".
func TestMain(m *testing.M) {
	flag.Parse()
	if missing := missingPart(); missing != "" {
		fmt.Printf("left out: the tests in a browser, since %s; see go doc ./internal/browser\n", missing)
		if os.Getenv("AUTHKIT_BROWSER") == "required" {
			os.Exit(1)
		}
		flag.Set("test.run", "^$")
		os.Exit(m.Run())
	}
	os.Exit(run(m))
}

// missingPart tells what of a browser is not here.
func missingPart() string {
	if chromium = firstProgram("chromium", "chromium-browser", "google-chrome"); chromium == "" {
		return "there is no Chromium"
	}
	if firstProgram("chromedriver") == "" {
		return "there is no chromedriver"
	}
	return ""
}

func firstProgram(names ...string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func run(m *testing.M) int {
	var err error
	if programs, err = os.MkdirTemp("", "authkit-browser"); err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(programs)
	cmd := exec.Command("chromedriver", "--port=0")
	cmd.Env = append(os.Environ(), "TMPDIR="+programs) // profiles go away with it
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer func() {
		for _, b := range started {
			b.quit()
		}
		cmd.Process.Kill()
		cmd.Wait()
	}()
	lines := bufio.NewScanner(stdout)
	for driver == "" && lines.Scan() {
		if _, port, ok := strings.Cut(lines.Text(), "started successfully on port "); ok {
			driver = "http://localhost:" + strings.TrimSuffix(port, ".")
		}
	}
	if driver == "" {
		fmt.Println("chromedriver does not start")
		return 1
	}
	go io.Copy(io.Discard, stdout)
	return m.Run()
}

// open returns an empty tab of a browser without cookies, cache or history,
// which is this test's alone. Another test has it afterwards, since starting one
// takes as long as most tests do.
func open(t *testing.T) *tab { return openTab(t, true) }

// openWithoutScripts is open for somebody who has switched JavaScript off.
func openWithoutScripts(t *testing.T) *tab { return openTab(t, false) }

func openTab(t *testing.T, scripts bool) *tab {
	t.Helper()
	b := &tab{t: t, session: takeIdle(scripts)}
	if b.session == "" {
		b = startChromium(t, scripts)
	}
	b.beginAnew()
	t.Cleanup(func() {
		if t.Failed() {
			b.tellWhereItIs()
		}
		mu.Lock()
		defer mu.Unlock()
		idle[scripts] = append(idle[scripts], b.session)
	})
	return b
}

func takeIdle(scripts bool) (session string) {
	mu.Lock()
	defer mu.Unlock()
	if last := len(idle[scripts]) - 1; last >= 0 {
		session, idle[scripts] = idle[scripts][last], idle[scripts][:last]
	}
	return session
}

func startChromium(t *testing.T, scripts bool) *tab {
	t.Helper()
	args := []string{
		"--headless", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--lang=en-US",
		"--force-color-profile=srgb", "--window-size=1000,700", "--ignore-certificate-errors",
		// The names of two hosts of one domain (RFC 6761 keeps .test for such).
		"--host-resolver-rules=MAP *.example.test 127.0.0.1",
		// It is to call nobody but the tests.
		"--no-first-run", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync",
	}
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox") // it refuses to start otherwise
	}
	prefs := map[string]any{}
	if !scripts {
		prefs["profile.managed_default_content_settings.javascript"] = 2
	}
	var created struct {
		SessionID string `json:"sessionId"`
	}
	b := &tab{t: t, session: driver + "/session"}
	b.call(http.MethodPost, "", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"acceptInsecureCerts":     true,
		"timeouts":                map[string]any{"implicit": patience.Milliseconds(), "pageLoad": patience.Milliseconds(), "script": patience.Milliseconds()},
		"unhandledPromptBehavior": "ignore", // a dialog is a failure to be seen
		"goog:chromeOptions":      map[string]any{"binary": chromium, "args": args, "prefs": prefs},
		"goog:loggingPrefs":       map[string]any{"browser": "ALL"},
	}}}, &created)
	require.NotEmpty(t, created.SessionID)
	b.session += "/" + created.SessionID
	mu.Lock()
	defer mu.Unlock()
	started = append(started, b)
	return b
}
