// Accept: which of several credentials decides about a request, for each set of kinds that a route accepts.

package behaviour

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/resource"
)

// acceptingApp is an application with one route for each set of kinds: S for sessions, K for API keys and R for tokens of
// Connect. A route needs the permission or the scope posts:read. The same routes are below /bare without the middleware.
type acceptingApp struct {
	*App
	api  *resource.Server
	bare *http.ServeMux
}

// acceptedKinds are the sets of kinds, in the order of the columns of the tables.
var acceptedKinds = []string{"S", "K", "R", "SK", "SR", "KR", "SKR"}

// theAPI is the resource of an acceptingApp.
const theAPI = "https://api.example.com/posts"

const apiMetadata = `resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/posts"`

func newAcceptingApp(t testing.TB, opts ...authkit.Option) *acceptingApp {
	t.Helper()
	c := &acceptingApp{bare: http.NewServeMux()}
	c.App = NewApp(t, AppOptions{
		AuthKit: opts,
		Fake:    []authkittest.Option{authkittest.WithScopes("posts:read", "posts:write")},
		Routes:  func(a *App, mux *http.ServeMux) { c.addRoutes(a, mux) },
	})
	inner := c.Server.Config.Handler
	c.Server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/bare/") {
			c.bare.ServeHTTP(w, r)
			return
		}
		inner.ServeHTTP(w, r)
	})
	c.Fake.UpdateUser(lee, func(p *authkittest.User) {
		p.Memberships = []authkittest.Membership{{OrganizationID: "org_elsewhere", Role: "member", Permissions: []string{"posts:read"}}}
	})
	return c
}

func (c *acceptingApp) addRoutes(a *App, mux *http.ServeMux) {
	c.makeAPI(a)
	for _, kinds := range acceptedKinds {
		guard := a.Accept(c.credentials(kinds, "posts:read")...)
		mux.Handle("/"+kinds, guard(http.HandlerFunc(found)))
		c.bare.Handle("/bare/"+kinds, guard(http.HandlerFunc(found)))
	}
}

// acceptAll returns all kinds of credentials, each with the rights.
func acceptAll(a *App, rights ...string) []authkit.Credential {
	c := &acceptingApp{App: a}
	c.makeAPI(a)
	return c.credentials("SKR", rights...)
}

// makeAPI makes the resource.Server. Machines have the audience of the environment.
func (c *acceptingApp) makeAPI(a *App) {
	var err error
	c.api, err = resource.New(a.Fake.URL(), theAPI, resource.WithClock(a.Clock), resource.WithAudiences(a.Fake.ClientID()))
	require.NoError(a.T, err)
}

// credentials returns what a route accepts. Each kind needs all of the rights.
func (c *acceptingApp) credentials(kinds string, rights ...string) (accepted []authkit.Credential) {
	for _, kind := range kinds {
		switch kind {
		case 'S':
			accepted = append(accepted, authkit.Sessions(rights...))
		case 'K':
			accepted = append(accepted, authkit.APIKeys(rights...))
		case 'R':
			accepted = append(accepted, authkit.ResourceTokens(c.api, rights...))
		}
	}
	return accepted
}

// found answers with all credentials that a handler finds.
func found(w http.ResponseWriter, r *http.Request) {
	if s, ok := authkit.FromContext(r.Context()); ok {
		fmt.Fprintf(w, "[session of %s by bearer %v]", s.UserID(), s.FromBearerToken())
	}
	if key, ok := authkit.APIKeyFromContext(r.Context()); ok {
		fmt.Fprintf(w, "[key %s]", key.Name)
	}
	if token, ok := resource.FromContext(r.Context()); ok {
		fmt.Fprintf(w, "[token of %q]", token.UserID())
	}
	io.WriteString(w, "[end]")
}

// outcomes are what the letters of a table mean: the credential that the handler finds, or an error of a 401.
var outcomes = map[byte]string{
	's': "[session of user_kim by bearer false][end]",
	'b': "[session of user_lee by bearer true][end]",
	'k': "[key ci][end]",
	't': `[token of "user_lee"][end]`,
	'm': `[token of ""][end]`,
	'n': "401 without an error code",
	'i': "401 invalid_token",
}

// outcomeOf returns the outcome of a response.
func outcomeOf(resp Response) string {
	challenge := strings.Join(resp.Header.Values("WWW-Authenticate"), ", ")
	switch {
	case resp.Status == http.StatusOK:
		return resp.Body
	case resp.Status == http.StatusUnauthorized && strings.Contains(challenge, `error="invalid_token"`):
		return outcomes['i']
	case resp.Status == http.StatusUnauthorized && !strings.Contains(challenge, "error="):
		return outcomes['n']
	default:
		return fmt.Sprint(resp.Status, " ", challenge)
	}
}

