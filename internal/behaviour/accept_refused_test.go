// Accept: how a request is refused that has a credential, and what its error matches.

package behaviour

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/resource"
)

// failedRequests collects what an error handler receives, and answers as the default does.
type failedRequests struct {
	mu   sync.Mutex
	last authkit.Failure
}

func (f *failedRequests) option() authkit.Option {
	return authkit.WithErrorHandler(func(w http.ResponseWriter, r *http.Request, failure authkit.Failure) {
		f.mu.Lock()
		f.last = failure
		f.mu.Unlock()
		failure.ServeHTTP(w, r)
	})
}

func TestAcceptNamesTheRightThatACredentialLacks(t *testing.T) {
	var failed failedRequests
	c := newAcceptingApp(t, authkit.WithBearerTokens(), failed.option())
	c.Mux.Handle("/write", c.Accept(c.credentials("SKR", "posts:read", "posts:burn")...)(http.HandlerFunc(found)))
	tokenOfLee := c.Fake.ResourceToken(lee, theAPI, authkittest.Claims{"scope": "posts:read openid"})
	for name, q := range map[string]struct {
		request   Request
		missing   string
		challenge string
		matches   []error
	}{
		"cookie":        {Request{Cookie: c.SignedIn(Kim).CookieHeader()}, "permission posts:burn", "", nil},
		"session token": {Request{Header: Bearer(c.Fake.BearerToken(lee))}, "permission posts:burn", "", nil},
		"API key": {Request{Header: Bearer(c.addKey("ci", "posts:read"))}, "permission posts:burn",
			`Bearer error="insufficient_scope", error_description="The API key lacks a permission"`, nil},
		"resource token": {Request{Header: Bearer(tokenOfLee)}, "scope posts:burn",
			`Bearer error="insufficient_scope", error_description="The access token lacks the scope posts:burn.", scope="posts:read posts:burn openid", ` + apiMetadata,
			[]error{resource.ErrInsufficientScope}},
		"resource token and cookie": {Request{Header: Bearer(tokenOfLee), Cookie: c.SignedIn(Kim).CookieHeader()}, "scope posts:burn",
			`Bearer error="insufficient_scope", error_description="The access token lacks the scope posts:burn.", scope="posts:read posts:burn openid", ` + apiMetadata,
			[]error{resource.ErrInsufficientScope}},
	} {
		q.request.Target = "/write"
		resp := c.Send(q.request)
		require.Equal(t, http.StatusForbidden, resp.Status, name)
		assert.Equal(t, q.missing, resp.Problem(t)["missing"], name)
		assert.Contains(t, resp.Problem(t)["detail"], q.missing, name)
		assert.Equal(t, q.challenge, resp.Header.Get("WWW-Authenticate"), name)
		for _, target := range append(q.matches, authkit.ErrForbidden) {
			assert.ErrorIs(t, failed.last.Err, target, name)
		}
	}
	var scope *resource.ScopeError
	c.Send(Request{Target: "/write", Header: Bearer(tokenOfLee)})
	require.ErrorAs(t, failed.last.Err, &scope)
	assert.Equal(t, []string{"posts:burn"}, scope.Missing)
}

func TestARefusalOfAcceptMatchesTheErrorsOfBothPackages(t *testing.T) {
	var failed failedRequests
	c := newAcceptingApp(t, authkit.WithBearerTokens(), failed.option())
	expired := c.Fake.ResourceToken(lee, theAPI, authkittest.Claims{"exp": Start.Add(-2 * time.Minute)})
	for name, q := range map[string]struct {
		target  string
		header  http.Header
		matches []error
	}{
		"no credential":            {"/SKR", nil, []error{resource.ErrNoToken}},
		"no credential for a path": {"/R", nil, []error{resource.ErrNoToken}},
		"an expired token":         {"/SKR", Bearer(expired), []error{resource.ErrInvalidToken, jwks.ErrExpired}},
		"another audience":         {"/SKR", Bearer(c.Fake.ResourceToken(lee, "https://other.example.com/")), []error{resource.ErrInvalidToken}},
		"a foreign token":          {"/KR", Bearer(c.Fake.ResourceToken(lee, theAPI, authkittest.Claims{"iss": "https://evil.example"})), []error{resource.ErrInvalidToken}},
		"a key where none is":      {"/R", Bearer("sk_nonsense"), []error{resource.ErrInvalidToken}},
	} {
		resp := c.Send(Request{Target: q.target, Header: q.header})
		assert.Equal(t, http.StatusUnauthorized, resp.Status, name)
		assert.Equal(t, "unauthenticated", failed.last.Code, name)
		for _, target := range append(q.matches, authkit.ErrUnauthenticated) {
			assert.ErrorIs(t, failed.last.Err, target, name)
		}
	}
	resp := c.Send(Request{Target: "/SKR", Header: Bearer(expired)})
	assert.Contains(t, resp.Header.Get("WWW-Authenticate"), `error="invalid_token", error_description="The access token has expired."`)
	resp = c.Send(Request{Target: "/SKR", Header: Bearer(c.Fake.BearerToken(lee, authkittest.Claims{"exp": Start.Add(-2 * time.Minute)}))})
	assert.Contains(t, resp.Header.Get("WWW-Authenticate"), `error="invalid_token", error_description="The access token expired", scope=`, "a session token")
}

