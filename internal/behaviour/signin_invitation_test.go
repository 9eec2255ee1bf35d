// Invitations at AuthKit's hosted pages and at a provider: from the link in the mail to the session in the organization.

package behaviour

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

const newcomer = "newcomer@example.com" // has no account

// newInvitingApp starts an application whose page /invited signs in with the invitation_token of its query.
func newInvitingApp(t *testing.T, params authkit.LoginParams) *App {
	t.Helper()
	return NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/invited", a.LoginFunc(func(r *http.Request) authkit.LoginParams {
			p := params
			p.InvitationToken = r.URL.Query().Get("invitation_token")
			return p
		}))
	}})
}

// invitationPath returns the path to which the link of an invitation to org_acme leads, in the application.
func (a *App) invitationPath(email string) string {
	return "/invited?" + url.Values{"invitation_token": {a.Fake.Invite(email, "org_acme")}, "return_to": {"/api/me"}}.Encode()
}

func TestTheLinkOfAnInvitationLeadsThroughAuthKitIntoTheOrganization(t *testing.T) {
	for name, c := range map[string]struct{ email, button string }{
		"a new user":       {newcomer, "Create account"},
		"an existing user": {lee, "Continue"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newInvitingApp(t, authkit.LoginParams{})
			b := a.Browser()
			path := a.invitationPath(c.email)
			b.get(path)
			page, err := b.Submit(c.button, url.Values{"email": {c.email}})
			require.NoError(t, err)
			assert.Equal(t, a.URL+"/api/me", page.URL.String(), page.Body)
			assert.Contains(t, page.Body, `"organization_id":"org_acme"`)
			assert.Contains(t, page.Body, c.email)
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteCodeExchange))
			assert.NotContains(t, a.Logs.String(), a.Fake.LastMail(c.email).Token)

			again := b.get(path)
			assert.Equal(t, http.StatusBadRequest, again.StatusCode, "the invitation is accepted once")
			assert.Contains(t, again.Body, "The invitation has expired, was withdrawn or was accepted before.")
			assert.Contains(t, b.get("/api/me").Body, `"organization_id":"org_acme"`, "the session stays")
		})
	}
}

func TestAnInvitationIsAcceptedAtAProvider(t *testing.T) {
	a := newInvitingApp(t, authkit.LoginParams{Provider: "GoogleOAuth"})
	b := a.Browser()
	b.get(a.invitationPath(lee))
	page, err := b.Submit("Continue", url.Values{"email": {lee}})
	require.NoError(t, err)
	assert.Equal(t, a.URL+"/api/me", page.URL.String(), page.Body)
	assert.Contains(t, page.Body, `"organization_id":"org_acme"`)
}

// The invitation is not accepted before the last step, so the sign-in that continues at AuthKit still has its token.
func TestAnInvitationContinuesAtAuthKitAfterAProvider(t *testing.T) {
	a := newInvitingApp(t, authkit.LoginParams{Provider: "GoogleOAuth"})
	a.Fake.UpdateUser(lee, func(u *authkittest.User) { u.RequireMFA = true })
	b := a.Browser()
	b.get(a.invitationPath(lee))
	page, err := b.Submit("Continue", url.Values{"email": {lee}})
	require.NoError(t, err)
	assert.Equal(t, a.URL+"/api/me", page.URL.String(), page.Body)
	assert.Contains(t, page.Body, `"organization_id":"org_acme"`)
	assert.Equal(t, 2, a.Fake.Calls(authkittest.RouteCodeExchange))
}

func TestALateSignInWithAnInvitationEndsInTheOrganization(t *testing.T) {
	a := newInvitingApp(t, authkit.LoginParams{})
	b := a.Browser()
	b.get(a.invitationPath(lee))
	next := b.CheckRedirect
	b.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if r.URL.Path == "/callback" && len(a.Fake.Sessions()) == 0 && a.Clock.Now().Equal(Start) {
			a.Clock.Advance(time.Hour) // AuthKit has accepted the invitation
		}
		if next != nil {
			return next(r, via)
		}
		return nil
	}
	page, err := b.Submit("Continue", url.Values{"email": {lee}})
	require.NoError(t, err)
	assert.Equal(t, a.URL+"/api/me", page.URL.String(), page.Body)
	assert.Contains(t, page.Body, `"organization_id":"org_acme"`)
}

func TestAnInvitationOfAnotherAddressSignsNoUserIn(t *testing.T) {
	a := newInvitingApp(t, authkit.LoginParams{})
	b := a.SignedIn(Kim)
	session := b.CookieHeader()
	page := b.get(a.invitationPath(lee))
	assert.Contains(t, page.Body, lee, "AuthKit asks for the invited user")
	page, err := b.Submit("Continue", url.Values{"email": {Kim}})
	require.NoError(t, err)
	assert.Contains(t, page.Body, "sent to another address")
	assert.Contains(t, b.CookieHeader(), session, "the session of the browser stays")
}
