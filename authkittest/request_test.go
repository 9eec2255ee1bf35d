// SignedInRequest.

package authkittest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func TestSignedInRequestHasASession(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	_, signedIn := authkit.FromContext(r.Context())
	assert.False(t, signedIn)

	s, signedIn := authkit.FromContext(authkittest.SignedInRequest(r, authkit.SessionParams{Role: "admin"}).Context())
	assert.True(t, signedIn)
	assert.True(t, s.HasRole("admin"))
}

// The test of one handler with a signed-in user.
func ExampleSignedInRequest() {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := authkit.FromContext(r.Context())
		fmt.Fprint(w, "Hello, ", s.User().FirstName)
	})

	w := httptest.NewRecorder()
	handler.ServeHTTP(w, authkittest.SignedInRequest(httptest.NewRequest("GET", "/", nil), authkit.SessionParams{User: authkit.User{FirstName: "Kim"}}))
	fmt.Println(w.Body)
	// Output: Hello, Kim
}
