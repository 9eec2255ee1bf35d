// The routes of the API.

package authkittest

// Route is an endpoint of the API. [Server.Calls] counts the calls of a route, and [Server.InjectFault] makes a route fail.
type Route string

// Routes that browsers, devices and token verifiers use without an API key.
const (
	RouteAuthorize       Route = "GET /user_management/authorize"
	RouteAuthorizeDevice Route = "POST /user_management/authorize/device"
	RouteLogout          Route = "GET /user_management/sessions/logout"
	RouteJWKS            Route = "GET /sso/jwks/{client_id}"
	RouteDiscovery       Route = "GET /user_management/{client_id}/.well-known/openid-configuration"
)

// browserRoutes are the routes that browsers call. No application waits for them.
var browserRoutes = map[Route]bool{RouteAuthorize: true, RouteLogout: true}

// RouteAuthenticate is the endpoint of all grants. Its calls are the calls of all grants. A fault on it applies to every grant
// that has no fault of its own.
const RouteAuthenticate Route = "POST /user_management/authenticate"

// The single grants of RouteAuthenticate.
const (
	RouteCodeExchange          Route = RouteAuthenticate + " authorization_code"
	RouteRefresh               Route = RouteAuthenticate + " refresh_token"
	RoutePassword              Route = RouteAuthenticate + " password"
	RouteMagicAuth             Route = RouteAuthenticate + " urn:workos:oauth:grant-type:magic-auth:code"
	RouteEmailVerification     Route = RouteAuthenticate + " urn:workos:oauth:grant-type:email-verification:code"
	RouteTOTP                  Route = RouteAuthenticate + " urn:workos:oauth:grant-type:mfa-totp"
	RouteOrganizationSelection Route = RouteAuthenticate + " urn:workos:oauth:grant-type:organization-selection"
	RouteDeviceToken           Route = RouteAuthenticate + " urn:ietf:params:oauth:grant-type:device_code"
)

// Magic Auth, email verification and password reset.
const (
	RouteCreateMagicAuth          Route = "POST /user_management/magic_auth"
	RouteGetMagicAuth             Route = "GET /user_management/magic_auth/{id}"
	RouteSendEmailVerification    Route = "POST /user_management/users/{id}/email_verification/send"
	RouteConfirmEmailVerification Route = "POST /user_management/users/{id}/email_verification/confirm"
	RouteGetEmailVerification     Route = "GET /user_management/email_verification/{id}"
	RouteCreatePasswordReset      Route = "POST /user_management/password_reset"
	RouteGetPasswordReset         Route = "GET /user_management/password_reset/{id}"
	RouteConfirmPasswordReset     Route = "POST /user_management/password_reset/confirm"
)

// Users, their identities and sessions.
const (
	RouteGetUser             Route = "GET /user_management/users/{id}"
	RouteGetUserByExternalID Route = "GET /user_management/users/external_id/{external_id}"
	RouteListUsers           Route = "GET /user_management/users"
	RouteCreateUser          Route = "POST /user_management/users"
	RouteUpdateUser          Route = "PUT /user_management/users/{id}"
	RouteDeleteUser          Route = "DELETE /user_management/users/{id}"
	RouteSendEmailChange     Route = "POST /user_management/users/{id}/email_change/send"
	RouteConfirmEmailChange  Route = "POST /user_management/users/{id}/email_change/confirm"
	RouteListIdentities      Route = "GET /user_management/users/{id}/identities"
	RouteListSessions        Route = "GET /user_management/users/{id}/sessions"
	RouteRevokeSession       Route = "POST /user_management/sessions/revoke"
)

