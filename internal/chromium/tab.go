// A tab of the browser, by the W3C WebDriver protocol: https://www.w3.org/TR/webdriver2/

package chromium

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Timeout is how long the browser waits for an element, a page or a script before the test fails.
const Timeout = 10 * time.Second

// driverClient sends commands to the driver. A command may need several of the browser's waits.
var driverClient = &http.Client{Timeout: 3 * Timeout}

// Keys without a character (section 17.4.2).
const (
	TabKey = "\uE004"
	Enter  = "\uE007"
)

// elementKey is the member that contains a reference to an element (section 12).
const elementKey = "element-6066-11e4-a52e-4f735466cecf"

// Tab is a tab of the browser. Its methods fail the test T if the driver returns an error.
type Tab struct {
	T       *testing.T
	session string // the URL of the WebDriver session
}

// For returns the same tab for a subtest.
func (b *Tab) For(t *testing.T) *Tab { return &Tab{T: t, session: b.session} }

// Cookie is a cookie that the browser stores.
type Cookie struct {
	Name, Value, Path, Domain string
	Secure, HTTPOnly          bool
	SameSite                  string
	Expiry                    *int64 // nil for a cookie that ends with the browser
}

// call sends a command of the protocol. It fails the test on an error.
func (b *Tab) call(method, path string, in, out any) {
	b.T.Helper()
	require.NoError(b.T, b.try(method, path, in, out))
}

