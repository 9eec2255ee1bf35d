// Examples: the statistics of an instance, and an observer.

package authkit_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/authkit-go/authkit"
)

func ExampleAuthKit_Stats() {
	ak, err := authkit.New(
		authkit.WithAPIKey("sk_test"), authkit.WithClientID("client_example"),
		authkit.WithCookiePassword("a-password-of-32-bytes-or-more-1"), authkit.WithRedirectURL("https://app.example.com/callback"),
	)
	if err != nil {
		panic(err)
	}
	handler := ak.Middleware(http.NotFoundHandler())
	for range 3 {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}

	stats := ak.Stats()
	fmt.Println("anonymous:", stats.Requests[authkit.RequestAnonymous])
	fmt.Println("cached:", stats.Requests[authkit.RequestCached])
	fmt.Println("exchanges under way:", stats.Refreshes.InFlight)
	// Output:
	// anonymous: 3
	// cached: 0
	// exchanges under way: 0
}

func ExampleWithObserver() {
	ak, err := authkit.New(
		authkit.WithAPIKey("sk_test"), authkit.WithClientID("client_example"),
		authkit.WithCookiePassword("a-password-of-32-bytes-or-more-1"), authkit.WithRedirectURL("https://app.example.com/callback"),
		authkit.WithObserver(func(_ context.Context, o authkit.Observation) {
			fmt.Println(o.Kind, o.Outcome, o.Code)
		}),
	)
	if err != nil {
		panic(err)
	}
	account := ak.RequireAuth(http.NotFoundHandler())
	account.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/account", nil))
	// Output: refusal refused unauthenticated
}
