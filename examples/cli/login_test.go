// The login command against a fake AuthKit.

package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

const (
	pipeWaiting = "Waiting for you to approve, for 5:00 at most.\n"
	signedIn    = "Signed in as Ada Okafor <ada@harborpress.test>.\n"

	// The interval after one slow_down. The time limit of a call is 10 s, too: the first two timers of this length are
	// those of two calls.
	intervalAfterSlowDown = 10 * time.Second
)

func TestAnApprovedLoginIsStoredPrivately(t *testing.T) {
	f := newFixture(t)
	c := f.startCommand(false, "login")
	f.clock.awaitPoll(1)
	f.clock.Advance(interval)
	f.clock.awaitPoll(2) // still pending
	f.workOS.ApproveDevice(f.userCode(), ada)
	f.clock.Advance(interval)

	require.Zero(t, c.wait())
	assert.Equal(t, f.instructions()+pipeWaiting+signedIn, c.stdout.String())
	assert.Empty(t, c.stderr.String())
	f.assertPrivate()
	s := f.stored()
	assert.Equal(t, application{ClientID: f.workOS.ClientID(), API: f.workOS.URL()}, s.Application)
	assert.Equal(t, user{Name: "Ada Okafor", Email: ada}, s.User)
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s", s, *s, *s, s.AccessToken), string(s.AccessToken))
}

func TestATerminalShowsAnAnimatedLineWithTheTimeLeft(t *testing.T) {
	f := newFixture(t)
	f.workOS.InjectFault(authkittest.RouteDeviceToken, authkittest.Fault{Hang: true})
	c := f.startCommand(true, "login")
	f.clock.awaitPoll(1)
	f.workOS.ApproveDevice(f.userCode(), ada)
	f.clock.Advance(interval)
	f.workOS.ClearFault(authkittest.RouteDeviceToken) // only after the last second was shown

	require.Zero(t, c.wait())
	const line = "/ Waiting for you to approve, 5:00 left"
	assert.Equal(t, f.instructions()+strings.Join([]string{
		line,
		"- Waiting for you to approve, 4:59 left",
		`\ Waiting for you to approve, 4:58 left`,
		"| Waiting for you to approve, 4:57 left",
		"/ Waiting for you to approve, 4:56 left",
		"- Waiting for you to approve, 4:55 left",
		strings.Repeat(" ", len(line+"^C")),
		signedIn,
	}, "\r"), strings.Replace(c.stdout.String(), "\r"+line, line, 1))
}

func TestALoginContinuesAfterTransientPollErrors(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault func(*authkittest.Server)
		want  string
	}{
		{
			"WorkOS asks to be polled less often",
			func(f *authkittest.Server) { f.SlowDownDevices(1) },
			"WorkOS asks to slow down. Trying less often.\n",
		},
		{
			"WorkOS is down for a moment",
			func(f *authkittest.Server) {
				f.InjectFault(authkittest.RouteDeviceToken, authkittest.Fault{Status: http.StatusBadGateway, Times: 1})
			},
			"WorkOS does not answer. Trying again less often.\nWorkOS answers again.\n",
		},
		{
			"the network is down for a moment",
			func(f *authkittest.Server) {
				f.InjectFault(authkittest.RouteDeviceToken, authkittest.Fault{Reset: true, Times: 1})
			},
			"WorkOS does not answer. Trying again less often.\nWorkOS answers again.\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			c.fault(f.workOS)
			login := f.startCommand(false, "login")
			f.clock.awaitPoll(1)
			f.clock.Advance(interval)
			f.clock.await(intervalAfterSlowDown, 3) // the first two are the time limits of two calls
			f.workOS.ApproveDevice(f.userCode(), ada)
			f.clock.Advance(intervalAfterSlowDown)
			require.Zero(t, login.wait())
			assert.Equal(t, f.instructions()+pipeWaiting+c.want+signedIn, login.stdout.String())
			assert.Empty(t, login.stderr.String())
		})
	}
}

func TestATerminalShowsNoticesAboveTheAnimatedLine(t *testing.T) {
	f := newFixture(t)
	f.workOS.SlowDownDevices(1)
	c := f.startCommand(true, "login")
	f.clock.awaitPoll(1)
	f.clock.Advance(interval)
	f.clock.await(intervalAfterSlowDown, 3)
	c.interrupt()
	require.Equal(t, exitInterrupted, c.wait())
	assert.Regexp(t, `\r {41}\rWorkOS asks to slow down\. Trying less often\.\n\r[-|/\\] Waiting for you to approve, 4:55 left.*\r {41}\r$`, c.stdout.String())
}

