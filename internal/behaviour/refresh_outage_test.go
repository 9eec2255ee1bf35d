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

// passing are the ways in which WorkOS can fail for a while.
var passing = map[string]authkittest.Fault{
	"500":                        {Status: 500},
	"502 with a page":            {Status: 502, Body: "<html>bad gateway</html>"},
	"429":                        {Status: 429, Body: `{"error":"too_many_requests"}`},
	"429 with a delay":           {Status: 429, Header: http.Header{"Retry-After": {"30"}}, Body: `{"error":"too_many_requests"}`},
	"408":                        {Status: 408},
	"a page with 200":            {Body: "<html>hello</html>"},
	"half a reply":               {Body: `{"user":{"id":"user_kim"}}`, Truncate: true},
	"an endless reply":           {Body: " ", Endless: true},
	"a reset":                    {Reset: true},
	"404 with a page":            {Status: 404, Body: "<html>not found</html>"},
	"a firewall's page":          {Status: 403, Body: "<html>blocked</html>"},
	"404 without a body":         {Status: 404},
	"JSON that is no object":     {Status: 400, Body: `["x"]`},
	"401: our key is wrong":      {Status: 401, Body: `{"message":"Unauthorized"}`},
	"invalid_client":             {Status: 400, Body: `{"error":"invalid_client"}`},
	"unauthorized_client":        {Status: 400, Body: `{"error":"unauthorized_client"}`},
	"200 without a token":        {Body: `{"user":{"id":"user_kim"}}`},
	"a redirect to another host": {Status: 302, Header: http.Header{"Location": {"http://localhost:1/"}}},
}

func TestATransientRefreshFailureEndsNoSession(t *testing.T) {
	for name, fault := range passing {
		t.Run(name, func(t *testing.T) {
			clock := newObservedClock()
			a := NewApp(t, AppOptions{Clock: &clock})
			cookie := a.SignedIn(Kim).CookieHeader()
			a.Fake.InjectFault(authkittest.RouteRefresh, fault)

			// Within skew the token serves, and nobody waits for longer than
			// two seconds.
			a.ExpireToken(59 * time.Second)
			resp := a.sendWhileTimePasses(clock, Request{Target: "/account", Cookie: cookie})
			assert.Equal(t, http.StatusOK, resp.Status)
			assert.Contains(t, resp.Body, "page of "+Kim)
			assert.Empty(t, resp.SetCookies(t))

			// Beyond it, the answer is 503 and the cookie stays.
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
			assert.Contains(t, a.sendWhileTimePasses(clock, Request{Target: "/", Cookie: cookie}).Body, "home of somebody unknown",
				"public pages work")
			assert.Equal(t, http.StatusSeeOther, a.sendWhileTimePasses(clock, Request{Target: "/login", Cookie: cookie}).Status)

			// Once it is over, the session goes on by itself.
			a.Fake.ClearFault(authkittest.RouteRefresh)
			a.Clock.Advance(time.Minute)
			assert.Contains(t, a.sendWhileTimePasses(clock, Request{Target: "/account", Cookie: cookie}).Body, "page of "+Kim)
		})
	}
}

