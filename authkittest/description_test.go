// The requests to the fake and its responses, against the OpenAPI description that WorkOS publishes. The description is not in
// this repository. If AUTHKIT_OPENAPI names its path, the requests of all tests of this package are checked:
//
//	AUTHKIT_OPENAPI=/path/to/open-api-spec.yaml go test ./authkittest

package authkittest_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/openapi"
)

// The reasons of several deviations.
const (
	oauthForm     = "WorkOS accepts a form too, the format of RFC 6749 and RFC 8628"
	noSuchObject  = "https://workos.com/docs/reference/errors documents 404 for everything that does not exist"
	otherLists    = "https://workos.com/docs/reference/errors documents 422 for invalid parameters, and other lists have it"
	removedKey    = "null removes a key, as the Node SDK sends it; the description has strings only"
	publicClient  = "a public client has no key, and a confidential one sends it as client_secret"
	repeatedParam = "the fake accepts repeated parameters with brackets too, as some HTTP clients send a list"
	testData      = "the test chooses it"
	bodyOf401     = "every other 401 has a body with a message"
	nodeSDK       = "version 11 of WorkOS's SDK for Node.js calls it"
	successOnly   = "https://workos.com/docs/reference/errors documents it; the description has the success alone"
)

// deviations are the faults that are right, each with its reason. A key is an operation, or anyOperation, and its fault. The
// steps of the conformance tests have all of them.
var deviations = map[string]string{
	anyOperation + ": response: the status 401 is not described":      "https://workos.com/docs/reference/errors documents it for every call",
	"POST /api_keys/validations: response: the body is not described": bodyOf401,
	anyOperation + ": response: the status 429 is not described":      "https://workos.com/docs/reference/rate-limits documents it for every call",

	"DELETE /organizations/{id}: response: the status 404 is not described":                                noSuchObject,
	"GET /user_management/users/{userlandUserId}/auth_factors: response: the status 404 is not described":  noSuchObject,
	"POST /auth/factors/enroll: response: the status 404 is not described":                                 noSuchObject,
	"POST /organization_domains/{id}/verify: response: the status 404 is not described":                    noSuchObject,
	"POST /organization_domains: response: the status 404 is not described":                                noSuchObject,
	"POST /user_management/invitations/{id}/revoke: response: the status 404 is not described":             noSuchObject,
	"POST /user_management/users/{userlandUserId}/auth_factors: response: the status 404 is not described": noSuchObject,
	"PUT /user_management/users/{id}: response: the status 404 is not described":                           noSuchObject,
	"GET /authorization/permissions: response: the status 422 is not described":                            otherLists,
	"GET /user_management/cors_origins: response: the status 422 is not described":                         otherLists,
	"GET /user_management/redirect_uris: response: the status 422 is not described":                        otherLists,
	"GET /webhook_endpoints: response: the status 422 is not described":                                    otherLists,
	"PUT /organizations/{id}: body.metadata.plan: is no string":                                            removedKey,
	"PUT /user_management/users/{id}: body.metadata.plan: is no string":                                    removedKey,
	"POST /user_management/authenticate: header: lacks a bearer token in Authorization":                    publicClient,
	"GET /user_management/authorize: query: has the unknown parameter provider_query_params[hd]":           "the Node SDK sends an object in this form; the description has none",
	"GET /user_management/authorize: response: the status 400 is not described":                            "WorkOS shows a page too, without a documented status (RFC 6749, section 4.1.2.1)",
	"POST /organization_domains: response: the status 422 is not described":                                "https://workos.com/docs/reference/errors documents it for invalid parameters; the description has no refusal of what is no domain",
	"POST /user_management/organization_memberships: response: the status 409 is not described":            "the description has no answer for a user who is a member already",

	"DELETE /user_management/users/{user_id}/connected_accounts/{slug}: response: the body is not described":    bodyOf401,
	"GET /user_management/users/{user_id}/connected_accounts/{slug}: response: the body is not described":       bodyOf401,
	"GET /user_management/users/{user_id}/data_providers: response: the body is not described":                  bodyOf401,
	"POST /data-integrations/{slug}/authorize: response: the body is not described":                             bodyOf401,
	"POST /data-integrations/{slug}/token: response: the body is not described":                                 bodyOf401,
	"POST /user_management/users/{user_id}/connected_accounts/{slug}: response: the body is not described":      bodyOf401,
	"PUT /user_management/users/{user_id}/connected_accounts/{slug}: response: the body is not described":       bodyOf401,
	"POST /user_management/radar_challenges: response: the status 400 is not described":                         successOnly,
	"POST /user_management/radar_challenges: response: the status 422 is not described":                         successOnly,
	"PUT /user_management/users/{user_id}/connected_accounts/{slug}: response: the status 422 is not described": "the call that imports an account has it, with the same parameters",
}

