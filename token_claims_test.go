// Claims of an access token on which rights depend: who acts (act). By the cookie and by the bearer token.

package authkit_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// withClaim is a cookie and a bearer token of kim that have one claim of the
// value given.
func (a *app) withClaim(name string, value any) map[string]request {
	a.t.Helper()
	a.fake.UpdatePerson(kim, func(p *authkittest.Person) { p.Claims = map[string]any{name: value} })
	return map[string]request{
		"by cookie":       {cookie: a.signedIn(kim).cookieHeader()},
		"by bearer token": {header: bearer(a.nativeToken(func(c map[string]any) { c[name] = value }))},
	}
}

// A14: a JWT template can give act any value.
func TestAnyActThatIsNotNullIsAnImpersonation(t *testing.T) {
	a := guarded(t)
	for _, act := range []string{
		`"ops@example.com"`, `""`, `["ops@example.com"]`, `[]`, `{}`, `{"sub":{}}`, `{"sub":null}`, `{"sub":""}`, `{"email":"ops@example.com"}`,
		`1`, `0`, `true`, `false`, `{"sub":"ops@example.com"}`,
	} {
		for door, q := range a.withClaim("act", json.RawMessage(act)) {
			q.target = "/auth"
			assert.Equal(t, http.StatusOK, a.send(q).status, "%s, %s", act, door)
			q.target = "/inperson"
			resp := a.send(q)
			if assert.Equal(t, http.StatusForbidden, resp.status, "%s, %s", act, door) {
				assert.Equal(t, "the user in person", resp.problem(t)["missing"])
			}
		}
	}
	for door, q := range a.withClaim("act", json.RawMessage(`null`)) {
		q.target = "/inperson"
		assert.Equal(t, http.StatusOK, a.send(q).status, door)
	}
	for door, q := range a.withClaim("ACT", "ops@example.com") {
		q.target = "/inperson"
		assert.Equal(t, http.StatusOK, a.send(q).status, door)
	}
}

func TestASessionTellsThatItIsAnImpersonationThoughNotWhose(t *testing.T) {
	for act, email := range map[string]string{`"x"`: "", `{}`: "", `{"sub":"ops@example.com"}`: "ops@example.com"} {
		s := authkit.NewSession(authkit.SessionParams{Claims: map[string]any{"act": json.RawMessage(act)}})
		impersonator, ok := s.Impersonator()
		assert.True(t, ok, act)
		assert.Equal(t, authkit.Impersonator{Email: email}, impersonator)
	}
	_, ok := authkit.NewSession(authkit.SessionParams{Claims: map[string]any{"act": nil}}).Impersonator()
	assert.False(t, ok)
}
