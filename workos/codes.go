// The error codes that WorkOS documents. WorkOS adds codes, so an error can have a code that is not in this list.

package workos

// Codes of a sign-in that needs a further step. Each has an error type that holds the parameters of that step.
const (
	CodeMFAChallenge                  = "mfa_challenge"                   // [MFAChallengeError]
	CodeMFAEnrollment                 = "mfa_enrollment"                  // [MFAEnrollmentError]
	CodeEmailVerificationRequired     = "email_verification_required"     // [EmailVerificationRequiredError]
	CodeOrganizationSelectionRequired = "organization_selection_required" // [OrganizationSelectionRequiredError]
	CodeRadarChallenge                = "radar_challenge"                 // [RadarChallengeError], also for the next four
	CodeRadarSignUpChallenge          = "radar_sign_up_challenge"
	CodeRadarSMSSignInChallenge       = "radar_sms_sign_in_challenge"
	CodeRadarEmailChallenge           = "radar_email_challenge"
	CodeRadarSMSChallenge             = "radar_sms_challenge"
)

// Codes of an authentication method that is not available to this user, organization or environment.
const (
	CodeSSORequired                               = "sso_required"                                 // [SSORequiredError]
	CodeOrganizationAuthenticationMethodsRequired = "organization_authentication_methods_required" // [OrganizationAuthMethodsRequiredError]
	CodeAuthenticationMethodNotAllowed            = "authentication_method_not_allowed"
	CodeEmailPasswordAuthDisabled                 = "email_password_auth_disabled"
	CodePasskeyProgressiveEnrollment              = "passkey_progressive_enrollment"
	CodeApplicationConsentRequired                = "application_consent_required"
	CodeSignUpNotAllowed                          = "sign_up_not_allowed"
	CodeInvitationInvalid                         = "invitation_invalid"
	CodeInvitationCannotBeUsedForEmail            = "invitation_cannot_be_used_for_email"
	CodeOrganizationNotFound                      = "organization_not_found"
	CodeOrganizationMembershipNotFound            = "organization_membership_not_found"
	CodeInvalidOrganizationID                     = "invalid_organization_id"
	CodeEmailDomainNotDeliverable                 = "email_domain_not_deliverable"
)

// Codes of an invalid code, token or credential.
const (
	CodeInvalidGrant                      = "invalid_grant"         // [InvalidGrantError]
	CodeInvalidCredentials                = "invalid_credentials"   // [InvalidCredentialsError]
	CodeInvalidOneTimeCode                = "invalid_one_time_code" // [OneTimeCodeError], also for the next ten
	CodeOneTimeCodeExpired                = "one_time_code_expired"
	CodeOneTimeCodePreviouslyUsed         = "one_time_code_previously_used"
	CodeOneTimeCodeTooManyAttempts        = "one_time_code_too_many_attempts"
	CodeEmailVerificationCodeIncorrect    = "email_verification_code_incorrect"
	CodeEmailVerificationCodeExpired      = "email_verification_code_expired"
	CodeEmailVerificationCodeUsed         = "email_verification_code_previously_used"
	CodeEmailChangeCodeIncorrect          = "email_change_code_incorrect"
	CodeEmailChangeCodeExpired            = "email_change_code_expired"
	CodeEmailChangeCodeUsed               = "email_change_code_previously_used"
	CodeEmailChangeTooManyAttempts        = "email_change_too_many_attempts"
	CodeInvalidPendingAuthenticationToken = "invalid_pending_authentication_token" // the sign-in must start again
	CodeCodeChallengeNotFound             = "code_challenge_not_found"
	CodeUserMismatch                      = "user_mismatch"
	CodeInvalidLinkAuthorizationCode      = "invalid_link_authorization_code"
	CodeInvalidProfile                    = "invalid_profile"
	CodeInvalidConnection                 = "invalid_connection"
)

// Codes of the device flow (RFC 8628 section 3.5).
const (
	CodeAuthorizationPending = "authorization_pending" // [Client.PollDevice] handles this code and the next
	CodeSlowDown             = "slow_down"
	CodeAccessDenied         = "access_denied" // [DeviceDeniedError]
	CodeExpiredToken         = "expired_token" // [DeviceExpiredError]
)

// Codes of a mistake in the application's code or configuration.
const (
	CodeInvalidRequest           = "invalid_request" // also for an unknown grant type
	CodeInvalidClient            = "invalid_client"
	CodeUnauthorizedClient       = "unauthorized_client"
	CodePKCENotSupported         = "pkce_not_supported"
	CodeTokenTooBig              = "token_too_big" // the JWT template produces more than 3072 bytes
	CodeExtraAttributesRequired  = "extra_attributes_required"
	CodePhoneNumberRequired      = "phone_number_required"      // of a Radar challenge by SMS
	CodeVerificationIDRequired   = "verification_id_required"   // of a Radar challenge by SMS
	CodeInvalidRequestParameters = "invalid_request_parameters" // [ValidationError]
)

// Codes of rate limits. Both are a [RateLimitError].
const (
	CodeTooManyRequests    = "too_many_requests"
	CodeDailyQuotaExceeded = "daily_quota_exceeded" // waiting a minute does not help
)

