// Outages of WorkOS: transient failures of a refresh, and missing or withdrawn signing keys.

package behaviour

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// transientFaults holds the replies and failures of WorkOS that are treated as transient.
var transientFaults = map[string]authkittest.Fault{
	"500":                        {Status: 500},
	"502 with a page":            {Status: 502, Body: "<html>bad gateway</html>"},
	"429":                        {Status: 429, Body: `{"error":"too_many_requests"}`},
	"429 with a Retry-After":     {Status: 429, Header: http.Header{"Retry-After": {"30"}}, Body: `{"error":"too_many_requests"}`},
	"408":                        {Status: 408},
	"a page with 200":            {Body: "<html>hello</html>"},
	"a truncated reply":          {Body: `{"user":{"id":"user_kim"}}`, Truncate: true},
	"an endless reply":           {Body: " ", Endless: true},
	"a connection reset":         {Reset: true},
	"404 with a page":            {Status: 404, Body: "<html>not found</html>"},
	"403 with a page":            {Status: 403, Body: "<html>blocked</html>"},
	"404 without a body":         {Status: 404},
	"400 with a JSON array":      {Status: 400, Body: `["x"]`},
	"401 for the API key":        {Status: 401, Body: `{"message":"Unauthorized"}`},
	"invalid_client":             {Status: 400, Body: `{"error":"invalid_client"}`},
	"unauthorized_client":        {Status: 400, Body: `{"error":"unauthorized_client"}`},
	"200 without a token":        {Body: `{"user":{"id":"user_kim"}}`},
	"a redirect to another host": {Status: 302, Header: http.Header{"Location": {"http://localhost:1/"}}},
}

func TestATransientRefreshFailureEndsNoSession(t *testing.T) {
	for name, fault := range transientFaults {
		t.Run(name, func(t *testing.T) {
			clock := newObservedClock()
			a := NewApp(t, AppOptions{Clock: &clock})
			cookie := a.SignedIn(Kim).CookieHeader()
			a.Fake.InjectFault(authkittest.RouteRefresh, fault)

			// Within the skew the token is accepted, and no request waits
			// longer than two seconds.
			a.ExpireToken(59 * time.Second)
			resp := a.sendWhileTimePasses(clock, Request{Target: "/account", Cookie: cookie})
			assert.Equal(t, http.StatusOK, resp.Status)
			assert.Contains(t, resp.Body, "page of "+Kim)
			assert.Empty(t, resp.SetCookies(t))

			// After the skew, the answer is 503 and the cookie is kept.
			a.Clock.Advance(2 * time.Second)
			resp = a.sendWhileTimePasses(clock, Request{Target: "/account", Cookie: cookie, Header: Navigation()})
			assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
			assert.Empty(t, resp.SetCookies(t))
			seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
			require.NoError(t, err)
			assert.GreaterOrEqual(t, seconds, 1)
			assert.LessOrEqual(t, seconds, 60)
			resp = a.sendWhileTimePasses(clock, Request{Target: "/account", Cookie: cookie, Header: Scripted()})
			assert.Equal(t, "unavailable", resp.Problem(t)["code"])
			assert.Contains(t, a.sendWhileTimePasses(clock, Request{Target: "/", Cookie: cookie}).Body, "home of an unknown user",
				"public pages work")
			assert.Equal(t, http.StatusSeeOther, a.sendWhileTimePasses(clock, Request{Target: "/login", Cookie: cookie}).Status)

			// After the outage the session is refreshed without a new sign-in.
			a.Fake.ClearFault(authkittest.RouteRefresh)
			a.Clock.Advance(time.Minute)
			assert.Contains(t, a.sendWhileTimePasses(clock, Request{Target: "/account", Cookie: cookie}).Body, "page of "+Kim)
		})
	}
}

