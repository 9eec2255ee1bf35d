// A whole sign-in and sign-out in a browser.

package behaviour

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSignInReturnsToTheRequestedPageAndSignOutEndsTheSession(t *testing.T) {
	a := NewApp(t, AppOptions{})
	b := a.Browser()

	page := b.get("/")
	assert.Contains(t, page.Body, "home of anonymous")

	page, err := b.SignIn(a.URL+"/account?tab=a%2Fb&x=1", Kim)
	require.NoError(t, err)
	session := a.Fake.Sessions()[0].ID
	assert.Equal(t, PageOf(Kim, session)+" at /account?tab=a%2Fb&x=1", page.Body)

	page = b.get("/")
	assert.Contains(t, page.Body, "home of "+Kim)
	assert.Equal(t, []string{"authkit-session"}, b.cookieNames())

	page, err = b.Submit("Sign out", nil)
	require.NoError(t, err)
	assert.Contains(t, page.Body, "home of anonymous")
	assert.Equal(t, a.URL+"/", page.URL.String())
	assert.Empty(t, b.cookieNames())
	assert.False(t, a.Fake.Sessions()[0].Active())
	assert.Equal(t, 401, b.fetch("GET", "/account").StatusCode)
}
