// The suite of tests that every application behind authkit must pass, and the applications that it runs against.

package behaviour

import (
	"io"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/authkit-go/authkit/authkittest"
)

// Target is an application behind authkit that Run can test. It has these routes, all behind the middleware:
//
//	GET  /           a public page that shows the email address of the signed-in user
//	GET  /account    a page behind RequireAuth that shows the email address of the signed-in user
//	GET  /api/me     behind RequireAuth: {"user": {"id": …, "email": …}, "session_id": …, "organization_id": …}
//	GET  /healthz    200
//	/login, /callback, /logout    the handlers of authkit
//
// Any other path answers 404 or redirects to one of these. The cookies have their default names. A session ends only when
// WorkOS ends it. Bearer tokens are not accepted.
type Target struct {
	Name string
	// Start starts a new process of the application. It returns the URL, http://localhost:port, when the process accepts
	// requests. t.Cleanup ends the process. A test may start several processes with one fake AuthKit and the same cookies.
	Start func(t testing.TB, d Deployment) (url string)
}

// Deployment is the configuration of one process of a Target.
type Deployment struct {
	Fake           *authkittest.Server // stands for WorkOS; gives the API URL, the API key and the client ID
	CookiePassword string
	Log            io.Writer // receives the whole log of the process
}

// Run tests a target over HTTP: sign-in, return paths, callbacks, sign-out, cookies, caches and refreshes, and attacks by
// a browser, a cookie, a token or a link. Every test works with the real time of this machine. At its end, every test
// checks that the log of the application contains no secret and no panic.
func Run(t *testing.T, target Target) {
	target.run(t, nil)
}

// run is Run without some tests, which are listed by name.
func (target Target) run(t *testing.T, without []string) {
	shared := target.instance(t, authkittest.New(t, testUsers()), newPassword())
	for _, test := range suite {
		name := runtime.FuncForPC(reflect.ValueOf(test).Pointer()).Name()
		if name = name[strings.LastIndex(name, ".")+1:]; !slices.Contains(without, name) {
			t.Run(name, func(t *testing.T) { test(t, shared.forTest(t)) })
		}
	}
}

// instance starts a process of a target. It checks the log of the process when the test ends.
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

// forTest returns the instance for one test, and checks the log when that test ends.
func (a *Instance) forTest(t *testing.T) *Instance {
	own := *a
	own.T = t
	t.Cleanup(own.checkLog)
	return &own
}

// checkLog fails the test if the log contains a secret or a panic.
func (a *Instance) checkLog() {
	a.T.Helper()
	for _, fault := range a.Logs.faults() {
		a.T.Error(fault)
	}
}

// newProcess starts another process of the same application with the same fake AuthKit and the same cookie password.
func (a *Instance) newProcess(t *testing.T) *Instance {
	return a.target.instance(t, a.Fake, a.Password)
}

// newDeployment starts another deployment of the same application, with a fake AuthKit and a cookie password of its own.
func (a *Instance) newDeployment(t *testing.T, opts ...authkittest.Option) *Instance {
	return a.target.instance(t, authkittest.New(t, append([]authkittest.Option{testUsers()}, opts...)...), newPassword())
}

// suite lists the tests that Run runs. Another test checks that none is missing.
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
