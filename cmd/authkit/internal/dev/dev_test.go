// The program as a process: with a command, without one, and its exit status.

package dev_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
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
	"github.com/authkit-go/authkit/cmd/authkit/internal/dev"
	"github.com/authkit-go/authkit/cmd/authkit/internal/testprogram"
	"github.com/authkit-go/authkit/internal/testserver"
	"github.com/authkit-go/authkit/resource"
	"github.com/authkit-go/authkit/workos"
)

// role is the variable that makes the test binary run as the application that the program runs.
const role = "AUTHKIT_DEV_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(role) == "application" {
		application()
	}
	status := m.Run()
	if err := testprogram.Remove(); err != nil {
		fmt.Println(err)
		status = 1
	}
	os.Exit(status)
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

// programPath returns the path of the program.
func programPath(t *testing.T) string {
	t.Helper()
	path, err := testprogram.Path()
	require.NoError(t, err)
	return path
}

// start starts the program.
func start(t *testing.T, env []string, args ...string) (cmd *exec.Cmd, stdout *bufio.Reader, stderr *output) {
	t.Helper()
	// If the program hangs, only this test fails.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	cmd = exec.CommandContext(ctx, programPath(t), append([]string{"dev"}, args...)...)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "WORKOS_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(append(cmd.Env, role+"=application"), env...)
	pipe, err := cmd.StdoutPipe()
	require.NoError(t, err)
	stderr = &output{}
	cmd.Stderr = stderr
	cmd.WaitDelay = 10 * time.Second // for an application that outlives the program and holds the output open
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
	for range 9 {
		line, err := stdout.ReadString('\n')
		require.NoError(t, err)
		match := regexp.MustCompile(`^export ((?:NEXT_PUBLIC_)?WORKOS_\w+)='([^']+)'\n$`).FindStringSubmatch(line)
		require.NotNil(t, match, line)
		variables[match[1]] = match[2]
	}
	return variables
}

// startServing starts the program with the application as its command, and waits until that listens. start gets its address,
// which the program must know for the redirect URL. If the application's port is taken, it starts both again on another one.
func startServing(t *testing.T, start func(address string) (stdout *bufio.Reader)) (address string, stdout *bufio.Reader) {
	t.Helper()
	line := ""
	for range 5 {
		port, err := testserver.Reserve()
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, port.Release()) })
		address = "localhost:" + port.String()
		stdout = start(address)
		line, err = stdout.ReadString('\n')
		require.NoError(t, err)
		if line == "serving\n" {
			return address, stdout
		}
	}
	require.FailNow(t, "the application does not listen on any of 5 ports", line)
	return "", nil
}

func TestTheFakeProgramRunsACommandThatAUserSignsInTo(t *testing.T) {
	binary, err := os.Executable()
	require.NoError(t, err)
	var cmd *exec.Cmd
	var stderr *output
	address, stdout := startServing(t, func(address string) (stdout *bufio.Reader) {
		cmd, stdout, stderr = start(t, []string{"ADDR=" + address}, "--redirect", "http://"+address+"/callback", binary)
		return stdout
	})

	page, err := authkittest.NewBrowser().SignIn("http://"+address+"/account", "ada@harborpress.test")
	require.NoError(t, err)
	assert.Equal(t, "Hello, ada@harborpress.test", page.Body)

	for _, typ := range []string{"authentication.password_succeeded", "session.created"} {
		line, err := stdout.ReadString('\n')
		require.NoError(t, err)
		assert.Equal(t, "webhook "+typ+" <nil>\n", line)
	}

	// Each printed command changes something, and the application gets the event.
	commands := regexp.MustCompile(`(?m)^authkit:   curl (.*?)(http://127\.0\.0\.1:\d+/control/\w+)    # `).FindAllStringSubmatch(stderr.String(), -1)
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
	assert.Contains(t, stderr.String(), "Webhooks go to http://"+address+"/webhooks/workos (none with --no-webhooks).")
	assert.Contains(t, stderr.String(), "chiara@example.com (member of Harbor Press with posts:read; admin of Pine Street Studio with posts:read, posts:write)")
	assert.Regexp(t, `Organizations: Harbor Press org_\w+, Pine Street Studio org_\w+\.`, stderr.String())
	assert.Regexp(t, `API key dev of Harbor Press with posts:read, posts:write, members:manage: Authorization: Bearer sk_\w+\n`, stderr.String())
	_, err = net.Dial("tcp", address)
	assert.Error(t, err, "the command has ended")
}

