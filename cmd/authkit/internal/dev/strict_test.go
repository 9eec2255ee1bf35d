// The findings of the strict mode, over HTTP.

package dev

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// observed starts a fake whose requests are observed. found returns the findings since the last call.
func observed(t *testing.T) (fake *authkittest.Server, found func() []string) {
	t.Helper()
	var findings []string
	o := &observer{clock: newClock(0), signOut: []string{"http://localhost:8080/"}, report: func(_ request, finding string) { findings = append(findings, finding) }}
	fake = authkittest.New(t, authkittest.WithMiddleware(o.middleware), authkittest.WithRedirectURIs("http://localhost:8080/callback"))
	o.faults = &faults{fake: fake, texts: map[authkittest.Route]string{}}
	o.fake.Store(fake)
	return fake, func() []string {
		fake.Close() // all requests are recorded
		return findings
	}
}

func TestTheStrictModeFindsRequestsThatAreWrong(t *testing.T) {
	authorize := url.Values{"response_type": {"code"}, "redirect_uri": {"http://localhost:8080/callback"}, "provider": {"authkit"}}
	with := func(values url.Values, name string, value ...string) string {
		changed := url.Values{}
		for k, v := range values {
			changed[k] = v
		}
		changed[name] = value
		return changed.Encode()
	}
	for name, tt := range map[string]struct {
		method, path, query, body, form string
		key                             bool // sends the API key
		want                            string
	}{
		"an unregistered redirect URI":  {path: "/user_management/authorize", query: with(authorize, "redirect_uri", "http://localhost:8080/callback/"), want: `"http://localhost:8080/callback/" is not registered`},
		"another client ID":             {path: "/user_management/authorize", query: with(authorize, "client_id", "client_other"), want: `"client_other" is not that of the application`},
		"an unknown parameter":          {path: "/user_management/authorize", query: with(authorize, "return_to", "/"), want: `the parameter "return_to" is unknown; known are response_type`},
		"a repeated parameter":          {path: "/user_management/authorize", query: with(authorize, "state", "a", "b"), want: `the parameter "state" is repeated`},
		"no provider":                   {path: "/user_management/authorize", query: with(authorize, "provider", ""), want: "invalid_connection_selector: One of"},
		"an unknown call":               {path: "/directories", want: "the fake has no such call"},
		"a call that never existed":     {method: "POST", path: "/user_management/sessions/session_1/revoke", want: "use POST /user_management/sessions/revoke"},
		"another old name":              {path: "/user_management/jwks/client_1", want: "use GET /sso/jwks/{client_id}"},
		"a return_to":                   {path: "/user_management/sessions/logout", query: "session_id=session_1&return_to=http%3A%2F%2Flocalhost%3A9%2F", want: "not a registered sign-out redirect"},
		"a deprecated parameter":        {path: "/user_management/users", query: "organization=org_1", key: true, want: `"organization" is deprecated; use organization_id`},
		"no API key":                    {path: "/user_management/users", want: "the API key is missing or wrong"},
		"a list without its filter":     {path: "/user_management/organization_memberships", key: true, want: "refused with 400"},
		"an invalid page size":          {path: "/user_management/users", query: "limit=1000", key: true, want: "refused with 422"},
		"an unknown grant":              {method: "POST", path: "/user_management/authenticate", body: `{"grant_type":"urn:workos:oauth:grant-type:mfa-challenge"}`, want: `"urn:workos:oauth:grant-type:mfa-challenge" is unknown`},
		"an unknown member":             {method: "POST", path: "/user_management/authenticate", body: `{"grant_type":"authorization_code","code":"x","invitation_code":"y"}`, want: `"invitation_code" is unknown for this grant`},
		"an empty secret":               {method: "POST", path: "/user_management/authenticate", form: "grant_type=refresh_token&refresh_token=x&client_secret=", want: "client_secret is empty"},
		"a body that is no object":      {method: "POST", path: "/user_management/authenticate", body: `[]`, want: "neither a JSON object nor a form"},
		"a wrong secret":                {method: "POST", path: "/user_management/authenticate", body: `{"grant_type":"password","client_id":"CLIENT","client_secret":"sk_wrong","email":"ada@harborpress.test","password":"x"}`, want: "refused with 40"},
		"nothing: a dead refresh token": {method: "POST", path: "/user_management/authenticate", body: `{"grant_type":"refresh_token","client_id":"CLIENT","refresh_token":"gone"}`},
		"nothing: an unknown user":      {path: "/user_management/users/user_1", key: true},
		"nothing: a browser's icon":     {path: "/favicon.ico"},
		"nothing: a page":               {path: "/mailbox"},
	} {
		t.Run(name, func(t *testing.T) {
			fake, found := observed(t)
			query := tt.query
			if strings.HasPrefix(tt.path, "/user_management/authorize") && !strings.Contains(query, "client_id=") {
				query += "&client_id=" + fake.ClientID()
			}
			r, err := http.NewRequest(tt.method, fake.URL()+tt.path+"?"+query, strings.NewReader(strings.ReplaceAll(tt.body+tt.form, "CLIENT", fake.ClientID())))
			require.NoError(t, err)
			if tt.form != "" {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			if tt.key {
				r.Header.Set("Authorization", "Bearer "+fake.APIKey())
			}
			client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			response, err := client.Do(r)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			findings := found()
			if tt.want == "" {
				assert.Empty(t, findings)
				return
			}
			require.NotEmpty(t, findings)
			text, _ := json.Marshal(findings)
			assert.NotContains(t, string(text), "sk_wrong")
			assert.Contains(t, strings.Join(findings, "\n"), tt.want)
		})
	}
}

func TestTheStrictModeHasNothingAgainstAuthkit(t *testing.T) {
	var findings []string
	o := &observer{clock: newClock(0), report: func(r request, finding string) { findings = append(findings, r.Method+" "+r.Path+": "+finding) }}
	fake := authkittest.New(t, authkittest.WithMiddleware(o.middleware))
	o.faults = &faults{fake: fake, texts: map[authkittest.Route]string{}}
	o.fake.Store(fake)
	app := fake.ServeApp(t, func(string) http.Handler {
		ak, err := authkit.FromEnv()
		require.NoError(t, err)
		mux := http.NewServeMux()
		mux.Handle("GET /callback", ak.Callback())
		mux.Handle("POST /logout", ak.Logout())
		mux.Handle("POST /organization", ak.SwitchOrganization())
		mux.Handle("GET /account", ak.RequireAuth(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
		return ak.Middleware(mux)
	})
	client := fake.SignedInClient(t, app+"/account", "chiara@example.com")
	for path, form := range map[string]url.Values{"/organization": {"organization_id": {fake.Organizations()[1].ID}}, "/logout": {}} {
		response, err := client.PostForm(app+path, form)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
	}
	api, err := workos.NewClient(fake.ClientID(), workos.WithAPIKey(fake.APIKey()), workos.WithBaseURL(fake.URL()))
	require.NoError(t, err)
	for _, err := range api.ListUsers(t.Context(), workos.ListUsersParams{Email: "ada@harborpress.test"}) {
		require.NoError(t, err)
	}
	_, err = api.GetUser(t.Context(), "user_none")
	require.True(t, workos.IsNotFound(err))
	fake.Close()
	assert.Empty(t, findings)
	requests, count := o.log()
	assert.NotEmpty(t, requests)
	assert.Zero(t, count)
}

func TestARequestThatAFaultAnswersIsNoFinding(t *testing.T) {
	o := &observer{clock: newClock(0)}
	fake := authkittest.New(t, authkittest.WithMiddleware(o.middleware))
	o.faults = &faults{fake: fake, texts: map[authkittest.Route]string{}}
	o.fake.Store(fake)
	for _, text := range []string{"GET /directories=200", "users=422", "keys=reset"} {
		f, err := parseFault(text)
		require.NoError(t, err)
		require.NoError(t, o.faults.inject(f))
	}
	for path, answered := range map[string]bool{"/directories": true, "/user_management/users": true, "/sso/jwks/" + fake.ClientID(): false} {
		response, err := http.Get(fake.URL() + path)
		assert.Equal(t, answered, err == nil, path)
		if err == nil {
			require.NoError(t, response.Body.Close())
		}
	}
	fake.Close()
	requests, findings := o.log()
	assert.Len(t, requests, 3)
	assert.Zero(t, findings, "%v", requests)
}

func TestTheLogOfRequestsIsShortAndHasNoQueries(t *testing.T) {
	o := &observer{clock: newClock(0)}
	for range keptRequests + 10 {
		o.add(request{Path: "/old"})
	}
	o.add(request{Path: "/new", Findings: []string{"a", "b"}})
	requests, findings := o.log()
	assert.Len(t, requests, keptRequests)
	assert.Equal(t, "/new", requests[0].Path)
	assert.Equal(t, 2, findings)
}

func TestWhatABrowserAsksForByItselfIsNoFinding(t *testing.T) {
	fake := authkittest.New(t)
	o := &observer{clock: newClock(0), faults: &faults{fake: fake, texts: map[authkittest.Route]string{}}}
	o.fake.Store(fake)
	server := httptest.NewServer(o.middleware(http.NotFoundHandler()))
	t.Cleanup(server.Close)
	for _, path := range []string{"/favicon.ico", "/.well-known/appspecific/com.chrome.devtools.json", "/apple-touch-icon.png", "/apple-touch-icon-precomposed.png"} {
		response, err := http.Get(server.URL + path)
		require.NoError(t, err)
		response.Body.Close()
		_, findings := o.log()
		assert.Zero(t, findings, path)
	}
}

func TestARefreshBySessionIsToldToAuthenticate(t *testing.T) {
	for _, path := range []string{"/user_management/sessions/refresh", "/sessions/refresh"} {
		c := &call{Request: httptest.NewRequest(http.MethodPost, path, nil)}
		findings := c.check()
		require.Len(t, findings, 1)
		assert.Contains(t, findings[0], "use POST /user_management/authenticate with the grant refresh_token", path)
	}
}
