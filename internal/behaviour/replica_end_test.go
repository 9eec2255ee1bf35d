// EndSession and EndUser, used states and API keys at several instances.

package behaviour

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func TestEndSessionEndsASessionEverywhere(t *testing.T) {
	r := NewReplicas(t, 3, AppOptions{})
	one, two := r.Instances[0], r.Instances[1]
	cookie := one.SignedIn(Kim).CookieHeader()
	other := one.SignedIn(lee).CookieHeader()
	for _, a := range r.Instances {
		require.Equal(t, http.StatusOK, a.Status(t, cookie))
	}
	id := r.sessionIDOf(t, one, cookie)
	require.NoError(t, two.EndSession(t.Context(), id))
	for i, a := range r.Instances {
		assert.Equal(t, http.StatusUnauthorized, a.Status(t, cookie), "instance %d", i)
		assert.Equal(t, http.StatusOK, a.Status(t, other), "another session at instance %d", i)
	}
	at, _ := r.Fake.Session(id)
	assert.False(t, at.Active())
	require.NoError(t, two.EndSession(t.Context(), id), "a second time")
	assert.Error(t, two.EndSession(t.Context(), ""))
}

func TestEndUserEndsAllSessionsOfAUserAndNoLaterOne(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{})
	one, two := r.Instances[0], r.Instances[1]
	cookies := []string{one.SignedIn(Kim).CookieHeader(), two.SignedIn(Kim).CookieHeader()}
	other := one.SignedIn(lee).CookieHeader()
	require.NoError(t, one.EndUser(t.Context(), "user_kim"))
	for _, a := range r.Instances {
		for _, cookie := range cookies {
			assert.Equal(t, http.StatusUnauthorized, a.Status(t, cookie))
		}
		assert.Equal(t, http.StatusOK, a.Status(t, other))
	}
	for _, s := range r.Fake.Sessions() {
		if s.UserID == "user_kim" {
			assert.False(t, s.Active())
		}
	}
	for _, signInAt := range r.Instances { // within the minute for which the end is dated ahead
		again := signInAt.SignedIn(Kim).CookieHeader()
		for _, a := range r.Instances {
			assert.Equal(t, http.StatusOK, a.Status(t, again), "a sign-in after the end")
		}
	}
	assert.Error(t, one.EndUser(t.Context(), ""))
}

func TestEndSessionWithoutAStoreEndsItHereAndAtWorkOS(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	require.Equal(t, http.StatusOK, a.Status(t, cookie))
	require.NoError(t, a.EndSession(t.Context(), a.SessionID()))
	assert.Equal(t, http.StatusUnauthorized, a.Status(t, cookie))
	at, _ := a.Fake.Session(a.SessionID())
	assert.False(t, at.Active())
}

func TestIfWorkOSIsNotToldEndSessionAndEndUserSaySoAndTheEndHoldsHere(t *testing.T) {
	for name, end := range map[string]func(*App, context.Context) error{
		"a session": func(a *App, ctx context.Context) error { return a.EndSession(ctx, a.SessionID()) },
		"a user":    func(a *App, ctx context.Context) error { return a.EndUser(ctx, "user_kim") },
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReplicas(t, 2, AppOptions{})
			cookie := r.Instances[0].SignedIn(Kim).CookieHeader()
			r.Fake.InjectFault(authkittest.RouteRevokeSession, authkittest.Fault{Status: http.StatusForbidden, Body: `{"message":"no"}`})
			assert.Error(t, end(r.Instances[0], t.Context()))
			for _, a := range r.Instances {
				assert.Equal(t, http.StatusUnauthorized, a.Status(t, cookie))
			}
			r.Fake.ClearFault(authkittest.RouteRevokeSession)
			assert.NoError(t, end(r.Instances[0], t.Context()))
		})
	}
}

