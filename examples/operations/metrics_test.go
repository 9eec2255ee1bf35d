// A real Prometheus scrapes the site, and each panel of the dashboard shows what was done.

package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestEachPanelShowsWhatWasDone(t *testing.T) {
	tool(t, "prometheus")
	t.Parallel()
	clock := &clock{Clock: systemClock{}}
	s := newTestSite(t, "site", clock)
	m := startMonitor(t, nil, s)

	// Codes and outcomes that occurred once have a series, so that Prometheus sees the next ones as an increase.
	everything(t, s, 1, clock)
	s.awaitNumbers(t, m)
	begin := time.Now()
	s.awaitScrapes(t, m, 4) // Prometheus extrapolates to the ends of a range, so there the numbers stay the same
	const n = 7
	everything(t, s, n, clock)
	s.awaitNumbers(t, m)
	s.awaitScrapes(t, m, 4)
	at := time.Now()
	window := at.Sub(begin).Truncate(time.Second)

	show := map[string]shown{}
	for title, p := range readDashboard(t).charts(t) {
		one := shown{window: window}
		for i := range p.Targets {
			found, err := m.query(p.expression(i, s.name, window), at)
			require.NoError(t, err, title)
			if assert.NotEmpty(t, found, "the panel %q has no data: %s", title, p.Targets[i].Expr) {
				assert.False(t, found[0].value != found[0].value, "the panel %q is not a number: %s", title, p.Targets[i].Expr)
			}
			one.queries = append(one.queries, found)
		}
		show[title] = one
	}

	counts := func(title string, query int, label, value string, want float64) {
		t.Helper()
		assert.InEpsilon(t, want, show[title].count(query, label, value), 0.2, "%s: %s %s", title, label, value)
	}
	counts("Sign-ins", 0, "", "", 2*n)
	counts("Sign-ins", 1, "authkit_outcome", "ok", n)
	counts("Sign-ins", 1, "authkit_outcome", "failed", n)
	counts("Failed sign-ins by code", 0, "error_type", "sign_in_unavailable", n)
	counts("Refreshes by outcome", 0, "authkit_outcome", "ok", n)
	counts("Requests by outcome", 0, "authkit_outcome", "cookie_refused", n)
	counts("Requests by outcome", 0, "authkit_outcome", "bearer", 2*n)
	counts("Requests by outcome", 0, "authkit_outcome", "bearer_refused", n)
	counts("Requests by outcome", 0, "authkit_outcome", "refreshed", n)
	counts("Errors by code", 0, "error_type", "invalid_state", n)
	counts("API keys by outcome", 0, "authkit_outcome", "ok", n)
	counts("API keys by outcome", 0, "authkit_outcome", "denied", n)
	counts("Permissions on resources by outcome", 0, "authkit_outcome", "ok", n)
	counts("Permissions on resources by outcome", 0, "authkit_outcome", "denied", n)
	counts("Events", 2, "", "", n)
	assert.InDelta(t, 0.5, show["Share of sign-ins that fail"].value(0), 0.05)
	assert.InDelta(t, 0, show["Share of refreshes that fail"].value(0), 0)
	assert.InDelta(t, 0, show["Share of sessions that cannot be checked"].value(0), 0)
	assert.InDelta(t, 0, show["Clock skew"].value(0), 1.5)
	assert.InDelta(t, 1, show["Usable signing keys"].value(0), 0)
	assert.InDelta(t, 1, show["State of the store"].queries[0].sum("authkit_state", "connected"), 0)
	assert.InDelta(t, 1, show["State of the events"].queries[0].sum("authkit_state", "followed"), 0)
	assert.InDelta(t, s.deployment.Load().ak.Stats().Cache.Entries, show["Sessions in the cache"].value(0), 0)
	assert.InDelta(t, 10_000, show["Sessions in the cache"].value(1), 0)
}

// everything does each thing that a panel counts n times.
func everything(t *testing.T, s *testSite, n int, clock *clock) {
	t.Helper()
	for range n {
		ada, err := s.signIn("ada@harborpress.test") // may write posts
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, s.get(ada.Client, "/project", script))
		require.Equal(t, http.StatusOK, s.get(ada.Client, "/account", script))
		clock.Advance(270 * time.Second) // the access token is due
		require.Equal(t, http.StatusOK, s.get(ada.Client, "/account", script))
		ben := s.fake.BearerToken("ben@harborpress.test")
		require.Equal(t, http.StatusOK, s.get(http.DefaultClient, "/api/me", bearer(ben)))
		require.Equal(t, http.StatusForbidden, s.get(http.DefaultClient, "/project", bearer(ben)))
		require.Equal(t, http.StatusOK, s.get(http.DefaultClient, "/api/report", bearer(s.apiKey)))
		s.sendJunk(t.Context())
		require.NoError(t, s.begin("workos-down", 0))
		failed := authkittest.NewBrowser()
		_, err = failed.SignIn(s.home+"/login", "ben@harborpress.test")
		require.Error(t, err)
		require.NoError(t, s.end("workos-down"))
		ada.CloseIdleConnections()
		failed.CloseIdleConnections()
	}
}

