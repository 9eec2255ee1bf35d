// The examples of the package documentation.

package authkit_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// This is a net/http application with sign-in.
func Example() {
	ak, err := authkit.New(
		authkit.WithAPIKey(os.Getenv("WORKOS_API_KEY")),
		authkit.WithClientID(os.Getenv("WORKOS_CLIENT_ID")),
		authkit.WithCookiePassword(os.Getenv("WORKOS_COOKIE_PASSWORD")), // 32 random bytes or more
		authkit.WithRedirectURL("https://app.example.com/callback"),
	)
	if err != nil {
		log.Fatal(err) // reports all faults at once
	}
	account := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, _ := authkit.FromContext(r.Context()) // RequireAuth guarantees a session
		fmt.Fprintf(w, "Hello, %s", session.User().FirstName)
	})

	mux := http.NewServeMux()
	mux.Handle("GET /login", ak.Login())
	mux.Handle("GET /signup", ak.Login(authkit.LoginParams{ScreenHint: "sign-up"}))
	mux.Handle("GET /callback", ak.Callback())
	mux.Handle("POST /logout", ak.Logout())
	mux.Handle("GET /account", ak.RequireAuth(account))
	server := &http.Server{Addr: ":8080", Handler: ak.Middleware(mux), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// New reports all faults of a configuration at once. Each is a [authkit.ConfigError].
func ExampleNew_faults() {
	_, err := authkit.New(
		authkit.WithAPIKey("pk_123"),
		authkit.WithClientID("client_123"),
		authkit.WithCookiePassword("too short"),
		authkit.WithRedirectURL("http://app.example.com/callback"),
	)
	fmt.Println(err)
	// Output:
	// authkit: WithAPIKey (WORKOS_API_KEY): is not an API key; an API key starts with sk_ and contains no spaces
	// authkit: WithCookiePassword (WORKOS_COOKIE_PASSWORD): password 1 of 1 is 9 bytes long; at least 32 are needed
	// authkit: WithRedirectURL (WORKOS_REDIRECT_URI): "http://app.example.com/callback" is plain http on a host that is not loopback; use https, or WithInsecureHTTP() on a closed test network
}

// With chi, the middleware and the guards are used as they are, for a group of routes or
// for the whole router.
func ExampleAuthKit_RequireAuth_chi() {
	ak := exampleAuthKit()
	r := chi.NewRouter()
	r.Use(ak.Middleware)
	r.Get("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "welcome") })
	r.Group(func(r chi.Router) {
		r.Use(ak.RequireAuth)
		r.Get("/account", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "your account") })
	})

	for _, path := range []string{"/", "/account"} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		fmt.Println(path, w.Code)
	}
	// Output:
	// / 200
	// /account 401
}

// The test of a handler makes a session and needs no sign-in.
func ExampleNewContext() {
	handler := func(w http.ResponseWriter, r *http.Request) {
		session, ok := authkit.FromContext(r.Context())
		if !ok || !session.HasPermission("posts:write") {
			http.Error(w, "You may not write posts.", http.StatusForbidden)
			return
		}
		fmt.Fprintf(w, "Posted as %s.", session.User().FirstName)
	}

	session := authkit.NewSession(authkit.SessionParams{
		User:        authkit.User{ID: "user_kim", FirstName: "Kim"},
		Permissions: []string{"posts:write"},
	})
	r := httptest.NewRequest("POST", "/posts", nil)
	w := httptest.NewRecorder()
	handler(w, r.WithContext(authkit.NewContext(r.Context(), session)))
	fmt.Println(w.Code, w.Body)
	// Output: 200 Posted as Kim.
}

// An application can answer some failures itself and use the default answer for the
// rest.
func ExampleWithErrorHandler() {
	ak := exampleAuthKit(authkit.WithErrorHandler(func(w http.ResponseWriter, r *http.Request, f authkit.Failure) {
		if errors.Is(f.Err, authkit.ErrUnauthenticated) {
			http.Error(w, "Members only: see "+f.Link, f.Status)
			return
		}
		f.ServeHTTP(w, r)
	}))
	members := ak.RequireAuth(http.NotFoundHandler())

	w := httptest.NewRecorder()
	members.ServeHTTP(w, httptest.NewRequest("GET", "/members", nil))
	fmt.Print(w.Code, " ", w.Body)

	w = httptest.NewRecorder()
	ak.Logout().ServeHTTP(w, httptest.NewRequest("GET", "/logout", nil))
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	// Output:
	// 401 Members only: see /login?return_to=%2Fmembers
	// 405 application/problem+json
}

