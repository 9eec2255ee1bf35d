//go:build unix

// The instances behind the front, and the page that shows them.

package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// onEngines runs a test without a store and with each engine.
func onEngines(t *testing.T, test func(t *testing.T, shared engine)) {
	parallel(t, "without a store", func(t *testing.T) { test(t, engine{}) })
	onStores(t, test)
}

func TestEachRequestOfASignedInUserGoesToTheNextInstance(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, shared engine) {
		f := startFleet(t, shared)
		b := f.signedIn(ada)
		assert.Contains(t, b.Page().Body, "Answered by instance <strong>")
		answers := map[string]int{}
		for range 6 {
			status, by := f.me(b)
			assert.Equal(t, http.StatusOK, status)
			answers[by]++
		}
		assert.Equal(t, map[string]int{"A": 2, "B": 2, "C": 2}, answers)
	})
}

func TestTheOtherInstancesAnswerWhileOneIsKilledAndStarted(t *testing.T) {
	t.Parallel()
	f := startFleet(t, engine{})
	b := f.signedIn(ada)
	killed := f.fleet.find("B")
	killed.kill()
	for range 6 {
		status, by := f.me(b)
		assert.Equal(t, http.StatusOK, status)
		assert.NotEqual(t, "B", by)
	}
	require.NoError(t, killed.start())
	answers := map[string]int{}
	for range 6 {
		status, by := f.me(b)
		assert.Equal(t, http.StatusOK, status, "the started instance reads the session")
		answers[by]++
	}
	assert.Equal(t, map[string]int{"A": 2, "B": 2, "C": 2}, answers)
	assert.Equal(t, 2, killed.state().Starts)
}

func TestTheFrontTriesTheNextInstanceIfOneHasDied(t *testing.T) {
	t.Parallel()
	f := startFleet(t, engine{})
	b := f.signedIn(ada)
	died := f.fleet.find("A")
	died.mu.Lock()
	host := died.host
	died.mu.Unlock()
	died.kill()
	died.mu.Lock()
	died.host = host // the front has not noticed yet
	died.mu.Unlock()
	for range 3 {
		status, by := f.me(b)
		assert.Equal(t, http.StatusOK, status)
		assert.NotEqual(t, "A", by)
	}
	page, err := b.Get(f.home + "/account")
	require.NoError(t, err)
	require.Contains(t, page.Body, "Your account")
	_, err = b.Submit("Sign out", nil) // a POST is repeated, too, if no instance has got it
	require.NoError(t, err)
	status, _ := f.me(b)
	assert.Equal(t, http.StatusUnauthorized, status)
}

func TestWithoutAnInstanceTheFrontAnswers502(t *testing.T) {
	t.Parallel()
	f := startFleet(t, engine{})
	f.fleet.stop()
	page, err := f.browser().Get(f.home + "/")
	require.NoError(t, err)
	assert.Equal(t, http.StatusBadGateway, page.StatusCode)
	assert.Contains(t, page.Body, "Start one at /instances")
}

func TestThePageShowsKillsAndStartsInstances(t *testing.T) {
	t.Parallel()
	f := startFleet(t, engine{})
	b := f.signedIn(ada)
	f.me(b)
	page, err := b.Get(f.home + "/instances")
	require.NoError(t, err)
	assert.Equal(t, 3, strings.Count(page.Body, ">running<"))
	assert.Contains(t, page.Body, "GET /api/me")
	assert.Contains(t, page.Body, "no store")

	page, err = b.Submit("Kill B", nil)
	require.NoError(t, err)
	assert.Equal(t, f.home+"/instances", page.URL.String())
	assert.Equal(t, 2, strings.Count(page.Body, ">running<"))
	page, err = b.Submit("Start B", nil)
	require.NoError(t, err)
	assert.Equal(t, 3, strings.Count(page.Body, ">running<"))
	before := f.fleet.find("C").state().PID
	_, err = b.Submit("Restart C", nil)
	require.NoError(t, err)
	assert.NotEqual(t, before, f.fleet.find("C").state().PID)

	part, err := b.Fetch(http.MethodGet, f.home+"/instances/live")
	require.NoError(t, err)
	assert.Equal(t, 3, strings.Count(part.Body, ">running<"))
	assert.NotContains(t, part.Body, "<html")
}

func TestThePageShowsWhatEachInstanceReportsAboutTheStore(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, shared engine) {
		f := startFleet(t, shared)
		b := f.signedIn(ada)
		f.knownEverywhere(f.cookies(b))
		state, other := "connected", "none"
		if shared.variable == "" {
			state, other = other, state
		}
		require.Eventually(t, func() bool {
			page, err := b.Get(f.home + "/instances")
			require.NoError(t, err)
			return strings.Count(page.Body, ">"+state+"<") == 3 && !strings.Contains(page.Body, ">"+other+"<")
		}, 10*time.Second, 50*time.Millisecond)

		commands, failures := f.storeCalls()
		assert.Equal(t, shared.variable != "", commands > 0, "the sign-in is in the store")
		assert.Zero(t, failures)
		f.fleet.find("B").kill()
		page, err := b.Get(f.home + "/instances")
		require.NoError(t, err)
		assert.Contains(t, page.Body, "It does not answer.")
		stats := f.stats(f.fleet.find("A"))
		assert.Equal(t, state, stats.State)
		assert.Empty(t, stats.Error)
	})
}

