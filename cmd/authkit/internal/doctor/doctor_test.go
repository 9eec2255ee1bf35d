// The checks over HTTP: a set-up without a fault, the broken ones, and what is never printed.

package doctor

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testserver"
)

// update makes TestTheDoctorFindsWhatIsWrongWithEachSetUp write the table.
var update = flag.Bool("update", false, "write docs/doctor.md")

const document = "../../../../docs/doctor.md"

// result returns the result of a check with a status, or nil.
func result(results []Result, check string, status Status) *Result {
	for i, r := range results {
		if r.Check == check && r.Status == status {
			return &results[i]
		}
	}
	return nil
}

// requireNoSecret fails the test if a result contains a secret of the scene.
func requireNoSecret(t *testing.T, s *scene, results []Result) {
	t.Helper()
	text := fmt.Sprint(results)
	for _, name := range []string{"WORKOS_API_KEY", "WORKOS_COOKIE_PASSWORD", "WORKOS_WEBHOOK_SECRET"} {
		if secret := strings.Trim(s.env[name], "\" \n"); secret != "" {
			require.False(t, strings.Contains(text, secret), "%s is in the results", name)
		}
	}
	require.False(t, strings.Contains(text, goodPassword), "a password is in the results")
}

func TestTheDoctorFindsNoFaultInASetUpWithoutOne(t *testing.T) {
	s := newScene(t)
	s.application(func(next http.Handler) http.Handler { return next })
	s.env["WORKOS_WEBHOOK_SECRET"] = "whsec_0123456789abcdef"
	s.setenv()
	var begun []string
	s.cfg.Progress = func(check string) { begun = append(begun, check) }
	results := Run(t.Context(), s.cfg)
	assert.False(t, HasFault(results))
	for _, check := range []string{
		"configuration", "cookie password", "WorkOS", "clock", "client ID", "issuer", "signing keys", "API key", "redirect URI", "authorization", "session size",
		"webhook secret", "application", "host", "request header", "sign-in", "callback",
	} {
		assert.NotNil(t, result(results, check, OK), "%s: %v", check, results)
	}
	assert.NotNil(t, result(results, "sign-out redirect", Skipped), "the fake says nothing without a session")
	assert.Contains(t, begun, "session size")
	requireNoSecret(t, s, results)
}

func TestTheDoctorStandsInForTheApplicationBehindAProxy(t *testing.T) {
	s := newScene(t)
	s.standIn(func(*http.Response) error { return nil })
	s.setenv()
	results := Run(t.Context(), s.cfg)
	for _, check := range []string{"application", "request header", "response header"} {
		assert.NotNil(t, result(results, check, OK), "%s: %v", check, results)
	}
	s.standIn(nil)
	taken, err := net.Listen("tcp", s.cfg.StandIn)
	require.NoError(t, err)
	t.Cleanup(func() { taken.Close() })
	found := result(Run(t.Context(), s.cfg), "application", Fault)
	require.NotNil(t, found)
	assert.Contains(t, found.Finding, "cannot listen at "+s.cfg.StandIn)
}

func TestTheDoctorFindsWhatIsWrongWithEachSetUp(t *testing.T) {
	var table strings.Builder
	table.WriteString("| set-up | check | finding | cure |\n|---|---|---|---|\n")
	for _, row := range setups {
		t.Run(row.name, func(t *testing.T) {
			s := row.scene(t)
			s.setenv()
			results := Run(t.Context(), s.cfg)
			found := result(results, row.check, row.status)
			require.NotNil(t, found, "%v", results)
			assert.Contains(t, found.Finding, row.finding)
			assert.Contains(t, found.Cure, row.cure)
			faults := 0
			for _, r := range results {
				if r.Status == Fault {
					faults++
				}
				assert.Equal(t, r.Status == Fault || r.Status == Warning, r.Cure != "", "%v", r)
			}
			assert.Equal(t, row.status == Fault, HasFault(results), "%v", results)
			if slices.Contains([]string{"client ID", "redirect URI", "callback"}, row.check) {
				assert.LessOrEqual(t, faults, 1, "what follows from a fault is no other one: %v", results)
			}
			requireNoSecret(t, s, results)
			fmt.Fprintf(&table, "| %s | %s (%s) | %s | %s |\n", row.name, found.Check, found.Status, s.plain(found.Finding), s.plain(found.Cure))
		})
	}
	if t.Failed() {
		return
	}
	compareTable(t, table.String())
}

// plain returns a text without what differs between two runs, in one line.
func (s *scene) plain(text string) string {
	text = strings.ReplaceAll(text, s.fake.ClientID(), "client_01…")
	text = regexp.MustCompile(`(localhost|127\.0\.0\.1|api\.example\.com):\d{5}`).ReplaceAllString(text, "$1:…")
	text = regexp.MustCompile(`\b(\d+m)?\d+s (ahead|behind)`).ReplaceAllString(text, "… $2")
	text = regexp.MustCompile(`takes 1 cookie with \d+ bytes in a request and \d+ at`).ReplaceAllString(text, "takes 1 cookie with … bytes in a request and … at")
	return strings.ReplaceAll(strings.ReplaceAll(text, "|", "\\|"), "\n", "<br>")
}

// compareTable compares the table in the document, or writes it with -update.
func compareTable(t *testing.T, table string) {
	t.Helper()
	text, err := os.ReadFile(document)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), "<!-- set-ups -->\n")
	require.True(t, found)
	old, after, found := strings.Cut(rest, "<!-- end of set-ups -->")
	require.True(t, found)
	if *update {
		require.NoError(t, os.WriteFile(document, []byte(before+"<!-- set-ups -->\n"+table+"<!-- end of set-ups -->"+after), 0o644))
		return
	}
	assert.Equal(t, table, old, "write it: go test ./internal/doctor -run FindsWhatIsWrong -update")
}