const connectReference = "https://workos.com/docs/reference/workos-connect"

const anyOperation = "any operation"

// testDeviations are the faults of requests that the tests write themselves, without the client, each with its reason.
var testDeviations = map[string]string{
	`POST /user_management/authenticate: header: Content-Type is "application/x-www-form-urlencoded"`:     oauthForm,
	"POST /user_management/authenticate: body: is no JSON":                                                oauthForm,
	`POST /user_management/authorize/device: header: Content-Type is "application/x-www-form-urlencoded"`: oauthForm,
	"POST /user_management/authorize/device: body: is no JSON":                                            oauthForm,
	"GET /events: query: has the unknown parameter events[]":                                              repeatedParam,
	"GET /user_management/organization_memberships: query: has the unknown parameter statuses[]":          repeatedParam,
	"DELETE /authorization/resources/{resource_id}: response.code: bad_request is not lock_timeout":       "the description has no answer to a cascade_delete that is no boolean",
	"POST /auth/factors/enroll: body: has the unknown member totp_secret":                                 "a test of QR codes needs a known secret",
	"POST /auth/factors/{id}/challenge: body: is missing":                                                 "an empty body counts as an empty object in every call",
	"POST /user_management/authenticate: response.authentication_method: Passport is not in the enum":     testData,
	"PUT /organizations/{id}: body.metadata.old: is no string":                                            removedKey,
}

// isDeviation reports whether a fault is right.
func isDeviation(operation, fault string) bool {
	return deviations[operation+": "+fault] != "" || deviations[anyOperation+": "+fault] != ""
}

// undescribed are the routes that the description does not have, each with what documents it.
var undescribed = map[authkittest.Route]string{
	authkittest.RouteDiscovery: "OpenID Connect Discovery 1.0",

	authkittest.RouteListFeatureFlagRules: nodeSDK,
	authkittest.RouteListWaitlists:        nodeSDK,
	authkittest.RouteGetWaitlist:          nodeSDK,
	authkittest.RouteListWaitlistEntries:  nodeSDK,
	authkittest.RouteCreateWaitlistEntry:  nodeSDK,
	authkittest.RouteApproveWaitlistEntry: nodeSDK,
	authkittest.RouteDenyWaitlistEntry:    nodeSDK,
	authkittest.RouteDeleteWaitlistEntry:  nodeSDK,
	authkittest.RouteOAuthMetadata:        connectReference,
	authkittest.RouteOAuthDiscovery:       connectReference,
	authkittest.RouteOAuthJWKS:            connectReference,
	authkittest.RouteOAuthRegister:        "https://workos.com/docs/authkit/mcp",
	authkittest.RouteOAuthAuthorize:       connectReference,
	authkittest.RouteOAuthToken:           connectReference,
	authkittest.RouteOAuthIntrospection:   connectReference,
	authkittest.RouteOAuthUserInfo:        connectReference,
}