func TestAStateIsUsedOnceAtAllInstances(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]bool{"with the store": false, "while the store is down": true} {
		t.Run(name, func(t *testing.T) {
			r := newImpatientReplicas(t, 2, AppOptions{})
			one, two := r.Instances[0], r.Instances[1]
			pending := one.StartSignInAs("/login", Kim)
			require.Equal(t, http.StatusSeeOther, one.finishSignIn(pending).Status)
			r.Store.SetDown(down)
			resp := two.Send(Request{Target: pending.Target(), Cookie: pending.Cookie, Header: Navigation()})
			assert.Equal(t, http.StatusBadRequest, resp.Status)
			assert.Empty(t, resp.session(t))
			if down {
				assert.Equal(t, 2, r.Fake.Calls(authkittest.RouteCodeExchange), "WorkOS refuses the code")
			} else {
				assert.Equal(t, 1, r.Fake.Calls(authkittest.RouteCodeExchange))
			}
		})
	}
}

func TestAnAPIKeyIsValidatedOnceForAllInstances(t *testing.T) {
	routes := func(a *App, mux *http.ServeMux) {
		mux.Handle("/key", a.RequireAPIKey()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	}
	r := NewReplicas(t, 3, AppOptions{Routes: routes})
	key := r.Instances[0].addKey("one")
	status := func(a *App, key string) int { return a.WithKey(t.Context(), "/key", key).Status }
	for _, a := range r.Instances {
		require.Equal(t, http.StatusOK, status(a, key))
	}
	assert.Equal(t, 1, r.Fake.Calls(authkittest.RouteValidateAPIKey))

	r.Clock.Advance(20 * time.Second)
	late := r.Add(t, AppOptions{Routes: routes})
	require.Equal(t, http.StatusOK, status(late, key))
	assert.Equal(t, 1, r.Fake.Calls(authkittest.RouteValidateAPIKey))

	require.NoError(t, late.Client().DeleteAPIKey(t.Context(), "api_key_one"))
	r.Clock.Advance(10*time.Second + time.Millisecond)
	for i, a := range r.Instances {
		assert.Equal(t, http.StatusUnauthorized, status(a, key), "instance %d, 30 s after the validation", i)
	}
	assert.Equal(t, 2, r.Fake.Calls(authkittest.RouteValidateAPIKey), "one validation for all")
}

func TestInventedAPIKeysTakeNoRoomInTheStore(t *testing.T) {
	r := NewReplicas(t, 1, AppOptions{AuthKit: []authkit.Option{WithoutLog}, Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/key", a.RequireAPIKey()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	}})
	for i := range 150 {
		require.Equal(t, http.StatusUnauthorized, r.Instances[0].WithKey(t.Context(), "/key", UnknownKey(i)).Status)
	}
	assert.Zero(t, r.Store.Len())
}

// sessionIDOf returns the ID of the session in a cookie.
func (r *Replicas) sessionIDOf(t *testing.T, a *App, cookie string) string {
	t.Helper()
	resp := a.Send(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()})
	require.Equal(t, http.StatusOK, resp.Status)
	var me struct {
		SessionID string `json:"session_id"`
	}
	require.NoError(t, json.Unmarshal([]byte(resp.Body), &me))
	return me.SessionID
}

func TestASignInAtAnotherInstanceCancelsTheRevocationOfItsSession(t *testing.T) {
	r := NewReplicas(t, 1, AppOptions{})
	one := r.Instances[0]
	upstream := &RewritingTransport{}
	two := r.Add(t, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	cookie := one.SignedIn(Kim).CookieHeader()
	id := r.sessionIDOf(t, one, cookie)
	resp := one.Send(Request{Method: http.MethodPost, Target: "/logout", Cookie: cookie, Header: Scripted()})
	require.Equal(t, http.StatusOK, resp.Status, "a script signs out, and does not visit WorkOS's logout")
	upstream.Change = func(reply map[string]any) { // WorkOS signs the user in to the same session
		now := r.Clock.Now().Unix()
		reply["access_token"] = r.Fake.SignToken(map[string]any{
			"iss": r.Fake.Issuer(), "sub": "user_kim", "sid": id, "client_id": r.Fake.ClientID(), "iat": now, "exp": now + 300,
		})
	}
	again := two.SignedIn(Kim).CookieHeader()

	r.Clock.Advance(time.Minute)
	at, _ := r.Fake.Session(id)
	assert.True(t, at.Active(), "the session is not revoked")
	for i, a := range r.Instances {
		assert.Equal(t, http.StatusOK, a.Status(t, again), "instance %d", i)
		assert.Equal(t, http.StatusUnauthorized, a.Status(t, cookie), "the old cookie at instance %d", i)
	}
}