// The host name of the request chooses the organization.
func ExampleAuthKit_LoginFunc() {
	organizations := map[string]string{"acme.app.example.com": "org_acme"}
	ak := exampleAuthKit()
	login := ak.LoginFunc(func(r *http.Request) authkit.LoginParams {
		return authkit.LoginParams{Organization: organizations[r.Host]}
	})

	for _, host := range []string{"acme.app.example.com", "app.example.com"} {
		w := httptest.NewRecorder()
		login.ServeHTTP(w, httptest.NewRequest("GET", "https://"+host+"/login", nil))
		location, _ := url.Parse(w.Header().Get("Location"))
		fmt.Printf("%s: %q\n", host, location.Query().Get("organization_id"))
	}
	// Output:
	// acme.app.example.com: "org_acme"
	// app.example.com: ""
}

// The hook stores a new user in the application's own database before the first page is
// served.
func ExampleWithOnSignIn() {
	workos, err := authkittest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer workos.Close()
	mux := http.NewServeMux()
	app := httptest.NewServer(mux)
	defer app.Close()

	users := map[string]string{}
	ak, err := authkit.New(
		authkit.WithAPIKey(workos.APIKey()), authkit.WithClientID(workos.ClientID()), authkit.WithBaseURL(workos.URL()),
		authkit.WithCookiePassword("for this example alone: 32 bytes!"),
		authkit.WithRedirectURL(app.URL+"/callback"),
		authkit.WithOnSignIn(func(ctx context.Context, e authkit.SignInEvent) error {
			user := e.Session.User()
			users[user.Email] = e.AppState
			return nil // an error would refuse the sign-in
		}),
	)
	if err != nil {
		log.Fatal(err)
	}
	mux.Handle("GET /join", ak.Login(authkit.LoginParams{AppState: "spring campaign", ReturnTo: "/welcome"}))
	mux.Handle("GET /callback", ak.Callback())
	mux.HandleFunc("GET /welcome", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "Welcome!") })

	page, err := authkittest.NewBrowser().SignIn(app.URL+"/join", "ben@harborpress.test")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.Body, users)
	// Output: Welcome! map[ben@harborpress.test:spring campaign]
}

// exampleAuthKit returns the AuthKit of the examples.
func exampleAuthKit(opts ...authkit.Option) *authkit.AuthKit {
	ak, err := authkit.New(append([]authkit.Option{
		authkit.WithAPIKey("sk_example"),
		authkit.WithClientID("client_example"),
		authkit.WithCookiePassword("for this example alone: 32 bytes!"),
		authkit.WithRedirectURL("https://app.example.com/callback"),
	}, opts...)...)
	if err != nil {
		log.Fatal(err)
	}
	return ak
}

// This proxy signs users in and sends their requests on without the session cookie.
func ExampleAuthKit_StripCookies() {
	ak, err := authkit.FromEnv()
	if err != nil {
		log.Fatal(err)
	}
	upstream, err := url.Parse("http://127.0.0.1:9000")
	if err != nil {
		log.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(pr *httputil.ProxyRequest) {
		pr.SetURL(upstream)
		ak.StripCookies(pr.Out)
		pr.Out.Header.Del("X-User-ID") // only this proxy may set it
		if s, ok := authkit.FromContext(pr.In.Context()); ok {
			pr.Out.Header.Set("X-User-ID", s.UserID())
		}
	}}
	mux := http.NewServeMux()
	mux.Handle("GET /callback", ak.Callback())
	mux.Handle("/", ak.RequireAuth(proxy))
	server := &http.Server{Addr: "localhost:8080", Handler: ak.Middleware(mux), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}