func TestTheBodyOfARefusalSaysWhatIsWrongWithTheCredential(t *testing.T) {
	var failed failedRequests
	c := newAcceptingApp(t, authkit.WithBearerTokens(), failed.option())
	c.Mux.Handle("/key", c.RequireAPIKey("posts:burn")(http.HandlerFunc(found)))
	past := authkittest.Claims{"exp": Start.Add(-2 * time.Minute)}
	for name, q := range map[string]struct {
		target     string
		credential string
		status     int
		detail     string
	}{
		"an expired token of Connect":      {"/SKR", c.Fake.ResourceToken(lee, theAPI, past), 401, "The access token has expired."},
		"a token of Connect for another":   {"/SKR", c.Fake.ResourceToken(lee, "https://other.example.com/"), 401, "The access token was not issued for this resource."},
		"a token of Connect without scope": {"/SKR", c.Fake.ResourceToken(lee, theAPI, authkittest.Claims{"scope": "openid"}), 403, "The access token lacks the scope posts:read."},
		"a foreign token":                  {"/KR", c.Fake.ResourceToken(lee, theAPI, authkittest.Claims{"iss": "https://evil.example"}), 401, "The access token is not accepted."},
		"an expired token of a session":    {"/SKR", c.Fake.BearerToken(lee, past), 401, "The access token expired."},
		"an expired token at RequireAuth":  {"/account", c.Fake.BearerToken(lee, past), 401, "The access token expired."},
		"an unknown key":                   {"/SKR", "sk_unknown", 401, "The API key is not valid."},
		"an unknown key at RequireAPIKey":  {"/key", "sk_unknown", 401, "The API key is not valid."},
		"a key without the permission":     {"/SKR", c.addKey("weak", "posts:write"), 403, "The API key lacks: permission posts:read."},
		"such a key at RequireAPIKey":      {"/key", c.addKey("ci", "posts:read"), 403, "The API key lacks: permission posts:burn."},
		"a key where none is accepted":     {"/R", "sk_unknown", 401, "A credential of this kind is not accepted here."},
		"no credential":                    {"/SKR", "", 401, "You are not signed in, or your session has ended."},
	} {
		request := Request{Target: q.target}
		if q.credential != "" {
			request.Header = Bearer(q.credential)
		}
		resp := c.Send(request)
		assert.Equal(t, q.status, resp.Status, name)
		assert.Equal(t, q.detail, resp.Problem(t)["detail"], name)
		assert.Equal(t, q.detail, failed.last.Detail, name)
		if q.credential != "" {
			assert.NotContains(t, failed.last.Err.Error(), q.credential, "%s: no error contains a credential", name)
		}
	}
	_, err := c.VerifyToken(t.Context(), c.Fake.BearerToken(lee, past))
	require.ErrorIs(t, err, authkit.ErrUnauthenticated)
	assert.ErrorContains(t, err, "The access token expired")
}