func (b *Tab) try(method, path string, in, out any) error {
	var body io.Reader
	if method == http.MethodPost {
		if in == nil {
			in = struct{}{}
		}
		encoded, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(encoded)
	}
	r, err := http.NewRequest(method, b.session+path, body)
	if err != nil {
		return err
	}
	resp, err := driverClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var response struct{ Value json.RawMessage }
	if err := json.NewDecoder(resp.Body).Decode(&response); err != nil {
		return fmt.Errorf("%s %s: %s: %w", method, path, resp.Status, err)
	}
	if resp.StatusCode != http.StatusOK {
		var failure struct{ Error, Message string }
		json.Unmarshal(response.Value, &failure)
		firstLine, _, _ := strings.Cut(failure.Message, "\n")
		return fmt.Errorf("%s %s: %s: %s", method, path, failure.Error, firstLine)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(response.Value, out)
}

// DevTools sends a command of the Chrome DevTools Protocol.
func (b *Tab) DevTools(command string, params map[string]any) {
	b.T.Helper()
	if params == nil {
		params = map[string]any{}
	}
	b.call(http.MethodPost, "/goog/cdp/execute", map[string]any{"cmd": command, "params": params}, nil)
}

func (b *Tab) quit() { b.try(http.MethodDelete, "", nil, nil) }

// reset opens an empty tab, closes all others, and clears cookies, cache and console.
func (b *Tab) reset() {
	b.T.Helper()
	fresh := b.NewTab()
	for _, handle := range b.Handles() {
		if handle != fresh {
			b.SwitchTo(handle)
			b.call(http.MethodDelete, "/window", nil, nil)
		}
	}
	b.SwitchTo(fresh)
	b.DevTools("Network.clearBrowserCookies", nil)
	b.DevTools("Network.clearBrowserCache", nil)
	b.Console()
}

// NewTab opens another tab. It does not switch to it.
func (b *Tab) NewTab() (handle string) {
	b.T.Helper()
	var opened struct{ Handle string }
	b.call(http.MethodPost, "/window/new", map[string]string{"type": "tab"}, &opened)
	return opened.Handle
}

func (b *Tab) Handles() (all []string) {
	b.T.Helper()
	b.call(http.MethodGet, "/window/handles", nil, &all)
	return all
}

// Handle returns the handle of the current tab.
func (b *Tab) Handle() (handle string) {
	b.T.Helper()
	b.call(http.MethodGet, "/window", nil, &handle)
	return handle
}

func (b *Tab) SwitchTo(handle string) {
	b.T.Helper()
	b.call(http.MethodPost, "/window", map[string]string{"handle": handle}, nil)
}

// Visit navigates to an address.
func (b *Tab) Visit(address string) {
	b.T.Helper()
	b.call(http.MethodPost, "/url", map[string]string{"url": address}, nil)
}

func (b *Tab) Back() {
	b.T.Helper()
	b.call(http.MethodPost, "/back", nil, nil)
}

func (b *Tab) Reload() {
	b.T.Helper()
	b.call(http.MethodPost, "/refresh", nil, nil)
}

// URL returns the URL of the current page.
func (b *Tab) URL() (address string) {
	b.T.Helper()
	b.call(http.MethodGet, "/url", nil, &address)
	return address
}

// Origin returns the scheme, host and port of the current URL.
func (b *Tab) Origin() string {
	b.T.Helper()
	u, err := url.Parse(b.URL())
	require.NoError(b.T, err)
	return u.Scheme + "://" + u.Host
}

func (b *Tab) Title() (title string) {
	b.T.Helper()
	b.call(http.MethodGet, "/title", nil, &title)
	return title
}

// Find waits for an element and returns its reference.
func (b *Tab) Find(xpath string) (element string) {
	b.T.Helper()
	var found map[string]string
	b.call(http.MethodPost, "/element", map[string]string{"using": "xpath", "value": xpath}, &found)
	return found[elementKey]
}

// Sees waits for a page with this heading.
func (b *Tab) Sees(heading string) {
	b.T.Helper()
	b.Find(fmt.Sprintf("//h1[normalize-space(.)=%q]", heading))
}

// Click clicks the first link or button that contains the text, and waits for the next page.
func (b *Tab) Click(text string) {
	b.T.Helper()
	b.Element(fmt.Sprintf("//a[contains(normalize-space(.), %[1]q)] | //button[contains(normalize-space(.), %[1]q)]", text),
		http.MethodPost, "/click", nil, nil)
}

// Element sends a command to an element. The page may be replaced after the element was found and before the command
// arrives. Then the command has no effect, and the element is looked up again.
func (b *Tab) Element(xpath, method, command string, in, out any) {
	b.T.Helper()
	var err error
	for deadline := time.Now().Add(Timeout); time.Now().Before(deadline); {
		err = b.try(method, "/element/"+b.Find(xpath)+command, in, out)
		if err == nil || !strings.Contains(err.Error(), "stale element reference") {
			break
		}
	}
	require.NoError(b.T, err)
}

// Leaves waits until the browser is at another origin.
func (b *Tab) Leaves(origin string) {
	b.T.Helper()
	for deadline := time.Now().Add(Timeout); time.Now().Before(deadline); {
		if b.Origin() != origin {
			return
		}
	}
	require.Fail(b.T, "the browser stays at "+origin)
}

// Fill types text into the field with this name.
func (b *Tab) Fill(name, text string) {
	b.T.Helper()
	b.Element(fmt.Sprintf("//input[@name=%q]", name), http.MethodPost, "/value", map[string]string{"text": text}, nil)
}

// Press presses a key in the focused element.
func (b *Tab) Press(key string) {
	b.T.Helper()
	strokes := []map[string]string{{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}}
	b.call(http.MethodPost, "/actions", map[string]any{"actions": []map[string]any{
		{"type": "key", "id": "keyboard", "actions": strokes},
	}}, nil)
}

// Text returns the visible text of the page.
func (b *Tab) Text() (text string) {
	b.T.Helper()
	b.Element("//body", http.MethodGet, "/text", nil, &text)
	return text
}

// Run runs a script in the page, waits for its promise and decodes the result.
func (b *Tab) Run(script string, out any, args ...any) {
	b.T.Helper()
	b.call(http.MethodPost, "/execute/sync", map[string]any{"script": script, "args": append([]any{}, args...)}, out)
}

// EnterFrame switches to the first frame of the page.
func (b *Tab) EnterFrame() {
	b.T.Helper()
	b.call(http.MethodPost, "/frame", map[string]int{"id": 0}, nil)
}

// LeaveFrames switches to the top-level page.
func (b *Tab) LeaveFrames() {
	b.T.Helper()
	b.call(http.MethodPost, "/frame", map[string]any{"id": nil}, nil)
}

// Cookies returns the cookies that the browser would send to the current page, by name. It omits those of the fake
// AuthKit, which is on the same host if the application uses TLS.
func (b *Tab) Cookies() map[string]Cookie {
	b.T.Helper()
	var all []Cookie
	b.call(http.MethodGet, "/cookie", nil, &all)
	byName := map[string]Cookie{}
	for _, c := range all {
		if !strings.HasPrefix(c.Name, "fake-authkit-") {
			byName[c.Name] = c
		}
	}
	return byName
}

// Console returns the messages in the browser's console since the last call.
func (b *Tab) Console() (messages []string) {
	b.T.Helper()
	var entries []struct{ Level, Message string }
	b.call(http.MethodPost, "/se/log", map[string]string{"type": "browser"}, &entries)
	for _, e := range entries {
		messages = append(messages, e.Level+" "+e.Message)
	}
	return messages
}

// AwaitMessage waits for a message in the console. The browser may write it some time after the event.
func (b *Tab) AwaitMessage(text string) {
	b.T.Helper()
	for deadline := time.Now().Add(Timeout); time.Now().Before(deadline); {
		for _, message := range b.Console() {
			if strings.Contains(message, text) {
				return
			}
		}
	}
	require.Fail(b.T, "there is no such message in the console", text)
}

// Resize sets the size of the page. A desktop window could not be as small as a phone's.
func (b *Tab) Resize(width, height int) {
	b.T.Helper()
	b.DevTools("Emulation.setDeviceMetricsOverride", map[string]any{
		"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false,
	})
}

// Screenshot returns the page as a PNG.
func (b *Tab) Screenshot() []byte {
	b.T.Helper()
	var encoded string
	b.call(http.MethodGet, "/screenshot", nil, &encoded)
	image, err := base64.StdEncoding.DecodeString(encoded)
	require.NoError(b.T, err)
	return image
}

// logPage logs the URL and the source of the current page, for a failed test.
func (b *Tab) logPage() {
	var address, source string
	b.try(http.MethodGet, "/url", nil, &address)
	b.try(http.MethodGet, "/source", nil, &source)
	b.T.Logf("the browser is at %s:\n%.3000s", address, source)
}

// NothingBlocked asserts that no Content-Security-Policy blocked anything.
func (b *Tab) NothingBlocked() {
	b.T.Helper()
	for _, message := range b.Console() {
		assert.NotContains(b.T, message, "Content Security Policy")
		assert.NotContains(b.T, message, "Refused to")
	}
}

// Names returns the names of cookies, sorted.
func Names(cookies map[string]Cookie) (all []string) {
	for name := range cookies {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