func TestTheFakeProgramAcceptsTheRedirectURLsOfSeveralHosts(t *testing.T) {
	cmd, stdout, _ := start(t, nil, "--export", "--redirect", "http://app.localhost:3000/callback", "--redirect", "http://acme.localhost:3000/callback")
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

	for _, flag := range []string{"--no-such-flag", "--webhook=/webhooks", "--webhook=http://localhost:1/w --no-webhooks", "--invitation=/invited", "--role==posts:read", "--flag=", "--provider=", "--scope=", "--resource=/mcp", "--resource=http://localhost:8080/mcp#tools"} {
		cmd, _, _ = start(t, nil, strings.Fields(flag)...)
		require.ErrorAs(t, cmd.Wait(), &exit)
		assert.Equal(t, 2, exit.ExitCode())
	}
}

func TestTheFakeProgramSendsNoWebhooksIfItMustNot(t *testing.T) {
	for endpoints, args := range [][]string{{"--export", "--no-webhooks"}, {"--export"}} {
		cmd, stdout, _ := start(t, nil, args...)
		variables := printedVariables(t, stdout)
		r, err := http.NewRequest(http.MethodGet, "http://"+variables["WORKOS_API_HOSTNAME"]+":"+variables["WORKOS_API_PORT"]+"/webhook_endpoints", nil)
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+variables["WORKOS_API_KEY"])
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		var list struct{ Data []json.RawMessage }
		assert.NoError(t, json.NewDecoder(response.Body).Decode(&list))
		response.Body.Close()
		assert.Equal(t, http.StatusOK, response.StatusCode)
		assert.Len(t, list.Data, endpoints, args)
		require.NoError(t, cmd.Process.Signal(os.Interrupt))
		assert.NoError(t, cmd.Wait())
	}
}

func TestTheFakeProgramSendsWebhooksToTheHostOfTheRedirectURL(t *testing.T) {
	for want, args := range map[string][2]string{
		"https://app.acme.test/webhooks/workos": {"", "https://app.acme.test/auth/callback?a=b"},
		"http://localhost:1/hooks":              {"http://localhost:1/hooks", "https://app.acme.test/callback"},
		"":                                      {"", "com.acme.app:/callback"},
	} {
		assert.Equal(t, want, dev.ApplicationURL(args[0], args[1], "/webhooks/workos"))
	}
}

