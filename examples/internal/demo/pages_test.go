// The pages, for sessions of every kind.

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

// shown is the page that show writes.
func shown(show func(http.ResponseWriter)) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	show(w)
	return w
}

func TestTheHomePageGreetsWhoeverIsThere(t *testing.T) {
	for _, c := range []struct {
		name            string
		user            authkit.User
		shown, initials string
	}{
		{"somebody with a first and a last name", authkit.User{FirstName: "Ada", LastName: "Okafor", Email: "ada@example.com"}, ">Ada Okafor<", ">AO<"},
		{"somebody with more names", authkit.User{FirstName: "Ana María", LastName: "de la Øse", Email: "ana@example.com"}, ">Ana María de la Øse<", ">AØ<"},
		{"somebody with a name that is one text", authkit.User{Name: "kim", Email: "kim@example.com"}, ">kim<", ">K<"},
		{"somebody with an address alone", authkit.User{Email: "dev@example.com"}, ">dev@example.com<", ">D<"},
		{"somebody who tries to be markup", authkit.User{Name: "<b>bold</b>", Email: "b@example.com"}, ">&lt;b&gt;bold&lt;/b&gt;<", "&lt;"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := shown(func(w http.ResponseWriter) {
				demo.ShowHome(w, authkit.NewSession(authkit.SessionParams{User: c.user}), nil)
			})
			assert.Contains(t, w.Body.String(), c.shown)
			assert.Contains(t, w.Body.String(), c.initials)
			assert.Contains(t, w.Body.String(), `action="/logout"`)
			assert.Equal(t, "private, no-store", w.Header().Get("Cache-Control"))
		})
	}
}

func TestTheHomePageSaysWhenASessionCouldNotBeChecked(t *testing.T) {
	w := shown(func(w http.ResponseWriter) { demo.ShowHome(w, nil, errors.New("the keys could not be had")) })
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Contains(t, w.Body.String(), "Your session could not be checked")
	assert.NotContains(t, w.Body.String(), "the keys could not be had")
}

func TestTheAccountPageSaysWhoIsImpersonating(t *testing.T) {
	session := authkit.NewSession(authkit.SessionParams{
		User:         authkit.User{FirstName: "Ada", LastName: "Okafor"},
		Impersonator: &authkit.Impersonator{Email: "support@example.com", Reason: "ticket 9"},
	})
	w := shown(func(w http.ResponseWriter) { demo.ShowAccount(w, session) })
	assert.Regexp(t, `(?s)support@example\.com.*is signed in as Ada Okafor.*ticket 9`, w.Body.String())
}
