// What SECURITY.md and docs/replicas.md promise about a store: what it reveals, what can be done with it, and how it is
// added, removed and used during a rotation of the cookie password.

package behaviour

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// engine is a store whose content can be read and changed, as by an attacker who has access to it.
type engine struct {
	*authkittest.MemoryStore
	mu      sync.Mutex
	written bytes.Buffer // all keys, values and notices
	records map[string][]byte
	notices [][]byte
}

func newEngine(clock *authkittest.FakeClock) *engine {
	return &engine{MemoryStore: authkittest.NewMemoryStore(clock), records: map[string][]byte{}}
}

func (e *engine) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) ([]byte, time.Duration, bool, error) {
	current, left, swapped, err := e.MemoryStore.Swap(ctx, key, old, value, ttl)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.written.WriteString(key)
	e.written.Write(value)
	e.records[key] = bytes.Clone(current)
	return current, left, swapped, err
}

func (e *engine) Append(ctx context.Context, notice []byte) error {
	e.mu.Lock()
	e.notices = append(e.notices, notice)
	e.written.Write(notice)
	e.mu.Unlock()
	return e.MemoryStore.Append(ctx, notice)
}

// successes returns the records of the exchanges.
func (e *engine) successes() map[string][]byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	found := map[string][]byte{}
	for key, value := range e.records {
		if strings.Contains(key, ":x:") && len(value) > 0 && value[0] == 'S' { // a used state may begin with any byte
			found[key] = value
		}
	}
	return found
}

// overwrite puts a value in the place of another.
func (e *engine) overwrite(t *testing.T, key string, old, value []byte) {
	t.Helper()
	_, _, swapped, err := e.MemoryStore.Swap(t.Context(), key, old, value, time.Hour)
	require.NoError(t, err)
	require.True(t, swapped)
}

// newReplicasOn starts n instances on an engine. fake configures their WorkOS.
func newReplicasOn(t *testing.T, n int, fake ...authkittest.Option) (*Replicas, *engine) {
	t.Helper()
	clock := authkittest.NewFakeClock(Start)
	e := newEngine(clock)
	r := &Replicas{Store: e.MemoryStore, Fake: newFake(t, clock, fake...), Clock: clock}
	for range n {
		r.Instances = append(r.Instances, NewInstance(t, r.Fake, r.Clock, AppOptions{AuthKit: []authkit.Option{authkit.WithStore(e)}}))
	}
	return r, e
}

// replySecrets records the tokens in the replies of WorkOS.
type replySecrets struct {
	mu     sync.Mutex
	tokens []string
}

func (s *replySecrets) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := direct.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	var reply struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
	}
	if json.Unmarshal(body, &reply) == nil && reply.RefreshToken != "" {
		s.mu.Lock()
		s.tokens = append(s.tokens, reply.AccessToken, reply.RefreshToken)
		s.mu.Unlock()
	}
	return resp, err
}

