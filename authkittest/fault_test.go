// Faults and call counts.

package authkittest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// jwks fetches the JWKS and returns the response and its body.
func (a *app) jwks(ctx context.Context) (*http.Response, string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL()+"/sso/jwks/"+a.ClientID(), nil)
	require.NoError(a, err)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response, string(text), err
}

func TestAFaultReplacesTheReplyUntilItIsCleared(t *testing.T) {
	a := newApp(t)
	a.InjectFault(authkittest.RouteJWKS, authkittest.Fault{
		Status: 503, Body: "<html>busy</html>", Header: http.Header{"retry-after": {"7"}}, Times: 2,
	})
	for range 2 {
		response, body, err := a.jwks(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 503, response.StatusCode)
		assert.Equal(t, "7", response.Header.Get("Retry-After"))
		assert.Equal(t, "<html>busy</html>", body)
		assert.NotEmpty(t, response.Header.Get("X-Request-ID"))
	}
	response, _, err := a.jwks(t.Context())
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, response.StatusCode, "Times calls have failed")

	a.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Body: `{"keys":[]}`})
	response, body, err := a.jwks(t.Context())
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.Equal(t, "application/json; charset=utf-8", response.Header.Get("Content-Type"))
	assert.Equal(t, `{"keys":[]}`, body)
	a.ClearFault(authkittest.RouteJWKS)
	_, body, err = a.jwks(t.Context())
	require.NoError(t, err)
	assert.Contains(t, body, "sso_oidc_key_pair_")
	assert.Equal(t, 5, a.Calls(authkittest.RouteJWKS))
}

func TestEachGrantHasItsOwnFaultAndCallCount(t *testing.T) {
	a := newApp(t)
	token := a.signIn("Ada").text("refresh_token")
	a.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 429, Body: `{"error":"too_many_requests"}`})
	assert.Equal(t, 429, a.refresh(token).status)
	a.signIn("Ben")
	a.InjectFault(authkittest.RouteAuthenticate, authkittest.Fault{Status: 500, Body: `{"message":"oops"}`})
	assert.Equal(t, 500, a.exchange("any").status)
	assert.Equal(t, 429, a.refresh(token).status, "the fault of the single grant takes precedence")
	assert.Equal(t, 3, a.Calls(authkittest.RouteCodeExchange))
	assert.Equal(t, 2, a.Calls(authkittest.RouteRefresh))
	assert.Equal(t, 5, a.Calls(authkittest.RouteAuthenticate))
}

func TestTakeEffectProcessesARequestWhoseReplyIsLost(t *testing.T) {
	a := newApp(t)
	token := a.signIn("Ada").text("refresh_token")
	a.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 502, Body: `{}`, TakeEffect: true, Times: 1})
	assert.Equal(t, 502, a.refresh(token).status)
	assert.False(t, a.Sessions()[0].RefreshedAt.IsZero())
	assert.Equal(t, http.StatusOK, a.refresh(token).status, "the refresh token can be replayed")
	a.clock.Advance(31 * time.Second)
	assert.Equal(t, "Refresh token already exchanged.", a.refresh(token).text("error_description"))

	token = a.signIn("Ben").text("refresh_token")
	a.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 502, Body: `{}`, Times: 1})
	assert.Equal(t, 502, a.refresh(token).status)
	assert.True(t, a.Sessions()[1].RefreshedAt.IsZero(), "without TakeEffect the request has no effect")
}

func TestACallThatTakesEffectFirstHasArrivedWhenItHasTakenEffect(t *testing.T) {
	a := newApp(t)
	a.InjectFault(authkittest.RouteCreateUser, authkittest.Fault{Hang: true, TakeEffect: true, Times: 1})
	body, send := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL()+"/user_management/users", body)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+a.APIKey())
	r.Header.Set("Content-Type", "application/json")
	answered := make(chan int, 1)
	go func() {
		if response, err := http.DefaultClient.Do(r); assert.NoError(t, err) {
			response.Body.Close()
			answered <- response.StatusCode
		}
	}()
	_, err = io.WriteString(send, `{"email":`)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return a.Calls(authkittest.RouteCreateUser) == 1 }, 10*time.Second, time.Millisecond)
	awaited := make(chan struct{})
	go func() {
		defer close(awaited)
		a.AwaitCalls(t, authkittest.RouteCreateUser, 1)
	}()
	select {
	case <-awaited:
		assert.Fail(t, "half of the request is missing")
	case <-time.After(20 * time.Millisecond):
	}
	_, err = io.WriteString(send, `"zoe@example.com"}`)
	require.NoError(t, err)
	require.NoError(t, send.Close())
	<-awaited
	assert.True(t, slices.ContainsFunc(a.Users(), func(u authkittest.User) bool { return u.Email == "zoe@example.com" }))
	a.ClearFault(authkittest.RouteCreateUser)
	assert.Equal(t, http.StatusCreated, <-answered)
}

func TestAFaultBreaksTheConnection(t *testing.T) {
	cases := map[string]authkittest.Fault{
		"reset after the status line":   {Reset: true},
		"cut in the middle of the body": {Truncate: true},
		"cut before an empty body":      {Status: 200, Truncate: true},
		"cut in a body of the fault":    {Body: "1234", Truncate: true},
	}
	for name, fault := range cases {
		t.Run(name, func(t *testing.T) {
			a := newApp(t)
			_, _, err := a.jwks(t.Context()) // leaves an idle connection that is used again
			require.NoError(t, err)
			a.InjectFault(authkittest.RouteJWKS, fault)
			_, body, err := a.jwks(t.Context())
			if errors.Is(err, syscall.ECONNRESET) {
				err = io.ErrUnexpectedEOF // net/http reports a reset in the header as either error
			}
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			if fault.Body != "" {
				assert.Equal(t, "12", body)
			}
			assert.Equal(t, 2, a.Calls(authkittest.RouteJWKS), "the client has not sent the request again")
		})
	}
}

