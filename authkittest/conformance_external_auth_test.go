// Sign-ins that the application completes for OAuth clients of WorkOS Connect (Standalone Connect).

package authkittest_test

import (
	"strings"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// completeExternalAuth completes a new sign-in. change may be nil.
func (c *conversation) completeExternalAuth(change func(*workos.CompleteExternalAuthParams)) error {
	p := workos.CompleteExternalAuthParams{
		ExternalAuthID: c.StartExternalAuth(),
		User: workos.ExternalUser{
			ID: "kim-1", Email: "kim@acme.test", FirstName: "Kim", LastName: "Lee", Name: "Dr. Lee", Metadata: map[string]string{"team": "a"},
		},
		ConsentOptions: []workos.UserConsentOption{{
			Claim: "urn:acme:workspace", Type: "enum", Label: "Workspace", Choices: []workos.UserConsentOptionChoice{{Value: "1", Label: "One"}},
		}},
	}
	if change != nil {
		change(&p)
	}
	return second(c.client.CompleteExternalAuth(c.Context(), p))
}

var externalAuthSteps = []step{
	{authkittest.RouteCompleteExternalAuth, 200, func(c *conversation) error { return c.completeExternalAuth(nil) }},
	{authkittest.RouteCompleteExternalAuth, 200, func(c *conversation) error { // the same user again
		return c.completeExternalAuth(func(p *workos.CompleteExternalAuthParams) {
			p.User, p.ConsentOptions = workos.ExternalUser{ID: "kim-1", Email: "kim@acme.test"}, nil
		})
	}},
	{authkittest.RouteCompleteExternalAuth, 400, func(c *conversation) error {
		return c.completeExternalAuth(func(p *workos.CompleteExternalAuthParams) { p.User.ID, p.User.Email = "ada-1", ada })
	}},
	{authkittest.RouteCompleteExternalAuth, 400, func(c *conversation) error {
		return c.completeExternalAuth(func(p *workos.CompleteExternalAuthParams) { p.User.Email = "kim" })
	}},
	{authkittest.RouteCompleteExternalAuth, 400, func(c *conversation) error {
		return c.completeExternalAuth(func(p *workos.CompleteExternalAuthParams) { p.ConsentOptions[0].Claim = "sub" })
	}},
	{authkittest.RouteCompleteExternalAuth, 400, func(c *conversation) error {
		id := c.StartExternalAuth()
		again := func(p *workos.CompleteExternalAuthParams) { p.ExternalAuthID = id }
		if err := c.completeExternalAuth(again); err != nil {
			return err
		}
		return c.completeExternalAuth(again)
	}},
	{authkittest.RouteCompleteExternalAuth, 404, func(c *conversation) error {
		return c.completeExternalAuth(func(p *workos.CompleteExternalAuthParams) { p.ExternalAuthID = "ext_auth_none" })
	}},
	{authkittest.RouteCompleteExternalAuth, 422, func(c *conversation) error {
		return c.completeExternalAuth(func(p *workos.CompleteExternalAuthParams) {
			p.User.ID, p.User.Email = strings.Repeat("x", 129), "lou@acme.test"
		})
	}},
}
