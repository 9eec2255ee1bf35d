// Standalone Connect, by the calls of package workos.

package authkittest_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

func TestAnExternalSignInIsCompletedForAUserOfTheApplication(t *testing.T) {
	a := newApp(t)
	ctx, client := context.Background(), a.workos()
	kim := workos.ExternalUser{ID: "kim-1", Email: "kim@acme.test", FirstName: "Kim", LastName: "Lee", Metadata: map[string]string{"team": "a"}}
	complete := func() string {
		return must(client.CompleteExternalAuth(ctx, workos.CompleteExternalAuthParams{ExternalAuthID: a.StartExternalAuth(), User: kim}))
	}
	var target string
	events, _ := a.eventsOf(func() { target = complete() })
	assert.Equal(t, []string{"user.created"}, events)
	page := a.get(newBrowser(t), target)
	assert.Equal(t, http.StatusOK, page.StatusCode)
	assert.Contains(t, page.Body, "Kim Lee")
	created := must(client.GetUserByExternalID(ctx, "kim-1"))
	assert.Equal(t, [3]string{"kim@acme.test", "Kim", "a"}, [3]string{created.Email, created.FirstName, created.Metadata["team"]})

	kim.Email, kim.Name, kim.Metadata = "kim.lee@acme.test", "Dr. Lee", map[string]string{"plan": "b"}
	events, _ = a.eventsOf(func() { complete() })
	assert.Equal(t, []string{"user.updated"}, events)
	updated := must(client.GetUserByExternalID(ctx, "kim-1"))
	assert.Equal(t, created.ID, updated.ID)
	assert.Equal(t, [2]string{"kim.lee@acme.test", "Dr. Lee"}, [2]string{updated.Email, updated.Name})
	assert.Equal(t, map[string]string{"team": "a", "plan": "b"}, updated.Metadata)
	a.DeleteUser("kim.lee@acme.test")
	assert.Equal(t, http.StatusNotFound, a.get(newBrowser(t), target).StatusCode)
}

func TestAnExternalSignInIsCompletedOnce(t *testing.T) {
	a := newApp(t)
	client := a.workos()
	p := workos.CompleteExternalAuthParams{ExternalAuthID: a.StartExternalAuth(), User: workos.ExternalUser{ID: "ada-1", Email: ada}}
	complete := func() error { return second(client.CompleteExternalAuth(context.Background(), p)) }
	assertCode(t, complete(), 400, workos.CodeEmailNotAvailable)
	a.UpdateUser(ada, func(u *authkittest.User) { u.ExternalID = "ada-1" })
	require.NoError(t, complete())
	assertCode(t, complete(), 400, workos.CodeExternalAuthSessionAlreadyCompleted)
	assert.Equal(t, 3, a.Calls(authkittest.RouteCompleteExternalAuth))

	p.ExternalAuthID = a.StartExternalAuth()
	a.clock.Advance(10 * time.Minute)
	assertCode(t, complete(), 404, "")
	p.ExternalAuthID = "ext_auth_1"
	assertCode(t, complete(), 404, "")
	assert.Equal(t, http.StatusNotFound, a.get(newBrowser(t), a.URL()+"/oauth2/complete?state=").StatusCode)
}

func TestAnInvalidCompletionOfAnExternalSignInIsRefused(t *testing.T) {
	a := newApp(t)
	client := a.workos()
	option := workos.UserConsentOption{Claim: "urn:acme:workspace", Type: "enum", Label: "Workspace", Choices: []workos.UserConsentOptionChoice{{Value: "1", Label: "One"}}}
	complete := func(id string, change func(*workos.CompleteExternalAuthParams)) error {
		p := workos.CompleteExternalAuthParams{ExternalAuthID: id, User: workos.ExternalUser{ID: "kim-1", Email: "kim@acme.test"}, ConsentOptions: []workos.UserConsentOption{option}}
		change(&p)
		return second(client.CompleteExternalAuth(context.Background(), p))
	}
	id := a.StartExternalAuth()
	for name, c := range map[string]struct {
		change func(*workos.CompleteExternalAuthParams)
		status int
		code   string
	}{
		"a text that is not an email address": {func(p *workos.CompleteExternalAuthParams) { p.User.Email = "kim" }, 400, workos.CodeInvalidEmail},
		"long metadata": {func(p *workos.CompleteExternalAuthParams) {
			p.User.Metadata = map[string]string{"a": strings.Repeat("x", 601)}
		}, 422, ""},
		"a long ID":                 {func(p *workos.CompleteExternalAuthParams) { p.User.ID = strings.Repeat("x", 129) }, 422, ""},
		"a reserved claim":          {func(p *workos.CompleteExternalAuthParams) { p.ConsentOptions[0].Claim = "sub" }, 400, ""},
		"another type of option":    {func(p *workos.CompleteExternalAuthParams) { p.ConsentOptions[0].Type = "text" }, 422, ""},
		"an option without a label": {func(p *workos.CompleteExternalAuthParams) { p.ConsentOptions[0].Label = "" }, 422, ""},
	} {
		t.Run(name, func(t *testing.T) { assertCode(t, complete(id, c.change), c.status, c.code) })
	}
	for _, body := range []object{{}, {"external_auth_id": id}, {"external_auth_id": id, "user": object{"id": "kim-1"}}} {
		assertRefused(t, a.api("POST", "/authkit/oauth2/complete", body), 422, "")
	}
	assert.Len(t, a.Users(), 4)
	require.NoError(t, complete(id, func(*workos.CompleteExternalAuthParams) {}), "a refusal does not use the ID up")
}
