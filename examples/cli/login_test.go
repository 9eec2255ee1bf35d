// login, at a fake AuthKit.

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

	// Until the second wait for this long, WorkOS is being called. A call has 10 s too, and so have the first two.
	afterOneSlowDown = 10 * time.Second
)

func TestAnApprovedLoginIsStoredForItsOwnerAlone(t *testing.T) {
	w := newWorld(t)
	c := w.begin(false, "login")
	w.clock.awaitPoll(1)
	w.clock.Advance(interval)
	w.clock.awaitPoll(2) // nobody has decided
	w.workOS.ApproveDevice(w.userCode(), ada)
	w.clock.Advance(interval)

	require.Zero(t, c.wait())
	assert.Equal(t, w.invitation()+pipeWaiting+signedIn, c.stdout.String())
	assert.Empty(t, c.stderr.String())
	w.assertOwnersAlone()
	s := w.stored()
	assert.Equal(t, application{ClientID: w.workOS.ClientID(), API: w.workOS.URL()}, s.Application)
	assert.Equal(t, person{Name: "Ada Okafor", Email: ada}, s.User)
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s", s, *s, *s, s.AccessToken), string(s.AccessToken))
}

func TestOnATerminalALineMovesAndTheTimeRunsDown(t *testing.T) {
	w := newWorld(t)
	w.workOS.InjectFault(authkittest.RouteDeviceToken, authkittest.Fault{Hang: true})
	c := w.begin(true, "login")
	w.clock.awaitPoll(1)
	w.workOS.ApproveDevice(w.userCode(), ada)
	w.clock.Advance(interval)
	w.workOS.ClearFault(authkittest.RouteDeviceToken) // not before the last second has been shown

	require.Zero(t, c.wait())
	const line = "/ Waiting for you to approve, 5:00 left"
	assert.Equal(t, w.invitation()+strings.Join([]string{
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

func TestALoginGoesOnWhateverThePollsMeet(t *testing.T) {
	for _, c := range []struct {
		name  string
		meets func(*authkittest.Server)
		told  string
	}{
		{
			"WorkOS asks to be polled less often",
			func(f *authkittest.Server) { f.SlowDownDevices(1) },
			"WorkOS asks for patience. Asking less often.\n",
		},
		{
			"WorkOS is down for a moment",
			func(f *authkittest.Server) {
				f.InjectFault(authkittest.RouteDeviceToken, authkittest.Fault{Status: http.StatusBadGateway, Times: 1})
			},
			"WorkOS does not answer. Trying again, less often.\nWorkOS answers again.\n",
		},
		{
			"the network is down for a moment",
			func(f *authkittest.Server) {
				f.InjectFault(authkittest.RouteDeviceToken, authkittest.Fault{Reset: true, Times: 1})
			},
			"WorkOS does not answer. Trying again, less often.\nWorkOS answers again.\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.meets(w.workOS)
			login := w.begin(false, "login")
			w.clock.awaitPoll(1)
			w.clock.Advance(interval)
			w.clock.await(afterOneSlowDown, 3) // after the limits of two calls
			w.workOS.ApproveDevice(w.userCode(), ada)
			w.clock.Advance(afterOneSlowDown)
			require.Zero(t, login.wait())
			assert.Equal(t, w.invitation()+pipeWaiting+c.told+signedIn, login.stdout.String())
			assert.Empty(t, login.stderr.String())
		})
	}
}

func TestOnATerminalANoticeStaysAboveTheLineThatMoves(t *testing.T) {
	w := newWorld(t)
	w.workOS.SlowDownDevices(1)
	c := w.begin(true, "login")
	w.clock.awaitPoll(1)
	w.clock.Advance(interval)
	w.clock.await(afterOneSlowDown, 3)
	c.interrupt()
	require.Equal(t, exitInterrupted, c.wait())
	assert.Regexp(t, `\r {41}\rWorkOS asks for patience\. Asking less often\.\n\r[-|/\\] Waiting for you to approve, 4:55 left.*\r {41}\r$`, c.stdout.String())
}

func TestALoginThatComesToNothingStoresNothing(t *testing.T) {
	const refusal = `{"error":"%s","error_description":"In words."}`
	fail := func(route authkittest.Route, fault authkittest.Fault) func(*world) {
		return func(w *world) { w.workOS.InjectFault(route, fault) }
	}
	for _, c := range []struct {
		name    string
		arrange func(*world)
		polled  bool // the person has been invited
		told    string
	}{
		{
			"the person denies", nil, true,
			"login: the sign-in was denied; nothing has been stored\n",
		},
		{
			"the code expires by the word of WorkOS",
			fail(authkittest.RouteDeviceToken, authkittest.Fault{Status: 400, Body: fmt.Sprintf(refusal, "expired_token")}), true,
			"login: nobody approved in time and the code has expired; run login again for a new one\n",
		},
		{
			"the code is used up",
			fail(authkittest.RouteDeviceToken, authkittest.Fault{Status: 400, Body: fmt.Sprintf(refusal, "invalid_grant")}), true,
			"login: the code is no longer good; run login again for a new one\n",
		},
		{
			"the client is refused",
			fail(authkittest.RouteDeviceToken, authkittest.Fault{Status: 400, Body: fmt.Sprintf(refusal, "invalid_client")}), true,
			"invalid_client: In words.",
		},
		{
			"WorkOS is down",
			fail(authkittest.RouteAuthorizeDevice, unavailable), false,
			"login: WorkOS cannot answer now; try again in 1m0s: ",
		},
		{
			"the network is down",
			fail(authkittest.RouteAuthorizeDevice, authkittest.Fault{Reset: true}), false,
			"login: WorkOS cannot answer now; try again later: ",
		},
		{
			"there are no keys to verify tokens with",
			fail(authkittest.RouteJWKS, unavailable), false,
			"login: WorkOS cannot answer now; try again later: jwks: signing keys unavailable",
		},
		{
			"the client ID is unknown",
			func(w *world) { w.env["WORKOS_CLIENT_ID"] = "client_other" }, false,
			"invalid_client",
		},
		{
			"WORKOS_API_HTTPS is neither true nor false",
			func(w *world) { w.env["WORKOS_API_HTTPS"] = "maybe" }, false,
			`login: WORKOS_API_HTTPS is "maybe"; true or false is needed` + "\n",
		},
		{
			"WORKOS_API_PORT is no port",
			func(w *world) { w.env["WORKOS_API_PORT"] = "https" }, false,
			"want http or https, a host, optionally a port",
		},
		{
			"the directory of the tokens is open to others",
			func(w *world) {
				require.NoError(w, os.MkdirAll(w.dir, 0o700))
				require.NoError(w, os.Chmod(w.dir, 0o750))
			}, false,
			"is open to others (mode 0750); close it with chmod go=",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			if c.arrange != nil {
				c.arrange(w)
			}
			login := w.begin(false, "login")
			if c.polled {
				w.clock.awaitPoll(1)
				w.workOS.DenyDevice(w.userCode())
				w.clock.Advance(interval)
			}
			assert.Equal(t, exitFailure, login.wait())
			assert.Contains(t, login.stderr.String(), c.told)
			if c.polled {
				assert.Equal(t, w.invitation()+pipeWaiting, login.stdout.String())
			} else {
				assert.Empty(t, login.stdout.String(), "nobody is invited")
			}
			w.assertNothingStored()
		})
	}
}

func TestACodeExpiresByTheToolsOwnClockToo(t *testing.T) {
	w := newWorld(t)
	w.workOS.InjectFault(authkittest.RouteAuthorizeDevice, authkittest.Fault{
		Body: `{"device_code":"d","user_code":"BCDF-GHJK","verification_uri":"https://acme.authkit.test/device","expires_in":3}`,
	})
	c := w.begin(false, "login")
	w.clock.await(3*time.Second, 1)
	w.clock.Advance(3 * time.Second)
	assert.Equal(t, exitFailure, c.wait())
	assert.Equal(t, "To sign in, open  https://acme.authkit.test/device\nand enter         BCDF-GHJK\n"+
		"Waiting for you to approve, for 0:03 at most.\n", c.stdout.String())
	assert.Contains(t, c.stderr.String(), "the code has expired")
	assert.Zero(t, w.workOS.Calls(authkittest.RouteDeviceToken))
}

func TestATokenThatDoesNotVerifyIsNotStored(t *testing.T) {
	w := newWorld(t, authkittest.WithIssuer("https://elsewhere.test"))
	c := w.begin(false, "login")
	w.clock.awaitPoll(1)
	w.workOS.ApproveDevice(w.userCode(), ada)
	w.clock.Advance(interval)
	assert.Equal(t, exitFailure, c.wait())
	assert.Contains(t, c.stderr.String(), `token refused: iss`)
	w.assertNothingStored()
}

func TestCtrlCEndsALoginAtOnce(t *testing.T) {
	for name, fault := range map[string]authkittest.Route{
		"while WorkOS is asked for a code": authkittest.RouteAuthorizeDevice,
		"while the keys are on their way":  authkittest.RouteJWKS,
		"during a poll":                    authkittest.RouteDeviceToken,
		"between two polls":                "",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if fault != "" {
				w.workOS.InjectFault(fault, authkittest.Fault{Hang: true})
			}
			c := w.begin(false, "login")
			if fault == "" || fault == authkittest.RouteDeviceToken {
				w.clock.awaitPoll(1)
			}
			if fault == authkittest.RouteDeviceToken {
				w.clock.Advance(interval)
			}
			if fault != "" {
				w.workOS.AwaitCalls(t, fault, 1)
			}
			c.interrupt()
			assert.Equal(t, exitInterrupted, c.wait())
			assert.Equal(t, "login: interrupted\n", c.stderr.String())
			w.assertNothingStored()
		})
	}
}