func TestAcceptAnswers503IfACredentialCannotBeChecked(t *testing.T) {
	var failed failedRequests
	c := newAcceptingApp(t, authkit.WithBearerTokens(), failed.option())
	for _, route := range []authkittest.Route{authkittest.RouteOAuthJWKS, authkittest.RouteJWKS, authkittest.RouteValidateAPIKey} {
		c.Fake.InjectFault(route, authkittest.Fault{Status: http.StatusServiceUnavailable})
	}
	for name, token := range map[string]string{
		"resource token": c.Fake.ResourceToken(lee, theAPI), "session token": c.Fake.BearerToken(lee), "API key": c.addKey("ci", "posts:read"),
	} {
		for _, prefix := range []string{"/", "/bare/"} {
			resp := c.Send(Request{Target: prefix + "SKR", Header: Bearer(token)})
			assert.Equal(t, http.StatusServiceUnavailable, resp.Status, name)
			assert.NotEmpty(t, resp.Header.Get("Retry-After"), name)
			assert.Empty(t, resp.Header.Get("WWW-Authenticate"), name)
			assert.ErrorIs(t, failed.last.Err, authkit.ErrUnavailable, name)
			assert.Equal(t, name == "resource token", errors.Is(failed.last.Err, resource.ErrUnavailable), name)
		}
	}
	c.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"20"}}, Body: `{"message":"slow down"}`})
	c.Clock.Advance(time.Minute)
	resp := c.Send(Request{Target: "/SKR", Header: Bearer("sk_guess")})
	assert.Equal(t, http.StatusTooManyRequests, resp.Status)
	assert.Equal(t, "20", resp.Header.Get("Retry-After"))
}

func TestTheMiddlewareLeavesATokenOfConnectToItsGuard(t *testing.T) {
	c := newAcceptingApp(t, authkit.WithBearerTokens())
	token := c.Fake.ResourceToken(lee, theAPI)
	for range 3 {
		require.Equal(t, http.StatusOK, c.Send(Request{Target: "/SKR", Header: Bearer(token)}).Status)
	}
	resp := c.Send(Request{Target: "/account", Header: Bearer(token)})
	assert.Equal(t, http.StatusUnauthorized, resp.Status, "it is no session")
	assert.Equal(t, `Bearer error="invalid_token", error_description="The access token is not accepted"`, resp.Header.Get("WWW-Authenticate"))
	assert.Zero(t, c.Fake.Calls(authkittest.RouteJWKS), "no key of the session tokens was needed")
	assert.Equal(t, 1, c.Fake.Calls(authkittest.RouteOAuthJWKS))
	assert.NotContains(t, c.Logs.String(), "bearer token refused")
}

// Custom domains can give session tokens and tokens of Connect one issuer. The fake signs both with the same keys.
func TestAcceptTellsSessionTokensAndTokensOfConnectWithOneIssuerApart(t *testing.T) {
	c := newAcceptingApp(t, authkit.WithBearerTokens("client_assistant"))
	of := authkittest.Claims{"iss": c.Fake.URL()}
	id, _ := c.Fake.AddMachine("org_acme", "posts:read")
	assistant := authkittest.Claims{"client_id": "client_assistant"}    // accepted as a client of session tokens too
	for name, row := range map[string]struct{ token, outcomes string }{ // at acceptedKinds
		"a session token": {c.Fake.BearerToken(lee, of), "biibbib"},
		"a session token with the audience of the API": {c.Fake.BearerToken(lee, of, authkittest.Claims{"aud": theAPI}), "biibbib"},
		"a session token with a scope":                 {c.Fake.BearerToken(lee, of, authkittest.Claims{"aud": theAPI, "scope": "posts:read"}), "biibbib"},
		"a session token with another sid":             {c.Fake.BearerToken(lee, of, authkittest.Claims{"aud": theAPI, "sid": "own_1"}), "xi3x333"},
		"a token of Connect":                           {c.Fake.ResourceToken(lee, theAPI, assistant), "iitittt"},
		"a token of Connect without a sid":             {c.Fake.ResourceToken(lee, theAPI, assistant, authkittest.Claims{"sid": nil}), "iitittt"},
		"a token of Connect without a scope":           {c.Fake.ResourceToken(lee, theAPI, assistant, authkittest.Claims{"scope": nil}), "xi3x333"},
		"a token of Connect with the sid of a session": {c.Fake.ResourceToken(lee, theAPI, assistant, authkittest.Claims{"sid": "session_1"}), "3ii33i3"},
		"a token of Connect whose sid is a number":     {c.Fake.ResourceToken(lee, theAPI, assistant, authkittest.Claims{"sid": 1}), "iiiiiii"},
		"a machine's token":                            {c.Fake.MachineToken(id), "iimimmm"},
		"a machine's token without a scope":            {c.Fake.MachineToken(id, authkittest.Claims{"scope": nil}), "ii3i333"},
	} {
		for column, kinds := range acceptedKinds {
			want := row.outcomes[column]
			if want == 'x' {
				continue // a route without tokens of Connect decides as RequireAuth does
			}
			for _, prefix := range []string{"/", "/bare/"} {
				resp := c.Send(Request{Target: prefix + kinds, Header: Bearer(row.token)})
				if want == '3' {
					assert.Equal(t, http.StatusForbidden, resp.Status, "%s at %s%s", name, prefix, kinds)
					continue
				}
				assert.Equal(t, outcomes[want], outcomeOf(resp), "%s at %s%s", name, prefix, kinds)
			}
		}
	}
}