// sendWhileTimePasses sends a request and moves the clock past each pause before a retry. It does not move the clock for the
// deadlines: two seconds for a request, five or what is left for an attempt, and ten for all attempts.
func (a *App) sendWhileTimePasses(clock observedClock, q Request) Response {
	a.T.Helper()
	responses := make(chan Response, 1)
	go func() {
		defer close(responses)
		if resp, err := a.Do(q); assert.NoError(a.T, err) {
			responses <- resp
		}
	}()
	attempt := false // the next timer limits an attempt, which the fake answers: the clock must not move past it
	for {
		select {
		case resp := <-responses:
			return resp
		case d := <-clock.set:
			if !attempt && d < 5*time.Second && d != 2*time.Second {
				attempt = true // it follows the pause
				a.Clock.Advance(d)
			} else {
				attempt = false
			}
		}
	}
}

func TestARequestWithAUsableTokenWaitsTwoSecondsForAHangingRefresh(t *testing.T) {
	clock := newObservedClock()
	a := NewApp(t, AppOptions{Clock: &clock})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	a.ExpireToken(0)

	responses := make(chan Response)
	go func() {
		resp, _ := a.Do(Request{Target: "/account", Cookie: cookie})
		responses <- resp
	}()
	clock.await(2*time.Second, 2*time.Second)
	a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	a.Clock.Advance(2 * time.Second)
	assert.Contains(t, (<-responses).Body, "page of "+Kim)

	// The exchange continues in the background, and a later request gets its result.
	a.Fake.ClearFault(authkittest.RouteRefresh)
	a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestAHangingRefreshEndsAfterTenSecondsAndKeepsTheSession(t *testing.T) {
	clock := newObservedClock()
	a := NewApp(t, AppOptions{Clock: &clock})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	a.ExpireToken(2 * time.Minute)

	responses := make(chan Response)
	go func() {
		resp, _ := a.Do(Request{Target: "/account", Cookie: cookie})
		responses <- resp
	}()
	a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	a.Clock.Advance(10 * time.Second)
	resp := <-responses
	assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
	assert.Empty(t, resp.SetCookies(t))
}

func TestAFailedRefreshIsNotTriedAgainBeforeItsPauseEnds(t *testing.T) {
	for name, c := range map[string]struct {
		header http.Header
		pause  time.Duration
	}{
		"no Retry-After: five seconds": {nil, 5 * time.Second},
		"1 second: five seconds":       {http.Header{"Retry-After": {"1"}}, 5 * time.Second},
		"40 seconds: 40 seconds":       {http.Header{"Retry-After": {"40"}}, 40 * time.Second},
		"a day: one minute":            {http.Header{"Retry-After": {"86400"}}, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			cookie := a.SignedIn(Kim).CookieHeader()
			a.ExpireToken(-time.Minute)
			// A refresh does not retry after this reply, so that each call
			// here is a new refresh.
			a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 401, Header: c.header})
			for range 10 {
				a.Send(Request{Target: "/account", Cookie: cookie})
			}
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
			a.Clock.Advance(c.pause - time.Millisecond)
			a.Send(Request{Target: "/account", Cookie: cookie})
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
			a.Clock.Advance(time.Millisecond)
			a.Send(Request{Target: "/account", Cookie: cookie})
			assert.Equal(t, 2, a.Fake.Calls(authkittest.RouteRefresh))
		})
	}
}

