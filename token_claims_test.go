// Claims of an access token on which rights depend: who acts (act), when the proof was given (auth_time). By the cookie and by the bearer token.

package authkit_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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

// A16: a JWT template can give auth_time any value.
func TestAnAuthTimeInTheFutureIsNoRecentProof(t *testing.T) {
	a := guarded(t)
	for at, status := range map[int64]int{
		start.Unix(): 200, start.Unix() + 59: 200, start.Unix() + 60: 200, start.Unix() + 61: 403, start.Unix() + 3600: 403,
		253402300799: 403, 253402300800: 403, start.UnixMilli(): 403,
	} {
		for door, q := range a.withClaim("auth_time", at) {
			q.target, q.header = "/recent", mergedHeader(q.header, scripted())
			resp := a.send(q)
			if assert.Equal(t, status, resp.status, "%d, %s", at, door) && status == http.StatusForbidden {
				assert.Equal(t, "recent_auth_required", resp.problem(t)["code"])
			}
		}
	}
}

func mergedHeader(headers ...http.Header) http.Header {
	all := http.Header{}
	for _, h := range headers {
		for name, values := range h {
			all[name] = values
		}
	}
	return all
}

// A16: AuthKit is asked for a new proof, and the one that it gives lies in the future.
func TestASignInForANewProofTakesNoneFromTheFuture(t *testing.T) {
	for _, ahead := range []time.Duration{61 * time.Second, 365 * 24 * time.Hour} {
		a := guarded(t)
		a.fake.UpdatePerson(kim, func(p *authkittest.Person) {
			p.Claims = map[string]any{"auth_time": start.Add(ahead).Unix()}
		})
		b := a.signedIn(kim)
		_, err := b.SignIn(a.url+"/recent", kim)
		require.Error(t, err)
		assert.Equal(t, http.StatusForbidden, b.Page().StatusCode)
		assert.Contains(t, b.Page().Body, "more recent")
	}
}

// A16: a session made by hand may hold any time, too.
func TestASessionMadeByHandHasNoProofFromTheFuture(t *testing.T) {
	a := newApp(t, appOptions{})
	for at, status := range map[time.Time]int{start: 200, start.Add(time.Minute): 200, start.Add(61 * time.Second): 403, start.Add(100 * 365 * 24 * time.Hour): 403} {
		s := authkit.NewSession(authkit.SessionParams{AuthenticatedAt: at, ExpiresAt: start.Add(time.Hour)})
		handler := a.RequireRecentAuth(10 * time.Minute)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		resp := a.direct(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			handler.ServeHTTP(w, r.WithContext(authkit.NewContext(r.Context(), s)))
		}), request{method: "GET", target: "/"})
		assert.Equal(t, status, resp.status, at)
	}
}

// A16: the absolute limit of a session that others sealed counts from its
// auth_time.
func TestAForeignSessionOutlivesNoLimitByAnAuthTimeInTheFuture(t *testing.T) {
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithForeignSessions(), authkit.WithAbsoluteLimit(10 * time.Minute)}})
	a.fake.UpdatePerson(kim, func(p *authkittest.Person) {
		p.Claims = map[string]any{"auth_time": start.Add(24 * 365 * time.Hour).Unix()}
	})
	cookies := map[string]string{
		"Next.js": "wos-session=" + a.sealedElsewhere(kim, nil), "the official Go SDK": "wos-session=" + a.sealedBySDK(kim, nil),
	}
	for library, cookie := range cookies {
		assert.Contains(t, a.send(request{target: "/", cookie: cookie}).body, kim, library)
	}
	a.clock.Advance(11 * time.Minute)
	for library, cookie := range cookies {
		assert.Contains(t, a.send(request{target: "/", cookie: cookie}).body, "nobody", library)
	}
}
