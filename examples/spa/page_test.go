// The page in Chromium: sign-in, calls of the API, organizations, the end of a session, an outage and sign-out.

package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/chromium"
)

// The users of the fake.
const (
	admin  = "Ada Okafor"
	reader = "Ben Lindqvist"
	member = "Chiara Rossi" // of two organizations
)

const deepLink = "/drafts/2024?sort=new&q=a%20b%26c#row-7"

func TestThePageSignsInAndReturnsToItsDeepLink(t *testing.T) {
	s := newSite(t, apiHost)
	b := chromium.Open(t)
	s.signIn(b, deepLink, admin)
	assert.Equal(t, deepLink, text(b, "place"))
	assert.Equal(t, admin, text(b, "user"))
	var readable string
	b.Run("return document.cookie", &readable)
	assert.Empty(t, readable, "no script reads the session cookie")
	assert.Equal(t, 1, s.count("GET /callback"))
	b.NothingBlocked()
}

func TestThePageCallsTheAPIWithinTheUsersPermissions(t *testing.T) {
	s := newSite(t, apiHost)
	b := chromium.Open(t)
	s.signIn(b, "/", admin)
	b.Fill("title", "First"+chromium.Enter)
	b.Find(`//li[.="First"]`)
	b.Fill("title", "Second"+chromium.Enter)
	b.Find(`//li[.="Second"]`)
	assert.Equal(t, 2, s.count("POST /posts"))
	assert.Equal(t, 1, s.count("OPTIONS /posts"), "the browser caches the preflight")
	assert.Zero(t, s.count("OPTIONS /me"), "a GET without other headers needs none")

	other := chromium.Open(t)
	s.signIn(other, "/", reader)
	other.Find(`//li[.="First"]`)
	other.Fill("title", "Third"+chromium.Enter)
	notice(other, "posts:write")
	assert.Equal(t, []string{"First", "Second"}, titles())
	var kept string
	other.Run(`return document.querySelector("[name=title]").value`, &kept)
	assert.Equal(t, "Third", kept)
}

func TestThePageSwitchesTheOrganization(t *testing.T) {
	s := newSite(t, apiHost)
	b := chromium.Open(t)
	b.Visit(s.page + deepLink)
	b.Click("Sign in")
	b.Click(member)
	b.Click("Harbor Press")
	b.Sees("Posts")
	b.Fill("title", "Refused"+chromium.Enter)
	notice(b, "posts:write")
	choose(b, "Pine Street Studio")
	inOrganization(b, "Pine Street Studio")
	b.Fill("title", chromium.Enter)
	b.Find(`//li[.="Refused"]`)
	assert.Equal(t, s.page+deepLink, b.URL())
	assert.Equal(t, 1, s.count("POST /organization"))
	assert.Len(t, s.fake.Sessions(), 1)
}

// fetch cannot follow the redirect to AuthKit. A form can, and returns to the page.
func TestThePageEntersAnOrganizationWithASignInOfItsOwn(t *testing.T) {
	s := newSite(t, apiHost)
	for _, o := range s.fake.Organizations() {
		if o.Name == "Pine Street Studio" {
			s.fake.UpdateOrganization(o.ID, func(o *authkittest.Organization) { o.RequireSSO = true })
		}
	}
	b := chromium.Open(t)
	b.Visit(s.page + deepLink)
	b.Click("Sign in")
	b.Click(member)
	b.Click("Harbor Press")
	b.Sees("Posts")
	choose(b, "Pine Street Studio") // AuthKit knows the user, and redirects at once
	inOrganization(b, "Pine Street Studio")
	assert.Equal(t, s.page+deepLink, b.URL())
	b.Fill("title", "Entered"+chromium.Enter)
	b.Find(`//li[.="Entered"]`)
	b.NothingBlocked()
}

