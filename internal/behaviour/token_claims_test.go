// Claims of an access token on which access depends: the impersonator (act), the time of authentication (auth_time) and the
// audience (aud). Each is tested in a session cookie and in a bearer token.

package behaviour

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// requestsWithClaim returns a request with a session cookie of kim and one with a bearer token. Both tokens have one claim
// of the given value.
func (a *App) requestsWithClaim(name string, value any) map[string]Request {
	a.T.Helper()
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) { p.Claims = map[string]any{name: value} })
	return map[string]Request{
		"session cookie": {Cookie: a.SignedIn(Kim).CookieHeader()},
		"bearer token":   {Header: Bearer(a.nativeToken(func(c map[string]any) { c[name] = value }))},
	}
}

// A JWT template can set act to any value. Every value but null counts as an impersonation.
func TestEveryActClaimExceptNullIsAnImpersonation(t *testing.T) {
	a := newGuardedApp(t)
	for _, act := range []string{
		`"ops@example.com"`, `""`, `["ops@example.com"]`, `[]`, `{}`, `{"sub":{}}`, `{"sub":null}`, `{"sub":""}`, `{"email":"ops@example.com"}`,
		`1`, `0`, `true`, `false`, `{"sub":"ops@example.com"}`,
	} {
		for source, q := range a.requestsWithClaim("act", json.RawMessage(act)) {
			q.Target = "/auth"
			assert.Equal(t, http.StatusOK, a.Send(q).Status, "%s, %s", act, source)
			q.Target = "/inperson"
			resp := a.Send(q)
			if assert.Equal(t, http.StatusForbidden, resp.Status, "%s, %s", act, source) {
				assert.Equal(t, "a session without impersonation", resp.Problem(t)["missing"])
			}
		}
	}
	for source, q := range a.requestsWithClaim("act", json.RawMessage(`null`)) {
		q.Target = "/inperson"
		assert.Equal(t, http.StatusOK, a.Send(q).Status, source)
	}
	for source, q := range a.requestsWithClaim("ACT", "ops@example.com") {
		q.Target = "/inperson"
		assert.Equal(t, http.StatusOK, a.Send(q).Status, source)
	}
}

func TestAnImpersonatorCanBeReportedWithoutAnEmailAddress(t *testing.T) {
	for act, email := range map[string]string{`"x"`: "", `{}`: "", `{"sub":"ops@example.com"}`: "ops@example.com"} {
		s := authkit.NewSession(authkit.SessionParams{Claims: map[string]any{"act": json.RawMessage(act)}})
		impersonator, ok := s.Impersonator()
		assert.True(t, ok, act)
		assert.Equal(t, authkit.Impersonator{Email: email}, impersonator)
	}
	_, ok := authkit.NewSession(authkit.SessionParams{Claims: map[string]any{"act": nil}}).Impersonator()
	assert.False(t, ok)
}

// A JWT template can set auth_time to any value. A value beyond the clock skew in the future must not count as recent.
func TestAnAuthTimeInTheFutureIsNotRecentAuthentication(t *testing.T) {
	a := newGuardedApp(t)
	for at, status := range map[int64]int{
		Start.Unix(): 200, Start.Unix() + 59: 200, Start.Unix() + 60: 200, Start.Unix() + 61: 403, Start.Unix() + 3600: 403,
		253402300799: 403, 253402300800: 403, Start.UnixMilli(): 403,
	} {
		for source, q := range a.requestsWithClaim("auth_time", at) {
			q.Target, q.Header = "/recent", mergedHeader(q.Header, Scripted())
			resp := a.Send(q)
			if assert.Equal(t, status, resp.Status, "%d, %s", at, source) && status == http.StatusForbidden {
				assert.Equal(t, "recent_auth_required", resp.Problem(t)["code"])
			}
		}
	}
}

// mergedHeader returns the fields of all headers. A later header overrides an earlier one.
func mergedHeader(headers ...http.Header) http.Header {
	all := http.Header{}
	for _, h := range headers {
		for name, values := range h {
			all[name] = values
		}
	}
	return all
}

// The application requests a new authentication, and the auth_time of the new token lies in the future.
func TestReauthenticationRefusesAnAuthTimeInTheFuture(t *testing.T) {
	for _, ahead := range []time.Duration{61 * time.Second, 365 * 24 * time.Hour} {
		a := newGuardedApp(t)
		a.Fake.UpdateUser(Kim, func(p *authkittest.User) {
			p.Claims = map[string]any{"auth_time": Start.Add(ahead).Unix()}
		})
		b := a.SignedIn(Kim)
		_, err := b.SignIn(a.URL+"/recent", Kim)
		require.Error(t, err)
		assert.Equal(t, http.StatusForbidden, b.Page().StatusCode)
		assert.Contains(t, b.Page().Body, "more recent")
	}
}

// A session from NewSession can hold any time as well.
func TestRequireRecentAuthRefusesAnAuthenticatedAtInTheFuture(t *testing.T) {
	a := NewApp(t, AppOptions{})
	for at, status := range map[time.Time]int{Start: 200, Start.Add(time.Minute): 200, Start.Add(61 * time.Second): 403, Start.Add(100 * 365 * 24 * time.Hour): 403} {
		s := authkit.NewSession(authkit.SessionParams{AuthenticatedAt: at, ExpiresAt: Start.Add(time.Hour)})
		handler := a.RequireRecentAuth(10 * time.Minute)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		resp := a.ServeDirectly(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			handler.ServeHTTP(w, r.WithContext(authkit.NewContext(r.Context(), s)))
		}), Request{Method: "GET", Target: "/"})
		assert.Equal(t, status, resp.Status, at)
	}
}

