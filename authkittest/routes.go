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

// Routes of WorkOS Connect: of its clients and of the APIs that they call. They need no API key. They are at URL(), which is the
// AuthKit domain of the fake.
const (
	RouteOAuthMetadata      Route = "GET /.well-known/oauth-authorization-server"
	RouteOAuthDiscovery     Route = "GET /.well-known/openid-configuration"
	RouteOAuthJWKS          Route = "GET /oauth2/jwks"
	RouteOAuthRegister      Route = "POST /oauth2/register"
	RouteOAuthAuthorize     Route = "GET /oauth2/authorize"
	RouteOAuthToken         Route = "POST /oauth2/token"
	RouteOAuthIntrospection Route = "POST /oauth2/introspection"
	RouteOAuthUserInfo      Route = "GET /oauth2/userinfo" // POST too
)

// browserRoutes are the routes that browsers call. No application waits for them.
var browserRoutes = map[Route]bool{RouteAuthorize: true, RouteLogout: true, RouteOAuthAuthorize: true}

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
	RouteRadarEmailChallenge   Route = RouteAuthenticate + " urn:workos:oauth:grant-type:radar-email-challenge:code"
	RouteRadarSMSChallenge     Route = RouteAuthenticate + " urn:workos:oauth:grant-type:radar-sms-challenge:code"
	RouteDeviceToken           Route = RouteAuthenticate + " urn:ietf:params:oauth:grant-type:device_code"
)

