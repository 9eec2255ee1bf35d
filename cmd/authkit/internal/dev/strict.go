// The findings of the strict mode: what WorkOS would refuse, and what its API does not describe.

package dev

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/authkit-go/authkit/authkittest"
)

// call is a request whose body has been read.
type call struct {
	*http.Request
	body     []byte
	route    authkittest.Route
	known    bool   // whether the fake has the route
	grant    string // of an authentication; set by check
	clientID string
	signOut  []string
}

// absent are calls that documentation or other libraries name and that WorkOS does not have, and what to use in their place.
var absent = []struct {
	pattern *regexp.Regexp
	use     string
}{
	{regexp.MustCompile(`^\w+ /user_management/jwks`), "GET /sso/jwks/{client_id}"},
	{regexp.MustCompile(`^GET /user_management/sessions/[^/]+$`), "GET /user_management/users/{id}/sessions"},
	{regexp.MustCompile(`^POST (/user_management)?/sessions/refresh$`), "POST /user_management/authenticate with the grant refresh_token"},
	{regexp.MustCompile(`^\w+ (/user_management)?/sessions/[^/]+(/revoke)?$`), "POST /user_management/sessions/revoke with session_id"},
	{regexp.MustCompile(`^POST /user_management/mfa/enroll$`), "POST /user_management/users/{id}/auth_factors"},
	{regexp.MustCompile(`^POST /user_management/device_authorization$`), "POST /user_management/authorize/device"},
	{regexp.MustCompile(`^POST /user_management/device_code$`), "POST /user_management/authenticate with the grant urn:ietf:params:oauth:grant-type:device_code"},
	{regexp.MustCompile(`^POST /user_management/organizations/[^/]+/api_keys$`), "POST /organizations/{id}/api_keys"},
	{regexp.MustCompile(`^POST /user_management/api_keys/validate$`), "POST /api_keys/validations"},
	{regexp.MustCompile(`^POST (/user_management)?/password_reset/reset$`), "POST /user_management/password_reset/confirm"},
	{regexp.MustCompile(`^POST /user_management/email_verification$`), "POST /user_management/users/{id}/email_verification/send"},
}

// paging are the parameters of every list.
var paging = []string{"limit", "before", "after", "order"}

// parameters are the query parameters of routes. The parameters of other routes are not checked.
var parameters = map[authkittest.Route][]string{
	authkittest.RouteAuthorize: {"response_type", "client_id", "redirect_uri", "provider", "connection_id", "organization_id", "state", "code_challenge",
		"code_challenge_method", "login_hint", "domain_hint", "invitation_token", "screen_hint", "prompt", "max_age", "provider_scopes"},
	authkittest.RouteLogout:               {"session_id", "return_to"},
	authkittest.RouteJWKS:                 {},
	authkittest.RouteDiscovery:            {},
	authkittest.RouteGetUser:              {},
	authkittest.RouteListUsers:            append([]string{"email", "organization_id"}, paging...),
	authkittest.RouteListSessions:         paging,
	authkittest.RouteGetMembership:        {},
	authkittest.RouteListMemberships:      append([]string{"user_id", "organization_id", "statuses"}, paging...),
	authkittest.RouteGetOrganization:      {},
	authkittest.RouteListOrganizations:    append([]string{"domains", "search"}, paging...),
	authkittest.RouteListInvitations:      append([]string{"email", "organization_id"}, paging...),
	authkittest.RouteListEvents:           append([]string{"events", "organization_id", "range_start", "range_end"}, paging...),
	authkittest.RouteListUserAPIKeys:      append([]string{"organization_id"}, paging...),
	authkittest.RouteListRedirectURIs:     paging,
	authkittest.RouteListWebhookEndpoints: paging,
}

// deprecated are parameters that WorkOS still accepts, and what to use in their place.
var deprecated = map[authkittest.Route]map[string]string{
	authkittest.RouteListUsers: {"organization": "organization_id"},
}

// commonFields are the members of every authentication.
var commonFields = []string{"client_id", "client_secret", "grant_type", "ip_address", "user_agent", "device_id"}

// grantFields are the further members of each grant.
var grantFields = map[string][]string{
	"authorization_code": {"code", "code_verifier", "invitation_token", "signals_id"},
	"refresh_token":      {"refresh_token", "organization_id"},
	"password":           {"email", "password", "invitation_token", "signals_id", "radar_auth_attempt_id"},
	"urn:workos:oauth:grant-type:magic-auth:code":            {"email", "code", "invitation_token", "radar_auth_attempt_id"},
	"urn:workos:oauth:grant-type:email-verification:code":    {"code", "pending_authentication_token"},
	"urn:workos:oauth:grant-type:mfa-totp":                   {"code", "pending_authentication_token", "authentication_challenge_id"},
	"urn:workos:oauth:grant-type:organization-selection":     {"pending_authentication_token", "organization_id"},
	"urn:ietf:params:oauth:grant-type:device_code":           {"device_code"},
	"urn:workos:oauth:grant-type:radar-email-challenge:code": {"code", "radar_challenge_id", "pending_authentication_token"},
	"urn:workos:oauth:grant-type:radar-sms-challenge:code":   {"code", "pending_authentication_token", "verification_id", "phone_number"},
}

