// The statistics: each counter counts exactly what its documentation says.

package behaviour

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// statsCase prepares an application and returns what is then counted. want lists every number that it moves.
type statsCase struct {
	name    string
	opts    []authkit.Option
	prepare func(s *statsApp) (act func())
	want    string
}

const refusedRefresh = `{"error":"invalid_request","error_description":"no"}`

// statsCases has at least one case for each number. TestEveryCounterHasACase fails otherwise.
var statsCases = []statsCase{
	{"an anonymous request", nil, func(s *statsApp) func() {
		return func() { s.get("/", "") }
	}, "Requests.anonymous +1"},
	{"the first request of a session", nil, func(s *statsApp) func() {
		cookie := s.signedIn()
		return func() { s.get("/account", cookie) }
	}, "Cache.Entries +1, Cache.Misses +1, Requests.verified +1"},
	{"a later request of a session", nil, func(s *statsApp) func() {
		cookie := s.signedIn()
		s.get("/account", cookie)
		return func() { s.get("/account", cookie) }
	}, "Cache.Hits +1, Requests.cached +1"},
	{"a session that is not cached", []authkit.Option{authkit.WithSessionCache(0, 0)}, func(s *statsApp) func() {
		cookie := s.signedIn()
		return func() { s.get("/account", cookie) }
	}, "Requests.verified +1"},
	{"a full cache", []authkit.Option{authkit.WithSessionCache(1, 1<<20)}, func(s *statsApp) func() {
		one, two := s.signedIn(), s.signedIn()
		s.get("/account", one)
		return func() { s.get("/account", two) }
	}, "Cache.Evictions +1, Cache.Misses +1, Requests.verified +1"},
	{"a refresh", nil, func(s *statsApp) func() {
		cookie := s.stale()
		return func() { s.get("/account", cookie) }
	}, "Cache.Misses +1, Refreshes.Exchanged +1, Refreshes.Remembered +1, Requests.refreshed +1, WorkOS.Calls +1"},
	{"a cached session that is refreshed", nil, func(s *statsApp) func() {
		cookie := s.signedIn()
		s.get("/account", cookie)
		s.ExpireToken(2 * time.Minute)
		return func() { s.get("/account", cookie) }
	}, "Cache.Hits +1, Refreshes.Exchanged +1, Refreshes.Remembered +1, Requests.refreshed +1, WorkOS.Calls +1"},
	{"a bearer token", nil, func(s *statsApp) func() {
		s.signedIn()
		token := s.Fake.BearerToken(Kim)
		return func() { s.Send(Request{Target: "/account", Header: Bearer(token)}) }
	}, "Cache.Entries +1, Cache.Misses +1, Requests.bearer +1"},
	{"a bearer token that comes again", nil, func(s *statsApp) func() {
		s.signedIn()
		token := s.Fake.BearerToken(Kim)
		s.Send(Request{Target: "/account", Header: Bearer(token)})
		return func() { s.Send(Request{Target: "/account", Header: Bearer(token)}) }
	}, "Cache.Hits +1, Requests.bearer +1"},
	{"a bearer token that is not cached", []authkit.Option{authkit.WithSessionCache(0, 0)}, func(s *statsApp) func() {
		s.signedIn()
		token := s.Fake.BearerToken(Kim)
		s.Send(Request{Target: "/account", Header: Bearer(token)})
		return func() { s.Send(Request{Target: "/account", Header: Bearer(token)}) }
	}, "Requests.bearer +1"},
	{"a bearer token that was cached and has expired", nil, func(s *statsApp) func() {
		s.signedIn()
		token := s.Fake.BearerToken(Kim)
		s.Send(Request{Target: "/account", Header: Bearer(token)})
		s.ExpireToken(2 * time.Minute)
		return func() { s.Send(Request{Target: "/account", Header: Bearer(token)}) }
	}, "Cache.Hits +1, Refusals.unauthenticated +1, Requests.bearer_refused +1"},
	{"an access token for VerifyToken", nil, func(s *statsApp) func() {
		s.signedIn()
		token := s.Fake.BearerToken(Kim)
		return func() {
			for range 2 {
				_, err := s.VerifyToken(context.Background(), token)
				require.NoError(s.t, err)
			}
		}
	}, "Cache.Entries +1, Cache.Hits +1, Cache.Misses +1"},
	{"a bearer token that is not accepted", nil, func(s *statsApp) func() {
		return func() { s.Send(Request{Target: "/account", Header: Bearer("x")}) }
	}, "Cache.Misses +1, Refusals.unauthenticated +1, Requests.bearer_refused +1"},
	{"a cached session in a call of a handler without the middleware", nil, func(s *statsApp) func() {
		cookie := s.signedIn()
		s.get("/account", cookie)
		return func() {
			s.ServeDirectly(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, err := s.AuthKit.Refresh(w, r)
				assert.NoError(s.t, err)
			}), Request{Method: "POST", Target: "/", Cookie: cookie})
		}
	}, "Cache.Hits +1, Refreshes.Exchanged +1, Refreshes.Remembered +1, WorkOS.Calls +1"},
	{"a cached session that a call of a handler refreshes without the middleware", nil, func(s *statsApp) func() {
		cookie := s.signedIn()
		s.get("/account", cookie)
		s.ExpireToken(2 * time.Minute)
		return func() {
			s.ServeDirectly(s.widgetToken(), Request{Method: "POST", Target: "/", Cookie: cookie})
		}
	}, "Cache.Hits +1, Refreshes.Exchanged +1, Refreshes.Remembered +1, WorkOS.Calls +2"},
	{"a cached bearer token in a call of a handler without the middleware", nil, func(s *statsApp) func() {
		s.signedIn()
		token := s.Fake.BearerToken(Kim)
		s.Send(Request{Target: "/account", Header: Bearer(token)})
		return func() {
			s.ServeDirectly(s.widgetToken(), Request{Method: "POST", Target: "/", Header: Bearer(token)})
		}
	}, "Cache.Hits +1, WorkOS.Calls +1"},
	{"a refresh that WorkOS refuses", nil, func(s *statsApp) func() {
		cookie := s.stale()
		s.fault(authkittest.RouteRefresh, 400, refusedRefresh)
		return func() { s.get("/", cookie) }
	}, "Cache.Misses +1, Refreshes.Refused +1, Refreshes.Remembered +1, Requests.stale +1, WorkOS.Calls +1"},
	{"a stale session at the login path", nil, func(s *statsApp) func() {
		cookie := s.stale()
		return func() { s.Send(Request{Target: "/login", Cookie: cookie, Header: Navigation()}) }
	}, "Cache.Misses +1, Requests.stale +1, SignIns.Started +1"},
	{"a session that WorkOS has ended", nil, func(s *statsApp) func() {
		cookie := s.stale()
		s.fault(authkittest.RouteRefresh, 400, `{"error":"invalid_grant","error_description":"no"}`)
		return func() { s.get("/", cookie) }
	}, "Cache.Misses +1, Refreshes.Ended +1, Refreshes.Remembered +1, Requests.ended +1, WorkOS.Calls +1"},
	{"a refresh that fails", nil, func(s *statsApp) func() {
		cookie := s.stale()
		s.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 500})
		return func() { s.get("/", cookie) }
	}, "Cache.Misses +1, Refreshes.Failed +1, Refreshes.Remembered +1, Requests.unavailable +1, WorkOS.Calls +4, WorkOS.Failures +4, WorkOS.FailuresInRow +4"},
	{"a refresh whose connection is reset", nil, func(s *statsApp) func() {
		cookie := s.stale()
		s.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Reset: true})
		return func() { s.get("/", cookie) }
	}, "Cache.Misses +1, Refreshes.Failed +1, Refreshes.Remembered +1, Requests.unavailable +1, WorkOS.Calls +4, WorkOS.Failures +4, WorkOS.FailuresInRow +4"},
	{"a refresh that WorkOS does not answer in time", nil, func(s *statsApp) func() {
		cookie := s.stale()
		s.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
		return func() { s.get("/", cookie) }
	}, "Cache.Misses +1, Refreshes.Failed +1, Refreshes.Remembered +1, Requests.unavailable +1, WorkOS.Calls +2, WorkOS.Failures +2, WorkOS.FailuresInRow +2"},
	{"a refresh with wrong credentials of the application", nil, func(s *statsApp) func() {
		cookie := s.stale()
		s.fault(authkittest.RouteRefresh, 401, `{"error":"invalid_client","error_description":"no"}`)
		return func() { s.get("/", cookie) }
	}, "Cache.Misses +1, Refreshes.Failed +1, Refreshes.Remembered +1, Requests.unavailable +1, WorkOS.Calls +1, WorkOS.CredentialsRefused +1"},
	{"a refresh whose token cannot be verified", nil, func(s *statsApp) func() {
		cookie := s.stale()
		s.Fake.RotateSigningKeys()
		s.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
		return func() { s.get("/", cookie) }
	}, "Cache.Misses +1, Keys.Failures +1, Keys.Fetches +1, Refreshes.Remembered +1, Refreshes.Unverified +1, Requests.unavailable +1, WorkOS.Calls +2, WorkOS.Failures +1, WorkOS.FailuresInRow +1"},
	{"a sign-out", nil, func(s *statsApp) func() {
		cookie := s.signedIn()
		return func() { s.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Navigation()}) }
	}, "Cache.Entries +1, Cache.Misses +1, Requests.verified +1, SignOuts +1, SignedOut +1"},
	{"a session that was signed out", nil, func(s *statsApp) func() {
		cookie := s.signedIn()
		s.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Navigation()})
		return func() { s.get("/", cookie) }
	}, "Cache.Hits +1, Requests.ended +1"},
	{"a session past its absolute timeout", []authkit.Option{authkit.WithAbsoluteTimeout(time.Minute)}, func(s *statsApp) func() {
		cookie := s.signedIn()
		s.Clock.Advance(2 * time.Minute)
		return func() { s.get("/", cookie) }
	}, "Cache.Misses +1, Requests.ended +1"},
	{"a cookie that does not open", nil, func(s *statsApp) func() {
		return func() { s.get("/", sessionCookie+"=planted") }
	}, "Cache.Misses +1, Requests.cookie_refused +1"},
	{"an access token of another audience", []authkit.Option{authkit.WithAudiences("mine")}, func(s *statsApp) func() {
		other := NewInstance(s.t, s.Fake, s.Clock, AppOptions{})
		s.Fake.UpdateUser(Kim, func(u *authkittest.User) { u.Claims = map[string]any{"aud": "theirs"} })
		cookie := other.SignedIn(Kim).CookieHeader()
		require.NoError(s.t, s.Ready(context.Background()))
		return func() { s.get("/", cookie) }
	}, "Cache.Misses +1, Requests.token_refused +1"},
	{"keys that cannot be fetched", nil, func(s *statsApp) func() {
		cookie := NewInstance(s.t, s.Fake, s.Clock, AppOptions{}).SignedIn(Kim).CookieHeader()
		s.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
		return func() { s.get("/", cookie) }
	}, "Cache.Misses +1, Keys.Failures +1, Keys.Fetches +1, Requests.unavailable +1, WorkOS.Calls +1, WorkOS.Failures +1, WorkOS.FailuresInRow +1"},
	{"the start of a sign-in", nil, func(s *statsApp) func() {
		return func() { s.Send(Request{Target: "/account", Header: Navigation()}) }
	}, "Requests.anonymous +1, SignIns.Started +1"},
	{"the end of the first sign-in", nil, func(s *statsApp) func() {
		pending := s.StartSignInAs("/login", Kim)
		return func() { s.finishSignIn(pending) }
	}, "Keys.Count +1, Keys.Fetches +1, Requests.anonymous +1, SignIns.Completed +1, WorkOS.Calls +2"},
	{"a sign-in that WorkOS refuses", nil, func(s *statsApp) func() {
		require.NoError(s.t, s.Ready(context.Background()))
		pending := s.StartSignInAs("/login", Kim)
		return func() {
			s.Send(Request{Target: pending.With("code", "junk"), Cookie: pending.Cookie, Header: Navigation()})
		}
	}, "Refusals.sign_in_refused +1, Requests.anonymous +1, SignIns.Failed.sign_in_refused +1, WorkOS.Calls +1"},
	{"a callback without a pending sign-in", nil, func(s *statsApp) func() {
		return func() { s.Send(Request{Target: "/callback?state=x&code=x", Header: Navigation()}) }
	}, "Refusals.invalid_state +1, Requests.anonymous +1"},
	{"an API key", nil, func(s *statsApp) func() {
		key := s.addKey("one")
		return func() { s.withKey(key) }
	}, "APIKeys.Calls +1, APIKeys.Entries +1, APIKeys.Valid +1, Requests.anonymous +1, WorkOS.Calls +1"},
	{"an API key that is remembered", nil, func(s *statsApp) func() {
		key := s.addKey("one")
		s.withKey(key)
		return func() { s.withKey(key) }
	}, "APIKeys.Cached +1, APIKeys.Valid +1, Requests.anonymous +1"},
	{"an API key that is not valid", nil, func(s *statsApp) func() {
		return func() { s.withKey("sk_made_up") }
	}, "APIKeys.Calls +1, APIKeys.Entries +1, APIKeys.Invalid +1, Refusals.unauthenticated +1, Requests.anonymous +1, WorkOS.Calls +1"},
	{"no API key", nil, func(s *statsApp) func() {
		return func() { s.get("/key", "") }
	}, "Refusals.unauthenticated +1, Requests.anonymous +1"},
	{"an API key while WorkOS answers 429", nil, func(s *statsApp) func() {
		s.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: 429})
		return func() { s.withKey("sk_made_up") }
	}, "APIKeys.Calls +1, APIKeys.Entries +1, APIKeys.Limited +1, Refusals.too_many_api_keys +1, Requests.anonymous +1, WorkOS.Calls +1, WorkOS.Failures +1, WorkOS.FailuresInRow +1"},
	{"an API key while WorkOS does not accept the application's own", nil, func(s *statsApp) func() {
		s.fault(authkittest.RouteValidateAPIKey, 401, `{"message":"Unauthorized"}`)
		return func() { s.withKey("sk_made_up") }
	}, "APIKeys.Calls +1, APIKeys.Entries +1, APIKeys.Failed +1, Refusals.unavailable +1, Requests.anonymous +1, WorkOS.Calls +1, WorkOS.CredentialsRefused +1"},
	{"an API key that is being validated", nil, func(s *statsApp) func() {
		s.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Hang: true})
		return func() {
			answer := s.SendAsync(Request{Target: "/key", Header: Bearer("sk_made_up")})
			s.Fake.AwaitCalls(s.t, authkittest.RouteValidateAPIKey, 1)
			s.t.Cleanup(func() {
				s.Fake.ClearFault(authkittest.RouteValidateAPIKey)
				<-answer
			})
		}
	}, "APIKeys.Calls +1, APIKeys.Waiting +1, Requests.anonymous +1, WorkOS.Calls +1"},
	{"a permission on a resource", nil, func(s *statsApp) func() {
		cookie := s.signedIn()
		s.get("/account", cookie)
		return func() { s.get("/project", cookie) }
	}, "Cache.Hits +1, Requests.cached +1, ResourcePermissions.Calls +1, ResourcePermissions.Entries +1, ResourcePermissions.Permitted +1, WorkOS.Calls +2"},
	{"a permission on a resource that is remembered", nil, func(s *statsApp) func() {
		cookie := s.signedIn()
		s.get("/project", cookie)
		return func() { s.get("/project", cookie) }
	}, "Cache.Hits +1, Requests.cached +1, ResourcePermissions.Cached +1, ResourcePermissions.Permitted +1"},
	{"a resource that WorkOS does not know", nil, func(s *statsApp) func() {
		cookie := s.signedIn()
		s.get("/project", cookie)
		return func() { s.get("/project?project=unknown", cookie) }
	}, "Cache.Hits +1, Refusals.forbidden +1, Requests.cached +1, ResourcePermissions.Calls +1, ResourcePermissions.Denied +1, WorkOS.Calls +2"},
	{"a permission on a resource that WorkOS does not answer", nil, func(s *statsApp) func() {
		cookie := s.signedIn()
		s.get("/project", cookie)
		s.fault(authkittest.RouteCheckAuthorization, 401, `{"message":"Unauthorized"}`)
		return func() { s.get("/project?project=2", cookie) }
	}, "Cache.Hits +1, Refusals.unavailable +1, Requests.cached +1, ResourcePermissions.Calls +1, ResourcePermissions.Failed +1, WorkOS.Calls +1, WorkOS.CredentialsRefused +1"},
	{"a permission on a resource that is being asked for", nil, func(s *statsApp) func() {
		cookie := s.signedIn()
		s.get("/project", cookie)
		s.Fake.InjectFault(authkittest.RouteCheckAuthorization, authkittest.Fault{Hang: true})
		return func() {
			answer := s.SendAsync(Request{Target: "/project?project=2", Cookie: cookie, Header: Scripted()})
			s.Fake.AwaitCalls(s.t, authkittest.RouteCheckAuthorization, 2)
			s.t.Cleanup(func() {
				s.Fake.ClearFault(authkittest.RouteCheckAuthorization)
				<-answer
			})
		}
	}, "Cache.Hits +1, Requests.cached +1, ResourcePermissions.Calls +1, ResourcePermissions.Waiting +1, WorkOS.Calls +1"},
	{"requests that wait for one exchange", nil, func(s *statsApp) func() {
		cookie := s.stale()
		s.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
		answers := []chan Response{s.SendAsync(Request{Target: "/", Cookie: cookie})}
		s.Fake.AwaitCalls(s.t, authkittest.RouteRefresh, 1)
		for range 2 {
			answers = append(answers, s.SendAsync(Request{Target: "/", Cookie: cookie}))
		}
		require.Eventually(s.t, func() bool { return s.Stats().Refreshes.Waiting == 3 }, WaitTimeout, time.Millisecond)
		return func() {
			s.Fake.ClearFault(authkittest.RouteRefresh)
			for _, answer := range answers {
				<-answer
			}
		}
	}, "Refreshes.Exchanged +1, Refreshes.InFlight -1, Refreshes.Remembered +1, Refreshes.Waiters +2, Refreshes.Waiting -3, Requests.refreshed +3"},
	{"a client that leaves during the refresh of its session", nil, func(s *statsApp) func() {
		cookie := s.stale()
		s.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
		answer := s.SendAsync(Request{Target: "/", Cookie: cookie}) // it stays
		s.Fake.AwaitCalls(s.t, authkittest.RouteRefresh, 1)
		require.Eventually(s.t, func() bool { return s.Stats().Refreshes.Waiting == 1 }, WaitTimeout, time.Millisecond) // after the call began
		return func() {
			leave := s.visitThatCanLeave("/account", cookie)
			require.Eventually(s.t, func() bool { return s.Stats().Refreshes.Waiting == 2 }, WaitTimeout, time.Millisecond)
			leave()
			require.Eventually(s.t, func() bool { return s.Stats().Requests[authkit.RequestLeft] == 1 }, WaitTimeout, time.Millisecond)
			s.Fake.ClearFault(authkittest.RouteRefresh)
			<-answer
		}
	}, "Cache.Misses +1, Refreshes.Exchanged +1, Refreshes.InFlight -1, Refreshes.Remembered +1, Refreshes.Waiters +1, Refreshes.Waiting -1, Requests.left +1, Requests.refreshed +1"},
	{"a client that leaves during its sign-in", nil, func(s *statsApp) func() {
		require.NoError(s.t, s.Ready(context.Background()))
		pending := s.StartSignInAs("/login", Kim)
		s.Fake.InjectFault(authkittest.RouteCodeExchange, authkittest.Fault{Hang: true})
		return func() {
			leave := s.visitThatCanLeave(pending.With("code", "junk"), pending.Cookie)
			s.Fake.AwaitCalls(s.t, authkittest.RouteCodeExchange, 1)
			leave()
			s.awaitRefusal()
		}
	}, "Requests.anonymous +1, WorkOS.Calls +1"},
	{"a client that leaves during the validation of its API key", nil, func(s *statsApp) func() {
		s.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Hang: true})
		s.t.Cleanup(func() { s.Fake.ClearFault(authkittest.RouteValidateAPIKey) })
		return func() {
			leave := s.requestThatCanLeave("/key", Bearer("sk_made_up"))
			s.Fake.AwaitCalls(s.t, authkittest.RouteValidateAPIKey, 1)
			leave()
			s.awaitRefusal()
		}
	}, "APIKeys.Calls +1, Requests.anonymous +1, WorkOS.Calls +1"},
	{"a client that leaves while WorkOS is asked about a resource", nil, func(s *statsApp) func() {
		cookie := s.signedIn()
		s.get("/project", cookie)
		s.Fake.InjectFault(authkittest.RouteCheckAuthorization, authkittest.Fault{Hang: true})
		s.t.Cleanup(func() { s.Fake.ClearFault(authkittest.RouteCheckAuthorization) })
		return func() {
			leave := s.visitThatCanLeave("/project?project=2", cookie)
			s.Fake.AwaitCalls(s.t, authkittest.RouteCheckAuthorization, 2)
			leave()
			s.awaitRefusal()
		}
	}, "Cache.Hits +1, Requests.cached +1, ResourcePermissions.Calls +1, ResourcePermissions.Waiting +1, WorkOS.Calls +1"},
	{"an event that is delivered", nil, func(s *statsApp) func() {
		s.signedIn()
		return func() { checkDelivered(s.t, s.deliver(sessionRevoked("event_1", s.SessionID()))) }
	}, "Events.Webhooks +1, Requests.anonymous +1, SignedOut +1"},
	{"a delivery without a signature", nil, func(s *statsApp) func() {
		return func() { s.Send(Request{Method: "POST", Target: "/webhooks/workos"}) }
	}, "Events.Refused +1, Refusals.invalid_webhook_signature +1, Requests.anonymous +1"},
	{"a delivery whose function fails", nil, func(s *statsApp) func() {
		s.signedIn()
		s.function = func(context.Context, workos.Event) error { return errors.New("no") }
		return func() { s.deliver(sessionRevoked("event_1", s.SessionID())) }
	}, "Events.Failures +1, Events.Webhooks +1, Refusals.event_failed +1, Requests.anonymous +1, SignedOut +1"},
	{"a change of a user", nil, func(s *statsApp) func() {
		return func() { require.NoError(s.t, s.RefreshUser(context.Background(), "user_kim")) }
	}, "Events.Marks +1"},
}

