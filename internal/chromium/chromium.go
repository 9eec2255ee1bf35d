// Chromium and its driver. They are started once for all tests of a package.

package chromium

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testserver"
)

var (
	chromium string // the path of the browser
	driver   string // the URL of its driver, http://127.0.0.1:port
	missing  string // which part of the browser is missing, or ""
	folder   string // for the browser profiles and for Folder

	mu      sync.Mutex
	started []*Tab                // every running browser, guarded by mu
	idle    = map[kind][]string{} // sessions that no test uses, guarded by mu
)

// Main runs the tests of a package whose tests all need the browser, and ends the process. It is for TestMain. If the browser
// is not asked for, it skips all tests and prints the reason. For a list of packages the go command prints only
// "[no tests to run]".
func Main(m *testing.M) {
	flag.Parse()
	if missing = missingPart(); missing != "" {
		reportMissing("the tests in a browser")
		flag.Set("test.run", "^$")
		os.Exit(m.Run())
	}
	os.Exit(run(m))
}

// MainWithOthers runs the tests of a package that has tests without the browser too. It is for TestMain. If the browser is
// not asked for, [Open] skips its test.
func MainWithOthers(m *testing.M) {
	flag.Parse()
	if missing = missingPart(); missing != "" {
		reportMissing("some tests")
		os.Exit(m.Run())
	}
	os.Exit(run(m))
}

// reportMissing prints what is skipped and why. It ends the process if the browser is required.
func reportMissing(skipped string) {
	fmt.Printf("skipped: %s, since %s; see go doc github.com/authkit-go/authkit/internal/browser\n", skipped, missing)
	if os.Getenv("AUTHKIT_BROWSER") == "required" {
		os.Exit(1)
	}
}

// Folder returns a folder for files of the tests. It is removed after the last test.
func Folder() string { return folder }

// missingPart returns which part of the browser is missing, or "".
func missingPart() string {
	if os.Getenv("AUTHKIT_BROWSER") != "required" {
		return "AUTHKIT_BROWSER is not \"required\""
	}
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
	if folder, err = os.MkdirTemp("", "authkit-browser"); err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(folder)
	server, err := testserver.Start(driverProgram())
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer func() {
		for _, b := range started {
			b.quit()
		}
		server.Close()
	}()
	driver = "http://" + server.Port.Addr()
	return m.Run()
}

// driverProgram returns how the driver is started. It listens on one port number of IPv4 and of IPv6, and ends if one of them is
// taken, also if it chooses the number itself (--port=0).
func driverProgram() testserver.Program {
	return testserver.Program{Ready: "started successfully", Command: func(port *testserver.Port) (*exec.Cmd, error) {
		cmd := exec.Command("chromedriver", "--port="+port.String())
		cmd.Env = append(os.Environ(), "TMPDIR="+folder) // so that the profiles are removed, too
		return cmd, nil
	}}
}

// kind is a kind of browser.
type kind int

const (
	ordinary kind = iota
	withoutScripts
	withThirdPartyCookies
	withoutThirdPartyCookies
)

// Open returns an empty tab of a browser without cookies, cache or history. Only this test uses the browser. Later tests
// use it again, since the start of a browser takes as long as most tests.
func Open(t *testing.T) *Tab { return open(t, ordinary) }

// OpenWithoutScripts is [Open] for a browser with JavaScript disabled.
func OpenWithoutScripts(t *testing.T) *Tab { return open(t, withoutScripts) }

// OpenWithThirdPartyCookies is [Open] for a browser that sends cookies to other sites than that of the page, if they are
// SameSite=None. Without this setting it depends on the version of Chromium.
func OpenWithThirdPartyCookies(t *testing.T) *Tab { return open(t, withThirdPartyCookies) }

// OpenWithoutThirdPartyCookies is [Open] for a browser that sends only partitioned cookies to other sites than that of the
// page.
func OpenWithoutThirdPartyCookies(t *testing.T) *Tab { return open(t, withoutThirdPartyCookies) }

func open(t *testing.T, k kind) *Tab {
	t.Helper()
	if missing != "" {
		t.Skip(missing)
	}
	b := &Tab{T: t, session: takeIdle(k)}
	if b.session == "" {
		b = start(t, k)
	}
	b.reset()
	t.Cleanup(func() {
		if t.Failed() {
			b.logPage()
		}
		mu.Lock()
		defer mu.Unlock()
		idle[k] = append(idle[k], b.session)
	})
	return b
}

func takeIdle(k kind) (session string) {
	mu.Lock()
	defer mu.Unlock()
	if last := len(idle[k]) - 1; last >= 0 {
		session, idle[k] = idle[k][last], idle[k][:last]
	}
	return session
}

func start(t *testing.T, k kind) *Tab {
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
	switch k {
	case withoutScripts:
		prefs["profile.managed_default_content_settings.javascript"] = 2
	case withThirdPartyCookies:
		prefs["profile.cookie_controls_mode"] = 0
	case withoutThirdPartyCookies:
		prefs["profile.cookie_controls_mode"] = 1
	}
	var created struct {
		SessionID string `json:"sessionId"`
	}
	b := &Tab{T: t, session: driver + "/session"}
	b.call(http.MethodPost, "", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"acceptInsecureCerts":     true,
		"timeouts":                map[string]any{"implicit": Timeout.Milliseconds(), "pageLoad": Timeout.Milliseconds(), "script": Timeout.Milliseconds()},
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