// Organization memberships.
const (
	RouteCreateMembership     Route = "POST /user_management/organization_memberships"
	RouteGetMembership        Route = "GET /user_management/organization_memberships/{id}"
	RouteListMemberships      Route = "GET /user_management/organization_memberships"
	RouteUpdateMembership     Route = "PUT /user_management/organization_memberships/{id}"
	RouteDeactivateMembership Route = "PUT /user_management/organization_memberships/{id}/deactivate"
	RouteReactivateMembership Route = "PUT /user_management/organization_memberships/{id}/reactivate"
	RouteDeleteMembership     Route = "DELETE /user_management/organization_memberships/{id}"
)

// Invitations.
const (
	RouteSendInvitation       Route = "POST /user_management/invitations"
	RouteGetInvitation        Route = "GET /user_management/invitations/{id}"
	RouteGetInvitationByToken Route = "GET /user_management/invitations/by_token/{token}"
	RouteListInvitations      Route = "GET /user_management/invitations"
	RouteAcceptInvitation     Route = "POST /user_management/invitations/{id}/accept"
	RouteResendInvitation     Route = "POST /user_management/invitations/{id}/resend"
	RouteRevokeInvitation     Route = "POST /user_management/invitations/{id}/revoke"
)

// Organizations and their domains.
const (
	RouteGetOrganization             Route = "GET /organizations/{id}"
	RouteGetOrganizationByExternalID Route = "GET /organizations/external_id/{external_id}"
	RouteListOrganizations           Route = "GET /organizations"
	RouteCreateOrganization          Route = "POST /organizations"
	RouteUpdateOrganization          Route = "PUT /organizations/{id}"
	RouteDeleteOrganization          Route = "DELETE /organizations/{id}"
	RouteCreateOrganizationDomain    Route = "POST /organization_domains"
	RouteGetOrganizationDomain       Route = "GET /organization_domains/{id}"
	RouteVerifyOrganizationDomain    Route = "POST /organization_domains/{id}/verify"
	RouteDeleteOrganizationDomain    Route = "DELETE /organization_domains/{id}"
)

// Roles and permissions of the environment, and roles of organizations.
const (
	RouteListRoles                        Route = "GET /authorization/roles"
	RouteGetRole                          Route = "GET /authorization/roles/{slug}"
	RouteCreateRole                       Route = "POST /authorization/roles"
	RouteUpdateRole                       Route = "PATCH /authorization/roles/{slug}"
	RouteAddRolePermission                Route = "POST /authorization/roles/{slug}/permissions"
	RouteSetRolePermissions               Route = "PUT /authorization/roles/{slug}/permissions"
	RouteListOrganizationRoles            Route = "GET /authorization/organizations/{id}/roles"
	RouteGetOrganizationRole              Route = "GET /authorization/organizations/{id}/roles/{slug}"
	RouteCreateOrganizationRole           Route = "POST /authorization/organizations/{id}/roles"
	RouteUpdateOrganizationRole           Route = "PATCH /authorization/organizations/{id}/roles/{slug}"
	RouteDeleteOrganizationRole           Route = "DELETE /authorization/organizations/{id}/roles/{slug}"
	RouteAddOrganizationRolePermission    Route = "POST /authorization/organizations/{id}/roles/{slug}/permissions"
	RouteSetOrganizationRolePermissions   Route = "PUT /authorization/organizations/{id}/roles/{slug}/permissions"
	RouteRemoveOrganizationRolePermission Route = "DELETE /authorization/organizations/{id}/roles/{slug}/permissions/{permission_slug}"
	RouteListPermissions                  Route = "GET /authorization/permissions"
	RouteGetPermission                    Route = "GET /authorization/permissions/{slug}"
	RouteCreatePermission                 Route = "POST /authorization/permissions"
	RouteUpdatePermission                 Route = "PATCH /authorization/permissions/{slug}"
	RouteDeletePermission                 Route = "DELETE /authorization/permissions/{slug}"
)

