//go:build unix

// Events of WorkOS: what is changed there has its effect at every instance.

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// roleAt asks an instance for the role of the user with these cookies.
func (f *testFleet) roleAt(instance, cookies string) (status int, role string) {
	f.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://"+f.fleet.find(instance).state().Host+"/api/me", nil)
	require.NoError(f, err)
	r.Header.Set("Cookie", cookies)
	response, err := http.DefaultClient.Do(r)
	require.NoError(f, err)
	defer response.Body.Close()
	var me struct{ Role string }
	if response.StatusCode == http.StatusOK {
		require.NoError(f, json.NewDecoder(response.Body).Decode(&me))
	}
	return response.StatusCode, me.Role
}

// setMembership changes a membership at the fake with the command of README.md.
func setMembership(t *testing.T, control string, change string) {
	t.Helper()
	form := url.Values{"email": {ada}, "organization": {"Harbor Press"}}
	name, value, _ := strings.Cut(change, "=")
	form.Set(name, value)
	response, err := http.PostForm(control+"/membership", form)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
}

func TestARoleThatIsTakenAwayIsGoneAtEveryInstanceWithoutANewSignIn(t *testing.T) {
	t.Parallel()
	test := func(webhooks bool) func(t *testing.T, shared engine) {
		return func(t *testing.T, shared engine) {
			f := startFleetWith(t, fleetOptions{shared: shared, webhooks: webhooks})
			control := httptest.NewServer(f.fake.Control())
			defer control.Close()
			b := f.signedIn(ada)
			require.Contains(t, b.Page().Body, "<dd>admin</dd>")
			cookies := f.cookies(b)
			f.knownEverywhere(cookies)

			setMembership(t, control.URL, "role=member")
			changed := time.Now()
			for _, i := range f.fleet {
				require.Eventually(t, func() bool {
					status, role := f.roleAt(i.name, cookies)
					require.Equal(t, http.StatusOK, status)
					return role == "member"
				}, 10*time.Second, 10*time.Millisecond, "instance %s", i.name)
			}
			took := time.Since(changed).Round(time.Millisecond)
			exchanges := f.fake.Calls(authkittest.RouteRefresh)
			t.Logf("webhooks %v, %s: every instance shows the new role after %s and %d exchanges", webhooks, f.storeName(shared), took, exchanges)
			assert.Less(t, took, 5*time.Second)
			if shared.variable != "" {
				_, failures := f.storeCalls()
				assert.LessOrEqual(t, exchanges, 1+int(failures), "one exchange, and one more for each command that failed")
			}
			for range f.fleet {
				page, err := b.Get(f.home + "/account")
				require.NoError(t, err)
				assert.Contains(t, page.Body, "<dd>member</dd>", "the page is loaded again through the front")
			}
			assert.Len(t, f.fake.Sessions(), 1, "no user signs in again")
		}
	}
	parallel(t, "webhooks and Follow", func(t *testing.T) { onEngines(t, test(true)) })
	parallel(t, "Follow alone", func(t *testing.T) { onEngines(t, test(false)) })
}

// storeName describes an engine for a log line.
func (f *testFleet) storeName(shared engine) string {
	if shared.variable == "" {
		return "no store"
	}
	return fmt.Sprint("a store in ", strings.TrimSuffix(shared.variable, "_URL"))
}

func TestASessionThatIsRevokedAtWorkOSIsRefusedAtEveryInstance(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, shared engine) {
		f := startFleetWith(t, fleetOptions{shared: shared, webhooks: true})
		b := f.signedIn(ada)
		cookies := f.cookies(b)
		f.knownEverywhere(cookies)
		f.fake.RevokeSession(f.fake.Sessions()[0].ID)
		for _, i := range f.fleet {
			require.Eventually(t, func() bool { return f.meAt(i.name, cookies) == http.StatusUnauthorized }, 10*time.Second, 10*time.Millisecond,
				"instance %s", i.name)
		}
		states := map[string]int{}
		for _, i := range f.fleet {
			states[f.stats(i).Events]++
		}
		if shared.variable == "" {
			assert.Equal(t, map[string]int{"followed": 3}, states)
		} else {
			assert.Equal(t, map[string]int{"followed": 1, "elsewhere": 2}, states)
		}
	})
}

func TestWhenTheInstanceThatFollowsIsStoppedAnotherOneTakesOver(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, shared engine) {
		f := startFleet(t, shared)
		b := f.signedIn(ada)
		cookies := f.cookies(b)
		f.knownEverywhere(cookies)
		follows := func() (name string) {
			for _, i := range f.fleet {
				if s := statsOf(t.Context(), i.state().Host); s != nil && s.Events == "followed" {
					name = i.name
				}
			}
			return name
		}
		require.Eventually(t, func() bool { return follows() != "" }, time.Minute, 20*time.Millisecond, "an instance follows")
		stopped := follows()
		f.fleet.find(stopped).stop() // as a rolling restart does
		require.Eventually(t, func() bool { return follows() != "" }, 10*time.Second, 20*time.Millisecond, "it gives the lease up")
		f.fake.RevokeSession(f.fake.Sessions()[0].ID)
		for _, i := range f.fleet {
			if i.name != stopped {
				require.Eventually(t, func() bool { return f.meAt(i.name, cookies) == http.StatusUnauthorized }, 10*time.Second, 10*time.Millisecond,
					"instance %s", i.name)
			}
		}
	})
}