func TestTheDoctorReadsTheVariablesOfAFile(t *testing.T) {
	for _, name := range []string{"WORKOS_API_KEY", "WORKOS_CLIENT_ID", "WORKOS_REDIRECT_URI", "AUTHKIT_DOMAIN"} {
		t.Setenv(name, "") // restores the variable after the test
		require.NoError(t, os.Unsetenv(name))
	}
	t.Setenv("WORKOS_COOKIE_PASSWORD", "of the environment")
	path := filepath.Join(t.TempDir(), ".env")
	require.NoError(t, os.WriteFile(path, []byte("# comment\n\nexport WORKOS_API_KEY='sk_test_1' # the key\nWORKOS_CLIENT_ID = client_1 # not this\r\n"+
		"WORKOS_COOKIE_PASSWORD=of the file\nAUTHKIT_DOMAIN=\"https://a#b\"\nAUTHKITDEV_OTHER=1\n"), 0o600))
	require.NoError(t, LoadEnvFile(path))
	assert.Equal(t, "sk_test_1", os.Getenv("WORKOS_API_KEY"))
	assert.Equal(t, "client_1", os.Getenv("WORKOS_CLIENT_ID"))
	assert.Equal(t, "of the environment", os.Getenv("WORKOS_COOKIE_PASSWORD"), "the environment comes first")
	assert.Equal(t, "https://a#b", os.Getenv("AUTHKIT_DOMAIN"))
	assert.Empty(t, os.Getenv("AUTHKITDEV_OTHER"), "only variables of the family are set")

	require.NoError(t, os.WriteFile(path, []byte("WORKOS_API_KEY\nA=1\nWORKOS_CLIENT_ID=\"client_1\n"), 0o600))
	err := LoadEnvFile(path)
	require.Error(t, err)
	assert.Contains(t, err.Error(), "line 1 is not NAME=value")
	assert.Contains(t, err.Error(), "line 3: the value of WORKOS_CLIENT_ID has an opening quote")
	assert.ErrorIs(t, LoadEnvFile(filepath.Join(t.TempDir(), "none")), os.ErrNotExist)
}

func TestTheDoctorKnowsRegisteredPatterns(t *testing.T) {
	for pattern, uris := range map[string]map[string]bool{
		"https://*.example.com/callback": {
			"https://app.example.com/callback": true, "https://a.b.example.com/callback": false, "https://.example.com/callback": false, "http://app.example.com/callback": false,
		},
		"http://localhost:*/callback":  {"http://localhost:3000/callback": true, "http://localhost:/callback": false, "http://localhost:1/x/callback": false},
		"https://example.com/callback": {"https://example.com/callback": false},
	} {
		for uri, want := range uris {
			assert.Equal(t, want, matchesWildcard(uri, pattern), "%s %s", pattern, uri)
		}
	}
}

func TestTheDoctorAsksARealRedis(t *testing.T) {
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	for name, tt := range map[string]struct {
		settings []string
		status   Status
		finding  string
	}{
		"as it is":        {nil, OK, "answers"},
		"evicting":        {[]string{"--maxmemory", "10mb", "--maxmemory-policy", "allkeys-lru"}, Warning, "maxmemory-policy allkeys-lru"},
		"with a password": {[]string{"--requirepass", "another"}, Fault, "refuses the user or the password"},
	} {
		t.Run(name, func(t *testing.T) {
			server, err := testserver.Start(testserver.Redis(binary, t.TempDir(), tt.settings...))
			require.NoError(t, err)
			t.Cleanup(server.Close)
			d := &doctor{Config: Config{Timeout: 5 * time.Second, Store: "redis://" + server.Port.Addr()}}
			d.checkStore(t.Context())
			require.Len(t, d.results, 1)
			assert.Equal(t, tt.status, d.results[0].Status, "%v", d.results)
			assert.Contains(t, d.results[0].Finding, tt.finding)
		})
	}
}

func TestTheDoctorTellsWhatIsWrongWithTheAddressOfAStore(t *testing.T) {
	server := httptest.NewServer(answers(http.StatusOK, "{}"))
	t.Cleanup(server.Close)
	for store, finding := range map[string]string{
		"postgres://app:" + goodPassword + "@" + server.Listener.Addr().String() + "/app": "cannot be reached",
		"postgres://app:a%zz@localhost/app":                                               "PostgreSQL cannot be parsed",
		"redis:///0":                                                                      "no URL with a host",
		"postgres:///app?host=" + t.TempDir():                                             "cannot be reached",
		"postgres:///app?user=ada@corp&host=" + t.TempDir():                               "cannot be reached",
		"POSTGRES://localhost/app":                                                        `no store has the scheme "POSTGRES"`,
		"postgres:///app?connect_timeout=" + goodPassword:                                 "PostgreSQL cannot be parsed",
		"redis://localhost/not-a-number":                                                  "wrong path or parameter",
	} {
		d := &doctor{Config: Config{Timeout: time.Second, Store: store}}
		d.checkStore(t.Context())
		require.Len(t, d.results, 1)
		assert.Equal(t, Fault, d.results[0].Status)
		assert.Contains(t, d.results[0].Finding, finding)
		assert.NotContains(t, d.results[0].Finding+d.results[0].Cure, goodPassword)
	}
}

func TestTheCureForASocketOfPostgreSQLNamesNoFirewall(t *testing.T) {
	d := &doctor{Config: Config{Timeout: time.Second, Store: "postgres:///app?host=" + t.TempDir()}}
	d.checkStore(t.Context())
	require.Len(t, d.results, 1)
	assert.Contains(t, d.results[0].Cure, "the folder of its socket")
	assert.NotContains(t, d.results[0].Cure, "firewall")
}
