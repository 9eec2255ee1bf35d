// The suite: a sign-in and a sign-out in a browser.

package behaviour

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestABrowserSignsInAtAGuardedPageAndSignsOut(t *testing.T, a *Instance) {
	b := authkittest.NewBrowser()
	defer b.CloseIdleConnections()
	page, err := b.Get(a.URL + "/")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, page.StatusCode)
	require.NotContains(t, page.Body, Kim)

	page, err = b.SignIn(a.URL+"/account?tab=1", Kim)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, page.StatusCode)
	assert.Equal(t, a.URL+"/account?tab=1", page.URL.String())
	assert.Contains(t, page.Body, Kim)

	page, err = b.Fetch(http.MethodGet, a.URL+"/api/me")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, page.StatusCode)
	var me struct {
		User           struct{ ID, Email string }
		SessionID      string `json:"session_id"`
		OrganizationID string `json:"organization_id"`
	}
	require.NoError(t, json.Unmarshal([]byte(page.Body), &me))
	assert.Equal(t, "user_kim", me.User.ID)
	assert.Equal(t, Kim, me.User.Email)
	assert.Regexp(t, "^session_", me.SessionID)
	assert.Equal(t, "org_acme", me.OrganizationID)

	before := a.Fake.Calls(authkittest.RouteLogout)
	resp, err := b.Post(a.URL+"/logout", "application/x-www-form-urlencoded", nil)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, before+1, a.Fake.Calls(authkittest.RouteLogout), "the browser follows the redirect to the logout page of AuthKit")
	page, err = b.Fetch(http.MethodGet, a.URL+"/api/me")
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, page.StatusCode)
	assert.Equal(t, "application/problem+json", page.Header.Get("Content-Type"))
}