func TestTheStoreGetsNoTokenNoKeyAndNoIDInClear(t *testing.T) {
	alone := NewApp(t, AppOptions{})
	e, secrets := newEngine(alone.Clock), &replySecrets{}
	a := NewInstance(t, alone.Fake, alone.Clock, AppOptions{
		AuthKit: []authkit.Option{authkit.WithStore(e), authkit.WithHTTPClient(&http.Client{Transport: secrets})},
		Routes: func(a *App, mux *http.ServeMux) {
			mux.Handle("/key", a.RequireAPIKey()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
		},
	})
	key := a.addKey("ci")
	require.Equal(t, http.StatusOK, a.Send(Request{Target: "/key", Header: Bearer(key)}).Status)
	pending := a.StartSignIn("/login")
	cookie := a.Send(Request{Target: pending.Target(), Cookie: pending.Cookie, Header: Navigation()}).NewCookie(t)
	a.ExpireToken(2 * time.Minute)
	refreshed := a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
	require.Equal(t, http.StatusOK, a.Status(t, refreshed))
	a.SignOut(t, refreshed)
	require.NoError(t, a.EndUser(t.Context(), "user_kim"))

	e.mu.Lock()
	defer e.mu.Unlock()
	written := e.written.String()
	require.Greater(t, len(written), 500)
	require.Len(t, secrets.tokens, 4, "of the sign-in and of the refresh")
	for _, secret := range append(secrets.tokens, key, pending.State(), a.SessionID(), "user_kim", Kim, "Oduya", a.Password, a.Fake.ClientID()) {
		assert.False(t, strings.Contains(written, secret), "the store got a secret of %d bytes in clear", len(secret))
	}
}

func TestAChangedRecordChangesNoSession(t *testing.T) {
	for name, change := range map[string]func(own, other []byte) []byte{
		"a record with a flipped bit": func(own, _ []byte) []byte {
			changed := bytes.Clone(own)
			changed[len(changed)/2] ^= 1
			return changed
		},
		"a record that was cut":          func(own, _ []byte) []byte { return own[:len(own)/2] },
		"a record without a seal":        func([]byte, []byte) []byte { return []byte("S") },
		"the record of another session":  func(_, other []byte) []byte { return other },
		"a record of an unknown version": func([]byte, []byte) []byte { return []byte("?") },
	} {
		t.Run(name, func(t *testing.T) {
			r, e := newReplicasOn(t, 2)
			one, two := r.Instances[0], r.Instances[1]
			cookie, foreign := one.SignedIn(Kim).CookieHeader(), one.SignedIn(lee).CookieHeader()
			r.expireTokens()
			one.Send(Request{Target: "/account", Cookie: foreign}).NewCookie(t)
			other := e.successes()
			require.Len(t, other, 1)
			refreshed := one.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
			for key, record := range e.successes() {
				for otherKey, otherRecord := range other {
					if key != otherKey {
						e.overwrite(t, key, record, change(record, otherRecord))
					}
				}
			}
			resp := two.Send(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()})
			assert.NotEqual(t, http.StatusOK, resp.Status, "the old token has expired, and its successor cannot be read")
			assert.Empty(t, resp.Header["Set-Cookie"], "the cookie stays")
			assert.NotContains(t, resp.Body, "user_lee")
			assert.Equal(t, http.StatusOK, two.Status(t, refreshed), "the browser has the successor")
		})
	}
}

func TestAForgedNoticeEndsNoSession(t *testing.T) {
	r, e := newReplicasOn(t, 1)
	one := r.Instances[0]
	cookie, other := one.SignedIn(Kim).CookieHeader(), one.SignedIn(lee).CookieHeader()
	require.Equal(t, http.StatusOK, one.Status(t, cookie))
	one.SignOut(t, other)
	require.Len(t, e.notices, 1)
	genuine := e.notices[0]
	for i := range genuine {
		forged := bytes.Clone(genuine)
		forged[i] ^= 1
		require.NoError(t, e.MemoryStore.Append(t.Context(), forged))
	}
	for _, junk := range [][]byte{{0}, bytes.Repeat([]byte("x"), 1024)} {
		require.NoError(t, e.MemoryStore.Append(t.Context(), junk))
	}
	assert.Equal(t, http.StatusOK, one.Status(t, cookie))
	assert.Equal(t, 1, one.Stats().Store.Notices, "only the genuine notice counts")
}

func TestTwoApplicationsOnOneStoreDoNotAffectEachOther(t *testing.T) {
	one := NewApp(t, AppOptions{})
	e := newEngine(one.Clock)
	first := NewInstance(t, one.Fake, one.Clock, AppOptions{AuthKit: []authkit.Option{authkit.WithStore(e)}})
	other := NewApp(t, AppOptions{Fake: []authkittest.Option{authkittest.WithClock(one.Clock)}})
	second := NewInstance(t, other.Fake, one.Clock, AppOptions{AuthKit: []authkit.Option{authkit.WithStore(e)}})
	cookies := map[*App]string{first: first.SignedIn(Kim).CookieHeader(), second: second.SignedIn(Kim).CookieHeader()}
	for a, cookie := range cookies {
		require.Equal(t, http.StatusOK, a.Status(t, cookie))
	}
	require.NoError(t, first.EndUser(t.Context(), "user_kim"))
	assert.Equal(t, http.StatusUnauthorized, first.Status(t, cookies[first]))
	assert.Equal(t, http.StatusOK, second.Status(t, cookies[second]))
	assert.Zero(t, second.Stats().Store.Notices)
}

