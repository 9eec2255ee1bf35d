// Callbacks whose state was evicted from a full memory, and two concurrent callbacks with one state.

package authkit_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/behaviour"
	"github.com/authkit-go/authkit/internal/testrun"
)

// With a limit of 8 used states, a test can evict one quickly.
func TestAUsedStateIsRefusedAfterAnyNumberOfCallbacks(t *testing.T) {
	for name, flood := range map[string]func(a *behaviour.App, i int){
		"anonymous error callbacks": func(a *behaviour.App, i int) {
			a.Send(behaviour.Request{Target: fmt.Sprint("/callback?error=x&state=", i), Header: behaviour.Navigation()})
		},
		"error callbacks of real sign-ins": func(a *behaviour.App, _ int) {
			j := behaviour.NewCookieJar(t)
			a.CancelSignIn(j, a.StartSignInWithJar(j, "/login", behaviour.Navigation()))
		},
		"callbacks of real sign-ins with a code that is refused": func(a *behaviour.App, _ int) { a.FailSignIn() },
		"error callbacks with the cookie of another sign-in": func(a *behaviour.App, i int) {
			a.Send(behaviour.Request{Target: fmt.Sprint("/callback?error=x&state=", i), Cookie: a.StartSignIn("/login").Cookie, Header: behaviour.Navigation()})
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := behaviour.NewApp(t, behaviour.AppOptions{})
			a.LimitUsedStates(8)
			s := a.StartSignIn("/login?return_to=/account")
			require.Equal(t, http.StatusSeeOther, a.Send(behaviour.Request{Target: s.Target(), Cookie: s.Cookie, Header: behaviour.Navigation()}).Status)
			for i := range testrun.Length(12, 30) {
				a.Clock.Advance(time.Second)
				flood(a, i)
			}
			a.Clock.Advance(time.Second)
			exchanges := a.Fake.Calls(authkittest.RouteAuthenticate)
			resp := a.Send(behaviour.Request{Target: s.Target(), Cookie: s.Cookie, Header: behaviour.Navigation()})
			assert.Equal(t, exchanges, a.Fake.Calls(authkittest.RouteAuthenticate), "no exchange")
			assert.NotContains(t, resp.SetCookies(t), "authkit-session")
			if strings.Contains(name, "a code") {
				assert.Equal(t, http.StatusSeeOther, resp.Status, "the state was evicted, so the sign-in starts again")
				again := a.SignInStartedBy(resp)
				assert.Equal(t, http.StatusServiceUnavailable, a.StatusWithoutKeys(again), "the new sign-in is fresh")
			} else {
				assert.Equal(t, http.StatusBadRequest, resp.Status, "the used state is still remembered")
			}
		})
	}
}

func TestASignInOlderThanAnEvictedOneStartsAgainAndANewerOneCompletes(t *testing.T) {
	a := behaviour.NewApp(t, behaviour.AppOptions{})
	a.LimitUsedStates(4)
	slow := a.StartSignIn("/login?return_to=/account")
	a.Clock.Advance(time.Second)
	for range 6 {
		a.FailSignIn()
		a.Clock.Advance(time.Second)
	}
	resp := a.Send(behaviour.Request{Target: slow.Target(), Cookie: slow.Cookie, Header: behaviour.Navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.Status)
	behaviour.StateOf(t, resp)
	assert.Equal(t, 6, a.Fake.Calls(authkittest.RouteAuthenticate))

	later := a.StartSignIn("/login?return_to=/account")
	resp = a.Send(behaviour.Request{Target: later.Target(), Cookie: later.Cookie, Header: behaviour.Navigation()})
	assert.Equal(t, "/account", resp.Header.Get("Location"))
	resp.NewCookie(t)
}

// Both requests have passed the first check of the state. Only the second check decides between them.
func TestOneOfTwoConcurrentCallbacksWithOneStateCompletes(t *testing.T) {
	a := behaviour.NewApp(t, behaviour.AppOptions{})
	s := a.StartSignIn("/login")
	var found sync.WaitGroup
	found.Add(2)
	a.BeforeUseOfState(func() { // it returns when both have found the state fresh
		found.Done()
		found.Wait()
	})
	var both sync.WaitGroup
	statuses := make(chan int, 2)
	for range 2 {
		both.Go(func() {
			resp, err := a.Do(behaviour.Request{Target: s.Target(), Cookie: s.Cookie, Header: behaviour.Navigation()})
			if err == nil {
				statuses <- resp.Status
			}
		})
	}
	both.Wait()
	close(statuses)
	var got []int
	for status := range statuses {
		got = append(got, status)
	}
	assert.ElementsMatch(t, []int{http.StatusSeeOther, http.StatusBadRequest}, got)
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteAuthenticate))
}
