// One session that applications in Go and JavaScript share.

package interop_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

const yuki = "yuki@example.com"

// sharedApps is two applications with one fake AuthKit, one in Go and one in
// JavaScript. Both have the same environment. Both are on localhost, whose ports
// share cookies.
type sharedApps struct {
	t          *testing.T
	fake       *authkittest.Server
	clock      *authkittest.FakeClock
	goURL      string // URL of the application in Go
	javascript string // URL of the application in JavaScript
}

// me is the signed-in user as both applications return it.
type me struct {
	Email          string            `json:"email"`
	FirstName      string            `json:"firstName"`
	LastName       string            `json:"lastName"`
	Metadata       map[string]string `json:"metadata"`
	CreatedAt      string            `json:"createdAt"`
	OrganizationID string            `json:"organizationId"`
	Role           string            `json:"role"`
	Permissions    []string          `json:"permissions"`
	Impersonator   string            `json:"impersonator"`
}

// libraries are authkit and the two JavaScript libraries.
var libraries = []string{"go", "node", "session"}

func newSharedApps(t *testing.T, opts ...authkit.Option) *sharedApps {
	t.Helper()
	clock := authkittest.NewFakeClock(time.Now())
	apps := &sharedApps{t: t, clock: clock, fake: authkittest.New(t, authkittest.WithClock(clock), authkittest.WithUsers(authkittest.User{
		ID: "user_yuki", Email: yuki, FirstName: "由紀 Ωμέγα", LastName: "Ødegård-Иванова 👩‍🚀",
		Metadata: map[string]string{"plan": "pro", "ключ": "значение", "quote": `"<&>`},
		Memberships: []authkittest.Membership{
			{OrganizationID: "org_acme", Role: "admin", Permissions: []string{"posts:read", "posts:write"}},
			{OrganizationID: "org_beta", Role: "viewer", Permissions: []string{"posts:read"}},
		},
	}))}
	env := apps.fake.Env()
	env["WORKOS_COOKIE_PASSWORD"] = rand.Text() + rand.Text()
	for name, value := range env {
		t.Setenv(name, value)
	}
	apps.startGo(opts...)
	apps.startJavaScript(env)
	apps.advance(0)
	return apps
}

// TestMain runs one test only if the JavaScript libraries are missing, and prints
// the reason. For a list of packages, the go command does not show it.
func TestMain(m *testing.M) {
	flag.Parse()
	if missing := missingRequirement(); missing != "" {
		fmt.Printf("skipped: the tests with the AuthKit libraries for JavaScript: %s; see go doc ./internal/interop\n", missing)
		flag.Set("test.run", "^TestTheLibrariesForJavaScriptAreInstalled$")
	}
	os.Exit(m.Run())
}

// The go command caches the result of a test with the environment that it has read. It does not see what TestMain reads. So
// this test looks again: otherwise the result without Node.js would stay in the cache when Node.js is there.
func TestTheLibrariesForJavaScriptAreInstalled(t *testing.T) {
	required := os.Getenv("AUTHKIT_INTEROP") == "required"
	switch missing := missingRequirement(); {
	case missing != "" && required:
		t.Fatalf("%s; see go doc ./internal/interop", missing)
	case missing != "":
		t.Skipf("%s; see go doc ./internal/interop", missing)
	}
}

// missingRequirement returns what the JavaScript application lacks, or "".
func missingRequirement() string {
	version, err := exec.Command("node", "--version").Output()
	if err != nil {
		return "Node.js is not installed"
	}
	var major, minor int
	if _, err := fmt.Sscanf(string(version), "v%d.%d.", &major, &minor); err != nil || major < 22 || major == 22 && minor < 11 {
		return "Node.js is " + strings.TrimSpace(string(version)) + ", and 22.11 or newer is needed"
	}
	for _, name := range []string{"@workos-inc/node", "@workos/authkit-session", "iron-session", "iron-store", "workos-node-11"} {
		if _, err := os.Stat("node_modules/" + name); err != nil {
			return "the package " + name + " is not installed (npm ci)"
		}
	}
	return ""
}