func TestAKeyOutageCausesNoRefreshAndNoSignOut(t *testing.T) {
	for name, fault := range map[string]authkittest.Fault{
		"500":                        {Status: 500},
		"429":                        {Status: 429, Header: http.Header{"Retry-After": {"20"}}},
		"a page":                     {Body: "<html>"},
		"an empty set":               {Body: `{"keys":[]}`},
		"a connection reset":         {Reset: true},
		"a truncated reply":          {Truncate: true},
		"an endless reply":           {Body: "[", Endless: true},
		"a redirect to another host": {Status: 302, Header: http.Header{"Location": {"http://localhost:1/"}}},
	} {
		t.Run(name, func(t *testing.T) {
			// A process starts while the keys endpoint is down. It gets sessions
			// that another process has sealed.
			running := NewApp(t, AppOptions{})
			cookie := running.SignedIn(Kim).CookieHeader()
			running.Fake.InjectFault(authkittest.RouteJWKS, fault)
			a := NewInstance(t, running.Fake, running.Clock, AppOptions{})

			for _, expired := range []bool{false, true} {
				if expired {
					a.ExpireToken(time.Hour)
				}
				resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: Navigation()})
				assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
				assert.NotEmpty(t, resp.Header.Get("Retry-After"))
				assert.Empty(t, resp.SetCookies(t), "the cookie is kept")
				assert.Equal(t, http.StatusServiceUnavailable, a.Send(Request{Target: "/account", Cookie: cookie}).Status)
				assert.Contains(t, a.Send(Request{Target: "/", Cookie: cookie}).Body, "home of an unknown user")
				assert.Equal(t, http.StatusSeeOther, a.Send(Request{Target: "/login", Cookie: cookie}).Status)
				assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account"}).Status)
			}
			assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))

			a.Fake.ClearFault(authkittest.RouteJWKS)
			a.Clock.Advance(time.Minute)
			assert.Contains(t, a.Send(Request{Target: "/account", Cookie: cookie}).Body, "page of "+Kim, "the session is accepted again")
		})
	}
}

func TestCachedSigningKeysServeThroughAnOutageOfADay(t *testing.T) {
	a := NewApp(t, AppOptions{Fake: []authkittest.Option{authkittest.WithAccessTokenLifetime(48 * time.Hour)}})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	a.Clock.Advance(23 * time.Hour)
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: cookie}).Body, "page of "+Kim)
	a.Clock.Advance(time.Hour + time.Second)
	assert.Equal(t, http.StatusServiceUnavailable, a.Send(Request{Target: "/account", Cookie: cookie}).Status)
}

func TestASessionOfAWithdrawnKeyIsRefreshedAndNotSignedOut(t *testing.T) {
	a := NewApp(t, AppOptions{})
	var cookies []string
	for range 3 {
		cookies = append(cookies, a.SignedIn(Kim).CookieHeader())
	}
	a.Fake.RotateSigningKeys()
	a.Clock.Advance(30 * time.Second)
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: cookies[0]}).Body, "page of "+Kim,
		"the old key is still cached and fresh")
	assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))

	a.SignedIn("lee@example.com") // its token has the new key, which makes the rotation known
	for i, cookie := range cookies {
		resp := a.Send(Request{Target: "/account", Cookie: cookie})
		assert.Contains(t, resp.Body, "page of "+Kim)
		assert.NotEqual(t, cookie, resp.NewCookie(t))
		assert.Equal(t, i+1, a.Fake.Calls(authkittest.RouteRefresh), "each session is refreshed once")
	}
	assert.Equal(t, 2, a.Fake.Calls(authkittest.RouteJWKS))
}

func TestANewProcessRefreshesSessionsOfAKeyWithdrawnBeforeItsStart(t *testing.T) {
	before := NewApp(t, AppOptions{})
	cookies := []string{before.SignedIn(Kim).CookieHeader(), before.SignedIn(Kim).CookieHeader()}
	before.Fake.RotateSigningKeys()
	a := NewInstance(t, before.Fake, before.Clock, AppOptions{})
	for _, cookie := range cookies {
		assert.Contains(t, a.Send(Request{Target: "/account", Cookie: cookie}).Body, "page of "+Kim)
	}
	assert.Equal(t, 2, a.Fake.Calls(authkittest.RouteRefresh))
}

