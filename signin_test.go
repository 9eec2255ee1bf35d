package authkit_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestThePersonComesBackToThePageAskedForAndIsSignedIn(t *testing.T) {
	a := newApp(t, appOptions{})
	b := a.browser()

	page := b.get("/")
	assert.Contains(t, page.Body, "home of nobody")

	page, err := b.SignIn(a.url+"/account?tab=a%2Fb&x=1", kim)
	require.NoError(t, err)
	session := a.fake.Sessions()[0].ID
	assert.Equal(t, pageOf(kim, session)+" at /account?tab=a%2Fb&x=1", page.Body)

	page = b.get("/")
	assert.Contains(t, page.Body, "home of "+kim)
	assert.Equal(t, []string{"authkit-session"}, b.cookieNames())

	page, err = b.Submit("Sign out", nil)
	require.NoError(t, err)
	assert.Contains(t, page.Body, "home of nobody")
	assert.Equal(t, a.url+"/", page.URL.String())
	assert.Empty(t, b.cookieNames())
	assert.False(t, a.fake.Sessions()[0].Active())
	assert.Equal(t, 401, b.fetch("GET", "/account").StatusCode)
}