func TestAFailedLoginStoresNothing(t *testing.T) {
	const oauthError = `{"error":"%s","error_description":"In words."}`
	fail := func(route authkittest.Route, fault authkittest.Fault) func(*fixture) {
		return func(f *fixture) { f.workOS.InjectFault(route, fault) }
	}
	for _, c := range []struct {
		name    string
		arrange func(*fixture)
		polled  bool // the instructions were printed
		want    string
	}{
		{
			"the user denies", nil, true,
			"login: the sign-in was denied; nothing was stored\n",
		},
		{
			"WorkOS answers that the code has expired",
			fail(authkittest.RouteDeviceToken, authkittest.Fault{Status: 400, Body: fmt.Sprintf(oauthError, "expired_token")}), true,
			"login: the code expired before it was approved; run login again to get a new code\n",
		},
		{
			"the code was used already",
			fail(authkittest.RouteDeviceToken, authkittest.Fault{Status: 400, Body: fmt.Sprintf(oauthError, "invalid_grant")}), true,
			"login: the code is no longer valid; run login again to get a new code\n",
		},
		{
			"the client is invalid",
			fail(authkittest.RouteDeviceToken, authkittest.Fault{Status: 400, Body: fmt.Sprintf(oauthError, "invalid_client")}), true,
			"invalid_client: In words.",
		},
		{
			"WorkOS is down",
			fail(authkittest.RouteAuthorizeDevice, unavailable), false,
			"login: WorkOS is unavailable; try again in 1m0s: ",
		},
		{
			"the network is down",
			fail(authkittest.RouteAuthorizeDevice, authkittest.Fault{Reset: true}), false,
			"login: WorkOS is unavailable; try again later: ",
		},
		{
			"the signing keys are unavailable",
			fail(authkittest.RouteJWKS, unavailable), false,
			"login: WorkOS is unavailable; try again later: jwks: signing keys unavailable",
		},
		{
			"the client ID is unknown",
			func(f *fixture) { f.env["WORKOS_CLIENT_ID"] = "client_other" }, false,
			"invalid_client",
		},
		{
			"WORKOS_API_HTTPS is neither true nor false",
			func(f *fixture) { f.env["WORKOS_API_HTTPS"] = "maybe" }, false,
			`login: WORKOS_API_HTTPS is "maybe"; set it to true or false` + "\n",
		},
		{
			"WORKOS_API_PORT is not a number",
			func(f *fixture) { f.env["WORKOS_API_PORT"] = "https" }, false,
			"want http or https, a host, optionally a port",
		},
		{
			"other users can read the directory",
			func(f *fixture) {
				require.NoError(f, os.MkdirAll(f.dir, 0o700))
				require.NoError(f, os.Chmod(f.dir, 0o750))
			}, false,
			"is open to other users (mode 0750); run chmod go= on it",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			if c.arrange != nil {
				c.arrange(f)
			}
			login := f.startCommand(false, "login")
			if c.polled {
				f.clock.awaitPoll(1)
				f.workOS.DenyDevice(f.userCode())
				f.clock.Advance(interval)
			}
			assert.Equal(t, exitFailure, login.wait())
			assert.Contains(t, login.stderr.String(), c.want)
			if c.polled {
				assert.Equal(t, f.instructions()+pipeWaiting, login.stdout.String())
			} else {
				assert.Empty(t, login.stdout.String(), "no instructions are printed")
			}
			f.assertNothingStored()
		})
	}
}

func TestACodeExpiresByTheClockOfTheTool(t *testing.T) {
	f := newFixture(t)
	f.workOS.InjectFault(authkittest.RouteAuthorizeDevice, authkittest.Fault{
		Body: `{"device_code":"d","user_code":"BCDF-GHJK","verification_uri":"https://acme.authkit.test/device","expires_in":3}`,
	})
	c := f.startCommand(false, "login")
	f.clock.await(3*time.Second, 1)
	f.clock.Advance(3 * time.Second)
	assert.Equal(t, exitFailure, c.wait())
	assert.Equal(t, "To sign in, open  https://acme.authkit.test/device\nand enter         BCDF-GHJK\n"+
		"Waiting for you to approve, for 0:03 at most.\n", c.stdout.String())
	assert.Contains(t, c.stderr.String(), "the code expired")
	assert.Zero(t, f.workOS.Calls(authkittest.RouteDeviceToken))
}

func TestAnInvalidTokenIsNotStored(t *testing.T) {
	f := newFixture(t, authkittest.WithIssuer("https://elsewhere.test"))
	c := f.startCommand(false, "login")
	f.clock.awaitPoll(1)
	f.workOS.ApproveDevice(f.userCode(), ada)
	f.clock.Advance(interval)
	assert.Equal(t, exitFailure, c.wait())
	assert.Contains(t, c.stderr.String(), `token refused: iss`)
	f.assertNothingStored()
}

