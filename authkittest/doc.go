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
//     and organizations come from WithPeople and WithOrganizations; without them there are four people, among them an
//     administrator (ada@harborpress.test), a member (ben@harborpress.test), somebody in two organizations
//     (chiara@example.com) and somebody in none (dev@example.com).
//   - Codes with PKCE, and refresh tokens that rotate and can be replayed for 30 seconds, as production does. The
//     official emulator differs from production in several ways; where they do, the fake follows production.
//   - Access tokens signed with RSA keys that RotateKeys, AddKey and RetireKeys change, in a JWKS.
//   - Logout, RevokeSession, and Impersonate.
//   - Faults: Fail makes a route answer with any status, wait, hang, break off or lose its reply; Calls and AwaitCalls
//     tell what has arrived.
//   - Time: WithClock and Clock let a test wait for nothing.
//
// Browser walks through an application by its links and forms, within the limits that a browser sets to cookies.
//
// The fake is for development and tests alone: whoever reaches it can sign in as anybody. It therefore listens on
// 127.0.0.1 only.
package authkittest
