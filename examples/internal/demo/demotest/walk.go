// A visit of the whole application with one browser.

package demotest

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// SignIn signs in as Ada Okafor on the page that a browser shows, and returns the next page.
type SignIn func(*authkittest.Browser) (*authkittest.Page, error)

// OnHostedPages is the SignIn for an application that uses AuthKit's hosted pages.
func OnHostedPages(b *authkittest.Browser) (*authkittest.Page, error) {
	return b.Submit("Ada Okafor", nil)
}

// Walk opens the home page, signs in at the account page, fetches /api/me and signs out. It uses only links and forms.
// It returns the page after the sign-out.
func Walk(t *testing.T, home string, signIn SignIn) *authkittest.Page {
	t.Helper()
	b := browser(t)

	page := visit(t, b.Get, home+"/")
	assert.NotContains(t, page.Body, "Ada")

	guarded := visit(t, b.Follow, "Account page")
	require.NotEqual(t, home+"/account", guarded.URL.String())
	require.NotContains(t, guarded.Body, "Your account")
	page, err := signIn(b)
	require.NoError(t, err)
	require.Equal(t, home+"/account", page.URL.String())
	for _, shown := range []string{"Ada Okafor", "ada@harborpress.test", "admin", "members:manage", "Password"} {
		assert.Contains(t, page.Body, shown)
	}

	fetched, err := b.Fetch(http.MethodGet, home+"/api/me")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, fetched.StatusCode)
	var document struct {
		User           map[string]string
		SessionID      string `json:"session_id"`
		OrganizationID string `json:"organization_id"`
		Role           string
		Permissions    []string
		ExpiresAt      string `json:"expires_at"`
	}
	require.NoError(t, json.Unmarshal([]byte(fetched.Body), &document))
	assert.Regexp(t, "^user_", document.User["id"])
	delete(document.User, "id")
	assert.Equal(t, map[string]string{"email": "ada@harborpress.test", "first_name": "Ada", "last_name": "Okafor"}, document.User)
	assert.Regexp(t, "^session_", document.SessionID)
	assert.Contains(t, page.Body, document.SessionID)
	assert.Regexp(t, "^org_", document.OrganizationID)
	assert.Equal(t, "admin", document.Role)
	assert.Equal(t, []string{"posts:read", "posts:write", "members:manage"}, document.Permissions)
	assert.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`, document.ExpiresAt)

	visit(t, b.Follow, "Home")
	left, err := b.Submit("Sign out", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, left.StatusCode)

	visit(t, b.Get, home+"/")
	fetched, err = b.Fetch(http.MethodGet, home+"/api/me")
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, fetched.StatusCode)
	assert.Equal(t, "application/problem+json", fetched.Header.Get("Content-Type"))
	return left
}

func browser(t *testing.T) *authkittest.Browser {
	b := authkittest.NewBrowser()
	t.Cleanup(b.CloseIdleConnections)
	return b
}

// visit calls a step of the browser and requires a page with status 200.
func visit(t *testing.T, step func(string) (*authkittest.Page, error), to string) *authkittest.Page {
	t.Helper()
	page, err := step(to)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, page.StatusCode, to)
	return page
}

func origin(p *authkittest.Page) string { return p.URL.Scheme + "://" + p.URL.Host }
