// The pages for different kinds of sessions.

package demo_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/examples/internal/demo"
)

// render returns the response that show writes.
func render(show func(http.ResponseWriter)) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	show(w)
	return w
}

func TestTheHomePageGreetsTheSignedInUser(t *testing.T) {
	for _, c := range []struct {
		name            string
		user            authkit.User
		shown, initials string
	}{
		{"first and last name", authkit.User{FirstName: "Ada", LastName: "Okafor", Email: "ada@example.com"}, ">Ada Okafor<", ">AO<"},
		{"several first and last names", authkit.User{FirstName: "Ana María", LastName: "de la Øse", Email: "ana@example.com"}, ">Ana María de la Øse<", ">AØ<"},
		{"a name in one field", authkit.User{Name: "kim", Email: "kim@example.com"}, ">kim<", ">K<"},
		{"only an email address", authkit.User{Email: "dev@example.com"}, ">dev@example.com<", ">D<"},
		{"a name with markup", authkit.User{Name: "<b>bold</b>", Email: "b@example.com"}, ">&lt;b&gt;bold&lt;/b&gt;<", "&lt;"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := render(func(w http.ResponseWriter) {
				demo.ShowHome(w, authkit.NewSession(authkit.SessionParams{User: c.user}), nil)
			})
			assert.Contains(t, w.Body.String(), c.shown)
			assert.Contains(t, w.Body.String(), c.initials)
			assert.Contains(t, w.Body.String(), `action="/logout"`)
			assert.Equal(t, "private, no-store", w.Header().Get("Cache-Control"))
		})
	}
}

func TestTheHomePageSaysThatASessionCouldNotBeChecked(t *testing.T) {
	w := render(func(w http.ResponseWriter) { demo.ShowHome(w, nil, errors.New("signing keys unavailable")) })
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Contains(t, w.Body.String(), "Your session could not be checked")
	assert.NotContains(t, w.Body.String(), "signing keys unavailable")
}

func TestTheAccountPageNamesTheImpersonator(t *testing.T) {
	session := authkit.NewSession(authkit.SessionParams{
		User:         authkit.User{FirstName: "Ada", LastName: "Okafor"},
		Impersonator: &authkit.Impersonator{Email: "support@example.com", Reason: "ticket 9"},
	})
	w := render(func(w http.ResponseWriter) { demo.ShowAccount(w, session) })
	assert.Regexp(t, `(?s)support@example\.com.*is signed in as Ada Okafor.*ticket 9`, w.Body.String())
}
