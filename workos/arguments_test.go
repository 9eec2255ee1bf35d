// Arguments: how calls escape and check them.

package workos_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

func TestAnIDIsEscapedIntoOnePathSegment(t *testing.T) {
	byID := map[string]func(context.Context, *workos.Client, string) error{
		"GetUser": func(ctx context.Context, c *workos.Client, id string) error {
			_, err := c.GetUser(ctx, id)
			return err
		},
		"GetUserByExternalID": func(ctx context.Context, c *workos.Client, id string) error {
			_, err := c.GetUserByExternalID(ctx, id)
			return err
		},
		"DeleteUser": func(ctx context.Context, c *workos.Client, id string) error { return c.DeleteUser(ctx, id) },
		"ListSessions": func(ctx context.Context, c *workos.Client, id string) error {
			_, err := collect(c.ListSessions(ctx, id, workos.Paging{}))
			return err
		},
		"EnrollAuthFactor": func(ctx context.Context, c *workos.Client, id string) error {
			_, err := c.EnrollAuthFactor(ctx, id, workos.EnrollAuthFactorParams{})
			return err
		},
		"ConfirmEmailVerification": func(ctx context.Context, c *workos.Client, id string) error {
			_, err := c.ConfirmEmailVerification(ctx, id, code)
			return err
		},
		"DeactivateOrganizationMembership": func(ctx context.Context, c *workos.Client, id string) error {
			_, err := c.DeactivateOrganizationMembership(ctx, id)
			return err
		},
		"DeleteAPIKey": func(ctx context.Context, c *workos.Client, id string) error { return c.DeleteAPIKey(ctx, id) },
	}
	for name, call := range byID {
		t.Run(name, func(t *testing.T) {
			server := newServer(t, respondWith(404, `{"message":"Not found"}`))
			client := server.client(t)
			for _, id := range []string{"", ".", ".."} {
				err := call(t.Context(), client, id)
				assert.Error(t, err, "%q", id)
				assert.False(t, workos.IsTransient(err))
				assert.False(t, workos.IsNotFound(err))
			}
			assert.Empty(t, server.received())

			require.True(t, workos.IsNotFound(call(t.Context(), client, "plain")))
			want := server.received()[0].path
			for id, escaped := range map[string]string{
				"../x": "..%2Fx", "a/b": "a%2Fb", `..\x`: "..%5Cx", "a?b#c": "a%3Fb%23c", "%2e%2e": "%252e%252e", "{user_id}": "%7Buser_id%7D",
				"a\r\nb": "a%0D%0Ab", "a;b": "a%3Bb", "é": "%C3%A9", "...": "...",
			} {
				require.True(t, workos.IsNotFound(call(t.Context(), client, id)), id)
				sent := server.received()[len(server.received())-1]
				assert.Equal(t, strings.Replace(want, "plain", escaped, 1), sent.path)
				assert.NotContains(t, sent.query, "b")
			}
		})
	}
}

