// The program oauth2-proxy: how it is built, registered and started.

package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The module of oauth2-proxy, and the version that is measured.
const (
	ProxyModule  = "github.com/oauth2-proxy/oauth2-proxy/v7"
	ProxyVersion = "v7.15.6"
)

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

// StartOAuth2Proxy starts oauth2-proxy in front of an application (http://host:port), with a fake AuthKit as its OpenID Connect
// provider. Its settings are the defaults, without logs of requests and sign-ins, and the arguments that follow.
func StartOAuth2Proxy(ctx context.Context, program, issuer, application string, arguments ...string) (d *Door, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	address := listener.Addr().String()
	callback := "http://" + address + "/oauth2/callback"
	id, secret, err := registerClient(ctx, issuer, callback)
	if err != nil {
		return nil, errors.Join(err, file.Close(), listener.Close())
	}
	// The program takes the listener over as from systemd, which tells the ID of the process to which it gives one.
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", `LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@"`, program,
		"--http-address=fd:3", "--upstream=" + application + "/", "--redirect-url=" + callback,
		"--provider=oidc", "--oidc-issuer-url=" + issuer, "--code-challenge-method=S256", "--skip-provider-button",
		"--client-id=" + id, "--email-domain=*", "--cookie-secure=false",
		"--request-logging=false", "--auth-logging=false"}, arguments...)...)
	cmd.Env = append(os.Environ(), "OAUTH2_PROXY_CLIENT_SECRET="+secret, "OAUTH2_PROXY_COOKIE_SECRET="+strings.Repeat("c", 32))
	cmd.ExtraFiles = []*os.File{file}
	cmd.Stderr = os.Stderr
	err = cmd.Start()
	// Now the listener is that of the process. If the process ends, connections to it fail.
	if err := errors.Join(err, file.Close(), listener.Close()); err != nil {
		return nil, err
	}
	d = NewDoor(address, cmd)
	if err := d.AwaitRedirect(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// registerClient registers oauth2-proxy at the fake AuthKit.
func registerClient(ctx context.Context, issuer, redirectURL string) (id, secret string, err error) {
	metadata, err := json.Marshal(map[string]any{
		"client_name": "oauth2-proxy", "redirect_uris": []string{redirectURL}, "grant_types": []string{"authorization_code", "refresh_token"},
	})
	if err != nil {
		return "", "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, issuer+"/oauth2/register", bytes.NewReader(metadata))
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
