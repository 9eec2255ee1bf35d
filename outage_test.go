package authkit_test

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

func TestAPassingFailureOfARefreshEndsNoSession(t *testing.T) {
	for name, fault := range passing {
		t.Run(name, func(t *testing.T) {
			clock := newObservedClock()
			a := newApp(t, appOptions{clock: &clock})
			cookie := a.signedIn(kim).cookieHeader()
			a.fake.Fail(authkittest.RouteRefresh, fault)

			// Within skew the token serves, and nobody waits for longer than
			// two seconds.
			a.expireToken(59 * time.Second)
			resp := a.sendWhileTimePasses(clock, request{target: "/account", cookie: cookie})
			assert.Equal(t, http.StatusOK, resp.status)
			assert.Contains(t, resp.body, "page of "+kim)
			assert.Empty(t, resp.setCookies(t))

			// Beyond it, the answer is 503 and the cookie stays.
			a.clock.Advance(2 * time.Second)
			resp = a.sendWhileTimePasses(clock, request{target: "/account", cookie: cookie, header: navigation()})
			assert.Equal(t, http.StatusServiceUnavailable, resp.status)
			assert.Empty(t, resp.setCookies(t))
			seconds, err := strconv.Atoi(resp.header.Get("Retry-After"))
			require.NoError(t, err)
			assert.GreaterOrEqual(t, seconds, 1)
			assert.LessOrEqual(t, seconds, 60)
			resp = a.sendWhileTimePasses(clock, request{target: "/account", cookie: cookie, header: scripted()})
			assert.Equal(t, "unavailable", resp.problem(t)["code"])
			assert.Contains(t, a.sendWhileTimePasses(clock, request{target: "/", cookie: cookie}).body, "home of somebody unknown",
				"public pages work")
			assert.Equal(t, http.StatusSeeOther, a.sendWhileTimePasses(clock, request{target: "/login", cookie: cookie}).status)

			// Once it is over, the session goes on by itself.
			a.fake.Heal(authkittest.RouteRefresh)
			a.clock.Advance(time.Minute)
			assert.Contains(t, a.sendWhileTimePasses(clock, request{target: "/account", cookie: cookie}).body, "page of "+kim)
		})
	}
}

// sendWhileTimePasses sends a request and lets each pause before a retry pass
// as soon as it begins. The deadlines around them stay where they are: two
// seconds for a request, five for an attempt, ten for them all.
func (a *app) sendWhileTimePasses(clock observedClock, q request) response {
	a.t.Helper()
	answered := make(chan response, 1)
	go func() {
		defer close(answered)
		if resp, err := a.do(q); assert.NoError(a.t, err) {
			answered <- resp
		}
	}()
	for {
		select {
		case resp := <-answered:
			return resp
		case d := <-clock.set:
			if d < 5*time.Second && d != 2*time.Second {
				a.clock.Advance(d)
			}
		}
	}
}

func TestARefreshThatHangsHoldsARequestUpForTwoSecondsWhileItsTokenIsGood(t *testing.T) {
	clock := newObservedClock()
	a := newApp(t, appOptions{clock: &clock})
	cookie := a.signedIn(kim).cookieHeader()
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	a.expireToken(0)

	answered := make(chan response)
	go func() {
		resp, _ := a.do(request{target: "/account", cookie: cookie})
		answered <- resp
	}()
	clock.await(2*time.Second, 2*time.Second)
	a.fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	a.clock.Advance(2 * time.Second)
	assert.Contains(t, (<-answered).body, "page of "+kim)

	// The exchange goes on behind it, and its end is everybody's.
	a.fake.Heal(authkittest.RouteRefresh)
	a.send(request{target: "/account", cookie: cookie}).newCookie(t)
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
}

func TestARefreshThatHangsEndsWithinTenSecondsAndTheSessionStays(t *testing.T) {
	clock := newObservedClock()
	a := newApp(t, appOptions{clock: &clock})
	cookie := a.signedIn(kim).cookieHeader()
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	a.expireToken(2 * time.Minute)

	answered := make(chan response)
	go func() {
		resp, _ := a.do(request{target: "/account", cookie: cookie})
		answered <- resp
	}()
	a.fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	a.clock.Advance(10 * time.Second)
	resp := <-answered
	assert.Equal(t, http.StatusServiceUnavailable, resp.status)
	assert.Empty(t, resp.setCookies(t))
}

