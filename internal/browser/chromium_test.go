// Chromium and its driver. They are started once for all tests.

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
	chromium string // the path of the browser
	driver   string // the URL of its driver, http://localhost:port
	programs string // a folder for the built examples and for the browser profiles

	mu      sync.Mutex
	started []*tab                // every running browser, guarded by mu
	idle    = map[bool][]string{} // sessions that no test uses, by whether they run scripts; guarded by mu
)

// TestMain skips all tests if there is no browser, and prints the reason. For a list of packages the go command prints
// only "[no tests to run]".
func TestMain(m *testing.M) {
	flag.Parse()
	if missing := missingPart(); missing != "" {
		fmt.Printf("skipped: the tests in a browser, since %s; see go doc ./internal/browser\n", missing)
		if os.Getenv("AUTHKIT_BROWSER") == "required" {
			os.Exit(1)
		}
		flag.Set("test.run", "^$")
		os.Exit(m.Run())
	}
	os.Exit(run(m))
}

// missingPart returns which part of the browser is missing, or "".
func missingPart() string {
	if chromium = firstProgram("chromium", "chromium-browser", "google-chrome"); chromium == "" {
		return "Chromium is not installed"
	}
	if firstProgram("chromedriver") == "" {
		return "chromedriver is not installed"
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
	cmd.Env = append(os.Environ(), "TMPDIR="+programs) // so that the profiles are removed, too
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
		fmt.Println("chromedriver did not start")
		return 1
	}
	go io.Copy(io.Discard, stdout)
	return m.Run()
}

// open returns an empty tab of a browser without cookies, cache or history. Only this test uses the browser. Later tests
// use it again, since the start of a browser takes as long as most tests.
func open(t *testing.T) *tab { return openTab(t, true) }

// openWithoutScripts is open for a browser with JavaScript disabled.
func openWithoutScripts(t *testing.T) *tab { return openTab(t, false) }

func openTab(t *testing.T, scripts bool) *tab {
	t.Helper()
	b := &tab{t: t, session: takeIdle(scripts)}
	if b.session == "" {
		b = startChromium(t, scripts)
	}
	b.reset()
	t.Cleanup(func() {
		if t.Failed() {
			b.logPage()
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
		// Two hosts of one domain (RFC 6761 reserves .test for tests).
		"--host-resolver-rules=MAP *.example.test 127.0.0.1",
		// The browser must not connect to other servers.
		"--no-first-run", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync",
	}
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox") // Chromium does not start as root with a sandbox
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
		"timeouts":                map[string]any{"implicit": timeout.Milliseconds(), "pageLoad": timeout.Milliseconds(), "script": timeout.Milliseconds()},
		"unhandledPromptBehavior": "ignore", // a dialog makes the test fail
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
