// oauth2-proxy in front of the application without the middleware, which is another way to authenticate requests.

package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/bench/cputime"
)

// The module of oauth2-proxy, and the version that is measured.
const (
	ProxyModule  = "github.com/oauth2-proxy/oauth2-proxy/v7"
	ProxyVersion = "v7.15.6"
)

// ProxyLoad is the load that is measured through oauth2-proxy too.
var ProxyLoad = RefreshingLoad

// BuildProxy builds oauth2-proxy into a folder and returns the path of the program. It needs a network, unless the go command
// has the modules already.
func BuildProxy(ctx context.Context, folder string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "install", ProxyModule+"@"+ProxyVersion)
	cmd.Env = append(os.Environ(), "GOBIN="+folder)
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build oauth2-proxy: %w\n%s", err, output)
	}
	return filepath.Join(folder, "oauth2-proxy"), nil
}

// ProxyRound is the result of [ProxyLoad] in one round, with authkit in the server and with oauth2-proxy in front of a server
// without it.
type ProxyRound struct {
	Authkit, Proxy Result // the CPU time of Proxy is that of both processes
	// CPURatio is the CPU time of a request with oauth2-proxy, divided by that with authkit.
	CPURatio float64
	// The resident memory of the processes, in bytes.
	AuthkitMemory, ProxyMemory, UpstreamMemory float64
}

// Proxy is an oauth2-proxy with signed-in users, in front of the application of a trial.
type Proxy struct {
	trial   *Trial
	cmd     *exec.Cmd
	address string
	cookies []string // Cookie headers of sessions
}

// StartProxy starts oauth2-proxy in front of the application without the middleware, and signs users in through it.
func (t *Trial) StartProxy(ctx context.Context, program string) (p *Proxy, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	p = &Proxy{trial: t, address: listener.Addr().String()}
	id, secret, err := t.registerClient(ctx, p.url("/oauth2/callback"))
	if err != nil {
		return nil, errors.Join(err, file.Close(), listener.Close())
	}
	// The program takes the listener over as from systemd, which tells the ID of the process to which it gives one.
	p.cmd = exec.CommandContext(ctx, "/bin/sh", "-c", `LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@"`, program,
		"--http-address=fd:3", "--upstream=http://"+t.without.addresses.HTTP+"/", "--redirect-url="+p.url("/oauth2/callback"),
		"--provider=oidc", "--oidc-issuer-url="+t.with.fake.URL(), "--code-challenge-method=S256", "--skip-provider-button",
		"--client-id="+id, "--email-domain=*", "--cookie-secure=false",
		"--request-logging=false", "--auth-logging=false")
	p.cmd.Env = append(os.Environ(), "OAUTH2_PROXY_CLIENT_SECRET="+secret, "OAUTH2_PROXY_COOKIE_SECRET="+strings.Repeat("c", 32))
	p.cmd.ExtraFiles = []*os.File{file}
	p.cmd.Stderr = os.Stderr
	err = p.cmd.Start()
	// Now the listener is that of the process. If the process ends, connections to it fail.
	if err := errors.Join(err, file.Close(), listener.Close()); err != nil {
		return nil, err
	}
	if err = p.refusesOthers(ctx); err == nil {
		err = p.signIn(ProxyLoad.Concurrency)
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *Proxy) url(at string) string { return "http://" + p.address + at }

// Close stops oauth2-proxy. It does nothing for a nil Proxy.
func (p *Proxy) Close() error {
	if p == nil {
		return nil
	}
	return errors.Join(p.cmd.Process.Signal(os.Interrupt), p.cmd.Wait())
}

// registerClient registers oauth2-proxy at the fake AuthKit.
func (t *Trial) registerClient(ctx context.Context, redirectURL string) (id, secret string, err error) {
	metadata, err := json.Marshal(map[string]any{
		"client_name": "oauth2-proxy", "redirect_uris": []string{redirectURL}, "grant_types": []string{"authorization_code", "refresh_token"},
	})
	if err != nil {
		return "", "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.with.fake.URL()+"/oauth2/register", bytes.NewReader(metadata))
	if err != nil {
		return "", "", err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", "", fmt.Errorf("register oauth2-proxy: %w", err)
	}
	defer response.Body.Close()
	var client struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	if err := json.NewDecoder(response.Body).Decode(&client); err != nil || client.Secret == "" {
		return "", "", fmt.Errorf("register oauth2-proxy: %s: %w", response.Status, err)
	}
	return client.ID, client.Secret, nil
}

// refusesOthers checks that the page needs a session. The listener exists before the process, so the request waits for it.
func (p *Proxy) refusesOthers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url(signedInPath), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return fmt.Errorf("wait for oauth2-proxy: %w", err)
	}
	_, err = io.Copy(io.Discard, response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode != http.StatusFound {
		return fmt.Errorf("oauth2-proxy answered a request without a session with %s", response.Status)
	}
	return nil
}

// signIn signs users in through oauth2-proxy and keeps their cookies.
func (p *Proxy) signIn(sessions int) error {
	p.trial.with.clock.Set(time.Now())
	for range sessions {
		browser := authkittest.NewBrowser()
		page, err := browser.Get(p.url(signedInPath))
		if err == nil {
			page, err = browser.Submit(firstName, nil)
		}
		if err == nil && path.Base(page.URL.Path) == "consent" { // the first sign-in only
			page, err = browser.Submit("Allow", nil)
		}
		browser.CloseIdleConnections()
		if err != nil {
			return fmt.Errorf("sign in through oauth2-proxy: %w", err)
		}
		if page.StatusCode != http.StatusOK || page.URL.Path != signedInPath {
			return fmt.Errorf("sign in through oauth2-proxy: the last page is %v", page)
		}
		var pairs []string
		for _, c := range browser.Jar.Cookies(page.URL) {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
		p.cookies = append(p.cookies, strings.Join(pairs, "; "))
	}
	return nil
}

// Round measures the load for the given time, with oauth2-proxy and with authkit in turns.
func (p *Proxy) Round(ctx context.Context, measure time.Duration) (r ProxyRound, err error) {
	t := p.trial
	results, ratio, err := t.inTurns(ctx, ProxyLoad, measure, [2]side{
		{target{addresses: addresses{HTTP: p.address}, Cookies: p.cookies}, p.usage},
		{target{addresses: t.with.addresses, Cookies: t.cookies}, t.with.process.usage},
	})
	r.Proxy, r.Authkit, r.CPURatio = results[0], results[1], ratio
	for _, one := range []struct {
		into *float64
		cmd  *exec.Cmd
	}{{&r.ProxyMemory, p.cmd}, {&r.UpstreamMemory, t.without.process.cmd}, {&r.AuthkitMemory, t.with.process.cmd}} {
		resident, memoryErr := residentMemory(one.cmd.Process.Pid)
		*one.into, err = resident, errors.Join(err, memoryErr)
	}
	return r, err
}

// usage returns what the application has used, with the CPU time of oauth2-proxy added.
func (p *Proxy) usage() (Usage, error) {
	u, err := p.trial.without.process.usage()
	if err != nil {
		return u, err
	}
	own, err := cputime.Of(p.cmd.Process.Pid)
	u.CPU += own
	return u, err
}

// residentMemory returns the memory of a process that is in use, in bytes. It needs Linux.
func residentMemory(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kilobytes, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
			return kilobytes * 1024, err
		}
	}
	return 0, fmt.Errorf("the status of the process %d has no VmRSS", pid)
}