func TestVerifyTokenRefusesATokenOfConnectAsTheMiddlewareDoes(t *testing.T) {
	c := newAcceptingApp(t, authkit.WithBearerTokens("client_assistant"))
	token := c.Fake.ResourceToken(lee, theAPI, authkittest.Claims{"client_id": "client_assistant"}) // its issuer is also one of session tokens
	assert.Equal(t, http.StatusUnauthorized, c.Send(Request{Target: "/account", Header: Bearer(token)}).Status)
	_, err := c.VerifyToken(t.Context(), token)
	assert.ErrorIs(t, err, authkit.ErrUnauthenticated)
	session, err := c.VerifyToken(t.Context(), c.Fake.BearerToken(lee, authkittest.Claims{"iss": c.Fake.URL()}))
	require.NoError(t, err)
	assert.Equal(t, "user_lee", session.UserID())
}

func TestAcceptChoosesBetweenTwoResourcesByTheIssuer(t *testing.T) {
	c := newAcceptingApp(t, authkit.WithBearerTokens())
	other := authkittest.New(t, authkittest.WithClock(c.Clock), authkittest.WithScopes("posts:read"),
		authkittest.WithUsers(authkittest.User{ID: "user_mia", Email: "mia@example.com"}))
	second, err := resource.New(other.URL(), "https://api.example.com/second", resource.WithClock(c.Clock))
	require.NoError(t, err)
	guard := c.Accept(authkit.ResourceTokens(c.api, "posts:read"), authkit.ResourceTokens(second, "posts:write"), authkit.Sessions())
	c.Mux.Handle("/two", guard(http.HandlerFunc(found)))

	assert.Equal(t, outcomes['t'], c.Send(Request{Target: "/two", Header: Bearer(c.Fake.ResourceToken(lee, theAPI))}).Body)
	resp := c.Send(Request{Target: "/two", Header: Bearer(other.ResourceToken("mia@example.com", "https://api.example.com/second", authkittest.Claims{"scope": "posts:write"}))})
	assert.Equal(t, `[token of "user_mia"][end]`, resp.Body)
	resp = c.Send(Request{Target: "/two", Header: Bearer(other.ResourceToken("mia@example.com", "https://api.example.com/second", authkittest.Claims{"scope": nil}))})
	assert.Equal(t, http.StatusForbidden, resp.Status, "an issuer of no session tokens needs no other mark")
	resp = c.Send(Request{Target: "/two", Header: Bearer(other.ResourceToken("mia@example.com", theAPI))})
	assert.Equal(t, http.StatusUnauthorized, resp.Status, "the audience of the first and the issuer of the second")
	assert.Contains(t, resp.Header.Get("WWW-Authenticate"), "/oauth-protected-resource/second")
	resp = c.Send(Request{Target: "/two", Header: Bearer("garbage")})
	require.Len(t, resp.Header.Values("WWW-Authenticate"), 2, "one challenge for each")
	for i, end := range []string{`scope="posts:read", ` + apiMetadata, `scope="posts:write", ` + strings.ReplaceAll(apiMetadata, "/posts", "/second")} {
		assert.Equal(t, `Bearer error="invalid_token", error_description="The access token is not accepted", `+end, resp.Header.Values("WWW-Authenticate")[i])
	}
}