// The absolute timeout of a foreign session starts at its auth_time. An auth_time in the future must not delay it.
func TestAnAuthTimeInTheFutureDoesNotExtendAForeignSession(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithForeignSessions(), authkit.WithAbsoluteTimeout(10 * time.Minute)}})
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) {
		p.Claims = map[string]any{"auth_time": Start.Add(24 * 365 * time.Hour).Unix()}
	})
	cookies := map[string]string{
		"authkit-nextjs": "wos-session=" + a.sealedByNextJS(Kim, nil), "workos-go": "wos-session=" + a.sealedBySDK(Kim, nil),
	}
	for library, cookie := range cookies {
		assert.Contains(t, a.Send(Request{Target: "/", Cookie: cookie}).Body, Kim, library)
	}
	a.Clock.Advance(11 * time.Minute)
	for library, cookie := range cookies {
		assert.Contains(t, a.Send(Request{Target: "/", Cookie: cookie}).Body, "anonymous", library)
	}
}

// One issuer can issue tokens for several applications.
func TestATokenOfAnotherAudienceIsRefusedEverywhere(t *testing.T) {
	const issuer, api = "https://auth.example.com", "https://api.example.com"
	native := func(aud any, clientID string) func(map[string]any) {
		return func(c map[string]any) {
			c["iss"] = issuer
			delete(c, "client_id")
			if clientID != "" {
				c["client_id"] = clientID
			}
			if aud != nil {
				c["aud"] = aud
			}
		}
	}
	audiences := NewApp(t, AppOptions{AuthKit: []authkit.Option{
		authkit.WithBearerTokens("client_native"), authkit.WithAdditionalIssuers(issuer), authkit.WithAudiences(api, "api://admin"),
	}})
	unrestricted := NewInstance(t, audiences.Fake, audiences.Clock, AppOptions{AuthKit: []authkit.Option{
		authkit.WithBearerTokens("client_native"), authkit.WithAdditionalIssuers(issuer),
	}})
	for name, c := range map[string]struct {
		aud      any
		clientID string
		status   int
	}{
		"our audience":                              {api, "", 200},
		"our second audience":                       {"api://admin", "client_native", 200},
		"our audience among others":                 {[]string{"x", api}, "", 200},
		"another audience":                          {"https://other.example.com", "client_native", 401},
		"other audiences":                           {[]string{"x", "y"}, "client_native", 401},
		"our audience and a slash":                  {api + "/", "", 401},
		"an empty list":                             {[]string{}, "client_native", 401},
		"a number":                                  {1, "client_native", 401},
		"null":                                      {json.RawMessage("null"), "client_native", 401},
		"our audience beside a number":              {[]any{api, 1}, "client_native", 401},
		"no aud and an accepted client_id":          {nil, "client_native", 200},
		"no aud and no client_id":                   {nil, "", 401},
		"our audience and the client_id of another": {api, "client_other", 401},
	} {
		token := Bearer(audiences.nativeToken(native(c.aud, c.clientID)))
		assert.Equal(t, c.status, audiences.Send(Request{Target: "/account", Header: token}).Status, name)
		if c.clientID != "client_other" {
			assert.Equal(t, http.StatusOK, unrestricted.Send(Request{Target: "/account", Header: token}).Status, "%s: aud is not checked without WithAudiences", name)
		}
	}

	audiences.SignedIn(Kim) // a token of WorkOS has a client_id and no aud
	for aud, status := range map[any]int{api: http.StatusSeeOther, "https://other.example.com": http.StatusBadGateway} {
		audiences.Fake.UpdateUser(Kim, func(p *authkittest.User) { p.Claims = map[string]any{"aud": aud} })
		s := audiences.StartSignIn("/login")
		assert.Equal(t, status, audiences.Send(Request{Target: s.Target(), Cookie: s.Cookie}).Status)
		cookie := unrestricted.SignedIn(Kim).CookieHeader()
		assert.Equal(t, map[int]int{http.StatusSeeOther: 200, http.StatusBadGateway: 401}[status], audiences.Send(Request{Target: "/account", Cookie: cookie}).Status)
	}
	assert.Contains(t, audiences.Logs.String(), `aud: want \"https://api.example.com\" or \"api://admin\", got \"https://other.example.com\"`)
}

// Without additional issuers there is no warning, because tokens of WorkOS have no aud.
func TestAdditionalIssuersWithoutAudiencesCauseOneWarning(t *testing.T) {
	const warning = "WithAudiences"
	for name, c := range map[string]struct {
		opts  []authkit.Option
		lines int
	}{
		"neither":                   {nil, 0},
		"issuers only":              {[]authkit.Option{authkit.WithAdditionalIssuers("https://a.example.com"), authkit.WithAdditionalIssuers("https://b.example.com")}, 1},
		"an empty list of issuers":  {[]authkit.Option{authkit.WithAdditionalIssuers()}, 0},
		"issuers and audiences":     {[]authkit.Option{authkit.WithAdditionalIssuers("https://a.example.com"), authkit.WithAudiences("api")}, 0},
		"audiences only":            {[]authkit.Option{authkit.WithAudiences("api")}, 0},
		"issuers and bearer tokens": {[]authkit.Option{authkit.WithAdditionalIssuers("https://a.example.com"), authkit.WithBearerTokens()}, 1},
	} {
		a := NewApp(t, AppOptions{AuthKit: c.opts})
		warnings := 0
		for line := range strings.Lines(a.Logs.String()) {
			if strings.Contains(line, "level=WARN") {
				assert.Contains(t, line, warning, name)
				warnings++
			}
		}
		assert.Equal(t, c.lines, warnings, name)
	}
}
