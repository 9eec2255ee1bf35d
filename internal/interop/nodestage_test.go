// The fake that calls.mjs calls, and a server for what no call of the API can do.

package interop_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// newNodeFake starts the fake of one run of calls.mjs. Its users are those that no call can create.
func newNodeFake(t *testing.T, clock *authkittest.FakeClock) *authkittest.Server {
	t.Helper()
	member := []authkittest.Membership{{OrganizationID: "org_sso"}}
	fake := authkittest.New(t, authkittest.WithClock(clock), authkittest.WithOAuthTokens("GoogleOAuth"), authkittest.WithRole("member"), authkittest.WithRole("admin"),
		authkittest.WithOrganizations(authkittest.Organization{ID: "org_sso", Name: "SSO", RequireSSO: true, Connections: []string{"conn_sso"}}),
		authkittest.WithUsers(
			authkittest.User{Email: "sso@example.com", Password: authkittest.DefaultPassword, Memberships: member},
			authkittest.User{Email: "enroll@example.com", Password: authkittest.DefaultPassword, RequireMFA: true},
			authkittest.User{Email: "identities@example.com", Identities: []authkittest.Identity{
				{Provider: "GoogleOAuth", ID: "google-7"}, {Provider: "GitHubOAuth", ID: "github-7"},
			}},
		))
	fake.AddDataProvider(authkittest.DataProvider{Slug: "github", Name: "GitHub", Description: "Repositories", Scopes: []string{"repo", "user:email"}})
	fake.AddFeatureFlag(authkittest.FeatureFlag{Slug: "for-all", Enabled: true, Default: true})
	return fake
}

// stageRequest is what calls.mjs asks the stage for. The path says what it is.
type stageRequest struct {
	URL   string `json:"url"`   // sign-in: an authorization request
	Email string `json:"email"` // sign-in, impersonate
	To    string `json:"to"`    // mail: an email address or a phone number

	Authentication string `json:"authentication"` // actions: the endpoint
	Secret         string `json:"secret"`         // actions

	Organization string                     `json:"organization"` // audit-log
	Challenge    authkittest.RadarChallenge `json:"challenge"`    // radar
	Phone        string                     `json:"phone"`        // radar

	Route authkittest.Route // fault
	authkittest.Fault
}

// startStage starts the server that calls.mjs asks for what only a test in Go can do, and returns its URL. The server is also the
// callback of sign-ins.
func startStage(t *testing.T, fake *authkittest.Server) string {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("GET /callback", func(http.ResponseWriter, *http.Request) {})
	answer := func(path string, f func(in stageRequest) (any, error)) {
		mux.HandleFunc("POST /"+path, func(w http.ResponseWriter, r *http.Request) {
			var in stageRequest
			err := json.NewDecoder(r.Body).Decode(&in)
			var out any
			if err == nil {
				out, err = f(in)
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			json.NewEncoder(w).Encode(out)
		})
	}
	answer("sign-in", signInOnStage)
	answer("impersonate", func(in stageRequest) (any, error) {
		callback, err := url.Parse(fake.Impersonate(in.Email, "support@example.com", "ticket 9", server.URL+"/callback"))
		return map[string]string{"code": callback.Query().Get("code")}, err
	})
	answer("mail", func(in stageRequest) (any, error) {
		mail := fake.LastMail(in.To)
		return map[string]string{"code": mail.Code, "token": mail.Token}, nil
	})
	answer("actions", func(in stageRequest) (any, error) {
		fake.SetActions(authkittest.Actions{Authentication: in.Authentication, Secret: in.Secret})
		return nil, nil
	})
	answer("waitlist", func(stageRequest) (any, error) { return fake.AddWaitlist(), nil })
	answer("audit-log", func(in stageRequest) (any, error) { return fake.AuditLogEvents(in.Organization), nil })
	answer("radar", func(in stageRequest) (any, error) {
		fake.UpdateUser(in.Email, func(u *authkittest.User) { u.RadarChallenge, u.PhoneNumber = in.Challenge, in.Phone })
		return nil, nil
	})
	answer("external-auth", func(stageRequest) (any, error) { return map[string]string{"id": fake.StartExternalAuth()}, nil })
	answer("fault", func(in stageRequest) (any, error) {
		fake.InjectFault(in.Route, in.Fault)
		return nil, nil
	})
	mux.HandleFunc("POST /flag", func(w http.ResponseWriter, r *http.Request) {
		var flag authkittest.FeatureFlag
		if err := json.NewDecoder(r.Body).Decode(&flag); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fake.AddFeatureFlag(flag)
		json.NewEncoder(w).Encode(nil)
	})
	return server.URL
}

// signInOnStage signs a user in on the pages of the fake. It returns the query of the callback, or the problem that the page shows.
func signInOnStage(in stageRequest) (any, error) {
	b := authkittest.NewBrowser()
	defer b.CloseIdleConnections()
	page, err := b.SignIn(in.URL, in.Email)
	switch {
	case err != nil && b.Page() != nil && b.Page().StatusCode == http.StatusUnprocessableEntity: // an Action denies the sign-in
		return map[string]string{"problem": b.Page().Body}, nil
	case err != nil:
		return nil, err
	}
	query := page.URL.Query()
	return map[string]string{"code": query.Get("code"), "state": query.Get("state")}, nil
}

// runCalls runs calls.mjs with a package of the library and returns what it prints.
func runCalls(t *testing.T, library string) (run nodeRun) {
	t.Helper()
	clock := authkittest.NewFakeClock(time.Now().Truncate(time.Second))
	fake := newNodeFake(t, clock)
	output := nodeOutput(t, map[string]string{
		"url": fake.URL(), "key": fake.APIKey(), "clientId": fake.ClientID(), "stage": startStage(t, fake),
		"now": clock.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
	}, "calls.mjs", library)
	require.NoError(t, json.Unmarshal(output, &run), "%s", output)
	return run
}
