// Examples for the documentation.

package authkittest_test

import (
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// A program that needs no WorkOS account, such as an example, starts a fake and uses its environment.
func ExampleStart() {
	fake, err := authkittest.Start(authkittest.WithUsers(
		authkittest.User{Email: "kim@acme.test", FirstName: "Kim", Memberships: []authkittest.Membership{
			{OrganizationID: "org_acme", Role: "admin", Permissions: []string{"posts:write"}},
		}},
	))
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	fmt.Println(fake.Env()["WORKOS_API_HOSTNAME"], fake.Users()[0].Name())
	// Output: 127.0.0.1 Kim
}

// A browser clicks the buttons of the sign-in page, as a user does.
func ExampleBrowser() {
	fake, err := authkittest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/callback" {
			fmt.Fprint(w, r.URL.Query().Get("error"))
			return
		}
		http.Redirect(w, r, fake.URL()+"/user_management/authorize?"+url.Values{
			"client_id": {fake.ClientID()}, "redirect_uri": {"http://" + r.Host + "/callback"},
			"response_type": {"code"}, "provider": {"authkit"},
		}.Encode(), http.StatusFound)
	}))
	defer app.Close()

	browser := authkittest.NewBrowser()
	if _, err := browser.Get(app.URL + "/login"); err != nil {
		log.Fatal(err)
	}
	page, err := browser.Submit("Cancel", nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.URL.Path, page.Body)
	// Output: /callback access_denied
}

// Two instances of an application share a store. A sign-out at one of them holds at the other one. In a test,
// [authkittest.Server.ServeApp] starts each instance, with the same three options.
func ExampleMemoryStore() {
	clock := authkittest.NewFakeClock(time.Now())
	fake, err := authkittest.Start(authkittest.WithClock(clock))
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	store := authkittest.NewMemoryStore(clock)
	var addresses []string
	for range 2 {
		app := httptest.NewUnstartedServer(nil)
		address := "http://" + app.Listener.Addr().String()
		ak, err := authkit.New(
			authkit.WithAPIKey(fake.APIKey()), authkit.WithClientID(fake.ClientID()), authkit.WithBaseURL(fake.URL()),
			authkit.WithRedirectURL(address+"/callback"),
			authkit.WithStore(store),                              // the same at all instances,
			authkit.WithCookiePassword(strings.Repeat("pass", 8)), // and so is the password
			authkit.WithClock(clock),                              // the clock of the store
			authkit.WithLogger(slog.New(slog.DiscardHandler)),
		)
		if err != nil {
			log.Fatal(err)
		}
		mux := http.NewServeMux()
		mux.Handle("GET /login", ak.Login())
		mux.Handle("GET /callback", ak.Callback())
		mux.Handle("POST /logout", ak.Logout())
		mux.Handle("GET /{$}", ak.RequireAuth(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
		app.Config.Handler = ak.Middleware(mux)
		app.Start()
		defer app.Close()
		addresses = append(addresses, address)
	}

	browser := authkittest.NewBrowser()
	if _, err := browser.SignIn(addresses[0]+"/login", "ada@harborpress.test"); err != nil {
		log.Fatal(err)
	}
	home, err := url.Parse(addresses[1])
	if err != nil {
		log.Fatal(err)
	}
	stolen := browser.Jar.Cookies(home) // a cookie is for a host, whatever the port
	ask := func() int {
		r, err := http.NewRequest(http.MethodGet, addresses[1]+"/", nil)
		if err != nil {
			log.Fatal(err)
		}
		for _, cookie := range stolen {
			r.AddCookie(cookie)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			log.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	fmt.Println(ask())
	if _, err := browser.Fetch(http.MethodPost, addresses[0]+"/logout"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(ask())
	// Output:
	// 200
	// 401
}

// An outage: two refreshes fail, and the fake answers the third.
func ExampleServer_InjectFault() {
	fake, err := authkittest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{
		Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"1"}}, Times: 2,
	})
	for range 3 {
		response, err := http.PostForm(fake.URL()+"/user_management/authenticate", url.Values{"grant_type": {"refresh_token"}})
		if err != nil {
			log.Fatal(err)
		}
		response.Body.Close()
		fmt.Println(response.StatusCode)
	}
	fmt.Println(fake.Calls(authkittest.RouteRefresh), "calls")
	// Output:
	// 503
	// 503
	// 400
	// 3 calls
}

// An outage, without [authkittest.Run]. The fake and the application have the same clock, so time limits run on it. A request
// that waits for a call that hangs is sent in AdvanceWhile, because it waits until the clock moves.
func ExampleServer_InjectFault_outage() {
	clock := authkittest.NewFakeClock(time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC))
	fake, err := authkittest.Start(authkittest.WithClock(clock), authkittest.WithAccessTokenLifetime(time.Minute))
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	mux := http.NewServeMux()
	app := httptest.NewServer(mux)
	defer app.Close()
	ak, err := authkit.New(
		authkit.WithAPIKey(fake.APIKey()), authkit.WithClientID(fake.ClientID()), authkit.WithBaseURL(fake.URL()),
		authkit.WithCookiePassword("for this example alone: 32 bytes!"),
		authkit.WithRedirectURL(app.URL+"/callback"),
		authkit.WithLogger(slog.New(slog.DiscardHandler)),
		authkit.WithClock(clock),
	)
	if err != nil {
		log.Fatal(err)
	}
	mux.Handle("GET /login", ak.Login())
	mux.Handle("GET /callback", ak.Callback())
	mux.Handle("GET /account", ak.Middleware(ak.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "Your account")
	}))))
	browser := authkittest.NewBrowser()
	if _, err := browser.SignIn(app.URL+"/login?return_to=/account", "ada@harborpress.test"); err != nil {
		log.Fatal(err)
	}
	status := func() int {
		page, err := browser.Get(app.URL + "/account")
		if err != nil {
			log.Fatal(err)
		}
		return page.StatusCode
	}

	clock.Advance(3 * time.Minute) // the access token has expired
	fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"60"}}})
	fmt.Println(status())

	fake.ClearFault(authkittest.RouteRefresh)
	clock.Advance(time.Minute) // until then, authkit makes no other call
	fmt.Println(status())

	clock.Advance(50 * time.Second) // the new access token is about to expire
	fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	clock.AdvanceWhile(func() { fmt.Println(status()) }) // after two seconds of the clock, with the old access token
	fake.ClearFault(authkittest.RouteRefresh)
	// Output:
	// 503
	// 200
	// 200
}

