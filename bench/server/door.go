// Doors: reverse proxies that sign users in, in front of an application.

package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path"
	"strconv"
	"strings"

	"github.com/authkit-go/authkit/authkittest"
)

// Door is a running reverse proxy that signs users in.
type Door struct {
	address string // host:port
	cmd     *exec.Cmd
	cookies []string // Cookie headers of sessions
	// redirect is the status of the redirect to a sign-in.
	redirect int
}

// NewDoor returns the door that a process is. The process accepts connections at host:port.
func NewDoor(address string, cmd *exec.Cmd) *Door { return &Door{address: address, cmd: cmd} }

// Close stops the process. It does nothing for a nil Door.
func (d *Door) Close() error {
	if d == nil {
		return nil
	}
	return errors.Join(d.cmd.Process.Signal(os.Interrupt), d.cmd.Wait())
}

func (d *Door) url(at string) string { return "http://" + d.address + at }

// AwaitRedirect checks that the page for signed-in users redirects others to a sign-in. The listener of a process may exist before the
// process accepts connections, so the request waits for it.
func (d *Door) AwaitRedirect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url(signedInPath), nil)
	if err != nil {
		return err
	}
	for _, field := range header {
		r.Header.Set(field[0], field[1])
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return fmt.Errorf("wait for the proxy: %w", err)
	}
	_, err = io.Copy(io.Discard, response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode != http.StatusFound && response.StatusCode != http.StatusSeeOther {
		return fmt.Errorf("the proxy answered a request without a session with %s", response.Status)
	}
	d.redirect = response.StatusCode
	return nil
}

// SignIn signs the user of [StartFake] in, each time with another browser, and keeps the cookies.
func (d *Door) SignIn(sessions int) error {
	for range sessions {
		browser := authkittest.NewBrowser()
		page, err := browser.Get(d.url(signedInPath))
		if err == nil {
			page, err = browser.Submit(firstName, nil)
		}
		if err == nil && path.Base(page.URL.Path) == "consent" { // the first sign-in only
			page, err = browser.Submit("Allow", nil)
		}
		browser.CloseIdleConnections()
		if err != nil {
			return fmt.Errorf("sign in through the proxy: %w", err)
		}
		if page.StatusCode != http.StatusOK || page.URL.Path != signedInPath {
			return fmt.Errorf("sign in through the proxy: the last page is %v", page)
		}
		var pairs []string
		for _, c := range browser.Jar.Cookies(page.URL) {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
		d.cookies = append(d.cookies, strings.Join(pairs, "; "))
	}
	return nil
}

// CookieSize returns the bytes of the Cookie header of a session.
func (d *Door) CookieSize() int { return len(d.cookies[0]) }

// ResidentMemory returns the memory of the process that is in use, in bytes, and the most that was in use so far. It needs Linux.
func (d *Door) ResidentMemory() (now, most float64, err error) {
	now, err = statusOf(d.cmd.Process.Pid, "VmRSS")
	if err != nil {
		return 0, 0, err
	}
	most, err = statusOf(d.cmd.Process.Pid, "VmHWM")
	return now, most, err
}

// Hold opens connections, sends a request of a session on each, and leaves them open until release is called.
func (d *Door) Hold(connections int) (release func(), err error) {
	var held []*http1
	release = func() {
		for _, one := range held {
			one.close()
		}
	}
	for i := range connections {
		one, err := dialHTTP1(d.address, signedInPath, http.StatusOK)
		if err != nil {
			release()
			return nil, err
		}
		held = append(held, one)
		if _, err := one.exchange(d.cookies[i%len(d.cookies)]); err != nil {
			release()
			return nil, err
		}
	}
	return release, nil
}

// residentMemory returns the memory of a process that is in use, in bytes. It needs Linux.
func residentMemory(pid int) (float64, error) { return statusOf(pid, "VmRSS") }

// statusOf returns a size that Linux tells about a process, in bytes.
func statusOf(pid int, name string) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kilobytes, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
			return kilobytes * 1024, err
		}
	}
	return 0, fmt.Errorf("the status of the process %d has no %s", pid, name)
}
