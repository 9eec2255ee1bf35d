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

// patience is how long the browser looks for what a page is to show before the
// test fails. It waits by itself, as long as it has to.
const patience = 10 * time.Second

// commands go to the driver. One may take a few of the browser's waits.
var commands = &http.Client{Timeout: 3 * patience}

// The keys that have no character (section 17.4.2).
const (
	tabKey = "\uE004"
	enter  = "\uE007"
)

// elementKey is under what a reference to an element is found (section 12).
const elementKey = "element-6066-11e4-a52e-4f735466cecf"

// tab is what a person has before them, and does with it. Its methods fail the
// test where that cannot be done.
type tab struct {
	t       *testing.T
	session string // its address at the driver
}

type cookie struct {
	Name, Value, Path, Domain string
	Secure, HTTPOnly          bool
	SameSite                  string
}

// call is one command of the protocol.
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
	resp, err := commands.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct{ Value json.RawMessage }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return fmt.Errorf("%s %s: %s: %w", method, path, resp.Status, err)
	}
	if resp.StatusCode != http.StatusOK {
		var failure struct{ Error, Message string }
		json.Unmarshal(answer.Value, &failure)
		what, _, _ := strings.Cut(failure.Message, "\n")
		return fmt.Errorf("%s %s: %s: %s", method, path, failure.Error, what)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer.Value, out)
}

// devtools is a command beyond WebDriver, of the browser's own protocol.
func (b *tab) devtools(command string, params map[string]any) {
	b.t.Helper()
	if params == nil {
		params = map[string]any{}
	}
	b.call(http.MethodPost, "/goog/cdp/execute", map[string]any{"cmd": command, "params": params}, nil)
}

func (b *tab) quit() { b.try(http.MethodDelete, "", nil, nil) }

// beginAnew leaves one empty tab, and a browser that remembers nothing.
func (b *tab) beginAnew() {
	b.t.Helper()
	fresh := b.another()
	for _, handle := range b.handles() {
		if handle != fresh {
			b.switchTo(handle)
			b.call(http.MethodDelete, "/window", nil, nil)
		}
	}
	b.switchTo(fresh)
	b.devtools("Network.clearBrowserCookies", nil)
	b.devtools("Network.clearBrowserCache", nil)
	b.console() // what was said before is nobody's business
}

// another opens another tab, to be switched to.
func (b *tab) another() (handle string) {
	b.t.Helper()
	var made struct{ Handle string }
	b.call(http.MethodPost, "/window/new", map[string]string{"type": "tab"}, &made)
	return made.Handle
}

func (b *tab) handles() (all []string) {
	b.t.Helper()
	b.call(http.MethodGet, "/window/handles", nil, &all)
	return all
}

// here is the tab that is looked at.
func (b *tab) here() (handle string) {
	b.t.Helper()
	b.call(http.MethodGet, "/window", nil, &handle)
	return handle
}

func (b *tab) switchTo(handle string) {
	b.t.Helper()
	b.call(http.MethodPost, "/window", map[string]string{"handle": handle}, nil)
}

// visit types in an address.
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

// url is what the address bar shows.
func (b *tab) url() (address string) {
	b.t.Helper()
	b.call(http.MethodGet, "/url", nil, &address)
	return address
}

// origin is the part of the address that tells the server.
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

// find waits for an element.
func (b *tab) find(xpath string) (element string) {
	b.t.Helper()
	var found map[string]string
	b.call(http.MethodPost, "/element", map[string]string{"using": "xpath", "value": xpath}, &found)
	return found[elementKey]
}

// sees waits for a page by its heading.
func (b *tab) sees(heading string) {
	b.t.Helper()
	b.find(fmt.Sprintf("//h1[normalize-space(.)=%q]", heading))
}

// click clicks the first link or button with a text, and waits for the page
// that it leads to.
func (b *tab) click(text string) {
	b.t.Helper()
	element := b.find(fmt.Sprintf("//a[contains(normalize-space(.), %[1]q)] | //button[contains(normalize-space(.), %[1]q)]", text))
	b.call(http.MethodPost, "/element/"+element+"/click", nil, nil)
}

