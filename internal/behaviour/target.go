// The suite: what holds for every application behind authkit, and the applications that it is run against.

package behaviour

import (
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/authkit-go/authkit/authkittest"
)

// Target is an application behind authkit that Run can test. It has these routes, all of them behind the middleware:
//
//	GET  /           a page for everybody, which names the signed-in user
//	GET  /account    a page behind RequireAuth that contains the email address of the signed-in user
//	GET  /api/me     behind RequireAuth: {"user": {"id": …, "email": …}, "session_id": …, "organization_id": …}
//	GET  /healthz    200
//	/login, /callback, /logout    the handlers of authkit
//
// Any other path is not found, or leads to one of these. The cookies have their default names, sessions do not end
// before WorkOS ends them, and bearer tokens are not accepted.
type Target struct {
	Name string
	// Start starts a new process of the application, and returns its address, http://localhost:port, once it serves.
	// t.Cleanup ends the process. A test may start several that stand before one fake and share their cookies.
	Start func(t testing.TB, d Deployment) (url string)
}

// Deployment is what a process of a Target is configured with.
type Deployment struct {
	Fake           *authkittest.Server // what it takes for WorkOS: its API address, its API key and its client ID
	CookiePassword string
	Log            io.Writer // for everything that it logs
}

// Run tests a target over HTTP: sign-in, return paths, callbacks, sign-out, cookies, caches and refreshes, and what an
// attacker with a browser, a cookie, a token or a link would try. Nothing is tried that needs another time than that of
// this machine. Whatever is tried, nothing secret may turn up in the log of the application, and it may not panic: every
// case checks that when it ends.
func Run(t *testing.T, target Target) {
	shared := target.instance(t, authkittest.New(t, people()), newPassword())
	for _, test := range suite {
		name := runtime.FuncForPC(reflect.ValueOf(test).Pointer()).Name()
		t.Run(name[strings.LastIndex(name, ".")+1:], func(t *testing.T) { test(t, shared.in(t)) })
	}
}

// instance starts a process of a target, and checks its log when the test ends.
func (target Target) instance(t *testing.T, fake *authkittest.Server, password string) *Instance {
	t.Helper()
	a := &Instance{
		T: t, Password: password, Fake: fake, Logs: newLog(fake.APIKey(), password), target: target, client: direct,
		atAuthKit: map[string]*authkittest.Browser{},
	}
	t.Cleanup(func() {
		for _, b := range a.atAuthKit {
			b.CloseIdleConnections()
		}
		a.checkLog()
	})
	a.URL = target.Start(t, Deployment{Fake: fake, CookiePassword: password, Log: a.Logs})
	return a
}

// in is the instance for one test.
func (a *Instance) in(t *testing.T) *Instance {
	own := *a
	own.T = t
	t.Cleanup(own.checkLog)
	return &own
}

// checkLog fails the test where the log tells a secret or of a panic.
func (a *Instance) checkLog() {
	a.T.Helper()
	for _, fault := range a.Logs.faults() {
		a.T.Error(fault)
	}
}

// again is another process of the same application, before the same fake.
func (a *Instance) again(t *testing.T) *Instance { return a.target.instance(t, a.Fake, a.Password) }

// fresh is another deployment of the same application, with a fake of its own.
func (a *Instance) fresh(t *testing.T, opts ...authkittest.Option) *Instance {
	return a.target.instance(t, authkittest.New(t, append([]authkittest.Option{people()}, opts...)...), newPassword())
}

// suite is what Run runs. A test checks that no case is missing.
var suite = []func(*testing.T, *Instance){
	TestABrowserSignsInAtAGuardedPageAndSignsOut,
	TestTheCallbackDoesNotEchoItsQuery,
	TestACallbackOfAnotherBrowserMakesNoCodeExchange,
	TestAnUnsupportedMethodConsumesNoState,
	TestConcurrentCallbacksOfOneSignInMakeOneCodeExchange,
	TestACallbackWithoutAStateRestartsTheSignInOnce,
	TestTwoTabsCanSignInAtTheSameTime,
	TestTwentyAbandonedSignInsLeaveLessThan4KBOfCookies,
	TestACodeOfAnotherSignInIsRefusedAndKeepsTheOldSession,
	TestASignInRemovesEveryPlantedSessionCookie,
	TestAFailedCodeExchangeShowsAPageInBoundedTime,
	TestATamperedSessionCookieIsAnonymousAndNotExpired,
	TestASplitSessionIsAnonymousUnlessAllChunksAreInOrder,
	TestACrossSiteFormCannotSignOut,
	TestAFormOfAnotherSiteInABrowserCannotSignOut,
	TestOnlyANavigationOfAnotherOriginStartsASignIn,
	TestForgedProxyHeadersChangeNoURLAndNoCookie,
	TestAReturnPathOfAnotherOriginRedirectsToTheRoot,
	TestAReturnPathOfThisOriginIsKeptUnchanged,
	TestTheRetryLinkOfACancelledSignInStaysOnThisOrigin,
	TestAHostileRequestTargetRedirectsOnlyToThisOrigin,
	TestNoResponseThatSetsACookieCanBeCached,
	TestAPageWithARefreshedCookieCannotBeCached,
	TestAValidBearerTokenIsRefusedIfBearerTokensAreNotEnabled,
	TestATwoMegabyteTokenIsRefused,
	TestAHundredRequestsWithOneStaleCookieMakeOneRefresh,
	TestARefreshContinuesWhenTheRequestThatStartedItIsCancelled,
	TestARequestWithARotatedRefreshTokenGetsTheNewSession,
	TestATemporaryRefreshFailureKeepsTheSessionAndARefusalEndsIt,
	TestWithoutSigningKeysAnApplicationStartsAndAnswers503ToSessions,
	TestVulnerabilitiesOfOtherLibrariesAreNotPresent,
}
