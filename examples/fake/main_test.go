// The program as a process: with a command, without one, and its exit status.

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// role is the variable that makes the test binary run as the program or as the application that the program runs.
const role = "AUTHKIT_FAKE_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "program":
		os.Setenv(role, "application") // for the command
		main()
	case "application":
		application()
	}
	os.Exit(m.Run())
}

// application is the user's program. It knows only the environment.
func application() {
	if len(os.Args) > 1 && os.Args[1] == "fail" {
		os.Exit(7)
	}
	ak, err := authkit.FromEnv()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /login", ak.Login())
	mux.Handle("GET /callback", ak.Callback())
	mux.Handle("GET /account", ak.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := authkit.FromContext(r.Context())
		fmt.Fprint(w, "Hello, ", s.User().Email)
	})))
	mux.HandleFunc("POST /webhooks/workos", func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		event, err := workos.ParseWebhook(r.Header, body, time.Now(), os.Getenv("WORKOS_WEBHOOK_SECRET"))
		fmt.Println("webhook", event.Type, err)
	})
	listener, err := net.Listen("tcp", os.Getenv("ADDR"))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("serving")
	fmt.Println(http.Serve(listener, ak.Middleware(mux)))
	os.Exit(1)
}

// output is what a running program has printed.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start starts the program.
func start(t *testing.T, env []string, args ...string) (cmd *exec.Cmd, stdout *bufio.Reader, stderr *output) {
	t.Helper()
	binary, err := os.Executable()
	require.NoError(t, err)
	// If the program hangs, only this test fails.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	cmd = exec.CommandContext(ctx, binary, args...)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "WORKOS_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(append(cmd.Env, role+"=program"), env...)
	pipe, err := cmd.StdoutPipe()
	require.NoError(t, err)
	stderr = &output{}
	cmd.Stderr = stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		if cmd.ProcessState == nil { // the test failed before the program ended
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return cmd, bufio.NewReader(pipe), stderr
}

// printedVariables returns the variables that the program prints for a shell.
func printedVariables(t *testing.T, stdout *bufio.Reader) map[string]string {
	t.Helper()
	variables := map[string]string{}
	for range 8 {
		line, err := stdout.ReadString('\n')
		require.NoError(t, err)
		match := regexp.MustCompile(`^export (WORKOS_\w+)='([^']+)'\n$`).FindStringSubmatch(line)
		require.NotNil(t, match, line)
		variables[match[1]] = match[2]
	}
	return variables
}

// freeAddress returns an address of localhost on which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return strings.Replace(listener.Addr().String(), "127.0.0.1", "localhost", 1)
}

func TestTheFakeProgramRunsACommandThatAUserSignsInTo(t *testing.T) {
	address := freeAddress(t)
	binary, err := os.Executable()
	require.NoError(t, err)
	cmd, stdout, stderr := start(t, []string{"ADDR=" + address}, "-redirect", "http://"+address+"/callback", binary)
	line, err := stdout.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "serving\n", line)

	page, err := authkittest.NewBrowser().SignIn("http://"+address+"/account", "ada@harborpress.test")
	require.NoError(t, err)
	assert.Equal(t, "Hello, ada@harborpress.test", page.Body)

	for _, typ := range []string{"authentication.password_succeeded", "session.created"} {
		line, err := stdout.ReadString('\n')
		require.NoError(t, err)
		assert.Equal(t, "webhook "+typ+" <nil>\n", line)
	}

	// Each printed command changes something, and the application gets the event.
	commands := regexp.MustCompile(`(?m)^fake:   curl (.*?)(http://127\.0\.0\.1:\d+/\w+)    # `).FindAllStringSubmatch(stderr.String(), -1)
	for i, typ := range []string{
		"session.revoked", "organization_membership.updated", "organization_membership.deleted", "user.deleted", "api_key.revoked", "",
	} {
		form := url.Values{}
		for _, field := range regexp.MustCompile(`-d (\w+)=('[^']+'|\S+)`).FindAllStringSubmatch(commands[i][1], -1) {
			form.Set(field[1], strings.Trim(field[2], "'"))
		}
		response, err := http.PostForm(commands[i][2], form)
		if typ == "" {
			response, err = http.Get(commands[i][2])
		}
		require.NoError(t, err)
		response.Body.Close()
		require.Equal(t, http.StatusOK, response.StatusCode, commands[i][0])
		if typ != "" {
			line, err := stdout.ReadString('\n')
			require.NoError(t, err)
			assert.Equal(t, "webhook "+typ+" <nil>\n", line)
		}
	}

	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	_, err = io.ReadAll(stdout)
	require.NoError(t, err)
	assert.Error(t, cmd.Wait(), "SIGTERM ends the command")
	assert.Contains(t, stderr.String(), "Open the pages of your application")
	assert.Contains(t, stderr.String(), "Webhooks go to http://"+address+"/webhooks/workos.")
	assert.Contains(t, stderr.String(), "chiara@example.com (member of Harbor Press with posts:read; admin of Pine Street Studio with posts:read, posts:write)")
	assert.Regexp(t, `Organizations: Harbor Press org_\w+, Pine Street Studio org_\w+\.`, stderr.String())
	assert.Regexp(t, `API key of Harbor Press with posts:read, posts:write, members:manage: Authorization: Bearer sk_\w+\n`, stderr.String())
	_, err = net.Dial("tcp", address)
	assert.Error(t, err, "the command has ended")
}

