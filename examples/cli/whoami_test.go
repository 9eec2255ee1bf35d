// The whoami and logout commands against a fake AuthKit.

package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// whoamiOutput returns what whoami prints about Ada.
func (f *fixture) whoamiOutput(left string) string {
	return "Signed in as Ada Okafor <ada@harborpress.test>\n" +
		"Organization " + f.workOS.Organizations()[0].ID + "\n" +
		"Role         admin\n" +
		"Application  " + f.workOS.ClientID() + " at " + f.workOS.URL() + "\n" +
		"Access token valid for " + left + "\n"
}

func TestWhoamiNeedsNoNetworkWhileTheTokenIsValid(t *testing.T) {
	f := newFixture(t)
	f.signIn()
	before, calls := f.stored(), f.workOS.Calls(authkittest.RouteJWKS)
	f.env = map[string]string{"AUTHKIT_EXAMPLE_DIR": f.dir} // the API's address is in the store
	f.clock.Advance(4*time.Minute - time.Second)
	status, stdout, stderr := f.run("whoami")
	assert.Zero(t, status)
	assert.Equal(t, f.whoamiOutput("1m1s"), stdout)
	assert.Empty(t, stderr)
	assert.Equal(t, before, f.stored())
	assert.Zero(t, f.workOS.Calls(authkittest.RouteRefresh))
	assert.Equal(t, calls, f.workOS.Calls(authkittest.RouteJWKS))
}

func TestWhoamiRefreshesATokenInItsLastMinuteOrLater(t *testing.T) {
	for _, age := range []time.Duration{4 * time.Minute, 300 * 24 * time.Hour} {
		f := newFixture(t)
		f.signIn()
		before := f.stored()
		f.workOS.UpdateUser(ada, func(p *authkittest.User) { p.Email, p.Memberships[0].Role = "ada@example.com", "owner" })
		f.clock.Advance(age)
		status, stdout, stderr := f.run("whoami")
		assert.Zero(t, status)
		assert.Contains(t, stdout, "Ada Okafor <ada@example.com>\n")
		assert.Contains(t, stdout, "Role         owner\n")
		assert.Contains(t, stdout, "valid for 5m0s\n")
		assert.Empty(t, stderr)
		after := f.stored()
		assert.NotEqual(t, before.AccessToken, after.AccessToken)
		assert.NotEqual(t, before.RefreshToken, after.RefreshToken)
		f.assertPrivate()
		assert.Equal(t, 1, f.workOS.Calls(authkittest.RouteRefresh))
	}
}

func TestAShortLivedTokenIsNotRefreshedOnEveryUse(t *testing.T) {
	f := newFixture(t, authkittest.WithAccessTokenLifetime(30*time.Second))
	f.signIn()
	f.clock.Advance(23 * time.Second)
	_, stdout, _ := f.run("whoami")
	assert.Equal(t, f.whoamiOutput("7s"), stdout)
	f.clock.Advance(time.Second)
	_, stdout, _ = f.run("whoami")
	assert.Equal(t, f.whoamiOutput("30s"), stdout)
}

func TestWhoamiShowsMissingValuesAndTheImpersonator(t *testing.T) {
	f := newFixture(t)
	c := f.startCommand(false, "login")
	f.clock.awaitPoll(1)
	f.workOS.UpdateUser("dev@example.com", func(p *authkittest.User) {
		p.FirstName, p.LastName = "", ""
		p.Claims = map[string]any{"act": map[string]string{"sub": "support@example.com"}}
	})
	f.workOS.ApproveDevice(f.userCode(), "dev@example.com")
	f.clock.Advance(interval)
	require.Zero(t, c.wait())
	_, stdout, _ := f.run("whoami")
	for _, line := range []string{"Signed in as dev@example.com", "Organization none", "Role         none", "IMPERSONATED by support@example.com"} {
		assert.Contains(t, stdout, line+"\n")
	}
}

func TestTwoConcurrentCommandsMakeOneTokenExchange(t *testing.T) {
	f := newFixture(t)
	f.signIn()
	f.clock.Advance(time.Hour)
	f.workOS.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	first := f.startCommand(false, "whoami")
	f.workOS.AwaitCalls(t, authkittest.RouteRefresh, 1)
	second := f.startCommand(false, "whoami")
	f.clock.await(lockRetryInterval, 1)
	f.workOS.ClearFault(authkittest.RouteRefresh)
	assert.Zero(t, first.wait())
	f.clock.Advance(lockRetryInterval)
	assert.Zero(t, second.wait())
	for _, c := range []*command{first, second} {
		assert.Equal(t, f.whoamiOutput("5m0s"), c.stdout.String())
		assert.Empty(t, c.stderr.String())
	}
	assert.Equal(t, 1, f.workOS.Calls(authkittest.RouteRefresh))
}