// checker checks the exchanges of the client. Without a description it checks nothing.
type checker struct {
	description *openapi.Description
	occurred    map[string]bool // faults in deviations
	undescribed map[authkittest.Route]bool
}

func newChecker(t *testing.T) *checker {
	t.Helper()
	description, err := openapi.FromEnv()
	require.NoError(t, err)
	return &checker{description, map[string]bool{}, map[authkittest.Route]bool{}}
}

// check reports the faults of exchanges that deviations does not have.
func (ch *checker) check(t *testing.T, c *conversation, exchanges []openapi.Exchange) {
	t.Helper()
	ch.report(t, c, exchanges, func(faults openapi.Faults) []string { return slices.Concat(faults.Request, faults.Response) })
}

// checkResponses reports the faults of responses alone.
func (ch *checker) checkResponses(t *testing.T, c *conversation, exchanges []openapi.Exchange) {
	t.Helper()
	ch.report(t, c, exchanges, func(faults openapi.Faults) []string { return faults.Response })
}

func (ch *checker) report(t *testing.T, c *conversation, exchanges []openapi.Exchange, choose func(openapi.Faults) []string) {
	t.Helper()
	if ch.description == nil {
		return
	}
	for _, e := range exchanges {
		o, faults := ch.description.Check(e)
		if o == nil {
			if route, ok := c.routeOf(e); ok { // else it is a page
				assert.NotEmpty(t, undescribed[route], "%s is not described", route)
				ch.undescribed[route] = true
			}
			continue
		}
		for _, fault := range choose(faults) {
			ch.occurred[o.Name+": "+fault], ch.occurred[anyOperation+": "+fault] = true, true
			if !isDeviation(o.Name, fault) {
				t.Errorf("%s: %s", o.Name, fault)
			}
		}
	}
}

// assertDeviationsOccur fails the test for a deviation that no exchange has.
func (ch *checker) assertDeviationsOccur(t *testing.T) {
	t.Helper()
	if ch.description == nil {
		return
	}
	for key := range deviations {
		assert.True(t, ch.occurred[key], "deviations has %q, which does not occur", key)
	}
	for route := range undescribed {
		assert.True(t, ch.undescribed[route], "undescribed has %q, which does not occur", route)
	}
}

// checkAgainstDescription fails the test if a response of the fake does not conform to the description, or if the fake accepts a
// request that does not. A refused request may be wrong: the test is about it. While a test injects faults, nothing is checked,
// and no list of events is, because the tests emit events of their own.
func checkAgainstDescription(t *testing.T, f *authkittest.Server) {
	t.Helper()
	description, err := openapi.FromEnv()
	require.NoError(t, err)
	if description == nil {
		return
	}
	var mu sync.Mutex
	found := map[string]bool{}
	check := func(e openapi.Exchange) {
		o, faults := description.Check(e)
		if o == nil || f.HasFault() {
			return
		}
		all := slices.DeleteFunc(faults.Response, func(fault string) bool {
			return o.Name == string(authkittest.RouteListEvents) && strings.HasPrefix(fault, "response.data.")
		})
		if !refuses(e) {
			all = append(all, faults.Request...)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, fault := range all {
			if !isDeviation(o.Name, fault) && testDeviations[o.Name+": "+fault] == "" {
				found[o.Name+": "+fault] = true
			}
		}
	}
	f.Wrap(func(next http.Handler) http.Handler {
		checked := openapi.Record(next, check)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if f.HasFault() {
				next.ServeHTTP(w, r)
				return
			}
			checked.ServeHTTP(w, r)
		})
	})
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		for _, fault := range slices.Sorted(maps.Keys(found)) {
			t.Error(fault)
		}
	})
}

// refuses reports whether a response refuses the request. An authorization request is refused at the redirect URI.
func refuses(e openapi.Exchange) bool {
	location, err := url.Parse(e.ResponseHeader.Get("Location"))
	return e.Status >= http.StatusBadRequest || err == nil && location.Query().Has("error")
}
