// What a Session returns, and what NewSession, NewContext and printing do with it.

package behaviour

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// sessionFromHandler signs a user in and returns the session that a handler then gets from FromContext.
func (a *App) sessionFromHandler(email string) *authkit.Session {
	a.T.Helper()
	cookie := a.SignedIn(email).CookieHeader()
	var session *authkit.Session
	a.Server.Config.Handler = a.RequireAuth(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		session, _ = authkit.FromContext(r.Context())
	}))
	a.Send(Request{Target: "/", Cookie: cookie})
	require.NotNil(a.T, session)
	return session
}

func TestASessionHoldsTheDataFromWorkOS(t *testing.T) {
	a := NewApp(t, AppOptions{})
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) {
		p.AuthenticationMethod = "GoogleOAuth"
		p.Locale = "en-GB"
		p.ExternalID = "ext-7"
		p.Memberships[0].Roles = []string{"admin", "billing"}
		p.Claims = map[string]any{"tier": "gold", "seats": 7, "teams": []string{"a", "b"}}
	})
	s := a.sessionFromHandler(Kim)

	assert.Equal(t, a.SessionID(), s.ID())
	assert.Equal(t, "user_kim", s.UserID())
	assert.Equal(t, "org_acme", s.OrganizationID())
	assert.Equal(t, "admin", s.Role())
	assert.Equal(t, []string{"admin", "billing"}, s.Roles())
	assert.Equal(t, []string{"posts:read", "posts:write"}, s.Permissions())
	assert.Equal(t, []string{"audit-logs"}, s.Entitlements())
	assert.Equal(t, []string{"beta"}, s.FeatureFlags())
	assert.Equal(t, "GoogleOAuth", s.AuthenticationMethod())
	assert.Equal(t, 2, strings.Count(s.AccessToken(), "."))
	_, impersonated := s.Impersonator()
	assert.False(t, impersonated)

	user := s.User()
	assert.Equal(t, "user_kim", user.ID)
	assert.Equal(t, Kim, user.Email)
	assert.Equal(t, "Kim", user.FirstName)
	assert.Equal(t, "Oduya", user.LastName)
	assert.Equal(t, "en-GB", user.Locale)
	assert.Equal(t, "ext-7", user.ExternalID)
	assert.Equal(t, map[string]string{"plan": "pro"}, user.Metadata)

	assert.Equal(t, Start, s.SignedInAt())
	assert.Equal(t, Start, s.RefreshedAt())
	assert.True(t, s.IssuedAt().Equal(Start))
	assert.True(t, s.AuthenticatedAt().Equal(Start))
	assert.True(t, s.ExpiresAt().Equal(Start.Add(5*time.Minute)))

	var custom struct {
		Tier  string   `json:"tier"`
		Seats int      `json:"seats"`
		Teams []string `json:"teams"`
		Sub   string   `json:"sub"`
	}
	require.NoError(t, s.Claims(&custom))
	assert.Equal(t, "gold", custom.Tier)
	assert.Equal(t, 7, custom.Seats)
	assert.Equal(t, []string{"a", "b"}, custom.Teams)
	assert.Equal(t, "user_kim", custom.Sub)
	assert.Error(t, s.Claims(nil))
}

func TestARefreshKeepsTheSignInTimeAndTheAuthenticationTime(t *testing.T) {
	a := NewApp(t, AppOptions{})
	b := a.SignedIn(Kim)
	a.ExpireToken(time.Minute)
	var s *authkit.Session
	a.serve(func(_ http.ResponseWriter, r *http.Request) { s, _ = authkit.FromContext(r.Context()) })
	b.get("/")
	require.NotNil(t, s)
	assert.Equal(t, Start, s.SignedInAt(), "a refresh is not a sign-in")
	assert.Equal(t, a.Clock.Now(), s.RefreshedAt())
	assert.True(t, s.AuthenticatedAt().Equal(Start), "a refresh is not an authentication")
	assert.True(t, s.IssuedAt().Equal(a.Clock.Now()))
}

