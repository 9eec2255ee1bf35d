// A tab of the browser, by the W3C WebDriver protocol: https://www.w3.org/TR/webdriver2/

package browser_test

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

// timeout is how long the browser waits for an element, a page or a script before the test fails.
const timeout = 10 * time.Second

// driverClient sends commands to the driver. A command may need several of the browser's waits.
var driverClient = &http.Client{Timeout: 3 * timeout}

// Keys without a character (section 17.4.2).
const (
	tabKey = "\uE004"
	enter  = "\uE007"
)

// elementKey is the member that contains a reference to an element (section 12).
const elementKey = "element-6066-11e4-a52e-4f735466cecf"

// tab is a tab of the browser. Its methods fail the test if the driver returns an error.
type tab struct {
	t       *testing.T
	session string // the URL of the WebDriver session
}

type cookie struct {
	Name, Value, Path, Domain string
	Secure, HTTPOnly          bool
	SameSite                  string
	Expiry                    *int64 // nil for a cookie that ends with the browser
}

// call sends a command of the protocol. It fails the test on an error.
func (b *tab) call(method, path string, in, out any) {
	b.t.Helper()
	require.NoError(b.t, b.try(method, path, in, out))
}

func (b *tab) try(method, path string, in, out any) error {
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

// devtools sends a command of the Chrome DevTools Protocol.
func (b *tab) devtools(command string, params map[string]any) {
	b.t.Helper()
	if params == nil {
		params = map[string]any{}
	}
	b.call(http.MethodPost, "/goog/cdp/execute", map[string]any{"cmd": command, "params": params}, nil)
}

func (b *tab) quit() { b.try(http.MethodDelete, "", nil, nil) }

// reset opens an empty tab, closes all others, and clears cookies, cache and console.
func (b *tab) reset() {
	b.t.Helper()
	fresh := b.newTab()
	for _, handle := range b.handles() {
		if handle != fresh {
			b.switchTo(handle)
			b.call(http.MethodDelete, "/window", nil, nil)
		}
	}
	b.switchTo(fresh)
	b.devtools("Network.clearBrowserCookies", nil)
	b.devtools("Network.clearBrowserCache", nil)
	b.console()
}

// newTab opens another tab. It does not switch to it.
func (b *tab) newTab() (handle string) {
	b.t.Helper()
	var opened struct{ Handle string }
	b.call(http.MethodPost, "/window/new", map[string]string{"type": "tab"}, &opened)
	return opened.Handle
}

func (b *tab) handles() (all []string) {
	b.t.Helper()
	b.call(http.MethodGet, "/window/handles", nil, &all)
	return all
}

// handle returns the handle of the current tab.
func (b *tab) handle() (handle string) {
	b.t.Helper()
	b.call(http.MethodGet, "/window", nil, &handle)
	return handle
}

func (b *tab) switchTo(handle string) {
	b.t.Helper()
	b.call(http.MethodPost, "/window", map[string]string{"handle": handle}, nil)
}

// visit navigates to an address.
func (b *tab) visit(address string) {
	b.t.Helper()
	b.call(http.MethodPost, "/url", map[string]string{"url": address}, nil)
}

func (b *tab) back() {
	b.t.Helper()
	b.call(http.MethodPost, "/back", nil, nil)
}

func (b *tab) reload() {
	b.t.Helper()
	b.call(http.MethodPost, "/refresh", nil, nil)
}

// url returns the URL of the current page.
func (b *tab) url() (address string) {
	b.t.Helper()
	b.call(http.MethodGet, "/url", nil, &address)
	return address
}

// origin returns the scheme, host and port of the current URL.
func (b *tab) origin() string {
	b.t.Helper()
	u, err := url.Parse(b.url())
	require.NoError(b.t, err)
	return u.Scheme + "://" + u.Host
}

func (b *tab) title() (title string) {
	b.t.Helper()
	b.call(http.MethodGet, "/title", nil, &title)
	return title
}

// find waits for an element and returns its reference.
func (b *tab) find(xpath string) (element string) {
	b.t.Helper()
	var found map[string]string
	b.call(http.MethodPost, "/element", map[string]string{"using": "xpath", "value": xpath}, &found)
	return found[elementKey]
}

// sees waits for a page with this heading.
func (b *tab) sees(heading string) {
	b.t.Helper()
	b.find(fmt.Sprintf("//h1[normalize-space(.)=%q]", heading))
}

// click clicks the first link or button that contains the text, and waits for the next page.
func (b *tab) click(text string) {
	b.t.Helper()
	b.element(fmt.Sprintf("//a[contains(normalize-space(.), %[1]q)] | //button[contains(normalize-space(.), %[1]q)]", text),
		http.MethodPost, "/click", nil, nil)
}

// element sends a command to an element. The page may be replaced after the element was found and before the command
// arrives. Then the command has no effect, and the element is looked up again.
func (b *tab) element(xpath, method, command string, in, out any) {
	b.t.Helper()
	var err error
	for deadline := time.Now().Add(timeout); time.Now().Before(deadline); {
		err = b.try(method, "/element/"+b.find(xpath)+command, in, out)
		if err == nil || !strings.Contains(err.Error(), "stale element reference") {
			break
		}
	}
	require.NoError(b.t, err)
}

// leaves waits until the browser is at another origin.
func (b *tab) leaves(origin string) {
	b.t.Helper()
	for deadline := time.Now().Add(timeout); time.Now().Before(deadline); {
		if b.origin() != origin {
			return
		}
	}
	require.Fail(b.t, "the browser stays at "+origin)
}

// fill types text into the field with this name.
func (b *tab) fill(name, text string) {
	b.t.Helper()
	b.element(fmt.Sprintf("//input[@name=%q]", name), http.MethodPost, "/value", map[string]string{"text": text}, nil)
}

// press presses a key in the focused element.
func (b *tab) press(key string) {
	b.t.Helper()
	strokes := []map[string]string{{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}}
	b.call(http.MethodPost, "/actions", map[string]any{"actions": []map[string]any{
		{"type": "key", "id": "keyboard", "actions": strokes},
	}}, nil)
}

// text returns the visible text of the page.
func (b *tab) text() (text string) {
	b.t.Helper()
	b.element("//body", http.MethodGet, "/text", nil, &text)
	return text
}

// run runs a script in the page, waits for its promise and decodes the result.
func (b *tab) run(script string, out any, args ...any) {
	b.t.Helper()
	b.call(http.MethodPost, "/execute/sync", map[string]any{"script": script, "args": append([]any{}, args...)}, out)
}

// enterFrame switches to the first frame of the page.
func (b *tab) enterFrame() {
	b.t.Helper()
	b.call(http.MethodPost, "/frame", map[string]int{"id": 0}, nil)
}

// leaveFrames switches to the top-level page.
func (b *tab) leaveFrames() {
	b.t.Helper()
	b.call(http.MethodPost, "/frame", map[string]any{"id": nil}, nil)
}

// cookies returns the cookies that the browser would send to the current page, by name. It omits those of the fake
// AuthKit, which is on the same host if the application uses TLS.
func (b *tab) cookies() map[string]cookie {
	b.t.Helper()
	var all []cookie
	b.call(http.MethodGet, "/cookie", nil, &all)
	byName := map[string]cookie{}
	for _, c := range all {
		if !strings.HasPrefix(c.Name, "fake-authkit-") {
			byName[c.Name] = c
		}
	}
	return byName
}

// console returns the messages in the browser's console since the last call.
func (b *tab) console() (messages []string) {
	b.t.Helper()
	var entries []struct{ Level, Message string }
	b.call(http.MethodPost, "/se/log", map[string]string{"type": "browser"}, &entries)
	for _, e := range entries {
		messages = append(messages, e.Level+" "+e.Message)
	}
	return messages
}

// awaitMessage waits for a message in the console. The browser may write it some time after the event.
func (b *tab) awaitMessage(text string) {
	b.t.Helper()
	for deadline := time.Now().Add(timeout); time.Now().Before(deadline); {
		for _, message := range b.console() {
			if strings.Contains(message, text) {
				return
			}
		}
	}
	require.Fail(b.t, "there is no such message in the console", text)
}

// resize sets the size of the page. A desktop window could not be as small as a phone's.
func (b *tab) resize(width, height int) {
	b.t.Helper()
	b.devtools("Emulation.setDeviceMetricsOverride", map[string]any{
		"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false,
	})
}

// screenshot returns the page as a PNG.
func (b *tab) screenshot() []byte {
	b.t.Helper()
	var encoded string
	b.call(http.MethodGet, "/screenshot", nil, &encoded)
	image, err := base64.StdEncoding.DecodeString(encoded)
	require.NoError(b.t, err)
	return image
}

// logPage logs the URL and the source of the current page, for a failed test.
func (b *tab) logPage() {
	var address, source string
	b.try(http.MethodGet, "/url", nil, &address)
	b.try(http.MethodGet, "/source", nil, &source)
	b.t.Logf("the browser is at %s:\n%.3000s", address, source)
}

// nothingBlocked asserts that no Content-Security-Policy blocked anything.
func (b *tab) nothingBlocked() {
	b.t.Helper()
	for _, message := range b.console() {
		assert.NotContains(b.t, message, "Content Security Policy")
		assert.NotContains(b.t, message, "Refused to")
	}
}

func names(cookies map[string]cookie) (all []string) {
	for name := range cookies {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
