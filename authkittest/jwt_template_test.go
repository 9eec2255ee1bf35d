// The JWT template of the environment, by the calls of package workos.

package authkittest_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

func TestAJWTTemplateIsStoredAndReplaced(t *testing.T) {
	a := newApp(t)
	ctx, client := context.Background(), a.workos()
	assertCode(t, second(client.GetJWTTemplate(ctx)), 404, "")
	first := must(client.UpdateJWTTemplate(ctx, `{"plan": "pro"}`))
	assert.Equal(t, &workos.JWTTemplate{Content: `{"plan": "pro"}`, CreatedAt: start, UpdatedAt: start}, first)
	a.clock.Advance(time.Minute)
	next := must(client.UpdateJWTTemplate(ctx, "{}"))
	assert.Equal(t, &workos.JWTTemplate{Content: "{}", CreatedAt: start, UpdatedAt: start.Add(time.Minute)}, next)
	assert.Equal(t, next, must(client.GetJWTTemplate(ctx)))
	assertRefused(t, a.api("PUT", userManagement+"/jwt_template", object{}), 422, "invalid_request_parameters")
}

// templateClaims signs ada in and returns the claims of her token.
func (a *app) templateClaims() object {
	a.Helper()
	claims, err := a.claims(a.signIn("Ada").text("access_token"))
	require.NoError(a, err)
	return claims
}

