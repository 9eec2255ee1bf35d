// Every route of the fake, called by the client of package workos through a proxy: with success and with a refusal. With the
// OpenAPI description, the proxy also checks every request and every response (description_test.go).
//
// The calls are steps. The steps of a subject are in the file conformance_SUBJECT_test.go, and use one fake, in their order. A
// new route of the fake needs two steps: one that succeeds and one that is refused.

package authkittest_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/openapi"
	"github.com/authkit-go/authkit/workos"
)

// step is a call of a route. It may make further calls before it, to prepare.
type step struct {
	route  authkittest.Route
	status int // of the response; 400 and above is a refusal
	call   func(*conversation) error
}

// subjects are the steps by subject.
var subjects = map[string][]step{
	"access":        accessSteps,
	"API keys":      apiKeySteps,
	"audit logs":    auditLogSteps,
	"browser":       browserSteps,
	"environment":   environmentSteps,
	"events":        eventSteps,
	"external auth": externalAuthSteps,
	"factors":       factorSteps,
	"flags":         flagSteps,
	"grants":        grantSteps,
	"group roles":   groupRoleSteps,
	"groups":        groupSteps,
	"invitations":   invitationSteps,
	"mailed codes":  mailedCodeSteps,
	"memberships":   membershipSteps,
	"OAuth clients": oauthSteps,
	"organizations": organizationSteps,
	"permissions":   permissionSteps,
	"Pipes":         pipesSteps,
	"Radar":         radarSteps,
	"resources":     resourceSteps,
	"roles":         roleSteps,
	"users":         userSteps,
	"waitlists":     waitlistSteps,
}

// neverRefused are the routes that refuse no request of the client, except for its key.
var neverRefused = map[authkittest.Route]string{
	authkittest.RouteListFeatureFlagRules: "it has no parameters",
	authkittest.RouteListRoles:            "it has no parameters",
	authkittest.RouteListWaitlists:        "it has no parameters",
	authkittest.RouteValidateAPIKey:       "an unknown value is an answer, and the client sends no empty one",
	authkittest.RouteOAuthMetadata:        "it has no parameters",
	authkittest.RouteOAuthDiscovery:       "it has no parameters",
	authkittest.RouteOAuthJWKS:            "it has no parameters",
}

// conversation is a client that calls the fake through a proxy, which records the exchanges.
type conversation struct {
	*app
	client *workos.Client
	proxy  string // the base URL

	mu        sync.Mutex // guards everything below
	exchanges []openapi.Exchange
}

func newConversation(t *testing.T, opts ...authkittest.Option) *conversation {
	t.Helper()
	c := &conversation{app: newApp(t, opts...)}
	target, err := url.Parse(c.URL())
	require.NoError(t, err)
	proxy := httptest.NewServer(openapi.NewProxy(target, func(e openapi.Exchange) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.exchanges = append(c.exchanges, e)
	}))
	t.Cleanup(proxy.Close)
	c.proxy = proxy.URL
	c.client = c.clientOf(c.ClientID(), c.APIKey())
	return c
}

// clientOf returns a client of the proxy. Without a key, it is a public client.
func (c *conversation) clientOf(clientID, key string) *workos.Client {
	c.Helper()
	opts := []workos.Option{workos.WithBaseURL(c.proxy), workos.WithClock(c.clock)}
	if key != "" {
		opts = append(opts, workos.WithAPIKey(key))
	}
	client, err := workos.NewClient(clientID, opts...)
	require.NoError(c, err)
	return client
}

// request calls a route with a key and without a body, for an object that does not exist. It returns the status.
func (c *conversation) request(route authkittest.Route, key string) int {
	c.Helper()
	method, path, _ := strings.Cut(string(route), " ")
	r, err := http.NewRequestWithContext(c.Context(), method, c.proxy+regexp.MustCompile(`{\w+}`).ReplaceAllString(path, "none"), nil)
	require.NoError(c, err)
	r.Header.Set("Authorization", "Bearer "+key)
	response, err := http.DefaultClient.Do(r)
	require.NoError(c, err)
	defer response.Body.Close()
	return response.StatusCode
}

// take returns the exchanges since the last call of take.
func (c *conversation) take() []openapi.Exchange {
	c.mu.Lock()
	defer c.mu.Unlock()
	exchanges := c.exchanges
	c.exchanges = nil
	return exchanges
}

// routeOf returns the route of an exchange. For RouteAuthenticate it is the route of the grant.
func (c *conversation) routeOf(e openapi.Exchange) (authkittest.Route, bool) {
	var patterns []string
	for _, route := range c.Routes() {
		patterns = append(patterns, string(route))
	}
	pattern, ok := openapi.Match(patterns, e.Method, e.Path)
	route := authkittest.Route(pattern)
	if route == authkittest.RouteAuthenticate {
		var body struct {
			GrantType authkittest.Route `json:"grant_type"`
		}
		require.NoError(c, json.Unmarshal(e.Body, &body))
		route += " " + body.GrantType
	}
	return route, ok
}

// person adds a user with this email address, who can sign in with DefaultPassword.
func (c *conversation) person(email string) string {
	return c.AddUser(authkittest.User{Email: email, Password: authkittest.DefaultPassword}).ID
}

// organization returns the ID of an organization of the start.
func (c *conversation) organization(name string) string {
	c.Helper()
	for _, o := range c.Organizations() {
		if o.Name == name {
			return o.ID
		}
	}
	return must("", fmt.Errorf("no organization has the name %q", name))
}

