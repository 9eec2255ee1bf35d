// What instances do while their store does not answer, and afterwards.

package behaviour

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/replica"
	"github.com/authkit-go/authkit/internal/testrun"
)

// impatient is a store for which instances wait less than for another one, because it does not answer in a test.
type impatient struct{ *authkittest.MemoryStore }

func (impatient) StoreBudgets() replica.Budgets {
	return testrun.Length(replica.ShortBudgets(), replica.DefaultBudgets())
}

// newImpatientReplicas starts n instances with an [impatient] store.
func newImpatientReplicas(t *testing.T, n int, o AppOptions) *Replicas {
	t.Helper()
	r := NewReplicas(t, 0, o)
	o.AuthKit = append([]authkit.Option{authkit.WithStore(impatient{r.Store})}, o.AuthKit...)
	for range n {
		r.Add(t, o)
	}
	return r
}

// outages are the ways in which a store fails.
var outages = map[string]struct {
	begin, end func(*authkittest.MemoryStore)
}{
	"down":   {func(s *authkittest.MemoryStore) { s.SetDown(true) }, func(s *authkittest.MemoryStore) { s.SetDown(false) }},
	"frozen": {func(s *authkittest.MemoryStore) { s.SetFrozen(true) }, func(s *authkittest.MemoryStore) { s.SetFrozen(false) }},
	"restarted empty": {func(s *authkittest.MemoryStore) { s.SetDown(true) }, func(s *authkittest.MemoryStore) {
		s.Flush()
		s.SetDown(false)
	}},
}

func TestNoUserIsSignedOutWhileTheStoreDoesNotAnswer(t *testing.T) {
	t.Parallel()
	for name, outage := range outages {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits for the budgets of commands, which are in real time
			r := newImpatientReplicas(t, 2, AppOptions{})
			one, two := r.Instances[0], r.Instances[1]
			cookie := one.SignedIn(Kim).CookieHeader()
			require.Equal(t, http.StatusOK, two.Status(t, cookie))
			outage.begin(r.Store)
			assert.Equal(t, http.StatusOK, one.Status(t, cookie))
			r.expireTokens()
			resp := one.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
			assert.Equal(t, http.StatusOK, resp.Status, "the exchange goes to WorkOS directly")
			assert.Equal(t, http.StatusOK, two.Status(t, cookie), "WorkOS's replay window answers the second instance")
			lee := two.SignedIn(lee).CookieHeader()
			assert.Equal(t, http.StatusOK, two.Status(t, lee))

			outage.end(r.Store)
			r.settle(t)
			refreshed := resp.session(t)
			require.NotEmpty(t, refreshed)
			for _, a := range r.Instances {
				assert.Equal(t, http.StatusOK, a.Status(t, refreshed))
			}
		})
	}
}

func TestAStrictWorkOSSignsNoUserOutWhileTheStoreDoesNotAnswer(t *testing.T) {
	t.Parallel()
	for name, outage := range outages {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits for the budgets of commands, which are in real time
			r := newImpatientReplicas(t, 2, AppOptions{Fake: []authkittest.Option{authkittest.WithStrictRotation()}})
			one, two := r.Instances[0], r.Instances[1]
			cookie := one.SignedIn(Kim).CookieHeader()
			require.Equal(t, http.StatusOK, two.Status(t, cookie))
			outage.begin(r.Store)
			r.expireTokens()
			require.Equal(t, http.StatusOK, one.Status(t, cookie), "the response is lost")
			for range 3 {
				resp := two.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
				assert.Equal(t, http.StatusServiceUnavailable, resp.Status, "refused, and not believed")
				assert.NotEmpty(t, resp.Header.Get("Retry-After"))
				assert.Empty(t, resp.Header["Set-Cookie"], "the cookie stays")
				r.Clock.Advance(6 * time.Second)
			}
			outage.end(r.Store)
			r.settle(t)
			// An attempt that began before the store was back is repeated after a second.
			r.advanceUntil(t, func() bool { return r.Store.Bytes() > 500 }, "the successor is not published")
			took := r.awaitStatus(t, two, cookie, http.StatusOK)
			t.Logf("served %s after the store was back", took)
		})
	}
}

func TestASignOutDuringAnOutageIsAnnouncedWhenTheStoreIsBack(t *testing.T) {
	t.Parallel()
	for name, outage := range outages {
		t.Run(name, func(t *testing.T) {
			r := newImpatientReplicas(t, 2, AppOptions{})
			one, two := r.Instances[0], r.Instances[1]
			cookie := one.SignedIn(Kim).CookieHeader()
			require.Equal(t, http.StatusOK, two.Status(t, cookie))
			outage.begin(r.Store)
			one.SignOut(t, cookie)
			assert.Equal(t, http.StatusUnauthorized, one.Status(t, cookie))
			assert.Positive(t, one.Stats().Store.Waiting)
			outage.end(r.Store)
			r.awaitStatus(t, two, cookie, http.StatusUnauthorized)
			r.settle(t)
			late := r.Add(t, AppOptions{})
			assert.Equal(t, http.StatusUnauthorized, late.Status(t, cookie))
			assert.Zero(t, one.Stats().Store.Waiting)
		})
	}
}

