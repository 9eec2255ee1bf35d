// API keys that are revoked or changed at WorkOS: the remembered answer is dropped.

package behaviour

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// keyData returns the data of an event about a key of addKey.
func keyData(name string) map[string]any {
	return map[string]any{"object": "api_key", "id": "api_key_" + name, "name": name}
}

// keyStatus returns the status of a request with an API key.
func (a *App) keyStatus(key string) int {
	a.T.Helper()
	return a.Send(Request{Target: "/key", Header: Bearer(key)}).Status
}

// newChangingKeys returns an application that has accepted two API keys, ci and other.
func newChangingKeys(t *testing.T, opts ...authkit.Option) (a *App, c *Changes, ci, other string) {
	a = NewAPIKeyApp(t, opts...)
	c = ChangesOf(a)
	ci, other = a.addKey("ci"), a.addKey("other")
	require.Equal(t, http.StatusOK, a.keyStatus(ci))
	require.Equal(t, http.StatusOK, a.keyStatus(other))
	a.Clock.Advance(time.Second)
	return a, c, ci, other
}

// after moves the clock, because a validation of the very time of a change may be from before it.
func (a *App) after() { a.Clock.Advance(time.Millisecond) }

func TestARevokedAPIKeyIsRefusedAtTheNextRequest(t *testing.T) {
	a, c, ci, other := newChangingKeys(t)
	a.deleteKey("ci")
	require.Equal(t, http.StatusOK, a.keyStatus(ci), "the event has not arrived")
	c.Now(workos.EventAPIKeyRevoked, keyData("ci"))
	a.after()
	for range 3 {
		assert.Equal(t, http.StatusUnauthorized, a.keyStatus(ci))
		assert.Equal(t, http.StatusOK, a.keyStatus(other))
	}
	assert.Equal(t, 3, a.Fake.Calls(authkittest.RouteValidateAPIKey), "only the changed key was validated again, once")
}

func TestAChangedAPIKeyIsValidatedAgainOnce(t *testing.T) {
	a, c, ci, other := newChangingKeys(t)
	c.Now(workos.EventAPIKeyUpdated, keyData("ci"))
	c.Now(workos.EventAPIKeyCreated, keyData("other"))
	c.Now(workos.EventAPIKeyRevoked, keyData("unknown"))
	a.after()
	for range 3 {
		assert.Equal(t, http.StatusOK, a.keyStatus(ci))
		assert.Equal(t, http.StatusOK, a.keyStatus(other))
	}
	assert.Equal(t, 3, a.Fake.Calls(authkittest.RouteValidateAPIKey))
}

// WorkOS has answered that the key is valid when it is revoked, and its reply is on the way.
func TestAnAPIKeyThatIsRevokedDuringItsValidationIsRefused(t *testing.T) {
	a, c, ci, _ := newChangingKeys(t)
	a.Clock.Advance(31 * time.Second) // the answer is forgotten
	a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{TakeEffect: true, Hang: true, Times: 1})
	answer := a.SendAsync(Request{Target: "/key", Header: Bearer(ci)})
	a.Fake.AwaitCalls(t, authkittest.RouteValidateAPIKey, 3)
	a.deleteKey("ci")
	c.Now(workos.EventAPIKeyRevoked, keyData("ci"))
	a.after()
	a.Fake.ClearFault(authkittest.RouteValidateAPIKey)
	assert.Equal(t, http.StatusUnauthorized, (<-answer).Status)
	assert.Equal(t, http.StatusUnauthorized, a.keyStatus(ci))
	assert.Equal(t, 4, a.Fake.Calls(authkittest.RouteValidateAPIKey))
}

func TestAnAPIKeyThatChangedHasNoGrace(t *testing.T) {
	for _, event := range []string{workos.EventAPIKeyRevoked, workos.EventAPIKeyUpdated} {
		t.Run(event, func(t *testing.T) {
			a, c, ci, other := newChangingKeys(t, authkit.WithAPIKeyGrace(3*time.Hour))
			a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: 500})
			c.Now(event, keyData("ci"))
			a.after()
			assert.Equal(t, http.StatusServiceUnavailable, a.keyStatus(ci))
			a.Clock.Advance(31 * time.Second)
			assert.Equal(t, http.StatusServiceUnavailable, a.keyStatus(ci))
			assert.Equal(t, http.StatusOK, a.keyStatus(other), "the grace of another key")
			a.Clock.Advance(2 * time.Hour) // longer than a mark of a session
			assert.Equal(t, http.StatusServiceUnavailable, a.keyStatus(ci))

			a.Fake.ClearFault(authkittest.RouteValidateAPIKey)
			a.Clock.Advance(time.Minute)
			assert.Equal(t, http.StatusOK, a.keyStatus(ci), "WorkOS knows the key still")
		})
	}
}