// requests returns a request of each kind of caller. Kim has the cookie and Lee has the tokens.
func (c *acceptingApp) requests() map[string]Request {
	c.T.Helper()
	id, _ := c.Fake.AddMachine("org_acme", "posts:read")
	token := c.Fake.ResourceToken(lee, theAPI)
	headers := map[string][]string{
		"session token": {"Bearer " + c.Fake.BearerToken(lee)}, "API key": {"Bearer " + c.addKey("ci", "posts:read")},
		"resource token": {"bearer  " + token}, "machine token": {"Bearer " + c.Fake.MachineToken(id)},
		"garbage": {"Bearer garbage"}, "nothing behind Bearer": {"Bearer"}, "Basic": {"Basic a2ltOmtpbQ=="},
		"two headers": {"Bearer " + token, "Bearer " + token}, "Basic before Bearer": {"Basic a2ltOmtpbQ==", "Bearer " + token},
	}
	cookie := c.SignedIn(Kim).CookieHeader()
	requests := map[string]Request{"no credential": {}, "cookie": {Cookie: cookie}}
	for name, values := range headers {
		requests[name] = Request{Header: http.Header{"Authorization": values}}
		requests["cookie and "+name] = Request{Header: http.Header{"Authorization": values}, Cookie: cookie}
	}
	return requests
}

// withBearerTokens and withoutBearerTokens have a row for each kind of caller and a column for each of acceptedKinds.
var (
	withBearerTokens = map[string]string{
		"no credential": "nnnnnnn", "cookie": "snnssns",
		"session token": "biibbib", "cookie and session token": "biibbib",
		"API key": "nkiknkk", "cookie and API key": "skikskk",
		"resource token": "iitittt", "cookie and resource token": "iitittt",
		"machine token": "iimimmm", "cookie and machine token": "iimimmm",
		"garbage": "iiiiiii", "cookie and garbage": "iiiiiii",
		"nothing behind Bearer": "iiiiiii", "cookie and nothing behind Bearer": "iiiiiii",
		"Basic": "nnnnnnn", "cookie and Basic": "snnssns",
		"two headers": "iiiiiii", "cookie and two headers": "iiiiiii",
		"Basic before Bearer": "nniniii", "cookie and Basic before Bearer": "snisiii",
	}
	// Without WithBearerTokens, a route of sessions accepts no bearer value, so that it ignores them.
	withoutBearerTokens = map[string]string{
		"no credential": "nnnnnnn", "cookie": "snnssns",
		"session token": "niiniii", "cookie and session token": "siisiii",
		"API key": "nkiknkk", "cookie and API key": "skikskk",
		"resource token": "nitnttt", "cookie and resource token": "sitsttt",
		"machine token": "nimnmmm", "cookie and machine token": "simsmmm",
		"garbage": "niiniii", "cookie and garbage": "siisiii",
		"nothing behind Bearer": "niiniii", "cookie and nothing behind Bearer": "siisiii",
		"Basic": "nnnnnnn", "cookie and Basic": "snnssns",
		"two headers": "niiniii", "cookie and two headers": "siisiii",
		"Basic before Bearer": "nniniii", "cookie and Basic before Bearer": "snisiii",
	}
)

func TestAcceptLetsOneCredentialDecide(t *testing.T) {
	for name, c := range map[string]struct {
		app  *acceptingApp
		rows map[string]string
	}{
		"with bearer tokens":    {newAcceptingApp(t, authkit.WithBearerTokens()), withBearerTokens},
		"without bearer tokens": {newAcceptingApp(t), withoutBearerTokens},
	} {
		requests := c.app.requests()
		require.Len(t, c.rows, len(requests))
		for caller, q := range requests {
			for column, kinds := range acceptedKinds {
				for _, prefix := range []string{"/", "/bare/"} {
					t.Run(name+", "+caller+", "+prefix+kinds, func(t *testing.T) {
						q.Target = prefix + kinds
						header := Scripted()
						maps.Copy(header, q.Header)
						q.Header = header
						resp := c.app.Send(q)
						assert.Equal(t, outcomes[c.rows[caller][column]], outcomeOf(resp))
						checkAccepted(t, resp, kinds)
					})
				}
			}
		}
	}
}

// checkAccepted checks the header fields that every response of a route has.
func checkAccepted(t *testing.T, resp Response, kinds string) {
	t.Helper()
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
	assert.Empty(t, resp.SetCookies(t))
	if kinds != "S" {
		assert.Contains(t, strings.Join(resp.Header.Values("Vary"), ", "), "Authorization")
	}
	if resp.Status != http.StatusUnauthorized {
		assert.Empty(t, resp.Header.Values("WWW-Authenticate"))
		return
	}
	assert.Equal(t, "unauthenticated", resp.Problem(t)["code"])
	challenge := resp.Header.Get("WWW-Authenticate")
	if strings.Contains(kinds, "R") {
		assert.Contains(t, challenge, `scope="posts:read", `+apiMetadata)
		assert.Len(t, resp.Header.Values("WWW-Authenticate"), 1)
	} else {
		assert.NotContains(t, challenge, "resource_metadata")
	}
}

func TestAcceptRedirectsANavigationWhereSessionsAreAccepted(t *testing.T) {
	c := newAcceptingApp(t, authkit.WithBearerTokens())
	for _, kinds := range acceptedKinds {
		resp := c.Send(Request{Target: "/" + kinds, Header: Navigation()})
		if strings.Contains(kinds, "S") {
			assert.Equal(t, http.StatusSeeOther, resp.Status, kinds)
			assert.Contains(t, resp.Header.Get("Location"), "/user_management/authorize?", kinds)
		} else {
			assert.Equal(t, http.StatusUnauthorized, resp.Status, kinds)
		}
		refused := c.Send(Request{Target: "/" + kinds, Header: with(Navigation(), "Authorization", "Bearer garbage")})
		assert.Equal(t, http.StatusUnauthorized, refused.Status, "%s: a program sent the token", kinds)
	}
}