func TestAfterAFailureNobodyTriesAgainBeforeTheTimeGiven(t *testing.T) {
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
			a := newApp(t, appOptions{})
			cookie := a.signedIn(kim).cookieHeader()
			a.expireToken(-time.Minute)
			// A reply that cannot be read is not retried, so that each call
			// here is a decision of its own.
			a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Status: 401, Header: c.header})
			for range 10 {
				a.send(request{target: "/account", cookie: cookie})
			}
			assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
			a.clock.Advance(c.pause - time.Millisecond)
			a.send(request{target: "/account", cookie: cookie})
			assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
			a.clock.Advance(time.Millisecond)
			a.send(request{target: "/account", cookie: cookie})
			assert.Equal(t, 2, a.fake.Calls(authkittest.RouteRefresh))
		})
	}
}

func TestWithoutKeysNothingIsRefreshedAndNobodySignedOut(t *testing.T) {
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
			running := newApp(t, appOptions{})
			cookie := running.signedIn(kim).cookieHeader()
			running.fake.Fail(authkittest.RouteJWKS, fault)
			a := newInstance(t, running.fake, running.clock, appOptions{})

			for _, expired := range []bool{false, true} {
				if expired {
					a.expireToken(time.Hour)
				}
				resp := a.send(request{target: "/account", cookie: cookie, header: navigation()})
				assert.Equal(t, http.StatusServiceUnavailable, resp.status)
				assert.NotEmpty(t, resp.header.Get("Retry-After"))
				assert.Empty(t, resp.setCookies(t), "the cookie stays")
				assert.Equal(t, http.StatusServiceUnavailable, a.send(request{target: "/account", cookie: cookie}).status)
				assert.Contains(t, a.send(request{target: "/", cookie: cookie}).body, "home of somebody unknown")
				assert.Equal(t, http.StatusSeeOther, a.send(request{target: "/login", cookie: cookie}).status)
				assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account"}).status)
			}
			assert.Zero(t, a.fake.Calls(authkittest.RouteRefresh))

			a.fake.Heal(authkittest.RouteJWKS)
			a.clock.Advance(time.Minute)
			assert.Contains(t, a.send(request{target: "/account", cookie: cookie}).body, "page of "+kim, "it heals by itself")
		})
	}
}

func TestKeysAtHandServeThroughAnOutageOfADay(t *testing.T) {
	a := newApp(t, appOptions{fake: []authkittest.Option{authkittest.WithTokenLifetime(48 * time.Hour)}})
	cookie := a.signedIn(kim).cookieHeader()
	a.fake.Fail(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	a.clock.Advance(23 * time.Hour)
	assert.Contains(t, a.send(request{target: "/account", cookie: cookie}).body, "page of "+kim)
	a.clock.Advance(time.Hour + time.Second)
	assert.Equal(t, http.StatusServiceUnavailable, a.send(request{target: "/account", cookie: cookie}).status)
}

func TestAKeyRotatedAwayUnderALiveSessionMeansARefreshAndNotALogout(t *testing.T) {
	a := newApp(t, appOptions{})
	var cookies []string
	for range 3 {
		cookies = append(cookies, a.signedIn(kim).cookieHeader())
	}
	a.fake.RotateKeys()
	a.clock.Advance(30 * time.Second)
	assert.Contains(t, a.send(request{target: "/account", cookie: cookies[0]}).body, "page of "+kim,
		"the key is at hand still, and fresh")
	assert.Zero(t, a.fake.Calls(authkittest.RouteRefresh))

	a.signedIn("lee@example.com") // a token of the new key makes the rotation known
	for i, cookie := range cookies {
		resp := a.send(request{target: "/account", cookie: cookie})
		assert.Contains(t, resp.body, "page of "+kim)
		assert.NotEqual(t, cookie, resp.newCookie(t))
		assert.Equal(t, i+1, a.fake.Calls(authkittest.RouteRefresh), "each session is refreshed, once")
	}
	assert.Equal(t, 2, a.fake.Calls(authkittest.RouteJWKS))
}

func TestAProcessThatNeverSawAWithdrawnKeyRefreshesTheSessionsItSigned(t *testing.T) {
	before := newApp(t, appOptions{})
	cookies := []string{before.signedIn(kim).cookieHeader(), before.signedIn(kim).cookieHeader()}
	before.fake.RotateKeys()
	a := newInstance(t, before.fake, before.clock, appOptions{})
	for _, cookie := range cookies {
		assert.Contains(t, a.send(request{target: "/account", cookie: cookie}).body, "page of "+kim)
	}
	assert.Equal(t, 2, a.fake.Calls(authkittest.RouteRefresh))
}

// A process that was started after two keys had gone. Whoever keeps sending an
// old cookie of the one, as often as an unknown key may be asked for, keeps
// nobody out whose cookie is of the other.
func TestACookieOfAWithdrawnKeyStarvesNoneOfAnother(t *testing.T) {
	a := newApp(t, appOptions{})
	kims := a.signedIn(kim).cookieHeader()
	a.fake.RotateKeys()
	a.clock.Advance(time.Minute)
	lees := a.signedIn("lee@example.com").cookieHeader()
	a.fake.RotateKeys()
	a.clock.Advance(time.Minute)
	current := a.signedIn(kim).cookieHeader()
	for name, c := range map[string]struct {
		later time.Duration
		want  int
	}{
		"while its token may be good": {4 * time.Minute, http.StatusServiceUnavailable},
		"once that has expired":       {4*time.Minute + 2*time.Second, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			clock := authkittest.NewClock(a.clock.Now())
			fresh := newInstance(t, a.fake, clock, appOptions{})
			fresh.send(request{target: "/account", cookie: current}) // it has keys
			clock.Advance(c.later - 30*time.Second)
			fresh.send(request{target: "/account", cookie: lees})
			clock.Advance(29 * time.Second)
			resp := fresh.send(request{target: "/account", cookie: kims})
			assert.Equal(t, c.want, resp.status)
		})
	}
}