// fill types into the field of a name.
func (b *tab) fill(name, text string) {
	b.t.Helper()
	b.call(http.MethodPost, "/element/"+b.find(fmt.Sprintf("//input[@name=%q]", name))+"/value", map[string]string{"text": text}, nil)
}

// press presses a key, wherever the focus is.
func (b *tab) press(key string) {
	b.t.Helper()
	strokes := []map[string]string{{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}}
	b.call(http.MethodPost, "/actions", map[string]any{"actions": []map[string]any{
		{"type": "key", "id": "keyboard", "actions": strokes},
	}}, nil)
}

// text is what the page says.
func (b *tab) text() (text string) {
	b.t.Helper()
	b.call(http.MethodGet, "/element/"+b.find("//body")+"/text", nil, &text)
	return text
}

// run runs a script in the page, waits for what it promises and decodes that.
func (b *tab) run(script string, out any, args ...any) {
	b.t.Helper()
	b.call(http.MethodPost, "/execute/sync", map[string]any{"script": script, "args": append([]any{}, args...)}, out)
}

// enterFrame goes on inside the first frame of the page.
func (b *tab) enterFrame() {
	b.t.Helper()
	b.call(http.MethodPost, "/frame", map[string]int{"id": 0}, nil)
}

// leaveFrames goes back to the page around them.
func (b *tab) leaveFrames() {
	b.t.Helper()
	b.call(http.MethodPost, "/frame", map[string]any{"id": nil}, nil)
}

// cookies are authkit's that would be sent with the page, by name. The fake
// AuthKit's own are left out: over TLS it is on the same host.
func (b *tab) cookies() map[string]cookie {
	b.t.Helper()
	var all []cookie
	b.call(http.MethodGet, "/cookie", nil, &all)
	kept := map[string]cookie{}
	for _, c := range all {
		if !strings.HasPrefix(c.Name, "fake-authkit-") {
			kept[c.Name] = c
		}
	}
	return kept
}

// console is what the browser has complained about since it was last asked.
func (b *tab) console() (complaints []string) {
	b.t.Helper()
	var entries []struct{ Level, Message string }
	b.call(http.MethodPost, "/se/log", map[string]string{"type": "browser"}, &entries)
	for _, e := range entries {
		complaints = append(complaints, e.Level+" "+e.Message)
	}
	return complaints
}

// complains waits for the browser to complain about something, which it may do
// later than it does what it complains of.
func (b *tab) complains(about string) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		for _, complaint := range b.console() {
			if strings.Contains(complaint, about) {
				return
			}
		}
	}
	require.Fail(b.t, "the browser does not complain", about)
}

// resize gives the page a size to show itself in, which for a window of a
// desktop could not be as small as a telephone's.
func (b *tab) resize(width, height int) {
	b.t.Helper()
	b.devtools("Emulation.setDeviceMetricsOverride", map[string]any{
		"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false,
	})
}

// screenshot is the page as a PNG.
func (b *tab) screenshot() []byte {
	b.t.Helper()
	var encoded string
	b.call(http.MethodGet, "/screenshot", nil, &encoded)
	picture, err := base64.StdEncoding.DecodeString(encoded)
	require.NoError(b.t, err)
	return picture
}

// tellWhereItIs helps whoever reads of a failure.
func (b *tab) tellWhereItIs() {
	var address, source string
	b.try(http.MethodGet, "/url", nil, &address)
	b.try(http.MethodGet, "/source", nil, &source)
	b.t.Logf("the browser is at %s:\n%.3000s", address, source)
}

// nothingBlocked holds that no policy kept the browser from anything.
func (b *tab) nothingBlocked() {
	b.t.Helper()
	for _, complaint := range b.console() {
		assert.NotContains(b.t, complaint, "Content Security Policy")
		assert.NotContains(b.t, complaint, "Refused to")
	}
}

func names(cookies map[string]cookie) (all []string) {
	for name := range cookies {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