func TestASessionWithoutAnOrganizationHasNoRights(t *testing.T) {
	s := NewApp(t, AppOptions{}).sessionFromHandler("lee@example.com")
	assert.Empty(t, s.OrganizationID())
	assert.Empty(t, s.Role())
	assert.Empty(t, s.Roles())
	assert.Empty(t, s.Permissions())
	assert.Empty(t, s.Entitlements())
	assert.Empty(t, s.FeatureFlags())
	assert.False(t, s.HasRole(""))
	assert.False(t, s.HasPermission(""))
	assert.False(t, s.HasEntitlement(""))
	assert.False(t, s.HasFeatureFlag(""))
}

func TestHasMethodsMatchWholeSlugsWithoutAllocating(t *testing.T) {
	s := authkit.NewSession(authkit.SessionParams{
		Role: "admin", Roles: []string{"admin", "billing"}, Permissions: []string{"posts:read"},
		Entitlements: []string{"audit-logs"}, FeatureFlags: []string{"beta"},
	})
	for name, c := range map[string]struct {
		has     func(string) bool
		present []string
		absent  []string
	}{
		"role":         {s.HasRole, []string{"admin", "billing"}, []string{"", "Admin", "adm", "admin ", "posts:read"}},
		"permission":   {s.HasPermission, []string{"posts:read"}, []string{"", "posts", "posts:", "posts:write", "posts:*", "admin"}},
		"entitlement":  {s.HasEntitlement, []string{"audit-logs"}, []string{"", "audit", "beta"}},
		"feature flag": {s.HasFeatureFlag, []string{"beta"}, []string{"", "BETA", "audit-logs"}},
	} {
		for _, slug := range c.present {
			assert.True(t, c.has(slug), "%s %q", name, slug)
		}
		for _, slug := range c.absent {
			assert.False(t, c.has(slug), "%s %q", name, slug)
		}
		assert.Zero(t, testing.AllocsPerRun(100, func() { c.has("admin") }), name)
	}
	single := authkit.NewSession(authkit.SessionParams{Role: "member"})
	assert.Equal(t, []string{"member"}, single.Roles())
	assert.True(t, single.HasRole("member"))
}

func TestAHandlerCannotChangeASession(t *testing.T) {
	params := authkit.SessionParams{
		User:  authkit.User{ID: "user_1", Metadata: map[string]string{"plan": "pro"}},
		Roles: []string{"r1", "r2"}, Permissions: []string{"p1", "p2"}, Entitlements: []string{"e1"}, FeatureFlags: []string{"f1"},
		Impersonator: &authkit.Impersonator{Email: "ops@example.com", Reason: "ticket"},
	}
	s := authkit.NewSession(params)
	overwrite := func(slices ...[]string) {
		for _, slice := range slices {
			slice[0] = "changed"
			_ = append(slice[:0], "changed", "changed")
		}
	}
	overwrite(s.Roles(), s.Permissions(), s.Entitlements(), s.FeatureFlags())
	overwrite(params.Roles, params.Permissions, params.Entitlements, params.FeatureFlags)
	user := s.User()
	user.ID, user.Metadata["plan"] = "changed", "changed"
	params.User.Metadata["plan"] = "changed"
	impersonator, _ := s.Impersonator()
	impersonator.Email = "changed"
	params.Impersonator.Email = "changed"

	assert.Equal(t, []string{"r1", "r2"}, s.Roles())
	assert.Equal(t, []string{"p1", "p2"}, s.Permissions())
	assert.Equal(t, []string{"e1"}, s.Entitlements())
	assert.Equal(t, []string{"f1"}, s.FeatureFlags())
	assert.Equal(t, "user_1", s.User().ID)
	assert.Equal(t, "pro", s.User().Metadata["plan"])
	impersonator, _ = s.Impersonator()
	assert.Equal(t, "ops@example.com", impersonator.Email)
}

