// The tests that every application writes. docs/testing.md and docs/mcp.md show them.

package authkittest_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/resource"
)

// application returns the handler of the application under test. It has no page at "/".
func application(ak *authkit.AuthKit) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /login", ak.Login())
	mux.Handle("GET /callback", ak.Callback())
	mux.Handle("POST /logout", ak.Logout())
	mux.Handle("GET /account", ak.RequireAuth(http.HandlerFunc(account)))
	mux.Handle("GET /admin", ak.RequireRole("admin")(http.HandlerFunc(account)))
	mux.Handle("GET /api/posts", ak.RequireAuthOrAPIKey("posts:read")(http.HandlerFunc(posts)))
	return ak.Middleware(mux)
}

func account(w http.ResponseWriter, r *http.Request) {
	s, _ := authkit.FromContext(r.Context())
	fmt.Fprintf(w, "Hello, %s", s.User().Email)
}

func posts(w http.ResponseWriter, r *http.Request) {
	if key, ok := authkit.APIKeyFromContext(r.Context()); ok {
		fmt.Fprintf(w, "posts for key %s", key.Name)
		return
	}
	s, _ := authkit.FromContext(r.Context())
	fmt.Fprintf(w, "posts for %s in %s", s.UserID(), s.OrganizationID())
}

func run(t *testing.T) *authkittest.App {
	return authkittest.Run(t, func(env authkittest.Env) http.Handler {
		return application(env.AuthKit(authkit.WithBearerTokens())) // or authkit.FromEnv(env.Options()...)
	})
}

func TestAUserSeesTheirAccount(t *testing.T) {
	t.Parallel()
	page, err := run(t).SignIn("ada@harborpress.test").Get("/account")
	if err != nil || page.Body != "Hello, ada@harborpress.test" {
		t.Errorf("%v, %v", page, err)
	}
}

func TestOnlyAnAdminSeesTheAdminPage(t *testing.T) {
	t.Parallel()
	app := run(t)
	for email, status := range map[string]int{"ada@harborpress.test": 200, "ben@harborpress.test": 403} {
		page, err := app.SignIn(email).Get("/admin")
		if err != nil || page.StatusCode != status {
			t.Errorf("%s: %v, %v", email, page, err)
		}
	}
}

func TestTheAPIAcceptsTokensAndKeys(t *testing.T) {
	t.Parallel()
	app := run(t)
	for credential, status := range map[string]int{
		app.BearerToken("ada@harborpress.test"):                                         200,
		app.BearerToken("ada@harborpress.test", authkittest.Claims{"permissions": nil}): 403,
		app.APIKey("posts:read"):                                                        200,
		app.APIKey("posts:write"):                                                       403,
		"":                                                                              401,
	} {
		response, err := app.APIClient(credential).Get(app.URL + "/api/posts")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != status {
			t.Errorf("%s instead of %d", response.Status, status)
		}
	}
}

func TestAnOutageSignsNoUserOut(t *testing.T) {
	t.Parallel()
	app := run(t)
	browser := app.SignIn("ada@harborpress.test")
	app.Clock.Advance(10 * time.Minute) // the access token has expired
	app.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	page, err := browser.Get("/account")
	if err != nil || page.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("during the outage: %v, %v", page, err)
	}
	app.Fake.ClearFault(authkittest.RouteRefresh)
	app.Clock.Advance(time.Minute) // authkit asks again
	page, err = browser.Get("/account")
	if err != nil || page.StatusCode != http.StatusOK {
		t.Errorf("after the outage: %v, %v", page, err)
	}
}

func TestARoleThatIsTakenAwayIsGoneAfterFollowHasRead(t *testing.T) {
	t.Parallel()
	var ak *authkit.AuthKit
	app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
		ak = env.AuthKit()
		return application(ak)
	})
	browser := app.SignIn("ada@harborpress.test")
	app.Fake.UpdateUser("ada@harborpress.test", func(u *authkittest.User) { u.Memberships[0].Role = "member" })
	go ak.Follow(t.Context(), nil, "") // here, and not in the function of Run, as if the application had been down
	calls := app.Fake.Calls(authkittest.RouteListEvents)
	app.Clock.AdvanceWhile(func() { app.Fake.AwaitCalls(t, authkittest.RouteListEvents, calls+2) }) // the second read follows the effects of the first
	page, err := browser.Get("/admin")
	if err != nil || page.StatusCode != http.StatusForbidden {
		t.Errorf("%v, %v", page, err)
	}
}

func TestTheAPIAcceptsUsersAndMachines(t *testing.T) {
	t.Parallel()
	const address = "https://api.example.com" // the resource
	app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
		api, err := resource.New(env.Fake.URL(), address,
			resource.WithAudiences(env.Fake.ClientID()), // for machines
			resource.WithClock(env.Clock), resource.WithLogger(env.Log))
		if err != nil {
			t.Fatal(err)
		}
		return api.Require("posts:read")(http.HandlerFunc(posts))
	}, authkittest.WithScopes("posts:read")) // which tokens of users then have
	machine, _ := app.Fake.AddMachine(app.Fake.Organizations()[0].ID, "posts:read")
	for token, status := range map[string]int{
		app.Fake.ResourceToken("ada@harborpress.test", address):                                        200,
		app.Fake.ResourceToken("ada@harborpress.test", address, authkittest.Claims{"scope": "openid"}): 403,
		app.Fake.ResourceToken("ada@harborpress.test", "https://other.example.com"):                    401,
		app.Fake.MachineToken(machine):                                                                 200,
	} {
		response, err := app.APIClient(token).Get(app.URL + "/posts")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != status {
			t.Errorf("%s instead of %d", response.Status, status)
		}
	}
}
