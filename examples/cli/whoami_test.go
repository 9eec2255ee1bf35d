// whoami and logout, at a fake AuthKit.

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

// whoIs is what whoami prints of Ada.
func (w *world) whoIs(left string) string {
	return "Signed in as Ada Okafor <ada@harborpress.test>\n" +
		"Organization " + w.workOS.Organizations()[0].ID + "\n" +
		"Role         admin\n" +
		"Application  " + w.workOS.ClientID() + " at " + w.workOS.URL() + "\n" +
		"Access token good for " + left + "\n"
}

func TestWhoamiNeedsNoNetworkWhileTheTokenIsGood(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	before, calls := w.stored(), w.workOS.Calls(authkittest.RouteJWKS)
	w.env = map[string]string{"AUTHKIT_EXAMPLE_DIR": w.dir} // what WorkOS it is has been stored
	w.clock.Advance(4*time.Minute - time.Second)
	status, stdout, stderr := w.run("whoami")
	assert.Zero(t, status)
	assert.Equal(t, w.whoIs("1m1s"), stdout)
	assert.Empty(t, stderr)
	assert.Equal(t, before, w.stored())
	assert.Zero(t, w.workOS.Calls(authkittest.RouteRefresh))
	assert.Equal(t, calls, w.workOS.Calls(authkittest.RouteJWKS))
}

func TestWhoamiRenewsATokenInItsLastMinuteOrAfter(t *testing.T) {
	for _, age := range []time.Duration{4 * time.Minute, 300 * 24 * time.Hour} {
		w := newWorld(t)
		w.signIn()
		before := w.stored()
		w.workOS.UpdateUser(ada, func(p *authkittest.User) { p.Email, p.Memberships[0].Role = "ada@example.com", "owner" })
		w.clock.Advance(age)
		status, stdout, stderr := w.run("whoami")
		assert.Zero(t, status)
		assert.Contains(t, stdout, "Ada Okafor <ada@example.com>\n")
		assert.Contains(t, stdout, "Role         owner\n")
		assert.Contains(t, stdout, "good for 5m0s\n")
		assert.Empty(t, stderr)
		after := w.stored()
		assert.NotEqual(t, before.AccessToken, after.AccessToken)
		assert.NotEqual(t, before.RefreshToken, after.RefreshToken)
		w.assertOwnersAlone()
		assert.Equal(t, 1, w.workOS.Calls(authkittest.RouteRefresh))
	}
}

func TestATokenOfAShortLifeIsNotRenewedOnEveryUse(t *testing.T) {
	w := newWorld(t, authkittest.WithAccessTokenLifetime(30*time.Second))
	w.signIn()
	w.clock.Advance(23 * time.Second)
	_, stdout, _ := w.run("whoami")
	assert.Equal(t, w.whoIs("7s"), stdout)
	w.clock.Advance(time.Second)
	_, stdout, _ = w.run("whoami")
	assert.Equal(t, w.whoIs("30s"), stdout)
}

func TestWhoamiShowsWhatThereIs(t *testing.T) {
	w := newWorld(t)
	c := w.begin(false, "login")
	w.clock.awaitPoll(1)
	w.workOS.UpdateUser("dev@example.com", func(p *authkittest.User) {
		p.FirstName, p.LastName = "", ""
		p.Claims = map[string]any{"act": map[string]string{"sub": "support@example.com"}}
	})
	w.workOS.ApproveDevice(w.userCode(), "dev@example.com")
	w.clock.Advance(interval)
	require.Zero(t, c.wait())
	_, stdout, _ := w.run("whoami")
	for _, line := range []string{"Signed in as dev@example.com", "Organization none", "Role         none", "IMPERSONATED by support@example.com"} {
		assert.Contains(t, stdout, line+"\n")
	}
}

func TestTwoCommandsAtOnceMakeOneExchange(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	w.clock.Advance(time.Hour)
	w.workOS.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	first := w.begin(false, "whoami")
	w.workOS.AwaitCalls(t, authkittest.RouteRefresh, 1)
	second := w.begin(false, "whoami")
	w.clock.await(lockPause, 1)
	w.workOS.ClearFault(authkittest.RouteRefresh)
	assert.Zero(t, first.wait())
	w.clock.Advance(lockPause)
	assert.Zero(t, second.wait())
	for _, c := range []*command{first, second} {
		assert.Equal(t, w.whoIs("5m0s"), c.stdout.String())
		assert.Empty(t, c.stderr.String())
	}
	assert.Equal(t, 1, w.workOS.Calls(authkittest.RouteRefresh))
}