func TestTheImpersonatorComesFromTheReplyOrTheActClaim(t *testing.T) {
	a := NewApp(t, AppOptions{})
	// The callback restarts the sign-in of an impersonator, and the second sign-in is not impersonated. So the transport
	// adds the impersonator to the reply of the fake.
	upstream := &RewritingTransport{Change: func(reply map[string]any) {
		reply["impersonator"] = map[string]any{"email": "ops@example.com", "reason": nil}
	}}
	b := NewInstance(t, a.Fake, a.Clock, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	impersonator, ok := b.sessionFromHandler(Kim).Impersonator()
	assert.True(t, ok)
	assert.Equal(t, authkit.Impersonator{Email: "ops@example.com"}, impersonator)

	a.Fake.UpdateUser(Kim, func(p *authkittest.User) {
		p.Claims = map[string]any{"act": map[string]any{"sub": "dev@example.com"}}
	})
	impersonator, ok = a.sessionFromHandler(Kim).Impersonator()
	assert.True(t, ok)
	assert.Equal(t, authkit.Impersonator{Email: "dev@example.com"}, impersonator)
}

func TestAPrintedSessionShowsNoToken(t *testing.T) {
	var refreshToken string
	upstream := &RewritingTransport{Change: func(reply map[string]any) { refreshToken = reply["refresh_token"].(string) }}
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	s := a.sessionFromHandler(Kim)
	token := s.AccessToken()
	signature := token[strings.LastIndex(token, ".")+1:]
	type embedding struct{ *authkit.Session }
	type pointers struct {
		Session *authkit.Session
		hidden  *authkit.Session
	}
	type copies struct {
		Session authkit.Session
		hidden  authkit.Session
	}
	for name, v := range map[string]any{
		"the session":                              s,
		"a copy of it":                             *s,
		"a struct that embeds it":                  embedding{s},
		"a pointer to a struct that embeds it":     &embedding{s},
		"a struct with a field of it":              pointers{s, s},
		"a pointer to a struct with a field of it": &pointers{s, s},
		"a struct with a copy":                     copies{*s, *s},
		"a slice of it":                            []*authkit.Session{s},
		"a slice of copies":                        []authkit.Session{*s},
		"a map of it":                              map[string]*authkit.Session{"kim": s},
		"its SignInEvent":                          authkit.SignInEvent{Session: s},
		"its RefreshEvent":                         authkit.RefreshEvent{Session: s, Previous: s},
		"its SignOutEvent":                         authkit.SignOutEvent{Session: s},
		"its context":                              authkit.NewContext(context.Background(), s),
	} {
		t.Run(name, func(t *testing.T) {
			for how, text := range Printed(v) {
				for _, secret := range []string{signature, refreshToken} {
					for _, form := range []string{"%s", "%x", "%X"} { // unchanged and in hexadecimal
						if strings.Contains(text, fmt.Sprintf(form, secret)) {
							t.Errorf("%s shows a token", how)
						}
					}
				}
			}
		})
	}
	for how, text := range Printed(s) {
		assert.Contains(t, text, s.ID(), how)
		assert.Contains(t, text, "user_kim", how)
		assert.NotContains(t, text, Kim, "a log contains only IDs: %s", how)
	}
}

func TestANilSessionPrintsWithoutAPanic(t *testing.T) {
	for how, text := range Printed((*authkit.Session)(nil)) {
		assert.NotContains(t, strings.ToLower(text), "panic", how)
	}
}

func TestNewSessionSetsDefaultsAndClaims(t *testing.T) {
	s := authkit.NewSession(authkit.SessionParams{})
	assert.Equal(t, "session_test", s.ID())
	assert.Equal(t, "user_test", s.UserID())
	assert.Equal(t, "user_test", s.User().ID)

	s = authkit.NewSession(authkit.SessionParams{
		ID: "session_9", User: authkit.User{ID: "user_9"}, OrganizationID: "org_9", Role: "admin", Permissions: []string{"p"},
		AuthenticatedAt: Start, ExpiresAt: Start.Add(time.Hour), AccessToken: "token", AuthenticationMethod: "SSO",
	})
	assert.Equal(t, "session_9", s.ID())
	assert.Equal(t, "token", s.AccessToken())
	assert.Equal(t, "SSO", s.AuthenticationMethod())
	assert.True(t, s.AuthenticatedAt().Equal(Start))
	assert.True(t, s.ExpiresAt().Equal(Start.Add(time.Hour)))
	var claims struct {
		Subject      string   `json:"sub"`
		SessionID    string   `json:"sid"`
		Organization string   `json:"org_id"`
		Role         string   `json:"role"`
		Permissions  []string `json:"permissions"`
	}
	require.NoError(t, s.Claims(&claims), "the claims match the fields")
	assert.Equal(t, "user_9", claims.Subject)
	assert.Equal(t, "session_9", claims.SessionID)
	assert.Equal(t, "org_9", claims.Organization)
	assert.Equal(t, "admin", claims.Role)
	assert.Equal(t, []string{"p"}, claims.Permissions)
}

func TestNewSessionIgnoresClaimsThatContradictItsFields(t *testing.T) {
	s := authkit.NewSession(authkit.SessionParams{
		Role:   "member",
		Claims: map[string]any{"tier": "gold", "sub": "user_other", "sid": "session_other", "role": "admin"},
	})
	var claims map[string]any
	require.NoError(t, s.Claims(&claims))
	assert.Equal(t, "gold", claims["tier"])
	assert.Equal(t, "user_test", claims["sub"])
	assert.Equal(t, "session_test", s.ID())
	assert.False(t, s.HasRole("admin"))
	assert.Panics(t, func() { authkit.NewSession(authkit.SessionParams{Claims: map[string]any{"f": func() {}}}) })
}

func TestFromContextReturnsTheSessionOfNewContext(t *testing.T) {
	_, ok := authkit.FromContext(t.Context())
	assert.False(t, ok)
	assert.NoError(t, authkit.ErrorFromContext(t.Context()))

	one, two := authkit.NewSession(authkit.SessionParams{ID: "one"}), authkit.NewSession(authkit.SessionParams{ID: "two"})
	ctx := authkit.NewContext(authkit.NewContext(t.Context(), one), two)
	s, ok := authkit.FromContext(ctx)
	assert.True(t, ok)
	assert.Same(t, two, s)
	s, ok = authkit.FromContext(authkit.NewContext(ctx, nil))
	assert.False(t, ok)
	assert.Nil(t, s)
}

func TestAGuardTrustsASessionOfNewContextButNotOfAnotherAuthKit(t *testing.T) {
	a := NewApp(t, AppOptions{})
	other := NewInstance(t, a.Fake, a.Clock, AppOptions{AuthKit: []authkit.Option{authkit.WithCookieName("other-session")}})
	body := func(handler http.Handler, cookie string) string {
		a.Server.Config.Handler = handler
		return a.Send(Request{Target: "/", Cookie: cookie}).Body
	}
	show := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := authkit.FromContext(r.Context())
		io.WriteString(w, "hello "+s.UserID())
	})
	inject := func(s *authkit.Session, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(authkit.NewContext(r.Context(), s)))
		})
	}
	robot := authkit.NewSession(authkit.SessionParams{User: authkit.User{ID: "user_robot"}})
	cookie := a.SignedIn(Kim).CookieHeader()

	assert.Equal(t, "hello user_robot", body(inject(robot, a.RequireAuth(show)), ""))
	assert.Equal(t, "hello user_robot", body(inject(robot, a.Middleware(other.RequireAuth(show))), cookie), "NewContext outside the middleware")
	assert.Equal(t, "hello user_robot", body(a.Middleware(inject(robot, a.RequireAuth(show))), cookie), "NewContext inside the middleware")
	assert.NotContains(t, body(a.Middleware(inject(nil, a.RequireAuth(show))), cookie), "hello", "a nil session is anonymous")
	assert.NotContains(t, body(a.Middleware(other.RequireAuth(show)), cookie), "hello", "the session of another AuthKit")
	assert.Equal(t, "hello user_kim", body(other.Middleware(a.RequireAuth(show)), cookie), "its own session, although another AuthKit found none")
}