func TestEachCounterCountsExactlyWhatItSays(t *testing.T) {
	for _, c := range statsCases {
		t.Run(c.name, func(t *testing.T) {
			s := newStatsApp(t, c.opts...)
			act := c.prepare(s)
			before := countersOf(s.Stats())
			act()
			after := countersOf(s.Stats())
			differences := moved(before, after)
			for _, path := range sizes {
				delete(differences, path)
			}
			assert.Equal(t, c.want, describeMoves(differences))
		})
	}
}

// sizes are limits and estimates of sizes, which no case compares.
var sizes = []string{"Cache.Bytes", "Cache.MaxEntries", "Cache.MaxBytes", "Refreshes.RememberedBytes"}

func TestEveryCounterHasACase(t *testing.T) {
	elsewhere := map[string]string{
		"Refreshes.Adopted": "TestTheStatisticsOfTwoInstancesTellWhoMadeTheExchange",
		"Store.Notices":     "TestTheStatisticsOfTwoInstancesTellWhoMadeTheExchange",
		"Store.Waiting":     "TestTheStatisticsOfTwoInstancesTellWhoMadeTheExchange",
		"Store.Commands":    "TestTheStatisticsOfTwoInstancesTellWhoMadeTheExchange",
		"Store.Failures":    "TestTheStatisticsOfTwoInstancesTellWhoMadeTheExchange",
		"Events.Read":       "TestFollowAppliesAnEventAtTheNextRead",
		"Events.Retrying":   "TestAFailedEventIsTriedAgainAndHoldsUpNothingElse",
		"Events.Forgotten":  "TestMarksThatDoNotFitAreCounted",
	}
	var wanted []string
	for _, c := range statsCases {
		for move := range strings.SplitSeq(c.want, ", ") {
			path, _, _ := strings.Cut(move, " ")
			wanted = append(wanted, path)
		}
	}
	for _, path := range counterPaths(reflect.TypeFor[authkit.Stats](), "") {
		prefix, anyCode := strings.CutSuffix(path, "*")
		found := slices.ContainsFunc(wanted, func(w string) bool { return w == path || anyCode && strings.HasPrefix(w, prefix) })
		_, other := elsewhere[path]
		assert.True(t, found || other || slices.Contains(sizes, path), "no case moves %s", path)
	}
}