func TestALogoutDuringARenewalLasts(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	w.clock.Advance(time.Hour)
	w.workOS.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	renewing := w.begin(false, "whoami")
	w.workOS.AwaitCalls(t, authkittest.RouteRefresh, 1)
	logout := w.begin(false, "logout")
	w.clock.await(lockPause, 1)
	w.workOS.ClearFault(authkittest.RouteRefresh)
	assert.Zero(t, renewing.wait())
	w.clock.Advance(lockPause)
	assert.Zero(t, logout.wait())
	w.assertNothingStored()
}

func TestWhoeverWaitsForTheLockObeysCtrlCAndGivesUpInTheEnd(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	release, err := tryLock(filepath.Join(w.dir, "lock"))
	require.NoError(t, err)
	defer release()
	w.clock.Advance(time.Hour)

	interrupted := w.begin(false, "whoami")
	w.clock.await(lockPause, 1)
	interrupted.interrupt()
	assert.Equal(t, exitInterrupted, interrupted.wait())

	w.clock.forget()
	patient := w.begin(false, "whoami")
	w.clock.await(lockPause, 1)
	w.clock.Advance(lockLimit)
	assert.Equal(t, exitFailure, patient.wait())
	assert.Equal(t, "whoami: another command is at work on the session\n", patient.stderr.String())
}

func TestCtrlCDoesNotLoseARefreshTokenThatIsBeingExchanged(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	w.clock.Advance(time.Hour)
	before := w.stored()
	w.workOS.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true, TakeEffect: true})
	c := w.begin(false, "whoami")
	w.workOS.AwaitCalls(t, authkittest.RouteRefresh, 1)
	c.interrupt()
	w.workOS.ClearFault(authkittest.RouteRefresh)
	c.wait()
	assert.NotEqual(t, before.RefreshToken, w.stored().RefreshToken)
}

func TestASessionThatHasEndedIsForgotten(t *testing.T) {
	refuse := func(code string) func(*world) {
		return func(w *world) {
			w.workOS.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"` + code + `"}`})
		}
	}
	for name, end := range map[string]func(*world){
		"revoked at WorkOS":                   func(w *world) { w.workOS.RevokeSession(w.workOS.Sessions()[0].ID) },
		"its organization demands SSO by now": refuse("sso_required"),
		"it demands a second factor by now":   refuse("mfa_enrollment"),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.signIn()
			w.clock.Advance(time.Hour)
			end(w)
			status, stdout, stderr := w.run("whoami")
			assert.Equal(t, exitFailure, status)
			assert.Empty(t, stdout)
			assert.Equal(t, "whoami: your session has ended and you are signed out; run login\n", stderr)
			w.assertNothingStored()

			_, _, stderr = w.run("whoami")
			assert.Equal(t, "whoami: you are not signed in; run login\n", stderr)
		})
	}
}

func TestASessionOutlivesAnOutage(t *testing.T) {
	for name, route := range map[string]authkittest.Route{
		"of the API":  authkittest.RouteRefresh,
		"of the keys": authkittest.RouteJWKS,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.signIn()
			before := w.stored()
			w.workOS.InjectFault(route, unavailable)
			w.clock.Advance(4*time.Minute + 30*time.Second)
			status, stdout, stderr := w.run("whoami")
			assert.Zero(t, status)
			assert.Equal(t, w.whoIs("30s"), stdout)
			assert.Contains(t, stderr, "whoami: not renewed: WorkOS cannot answer now")

			w.clock.Advance(30 * time.Second)
			status, stdout, stderr = w.run("whoami")
			assert.Equal(t, exitFailure, status)
			assert.Empty(t, stdout)
			assert.Contains(t, stderr, "whoami: WorkOS cannot answer now")
			assert.Equal(t, before, w.stored())

			w.workOS.ClearFault(route)
			status, _, _ = w.run("whoami")
			assert.Zero(t, status)
		})
	}
}

func TestARefusalThatIsNotAboutTheSessionLeavesIt(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	before := w.stored()
	w.clock.Advance(time.Hour)
	w.workOS.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"unauthorized_client"}`})
	status, _, stderr := w.run("whoami")
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, stderr, "unauthorized_client")
	assert.Equal(t, before, w.stored())
}

