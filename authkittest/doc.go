// Package authkittest is a fake WorkOS AuthKit for tests and examples. It runs in the process that starts it. The application
// calls it over real HTTP. Neither needs a WorkOS account, a network or a password.
//
// Run starts an application and its fake for one test. App.SignIn signs in through the fake's pages, as a user does:
//
//	func TestAccount(t *testing.T) {
//		app := authkittest.Run(t, func(env authkittest.Env) http.Handler { return application(env.AuthKit()) })
//		page, err := app.SignIn("ada@harborpress.test").Get("/account")
//		if err != nil || page.StatusCode != http.StatusOK {
//			t.Errorf("%v, %v", page, err)
//		}
//	}
//
// App.APIClient sends a bearer token (App.BearerToken) or an API key (App.APIKey). App.Clock is the clock of the application and
// of the fake. It stands still, until the test advances it or a request waits because of a fault.
//
// New starts a fake alone. Server.ServeApp is for an application that only reads the environment, in which it sets the
// variables. Server.SignedInClient returns an http.Client that is signed in. SignedInRequest is for the test of a single
// handler and needs no fake.
//
// The fake has:
//
//   - Pages for sign-in, sign-up, choosing an organization, cancelling and single sign-on. They also work by hand in a
//     browser. WithUsers and WithOrganizations set the users and organizations. The default ones are below.
//   - Authorization codes with PKCE, and refresh tokens that rotate. A replaced refresh token can be replayed for 30 seconds,
//     or not at all with WithStrictRotation. Where the official emulator of WorkOS differs from production, the fake follows production.
//   - Access tokens signed with RSA keys, and a JWKS. RotateSigningKeys, AddSigningKey and RetireSigningKeys change the keys. In
//     tests, the keys of every fake are the same in every program, so that no test waits until a key is generated. They are
//     public. In any other program, every key is generated.
//   - Logout, RevokeSession and Impersonate.
//   - The API that an application calls with its API key: every grant, Magic Auth, email verification, challenges of
//     Radar, password reset, users and changes of their email addresses, organizations and their domains, organization
//     memberships, groups, roles, permissions, resources, authorization checks, feature flags, invitations, waitlists,
//     authorized applications, sign-ins for OAuth clients (Standalone Connect), connected accounts, factors, sessions, devices,
//     API keys, audit logs, widget tokens, portal links, redirect URIs, CORS origins and the JWT template, whose claims are in the
//     access tokens.
//     Responses and errors are those of production, with real one-time codes, real TOTP, pending authentication tokens and
//     paginated lists. The one exception is rate limits: the fake has none, or with WithRateLimit one for all calls together.
//     WorkOS's library for Node.js works with the fake, too: docs/node.md of the repository lists its methods.
//   - The authorization server of WorkOS Connect, for MCP clients and machines and for the tests of package resource. See below.
//   - Requirements of an Organization or a User at sign-in: single sign-on, certain authentication methods, a second factor.
//     The hosted pages (provider authkit) ask for nothing and meet all of them. A sign-in at a provider (GoogleOAuth, …) or a
//     connection does not pass these pages: its code exchange answers email_verification_required,
//     organization_selection_required, mfa_challenge and so on, with a pending authentication token, as in production.
//   - Challenges of WorkOS Radar, by mail or by SMS, for a user with a RadarChallenge. The hosted pages ask for their code.
//   - With WithOAuthTokens, the tokens of OAuth providers.
//   - With WithoutUserMetadata, authentications without the metadata of the user, which production may not return.
//   - Faults. InjectFault makes a route answer with any status, wait, hang, break off or lose its response. Calls and
//     AwaitCalls count the calls of a route. WithSessionLock answers parallel refreshes of a session 429, and
//     WithRefreshLatency makes refreshes take time. Refreshes and Presented count how often refresh tokens were presented.
//   - Events. Everything that is done in the fake emits its event, which the API lists (workos.Client.ListEvents). See below.
//   - A clock. With WithClock and a FakeClock, a test moves the time and does not wait. FakeClock.AdvanceWhile moves it for a
//     request that meets a fault. Run does so by itself.
//
// The default users have the password DefaultPassword. WithRole does not change their permissions:
//
//   - ada@harborpress.test: admin of Harbor Press with posts:read, posts:write, members:manage and the entitlement audit-logs.
//   - ben@harborpress.test: member of Harbor Press with posts:read.
//   - chiara@example.com: member of Harbor Press with posts:read, and admin of Pine Street Studio with posts:read, posts:write.
//   - dev@example.com: in no organization.
//
// MemoryStore is the store that several instances of an application share, in memory. It can be down, frozen or flushed. All
// instances need the same cookie password too: Server.Setenv and Server.ServeApp set the same one at each call.
//
// # Codes, authenticator apps and devices
//
// The fake sends no mail and no SMS. Server.Mailbox and Server.LastMail return the messages of an email address or a phone
// number, and Server.Outbox returns all. The page at URL() + "/mailbox" shows all messages in a browser:
//
//	code := fake.LastMail("ada@harborpress.test").Code
//
// TOTP returns the code that an authenticator app shows. Pass it the time of the fake's clock. The fake accepts a code in
// its own time step and in the steps before and after it. It accepts no time step twice: move the clock by 30 seconds
// before the next sign-in.
//
//	fake.UpdateUser("ada@harborpress.test", func(u *authkittest.User) {
//		u.Factors = []authkittest.Factor{{Secret: "JBSWY3DPEHPK3PXP"}}
//	})
//	code := authkittest.TOTP("JBSWY3DPEHPK3PXP", clock.Now())
//
// A program that uses device authorization waits until its user code is approved. A user approves the code at
// URL() + "/device". A test approves it with ApproveDevice:
//
//	fake.ApproveDevice(fake.Devices()[0].UserCode, "ada@harborpress.test")
//
// DenyDevice denies the user code. SlowDownDevices makes polls answer slow_down.
//
// # Events and webhooks
//
// What a page, the API or a method of Server changes is an event: session.revoked, user.deleted,
// organization_membership.updated and so on. The event exists from the moment of the change on, and so does what the next refresh
// returns. The users and organizations with which the fake starts have no events. Server.Events returns the events,
// and EmitEvent adds one of any type. SetEventHoldBack makes the list of events show them late, as WorkOS does. With
// HoldEvents and ReleaseEvents, an event appears behind newer ones.
//
// AddWebhookEndpoint makes the fake send events to the application. WaitForWebhooks waits until they have arrived:
//
//	fake.AddWebhookEndpoint(app+"/webhooks/workos", "secret")
//	fake.DeleteUser("ada@harborpress.test")
//	err := fake.WaitForWebhooks(ctx)
//
// InjectWebhookFault makes webhooks arrive late, twice, in another order, with a wrong signature, or not at all. An event that
// the application does not accept is sent again, at its time on the clock. WebhookDeliveries returns what was sent.
//
// # Connect and MCP
//
// The fake is an OAuth 2.1 authorization server, as the AuthKit domain of an environment is. URL() is its issuer. It has metadata,
// dynamic client registration (RFC 7591), client ID metadata documents, authorization codes with PKCE, a consent page that
// remembers, resource indicators (RFC 8707), refresh tokens, client credentials, introspection and user information.
// WithResourceIndicators, or Server.AddResourceIndicator, registers the APIs, WithScopes, or Server.AddScopes, adds scopes, and
// Server.AddMachine adds a machine:
//
//	fake.AddResourceIndicator("https://mcp.acme.test/mcp")
//	api, err := resource.New(fake.URL(), "https://mcp.acme.test/mcp")
//
// Server.ResourceToken and Server.MachineToken return a token at once. Server.RevokeAuthorizedApplication ends the access of a
// client. RotateSigningKeys and InjectFault work as for sessions: the routes are RouteOAuthToken, RouteOAuthJWKS and so on.
//
// # Without a test
//
// The command authkit dev runs an application in any language with a fake, so that you can try it by hand:
//
//	go run github.com/authkit-go/authkit/cmd/authkit@latest dev go run .
//
// It prints commands of curl that revoke sessions, change roles, and delete users and API keys in the fake.
//
// # Several processes
//
// One fake can serve several processes, for example the instances of an application. It runs in the test, or in a program
// that calls Start and prints the variables of Env. Each process needs these variables, and all need the same cookie
// password. If the fake runs in a program, a test reads counts and events, revokes sessions, changes roles and gets tokens of Connect
// over HTTP: the program serves Control on an address of its own. The command authkit dev and the program of examples/replicas/fake do so.
//
// # Choices of the fake
//
// WorkOS does not document the following, so production may differ:
//
//   - A pending authentication token works until its step succeeds, for at most ten minutes.
//   - The steps come in this order: a challenge of Radar, email verification, organization selection, second factor. The session
//     has the ip_address and the user_agent of the last call that names them.
//   - A challenge of Radar names the user in its error. It is radar_challenge by mail, radar_sms_sign_in_challenge by SMS to the
//     number of the user, to which the code is sent at once, and radar_sign_up_challenge if the user has no number. Of the codes
//     by SMS, only the latest works. The hosted pages ask for the code after the choice of the organization.
//   - An authorization request with provider_scopes needs a provider.
//   - After a sign-in at a provider, the hosted pages know the user. They ask for a user again only with prompt, max_age, or the
//     login_hint of another user.
//   - Of the codes that were mailed to an address for Magic Auth, or for its verification, only the latest works. After five wrong
//     attempts, that code does not work either.
//   - A password has at least ten characters.
//   - A user who is created with a password hash has no password, because the fake cannot check hashes.
//   - null as the metadata of an update removes all metadata, as an empty object does.
//   - An invitation that is resent keeps its token and the time of its end. A call that accepts an invitation is refused
//     (invalid_invite) if no user has its email address. A role needs an organization.
//   - An update of an organization with domain_data removes the domains that are not in it. A verification of a domain takes until
//     UpdateOrganization sets the state of the domain.
//   - A permission that is deleted is removed from its roles, and each of them emits role.updated or organization_role.updated. A call
//     for the roles of an organization cannot change a role of the environment (404).
//   - A resource type exists if a resource has it, and its resources can be below resources of every type. A role can be assigned on
//     resources of every type, and counts with all of its permissions there and below. An inactive member has no permission.
//   - The resource of an organization is in the lists of resources. A change of it, and its deletion, are refused with 403. A list
//     needs an organization or a type, also if it has a parent. A resource that does not exist, or belongs to another organization
//     than the member, is answered 404 by a check, too.
//   - A role that is assigned on the resource of an organization becomes a role of the membership, and emits
//     organization_membership.updated. A member who loses the last one gets the role "member".
//   - The members of a group have its roles at once. The roles in the organization are in their memberships and access tokens, and a
//     change of them emits organization_membership.updated. A role that a member has by a group cannot be removed from the member.
//   - A member that a group has already can be added without an error and without an event. A member that it does not have cannot
//     be removed (404). A group can have any number of members, and the name of another group.
//   - A membership that is deleted leaves its groups with group.member_removed. A group that is deleted emits group.deleted only.
//   - A user who cancels the connection of an account returns to return_to too. A refresh token that is imported needs an access
//     token. A user has no account in an organization without a membership (404), and loses it with the membership.
//   - An audit-log event may have every action and every target. Missing members are answered 422, and invalid metadata 400.
//   - An entry of a waitlist that was denied can be approved. Only a pending one can be denied (422). The sign-up page does not ask
//     the waitlist.
//   - A target of a feature flag that it has, or does not have, can be added, or removed, without an error and without an event.
//   - A sign-in page with an invitation admits its email address only. A sign-in with an invitation verifies the email address at
//     once, and accepts the invitation when its last step succeeds. The hosted pages accept it before they return the code.
//   - Creating a membership for a user who is already a member answers 409.
//   - The refresh of a session in an organization is refused when the organization is deleted (organization_not_found) or the
//     user is no longer an active member (organization_membership_not_found), also if the request names no organization.
//   - user.deleted comes with session.revoked, api_key.revoked and organization_membership.deleted for what the user had, and
//     organization.deleted with organization_membership.deleted, group.deleted, api_key.revoked and invitation.revoked.
//   - A sign-in does not emit user.updated, although it changes last_sign_in_at.
//   - The list of events answers the after of an event that does not exist, or no longer, 400 invalid_cursor.
//   - An external_auth_id works for ten minutes. A call that is refused does not use it up. A user whom it creates, or whose email
//     address it changes, has an unverified email address.
//   - The authorization server of Connect requires PKCE with S256 and the redirect_uri in both requests, for every client. A redirect
//     URI is https, or http on a loopback host, or has a private-use scheme with a period, such as com.example.app:/callback (RFC 8252
//     sections 7.1 and 8.4). An http one on a loopback host may have any port (section 7.3); others are compared as a whole. A request
//     without a scope gets none. An environment without resource indicators ignores the resource of a request.
//   - A user is asked again for scopes and resources to which the user has not consented. The consent keeps its sid.
//   - A code or a refresh token of Connect that is presented a second time revokes the grant (RFC 9700). There is no replay window. A
//     client gets refresh tokens if it requests offline_access and has registered the grant type refresh_token.
//   - The access tokens of machines are for the environment, whatever resource they request. The keys of Connect are those of
//     the environment. An access token lives as long as one of a session.
//   - A client ID metadata document is fetched for every authorization request, within five seconds of the fake's clock, has at
//     most 5 KiB, and may be on a loopback host with plain http.
//   - A JWT template may be {}, which has no claims. A refresh too is refused (token_too_big) if its template renders to too much, and
//     it does not consume the refresh token.
//   - Webhooks are sent again after 1 and 10 minutes, 1 and 6 hours, 1 and 3 days, and an application has 30 seconds to answer.
//   - A session ends after a year. An impersonated session ends after 60 minutes, as in production.
//
// # Browser
//
// A Browser moves through an application by its links and forms. It applies the limits that real browsers set for cookies.
// Browser.SignIn signs in, and needs no page at "/".
//
// The fake is only for development and tests. Every client that can reach it can sign in as any user, so it listens only
// on 127.0.0.1.
package authkittest