func TestTheLogIsPutBackAfterTheStoreHasLostIt(t *testing.T) {
	r := NewReplicas(t, 3, AppOptions{})
	one, two := r.Instances[0], r.Instances[1]
	cookie := one.SignedIn(Kim).CookieHeader()
	for _, a := range r.Instances {
		require.Equal(t, http.StatusOK, a.Status(t, cookie))
	}
	one.SignOut(t, cookie)
	r.Store.Flush()
	appended := r.Store.Commands().Append
	r.settle(t)
	// What is missing is put back over one second.
	r.advanceUntil(t, func() bool { return r.Store.Commands().Append > appended }, "the notice is not put back")
	late := r.Add(t, AppOptions{})
	assert.Equal(t, http.StatusUnauthorized, late.Status(t, cookie), "an instance that starts later")
	assert.Equal(t, http.StatusUnauthorized, two.Status(t, cookie))
}

func TestWithARevocationDeadlineAnInstanceWithoutTheLogAnswers503(t *testing.T) {
	r := NewReplicas(t, 1, AppOptions{AuthKit: []authkit.Option{authkit.WithRevocationDeadline(15 * time.Second)}})
	one := r.Instances[0]
	cookie := one.SignedIn(Kim).CookieHeader()
	require.Equal(t, http.StatusOK, one.Status(t, cookie))
	r.Store.SetDown(true)
	r.Clock.Advance(15 * time.Second)
	assert.Equal(t, http.StatusOK, one.Status(t, cookie), "within the deadline")
	r.Clock.Advance(time.Second)
	resp := one.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
	assert.NotEmpty(t, resp.Header.Get("Retry-After"))
	assert.Equal(t, http.StatusOK, one.Send(Request{Target: "/", Cookie: cookie}).Status, "a public page is served")
	r.Store.SetDown(false)
	r.settle(t)
	assert.Equal(t, http.StatusOK, one.Status(t, cookie))
}

func TestStatsTellTheStateOfTheStore(t *testing.T) {
	alone := NewApp(t, AppOptions{})
	assert.Equal(t, authkit.StoreStats{State: authkit.StoreNone}, alone.Stats().Store)

	r := NewReplicas(t, 1, AppOptions{})
	one := r.Instances[0]
	assert.Equal(t, authkit.StoreStats{State: authkit.StoreIdle}, one.Stats().Store)
	cookie := one.SignedIn(Kim).CookieHeader()
	require.Equal(t, http.StatusOK, one.Status(t, cookie))
	s := one.Stats().Store
	assert.Equal(t, authkit.StoreConnected, s.State)
	assert.NoError(t, s.Err)
	assert.Equal(t, r.Clock.Now(), s.LogReadAt)

	r.Store.SetDown(true)
	r.Clock.Advance(20 * time.Second)
	require.Eventually(t, func() bool { return one.Stats().Store.State == authkit.StoreUnreachable }, WaitTimeout, time.Millisecond)
	s = one.Stats().Store
	assert.Error(t, s.Err)
	assert.Equal(t, 20*time.Second, s.LogAge)

	r.Store.SetDown(false)
	r.settle(t)
	assert.Equal(t, authkit.StoreConnected, one.Stats().Store.State)
	require.Eventually(t, func() bool { // two minutes without a session
		r.Clock.Advance(time.Minute)
		return one.Stats().Store.State == authkit.StoreIdle
	}, WaitTimeout, time.Millisecond)
	require.Equal(t, http.StatusOK, one.Status(t, cookie))
	assert.Equal(t, authkit.StoreConnected, one.Stats().Store.State)
}

func TestARequestWaitsForTheStoreAsLongAsItsBudgets(t *testing.T) {
	t.Parallel()
	r := NewReplicas(t, 1, AppOptions{})
	one := r.Instances[0]
	cookie := one.SignedIn(Kim).CookieHeader()
	require.Equal(t, http.StatusOK, one.Status(t, cookie))
	r.Store.SetFrozen(true)
	start := time.Now()
	one.SignOut(t, cookie)
	assert.Less(t, time.Since(start), 5*time.Second, "the budget of a response is 100 ms")
	var unavailable *authkit.UnavailableError
	err := one.EndSession(t.Context(), "session_unknown")
	assert.True(t, errors.As(err, &unavailable), "%v", err)
	r.Store.SetFrozen(false)
}
