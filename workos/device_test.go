// The device flow, on a clock that only the test moves.

package workos_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

var (
	pending  = respondWith(400, `{"error":"authorization_pending","error_description":"Not yet."}`)
	slowDown = respondWith(400, `{"error":"slow_down","error_description":"Slow down."}`)
	approved = respondWith(200, minimalResponse)
)

// poll is a running PollDevice with a device code that expires in 300 s.
type poll struct {
	t      *testing.T
	clock  *fakeClock
	server *server
	done   <-chan error
	got    *workos.Authentication
	cancel context.CancelFunc
}

func startPoll(t *testing.T, interval time.Duration, handlers ...http.HandlerFunc) *poll {
	t.Helper()
	p := &poll{t: t, clock: newFakeClock(), server: newServer(t, handlers...)}
	client := p.server.client(t, workos.WithClock(p.clock))
	ctx, cancel := context.WithCancel(t.Context())
	p.cancel = cancel
	device := &workos.DeviceAuthorization{DeviceCode: "device-secret", ExpiresAt: p.clock.Now().Add(300 * time.Second), Interval: interval}
	p.done = start(func() (err error) {
		p.got, err = client.PollDevice(ctx, device)
		return err
	})
	return p
}

// sleeps asserts the waits before the next polls and advances the clock by each. Each poll gets its response at once.
func (p *poll) sleeps(seconds ...int) {
	p.t.Helper()
	for _, want := range seconds {
		assert.Equal(p.t, time.Duration(want)*time.Second, p.clock.next())
		p.clock.advance(time.Duration(want) * time.Second)
		assert.Equal(p.t, 10*time.Second, p.clock.next(), "the limit of the attempt")
	}
}

func TestADeviceIsPolledAtTheServersInterval(t *testing.T) {
	p := startPoll(t, 7*time.Second, pending, pending, approved)
	p.sleeps(7, 7, 7)
	require.NoError(t, <-p.done)
	assert.Equal(t, "access-secret", p.got.AccessToken)
	requests := p.server.received()
	require.Len(t, requests, 3)
	for _, request := range requests {
		assert.JSONEq(t, `{"client_id":"client_01A","grant_type":"urn:ietf:params:oauth:grant-type:device_code","device_code":"device-secret"}`, string(request.body))
		assert.NotContains(t, request.header, "Authorization")
	}
	assert.Zero(t, p.clock.pending())
}

func TestTheDefaultPollIntervalIsFiveSeconds(t *testing.T) {
	p := startPoll(t, 0, pending, approved)
	p.sleeps(5, 5)
	require.NoError(t, <-p.done)
}

func TestEverySlowDownLengthensTheIntervalPermanently(t *testing.T) {
	p := startPoll(t, 5*time.Second, slowDown, pending, slowDown, pending, pending, approved)
	p.sleeps(5, 10, 10, 15, 15, 15)
	require.NoError(t, <-p.done)
}

func TestPollDeviceBacksOffAfterTransientErrors(t *testing.T) {
	p := startPoll(t, 5*time.Second, respondWith(503, ""), dropConnection, respondWith(502, page), respondWith(200, page), pending, approved)
	p.sleeps(5, 10, 20, 30, 30, 5)
	require.NoError(t, <-p.done)

	p = startPoll(t, 5*time.Second, respondWith(429, `{}`, "Retry-After", "40"), approved)
	p.sleeps(5, 40)
	require.NoError(t, <-p.done)

	p = startPoll(t, 5*time.Second, slowDown, respondWith(503, ""), slowDown, approved)
	p.sleeps(5, 10, 20, 15)
	require.NoError(t, <-p.done)
}

func TestAPollWithoutAResponseIsRepeatedLater(t *testing.T) {
	entered := make(chan struct{})
	p := startPoll(t, 5*time.Second, hang(entered), approved)
	p.sleeps(5)
	<-entered
	p.clock.advance(10 * time.Second)
	p.sleeps(10)
	require.NoError(t, <-p.done)
}

func TestPollDeviceEndsWithTheUsersDecision(t *testing.T) {
	for name, tt := range map[string]struct {
		response http.HandlerFunc
		check    func(*testing.T, error)
	}{
		"denied": {respondWith(400, `{"error":"access_denied","error_description":"No."}`), func(t *testing.T, err error) {
			requireAs[*workos.DeviceDeniedError](t, err)
		}},
		"expired": {respondWith(400, `{"error":"expired_token","error_description":"Too late."}`), func(t *testing.T, err error) {
			requireAs[*workos.DeviceExpiredError](t, err)
		}},
		"denied with a transient status": {respondWith(503, `{"error":"access_denied"}`), func(t *testing.T, err error) {
			requireAs[*workos.DeviceDeniedError](t, err)
		}},
		"a code that was already used": {respondWith(400, `{"error":"invalid_grant"}`), func(t *testing.T, err error) {
			requireAs[*workos.InvalidGrantError](t, err)
		}},
		"the wrong client": {respondWith(400, `{"error":"invalid_client"}`), func(t *testing.T, err error) {
			assert.Equal(t, workos.CodeInvalidClient, workos.ErrorCode(err))
		}},
		"an unknown code": {respondWith(400, `{"error":"teapot"}`), func(t *testing.T, err error) {
			assert.Equal(t, "teapot", workos.ErrorCode(err))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := startPoll(t, 5*time.Second, pending, tt.response)
			p.sleeps(5, 5)
			err := <-p.done
			tt.check(t, err)
			assert.Nil(t, p.got)
			assert.Len(t, p.server.received(), 2)
		})
	}
}