func TestANewPairIsKeptUntilItsKeyCanBeHad(t *testing.T) {
	for _, arrives := range []bool{false, true} {
		t.Run(fmt.Sprint("the response arrives: ", arrives), func(t *testing.T) {
			a := newApp(t, appOptions{})
			cookie, id := a.signedIn(kim).cookieHeader(), a.sessionID()
			a.expireToken(2 * time.Minute)
			a.fake.RotateKeys()
			a.fake.Fail(authkittest.RouteJWKS, authkittest.Fault{Status: 500})

			// The exchange succeeds, but its token is signed by a key that cannot be had.
			resp := a.send(request{target: "/account", cookie: cookie})
			assert.Equal(t, http.StatusServiceUnavailable, resp.status)
			kept := resp.newCookie(t) // the old token beside the new refresh token
			if arrives {
				cookie = kept
			}
			for range 3 {
				assert.Equal(t, http.StatusServiceUnavailable, a.send(request{target: "/account", cookie: cookie}).status)
			}

			a.fake.Heal(authkittest.RouteJWKS)
			a.clock.Advance(time.Minute) // longer than WorkOS answers the retired token
			resp = a.send(request{target: "/account", cookie: cookie})
			assert.Equal(t, pageOf(kim, id)+" at /account", resp.body)
			assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
			assert.Empty(t, a.send(request{target: "/account", cookie: resp.newCookie(t)}).setCookies(t))
		})
	}
}

type agents struct{ seen map[string]string }

func (t *agents) RoundTrip(r *http.Request) (*http.Response, error) {
	t.seen[r.URL.Path] = r.Header.Get("User-Agent")
	return http.DefaultTransport.RoundTrip(r)
}

func TestTheKeysAreFetchedUnderOurOwnUserAgent(t *testing.T) {
	transport := &agents{map[string]string{}}
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: transport})}})
	a.signedIn(kim)
	for path, agent := range transport.seen {
		assert.True(t, strings.HasPrefix(agent, "authkit-go/"), "%s: %q", path, agent)
	}
}

func TestReadyTellsWhetherASessionCouldBeVerified(t *testing.T) {
	a := newApp(t, appOptions{})
	a.fake.Fail(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	assert.ErrorIs(t, a.Ready(t.Context()), authkit.ErrUnavailable)
	a.fake.Heal(authkittest.RouteJWKS)
	a.clock.Advance(5 * time.Second)
	assert.NoError(t, a.Ready(t.Context()))
	assert.Equal(t, a.fake.ClientID(), a.Client().ClientID())
}