// awaitScrapes waits until Prometheus has scraped the site n more times.
func (s *testSite) awaitScrapes(t *testing.T, m *monitor, n float64) {
	t.Helper()
	scrapes := func() float64 {
		found, err := m.query(fmt.Sprintf(`count_over_time(authkit_keys_usable{job=%q}[1h])`, s.name), time.Now())
		if err != nil || len(found) != 1 {
			return 0
		}
		return found[0].value
	}
	before := scrapes()
	require.Eventually(t, func() bool { return scrapes() >= before+n }, startLimit, poll)
}

// awaitNumbers waits until Prometheus has the numbers of now.
func (s *testSite) awaitNumbers(t *testing.T, m *monitor) {
	t.Helper()
	require.Eventually(t, func() bool {
		stats := s.deployment.Load().ak.Stats()
		for expression, want := range map[string]uint64{
			`sum(authkit_sign_ins_total{authkit_outcome="failed",job=%q})`:             stats.SignIns.Failed["sign_in_unavailable"],
			`sum(authkit_requests_total{authkit_outcome="refreshed",job=%q})`:          stats.Requests["refreshed"],
			`sum(authkit_sign_in_duration_seconds_count{authkit_outcome="ok",job=%q})`: stats.SignIns.Completed,
		} {
			found, err := m.query(fmt.Sprintf(expression, s.name), time.Now())
			if err != nil || len(found) != 1 || found[0].value != float64(want) {
				return false
			}
		}
		return true
	}, startLimit, poll)
}

func TestTheMetricsFollowTheRulesOfPrometheus(t *testing.T) {
	promtool := tool(t, "promtool")
	s := newTestSite(t, "site", nil)
	everything(t, s, 1, s.world.(*clock))
	metrics, err := s.fetch("/metrics")
	require.NoError(t, err)
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = strings.NewReader(onlyOurs(metrics))
	output, err := check.CombinedOutput()
	assert.NoError(t, err, string(output))
	assert.Empty(t, string(output))
}

// onlyOurs returns the metrics of authkit, with their types and descriptions.
func onlyOurs(metrics string) string {
	var ours strings.Builder
	for line := range strings.Lines(metrics) {
		if strings.HasPrefix(strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE "), "authkit_") {
			ours.WriteString(line)
		}
	}
	return ours.String()
}

func TestTheFilesForPrometheusAreRight(t *testing.T) {
	promtool := tool(t, "promtool")
	for _, arguments := range [][]string{
		{"check", "rules", "alerts.yml"},
		{"check", "config", "prometheus.yml"},
		{"test", "rules", "alerts_test.yml"},
		{"test", "rules", "alerts_week_test.yml"},
	} {
		t.Run(strings.Join(arguments, " "), func(t *testing.T) {
			output, err := exec.Command(promtool, arguments...).CombinedOutput()
			assert.NoError(t, err, string(output))
		})
	}
}

func TestPrometheusStartsOnAnotherPortIfOneIsTaken(t *testing.T) {
	program := tool(t, "prometheus")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { taken.Close() })
	config := filepath.Join(t.TempDir(), "prometheus.yml")
	require.NoError(t, os.WriteFile(config, nil, 0o600))
	starts := 0
	address, err := startProgram(t, func(address string) *exec.Cmd {
		if starts++; starts == 1 {
			address = taken.Addr().String()
		}
		return exec.Command(program, "--config.file="+config, "--storage.tsdb.path="+t.TempDir(), "--web.listen-address="+address, "--log.level=warn")
	}, "/-/ready")
	require.NoError(t, err)
	assert.Equal(t, 2, starts)
	assert.NotEqual(t, taken.Addr().String(), address)

	_, err = startProgram(t, func(string) *exec.Cmd { return exec.Command(program, "--config.file="+config+".missing") }, "/-/ready")
	assert.ErrorContains(t, err, "no such file or directory", "the error has the output of the program")
}