// Two instances share a store. The first makes the exchange, and the second gets its outcome.
func TestTheStatisticsOfTwoInstancesTellWhoMadeTheExchange(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{})
	one, two := r.Instances[0], r.Instances[1]
	cookie := one.SignedIn(Kim).CookieHeader()
	require.Equal(t, http.StatusOK, two.Status(t, cookie))
	r.expireTokens()
	require.Equal(t, http.StatusOK, one.Status(t, cookie))
	before := countersOf(two.Stats())
	require.Equal(t, http.StatusOK, two.Status(t, cookie))
	after := countersOf(two.Stats())
	assert.Equal(t, 1, after["Refreshes.Adopted"]-before["Refreshes.Adopted"])
	assert.Equal(t, 0, after["Refreshes.Exchanged"])
	assert.Equal(t, before["WorkOS.Calls"], after["WorkOS.Calls"])
	assert.Greater(t, after["Store.Commands"], before["Store.Commands"])
	assert.Positive(t, two.Stats().Store.CommandTime)
	assert.EqualValues(t, 1, one.Stats().Refreshes.Exchanged)

	one.SignOut(t, cookie)
	r.awaitStatus(t, two, cookie, http.StatusUnauthorized)
	assert.Equal(t, 1, two.Stats().Store.Notices)
	assert.Equal(t, 1, two.Stats().SignedOut)

	r.Store.SetDown(true)
	cookie = two.SignedIn(Kim).CookieHeader()
	two.SignOut(t, cookie)
	down := countersOf(two.Stats())
	assert.Positive(t, down["Store.Failures"])
	assert.Positive(t, down["Store.Waiting"])
	r.Store.SetDown(false)
}