func TestInstancesActAsOneWhileTheCookiePasswordIsRotated(t *testing.T) {
	earlier, later := newPassword(), newPassword()
	first := NewApp(t, AppOptions{})
	e := newEngine(first.Clock)
	instance := func(current string, previous ...string) *App {
		return NewInstance(t, first.Fake, first.Clock, AppOptions{Password: current, AuthKit: []authkit.Option{
			authkit.WithStore(e), authkit.WithCookiePassword(current, previous...),
		}})
	}
	old, both, swapped := instance(earlier), instance(earlier, later), instance(later, earlier)
	for name, step := range map[string][2]*App{
		"step 1 of docs/production.md": {old, both}, "step 2": {both, swapped}, "step 2, from the new instance": {swapped, both},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := step[0], step[1]
			cookie := from.SignedIn(Kim).CookieHeader()
			require.Equal(t, http.StatusOK, to.Status(t, cookie))
			first.ExpireToken(2 * time.Minute)
			before := first.Fake.Calls(authkittest.RouteRefresh)
			refreshed := from.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
			assert.Equal(t, http.StatusOK, to.Status(t, cookie), "the record of one is read by the other")
			assert.Equal(t, before+1, first.Fake.Calls(authkittest.RouteRefresh))
			from.SignOut(t, refreshed)
			assert.Equal(t, http.StatusUnauthorized, to.Status(t, refreshed), "the notice of one is read by the other")
		})
	}
}

func TestAStoreCanBeAddedAndRemovedWhileInstancesRun(t *testing.T) {
	alone := NewApp(t, AppOptions{})
	e := newEngine(alone.Clock)
	joined := NewInstance(t, alone.Fake, alone.Clock, AppOptions{AuthKit: []authkit.Option{authkit.WithStore(e)}})
	for name, step := range map[string][2]*App{"added": {alone, joined}, "removed": {joined, alone}} {
		t.Run(name, func(t *testing.T) {
			from, to := step[0], step[1]
			cookie := from.SignedIn(Kim).CookieHeader()
			require.Equal(t, http.StatusOK, to.Status(t, cookie))
			alone.ExpireToken(2 * time.Minute)
			var refreshed string
			for _, a := range []*App{from, to} { // both refresh at once: WorkOS's replay window answers the second
				refreshed = a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
			}
			for _, a := range []*App{from, to} {
				assert.Equal(t, http.StatusOK, a.Status(t, refreshed))
			}
			alone.ExpireToken(2 * time.Minute)
			again := to.Send(Request{Target: "/account", Cookie: refreshed}).NewCookie(t)
			assert.Equal(t, http.StatusOK, from.Status(t, again))
		})
	}
}

func TestASignInAtAnotherInstanceCancelsTheRevocationOfASignedOutSession(t *testing.T) {
	r := NewReplicas(t, 1, AppOptions{})
	upstream := &RewritingTransport{}
	one, two := r.Instances[0], r.Add(t, AppOptions{AuthKit: []authkit.Option{
		authkit.WithStore(r.Store), authkit.WithHTTPClient(&http.Client{Transport: upstream}),
	}})
	cookie, id := one.SignedIn(Kim).CookieHeader(), one.SessionID()
	require.Equal(t, http.StatusOK, two.Status(t, cookie))
	resp := one.Send(Request{Method: http.MethodPost, Target: "/logout", Cookie: cookie, Header: Scripted()})
	require.Equal(t, http.StatusOK, resp.Status)
	upstream.Change = func(reply map[string]any) { // AuthKit signs the user in to the same session
		now := r.Clock.Now().Unix()
		reply["access_token"] = r.Fake.SignToken(map[string]any{
			"iss": r.Fake.Issuer(), "sub": "user_kim", "sid": id, "client_id": r.Fake.ClientID(), "iat": now, "exp": now + 300,
		})
	}
	again := two.SignedIn(Kim).CookieHeader()
	r.Clock.Advance(time.Minute)
	for _, a := range r.Instances {
		assert.Equal(t, http.StatusOK, a.Status(t, again))
		assert.Equal(t, http.StatusUnauthorized, a.Status(t, cookie), "the cookie of the earlier sign-in")
	}
	assert.Zero(t, r.Fake.Calls(authkittest.RouteRevokeSession))
}
