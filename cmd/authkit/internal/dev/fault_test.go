// Faults by their names, and the clock that moves.

package dev

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestAFaultIsReadFromItsText(t *testing.T) {
	for text, want := range map[string]namedFault{
		"refresh=slow:500ms,times:2":           {route: authkittest.RouteRefresh, fault: authkittest.Fault{Delay: 500 * time.Millisecond, Times: 2}},
		"keys=slow":                            {route: authkittest.RouteJWKS, fault: authkittest.Fault{Delay: slowness}},
		"code = hang":                          {route: authkittest.RouteCodeExchange, fault: authkittest.Fault{Hang: true}},
		"code=lost":                            {route: authkittest.RouteCodeExchange, fault: authkittest.Fault{Reset: true, TakeEffect: true}},
		"events=reset":                         {route: authkittest.RouteListEvents, fault: authkittest.Fault{Reset: true}},
		"GET /user_management/users=truncate":  {route: authkittest.RouteListUsers, fault: authkittest.Fault{Truncate: true}},
		"POST /user_management/sessions=slow,": {},
		"refresh":                              {},
		"refresh=":                             {},
		"refresh=199":                          {},
		"refresh=slow:now":                     {},
		"refresh=times:0":                      {},
		"refresh=times:2":                      {}, // nothing would fail
		"rotation=503":                         {},
	} {
		got, err := parseFault(text)
		if want.route == "" {
			assert.Error(t, err, text)
			continue
		}
		require.NoError(t, err, text)
		assert.Equal(t, want.route, got.route, text)
		assert.Equal(t, want.fault, got.fault, text)
	}
	limited, err := parseFault("refresh=429")
	require.NoError(t, err)
	assert.Equal(t, "1", limited.fault.Header.Get("Retry-After"))
}

func TestAFaultIsInjectedAndCleared(t *testing.T) {
	fake := authkittest.New(t)
	f := &faults{fake: fake, texts: map[authkittest.Route]string{}}
	inject := func(text string) error {
		n, err := parseFault(text)
		require.NoError(t, err)
		return f.inject(n)
	}
	status := func(path string) int {
		response, err := http.Get(fake.URL() + path)
		require.NoError(t, err)
		response.Body.Close()
		return response.StatusCode
	}
	require.NoError(t, inject("keys=503"))
	require.NoError(t, inject("GET /directories=200"))
	require.NoError(t, inject("refresh=429"))
	assert.ErrorContains(t, inject("GET /none=slow"), "the fake has no route")
	assert.ErrorContains(t, inject("FETCH /none=200"), "the fake has no route")
	assert.Equal(t, http.StatusServiceUnavailable, status("/sso/jwks/"+fake.ClientID()))
	assert.Equal(t, http.StatusOK, status("/directories"))
	assert.True(t, f.has(authkittest.RouteAuthenticate), "a grant of it has one")
	assert.False(t, f.has(authkittest.RouteListUsers))

	assert.Equal(t, 1, f.clear(authkittest.RouteJWKS))
	assert.Equal(t, http.StatusOK, status("/sso/jwks/"+fake.ClientID()))
	assert.Equal(t, 2, f.clear(""))
	assert.Empty(t, f.all())
}

func TestAClockThatIsMovedCallsWhatIsDue(t *testing.T) {
	c := newClock(time.Hour)
	assert.WithinDuration(t, time.Now().Add(time.Hour), c.Now(), time.Minute)
	called := make(chan time.Time, 1)
	c.AfterFunc(2*time.Hour, func() { called <- c.Now() })
	stop := c.AfterFunc(time.Hour, func() { t.Error("it was stopped") })
	assert.True(t, stop())
	assert.False(t, stop())
	c.Set(2 * time.Hour)
	select {
	case <-called:
		t.Fatal("it is not due")
	default:
	}
	c.Set(4 * time.Hour)
	select {
	case at := <-called:
		assert.WithinDuration(t, time.Now().Add(4*time.Hour), at, time.Minute)
	case <-time.After(10 * time.Second):
		t.Fatal("it is due")
	}
	assert.Empty(t, c.timers)
}

func TestAFaultOfARouteThatTheFakeHasInAnotherFormIsRefused(t *testing.T) {
	fake := authkittest.New(t)
	f := &faults{fake: fake, texts: map[authkittest.Route]string{}}
	inject := func(text string) error {
		n, err := parseFault(text)
		require.NoError(t, err)
		return f.inject(n)
	}
	assert.ErrorContains(t, inject("GET /user_management/users/user_1=503"), "GET /user_management/users/{id}")
	require.NoError(t, inject("GET /directories/{id}/users=200"))
	require.NoError(t, inject("GET /directories/{id}/users=503"), "the same one again")
	assert.ErrorContains(t, inject("GET /directories/{directory}/users=200"), "GET /directories/{id}/users")
	assert.ErrorContains(t, inject("GET /directories/mine/{what}=200"), "GET /directories/{id}/users")
}
