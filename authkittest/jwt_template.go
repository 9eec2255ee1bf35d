// The JWT template of the environment: its API calls, and the claims that it adds to access tokens.

package authkittest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxTemplateClaims is the size to which a template may render, in octets (https://workos.com/docs/authkit/jwt-templates).
const maxTemplateClaims = 3072

// jwtTemplate is the JWT template of the environment.
type jwtTemplate struct {
	claimsTemplate
	content              string
	createdAt, updatedAt time.Time
}

type jwtTemplateObject struct {
	Object    string `json:"object"`
	Content   string `json:"content"`
	CreatedAt string `json:"created_at"`
	UpdatedAt string `json:"updated_at"`
}

func (t *jwtTemplate) object() jwtTemplateObject {
	return jwtTemplateObject{"jwt_template", t.content, timestamp(t.createdAt), timestamp(t.updatedAt)}
}

// getJWTTemplate answers RouteGetJWTTemplate.
func (f *Server) getJWTTemplate(*call) (any, *apiError) {
	if f.jwtTemplate == nil {
		return nil, &apiError{status: http.StatusNotFound, Message: "The environment has no JWT template."}
	}
	return f.jwtTemplate.object(), nil
}

// updateJWTTemplate answers RouteUpdateJWTTemplate. Tokens that are issued from then on have the claims.
func (f *Server) updateJWTTemplate(c *call) (any, *apiError) {
	var in struct {
		Content optional[string] `json:"content"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	if in.Content.value == "" {
		return nil, required("content")
	}
	parsed, err := parseClaimsTemplate(in.Content.value)
	if err == nil {
		err = parsed.check(sampleContext())
	}
	if err != nil {
		return nil, invalid(fieldProblem{Field: "content", Code: "invalid", Message: err.Error()})
	}
	now := f.clock.Now()
	t := &jwtTemplate{claimsTemplate: parsed, content: in.Content.value, createdAt: now, updatedAt: now}
	if f.jwtTemplate != nil {
		t.createdAt = f.jwtTemplate.createdAt
	}
	f.jwtTemplate = t
	return t.object(), nil
}

// sampleContext returns a context that has every path that a template may name.
func sampleContext() map[string]any {
	const id = "org_sample"
	user := &account{User: User{Memberships: []Membership{{OrganizationID: id}}}}
	f := &Server{organizations: []Organization{{ID: id, StripeCustomerID: "cus_sample", Domains: []Domain{{ID: "org_domain_sample"}}}}}
	return f.templateContext(user, id)
}

// templateContext returns the objects that a template may name, as they are in JSON. organization and organization_membership
// are nil for a session without an organization.
func (f *Server) templateContext(user *account, organizationID string) map[string]any {
	context := map[string]any{"user": jsonValue(user.object()), "organization": nil, "organization_membership": nil}
	if i := user.membershipIn(organizationID); i >= 0 {
		o, _ := f.organization(organizationID)
		context["organization"] = jsonValue(o.object())
		context["organization_membership"] = jsonValue(f.membershipObject(membershipRow{user, &user.Memberships[i]}))
	}
	return context
}

// jsonValue returns the JSON of v as maps, slices and strings.
func jsonValue(v any) any {
	text, err := json.Marshal(v)
	var decoded any
	if err == nil {
		err = json.Unmarshal(text, &decoded)
	}
	if err != nil {
		panic(fmt.Sprintf("authkittest: %v", err)) // not possible: it is a response of the API
	}
	return decoded
}

// templateClaims returns the claims that the template adds for a user, in an organization or in none.
func (f *Server) templateClaims(userID, organizationID string) map[string]any {
	user := f.accountByID(userID)
	if f.jwtTemplate == nil || user == nil {
		return nil
	}
	if _, member := user.membership(organizationID); !member {
		organizationID = ""
	}
	claims, err := f.jwtTemplate.render(f.templateContext(user, organizationID))
	if err != nil {
		panic(fmt.Sprintf("authkittest: %v", err)) // not possible: the template was checked
	}
	return claims
}

// tokenError returns the error for a token whose template renders to too much, or nil.
func (f *Server) tokenError(userID, organizationID string) *apiError {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(f.templateClaims(userID, organizationID)); err != nil {
		panic(fmt.Sprintf("authkittest: %v", err)) // not possible: the claims are from JSON
	}
	if text.Len()-len("\n") > maxTemplateClaims {
		return oauthError("token_too_big", "The JWT template renders to more than 3072 bytes.")
	}
	return nil
}

// addClaims adds claims to those of a token. It omits the claims that cannot be replaced.
func addClaims(claims, more map[string]any) {
	for name, value := range more {
		if !slices.Contains(reservedClaims, name) {
			claims[name] = value
		}
	}
}

// trimmed returns a value without spaces at the ends of its strings.
func trimmed(v any) any {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v)
	case []any:
		for i := range v {
			v[i] = trimmed(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = trimmed(v[name])
		}
	}
	return v
}