func TestTheFakeProgramAcceptsTheRedirectURLsOfSeveralHosts(t *testing.T) {
	cmd, stdout, _ := start(t, nil, "-redirect", "http://app.localhost:3000/callback", "-redirect", "http://acme.localhost:3000/callback")
	variables := printedVariables(t, stdout)
	assert.Equal(t, "http://app.localhost:3000/callback", variables["WORKOS_REDIRECT_URI"])
	for host, status := range map[string]int{"app": http.StatusOK, "acme": http.StatusOK, "other": http.StatusBadRequest} {
		query := url.Values{
			"client_id": {variables["WORKOS_CLIENT_ID"]}, "response_type": {"code"}, "provider": {"authkit"}, "state": {"state"},
			"redirect_uri": {"http://" + host + ".localhost:3000/callback"},
		}
		response, err := http.Get("http://" + variables["WORKOS_API_HOSTNAME"] + ":" + variables["WORKOS_API_PORT"] + "/user_management/authorize?" + query.Encode())
		require.NoError(t, err)
		response.Body.Close()
		assert.Equal(t, status, response.StatusCode, host)
	}
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	assert.NoError(t, cmd.Wait())
}

func TestTheFakeProgramHasTheExitStatusOfItsCommand(t *testing.T) {
	binary, err := os.Executable()
	require.NoError(t, err)
	cmd, _, _ := start(t, nil, binary, "fail")
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
	assert.Equal(t, 7, exit.ExitCode())

	cmd, _, stderr := start(t, nil, "no-such-command-of-this-test")
	require.ErrorAs(t, cmd.Wait(), &exit)
	assert.Equal(t, 1, exit.ExitCode())
	assert.Contains(t, stderr.String(), "no-such-command-of-this-test")

	for _, flag := range []string{"-no-such-flag", "-webhook=/webhooks"} {
		cmd, _, _ = start(t, nil, flag)
		require.ErrorAs(t, cmd.Wait(), &exit)
		assert.Equal(t, 2, exit.ExitCode())
	}
}

func TestTheFakeProgramSendsWebhooksToTheHostOfTheRedirectURL(t *testing.T) {
	for want, args := range map[string][2]string{
		"https://app.acme.test/webhooks/workos": {"", "https://app.acme.test/auth/callback?a=b"},
		"http://localhost:1/hooks":              {"http://localhost:1/hooks", "https://app.acme.test/callback"},
		"":                                      {"", "com.acme.app:/callback"},
	} {
		assert.Equal(t, want, webhookURL(args[0], args[1]))
	}
}

func TestTheFakeProgramPrintsTheVariablesForAShell(t *testing.T) {
	cmd, stdout, _ := start(t, []string{"WORKOS_REDIRECT_URI=http://localhost:3000/auth"})
	variables := printedVariables(t, stdout)
	assert.Equal(t, "http://localhost:3000/auth", variables["WORKOS_REDIRECT_URI"])
	assert.Len(t, variables["WORKOS_WEBHOOK_SECRET"], 26)
	response, err := http.Get("http://" + variables["WORKOS_API_HOSTNAME"] + ":" + variables["WORKOS_API_PORT"] + "/sso/jwks/" + variables["WORKOS_CLIENT_ID"])
	require.NoError(t, err)
	response.Body.Close()
	assert.Equal(t, http.StatusOK, response.StatusCode)

	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	assert.NoError(t, cmd.Wait())
}
