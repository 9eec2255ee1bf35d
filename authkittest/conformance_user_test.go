// Calls for users, their sessions and their new email addresses.

package authkittest_test

import (
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

var userSteps = []step{
	{authkittest.RouteCreateUser, 201, func(c *conversation) error {
		return second(c.client.CreateUser(c.Context(), workos.CreateUserParams{
			Email: "kim@acme.test", EmailVerified: true, FirstName: "Kim", LastName: "Lee", Name: "Kim Lee", ExternalID: "42",
			Metadata: map[string]string{"plan": "pro"}, Password: workos.Password{Plain: authkittest.DefaultPassword},
			IPAddress: "192.0.2.1", UserAgent: "test",
		}))
	}},
	{authkittest.RouteCreateUser, 400, func(c *conversation) error {
		return second(c.client.CreateUser(c.Context(), workos.CreateUserParams{Email: "kim@acme.test"}))
	}},
	{authkittest.RouteCreateUser, 400, func(c *conversation) error {
		return second(c.client.CreateUser(c.Context(), workos.CreateUserParams{Email: "weak@acme.test", Password: workos.Password{Plain: "1234"}}))
	}},
	{authkittest.RouteCreateUser, 422, func(c *conversation) error {
		return second(c.client.CreateUser(c.Context(), workos.CreateUserParams{Email: "kim"}))
	}},
	{authkittest.RouteGetUser, 200, func(c *conversation) error { return second(c.client.GetUser(c.Context(), c.userID(ada))) }},
	{authkittest.RouteGetUser, 404, func(c *conversation) error { return second(c.client.GetUser(c.Context(), "user_none")) }},
	{authkittest.RouteGetUserByExternalID, 200, func(c *conversation) error {
		return second(c.client.GetUserByExternalID(c.Context(), "42"))
	}},
	{authkittest.RouteGetUserByExternalID, 404, func(c *conversation) error {
		return second(c.client.GetUserByExternalID(c.Context(), "43"))
	}},
	{authkittest.RouteListUsers, 200, func(c *conversation) error {
		return drain(c.client.ListUsers(c.Context(), workos.ListUsersParams{Paging: workos.Paging{PageSize: 2, Order: workos.OrderAscending}}))
	}},
	{authkittest.RouteListUsers, 200, func(c *conversation) error {
		return drain(c.client.ListUsers(c.Context(), workos.ListUsersParams{Email: ada, OrganizationID: c.harborPress()}))
	}},
	{authkittest.RouteListUsers, 422, func(c *conversation) error {
		return drain(c.client.ListUsers(c.Context(), workos.ListUsersParams{Paging: wrongPage}))
	}},
	{authkittest.RouteUpdateUser, 200, func(c *conversation) error {
		return second(c.client.UpdateUser(c.Context(), c.userID("kim@acme.test"), workos.UpdateUserParams{
			Email: "kim.lee@acme.test", EmailVerified: workos.Value(true), FirstName: workos.Value("K"), Name: workos.Value(""),
			ExternalID: workos.Null[string](), Locale: workos.Value("en-GB"), Metadata: map[string]workos.Optional[string]{"plan": workos.Null[string]()},
		}))
	}},
	{authkittest.RouteUpdateUser, 400, func(c *conversation) error {
		return second(c.client.UpdateUser(c.Context(), c.userID(ada), workos.UpdateUserParams{Email: "ben@harborpress.test"}))
	}},
	{authkittest.RouteUpdateUser, 404, func(c *conversation) error {
		return second(c.client.UpdateUser(c.Context(), "user_none", workos.UpdateUserParams{}))
	}},
	{authkittest.RouteSendEmailChange, 200, func(c *conversation) error {
		return second(c.client.SendEmailChange(c.Context(), c.userID("dev@example.com"), "dev@acme.test"))
	}},
	{authkittest.RouteSendEmailChange, 404, func(c *conversation) error {
		return second(c.client.SendEmailChange(c.Context(), "user_none", "none@acme.test"))
	}},
	{authkittest.RouteSendEmailChange, 409, func(c *conversation) error {
		return second(c.client.SendEmailChange(c.Context(), c.userID("dev@example.com"), ada))
	}},
	{authkittest.RouteSendEmailChange, 422, func(c *conversation) error {
		return second(c.client.SendEmailChange(c.Context(), c.userID("dev@example.com"), "dev"))
	}},
	{authkittest.RouteConfirmEmailChange, 400, func(c *conversation) error {
		return second(c.client.ConfirmEmailChange(c.Context(), c.userID("dev@example.com"), "wrong"))
	}},
	{authkittest.RouteConfirmEmailChange, 404, func(c *conversation) error {
		return second(c.client.ConfirmEmailChange(c.Context(), "user_none", "1"))
	}},
	{authkittest.RouteConfirmEmailChange, 429, func(c *conversation) error {
		id := c.userID("dev@example.com")
		for range 4 {
			_ = second(c.client.ConfirmEmailChange(c.Context(), id, "wrong"))
		}
		return second(c.client.ConfirmEmailChange(c.Context(), id, c.LastMail("dev@acme.test").Code))
	}},
	{authkittest.RouteConfirmEmailChange, 200, func(c *conversation) error {
		id := c.userID("dev@example.com")
		must(c.client.SendEmailChange(c.Context(), id, "dev@acme.test"))
		return second(c.client.ConfirmEmailChange(c.Context(), id, c.LastMail("dev@acme.test").Code))
	}},
	{authkittest.RouteConfirmEmailChange, 409, func(c *conversation) error {
		return second(c.client.ConfirmEmailChange(c.Context(), c.userID(ada), "1"))
	}},
	{authkittest.RouteListIdentities, 200, func(c *conversation) error {
		id := c.AddUser(authkittest.User{Email: "lou@acme.test", Identities: []authkittest.Identity{{Provider: "GoogleOAuth", ID: "1"}}}).ID
		return second(c.client.GetUserIdentities(c.Context(), id))
	}},
	{authkittest.RouteListIdentities, 404, func(c *conversation) error {
		return second(c.client.GetUserIdentities(c.Context(), "user_none"))
	}},
	{authkittest.RouteListSessions, 200, func(c *conversation) error {
		c.token(ada)
		return drain(c.client.ListSessions(c.Context(), c.userID(ada), workos.Paging{}))
	}},
	{authkittest.RouteListSessions, 404, func(c *conversation) error {
		return drain(c.client.ListSessions(c.Context(), "user_none", workos.Paging{}))
	}},
	{authkittest.RouteRevokeSession, 200, func(c *conversation) error {
		return c.client.RevokeSession(c.Context(), c.Sessions()[0].ID)
	}},
	{authkittest.RouteRevokeSession, 400, func(c *conversation) error { return c.client.RevokeSession(c.Context(), "session_none") }},
	{authkittest.RouteDeleteUser, 200, func(c *conversation) error { return c.client.DeleteUser(c.Context(), c.userID(ada)) }},
	{authkittest.RouteDeleteUser, 404, func(c *conversation) error { return c.client.DeleteUser(c.Context(), "user_none") }},
}