func TestCtrlCEndsALoginAtOnce(t *testing.T) {
	for name, fault := range map[string]authkittest.Route{
		"while the device code is requested": authkittest.RouteAuthorizeDevice,
		"while the signing keys are fetched": authkittest.RouteJWKS,
		"during a poll":                      authkittest.RouteDeviceToken,
		"between two polls":                  "",
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			if fault != "" {
				f.workOS.InjectFault(fault, authkittest.Fault{Hang: true})
			}
			c := f.startCommand(false, "login")
			if fault == "" || fault == authkittest.RouteDeviceToken {
				f.clock.awaitPoll(1)
			}
			if fault == authkittest.RouteDeviceToken {
				f.clock.Advance(interval)
			}
			if fault != "" {
				f.workOS.AwaitCalls(t, fault, 1)
			}
			c.interrupt()
			assert.Equal(t, exitInterrupted, c.wait())
			assert.Equal(t, "login: interrupted\n", c.stderr.String())
			f.assertNothingStored()
		})
	}
}

func TestWithoutAClientIDLoginStartsAFakeAuthKitAndStopsIt(t *testing.T) {
	f := newFixture(t)
	clear(f.env)
	f.env["AUTHKIT_EXAMPLE_DIR"] = f.dir
	c := f.startCommand(false, "login")
	f.clock.awaitPoll(1)
	assert.Contains(t, c.stdout.String(), "WORKOS_CLIENT_ID is not set: this is a fake AuthKit, which ends with this command.\n")
	f.approveInBrowser(regexp.MustCompile(`http://\S+user_code=\S+`).FindString(c.stdout.String()))
	f.clock.Advance(interval)
	require.Zero(t, c.wait(), c.stderr.String())
	assert.True(t, strings.HasSuffix(c.stdout.String(), signedIn))

	status, stdout, stderr := f.run("whoami")
	assert.Zero(t, status)
	assert.Contains(t, stdout, "Ada Okafor")
	assert.Contains(t, stdout, "valid for 5m0s")
	assert.Empty(t, stderr)

	f.clock.Advance(4*time.Minute + time.Second)
	const fakeEnded = "you signed in with a fake AuthKit, which ended with login; run login again\n"
	status, stdout, stderr = f.run("whoami")
	assert.Zero(t, status)
	assert.Contains(t, stdout, "valid for 59s")
	assert.Equal(t, "whoami: not refreshed: "+fakeEnded, stderr)

	f.clock.Advance(time.Minute)
	status, stdout, stderr = f.run("whoami")
	assert.Equal(t, exitFailure, status)
	assert.Empty(t, stdout)
	assert.Equal(t, "whoami: "+fakeEnded, stderr)

	status, stdout, _ = f.run("logout")
	assert.Zero(t, status)
	assert.Equal(t, "You are signed out on this machine: the tokens are deleted.\n", stdout)
	f.assertNothingStored()
}

// approveInBrowser approves a login on the device page.
func (f *fixture) approveInBrowser(link string) {
	f.Helper()
	b := authkittest.NewBrowser()
	f.Cleanup(b.CloseIdleConnections)
	_, err := b.Get(link)
	require.NoError(f, err)
	for _, button := range []string{"Continue", "Ada Okafor", "Approve"} {
		page, err := b.Submit(button, nil)
		require.NoError(f, err)
		require.Equal(f, http.StatusOK, page.StatusCode)
	}
}

func TestALoginReplacesThePreviousSession(t *testing.T) {
	f := newFixture(t)
	f.signIn()
	before := f.stored()
	require.NoError(t, os.Chmod(filepath.Join(f.dir, "session.json"), 0o644))
	f.signIn()
	assert.NotEqual(t, before.RefreshToken, f.stored().RefreshToken)
	f.assertPrivate()
}

func TestANameWithControlCharactersIsPrintedWithoutThem(t *testing.T) {
	f := newFixture(t)
	f.workOS.UpdateUser(ada, func(p *authkittest.User) { p.FirstName, p.LastName = "Ada\x1b[2J\r", "\u202eOkafor\n" })
	f.signIn()
	_, stdout, _ := f.run("whoami")
	assert.Contains(t, stdout, "Signed in as Ada[2J  Okafor <ada@harborpress.test>\n")
}

func TestTheAPIURLComesFromTheEnvironment(t *testing.T) {
	for _, c := range []struct{ host, port, https, url string }{
		{"", "", "", "https://api.workos.com"},
		{"auth.acme.test", "", "", "https://auth.acme.test"},
		{"auth.acme.test", "8443", "true", "https://auth.acme.test:8443"},
		{"::1", "8080", "false", "http://[::1]:8080"},
		{"[::1]", "8080", "0", "http://[::1]:8080"},
		{"", "8443", " ", "https://api.workos.com:8443"},
	} {
		t.Run(c.url, func(t *testing.T) {
			env := map[string]string{"WORKOS_API_HOSTNAME": c.host, "WORKOS_API_PORT": c.port, "WORKOS_API_HTTPS": c.https}
			tool := &tool{getenv: func(name string) string { return env[name] }}
			url, err := tool.apiURL()
			require.NoError(t, err)
			assert.Equal(t, c.url, url)
		})
	}
}