func TestWithoutAClientIDThereIsAFakeUntilTheLoginEnds(t *testing.T) {
	w := newWorld(t)
	clear(w.env)
	w.env["AUTHKIT_EXAMPLE_DIR"] = w.dir
	c := w.begin(false, "login")
	w.clock.awaitPoll(1)
	assert.Contains(t, c.stdout.String(), "No WORKOS_CLIENT_ID: this is a fake AuthKit, which ends with this command.\n")
	w.approveInBrowser(regexp.MustCompile(`http://\S+user_code=\S+`).FindString(c.stdout.String()))
	w.clock.Advance(interval)
	require.Zero(t, c.wait(), c.stderr.String())
	assert.True(t, strings.HasSuffix(c.stdout.String(), signedIn))

	status, stdout, stderr := w.run("whoami")
	assert.Zero(t, status)
	assert.Contains(t, stdout, "Ada Okafor")
	assert.Contains(t, stdout, "good for 5m0s")
	assert.Empty(t, stderr)

	w.clock.Advance(4*time.Minute + time.Second)
	const gone = "you signed in at the fake AuthKit inside login, which is gone; run login again\n"
	status, stdout, stderr = w.run("whoami")
	assert.Zero(t, status)
	assert.Contains(t, stdout, "good for 59s")
	assert.Equal(t, "whoami: not renewed: "+gone, stderr)

	w.clock.Advance(time.Minute)
	status, stdout, stderr = w.run("whoami")
	assert.Equal(t, exitFailure, status)
	assert.Empty(t, stdout)
	assert.Equal(t, "whoami: "+gone, stderr)

	status, stdout, _ = w.run("logout")
	assert.Zero(t, status)
	assert.Equal(t, "You are signed out on this machine: the tokens are gone.\n", stdout)
	w.assertNothingStored()
}