func TestALogoutDuringARefreshDeletesTheSession(t *testing.T) {
	f := newFixture(t)
	f.signIn()
	f.clock.Advance(time.Hour)
	f.workOS.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	refreshing := f.startCommand(false, "whoami")
	f.workOS.AwaitCalls(t, authkittest.RouteRefresh, 1)
	logout := f.startCommand(false, "logout")
	f.clock.await(lockRetryInterval, 1)
	f.workOS.ClearFault(authkittest.RouteRefresh)
	assert.Zero(t, refreshing.wait())
	f.clock.Advance(lockRetryInterval)
	assert.Zero(t, logout.wait())
	f.assertNothingStored()
}

func TestACommandThatWaitsForTheLockEndsOnCtrlCAndAtItsTimeout(t *testing.T) {
	f := newFixture(t)
	f.signIn()
	release, err := tryLock(filepath.Join(f.dir, "lock"))
	require.NoError(t, err)
	defer release()
	f.clock.Advance(time.Hour)

	interrupted := f.startCommand(false, "whoami")
	f.clock.await(lockRetryInterval, 1)
	interrupted.interrupt()
	assert.Equal(t, exitInterrupted, interrupted.wait())

	f.clock.reset()
	timedOut := f.startCommand(false, "whoami")
	f.clock.await(lockRetryInterval, 1)
	f.clock.Advance(lockTimeout)
	assert.Equal(t, exitFailure, timedOut.wait())
	assert.Equal(t, "whoami: another command is using the session; try again\n", timedOut.stderr.String())
}

func TestCtrlCDuringTheTokenExchangeDoesNotLoseTheNewRefreshToken(t *testing.T) {
	f := newFixture(t)
	f.signIn()
	f.clock.Advance(time.Hour)
	before := f.stored()
	f.workOS.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true, TakeEffect: true})
	c := f.startCommand(false, "whoami")
	f.workOS.AwaitCalls(t, authkittest.RouteRefresh, 1)
	c.interrupt()
	f.workOS.ClearFault(authkittest.RouteRefresh)
	c.wait()
	assert.NotEqual(t, before.RefreshToken, f.stored().RefreshToken)
}

func TestASessionThatHasEndedIsDeleted(t *testing.T) {
	failWith := func(code string) func(*fixture) {
		return func(f *fixture) {
			f.workOS.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"` + code + `"}`})
		}
	}
	for name, end := range map[string]func(*fixture){
		"revoked at WorkOS":                 func(f *fixture) { f.workOS.RevokeSession(f.workOS.Sessions()[0].ID) },
		"the organization now requires SSO": failWith("sso_required"),
		"the organization now requires MFA": failWith("mfa_enrollment"),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.signIn()
			f.clock.Advance(time.Hour)
			end(f)
			status, stdout, stderr := f.run("whoami")
			assert.Equal(t, exitFailure, status)
			assert.Empty(t, stdout)
			assert.Equal(t, "whoami: your session has ended and you are signed out; run login\n", stderr)
			f.assertNothingStored()

			_, _, stderr = f.run("whoami")
			assert.Equal(t, "whoami: you are not signed in; run login\n", stderr)
		})
	}
}

func TestAnOutageDoesNotEndTheSession(t *testing.T) {
	for name, route := range map[string]authkittest.Route{
		"of the API":  authkittest.RouteRefresh,
		"of the keys": authkittest.RouteJWKS,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.signIn()
			before := f.stored()
			f.workOS.InjectFault(route, unavailable)
			f.clock.Advance(4*time.Minute + 30*time.Second)
			status, stdout, stderr := f.run("whoami")
			assert.Zero(t, status)
			assert.Equal(t, f.whoamiOutput("30s"), stdout)
			assert.Contains(t, stderr, "whoami: not refreshed: WorkOS is unavailable")

			f.clock.Advance(30 * time.Second)
			status, stdout, stderr = f.run("whoami")
			assert.Equal(t, exitFailure, status)
			assert.Empty(t, stdout)
			assert.Contains(t, stderr, "whoami: WorkOS is unavailable")
			assert.Equal(t, before, f.stored())

			f.workOS.ClearFault(route)
			status, _, _ = f.run("whoami")
			assert.Zero(t, status)
		})
	}
}

func TestAnErrorThatIsNotAboutTheSessionKeepsIt(t *testing.T) {
	f := newFixture(t)
	f.signIn()
	before := f.stored()
	f.clock.Advance(time.Hour)
	f.workOS.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"unauthorized_client"}`})
	status, _, stderr := f.run("whoami")
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, stderr, "unauthorized_client")
	assert.Equal(t, before, f.stored())
}