// sendWhileTimePasses sends a request and lets each pause before a retry pass
// as soon as it begins. The deadlines around them stay where they are: two
// seconds for a request, five for an attempt, ten for them all.
func (a *App) sendWhileTimePasses(clock observedClock, q Request) Response {
	a.T.Helper()
	answered := make(chan Response, 1)
	go func() {
		defer close(answered)
		if resp, err := a.Do(q); assert.NoError(a.T, err) {
			answered <- resp
		}
	}()
	for {
		select {
		case resp := <-answered:
			return resp
		case d := <-clock.set:
			if d < 5*time.Second && d != 2*time.Second {
				a.Clock.Advance(d)
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

	answered := make(chan Response)
	go func() {
		resp, _ := a.Do(Request{Target: "/account", Cookie: cookie})
		answered <- resp
	}()
	clock.await(2*time.Second, 2*time.Second)
	a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	a.Clock.Advance(2 * time.Second)
	assert.Contains(t, (<-answered).Body, "page of "+Kim)

	// The exchange goes on behind it, and its end is everybody's.
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

	answered := make(chan Response)
	go func() {
		resp, _ := a.Do(Request{Target: "/account", Cookie: cookie})
		answered <- resp
	}()
	a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	a.Clock.Advance(10 * time.Second)
	resp := <-answered
	assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
	assert.Empty(t, resp.SetCookies(t))
}

func TestAFailedRefreshIsNotTriedAgainBeforeItsPauseEnds(t *testing.T) {
	for name, c := range map[string]struct {
		header http.Header
		pause  time.Duration
	}{
		"five seconds where none is given": {nil, 5 * time.Second},
		"five seconds where less is given": {http.Header{"Retry-After": {"1"}}, 5 * time.Second},
		"as long as is asked for":          {http.Header{"Retry-After": {"40"}}, 40 * time.Second},
		"a minute at the most":             {http.Header{"Retry-After": {"86400"}}, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			cookie := a.SignedIn(Kim).CookieHeader()
			a.ExpireToken(-time.Minute)
			// A reply that cannot be read is not retried, so that each call
			// here is a decision of its own.
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
		"500":            {Status: 500},
		"429":            {Status: 429, Header: http.Header{"Retry-After": {"20"}}},
		"a page":         {Body: "<html>"},
		"an empty set":   {Body: `{"keys":[]}`},
		"a reset":        {Reset: true},
		"half a reply":   {Truncate: true},
		"endless":        {Body: "[", Endless: true},
		"another host's": {Status: 302, Header: http.Header{"Location": {"http://localhost:1/"}}},
	} {
		t.Run(name, func(t *testing.T) {
			// A process that starts while the endpoint is down meets sessions
			// that another one has sealed.
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
				assert.Empty(t, resp.SetCookies(t), "the cookie stays")
				assert.Equal(t, http.StatusServiceUnavailable, a.Send(Request{Target: "/account", Cookie: cookie}).Status)
				assert.Contains(t, a.Send(Request{Target: "/", Cookie: cookie}).Body, "home of somebody unknown")
				assert.Equal(t, http.StatusSeeOther, a.Send(Request{Target: "/login", Cookie: cookie}).Status)
				assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account"}).Status)
			}
			assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))

			a.Fake.ClearFault(authkittest.RouteJWKS)
			a.Clock.Advance(time.Minute)
			assert.Contains(t, a.Send(Request{Target: "/account", Cookie: cookie}).Body, "page of "+Kim, "it heals by itself")
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
		"the key is at hand still, and fresh")
	assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))

	a.SignedIn("lee@example.com") // a token of the new key makes the rotation known
	for i, cookie := range cookies {
		resp := a.Send(Request{Target: "/account", Cookie: cookie})
		assert.Contains(t, resp.Body, "page of "+Kim)
		assert.NotEqual(t, cookie, resp.NewCookie(t))
		assert.Equal(t, i+1, a.Fake.Calls(authkittest.RouteRefresh), "each session is refreshed, once")
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

// A process that was started after two keys had gone. Whoever keeps sending an
// old cookie of the one, as often as an unknown key may be asked for, keeps
// nobody out whose cookie is of the other.
func TestACookieOfAWithdrawnKeyDoesNotBlockCookiesOfAnotherKey(t *testing.T) {
	a := NewApp(t, AppOptions{})
	kims := a.SignedIn(Kim).CookieHeader()
	a.Fake.RotateSigningKeys()
	a.Clock.Advance(time.Minute)
	lees := a.SignedIn("lee@example.com").CookieHeader()
	a.Fake.RotateSigningKeys()
	a.Clock.Advance(time.Minute)
	current := a.SignedIn(Kim).CookieHeader()
	for name, c := range map[string]struct {
		later time.Duration
		want  int
	}{
		"while its token may be good": {4 * time.Minute, http.StatusServiceUnavailable},
		"once that has expired":       {4*time.Minute + 2*time.Second, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			clock := authkittest.NewFakeClock(a.Clock.Now())
			fresh := NewInstance(t, a.Fake, clock, AppOptions{})
			fresh.Send(Request{Target: "/account", Cookie: current}) // it has keys
			clock.Advance(c.later - 30*time.Second)
			fresh.Send(Request{Target: "/account", Cookie: lees})
			clock.Advance(29 * time.Second)
			resp := fresh.Send(Request{Target: "/account", Cookie: kims})
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

			// The exchange succeeds, but its token is signed by a key that cannot be had.
			resp := a.Send(Request{Target: "/account", Cookie: cookie})
			assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
			kept := resp.NewCookie(t) // the old token beside the new refresh token
			if arrives {
				cookie = kept
			}
			for range 3 {
				assert.Equal(t, http.StatusServiceUnavailable, a.Send(Request{Target: "/account", Cookie: cookie}).Status)
			}

			a.Fake.ClearFault(authkittest.RouteJWKS)
			a.Clock.Advance(time.Minute) // longer than WorkOS answers the retired token
			resp = a.Send(Request{Target: "/account", Cookie: cookie})
			assert.Equal(t, PageOf(Kim, id)+" at /account", resp.Body)
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
			assert.Empty(t, a.Send(Request{Target: "/account", Cookie: resp.NewCookie(t)}).SetCookies(t))
		})
	}
}

type agents struct{ seen map[string]string }

func (t *agents) RoundTrip(r *http.Request) (*http.Response, error) {
	t.seen[r.URL.Path] = r.Header.Get("User-Agent")
	return http.DefaultTransport.RoundTrip(r)
}

func TestTheKeysAreFetchedWithTheUserAgentOfTheLibrary(t *testing.T) {
	transport := &agents{map[string]string{}}
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