func TestTheJWTTemplateAddsClaimsToTokens(t *testing.T) {
	for template, want := range map[string]any{
		`"pro"`:                              "pro",
		`[1, true, {"a": null}]`:             []any{1.0, true, object{"a": nil}},
		`{{ user.email }}`:                   ada,
		`{{user.email}}`:                     ada,
		`"{{ user.email }}"`:                 ada,
		`{{ user.email_verified }}`:          true,
		`{{ user.metadata }}`:                object{"plan": `a "b" \`},
		`"{{ user.metadata.plan }}!"`:        `a "b" \!`,
		`{{ user.external_id }}`:             nil,
		`"{{ user.external_id }}"`:           "",
		`"  {{ user.external_id }} x "`:      "x",
		`{{ user.metadata.none || "none" }}`: "none",
		`{{ user.metadata.none || user.external_id || 'a || }} "b"' }}`:         `a || }} "b"`,
		`"\"{{ user.first_name || 'Some' }} {{ user.external_id || 'en' }} \\"`: `"Ada en \`,
		`{{ organization.name }}`:                                                 "Harbor Press",
		`"{{ organization.domains.0.domain }}"`:                                   "press.test",
		`"{{ organization.domains.7.domain || 'no domain' }}"`:                    "no domain",
		`{{ organization.stripe_customer_id || 'none' }}`:                         "none",
		`{{ organization_membership.role.slug }}`:                                 "admin",
		`{{ organization_membership.custom_attributes.department || 'general' }}`: "general",
		`{"a": {{ organization.metadata }}}`:                                      object{"a": object{}},
	} {
		t.Run(template, func(t *testing.T) {
			a := newApp(t)
			a.UpdateUser(ada, func(u *authkittest.User) { u.Metadata = map[string]string{"plan": `a "b" \`} })
			a.UpdateOrganization(a.Organizations()[0].ID, func(o *authkittest.Organization) { o.Domains = []authkittest.Domain{{Name: "press.test"}} })
			must(a.workos().UpdateJWTTemplate(context.Background(), `{"urn:app:claim": `+template+`, "more": 12345678901234567890}`))
			claims := a.templateClaims()
			assert.Equal(t, want, claims["urn:app:claim"])
			assert.Equal(t, want != nil, hasClaim(claims, "urn:app:claim"), "a claim that is null is omitted")
			assert.NotNil(t, claims["more"])
		})
	}
}

func hasClaim(claims object, name string) bool {
	_, found := claims[name]
	return found
}

func TestAClaimOfTheJWTTemplateFollowsTheSession(t *testing.T) {
	a := newApp(t)
	token := a.token(ada)
	must(a.workos().UpdateJWTTemplate(context.Background(), `{"aud": "app", "role": "{{ organization.name || 'alone' }}", "mine": 1}`))
	a.UpdateUser(ada, func(u *authkittest.User) { u.Claims = map[string]any{"mine": 2} })
	claims, err := a.claims(a.refresh(token).text("access_token"))
	require.NoError(t, err)
	assert.Equal(t, []any{"app", "Harbor Press", 2.0}, []any{claims["aud"], claims["role"], claims["mine"]}, "the claims of the user come last")
	claims, err = a.claims(a.BearerToken("dev@example.com"))
	require.NoError(t, err)
	assert.Equal(t, "alone", claims["role"], "a session without an organization has none in its template")
}

func TestAnInvalidJWTTemplateIsRefused(t *testing.T) {
	a := newApp(t)
	must(a.workos().UpdateJWTTemplate(context.Background(), `{"plan": "pro"}`))
	for template, text := range map[string]string{
		`{"iss": {{ user.email }}}`:                  "reserved",
		`{"jti": 1}`:                                 "reserved",
		`[ {{ user.email }} ]`:                       "must render to an object",
		`{{ user.metadata }}`:                        "must render to an object",
		`"text"`:                                     "must render to an object",
		`{"a": 1`:                                    "must render to an object",
		`{"a": 1} {}`:                                "must render to an object",
		`{"a": "{{ user.metadata }}"}`:               "object reference",
		`{"a": "{{ organization.domains }}"}`:        "object reference",
		`{"a": {{ user.email && user user }}}`:       "invalid expression segment",
		`{"a": {{ user.email || || user.email }}}`:   "invalid expression segment",
		`{"a": {{ 'a }}}`:                            "invalid expression segment",
		`{"a": {{ user.id `:                          "missing '}}'",
		`{"a": {{}}}`:                                "cannot be empty",
		`{"a": {{ unknown.variable }}}`:              `invalid path: "unknown.variable"`,
		`{"a": {{ user.unknown }}}`:                  `invalid path: "user.unknown"`,
		`{"a": {{ user.email.domain }}}`:             `invalid path: "user.email.domain"`,
		`{"a": {{ organization.domains.first }}}`:    `invalid path: "organization.domains.first"`,
		`{"a": {{ user.email || user.unknown }}}`:    `invalid path: "user.unknown"`,
		`{"a": "{{ user.email || user.metadata }}"}`: "object reference",
	} {
		t.Run(template, func(t *testing.T) {
			got, body := a.send(http.MethodPut, userManagement+"/jwt_template", object{"content": template})
			assertRefused(t, got, 422, "invalid_request_parameters")
			assert.Contains(t, strings.ReplaceAll(body, `\"`, `"`), text)
		})
	}
	assert.Equal(t, "pro", a.templateClaims()["plan"], "the template stays")
}

func TestATokenWhoseTemplateRendersToTooMuchIsRefused(t *testing.T) {
	a := newApp(t)
	must(a.workos().UpdateJWTTemplate(context.Background(), `{"a": "{{ user.metadata.a }}{{ user.metadata.b }}{{ user.metadata.c }}{{ user.metadata.d }}{{ user.metadata.e }}{{ user.metadata.f }}"}`))
	fill := func(bytes int) {
		a.UpdateUser(ada, func(u *authkittest.User) {
			u.Metadata = map[string]string{}
			for _, name := range strings.Split("abcdef", "") {
				part := min(bytes, 600)
				u.Metadata[name] = strings.Repeat("x", part)
				bytes -= part
			}
		})
	}
	const around = len(`{"a":""}`)
	fill(3072 - around)
	token := a.token(ada)
	code := a.code("Ada")
	fill(3073 - around)
	assertRefused(t, a.grant("password", password), 400, workos.CodeTokenTooBig)
	assertRefused(t, a.exchange(code), 400, workos.CodeTokenTooBig)
	assertRefused(t, a.refresh(token), 400, workos.CodeTokenTooBig)
	assert.Len(t, a.Sessions(), 1)
	fill(3072 - around)
	assert.Equal(t, http.StatusOK, a.refresh(token).status, "the refresh token is not consumed")
}