func (apps *sharedApps) startGo(opts ...authkit.Option) {
	server := httptest.NewUnstartedServer(nil)
	apps.goURL = strings.Replace("http://"+server.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
	ak, err := authkit.FromEnv(append([]authkit.Option{
		authkit.WithRedirectURL(apps.goURL + "/callback"), authkit.WithClock(apps.clock),
	}, opts...)...)
	require.NoError(apps.t, err)
	mux := http.NewServeMux()
	mux.Handle("/go/login", ak.Login(authkit.LoginParams{ReturnTo: "/go/me"}))
	mux.Handle("/callback", ak.Callback())
	mux.Handle("/go/logout", ak.Logout())
	mux.Handle("/go/organization", ak.SwitchOrganization())
	mux.Handle("/go/me", ak.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := authkit.FromContext(r.Context())
		user := s.User()
		impersonator, _ := s.Impersonator()
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(me{
			user.Email, user.FirstName, user.LastName, user.Metadata, user.CreatedAt.UTC().Format("2006-01-02T15:04:05.000Z"),
			s.OrganizationID(), s.Role(), s.Permissions(), impersonator.Email,
		})
	})))
	server.Config.Handler = ak.Middleware(mux)
	server.Start()
	apps.t.Cleanup(server.Close)
}

func (apps *sharedApps) startJavaScript(env map[string]string) {
	// With this context, a process that hangs fails only its own test.
	cmd := exec.CommandContext(apps.t.Context(), "node", "neighbour.mjs")
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, "PATH="+os.Getenv("PATH"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(apps.t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(apps.t, err)
	require.NoError(apps.t, cmd.Start())
	apps.t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(apps.t, err, "node neighbour.mjs: %s", &stderr)
	apps.javascript = strings.TrimSpace(line)
}

// advance moves the clock of both applications and of the fake.
func (apps *sharedApps) advance(d time.Duration) {
	apps.t.Helper()
	apps.clock.Advance(d)
	resp, err := http.Post(fmt.Sprintf("%s/clock?now=%d", apps.javascript, apps.clock.Now().UnixMilli()), "", nil)
	require.NoError(apps.t, err)
	resp.Body.Close()
}

// url returns the URL of a path in the application that uses a library.
func (apps *sharedApps) url(library, path string) string {
	if library == "go" {
		return apps.goURL + "/go/" + path
	}
	return apps.javascript + "/" + library + "/" + path
}

func (apps *sharedApps) browser() *browser {
	b := &browser{authkittest.NewBrowser(), apps}
	apps.t.Cleanup(b.CloseIdleConnections)
	return b
}

type browser struct {
	*authkittest.Browser
	apps *sharedApps
}

// signIn signs yuki in to an application.
func (b *browser) signIn(library string) {
	b.apps.t.Helper()
	page, err := b.SignIn(b.apps.url(library, "login"), yuki)
	require.NoError(b.apps.t, err)
	require.Contains(b.apps.t, page.Body, yuki)
}

// me returns the signed-in user of an application.
func (b *browser) me(library string) me {
	b.apps.t.Helper()
	return b.call(http.MethodGet, b.apps.url(library, "me"), nil)
}

// refresh makes an application refresh the session and returns the signed-in user.
func (b *browser) refresh(library string) me {
	b.apps.t.Helper()
	if library == "go" { // it refreshes a stale session
		b.apps.advance(6 * time.Minute)
		return b.me(library)
	}
	return b.call(http.MethodPost, b.apps.url(library, "refresh"), nil)
}

// switchTo switches the session to another organization.
func (b *browser) switchTo(library, organization string) me {
	b.apps.t.Helper()
	if library == "go" {
		b.call(http.MethodPost, b.apps.url(library, "organization"), url.Values{"organization_id": {organization}})
		return b.me(library)
	}
	return b.call(http.MethodPost, b.apps.url(library, "refresh?organization="+organization), nil)
}

// signOut ends the session in an application and returns the logout URL of
// WorkOS.
func (b *browser) signOut(library string) (logoutURL string) {
	b.apps.t.Helper()
	var reply struct {
		Go         string `json:"logout_url"`
		JavaScript string `json:"location"`
	}
	require.NoError(b.apps.t, json.Unmarshal(b.fetch(http.MethodPost, b.apps.url(library, "logout"), nil), &reply))
	return reply.Go + reply.JavaScript
}

// call sends a request and returns the signed-in user of the reply, if there is one.
func (b *browser) call(method, address string, form url.Values) (user me) {
	b.apps.t.Helper()
	require.NoError(b.apps.t, json.Unmarshal(b.fetch(method, address, form), &user))
	return user
}

// fetch sends a request like a script with fetch() and returns the body.
func (b *browser) fetch(method, address string, form url.Values) []byte {
	b.apps.t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	require.NoError(b.apps.t, err)
	r.Header.Set("Sec-Fetch-Mode", "cors")
	r.Header.Set("Sec-Fetch-Dest", "empty")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := b.Do(r)
	require.NoError(b.apps.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(b.apps.t, err)
	require.Less(b.apps.t, resp.StatusCode, 500, "%s", body)
	return body
}

// session returns the content of the session cookie as iron-session reads it.
func (b *browser) session() (session map[string]any) {
	b.apps.t.Helper()
	resp, err := b.Client.Get(b.apps.javascript + "/iron")
	require.NoError(b.apps.t, err)
	defer resp.Body.Close()
	require.NoError(b.apps.t, json.NewDecoder(resp.Body).Decode(&session))
	return session
}

// cookies returns the session cookies of the browser.
func (b *browser) cookies() map[string]string {
	u, _ := url.Parse(b.apps.goURL + "/")
	found := map[string]string{}
	for _, c := range b.Jar.Cookies(u) {
		if strings.Contains(c.Name, "session") {
			found[c.Name] = c.Value
		}
	}
	return found
}

func TestEveryLibraryReadsAndRefreshesASharedSessionInEveryOrder(t *testing.T) {
	apps := newSharedApps(t, authkit.WithSharedSession())
	for _, first := range libraries {
		for _, second := range libraries {
			for _, third := range libraries {
				t.Run(first+", "+second+", "+third, func(t *testing.T) {
					b := apps.browser()
					b.signIn(first)
					refreshesBefore := apps.fake.Calls(authkittest.RouteRefresh)
					want := b.me(first)
					require.Equal(t, yuki, want.Email)
					require.Equal(t, "由紀 Ωμέγα", want.FirstName)
					require.Len(t, want.Metadata, 3)
					require.Equal(t, "admin", want.Role)
					for i, library := range []string{second, third, first} {
						require.Equal(t, want, b.refresh(library), "refreshed by %s", library)
						for _, reader := range libraries {
							require.Equal(t, want, b.me(reader), "refreshed by %s, read by %s", library, reader)
						}
						require.Equal(t, i+1, apps.fake.Calls(authkittest.RouteRefresh)-refreshesBefore, "each refresh makes one exchange, and reading makes none")
						require.Equal(t, yuki, b.session()["user"].(map[string]any)["email"], "read by iron-session")
					}
					assert.Len(t, b.cookies(), 1)
					assert.Contains(t, b.cookies(), "wos-session")
				})
			}
		}
	}
}

func TestAnExpiredSessionIsRefreshedByTheFirstLibraryThatReadsIt(t *testing.T) {
	apps := newSharedApps(t, authkit.WithSharedSession())
	for _, library := range libraries {
		b := apps.browser()
		b.signIn("go")
		want := b.me("go")
		for range 3 {
			apps.advance(7 * time.Minute)
			for _, reader := range append([]string{library}, libraries...) {
				require.Equal(t, want, b.me(reader), "read by %s first, then by %s", library, reader)
			}
		}
	}
}

func TestConcurrentRefreshesInGoAndJavaScriptBothSucceed(t *testing.T) {
	apps := newSharedApps(t, authkit.WithSharedSession())
	for _, library := range []string{"node", "session"} {
		b := apps.browser()
		b.signIn(library)
		want := b.me(library)
		apps.advance(6 * time.Minute)
		// Two browsers with the same cookie represent two concurrent requests of
		// one browser, each with its own response.
		goBrowser, jsBrowser := apps.browser(), apps.browser()
		u, _ := url.Parse(apps.goURL + "/")
		for _, browser := range []*browser{goBrowser, jsBrowser} {
			browser.Jar.SetCookies(u, []*http.Cookie{{Name: "wos-session", Value: b.cookies()["wos-session"], Path: "/"}})
		}
		done := make(chan me)
		go func() { done <- jsBrowser.me(library) }()
		assert.Equal(t, want, goBrowser.me("go"))
		assert.Equal(t, want, <-done)
		assert.Equal(t, goBrowser.session()["refreshToken"], jsBrowser.session()["refreshToken"])
		// Both applications accept the cookie of either response.
		assert.Equal(t, want, jsBrowser.refresh("go"))
		apps.advance(time.Minute)
		assert.Equal(t, want, jsBrowser.refresh(library))
	}
}

func TestEveryLibrarySeesAnOrganizationSwitch(t *testing.T) {
	apps := newSharedApps(t, authkit.WithSharedSession())
	for _, library := range libraries {
		b := apps.browser()
		b.signIn("session")
		require.Equal(t, "org_acme", b.me("session").OrganizationID)
		want := b.switchTo(library, "org_beta")
		require.Equal(t, "org_beta", want.OrganizationID, library)
		require.Equal(t, []string{"posts:read"}, want.Permissions)
		for _, reader := range libraries {
			require.Equal(t, want, b.me(reader), "switched by %s, read by %s", library, reader)
		}
		for _, refresher := range libraries {
			require.Equal(t, want, b.refresh(refresher), "switched by %s, refreshed by %s", library, refresher)
		}
	}
}

func TestASignOutInOneLibraryEndsTheSessionInAll(t *testing.T) {
	apps := newSharedApps(t, authkit.WithSharedSession())
	for _, library := range libraries {
		b := apps.browser()
		for _, first := range libraries {
			b.signIn(first)
			for _, reader := range libraries {
				require.Equal(t, yuki, b.me(reader).Email, "signed in by %s, read by %s", first, reader)
			}
			logoutURL := b.signOut(library)
			assert.Empty(t, b.cookies(), library)
			for _, reader := range libraries {
				assert.Empty(t, b.me(reader).Email, "signed out by %s, read by %s", library, reader)
			}
			_, err := b.Get(logoutURL)
			require.NoError(t, err)
		}
	}
	for _, s := range apps.fake.Sessions() {
		assert.False(t, s.Active(), "the session has ended at WorkOS, too")
	}
}

func TestEveryLibraryKeepsTheImpersonator(t *testing.T) {
	apps := newSharedApps(t, authkit.WithSharedSession())
	b := apps.browser()
	_, err := b.Get(apps.fake.Impersonate(yuki, "ops@example.com", "ticket 9", apps.javascript+"/node/callback"))
	require.NoError(t, err)
	for _, refresher := range []string{"node", "go", "session", "go"} {
		require.Equal(t, "ops@example.com", b.refresh(refresher).Impersonator, refresher)
		for _, reader := range libraries {
			require.Equal(t, "ops@example.com", b.me(reader).Impersonator, "refreshed by %s, read by %s", refresher, reader)
		}
	}
}

// JavaScript code of that version seals the session.
func TestASealOfTheEarlierIronSessionOpensAndIsSealedAgainInTheCurrentForm(t *testing.T) {
	apps := newSharedApps(t, authkit.WithSharedSession())
	for _, suffix := range []string{"", "~1"} {
		b := apps.browser()
		b.signIn("node")
		want := b.me("node")
		b.fetch(http.MethodPost, apps.javascript+"/earlier?suffix="+suffix, nil)
		require.NotContains(t, b.cookies()["wos-session"], "~2")
		assert.Equal(t, yuki, b.session()["user"].(map[string]any)["email"], "iron-session, of the library for Next.js, opens it")
		if suffix != "" { // @workos-inc/node opens no seal of that version without a suffix
			assert.Equal(t, want, b.me("node"))
		}
		assert.Equal(t, want, b.me("go"))
		assert.NotContains(t, b.cookies()["wos-session"], "~2", "reading writes nothing")

		assert.Equal(t, want, b.refresh("go"))
		assert.Regexp(t, "~2$", b.cookies()["wos-session"])
		assert.NotContains(t, b.session(), "persistent")
		for _, library := range libraries {
			assert.Equal(t, want, b.refresh(library), "refreshed by %s", library)
		}
	}
}

func TestASealOfTheEarlierIronSessionIsConvertedByGo(t *testing.T) {
	apps := newSharedApps(t, authkit.WithForeignSessions())
	b := apps.browser()
	b.signIn("node")
	want := b.me("node")
	b.fetch(http.MethodPost, apps.javascript+"/earlier?suffix=~1", nil)
	assert.Equal(t, want, b.me("go"))
	assert.Equal(t, want, b.refresh("go"))
	assert.Len(t, b.cookies(), 1)
	assert.Contains(t, b.cookies(), "authkit-session")
}

func TestAJavaScriptSessionIsConvertedByGo(t *testing.T) {
	apps := newSharedApps(t, authkit.WithForeignSessions())
	for _, library := range []string{"node", "session"} {
		b := apps.browser()
		b.signIn(library)
		want := b.me(library)
		assert.Equal(t, want, b.me("go"))
		assert.Contains(t, b.cookies(), "wos-session", "the cookie stays until the session is written")
		assert.Equal(t, want, b.refresh("go"))
		assert.Len(t, b.cookies(), 1)
		assert.Contains(t, b.cookies(), "authkit-session")
		assert.Equal(t, want, b.refresh("go"))
	}
}