func TestTheNewRefreshTokenIsStoredBeforeTheNewAccessTokenIsJudged(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	before := w.stored()
	w.clock.Advance(time.Hour)
	w.workOS.UpdateUser(ada, func(p *authkittest.User) { p.Claims = map[string]any{"client_id": "client_other"} })
	status, stdout, stderr := w.run("whoami")
	assert.Equal(t, exitFailure, status)
	assert.Empty(t, stdout)
	assert.Contains(t, stderr, "token refused: client_id")
	after := w.stored()
	assert.Equal(t, before.AccessToken, after.AccessToken)
	assert.NotEqual(t, before.RefreshToken, after.RefreshToken)

	w.workOS.UpdateUser(ada, func(p *authkittest.User) { p.Claims = nil })
	w.clock.Advance(time.Hour) // long after the old refresh token could be replayed
	status, stdout, _ = w.run("whoami")
	assert.Zero(t, status)
	assert.Equal(t, w.whoIs("5m0s"), stdout)
}

func TestLogoutForgetsTheTokensAndTellsWhereTheSessionEnds(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	id := w.workOS.Sessions()[0].ID
	w.clock.Advance(time.Hour) // an expired token will do
	status, stdout, stderr := w.run("logout")
	assert.Zero(t, status)
	assert.Equal(t, "You are signed out on this machine: the tokens are gone.\n"+
		"To end the session at WorkOS too, open  "+w.workOS.URL()+"/user_management/sessions/logout?session_id="+id+"\n", stdout)
	assert.Empty(t, stderr)
	w.assertNothingStored()

	status, stdout, _ = w.run("logout")
	assert.Zero(t, status)
	assert.Equal(t, "You are not signed in.\n", stdout)
}

func TestAStoreThatIsOpenToOthersIsRefusedAndCanBeLoggedOutOf(t *testing.T) {
	for name, open := range map[string]func(*world) error{
		"the file":      func(w *world) error { return os.Chmod(filepath.Join(w.dir, "session.json"), 0o640) },
		"the directory": func(w *world) error { return os.Chmod(w.dir, 0o702) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.signIn()
			require.NoError(t, open(w))
			status, stdout, stderr := w.run("whoami")
			assert.Equal(t, exitFailure, status)
			assert.Empty(t, stdout)
			assert.Regexp(t, `is open to others \(mode 0(640|702)\)`, stderr)

			status, stdout, _ = w.run("logout")
			assert.Zero(t, status)
			assert.Contains(t, stdout, "session_id=session_", "what others may have read should be ended")
			w.assertNothingStored()
		})
	}
}

func TestAStoreThatCannotBeReadIsSaidToBeAndGoesWithALogout(t *testing.T) {
	for name, content := range map[string]string{
		"nothing":             "",
		"half of it":          `{"application":{"client_id":"client_01A","api":"https://api.workos.com"},"access_token":"hunter2`,
		"another shape":       `{"access_token":{"hunter2":1}}`,
		"no refresh token":    `{"application":{"client_id":"client_01A","api":"https://api.workos.com"},"access_token":"hunter2"}`,
		"an access token not": `{"application":{"client_id":"client_01A","api":"https://api.workos.com"},"access_token":"hunter2","refresh_token":"hunter2"}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			require.NoError(t, os.MkdirAll(w.dir, 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(w.dir, "session.json"), []byte(content), 0o600))
			status, stdout, stderr := w.run("whoami")
			assert.Equal(t, exitFailure, status)
			assert.Empty(t, stdout)
			assert.Regexp(t, "^whoami: ", stderr)
			assert.NotContains(t, stderr, "hunter2")

			status, stdout, _ = w.run("logout")
			assert.Zero(t, status)
			assert.Equal(t, "You are signed out on this machine: the tokens are gone.\n", stdout)
			w.assertNothingStored()
		})
	}
}
