// Package authkittest is a fake WorkOS AuthKit that runs in the process of a test or an example, so that an application
// behind AuthKit can be tested over real HTTP without a WorkOS account, a network or a password.
//
// New starts one for a test; its Setenv points the application at it. SignedInClient then goes through the sign-in that
// a person would go through, and returns an http.Client that is signed in:
//
//	func TestAccount(t *testing.T) {
//		workos := authkittest.New(t)
//		workos.Setenv(t)              // before the application reads its configuration
//		app := httptest.NewServer(newApp())
//		defer app.Close()
//
//		client := workos.SignedInClient(t, app.URL+"/login", "ada@harborpress.test")
//		response, err := client.Get(app.URL + "/account")
//		…
//	}
//
// What the fake does:
//
//   - Sign-in, sign-up, a choice of organization, cancelling and single sign-on on pages that work by hand too. People
//     and organizations come from WithUsers and WithOrganizations; without them there are four people, among them an
//     administrator (ada@harborpress.test), a member (ben@harborpress.test), somebody in two organizations
//     (chiara@example.com) and somebody in none (dev@example.com).
//   - Codes with PKCE, and refresh tokens that rotate and can be replayed for 30 seconds, as production does. The
//     official emulator differs from production in several ways; where they do, the fake follows production.
//   - Access tokens signed with RSA keys that RotateSigningKeys, AddSigningKey and RetireSigningKeys change, in a JWKS.
//   - Logout, RevokeSession, and Impersonate.
//   - The API that an application calls with its key: every grant, Magic Auth, email verification, password reset, users,
//     organization memberships, factors, sessions, devices and API keys. It answers and refuses as production does, with
//     real one-time codes, real TOTP, pending tokens and pages of lists; rate limits alone there are none, but InjectFault can
//     answer 429 with Retry-After.
//   - What an Organization or a Person demands of a sign-in: single sign-on, certain methods, a second factor.
//   - Faults: InjectFault makes a route answer with any status, wait, hang, break off or lose its reply; Calls and AwaitCalls
//     tell what has arrived.
//   - Time: WithClock and Clock let a test wait for nothing.
//
// # Codes, authenticator apps and devices
//
// Nothing is mailed. What would have been is in the Mailbox of its address, and for a person at URL() + "/mailbox":
//
//	code := workos.LastMail("ada@harborpress.test").Code
//
// TOTP is the authenticator app of whoever has enrolled one, on the same clock as the fake. A code is accepted in its own
// time step and its neighbours, and in no two sign-ins: move the clock on by half a minute for the next.
//
//	workos.UpdateUser("ada@harborpress.test", func(p *authkittest.User) {
//		p.Factors = []authkittest.Factor{{Secret: "JBSWY3DPEHPK3PXP"}}
//	})
//	code := authkittest.TOTP("JBSWY3DPEHPK3PXP", clock.Now())
//
// A program that signs in by a user code waits until a person has answered at URL() + "/device", or a test has:
//
//	workos.ApproveDevice(workos.Devices()[0].UserCode, "ada@harborpress.test")
//
// DenyDevice says no, and SlowDownDevices makes polls answer slow_down.
//
// # Where production is not known
//
// These are the fake's own choices. A pending token works for ten minutes, until its step has succeeded; the steps come in
// the order email verification, organization, second factor. Of several codes mailed to one address the latest counts,
// and after five wrong guesses not even that. A password has ten characters or more; a user who comes with a password
// hash has none here, since the fake opens no hashes. Whoever is a member already cannot be made one again (409). A
// session ends after a year.
//
// # Walking through an application
//
// Browser walks through an application by its links and forms, within the limits that a browser sets to cookies.
//
// The fake is for development and tests alone: whoever reaches it can sign in as anybody. It therefore listens on
// 127.0.0.1 only.
package authkittest