// Magic Auth, email verification, challenges of Radar and password reset.
const (
	RouteCreateMagicAuth          Route = "POST /user_management/magic_auth"
	RouteGetMagicAuth             Route = "GET /user_management/magic_auth/{id}"
	RouteSendEmailVerification    Route = "POST /user_management/users/{id}/email_verification/send"
	RouteConfirmEmailVerification Route = "POST /user_management/users/{id}/email_verification/confirm"
	RouteGetEmailVerification     Route = "GET /user_management/email_verification/{id}"
	RouteSendRadarSMSChallenge    Route = "POST /user_management/radar_challenges"
	RouteGetRadarChallenge        Route = "GET /user_management/radar_challenges/{id}"
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

// Groups of the members of an organization.
const (
	RouteListGroups           Route = "GET /organizations/{id}/groups"
	RouteGetGroup             Route = "GET /organizations/{id}/groups/{group_id}"
	RouteCreateGroup          Route = "POST /organizations/{id}/groups"
	RouteUpdateGroup          Route = "PATCH /organizations/{id}/groups/{group_id}"
	RouteDeleteGroup          Route = "DELETE /organizations/{id}/groups/{group_id}"
	RouteListGroupMembers     Route = "GET /organizations/{id}/groups/{group_id}/organization-memberships"
	RouteAddGroupMember       Route = "POST /organizations/{id}/groups/{group_id}/organization-memberships"
	RouteRemoveGroupMember    Route = "DELETE /organizations/{id}/groups/{group_id}/organization-memberships/{membership_id}"
	RouteListMembershipGroups Route = "GET /user_management/organization_memberships/{id}/groups"
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

// Waitlists.
const (
	RouteListWaitlists        Route = "GET /user_management/waitlists"
	RouteGetWaitlist          Route = "GET /user_management/waitlists/{id}"
	RouteListWaitlistEntries  Route = "GET /user_management/waitlists/{id}/entries"
	RouteCreateWaitlistEntry  Route = "POST /user_management/waitlists/{id}/entries"
	RouteApproveWaitlistEntry Route = "POST /user_management/waitlist_entries/{id}/approve"
	RouteDenyWaitlistEntry    Route = "POST /user_management/waitlist_entries/{id}/deny"
	RouteDeleteWaitlistEntry  Route = "DELETE /user_management/waitlist_entries/{id}"
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
	RouteCheckAuthorization                      Route = "POST /authorization/organization_memberships/{id}/check"
	RouteListEffectivePermissions                Route = "GET /authorization/organization_memberships/{id}/resources/{resource_id}/permissions"
	RouteListEffectivePermissionsByExternalID    Route = "GET /authorization/organization_memberships/{id}/resources/{type_slug}/{external_id}/permissions"
	RouteListMembershipResources                 Route = "GET /authorization/organization_memberships/{id}/resources"
	RouteListResourceMembers                     Route = "GET /authorization/resources/{resource_id}/organization_memberships"
	RouteListResourceMembersByExternalID         Route = "GET /authorization/organizations/{id}/resources/{type_slug}/{external_id}/organization_memberships"
	RouteAssignRole                              Route = "POST /authorization/organization_memberships/{id}/role_assignments"
	RouteRemoveRole                              Route = "DELETE /authorization/organization_memberships/{id}/role_assignments"
	RouteListRoleAssignments                     Route = "GET /authorization/organization_memberships/{id}/role_assignments"
	RouteRemoveRoleAssignment                    Route = "DELETE /authorization/organization_memberships/{id}/role_assignments/{assignment_id}"
	RouteListResourceRoleAssignments             Route = "GET /authorization/resources/{resource_id}/role_assignments"
	RouteListResourceRoleAssignmentsByExternalID Route = "GET /authorization/organizations/{id}/resources/{type_slug}/{external_id}/role_assignments"
)

// Resources on which roles can be assigned.
const (
	RouteListResources              Route = "GET /authorization/resources"
	RouteGetResource                Route = "GET /authorization/resources/{resource_id}"
	RouteGetResourceByExternalID    Route = "GET /authorization/organizations/{id}/resources/{type_slug}/{external_id}"
	RouteCreateResource             Route = "POST /authorization/resources"
	RouteUpdateResource             Route = "PATCH /authorization/resources/{resource_id}"
	RouteUpdateResourceByExternalID Route = "PATCH /authorization/organizations/{id}/resources/{type_slug}/{external_id}"
	RouteDeleteResource             Route = "DELETE /authorization/resources/{resource_id}"
	RouteDeleteResourceByExternalID Route = "DELETE /authorization/organizations/{id}/resources/{type_slug}/{external_id}"
)

// Roles of groups.
const (
	RouteListGroupRoleAssignments  Route = "GET /authorization/groups/{group_id}/role_assignments"
	RouteGetGroupRoleAssignment    Route = "GET /authorization/groups/{group_id}/role_assignments/{assignment_id}"
	RouteAssignGroupRole           Route = "POST /authorization/groups/{group_id}/role_assignments"
	RouteSetGroupRoles             Route = "PUT /authorization/groups/{group_id}/role_assignments"
	RouteRemoveGroupRole           Route = "DELETE /authorization/groups/{group_id}/role_assignments"
	RouteRemoveGroupRoleAssignment Route = "DELETE /authorization/groups/{group_id}/role_assignments/{assignment_id}"
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
	RouteListFeatureFlagRules         Route = "GET /sdk/feature-flags" // for SDKs that evaluate the flags themselves
)

// Connect applications that users have authorized, and sign-ins of the application for them.
const (
	RouteCompleteExternalAuth                   Route = "POST /authkit/oauth2/complete"
	RouteListUserAuthorizedApplications         Route = "GET /user_management/users/{id}/authorized_applications"
	RouteListOrganizationAuthorizedApplications Route = "GET /organizations/{id}/authorized_applications"
	RouteDeleteUserAuthorizedApplication        Route = "DELETE /user_management/users/{id}/authorized_applications/{application_id}"
)

// Connected accounts of users, and the providers of Pipes.
const (
	RouteListDataProviders         Route = "GET /user_management/users/{id}/data_providers"
	RouteGetConnectedAccount       Route = "GET /user_management/users/{id}/connected_accounts/{slug}"
	RouteImportConnectedAccount    Route = "POST /user_management/users/{id}/connected_accounts/{slug}"
	RouteUpdateConnectedAccount    Route = "PUT /user_management/users/{id}/connected_accounts/{slug}"
	RouteDeleteConnectedAccount    Route = "DELETE /user_management/users/{id}/connected_accounts/{slug}"
	RouteAuthorizeConnectedAccount Route = "POST /data-integrations/{slug}/authorize"
	RouteGetConnectedAccountToken  Route = "POST /data-integrations/{slug}/token"
)

// Settings of the environment.
const (
	RouteCreateRedirectURI Route = "POST /user_management/redirect_uris"
	RouteListRedirectURIs  Route = "GET /user_management/redirect_uris"
	RouteDeleteRedirectURI Route = "DELETE /user_management/redirect_uris/{id}"
	RouteCreateCORSOrigin  Route = "POST /user_management/cors_origins"
	RouteListCORSOrigins   Route = "GET /user_management/cors_origins"
	RouteGetJWTTemplate    Route = "GET /user_management/jwt_template"
	RouteUpdateJWTTemplate Route = "PUT /user_management/jwt_template"
)

// Widgets and the Admin Portal.
const (
	RouteCreateWidgetToken     Route = "POST /widgets/token"
	RouteCreateWidgetsAPIToken Route = "POST /client/token"
	RouteCreatePortalLink      Route = "POST /portal/generate_link"
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

// Audit logs.
const (
	RouteCreateAuditLogEvent      Route = "POST /audit_logs/events"
	RouteGetAuditLogConfiguration Route = "GET /organizations/{id}/audit_log_configuration"
)

// Events and webhook endpoints.
const (
	RouteListEvents            Route = "GET /events"
	RouteCreateWebhookEndpoint Route = "POST /webhook_endpoints"
	RouteListWebhookEndpoints  Route = "GET /webhook_endpoints"
	RouteUpdateWebhookEndpoint Route = "PATCH /webhook_endpoints/{id}"
	RouteDeleteWebhookEndpoint Route = "DELETE /webhook_endpoints/{id}"
)