func TestTheNewRefreshTokenIsStoredEvenIfTheNewAccessTokenIsInvalid(t *testing.T) {
	f := newFixture(t)
	f.signIn()
	before := f.stored()
	f.clock.Advance(time.Hour)
	f.workOS.UpdateUser(ada, func(p *authkittest.User) { p.Claims = map[string]any{"client_id": "client_other"} })
	status, stdout, stderr := f.run("whoami")
	assert.Equal(t, exitFailure, status)
	assert.Empty(t, stdout)
	assert.Contains(t, stderr, "token refused: client_id")
	after := f.stored()
	assert.Equal(t, before.AccessToken, after.AccessToken)
	assert.NotEqual(t, before.RefreshToken, after.RefreshToken)

	f.workOS.UpdateUser(ada, func(p *authkittest.User) { p.Claims = nil })
	f.clock.Advance(time.Hour) // WorkOS no longer accepts the old refresh token
	status, stdout, _ = f.run("whoami")
	assert.Zero(t, status)
	assert.Equal(t, f.whoamiOutput("5m0s"), stdout)
}

func TestLogoutDeletesTheTokensAndPrintsTheLogoutURL(t *testing.T) {
	f := newFixture(t)
	f.signIn()
	id := f.workOS.Sessions()[0].ID
	f.clock.Advance(time.Hour) // the token has expired
	status, stdout, stderr := f.run("logout")
	assert.Zero(t, status)
	assert.Equal(t, "You are signed out on this machine: the tokens are deleted.\n"+
		"To end the session at WorkOS too, open  "+f.workOS.URL()+"/user_management/sessions/logout?session_id="+id+"\n", stdout)
	assert.Empty(t, stderr)
	f.assertNothingStored()

	status, stdout, _ = f.run("logout")
	assert.Zero(t, status)
	assert.Equal(t, "You are not signed in.\n", stdout)
}

func TestWhoamiRefusesAStoreThatOtherUsersCanReadAndLogoutDeletesIt(t *testing.T) {
	for name, open := range map[string]func(*fixture) error{
		"the file":      func(f *fixture) error { return os.Chmod(filepath.Join(f.dir, "session.json"), 0o640) },
		"the directory": func(f *fixture) error { return os.Chmod(f.dir, 0o702) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.signIn()
			require.NoError(t, open(f))
			status, stdout, stderr := f.run("whoami")
			assert.Equal(t, exitFailure, status)
			assert.Empty(t, stdout)
			assert.Regexp(t, `is open to other users \(mode 0(640|702)\)`, stderr)

			status, stdout, _ = f.run("logout")
			assert.Zero(t, status)
			assert.Contains(t, stdout, "session_id=session_", "a session that others may have read must be ended")
			f.assertNothingStored()
		})
	}
}

func TestWhoamiReportsAnUnreadableStoreAndLogoutDeletesIt(t *testing.T) {
	for name, content := range map[string]string{
		"empty":                 "",
		"truncated":             `{"application":{"client_id":"client_01A","api":"https://api.workos.com"},"access_token":"hunter2`,
		"another type":          `{"access_token":{"hunter2":1}}`,
		"no refresh token":      `{"application":{"client_id":"client_01A","api":"https://api.workos.com"},"access_token":"hunter2"}`,
		"no valid access token": `{"application":{"client_id":"client_01A","api":"https://api.workos.com"},"access_token":"hunter2","refresh_token":"hunter2"}`,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			require.NoError(t, os.MkdirAll(f.dir, 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(f.dir, "session.json"), []byte(content), 0o600))
			status, stdout, stderr := f.run("whoami")
			assert.Equal(t, exitFailure, status)
			assert.Empty(t, stdout)
			assert.Regexp(t, "^whoami: ", stderr)
			assert.NotContains(t, stderr, "hunter2")

			status, stdout, _ = f.run("logout")
			assert.Zero(t, status)
			assert.Equal(t, "You are signed out on this machine: the tokens are deleted.\n", stdout)
			f.assertNothingStored()
		})
	}
}
