// Tests of what a program needs that runs a fake for others: fixed credentials, all requests, and their routes.

package authkittest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestAFakeHasTheClientIDAndTheAPIKeyOfItsOptions(t *testing.T) {
	fake := authkittest.New(t, authkittest.WithClientID("client_fixed"), authkittest.WithAPIKey("sk_test_fixed"))
	assert.Equal(t, "client_fixed", fake.Env()["WORKOS_CLIENT_ID"])
	assert.Equal(t, "sk_test_fixed", fake.Env()["WORKOS_API_KEY"])
	for path, status := range map[string]int{"client_fixed": http.StatusOK, "client_other": http.StatusNotFound} {
		response, err := http.Get(fake.URL() + "/sso/jwks/" + path)
		require.NoError(t, err)
		response.Body.Close()
		assert.Equal(t, status, response.StatusCode, path)
	}
	other := authkittest.New(t)
	assert.NotEqual(t, other.ClientID(), authkittest.New(t).ClientID(), "the default is random")
}

func TestAMiddlewareOfTheFakeGetsAllRequestsBeforeTheirFaults(t *testing.T) {
	var paths []string
	fake := authkittest.New(t, authkittest.WithMiddleware(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			paths = append(paths, r.URL.Path)
			if r.URL.Path == "/teapot" {
				assert.NotEmpty(t, w.Header().Get("X-Request-ID"))
				w.WriteHeader(http.StatusTeapot)
				return
			}
			next.ServeHTTP(w, r)
		})
	}))
	fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: http.StatusServiceUnavailable})
	for path, status := range map[string]int{
		"/teapot": http.StatusTeapot, "/mailbox": http.StatusOK, "/sso/jwks/" + fake.ClientID(): http.StatusServiceUnavailable,
	} {
		response, err := http.Get(fake.URL() + path)
		require.NoError(t, err)
		response.Body.Close()
		assert.Equal(t, status, response.StatusCode, path)
	}
	assert.ElementsMatch(t, []string{"/teapot", "/mailbox", "/sso/jwks/" + fake.ClientID()}, paths)
}

// A program logs the pattern of each request, as with any http.ServeMux.
func TestAMiddlewareOfTheFakeFindsThePatternInTheRequest(t *testing.T) {
	patterns := make(chan string, 1)
	fake := authkittest.New(t, authkittest.WithMiddleware(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			patterns <- r.Pattern
		})
	}))
	for path, want := range map[string]string{
		"/mailbox":                      "GET /mailbox",
		"/user_management/authorize":    string(authkittest.RouteAuthorize),
		"/user_management/users/user_1": string(authkittest.RouteGetUser),
		"/sso/jwks/" + fake.ClientID():  string(authkittest.RouteJWKS),
	} {
		response, err := http.Get(fake.URL() + path)
		require.NoError(t, err)
		response.Body.Close()
		assert.Equal(t, want, <-patterns, path)
	}
}

func TestAFakeTellsTheRouteOfARequest(t *testing.T) {
	fake := authkittest.New(t)
	for request, want := range map[[2]string]authkittest.Route{
		{"GET", "/user_management/users/user_1"}:             authkittest.RouteGetUser,
		{"GET", "/user_management/users/external_id/7"}:      authkittest.RouteGetUserByExternalID,
		{"POST", "/user_management/authenticate"}:            authkittest.RouteAuthenticate,
		{"GET", "/user_management/authorize?client_id=none"}: authkittest.RouteAuthorize,
		{"GET", "/mailbox"}:                                  "GET /mailbox",
		{"GET", "/user_management/authenticate"}:             "",
		{"DELETE", "/sessions/session_1"}:                    "",
	} {
		route, ok := fake.RouteOf(httptest.NewRequest(request[0], request[1], nil))
		assert.Equal(t, want, route, "%s", request)
		assert.Equal(t, want != "", ok, "%s", request)
	}
	assert.Contains(t, fake.Routes(), authkittest.RouteRefresh)
	assert.NotContains(t, fake.Routes(), authkittest.Route("GET /directories"))
	fake.InjectFault("GET /directories", authkittest.Fault{Status: http.StatusOK})
	assert.Contains(t, fake.Routes(), authkittest.Route("GET /directories"))
}
