// What happens to the session of an MCP client: a missing scope, expired tokens, other keys, an outage.

package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestAnMCPClientAsksTheUserForAMissingScope(t *testing.T) {
	s := newSite(t)
	session := s.mustConnect()
	s.take()

	text, err := s.call(session, "publish_post", post{"Hello"})
	require.NoError(t, err)
	assert.JSONEq(t, `{"title":"Hello","author":"`+s.userID()+`"}`, text)
	l := s.take()
	assert.Equal(t, []string{"403", "200"}, l.statusesOf("POST /mcp"))
	require.Len(t, l.challenges, 1)
	assert.True(t, strings.HasPrefix(l.challenges[0], `Bearer error="insufficient_scope", error_description="The access token lacks the scope posts:write.", `+
		`scope="openid posts:write", `), l.challenges[0])
	require.Len(t, l.asked, 1)
	assert.ElementsMatch(t, []string{"openid", "offline_access", "posts:write"}, strings.Fields(l.asked[0].Get("scope")))
	assert.Equal(t, []string{consentPage}, l.pages, "the user consents and does not sign in again")

	_, err = s.call(session, "publish_post", post{"Again"})
	require.NoError(t, err)
	s.assertWorks(session)
	assert.Equal(t, []string{"POST /mcp 200", "POST /mcp 200"}, s.take().statuses)
}

func TestAnMCPSessionStaysIfTheUserDeniesAFurtherScope(t *testing.T) {
	s := newSite(t)
	session := s.mustConnect()
	s.take()
	s.press = "Cancel"
	_, err := s.call(session, "publish_post", post{"Hello"})
	assert.ErrorContains(t, err, "access_denied")
	assert.Len(t, s.take().asked, 1)
	s.assertWorks(session)
	assert.Empty(t, s.take().asked)
}

func TestAnMCPClientRefreshesItsTokenInALongSession(t *testing.T) {
	s := newSite(t)
	session := s.mustConnect()
	s.take()
	for range 3 {
		s.clock.Advance(7 * time.Minute)
		exchanges := s.fake.Calls(authkittest.RouteOAuthToken)
		s.assertWorks(session)
		l := s.take()
		assert.Equal(t, []string{"POST /mcp 200"}, l.statuses)
		assert.Empty(t, l.asked)
		assert.Equal(t, exchanges+1, s.fake.Calls(authkittest.RouteOAuthToken))
	}
}

func TestAnMCPClientSignsInAgainIfItsRefreshTokenIsRefused(t *testing.T) {
	s := newSite(t)
	session := s.mustConnect()
	s.fake.RevokeAuthorizedApplication(user, s.take().asked[0].Get("client_id"))
	s.clock.Advance(7 * time.Minute)

	s.assertWorks(session)
	l := s.take()
	s.assertNewSignIn(l, "openid", "offline_access")
	assert.Equal(t, []string{consentPage}, l.pages, "AuthKit knows the user, who consents again")
}

func TestAnMCPSessionContinuesWithATokenOfANewKey(t *testing.T) {
	s := newSite(t)
	session := s.mustConnect()
	s.assertWorks(session)
	s.take()
	s.fake.RotateSigningKeys()
	s.clock.Advance(7 * time.Minute)
	keys := s.fake.Calls(authkittest.RouteOAuthJWKS)
	s.assertWorks(session)
	l := s.take()
	assert.Equal(t, []string{"POST /mcp 200"}, l.statuses)
	assert.Empty(t, l.asked)
	assert.Equal(t, keys+1, s.fake.Calls(authkittest.RouteOAuthJWKS))
}

func TestAnMCPClientReplacesATokenWhoseKeyWasWithdrawn(t *testing.T) {
	clientID := newClientDocument(t)
	s := newSite(t)
	session, err := s.connect(s.visit, withDocument(clientID))
	require.NoError(t, err)
	s.fake.RotateSigningKeys()
	s.clock.Advance(time.Minute)
	s.assertWorks(s.mustConnect()) // the server fetches the new keys for the token of another client
	s.take()

	s.assertWorks(session)
	l := s.take()
	assert.Equal(t, []string{"401", "200"}, l.statusesOf("POST /mcp"))
	assert.Len(t, l.asked, 1)
	assert.Empty(t, l.pages, "AuthKit knows the user and the consent, so the browser comes back at once")
}

func TestAnOutageOfTheKeysAsksNoUserOfAnMCPClientToSignIn(t *testing.T) {
	s := newSite(t)
	session := s.mustConnect()
	s.take()
	s.restart() // a new process has no keys yet
	s.fake.InjectFault(authkittest.RouteOAuthJWKS, authkittest.Fault{Status: http.StatusInternalServerError})
	for range 2 {
		_, err := s.call(session, "whoami", nil)
		assert.ErrorContains(t, err, "Service Unavailable")
		l := s.take()
		assert.Equal(t, []string{"POST /mcp 503"}, l.statuses)
		assert.Empty(t, l.challenges)
		assert.Empty(t, l.asked)
	}
	s.fake.ClearFault(authkittest.RouteOAuthJWKS)
	s.clock.Advance(time.Minute)
	s.assertWorks(session)
	l := s.take()
	assert.Equal(t, []string{"POST /mcp 200"}, l.statuses)
	assert.Empty(t, l.asked)
}
