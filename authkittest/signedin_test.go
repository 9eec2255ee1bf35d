// SignedInClient, Browser.SignIn, and the options and methods of Server.

package authkittest_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestSignedInClientCompletesTheCallback(t *testing.T) {
	a := newApp(t)
	for _, email := range []string{ada, "chiara@example.com"} {
		client := a.SignedInClient(t, a.server.URL+"/login", email)
		response, err := client.Get(a.authorizeURL(nil)) // the client is signed in at the fake, too
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, http.StatusOK, response.StatusCode)
	}
	assert.Equal(t, 4, a.Calls(authkittest.RouteAuthorize))
}

func TestSignInReturnsAnErrorThatNamesTheCause(t *testing.T) {
	a := newApp(t)
	cases := map[string]struct {
		loginURL, email, want string
	}{
		"there is no sign-in page":                     {a.server.URL + "/callback?code=secret", ada, "did not redirect to a sign-in page that offers \"" + ada + "\""},
		"the user does not exist":                      {a.server.URL + "/login", "nobody@example.com", `did not redirect to a sign-in page that offers "nobody@example.com"`},
		"the login URL leads to the sign-up page":      {a.authorizeURL(map[string]string{"screen_hint": "sign-up"}), "new@example.com", "redirected to a sign-up page, "},
		"the login URL refuses connections":            {"http://127.0.0.1:1/login?x=secret", ada, "http://127.0.0.1:1/login: dial"},
		"the application answers 404":                  {a.authorizeURL(map[string]string{"redirect_uri": a.server.URL + "/missing"}), ada, "the application answered 404 " + a.server.URL + "/missing"},
		"AuthKit does not redirect to the application": {a.authorizeURL(map[string]string{"redirect_uri": a.URL() + "/signed-out"}), ada, "did not redirect back to the application"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := newBrowser(t).SignIn(c.loginURL, c.email)
			require.ErrorContains(t, err, c.want)
			assert.NotContains(t, err.Error(), "secret")
		})
	}
}

// recorder is a testing.TB that records a failure and does not fail the test.
type recorder struct {
	testing.TB
	failure any
}

func (r *recorder) Helper()        {}
func (r *recorder) Fatal(a ...any) { r.failure = a[0]; panic(r) }

func TestSignedInClientFailsTheTestIfTheSignInFails(t *testing.T) {
	a := newApp(t)
	fails := &recorder{TB: t}
	assert.Panics(t, func() { a.SignedInClient(fails, a.server.URL+"/login", "nobody@example.com") })
	assert.ErrorContains(t, fails.failure.(error), "nobody@example.com")
	assert.Panics(t, func() { authkittest.New(fails, authkittest.WithAddr("0.0.0.0:0")) })
	assert.ErrorContains(t, fails.failure.(error), "must be 127.0.0.1:port")
}

func TestTwoUsersCannotHaveTheSameEmailAddress(t *testing.T) {
	_, err := authkittest.Start(authkittest.WithUsers(authkittest.User{Email: ada}, authkittest.User{Email: "ADA@harborpress.test"}))
	require.ErrorContains(t, err, "two users")
	f := authkittest.New(t)
	assert.Panics(t, func() { f.AddUser(authkittest.User{Email: ada}) })
	assert.Panics(t, func() { f.UpdateUser("nobody@example.com", func(*authkittest.User) {}) })
	assert.Panics(t, func() { f.RevokeSession("session_none") })
}

func TestSeededUsersHaveStableIDsAndAreCopied(t *testing.T) {
	seed := authkittest.User{Email: "kim@acme.test", Memberships: []authkittest.Membership{{OrganizationID: "org_acme", Roles: []string{"owner", "billing"}}}}
	a := newApp(t, authkittest.WithUsers(seed), authkittest.WithOrganizations(authkittest.Organization{Name: "Other"}))
	b := authkittest.New(t, authkittest.WithUsers(seed))
	assert.Equal(t, a.Users(), b.Users(), "the same user has the same ID in every fake")
	assert.Equal(t, "org_acme", a.Organizations()[1].Name)
	seed.Memberships[0].Roles[0] = "changed"
	a.Users()[0].Memberships[0].Roles[0] = "changed"
	claims, err := a.claims(a.signIn("kim@acme.test").text("access_token"))
	require.NoError(t, err)
	assert.Equal(t, "owner", claims["role"])
	assert.Equal(t, []any{"owner", "billing"}, claims["roles"])
	added := a.AddUser(authkittest.User{Email: "lee@acme.test"})
	assert.Equal(t, added, a.Users()[1])
}

func TestEnvPointsAtTheFakeAndThePrintedFakeShowsNoKey(t *testing.T) {
	f := authkittest.New(t)
	f.Setenv(t)
	env := f.Env()
	assert.Equal(t, f.URL(), "http://"+env["WORKOS_API_HOSTNAME"]+":"+env["WORKOS_API_PORT"])
	assert.Equal(t, "false", env["WORKOS_API_HTTPS"])
	assert.Equal(t, f.APIKey(), env["WORKOS_API_KEY"])
	assert.Equal(t, f.ClientID(), env["WORKOS_CLIENT_ID"])
	assert.NotEqual(t, f.APIKey(), authkittest.New(t).APIKey())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.NotContains(t, fmt.Sprintf(verb, f), f.APIKey())
	}
}

func TestWithoutAClockTheFakeUsesRealTime(t *testing.T) {
	f := authkittest.New(t)
	f.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Delay: 1, Status: 418})
	response, err := http.Get(f.URL() + "/sso/jwks/" + f.ClientID())
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, 418, response.StatusCode)
}

func TestAwaitCallsCountsEarlierCalls(t *testing.T) {
	a := newApp(t)
	a.signIn("Ada")
	a.AwaitCalls(t, authkittest.RouteCodeExchange, 1)
	session, found := a.Session(a.Sessions()[0].ID)
	assert.True(t, found)
	assert.Equal(t, ada, session.Email)
	_, found = a.Session("session_none")
	assert.False(t, found)
}

func TestMarkupFromARequestIsEscapedOnTheErrorPage(t *testing.T) {
	f := authkittest.New(t)
	response, err := http.Get(f.URL() + "/user_management/authorize?client_id=" + f.ClientID() + "&redirect_uri=%3Cscript%3E")
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Contains(t, string(body), "&lt;script&gt;")
	assert.NotContains(t, string(body), "<script>")
}