func TestAMissingArgumentIsAnErrorWithoutARequest(t *testing.T) {
	server := newServer(t, respondWith(200, `{}`))
	c, ctx := server.client(t), t.Context()
	for want, call := range map[string]func() (any, error){
		"(password): the email is empty": func() (any, error) {
			return c.AuthenticateWithPassword(ctx, workos.AuthenticateWithPasswordParams{Password: "x"})
		},
		"(password): the password is empty": func() (any, error) {
			return c.AuthenticateWithPassword(ctx, workos.AuthenticateWithPasswordParams{Email: "x"})
		},
		"magic-auth:code): the email is empty": func() (any, error) {
			return c.AuthenticateWithMagicAuth(ctx, workos.AuthenticateWithMagicAuthParams{Code: "x"})
		},
		"magic-auth:code): the code is empty": func() (any, error) {
			return c.AuthenticateWithMagicAuth(ctx, workos.AuthenticateWithMagicAuthParams{Email: "x"})
		},
		"email-verification:code): the pending authentication token is empty": func() (any, error) {
			return c.AuthenticateWithEmailVerification(ctx, workos.AuthenticateWithEmailVerificationParams{Code: "x"})
		},
		"email-verification:code): the code is empty": func() (any, error) {
			return c.AuthenticateWithEmailVerification(ctx, workos.AuthenticateWithEmailVerificationParams{PendingAuthenticationToken: "x"})
		},
		"mfa-totp): the pending authentication token is empty": func() (any, error) {
			return c.AuthenticateWithTOTP(ctx, workos.AuthenticateWithTOTPParams{Code: "x", AuthenticationChallengeID: "x"})
		},
		"mfa-totp): the authentication challenge id is empty": func() (any, error) {
			return c.AuthenticateWithTOTP(ctx, workos.AuthenticateWithTOTPParams{Code: "x", PendingAuthenticationToken: "x"})
		},
		"mfa-totp): the code is empty": func() (any, error) {
			return c.AuthenticateWithTOTP(ctx, workos.AuthenticateWithTOTPParams{AuthenticationChallengeID: "x", PendingAuthenticationToken: "x"})
		},
		"organization-selection): the organization id is empty": func() (any, error) {
			return c.AuthenticateWithOrganizationSelection(ctx, workos.AuthenticateWithOrganizationSelectionParams{PendingAuthenticationToken: "x"})
		},
		"device_code): the device code is empty": func() (any, error) {
			return c.AuthenticateWithDeviceCode(ctx, workos.AuthenticateWithDeviceCodeParams{})
		},
		"/magic_auth: the email is empty":     func() (any, error) { return c.CreateMagicAuth(ctx, workos.CreateMagicAuthParams{}) },
		"verify: the code is empty":           func() (any, error) { _, _, err := c.VerifyAuthChallenge(ctx, "x", ""); return nil, err },
		"confirm: the code is empty":          func() (any, error) { return c.ConfirmEmailVerification(ctx, "x", "") },
		"/password_reset: the email is empty": func() (any, error) { return c.CreatePasswordReset(ctx, "") },
		"confirm: the token is empty": func() (any, error) {
			return c.ConfirmPasswordReset(ctx, workos.ConfirmPasswordResetParams{NewPassword: "x"})
		},
		"confirm: the new password is empty": func() (any, error) {
			return c.ConfirmPasswordReset(ctx, workos.ConfirmPasswordResetParams{Token: "x"})
		},
		"revoke: the session id is empty":   func() (any, error) { return nil, c.RevokeSession(ctx, "") },
		"sessions: the session id is empty": func() (any, error) { _, _, err := c.FindSession(ctx, "x", ""); return nil, err },
		"/users: the email is empty":        func() (any, error) { return c.CreateUser(ctx, workos.CreateUserParams{}) },
		"memberships: the user id is empty": func() (any, error) {
			return c.CreateOrganizationMembership(ctx, workos.CreateOrganizationMembershipParams{OrganizationID: "x"})
		},
		"memberships: the organization id is empty": func() (any, error) {
			return c.CreateOrganizationMembership(ctx, workos.CreateOrganizationMembershipParams{UserID: "x"})
		},
		"memberships: the user id or organization id is empty": func() (any, error) {
			return collect(c.ListOrganizationMemberships(ctx, workos.ListOrganizationMembershipsParams{}))
		},
		"events: the list of event types is empty": func() (any, error) { return collectEvents(ctx, c, workos.ListEventsParams{}) },
		"events: the After and the RangeStart exclude each other": func() (any, error) {
			return collectEvents(ctx, c, workos.ListEventsParams{Types: []string{"x"}, After: "x", RangeStart: time.Unix(1, 0)})
		},
		"events: the PageSize is not between 1 and 100": func() (any, error) {
			return collectEvents(ctx, c, workos.ListEventsParams{Types: []string{"x"}, PageSize: 101})
		},
		"endpoints: the endpoint url is empty": func() (any, error) {
			return c.CreateWebhookEndpoint(ctx, workos.CreateWebhookEndpointParams{Events: []string{"x"}})
		},
		"endpoints: the list of event types is empty": func() (any, error) {
			return c.CreateWebhookEndpoint(ctx, workos.CreateWebhookEndpointParams{URL: "x"})
		},
		"invitations: the email is empty":                             func() (any, error) { return c.SendInvitation(ctx, workos.SendInvitationParams{OrganizationID: "x"}) },
		"by_token/{token}: the token is empty":                        func() (any, error) { return c.GetInvitationByToken(ctx, "") },
		"email_change/send: the new email is empty":                   func() (any, error) { return c.SendEmailChange(ctx, "x", "") },
		"email_change/confirm: the code is empty":                     func() (any, error) { return c.ConfirmEmailChange(ctx, "x", "") },
		"/organizations: the name is empty":                           func() (any, error) { return c.CreateOrganization(ctx, workos.CreateOrganizationParams{}) },
		"domains: the organization id is empty":                       func() (any, error) { return c.CreateOrganizationDomain(ctx, "", "x") },
		"domains: the domain is empty":                                func() (any, error) { return c.CreateOrganizationDomain(ctx, "x", "") },
		"challenge: the sms template is empty":                        func() (any, error) { return c.ChallengeSMSAuthFactor(ctx, "x", "") },
		"POST /authorization/roles: the slug is empty":                func() (any, error) { return c.CreateRole(ctx, workos.CreateRoleParams{Name: "x"}) },
		"POST /authorization/roles: the name is empty":                func() (any, error) { return c.CreateRole(ctx, workos.CreateRoleParams{Slug: "x"}) },
		"{organization_id}/roles: the name is empty":                  func() (any, error) { return c.CreateOrganizationRole(ctx, "x", workos.CreateRoleParams{Slug: "x"}) },
		"roles/{slug}/permissions: the permission slug is empty":      func() (any, error) { return c.AddRolePermission(ctx, "x", "") },
		"permissions/{permission_slug}: the permission slug is empty": func() (any, error) { return c.RemoveOrganizationRolePermission(ctx, "x", "x", "") },
		"authorization/permissions: the slug is empty":                func() (any, error) { return c.CreatePermission(ctx, workos.CreatePermissionParams{Name: "x"}) },
		"authorization/permissions: the name is empty":                func() (any, error) { return c.CreatePermission(ctx, workos.CreatePermissionParams{Slug: "x"}) },
		"radar-email-challenge:code): the pending authentication token is empty": func() (any, error) {
			return c.AuthenticateWithRadarEmailChallenge(ctx, workos.AuthenticateWithRadarEmailChallengeParams{RadarChallengeID: "x", Code: "x"})
		},
		"radar-email-challenge:code): the radar challenge id is empty": func() (any, error) {
			return c.AuthenticateWithRadarEmailChallenge(ctx, workos.AuthenticateWithRadarEmailChallengeParams{PendingAuthenticationToken: "x", Code: "x"})
		},
		"radar-email-challenge:code): the code is empty": func() (any, error) {
			return c.AuthenticateWithRadarEmailChallenge(ctx, workos.AuthenticateWithRadarEmailChallengeParams{PendingAuthenticationToken: "x", RadarChallengeID: "x"})
		},
		"radar-sms-challenge:code): the pending authentication token is empty": func() (any, error) {
			return c.AuthenticateWithRadarSMSChallenge(ctx, workos.AuthenticateWithRadarSMSChallengeParams{Code: "x"})
		},
		"radar-sms-challenge:code): the code is empty": func() (any, error) {
			return c.AuthenticateWithRadarSMSChallenge(ctx, workos.AuthenticateWithRadarSMSChallengeParams{PendingAuthenticationToken: "x"})
		},
		"radar_challenges: the user id is empty": func() (any, error) {
			return c.SendRadarSMSChallenge(ctx, workos.SendRadarSMSChallengeParams{PendingAuthenticationToken: "x", PhoneNumber: "x"})
		},
		"radar_challenges: the pending authentication token is empty": func() (any, error) {
			return c.SendRadarSMSChallenge(ctx, workos.SendRadarSMSChallengeParams{UserID: "x", PhoneNumber: "x"})
		},
		"radar_challenges: the phone number is empty": func() (any, error) {
			return c.SendRadarSMSChallenge(ctx, workos.SendRadarSMSChallengeParams{UserID: "x", PendingAuthenticationToken: "x"})
		},
		"redirect_uris: the uri is empty":          func() (any, error) { return c.CreateRedirectURI(ctx, "") },
		"cors_origins: the origin is empty":        func() (any, error) { return c.CreateCORSOrigin(ctx, "") },
		"jwt_template: the content is empty":       func() (any, error) { return c.UpdateJWTTemplate(ctx, "") },
		"check: the permission slug is empty":      func() (any, error) { return c.CheckAuthorization(ctx, "x", "", workos.Resource{ID: "x"}) },
		"role_assignments: the role slug is empty": func() (any, error) { return c.AssignRole(ctx, "x", "", workos.Resource{ID: "x"}) },
		"POST /authorization/resources: the organization id is empty": func() (any, error) {
			return c.CreateResource(ctx, workos.CreateResourceParams{TypeSlug: "x", ExternalID: "x", Name: "x"})
		},
		"POST /authorization/resources: the resource type slug is empty": func() (any, error) {
			return c.CreateResource(ctx, workos.CreateResourceParams{OrganizationID: "x", ExternalID: "x", Name: "x"})
		},
		"POST /authorization/resources: the external id is empty": func() (any, error) {
			return c.CreateResource(ctx, workos.CreateResourceParams{OrganizationID: "x", TypeSlug: "x", Name: "x"})
		},
		"POST /authorization/resources: the name is empty": func() (any, error) {
			return c.CreateResource(ctx, workos.CreateResourceParams{OrganizationID: "x", TypeSlug: "x", ExternalID: "x"})
		},
		"{external_id}: the resource type slug is empty": func() (any, error) { return c.GetResourceByExternalID(ctx, "x", "", "x") },
		"{external_id}: the external id is empty":        func() (any, error) { return c.GetResourceByExternalID(ctx, "x", "x", "") },
		"{resource_id}: the resource id is empty": func() (any, error) {
			return nil, c.DeleteResource(ctx, "", workos.DeleteResourceParams{})
		},
		"{resource_id}/organization_memberships: the permission slug is empty": func() (any, error) {
			return collect(c.ListResourceMembers(ctx, "x", workos.ListResourceMembersParams{}))
		},
		"{external_id}/organization_memberships: the permission slug is empty": func() (any, error) {
			return collect(c.ListResourceMembersByExternalID(ctx, "x", "x", "x", workos.ListResourceMembersParams{}))
		},
		"{organization_membership_id}/resources: the permission slug is empty": func() (any, error) {
			return collect(c.ListOrganizationMembershipResources(ctx, "x", workos.ListOrganizationMembershipResourcesParams{
				Parent: workos.Resource{ID: "x"},
			}))
		},
		"{resource_id}/permissions: the organization membership id is empty": func() (any, error) {
			return collect(c.ListEffectivePermissions(ctx, "", workos.Resource{ID: "x"}, workos.Paging{}))
		},
		"POST /authorization/groups/{group_id}/role_assignments: the role slug is empty": func() (any, error) {
			return c.AssignGroupRole(ctx, "x", "", workos.Resource{ID: "x"})
		},
		"DELETE /authorization/groups/{group_id}/role_assignments: the role slug is empty": func() (any, error) {
			return nil, c.RemoveGroupRole(ctx, "x", "", workos.Resource{ID: "x"})
		},
		"PUT /authorization/groups/{group_id}/role_assignments: the role slug is empty": func() (any, error) {
			return c.SetGroupRoles(ctx, "x", []workos.GroupRole{{RoleSlug: "x"}, {Resource: workos.Resource{ID: "x"}}})
		},
		"widgets/token: the user id is empty": func() (any, error) { return c.CreateWidgetToken(ctx, workos.CreateWidgetTokenParams{}) },
		"widgets/token: the organization id is empty": func() (any, error) {
			return c.CreateWidgetToken(ctx, workos.CreateWidgetTokenParams{UserID: "x", Scopes: []string{workos.WidgetScopeSSO}})
		},
		"generate_link: the organization id is empty": func() (any, error) { return c.CreatePortalLink(ctx, workos.CreatePortalLinkParams{}) },
		"complete: the external auth id is empty": func() (any, error) {
			return c.CompleteExternalAuth(ctx, workos.CompleteExternalAuthParams{User: workos.ExternalUser{ID: "x", Email: "x"}})
		},
		"complete: the user id is empty": func() (any, error) {
			return c.CompleteExternalAuth(ctx, workos.CompleteExternalAuthParams{ExternalAuthID: "x", User: workos.ExternalUser{Email: "x"}})
		},
		"complete: the user email is empty": func() (any, error) {
			return c.CompleteExternalAuth(ctx, workos.CompleteExternalAuthParams{ExternalAuthID: "x", User: workos.ExternalUser{ID: "x"}})
		},
		"{organization_id}/groups: the name is empty": func() (any, error) { return c.CreateGroup(ctx, "x", workos.CreateGroupParams{}) },
		"organization-memberships: the organization membership id is empty": func() (any, error) {
			return c.AddGroupMember(ctx, "x", "x", "")
		},
		"factors/enroll: the type is empty": func() (any, error) {
			return c.EnrollStandaloneAuthFactor(ctx, workos.EnrollStandaloneAuthFactorParams{PhoneNumber: "x"})
		},
		"factors/enroll: the phone number is empty": func() (any, error) {
			return c.EnrollStandaloneAuthFactor(ctx, workos.EnrollStandaloneAuthFactorParams{Type: workos.AuthFactorSMS})
		},
		"factors/enroll: the totp issuer is empty": func() (any, error) {
			return c.EnrollStandaloneAuthFactor(ctx, workos.EnrollStandaloneAuthFactorParams{Type: workos.AuthFactorTOTP, User: "x"})
		},
		"factors/enroll: the totp user is empty": func() (any, error) {
			return c.EnrollStandaloneAuthFactor(ctx, workos.EnrollStandaloneAuthFactorParams{Type: workos.AuthFactorTOTP, Issuer: "x"})
		},
		"audit_logs/events: the organization id is empty": func() (any, error) {
			return nil, c.CreateAuditLogEvent(ctx, workos.CreateAuditLogEventParams{})
		},
		"audit_logs/events: the action is empty": func() (any, error) {
			return nil, c.CreateAuditLogEvent(ctx, workos.CreateAuditLogEventParams{OrganizationID: "x"})
		},
		"audit_logs/events: the occurred at is empty": func() (any, error) {
			return nil, c.CreateAuditLogEvent(ctx, workos.CreateAuditLogEventParams{OrganizationID: "x", Event: workos.AuditLogEvent{Action: "x"}})
		},
		"audit_logs/events: the location is empty": func() (any, error) {
			return nil, c.CreateAuditLogEvent(ctx, workos.CreateAuditLogEventParams{OrganizationID: "x", Event: workos.AuditLogEvent{
				Action: "x", OccurredAt: time.Unix(1, 0), Actor: workos.AuditLogEntity{ID: "x", Type: "x"},
			}})
		},
		"audit_logs/events: the actor id is empty": func() (any, error) {
			return nil, c.CreateAuditLogEvent(ctx, workos.CreateAuditLogEventParams{OrganizationID: "x", Event: workos.AuditLogEvent{
				Action: "x", OccurredAt: time.Unix(1, 0),
			}})
		},
		"audit_logs/events: the actor type is empty": func() (any, error) {
			return nil, c.CreateAuditLogEvent(ctx, workos.CreateAuditLogEventParams{OrganizationID: "x", Event: workos.AuditLogEvent{
				Action: "x", OccurredAt: time.Unix(1, 0), Actor: workos.AuditLogEntity{ID: "x"},
			}})
		},
		"entries: the email is empty": func() (any, error) {
			return c.CreateWaitlistEntry(ctx, "x", workos.CreateWaitlistEntryParams{})
		},
		"api_keys: the name is empty": func() (any, error) { return c.CreateOrganizationAPIKey(ctx, "x", workos.CreateAPIKeyParams{}) },
		"api_keys: the organization id is empty": func() (any, error) {
			return c.CreateUserAPIKey(ctx, "x", "", workos.CreateAPIKeyParams{Name: "x"})
		},
	} {
		_, err := call()
		assert.ErrorContains(t, err, want)
		assert.False(t, workos.IsTransient(err), want)
	}
	key, valid, err := c.ValidateAPIKey(ctx, "")
	assert.Nil(t, key)
	assert.False(t, valid)
	assert.NoError(t, err, "a request without a key is not an error of the call")
	assert.Empty(t, server.received())
}

func TestATimeThatJSONCannotEncodeIsAnErrorWithoutARequest(t *testing.T) {
	server := newServer(t, respondWith(200, `{}`))
	_, err := server.client(t).CreateOrganizationAPIKey(t.Context(), "org_01A", workos.CreateAPIKeyParams{
		Name: "CI", ExpiresAt: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC),
	})
	assert.ErrorContains(t, err, "workos: POST /organizations/{organization_id}/api_keys: ")
	assert.False(t, workos.IsTransient(err))
	assert.Empty(t, server.received())
}