// The sum of the outcomes is the number of requests, whatever they are and however they are mixed.
func TestTheOutcomesOfRequestsAddUpToTheirNumber(t *testing.T) {
	s := newStatsApp(t, authkit.WithSessionCache(3, 1<<20))
	s.Logs.allowPanics()
	s.Mux.Handle("/panic", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	s.Mux.Handle("/twice", s.Middleware(s.RequireAuth(s.RequireOrganizationSession()(http.NotFoundHandler()))))
	var cookies []string
	for range 6 {
		cookies = append(cookies, s.signedIn())
	}
	bearer, key := s.Fake.BearerToken(Kim), s.addKey("one")
	start := sumOf(countersOf(s.Stats()), "Requests")
	var arrived atomic.Int64 // also the requests that the HTTP client has repeated, after a panic
	inner := s.Handler()
	s.Server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived.Add(1)
		inner.ServeHTTP(w, r)
	})
	each := loadRounds
	requests := []Request{
		{Target: "/"}, {Target: "/account"}, {Target: "/account", Header: Navigation()}, {Target: "/twice"},
		{Target: "/account", Header: Bearer(bearer)}, {Target: "/account", Header: Bearer("x")}, {Target: "/key", Header: Bearer(key)},
		{Target: "/account", Cookie: sessionCookie + "=planted"}, {Target: "/callback?state=x&code=x"}, {Target: "/panic"},
		{Target: "/webhooks/workos", Method: "POST"}, {Target: "/project", Cookie: cookies[5], Header: Scripted()},
	}
	for _, cookie := range cookies {
		requests = append(requests, Request{Target: "/account", Cookie: cookie}, Request{Target: "/twice", Cookie: cookie}, Request{Target: "/panic", Cookie: cookie})
	}
	send := func() {
		var load sync.WaitGroup
		for _, q := range requests {
			load.Go(func() {
				for range each {
					_, err := s.Do(q)
					assert.True(t, err == nil || q.Target == "/panic", err)
				}
			})
		}
		for range 50 {
			_ = s.Stats()
		}
		load.Wait()
	}
	send()
	s.ExpireToken(2 * time.Minute) // the next round refreshes
	send()
	s.Send(Request{Method: "POST", Target: "/logout", Cookie: cookies[0], Header: Navigation()})
	s.Send(Request{Target: "/", Cookie: cookies[0]})
	counters := countersOf(s.Stats())
	assert.GreaterOrEqual(t, int(arrived.Load()), 2*each*len(requests)+2)
	assert.EqualValues(t, arrived.Load(), sumOf(counters, "Requests")-start)
	for _, outcome := range []string{"cached", "verified", "refreshed", "bearer", "anonymous", "ended", "cookie_refused", "bearer_refused"} {
		assert.Positive(t, counters["Requests."+outcome], outcome)
	}
	assert.Zero(t, counters["Refreshes.InFlight"])
	assert.Positive(t, counters["Cache.Evictions"])
}