// check returns what is wrong with a request, apart from what the response tells.
func (c *call) check() []string {
	switch {
	case !c.known:
		return []string{c.unknownRoute()}
	case c.route == authkittest.RouteAuthenticate:
		return c.checkAuthenticate()
	}
	findings := c.checkQuery()
	switch c.route {
	case authkittest.RouteAuthorize:
		if id := c.URL.Query().Get("client_id"); id != c.clientID {
			findings = append(findings, fmt.Sprintf("the client ID %q is not that of the application, %s", id, c.clientID))
		}
	case authkittest.RouteLogout:
		if to := c.URL.Query().Get("return_to"); to != "" && len(c.signOut) > 0 && !slices.Contains(c.signOut, to) {
			findings = append(findings, fmt.Sprintf("return_to %q is not a registered sign-out redirect: %s", to, strings.Join(c.signOut, ", ")))
		}
	}
	return findings
}

func (c *call) unknownRoute() string {
	for _, a := range absent {
		if a.pattern.MatchString(c.Method + " " + c.URL.Path) {
			return "WorkOS has no such call; use " + a.use
		}
	}
	return "the fake has no such call; if WorkOS has it, a fault gives it an answer, such as --fault 'GET /directories=200'"
}

// checkQuery returns the parameters that the route does not have, and those that are repeated.
func (c *call) checkQuery() (findings []string) {
	known, listed := parameters[c.route]
	query := c.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		plain, _, _ := strings.Cut(name, "[")
		switch {
		case !listed:
		case deprecated[c.route][name] != "":
			findings = append(findings, fmt.Sprintf("the parameter %q is deprecated; use %s", name, deprecated[c.route][name]))
		case plain == "provider_query_params" && c.route == authkittest.RouteAuthorize:
		case !slices.Contains(known, plain):
			findings = append(findings, fmt.Sprintf("the parameter %q is unknown; known are %s", name, cmp.Or(strings.Join(known, ", "), "none")))
		case len(query[name]) > 1 && plain == name && name != "provider_scopes" && name != "statuses" && name != "events" && name != "domains":
			findings = append(findings, fmt.Sprintf("the parameter %q is repeated", name))
		}
	}
	return findings
}

// checkAuthenticate returns what is wrong with the members of an authentication.
func (c *call) checkAuthenticate() (findings []string) {
	fields := map[string]any{}
	if typ, _, _ := mime.ParseMediaType(c.Header.Get("Content-Type")); typ == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(c.body))
		if err != nil {
			return []string{"the body is no form"}
		}
		for name := range form {
			fields[name] = form.Get(name)
		}
	} else if err := json.Unmarshal(c.body, &fields); err != nil {
		return []string{"the body is neither a JSON object nor a form"}
	}
	grant, _ := fields["grant_type"].(string)
	known, exists := grantFields[grant]
	if !exists {
		return []string{fmt.Sprintf("the grant_type %q is unknown; known are %s", grant, strings.Join(slices.Sorted(maps.Keys(grantFields)), ", "))}
	}
	c.grant = grant
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(known, name) && !slices.Contains(commonFields, name) {
			findings = append(findings, fmt.Sprintf("the member %q is unknown for this grant; known are %s", name, strings.Join(append(slices.Clone(known), commonFields...), ", ")))
		}
	}
	if fields["client_secret"] == "" {
		findings = append(findings, "client_secret is empty; a public client leaves it out")
	}
	return findings
}

// The codes of refusals that are due to the application. Others depend on the user, and a right application meets them too.
var (
	misconfigured = regexp.MustCompile(`^(invalid_(request|client)|unauthorized_client|pkce_not_supported)$`) // of an authentication
	malformed     = regexp.MustCompile(`^(invalid_(request|request_parameters|metadata|cursor)|missing_.*)$`) // of another call
)

// checkResponse returns what the answer of the fake says against the request.
func (c *call) checkResponse(response *statusRecorder) []string {
	var refusal struct {
		Code        string `json:"code"`
		Error       string `json:"error"`
		Message     string `json:"message"`
		Description string `json:"error_description"`
	}
	_ = json.Unmarshal(response.body.Bytes(), &refusal) // a page, or a part of a long answer, has no code
	code, text := cmp.Or(refusal.Code, refusal.Error), cmp.Or(refusal.Message, refusal.Description)
	isPage := !strings.Contains(response.Header().Get("Content-Type"), "json")
	switch status := response.status; {
	case c.route == authkittest.RouteAuthorize && status == http.StatusBadRequest:
		if id := c.URL.Query().Get("client_id"); id != c.clientID {
			return nil // check has said so
		}
		return []string{fmt.Sprintf("the redirect URI %q is not registered: it must be equal in every character", c.URL.Query().Get("redirect_uri"))}
	case c.route == authkittest.RouteAuthorize:
		if to, err := url.Parse(response.Header().Get("Location")); err == nil && to.Query().Get("error") != "" {
			return []string{to.Query().Get("error") + ": " + to.Query().Get("error_description")}
		}
	case !c.known, status < 400, isPage:
	case status == http.StatusUnauthorized:
		return []string{"the API key is missing or wrong"}
	case c.route == authkittest.RouteAuthenticate && !misconfigured.MatchString(code):
	case status == http.StatusBadRequest && c.route != authkittest.RouteAuthenticate && code != "" && !malformed.MatchString(code):
	case status == http.StatusBadRequest || status == http.StatusUnprocessableEntity:
		return []string{fmt.Sprintf("refused with %d %s", status, strings.TrimSpace(code+" "+text))}
	}
	return nil
}
