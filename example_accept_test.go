// An example of a route with three kinds of callers.

package authkit_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/resource"
)

// Users of the application, servers of its customers and MCP clients read the same posts.
func ExampleAuthKit_Accept() {
	ak := exampleAuthKit()
	api, err := resource.New("https://acme.authkit.app", "https://app.example.com/api")
	if err != nil {
		log.Fatal(err)
	}
	posts := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token, ok := resource.FromContext(r.Context()); ok {
			fmt.Fprintf(w, "posts for %s, by %s", token.UserID(), token.ClientID())
			return
		}
		if key, ok := authkit.APIKeyFromContext(r.Context()); ok {
			fmt.Fprintf(w, "posts for the key %s", key.Name)
			return
		}
		session, _ := authkit.FromContext(r.Context())
		fmt.Fprintf(w, "posts for %s", session.UserID())
	})
	mux := http.NewServeMux()
	mux.Handle("GET "+api.MetadataPath(), api.Metadata())
	mux.Handle("GET /api/posts", ak.Accept(
		authkit.Sessions("posts:read"),
		authkit.APIKeys("posts:read"),
		authkit.ResourceTokens(api, "posts:read"),
	)(posts))

	// A program without a credential learns where it gets a token.
	r := httptest.NewRequest("GET", "https://app.example.com/api/posts", nil)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))

	// The test of a handler puts a credential into the context.
	session := authkit.NewSession(authkit.SessionParams{
		User: authkit.User{ID: "user_kim"}, Permissions: []string{"posts:read"},
	})
	w = httptest.NewRecorder()
	mux.ServeHTTP(w, r.WithContext(authkit.NewContext(r.Context(), session)))
	fmt.Println(w.Code, w.Body)
	// Output:
	// 401 Bearer scope="posts:read", resource_metadata="https://app.example.com/.well-known/oauth-protected-resource/api"
	// 200 posts for user_kim
}