func TestPollDeviceEndsWhenTheCodeExpires(t *testing.T) {
	p := startPoll(t, 90*time.Second, pending)
	p.sleeps(90, 90, 90)
	assert.Equal(t, 30*time.Second, p.clock.next(), "the remaining time")
	p.clock.advance(30 * time.Second)
	err := <-p.done
	requireAs[*workos.DeviceExpiredError](t, err)
	assert.EqualError(t, err, "workos: poll device: expired_token: the sign-in was not approved in time")
	assert.Equal(t, workos.CodeExpiredToken, workos.ErrorCode(err))
	assert.False(t, workos.IsTransient(err))
	assert.Len(t, p.server.received(), 3)

	client := p.server.client(t, workos.WithClock(p.clock))
	_, err = client.PollDevice(t.Context(), &workos.DeviceAuthorization{DeviceCode: "x", ExpiresAt: p.clock.Now()})
	requireAs[*workos.DeviceExpiredError](t, err)
	assert.Len(t, p.server.received(), 3, "an expired code is not polled")
}

func TestPollDeviceEndsWithTheContext(t *testing.T) {
	t.Run("between two polls", func(t *testing.T) {
		p := startPoll(t, 5*time.Second, pending)
		p.sleeps(5)
		p.clock.next()
		p.cancel()
		assert.ErrorIs(t, <-p.done, context.Canceled)
		assert.Zero(t, p.clock.pending())
	})
	t.Run("during a poll", func(t *testing.T) {
		entered := make(chan struct{})
		p := startPoll(t, 5*time.Second, hang(entered))
		p.sleeps(5)
		<-entered
		p.cancel()
		assert.ErrorIs(t, <-p.done, context.Canceled)
	})
	t.Run("during the last wait", func(t *testing.T) {
		p := startPoll(t, 400*time.Second, pending)
		assert.Equal(t, 300*time.Second, p.clock.next())
		p.cancel()
		assert.ErrorIs(t, <-p.done, context.Canceled)
	})
}

// afterwards is a transport that calls done after the body of a response is read and closed.
type afterwards struct{ done func() }

func (a afterwards) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = &closing{bytes.NewReader(body), a.done}
	return resp, err
}

type closing struct {
	io.Reader
	done func()
}

func (c *closing) Close() error {
	c.done()
	return nil
}

func TestPollDeviceReturnsTheContextErrorIfTheContextEndsDuringAResponse(t *testing.T) {
	for name, response := range map[string]http.HandlerFunc{"pending": pending, "slowed down": slowDown} {
		t.Run(name, func(t *testing.T) {
			clock, server := newFakeClock(), newServer(t, response)
			ctx, cancel := context.WithCancel(t.Context())
			client := server.client(t, workos.WithClock(clock), workos.WithHTTPClient(&http.Client{Transport: afterwards{cancel}}))
			done := start(func() error {
				_, err := client.PollDevice(ctx, &workos.DeviceAuthorization{DeviceCode: "d", ExpiresAt: clock.Now().Add(time.Minute)})
				return err
			})
			clock.advance(clock.next())
			assert.ErrorIs(t, <-done, context.Canceled)
		})
	}
}

func TestDeviceLifetimeAndIntervalAreBounded(t *testing.T) {
	for name, tt := range map[string]struct {
		lifetimes         string
		expires, interval time.Duration
	}{
		"lifetime and interval": {`"expires_in":300,"interval":7`, 300 * time.Second, 7 * time.Second},
		"no interval":           {`"expires_in":300`, 300 * time.Second, 5 * time.Second},
		"null":                  {`"expires_in":300,"interval":null`, 300 * time.Second, 5 * time.Second},
		"an interval of zero":   {`"expires_in":300,"interval":0`, 300 * time.Second, 5 * time.Second},
		"a negative interval":   {`"expires_in":300,"interval":-9`, 300 * time.Second, 5 * time.Second},
		"fractions":             {`"expires_in":300.5,"interval":2.5`, 300500 * time.Millisecond, 2500 * time.Millisecond},
		"beyond the limits":     {`"expires_in":1e300,"interval":1e300`, 24 * time.Hour, 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newFakeClock()
			server := newServer(t, respondWith(200, `{"device_code":"d","user_code":"u","verification_uri":"https://auth.acme.test/device",`+tt.lifetimes+`}`))
			device, err := server.client(t, workos.WithClock(clock)).AuthorizeDevice(t.Context())
			require.NoError(t, err)
			assert.Equal(t, clock.Now().Add(tt.expires), device.ExpiresAt)
			assert.Equal(t, tt.interval, device.Interval)
		})
	}
}