func TestASessionThatEndsWhileThePageIsOpenKeepsItsText(t *testing.T) {
	s := newSite(t, apiHost)
	b := chromium.Open(t)
	s.signIn(b, deepLink, admin)
	s.fake.RevokeSession(s.fake.Sessions()[0].ID)
	s.clock.Advance(6 * time.Minute)
	b.Fill("title", "Unsaved words"+chromium.Enter)
	notice(b, "Your session has ended")
	assert.Equal(t, s.page+deepLink, b.URL(), "the page stays")
	assert.Equal(t, admin, text(b, "user"))
	assert.Empty(t, titles())
	b.Click("Sign in") // AuthKit still knows the user
	b.Find(`//*[@id="notice" and @hidden]`)
	require.Equal(t, s.page+deepLink, b.URL())
	b.Fill("title", chromium.Enter) // the text is back
	b.Find(`//li[.="Unsaved words"]`)
}

func TestAnotherUserDoesNotGetTheTextOfTheUserBefore(t *testing.T) {
	s := newSite(t, apiHost)
	b := chromium.Open(t)
	s.signIn(b, "/", admin)
	s.fake.RevokeSession(s.fake.Sessions()[0].ID)
	s.clock.Advance(6 * time.Minute)
	b.Fill("title", "Of Ada"+chromium.Enter)
	notice(b, "Your session has ended")
	b.DevTools("Network.clearBrowserCookies", nil) // AuthKit knows the user no more
	b.Click("Sign in")
	b.Click(reader)
	b.Sees("Posts")
	require.Equal(t, reader, text(b, "user"))
	var restored string
	b.Run(`return document.querySelector("[name=title]").value`, &restored)
	assert.Empty(t, restored)
}

func TestThePageSaysWhenToTryAgainInAnOutage(t *testing.T) {
	s := newSite(t, apiHost)
	b := chromium.Open(t)
	s.signIn(b, "/", admin)
	s.clock.Advance(7 * time.Minute)
	s.fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{
		Status: http.StatusUnauthorized, Body: `{"error":"invalid_client"}`, Header: http.Header{"Retry-After": {"9"}},
	})
	b.Fill("title", "Later"+chromium.Enter)
	notice(b, "Try again in 9 s.")
	s.fake.ClearFault(authkittest.RouteRefresh)
	s.clock.Advance(10 * time.Second)
	b.Click("Try again")
	b.Find(`//*[@id="notice" and @hidden]`)
	b.Fill("title", chromium.Enter)
	b.Find(`//li[.="Later"]`)
	assert.Len(t, s.fake.Sessions(), 1, "the user did not sign in again")
}

func TestThePageSignsOutHereAndAtWorkOS(t *testing.T) {
	s := newSite(t, apiHost)
	b := chromium.Open(t)
	s.signIn(b, "/", admin)
	b.Visit(s.page + deepLink)
	b.Sees("Posts")
	b.Click("Sign out")
	b.Sees("Please sign in")
	assert.Equal(t, s.page+"/", b.URL(), "WorkOS redirects to the page")
	assert.False(t, s.fake.Sessions()[0].Active())
	assert.Equal(t, "401", s.fetch(b, "GET", "/posts", nil, nil))
	b.Back()
	b.Sees("Please sign in")
	assert.NotContains(t, b.Text(), admin, "the back button does not show the page of the account")
}

// text waits for an element with content and returns it.
func text(b *chromium.Tab, id string) (content string) {
	b.T.Helper()
	b.Find(`//*[@id="` + id + `" and normalize-space(.) != ""]`)
	b.Run("return document.getElementById(arguments[0]).textContent", &content, id)
	return content
}

// choose selects an organization.
func choose(b *chromium.Tab, name string) {
	b.T.Helper()
	b.Element(`//select[@id="organization"]/option[.="`+name+`"]`, http.MethodPost, "/click", nil, nil)
}

// inOrganization waits until the page shows that the session is in an organization.
func inOrganization(b *chromium.Tab, name string) {
	b.T.Helper()
	b.Find(`//select[@id="organization"]/option[.="` + name + `" and @selected]`)
}