// harborPress returns the ID of the organization Harbor Press.
func (c *conversation) harborPress() string {
	c.Helper()
	return c.organization("Harbor Press")
}

// membership returns the ID of the first membership of a user.
func (c *conversation) membership(email string) string {
	c.Helper()
	for _, u := range c.Users() {
		if u.Email == email && len(u.Memberships) > 0 {
			return u.Memberships[0].ID
		}
	}
	return must("", fmt.Errorf("%s is a member of no organization", email))
}

// drain reads a list to its end.
func drain[T any](list iter.Seq2[T, error]) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

// wrongPage is a page after an object that does not exist.
var wrongPage = workos.Paging{After: "none"}

// run makes the call of a step. A panic of the step, such as one of must in its preparation, becomes an error that is no refusal, so
// that the other steps still run.
func (c *conversation) run(s step) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the step panicked: %v\n%s", cause, debug.Stack())
		}
	}()
	return s.call(c)
}

// assertStep makes the call of a step and requires its status. It returns all exchanges of the step.
func (c *conversation) assertStep(s step) []openapi.Exchange {
	c.Helper()
	err := c.run(s)
	var refusal *workos.Error
	switch {
	case s.status < http.StatusBadRequest:
		assert.NoError(c, err)
	case assert.ErrorAs(c, err, &refusal):
		assert.Equal(c, s.status, refusal.StatusCode)
	}
	exchanges := c.take()
	var statuses []int
	for _, e := range exchanges {
		if route, ok := c.routeOf(e); ok && route == s.route {
			statuses = append(statuses, e.Status)
		}
	}
	assert.Contains(c, statuses, s.status)
	return exchanges
}

func TestAFailedPreparationFailsItsStepAlone(t *testing.T) {
	c := newConversation(t)
	err := c.run(step{authkittest.RouteGetUser, http.StatusNotFound, func(c *conversation) error {
		must(c.client.GetOrganization(c.Context(), "org_none"))
		return second(c.client.GetUser(c.Context(), "user_none"))
	}})
	assert.ErrorContains(t, err, "Organization not found")
	var refusal *workos.Error
	assert.NotErrorAs(t, err, &refusal, "the step has not been refused")
}

func TestEveryRouteSucceedsAndRefusesAsTheDescriptionSays(t *testing.T) {
	checker := newChecker(t)
	succeeded, refused := map[authkittest.Route]bool{}, map[authkittest.Route]bool{}
	var routes []authkittest.Route
	left := 0 // steps that the flag -run leaves out
	for _, name := range slices.Sorted(maps.Keys(subjects)) {
		c := newConversation(t)
		routes = c.Routes()
		for _, s := range subjects[name] {
			t.Run(fmt.Sprintf("%s: %s is answered %d", name, s.route, s.status), func(t *testing.T) {
				c.T = t
				left--
				checker.check(t, c, c.assertStep(s))
			})
			left++
			succeeded[s.route] = succeeded[s.route] || s.status < http.StatusBadRequest
			refused[s.route] = refused[s.route] || s.status >= http.StatusBadRequest
		}
		t.Run(name+": events", func(t *testing.T) {
			c.T = t
			checker.check(t, c, c.assertStep(step{authkittest.RouteListEvents, http.StatusOK, func(c *conversation) error {
				return drain(c.client.ListEvents(c.Context(), workos.ListEventsParams{Types: authkittest.EventTypes(), PageSize: 100}))
			}}))
		})
	}
	for _, route := range routes {
		if route == authkittest.RouteAuthenticate {
			continue // its grants are routes of their own
		}
		assert.True(t, succeeded[route], "no step succeeds with %s", route)
		assert.NotEqual(t, refused[route], neverRefused[route] != "", "%s: either a step is refused, or neverRefused has a reason", route)
	}
	t.Run("another key", func(t *testing.T) {
		c := newConversation(t)
		for _, route := range c.Routes() {
			if !withoutKey[route] && !strings.HasPrefix(string(route), string(authkittest.RouteAuthenticate)) {
				assert.Equal(t, http.StatusUnauthorized, c.request(route, "sk_other"), "%s", route)
			}
		}
		checker.checkResponses(t, c, c.take())
	})
	t.Run("rate limit", func(t *testing.T) {
		c := newConversation(t, authkittest.WithRateLimit(1))
		assert.Equal(t, http.StatusOK, c.request(authkittest.RouteListUsers, c.APIKey()))
		assert.Equal(t, http.StatusTooManyRequests, c.request(authkittest.RouteListUsers, c.APIKey()))
		checker.checkResponses(t, c, c.take())
	})
	if left == 0 {
		checker.assertDeviationsOccur(t)
	}
}

// withoutKey are the routes that need no key, besides the grants.
var withoutKey = map[authkittest.Route]bool{
	authkittest.RouteAuthorize: true, authkittest.RouteAuthorizeDevice: true, authkittest.RouteLogout: true, authkittest.RouteJWKS: true,
	authkittest.RouteDiscovery: true,

	authkittest.RouteOAuthMetadata: true, authkittest.RouteOAuthDiscovery: true, authkittest.RouteOAuthJWKS: true,
	authkittest.RouteOAuthRegister: true, authkittest.RouteOAuthAuthorize: true, authkittest.RouteOAuthToken: true,
	authkittest.RouteOAuthIntrospection: true, authkittest.RouteOAuthUserInfo: true,
}