// A process starts after two keys have been withdrawn. A client may send an old cookie of one key as often as an unknown key
// may be fetched. The cookies of the other key must still be refreshed.
func TestACookieOfAWithdrawnKeyDoesNotBlockCookiesOfAnotherKey(t *testing.T) {
	a := NewApp(t, AppOptions{})
	kimCookie := a.SignedIn(Kim).CookieHeader()
	a.Fake.RotateSigningKeys()
	a.Clock.Advance(time.Minute)
	leeCookie := a.SignedIn("lee@example.com").CookieHeader()
	a.Fake.RotateSigningKeys()
	a.Clock.Advance(time.Minute)
	current := a.SignedIn(Kim).CookieHeader()
	for name, c := range map[string]struct {
		later time.Duration
		want  int
	}{
		"while its token may be valid": {4 * time.Minute, http.StatusServiceUnavailable},
		"after its token has expired":  {4*time.Minute + 2*time.Second, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			clock := authkittest.NewFakeClock(a.Clock.Now())
			fresh := NewInstance(t, a.Fake, clock, AppOptions{})
			fresh.Send(Request{Target: "/account", Cookie: current}) // fetches the keys
			clock.Advance(c.later - 30*time.Second)
			fresh.Send(Request{Target: "/account", Cookie: leeCookie})
			clock.Advance(29 * time.Second)
			resp := fresh.Send(Request{Target: "/account", Cookie: kimCookie})
			assert.Equal(t, c.want, resp.Status)
		})
	}
}

func TestANewTokenPairIsKeptUntilItsKeyIsAvailable(t *testing.T) {
	for _, arrives := range []bool{false, true} {
		t.Run(fmt.Sprint("the response arrives: ", arrives), func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			cookie, id := a.SignedIn(Kim).CookieHeader(), a.SessionID()
			a.ExpireToken(2 * time.Minute)
			a.Fake.RotateSigningKeys()
			a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})

			// The exchange succeeds, but its token is signed by a key that is unavailable.
			resp := a.Send(Request{Target: "/account", Cookie: cookie})
			assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
			newCookie := resp.NewCookie(t) // the old access token with the new refresh token
			if arrives {
				cookie = newCookie
			}
			for range 3 {
				assert.Equal(t, http.StatusServiceUnavailable, a.Send(Request{Target: "/account", Cookie: cookie}).Status)
			}

			a.Fake.ClearFault(authkittest.RouteJWKS)
			a.Clock.Advance(time.Minute) // longer than WorkOS accepts the retired token
			resp = a.Send(Request{Target: "/account", Cookie: cookie})
			assert.Equal(t, PageOf(Kim, id)+" at /account", resp.Body)
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
			assert.Empty(t, a.Send(Request{Target: "/account", Cookie: resp.NewCookie(t)}).SetCookies(t))
		})
	}
}

// userAgentRecorder is a transport that records the User-Agent of each request, by path.
type userAgentRecorder struct{ seen map[string]string }

func (t *userAgentRecorder) RoundTrip(r *http.Request) (*http.Response, error) {
	t.seen[r.URL.Path] = r.Header.Get("User-Agent")
	return http.DefaultTransport.RoundTrip(r)
}

func TestTheKeysAreFetchedWithTheUserAgentOfTheLibrary(t *testing.T) {
	transport := &userAgentRecorder{map[string]string{}}
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: transport})}})
	a.SignedIn(Kim)
	for path, agent := range transport.seen {
		assert.True(t, strings.HasPrefix(agent, "authkit-go/"), "%s: %q", path, agent)
	}
}

func TestReadyReportsWhetherSessionsCanBeVerified(t *testing.T) {
	a := NewApp(t, AppOptions{})
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	assert.ErrorIs(t, a.Ready(t.Context()), authkit.ErrUnavailable)
	a.Fake.ClearFault(authkittest.RouteJWKS)
	a.Clock.Advance(5 * time.Second)
	assert.NoError(t, a.Ready(t.Context()))
	assert.Equal(t, a.Fake.ClientID(), a.Client().ClientID())
}