func TestTheSlowPageTakesTheTimeThatItsAddressNames(t *testing.T) {
	t.Parallel()
	f := startFleet(t, engine{})
	b := f.signedIn(ada)
	for wait, want := range map[string]int{"10ms": http.StatusOK, "11s": http.StatusBadRequest, "-1s": http.StatusBadRequest, "soon": http.StatusBadRequest} {
		began := time.Now()
		page, err := b.Get(f.home + "/slow?for=" + wait)
		require.NoError(t, err)
		assert.Equal(t, want, page.StatusCode, wait)
		if want == http.StatusOK {
			assert.Contains(t, page.Body, "Your account")
			assert.GreaterOrEqual(t, time.Since(began), 10*time.Millisecond)
		}
	}
}

func TestThePageSignsOutAndRevokesAtWorkOS(t *testing.T) {
	t.Parallel()
	f := startFleet(t, engine{})
	b := f.signedIn(ada)
	page, err := b.Get(f.home + "/instances")
	require.NoError(t, err)
	require.Contains(t, page.Body, "1 active")
	page, err = b.Submit("Revoke "+ada, nil)
	require.NoError(t, err)
	assert.Contains(t, page.Body, "none is active")
	assert.False(t, f.fake.Sessions()[0].Active())

	b = f.signedIn("ben@harborpress.test")
	_, err = b.Get(f.home + "/instances")
	require.NoError(t, err)
	page, err = b.Submit("Sign out", nil)
	require.NoError(t, err)
	assert.Equal(t, f.home+"/", page.URL.String(), "the sign-out leads to WorkOS and back")
	assert.False(t, f.fake.Sessions()[1].Active())
}

func TestAnotherSiteCannotUseTheButtonsOfThePage(t *testing.T) {
	t.Parallel()
	f := startFleet(t, engine{})
	r, err := http.NewRequest(http.MethodPost, f.home+"/instances/kill?name=A", nil)
	require.NoError(t, err)
	r.Header.Set("Origin", "https://evil.example")
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	response.Body.Close()
	assert.Equal(t, http.StatusForbidden, response.StatusCode)
	assert.True(t, f.fleet.find("A").state().Running)
}

func TestTheProgramStartsTheInstancesTheFrontAndTheFake(t *testing.T) {
	t.Parallel()
	shared := startRedis(t)
	command := exec.Command(filepath.Join(programs, "replicas"), "--", "-strict", "-limit", "100")
	command.Env = append(inherited(), "ADDR=localhost:0", shared.variable+"="+shared.url)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that its instances can be killed with it
	stdout, err := command.StdoutPipe()
	require.NoError(t, err)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		_ = command.Wait()
	})
	lines := bufio.NewReader(stdout)
	line, err := lines.ReadString('\n')
	require.NoError(t, err)
	home, found := strings.CutPrefix(strings.TrimSpace(line), "Open ")
	require.True(t, found, line)
	assert.Regexp(t, `^http://localhost:[1-9]\d*$`, home)

	b := authkittest.NewBrowser()
	defer b.CloseIdleConnections()
	page, err := b.SignIn(home+"/login?return_to=/account", ada)
	require.NoError(t, err)
	assert.Contains(t, page.Body, "Your account")
	page, err = b.Get(home + "/instances")
	require.NoError(t, err)
	assert.Equal(t, 3, strings.Count(page.Body, ">running<"))
	assert.Contains(t, page.Body, shared.url)

	control := ""
	for control == "" {
		line, err := lines.ReadString('\n')
		require.NoError(t, err)
		_, control, _ = strings.Cut(strings.TrimSpace(line), "its control handler at ")
	}
	setMembership(t, control, "role=member")
	require.Eventually(t, func() bool {
		page, err := b.Get(home + "/account")
		require.NoError(t, err)
		return strings.Contains(page.Body, "<dd>member</dd>")
	}, 10*time.Second, 20*time.Millisecond, "the fake sends a webhook, and the account page shows the new role")
	page, err = b.Get(home + "/instances")
	require.NoError(t, err)
	assert.Contains(t, page.Body, "POST /webhooks/workos")
	setMembership(t, control, "remove=true")
	require.Eventually(t, func() bool {
		me, err := b.Fetch(http.MethodGet, home+"/api/me")
		require.NoError(t, err)
		return me.StatusCode == http.StatusUnauthorized
	}, 10*time.Second, 20*time.Millisecond, "a removed member is out")

	require.NoError(t, command.Process.Signal(syscall.SIGTERM))
	_, err = io.Copy(io.Discard, lines)
	require.NoError(t, err)
	require.NoError(t, command.Wait(), "%s", &stderr)
	require.Eventually(t, func() bool { return syscall.Kill(-command.Process.Pid, 0) == syscall.ESRCH }, 10*time.Second,
		20*time.Millisecond, "no process is left")
}