// Permissions and roles of members on resources.
const (
	RouteCheckAuthorization   Route = "POST /authorization/organization_memberships/{id}/check"
	RouteAssignRole           Route = "POST /authorization/organization_memberships/{id}/role_assignments"
	RouteRemoveRole           Route = "DELETE /authorization/organization_memberships/{id}/role_assignments"
	RouteListRoleAssignments  Route = "GET /authorization/organization_memberships/{id}/role_assignments"
	RouteRemoveRoleAssignment Route = "DELETE /authorization/organization_memberships/{id}/role_assignments/{assignment_id}"
)

// Feature flags.
const (
	RouteListFeatureFlags             Route = "GET /feature-flags"
	RouteListOrganizationFeatureFlags Route = "GET /organizations/{id}/feature-flags"
	RouteListUserFeatureFlags         Route = "GET /user_management/users/{id}/feature-flags"
	RouteGetFeatureFlag               Route = "GET /feature-flags/{slug}"
	RouteEnableFeatureFlag            Route = "PUT /feature-flags/{slug}/enable"
	RouteDisableFeatureFlag           Route = "PUT /feature-flags/{slug}/disable"
	RouteAddFeatureFlagTarget         Route = "POST /feature-flags/{slug}/targets/{target_id}"
	RouteRemoveFeatureFlagTarget      Route = "DELETE /feature-flags/{slug}/targets/{target_id}"
)

// Connect applications that users have authorized.
const (
	RouteListUserAuthorizedApplications         Route = "GET /user_management/users/{id}/authorized_applications"
	RouteListOrganizationAuthorizedApplications Route = "GET /organizations/{id}/authorized_applications"
	RouteDeleteUserAuthorizedApplication        Route = "DELETE /user_management/users/{id}/authorized_applications/{application_id}"
)

// Settings of the environment.
const (
	RouteCreateRedirectURI Route = "POST /user_management/redirect_uris"
	RouteListRedirectURIs  Route = "GET /user_management/redirect_uris"
	RouteDeleteRedirectURI Route = "DELETE /user_management/redirect_uris/{id}"
	RouteCreateCORSOrigin  Route = "POST /user_management/cors_origins"
	RouteListCORSOrigins   Route = "GET /user_management/cors_origins"
)

// Widgets and the Admin Portal.
const (
	RouteCreateWidgetToken Route = "POST /widgets/token"
	RouteCreatePortalLink  Route = "POST /portal/generate_link"
)

// Multi-factor authentication.
const (
	RouteEnrollUserFactor Route = "POST /user_management/users/{id}/auth_factors"
	RouteListUserFactors  Route = "GET /user_management/users/{id}/auth_factors"
	RouteEnrollFactor     Route = "POST /auth/factors/enroll"
	RouteGetFactor        Route = "GET /auth/factors/{id}"
	RouteDeleteFactor     Route = "DELETE /auth/factors/{id}"
	RouteChallengeFactor  Route = "POST /auth/factors/{id}/challenge"
	RouteVerifyChallenge  Route = "POST /auth/challenges/{id}/verify"
)

// API keys.
const (
	RouteCreateOrganizationAPIKey Route = "POST /organizations/{id}/api_keys"
	RouteListOrganizationAPIKeys  Route = "GET /organizations/{id}/api_keys"
	RouteCreateUserAPIKey         Route = "POST /user_management/users/{id}/api_keys"
	RouteListUserAPIKeys          Route = "GET /user_management/users/{id}/api_keys"
	RouteDeleteAPIKey             Route = "DELETE /api_keys/{id}"
	RouteExpireAPIKey             Route = "POST /api_keys/{id}/expire"
	RouteValidateAPIKey           Route = "POST /api_keys/validations"
)

// Events and webhook endpoints.
const (
	RouteListEvents            Route = "GET /events"
	RouteCreateWebhookEndpoint Route = "POST /webhook_endpoints"
	RouteListWebhookEndpoints  Route = "GET /webhook_endpoints"
	RouteUpdateWebhookEndpoint Route = "PATCH /webhook_endpoints/{id}"
	RouteDeleteWebhookEndpoint Route = "DELETE /webhook_endpoints/{id}"
)