// The test moves the clock and does not wait for real time.
func ExampleFakeClock() {
	clock := authkittest.NewFakeClock(time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC))
	clock.AfterFunc(5*time.Minute, func() { fmt.Println("expired at", clock.Now().Format(time.TimeOnly)) })
	clock.Advance(time.Hour)
	fmt.Println("now", clock.Now().Format(time.TimeOnly))
	// Output:
	// expired at 10:05:00
	// now 11:00:00
}

// The mailbox contains the code that AuthKit would mail.
func ExampleServer_LastMail() {
	fake, err := authkittest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	request, err := http.NewRequest(http.MethodPost, fake.URL()+"/user_management/magic_auth", strings.NewReader(`{"email":"ada@harborpress.test"}`))
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+fake.APIKey())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	response.Body.Close()
	mail := fake.LastMail("ada@harborpress.test")
	fmt.Println(response.StatusCode, mail.Kind, len(mail.Code), "digits")
	// Output: 201 magic_auth 6 digits
}

// An authenticator app shows a new code every 30 seconds.
func ExampleTOTP() {
	now := time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)
	fmt.Println(authkittest.TOTP("JBSWY3DPEHPK3PXP", now))
	fmt.Println(authkittest.TOTP("JBSWY3DPEHPK3PXP", now.Add(30*time.Second)))
	// Output:
	// 411298
	// 450935
}

// A user approves a device on the device page. A test approves it with ApproveDevice.
func ExampleServer_ApproveDevice() {
	fake, err := authkittest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	response, err := http.PostForm(fake.URL()+"/user_management/authorize/device", url.Values{"client_id": {fake.ClientID()}})
	if err != nil {
		log.Fatal(err)
	}
	response.Body.Close()
	fake.ApproveDevice(fake.Devices()[0].UserCode, "ada@harborpress.test")
	fmt.Println(fake.Devices()[0].Status)
	// Output: approved
}
