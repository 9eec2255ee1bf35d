// Package workos is a typed client of the AuthKit part of the WorkOS REST API.
//
// It can be used without the rest of this module and has no cookies or handlers. A [Client] is built once, is safe for
// concurrent use and belongs to one WorkOS application:
//
//	client, err := workos.NewClient("client_01A", workos.WithAPIKey("sk_live_…"))
//
// Without [WithAPIKey] the client is public (a native application or a command-line tool). A public client sends no
// secret and proves with a code verifier that it started the sign-in. It can sign in with a code or by device
// authorization, refresh, and build URLs. Every other call fails without a request.
//
// The calls cover the sign-in flows, sessions, users, organizations with their members and domains, invitations, roles and
// permissions, fine-grained authorization, feature flags, API keys, events, webhook endpoints and the settings of the
// environment. The package does not cover cookie-based sessions. They are in the packages authkit and seal.
//
// # Calls
//
//	area                calls
//	Authenticate        AuthenticateWithCode, AuthenticateWithRefreshToken, AuthenticateWithPassword,
//	                    AuthenticateWithMagicAuth, AuthenticateWithEmailVerification, AuthenticateWithTOTP,
//	                    AuthenticateWithOrganizationSelection, AuthenticateWithDeviceCode; AuthorizationURL
//	Magic Auth          CreateMagicAuth, GetMagicAuth
//	MFA                 EnrollAuthFactor, ListAuthFactors, GetAuthFactor, ChallengeAuthFactor, ChallengeSMSAuthFactor,
//	                    VerifyAuthChallenge, DeleteAuthFactor; EnrollStandaloneAuthFactor
//	Radar               GetRadarChallenge, AuthenticateWithRadarEmailChallenge, SendRadarSMSChallenge,
//	                    AuthenticateWithRadarSMSChallenge
//	Email verification  SendEmailVerification, ConfirmEmailVerification, GetEmailVerification
//	Email change        SendEmailChange, ConfirmEmailChange
//	Password reset      CreatePasswordReset, GetPasswordReset, ConfirmPasswordReset
//	Device (RFC 8628)   AuthorizeDevice, PollDevice
//	Sessions            ListSessions, FindSession, RevokeSession; LogoutURL
//	Users               GetUser, GetUserByExternalID, ListUsers, CreateUser, UpdateUser, DeleteUser, GetUserIdentities
//	Authorized          ListUserAuthorizedApplications, ListOrganizationAuthorizedApplications,
//	applications        DeleteUserAuthorizedApplication
//	Connected accounts  ListUserDataProviders, AuthorizeConnectedAccount, GetConnectedAccountToken, GetConnectedAccount,
//	                    ImportConnectedAccount, UpdateConnectedAccount, DeleteConnectedAccount
//	Organizations       GetOrganization, GetOrganizationByExternalID, ListOrganizations, CreateOrganization,
//	                    UpdateOrganization, DeleteOrganization
//	Domains             CreateOrganizationDomain, GetOrganizationDomain, VerifyOrganizationDomain,
//	                    DeleteOrganizationDomain
//	Organization        CreateOrganizationMembership, GetOrganizationMembership, ListOrganizationMemberships,
//	memberships         UpdateOrganizationMembership, DeactivateOrganizationMembership,
//	                    ReactivateOrganizationMembership, DeleteOrganizationMembership,
//	                    ListOrganizationMembershipGroups
//	Groups              ListGroups, GetGroup, CreateGroup, UpdateGroup, DeleteGroup, ListGroupMembers, AddGroupMember,
//	                    RemoveGroupMember
//	Invitations         SendInvitation, GetInvitation, GetInvitationByToken, ListInvitations, AcceptInvitation,
//	                    ResendInvitation, RevokeInvitation
//	Waitlists           ListWaitlists, GetWaitlist, ListWaitlistEntries, CreateWaitlistEntry, ApproveWaitlistEntry,
//	                    DenyWaitlistEntry, DeleteWaitlistEntry
//	Roles               ListRoles, GetRole, CreateRole, UpdateRole, AddRolePermission, SetRolePermissions
//	Organization roles  ListOrganizationRoles, GetOrganizationRole, CreateOrganizationRole, UpdateOrganizationRole,
//	                    DeleteOrganizationRole, AddOrganizationRolePermission, RemoveOrganizationRolePermission,
//	                    SetOrganizationRolePermissions
//	Permissions         ListPermissions, GetPermission, CreatePermission, UpdatePermission, DeletePermission
//	Authorization       CheckAuthorization, ListEffectivePermissions, ListResourceMembers,
//	                    ListResourceMembersByExternalID, ListOrganizationMembershipResources
//	Role assignments    AssignRole, RemoveRole, ListRoleAssignments, RemoveRoleAssignment,
//	                    ListResourceRoleAssignments, ListResourceRoleAssignmentsByExternalID
//	Roles of groups     AssignGroupRole, SetGroupRoles, RemoveGroupRole, ListGroupRoleAssignments,
//	                    GetGroupRoleAssignment, RemoveGroupRoleAssignment
//	Resources           ListResources, GetResource, GetResourceByExternalID, CreateResource, UpdateResource,
//	                    UpdateResourceByExternalID, DeleteResource, DeleteResourceByExternalID
//	Feature flags       ListFeatureFlags, GetFeatureFlag, EnableFeatureFlag, DisableFeatureFlag, AddFeatureFlagTarget,
//	                    RemoveFeatureFlagTarget, ListOrganizationFeatureFlags, ListUserFeatureFlags
//	Environment         CreateRedirectURI, ListRedirectURIs, DeleteRedirectURI, CreateCORSOrigin, ListCORSOrigins,
//	                    GetJWTTemplate, UpdateJWTTemplate
//	Hosted by WorkOS    CreateWidgetToken, CreateWidgetsAPIToken, CreatePortalLink, CompleteExternalAuth
//	Audit logs          CreateAuditLogEvent, GetAuditLogConfiguration
//	API keys            CreateOrganizationAPIKey, CreateUserAPIKey, ListOrganizationAPIKeys, ListUserAPIKeys,
//	                    DeleteAPIKey, ExpireAPIKey, ValidateAPIKey
//	Events              ListEvents; ParseWebhook
//	Webhook endpoints   CreateWebhookEndpoint, ListWebhookEndpoints, UpdateWebhookEndpoint, DeleteWebhookEndpoint
//	Discovery           GetOpenIDConfiguration; JWKSURL
//	Anything else       Call
//
// The methods whose name ends in URL build a URL and make no request. [ParseWebhook] is a function: it verifies what
// WorkOS sends, and needs no client. A parameter with its zero value is omitted. Where the API distinguishes null from an
// omitted parameter, the parameter is an [Optional]. A list with pages is an [iter.Seq2]. It fetches a page when the caller reaches
// that page; see [Paging].
//
// [Client.Call] makes the calls of the API that have no method here.
//
// # Operations
//
// These are the operations of WorkOS's OpenAPI description 0.61, by tag. docs/workos-operations.md in the repository lists each of
// them with its method, or with the reason why it has none.
//
//	tag                                             operations  with a method
//	admin-portal                                    1           1
//	api_keys                                        5           5
//	authorization                                   40          40
//	events                                          1           1
//	feature-flags                                   4           4
//	feature-flags.targets                           2           2
//	groups                                          8           8
//	multi-factor-auth                               4           4
//	multi-factor-auth.challenges                    1           1
//	organization-domains                            4           4
//	organizations                                   7           7
//	organizations.api_keys                          2           2
//	organizations.authorized-applications           1           1
//	organizations.feature-flags                     1           1
//	permissions                                     5           5
//	user-management.authentication                  7           7
//	user-management.cors-origins                    2           2
//	user-management.data-providers                  5           5
//	user-management.invitations                     7           7
//	user-management.jwt-template                    2           2
//	user-management.magic-auth                      2           2
//	user-management.multi-factor-authentication     2           2
//	user-management.organization-membership         7           7
//	user-management.organization-membership.groups  1           1
//	user-management.redirect-uris                   3           3
//	user-management.session-tokens                  1           1
//	user-management.users                           16          16
//	user-management.users.authorized-applications   2           2
//	user-management.users.feature-flags             1           1
//	webhooks                                        4           4
//	widgets                                         1           1
//	workos-connect                                  1           1
//	other products of WorkOS                        62          4
//
// IDs are escaped. For an ID that is empty or could name another resource, a call returns an error and makes no request.
//
// # Requests of WorkOS
//
// [ParseAction] verifies an Action request: WorkOS asks whether a user may sign in or register. [Action.Response] signs the
// answer, which is [Allow] or [Deny]. Both need the secret of the endpoint and no Client.
//
// # Time
//
// Every call obeys its context and has time limits of its own:
//
//	call                   an attempt   in total   retried
//	read (GET)             10 s         30 s       yes
//	refresh token grant     5 s         10 s       yes
//	everything else        10 s         10 s       never: the call may have succeeded, and a code works only once
//
// Retries follow network errors and the statuses 408, 429 and 5xx. The nth retry waits 2ⁿ⁻¹ s, or the server's
// Retry-After if that is longer, plus a jitter of up to a quarter of 2ⁿ⁻¹ s. If the total time does not suffice for a
// retry, the call returns the last error at once. For a list the limits apply to each page. PollDevice runs until the
// device code expires.
//
// No redirect is followed, so credentials reach only the configured host.
//
// # Errors
//
// An error response of the API is an [*Error]. Distinguish error responses by their Code, not by their status, because
// the same code comes with several statuses. Errors that an application can act on have types of their own. [errors.As]
// finds the type and the [*Error] that it wraps. A request without a usable response is a [*TransportError]. [IsTransient]
// reports whether an error says nothing about the credentials that were sent. [RetryAfter] returns the delay that the
// server requested. [IsNotFound] reports whether the requested object does not exist.
//
// Some errors require a further step of the sign-in. Each of them holds everything that its next step needs:
//
//	error                                 next step
//	EmailVerificationRequiredError        AuthenticateWithEmailVerification
//	MFAChallengeError                     ChallengeAuthFactor, then AuthenticateWithTOTP
//	MFAEnrollmentError                    EnrollAuthFactor, then AuthenticateWithTOTP
//	OrganizationSelectionRequiredError    AuthenticateWithOrganizationSelection
//	SSORequiredError                      AuthorizationURL with one of its connections
//	OrganizationAuthMethodsRequiredError  AuthorizationURL, or one of the permitted methods
//	RadarChallengeError                   AuthenticateWithRadarEmailChallenge, AuthenticateWithRadarSMSChallenge, or
//	                                      AuthorizationURL
//
// The other errors end the attempt:
//
//	error                    cause
//	InvalidCredentialsError  the email address or the password is wrong
//	OneTimeCodeError         the code is wrong, expired, used, or had too many attempts; see its Reason
//	InvalidGrantError        the code, refresh token or device code is invalid
//	DeviceDeniedError        the user denied the device
//	DeviceExpiredError       the user did not approve the device in time
//	WeakPasswordError        the new password is too weak; see its Reasons
//	PasswordResetError       the reset failed; see its Reasons
//	ValidationError          parameters are missing or malformed; see its Fields
//	RateLimitError           there were too many calls; RetryAfter is the time to wait
//	ConnectedAccountError    the user must connect an account at a provider: AuthorizeConnectedAccount
//
// # Secrets
//
// No error text shows a token, a code, a code verifier, a password, a TOTP secret or a key. The values of this package
// do not show them either when they are printed, logged or encoded as JSON. The user code of a device is not a secret.
// A few values hold a secret in a field because the application needs it: a [MagicAuth] holds its code, an [Invitation] holds
// its token, a new [APIKey] holds its value, a [WebhookEndpoint] holds its secret, a [ConnectedAccountToken] holds its access
// token, and some of the errors above hold a pending authentication token.
package workos