// approveInBrowser goes through the device page as a person does.
func (w *world) approveInBrowser(link string) {
	w.Helper()
	b := authkittest.NewBrowser()
	w.Cleanup(b.CloseIdleConnections)
	_, err := b.Get(link)
	require.NoError(w, err)
	for _, button := range []string{"Continue", "Ada Okafor", "Approve"} {
		page, err := b.Submit(button, nil)
		require.NoError(w, err)
		require.Equal(w, http.StatusOK, page.StatusCode)
	}
}

func TestALoginReplacesTheSessionBefore(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	before := w.stored()
	require.NoError(t, os.Chmod(filepath.Join(w.dir, "session.json"), 0o644))
	w.signIn()
	assert.NotEqual(t, before.RefreshToken, w.stored().RefreshToken)
	w.assertOwnersAlone()
}

func TestWhatPeopleAreCalledDoesNotMoveTheCursor(t *testing.T) {
	w := newWorld(t)
	w.workOS.UpdateUser(ada, func(p *authkittest.User) { p.FirstName, p.LastName = "Ada\x1b[2J\r", "\u202eOkafor\n" })
	w.signIn()
	_, stdout, _ := w.run("whoami")
	assert.Contains(t, stdout, "Signed in as Ada[2J  Okafor <ada@harborpress.test>\n")
}

func TestTheAddressOfTheAPIComesFromTheEnvironment(t *testing.T) {
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