func TestTheFakeProgramPrintsTheVariablesForAShell(t *testing.T) {
	cmd, stdout, _ := start(t, []string{"WORKOS_REDIRECT_URI=http://localhost:3000/auth"}, "--export")
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

func TestTheFakeProgramHasTheRolesFlagsAndProvidersOfItsFlags(t *testing.T) {
	cmd, stdout, stderr := start(t, nil, "--export", "--role", "editor=posts:read,posts:write", "--flag", "beta", "--provider", "github")
	variables := printedVariables(t, stdout)
	fake := "http://" + variables["WORKOS_API_HOSTNAME"] + ":" + variables["WORKOS_API_PORT"]
	client, err := workos.NewClient(variables["WORKOS_CLIENT_ID"], workos.WithAPIKey(variables["WORKOS_API_KEY"]), workos.WithBaseURL(fake))
	require.NoError(t, err)
	for user, err := range client.ListUsers(t.Context(), workos.ListUsersParams{Email: "ben@harborpress.test"}) {
		require.NoError(t, err)
		for m, err := range client.ListOrganizationMemberships(t.Context(), workos.ListOrganizationMembershipsParams{UserID: user.ID}) {
			require.NoError(t, err)
			_, err = client.UpdateOrganizationMembership(t.Context(), m.ID, workos.UpdateOrganizationMembershipParams{RoleSlug: "editor"})
			assert.NoError(t, err)
		}
		providers, err := client.ListUserDataProviders(t.Context(), user.ID, "")
		require.NoError(t, err)
		require.Len(t, providers, 1)
		assert.Equal(t, "github", providers[0].Slug)
	}

	command := regexp.MustCompile(`curl -X POST -H 'Authorization: (.+)' (http://\S+/feature-flags/beta/targets/(org_\w+))    # turn beta on`).FindStringSubmatch(stderr.String())
	require.NotNil(t, command)
	r, err := http.NewRequest(http.MethodPost, command[2], nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", command[1])
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	response.Body.Close()
	for flag, err := range client.ListOrganizationFeatureFlags(t.Context(), command[3], workos.Paging{}) {
		require.NoError(t, err)
		assert.Equal(t, "beta", flag.Slug)
	}

	invitation, err := client.SendInvitation(t.Context(), workos.SendInvitationParams{Email: "zoe@example.com"})
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(invitation.AcceptInvitationURL, "http://localhost:8080/invitation?invitation_token="))
	mailbox := regexp.MustCompile(`Mail and SMS are at (\S+)\.\n`).FindStringSubmatch(stderr.String())
	require.NotNil(t, mailbox)
	page, err := authkittest.NewBrowser().Get(mailbox[1])
	require.NoError(t, err)
	assert.Contains(t, page.Body, "zoe@example.com")

	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	assert.NoError(t, cmd.Wait())
}

func TestTheFakeProgramIssuesTokensForTheResourceOfItsFlag(t *testing.T) {
	const resource = "http://localhost:8080/mcp"
	cmd, stdout, _ := start(t, nil, "--export", "--resource", resource, "--scope", "posts:write")
	domain, err := stdout.ReadString('\n') // the first name in alphabetical order
	require.NoError(t, err)
	variables := printedVariables(t, stdout)
	issuer := "http://" + variables["WORKOS_API_HOSTNAME"] + ":" + variables["WORKOS_API_PORT"]
	assert.Equal(t, "export AUTHKIT_DOMAIN='"+issuer+"'\n", domain)

	r, err := http.Post(issuer+"/oauth2/register", "application/json", strings.NewReader(`{"redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none"}`))
	require.NoError(t, err)
	var client struct {
		ID string `json:"client_id"`
	}
	require.NoError(t, json.NewDecoder(r.Body).Decode(&client))
	require.NoError(t, r.Body.Close())
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for want, change := range map[string]url.Values{
		"":               {},
		"invalid_target": {"resource": {"http://localhost:8080/other"}},
		"invalid_scope":  {"scope": {"posts:delete"}},
	} {
		q := url.Values{
			"client_id": {client.ID}, "response_type": {"code"}, "redirect_uri": {"http://127.0.0.1:1/callback"}, "state": {"state"}, "scope": {"openid posts:write"},
			"resource": {resource}, "code_challenge": {strings.Repeat("x", 43)}, "code_challenge_method": {"S256"},
		}
		maps.Copy(q, change)
		r, err := browser.Get(issuer + "/oauth2/authorize?" + q.Encode())
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		location, err := r.Location()
		require.NoError(t, err)
		assert.Equal(t, want, location.Query().Get("error"))
		assert.Equal(t, want != "", location.Host == "127.0.0.1:1")
	}
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	assert.NoError(t, cmd.Wait())
}

func TestTheFakeProgramHasTheResourcesAndScopesOfItsFlags(t *testing.T) {
	const mcp = "https://mcp.acme.test/mcp"
	cmd, stdout, stderr := start(t, nil, "--export", "--resource", mcp, "--resource", "https://api.acme.test", "--scope", "posts:read", "--scope", "posts:write")
	domain, err := stdout.ReadString('\n')
	require.NoError(t, err)
	issuer := strings.TrimSuffix(strings.TrimPrefix(domain, "export AUTHKIT_DOMAIN='"), "'\n")
	variables := printedVariables(t, stdout)
	// The program prints the commands before the variables, but on another pipe.
	require.Eventually(t, func() bool { return strings.Contains(stderr.String(), "api.acme.test' http") }, 10*time.Second, 10*time.Millisecond)
	assert.Contains(t, stderr.String(), "Tokens are for "+mcp+", https://api.acme.test, "+variables["WORKOS_CLIENT_ID"]+";")

	assert.Contains(t, stderr.String(), "Open the pages of your application, or connect a client to "+mcp+" or https://api.acme.test.\n")
	assert.Contains(t, stderr.String(), "The issuer of Connect (AUTHKIT_DOMAIN) is "+issuer+". ")
	assert.Contains(t, stderr.String(), "authkit:   claude mcp add --transport http api '"+mcp+"'    # ")

	command := regexp.MustCompile(`curl -u (\w+):(\w+) -d grant_type=client_credentials (http://\S+)/oauth2/token    # `).FindStringSubmatch(stderr.String())
	require.NotNil(t, command)
	response, err := http.PostForm(command[3]+"/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {command[1]}, "client_secret": {command[2]}})
	require.NoError(t, err)
	defer response.Body.Close()
	var issued struct {
		AccessToken string `json:"access_token"`
	}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&issued))
	api, err := resource.New(command[3], mcp, resource.WithAudiences(variables["WORKOS_CLIENT_ID"]))
	require.NoError(t, err)
	token, err := api.Verify(t.Context(), issued.AccessToken)
	require.NoError(t, err)
	assert.NoError(t, token.CheckScopes("posts:read", "posts:write"))

	command = regexp.MustCompile(`curl -d email=(\S+) --data-urlencode resource='(\S+/mcp)' (http://\S+/control/resource-token)    # `).FindStringSubmatch(stderr.String())
	require.NotNil(t, command)
	response, err = http.PostForm(command[3], url.Values{"email": {command[1]}, "resource": {command[2]}})
	require.NoError(t, err)
	defer response.Body.Close()
	require.NoError(t, json.NewDecoder(response.Body).Decode(&issued))
	token, err = api.Verify(t.Context(), issued.AccessToken)
	require.NoError(t, err)
	assert.False(t, token.IsMachine())

	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	assert.NoError(t, cmd.Wait())
}