func TestAnEndlessBodyEndsWhenTheClientDisconnects(t *testing.T) {
	a := newApp(t)
	a.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Body: "again ", Endless: true})
	response, err := http.Get(a.URL() + "/sso/jwks/" + a.ClientID())
	require.NoError(t, err)
	_, err = io.CopyN(io.Discard, response.Body, 4<<20)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	a.Close() // blocks if the handler still runs
}

func TestADelayUsesTheFakesClock(t *testing.T) {
	a := newApp(t)
	a.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Delay: time.Minute})
	answered := make(chan string)
	go func() {
		_, body, _ := a.jwks(context.Background())
		answered <- body
	}()
	a.clock.AwaitTimers(1)
	assert.Empty(t, answered)
	a.clock.Advance(time.Minute)
	assert.Contains(t, <-answered, "kid")
}

func TestADripSendsSingleBytesOnTheFakesClock(t *testing.T) {
	a := newApp(t)
	a.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Drip: time.Second, Body: "drip", Times: 1})
	response, err := http.Get(a.URL() + "/sso/jwks/" + a.ClientID())
	require.NoError(t, err)
	defer response.Body.Close()
	arrived := make([]byte, 1)
	for _, want := range "dri" {
		a.clock.AwaitTimers(1)
		a.clock.Advance(time.Second)
		_, err := io.ReadFull(response.Body, arrived)
		require.NoError(t, err)
		assert.Equal(t, string(want), string(arrived))
	}
	a.clock.AwaitTimers(1)
	a.ClearFault(authkittest.RouteJWKS)
	rest, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Equal(t, "p", string(rest), "after ClearFault the rest comes immediately")

	a.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Drip: time.Second})
	dripping, err := http.Get(a.URL() + "/sso/jwks/" + a.ClientID())
	require.NoError(t, err)
	require.NoError(t, dripping.Body.Close())
	a.Close() // blocks if the handler still runs
}

func TestAHangEndsWithTheFaultTheClientOrTheFake(t *testing.T) {
	cases := map[string]struct {
		end  func(a *app, cancel context.CancelFunc)
		want error
	}{
		"when it is cleared, with the real response": {func(a *app, _ context.CancelFunc) { a.ClearFault(authkittest.RouteJWKS) }, nil},
		"when the client disconnects":                {func(_ *app, cancel context.CancelFunc) { cancel() }, context.Canceled},
		"when the fake is closed":                    {func(a *app, _ context.CancelFunc) { a.Close() }, io.EOF},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			a := newApp(t)
			a.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Hang: true, Status: 500})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error)
			go func() {
				response, _, err := a.jwks(ctx)
				if err == nil && response.StatusCode != http.StatusOK {
					err = errors.New(response.Status)
				}
				ended <- err
			}()
			a.AwaitCalls(t, authkittest.RouteJWKS, 1)
			c.end(a, cancel)
			err := <-ended
			if errors.Is(err, syscall.ECONNRESET) {
				err = io.EOF // a closed server can cause either error
			}
			require.ErrorIs(t, err, c.want)
			a.Close()
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			assert.NotContains(t, string(stacks), "(*Server).wait", "no handler is still running")
		})
	}
}

func TestInjectFaultPanicsForAnUnknownRoute(t *testing.T) {
	a := newApp(t)
	assert.PanicsWithValue(t, "POST /nowhere", func() {
		defer func() {
			text, _ := recover().(string)
			_, rest, _ := strings.Cut(text, `no route "`)
			name, _, _ := strings.Cut(rest, `"`)
			panic(name)
		}()
		a.InjectFault("POST /nowhere", authkittest.Fault{})
	})
}

func TestARouteThatTheFakeLacksCanHaveAFaultWithAResponse(t *testing.T) {
	a := newApp(t)
	client := a.workos()
	get := func(path string) (int, string) {
		var out json.RawMessage
		err := client.Call(t.Context(), http.MethodGet, path, nil, &out)
		var refusal *workos.Error
		if errors.As(err, &refusal) {
			return refusal.StatusCode, ""
		}
		require.NoError(t, err)
		return http.StatusOK, string(out)
	}
	const route authkittest.Route = "GET /directories/{id}/users"
	status, _ := get("/directories/directory_1/users")
	assert.Equal(t, http.StatusNotFound, status)
	for _, times := range []int{1, 2} { // the route exists the second time
		a.InjectFault(route, authkittest.Fault{Body: `{"data":[]}`, Times: times})
		for range times {
			status, body := get("/directories/directory_1/users")
			assert.Equal(t, http.StatusOK, status)
			assert.Equal(t, `{"data":[]}`, body)
		}
		status, _ = get("/directories/directory_1/users")
		assert.Equal(t, http.StatusNotFound, status, "the fault is over")
	}
	assert.Equal(t, 5, a.Calls(route))
	a.InjectFault(route, authkittest.Fault{Status: http.StatusForbidden})
	status, _ = get("/directories/directory_1/users")
	assert.Equal(t, http.StatusForbidden, status)

	for _, wrong := range []authkittest.Route{
		"GET /user_management/users/{other}", "POST /user_management/authenticate new_grant", "GET /mailbox", "/directories", "GET directories",
		"HEAD /directories", "GET /directories?limit=1", "GET /", "GET /organizations/external_id/{other}",
	} {
		assert.Panics(t, func() { a.InjectFault(wrong, authkittest.Fault{Status: 500}) }, wrong)
	}
}
