// Command core is an application on net/http alone. A browser signs in.
package main

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// agents records the User-Agent of the last call of WorkOS.
type agents struct{ last atomic.Value }

func (a *agents) RoundTrip(r *http.Request) (*http.Response, error) {
	a.last.Store(r.UserAgent())
	return http.DefaultTransport.RoundTrip(r)
}

func main() {
	fake, err := authkittest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	defer server.Close()
	seen := new(agents)
	ak, err := authkit.New(
		authkit.WithAPIKey(fake.APIKey()), authkit.WithClientID(fake.ClientID()), authkit.WithBaseURL(fake.URL()),
		authkit.WithCookiePassword(strings.Repeat("consumer", 4)), authkit.WithRedirectURL(server.URL+"/callback"),
		authkit.WithHTTPClient(&http.Client{Transport: seen}),
	)
	if err != nil {
		log.Fatal(err)
	}
	mux.Handle("GET /login", ak.Login())
	mux.Handle("GET /callback", ak.Callback())
	mux.Handle("GET /account", ak.Middleware(ak.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, _ := authkit.FromContext(r.Context())
		fmt.Fprint(w, "signed in as "+session.User().Email)
	}))))
	browser := authkittest.NewBrowser()
	if _, err := browser.SignIn(server.URL+"/login", "ada@harborpress.test"); err != nil {
		log.Fatal(err)
	}
	page, err := browser.Get(server.URL + "/account")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.Body)
	fmt.Println(seen.last.Load())
}