// Codes of users, passwords and email addresses.
const (
	CodePasswordStrengthError            = "password_strength_error" // [WeakPasswordError]
	CodePasswordResetError               = "password_reset_error"    // [PasswordResetError]
	CodePasswordResetNotAllowed          = "password_reset_not_allowed"
	CodeUserCreationError                = "user_creation_error" // usually an address that already exists; see Details
	CodeUserDeletionNotAllowed           = "user_deletion_not_allowed"
	CodeInvalidPasswordHash              = "invalid_password_hash"
	CodePasswordAndPasswordHashProvided  = "password_and_password_hash_provided"
	CodePasswordAndHashTypeProvided      = "password_and_password_hash_type_provided"
	CodePasswordSaltPositionRequiresHash = "password_salt_position_requires_password_hash"
	CodeInvalidMetadata                  = "invalid_metadata"
	CodeInvalidEmail                     = "invalid_email"
	CodeInvalidLocale                    = "invalid_locale"
	CodeExternalIDAlreadyUsed            = "external_id_already_used"
	CodeEmailNotAvailable                = "email_not_available"
	CodeEmailChangeNotAllowed            = "email_change_not_allowed"
	CodeEmailChangeNotNeeded             = "email_change_not_needed" // the user has the address already
	CodeNoPendingEmailChange             = "no_pending_email_change"
	CodeEmailAlreadyVerified             = "email_already_verified"
	CodeEmailPreviouslyVerified          = "email_previously_verified"
)

// Codes of organizations and their domains. [CodeInvalidMetadata] and [CodeExternalIDAlreadyUsed] are codes of organizations too.
const (
	CodeStripeCustomerIDAlreadyUsed = "stripe_customer_id_already_used"
	CodeDomainAlreadyExists         = "domain_already_exists"
	CodeDomainAlreadyVerified       = "domain_already_verified"
)

// Codes of organization memberships.
const (
	CodeInvalidRole                       = "invalid_role"
	CodeMultipleRolesNotEnabled           = "multiple_roles_not_enabled"
	CodeSubResourceScopedRoleNotAllowed   = "sub_resource_scoped_role_not_allowed"
	CodeMissingUserIDOrOrganizationID     = "missing_user_id_or_organization_id"
	CodeCannotDeactivatePendingMembership = "cannot_deactivate_pending_organization_membership"
	CodeCannotReactivatePendingMembership = "cannot_reactivate_pending_organization_membership"
)

// Codes of groups. [CodeBadRequest] is a code of groups too.
const (
	CodeGroupMembershipLimitExceeded = "group_membership_limit_exceeded"
)

// Codes of roles and permissions.
const (
	CodeBadRequest                   = "bad_request"
	CodeRoleSlugConflict             = "role_slug_conflict"
	CodeOrganizationRoleSlugConflict = "organization_role_slug_conflict"
	CodeRoleHasAssignments           = "role_has_assignments"
	CodeRoleHasGroupRoleMappings     = "role_has_group_role_mappings"
	CodePermissionSlugConflict       = "permission_slug_conflict"
)

// Codes of resources and of roles on them. [CodeBadRequest] is a code of resources too.
const (
	CodeMissingOrganizationIDOrResourceTypeSlug = "missing_organization_id_or_resource_type_slug"
	CodeAuthorizationResourceExternalIDConflict = "authorization_resource_external_id_conflict"
	CodeResourceHasDependents                   = "resource_has_dependents"          // see DeleteResourceParams
	CodeResourceTypeUpdateInProgress            = "resource_type_update_in_progress" // the resource types change in the dashboard
	CodeLockTimeout                             = "lock_timeout"                     // another change of resources is in progress
	CodeDuplicateGroupRoleAssignment            = "duplicate_group_role_assignment"
)

// Codes of invitations.
const (
	CodeUserAlreadyExists                     = "user_already_exists"
	CodeUserAlreadyOrganizationMember         = "user_already_organization_member"
	CodeEmailAlreadyInvited                   = "email_already_invited"
	CodeEmailAlreadyInvitedToOrganization     = "email_already_invited_to_organization"
	CodeExpiresInDaysTooShort                 = "expires_in_days_too_short"
	CodeExpiresInDaysTooLong                  = "expires_in_days_too_long"
	CodeOrganizationBlockedFromSendingInvites = "organization_blocked_from_sending_invites"
	CodeInviteNotPending                      = "invite_not_pending"
	CodeInviteAccepted                        = "invite_accepted"
	CodeInviteExpired                         = "invite_expired"
	CodeInviteRevoked                         = "invite_revoked"
	CodeInvalidInvite                         = "invalid_invite"
	CodeInviteHasAcceptedUserID               = "invite_has_accepted_user_id"
)

// Codes of Standalone Connect.
const (
	CodeExternalAuthSessionAlreadyCompleted = "external_auth_session_already_completed"
	CodeUserConsentOptionsNotSupported      = "user_consent_options_not_supported"
)

// Codes of connected accounts.
const (
	CodeAuthMethodMismatch = "auth_method_mismatch" // the account has an API key or client credentials, and no access token
)

// Codes of audit logs.
const (
	CodeInvalidAuditLogEvent = "invalid_audit_log_event"
)

// Codes of API keys.
const (
	CodeAPIKeyAlreadyExpired = "api_key_already_expired"
)

// Codes of webhook endpoints.
const (
	CodeDuplicateEndpoint = "duplicate_endpoint"
	CodeInvalidURL        = "invalid_url"
	CodeEntityNotFound    = "entity_not_found" // [IsNotFound] reports it too
)
