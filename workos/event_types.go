// The types of events that concern AuthKit, and the type of the data of each.

package workos

import (
	"maps"
	"reflect"
	"slices"
)

// The types of events of users and their sessions.
//
// See https://workos.com/docs/events
const (
	EventUserCreated    = "user.created"    // [User]
	EventUserUpdated    = "user.updated"    // [User]
	EventUserDeleted    = "user.deleted"    // [User]
	EventSessionCreated = "session.created" // [Session]
	EventSessionRevoked = "session.revoked" // [Session]
)

// The types of events of organizations and their members.
const (
	EventOrganizationCreated                  = "organization.created"                    // [Organization]
	EventOrganizationUpdated                  = "organization.updated"                    // [Organization]
	EventOrganizationDeleted                  = "organization.deleted"                    // [Organization]
	EventOrganizationDomainCreated            = "organization_domain.created"             // [OrganizationDomain]
	EventOrganizationDomainUpdated            = "organization_domain.updated"             // [OrganizationDomain]
	EventOrganizationDomainDeleted            = "organization_domain.deleted"             // [OrganizationDomain]
	EventOrganizationDomainVerified           = "organization_domain.verified"            // [OrganizationDomain]
	EventOrganizationDomainVerificationFailed = "organization_domain.verification_failed" // [OrganizationDomainFailure]
	EventOrganizationMembershipCreated        = "organization_membership.created"         // [OrganizationMembership]
	EventOrganizationMembershipUpdated        = "organization_membership.updated"         // [OrganizationMembership]
	EventOrganizationMembershipDeleted        = "organization_membership.deleted"         // [OrganizationMembership]
	EventInvitationCreated                    = "invitation.created"                      // [Invitation]
	EventInvitationAccepted                   = "invitation.accepted"                     // [Invitation]
	EventInvitationResent                     = "invitation.resent"                       // [Invitation]
	EventInvitationRevoked                    = "invitation.revoked"                      // [Invitation]
)

// The types of events of groups.
const (
	EventGroupCreated       = "group.created"        // [Group]
	EventGroupUpdated       = "group.updated"        // [Group]
	EventGroupDeleted       = "group.deleted"        // [Group]
	EventGroupMemberAdded   = "group.member_added"   // [GroupMember]
	EventGroupMemberRemoved = "group.member_removed" // [GroupMember]
)

// The types of events of persons on a waitlist.
const (
	EventWaitlistUserCreated  = "waitlist_user.created"  // [WaitlistEntry], without its AdditionalFields
	EventWaitlistUserApproved = "waitlist_user.approved" // [WaitlistEntry]
	EventWaitlistUserDenied   = "waitlist_user.denied"   // [WaitlistEntry]
)

// The types of events of roles, permissions and API keys. No event reports that an API key expires at its time.
const (
	EventRoleCreated             = "role.created"              // [RoleDefinition], of the environment
	EventRoleUpdated             = "role.updated"              // [RoleDefinition]
	EventRoleDeleted             = "role.deleted"              // [RoleDefinition]
	EventOrganizationRoleCreated = "organization_role.created" // [RoleDefinition], of one organization
	EventOrganizationRoleUpdated = "organization_role.updated" // [RoleDefinition]
	EventOrganizationRoleDeleted = "organization_role.deleted" // [RoleDefinition]
	EventPermissionCreated       = "permission.created"        // [Permission]
	EventPermissionUpdated       = "permission.updated"        // [Permission]
	EventPermissionDeleted       = "permission.deleted"        // [Permission]
	EventAPIKeyCreated           = "api_key.created"           // [APIKey], without its Value
	EventAPIKeyUpdated           = "api_key.updated"           // [APIKey]: its expiry has changed
	EventAPIKeyRevoked           = "api_key.revoked"           // [APIKey]
)

// The types of events of feature flags. [Event.DecodeContext] has the earlier values, and the targets of a rule.
const (
	EventFlagCreated     = "flag.created"      // [FeatureFlag]
	EventFlagUpdated     = "flag.updated"      // [FeatureFlag]
	EventFlagRuleUpdated = "flag.rule_updated" // [FeatureFlag]: it is on for others than before
	EventFlagDeleted     = "flag.deleted"      // [FeatureFlag]
)

// The types of events of connected accounts of Pipes. Their data have no token.
const (
	EventConnectedAccountConnected             = "pipes.connected_account.connected"              // [ConnectedAccount]
	EventConnectedAccountReauthorizationNeeded = "pipes.connected_account.reauthorization_needed" // [ConnectedAccount]
	EventConnectedAccountDisconnected          = "pipes.connected_account.disconnected"           // [ConnectedAccount]
	EventConnectedAccountConnectionFailed      = "pipes.connected_account.connection_failed"      // [ConnectedAccountFailure]
)

// The types of events of mails with a code or a link. Their data have no code, no token and no URL.
const (
	EventEmailVerificationCreated = "email_verification.created" // [EmailVerification]
	EventMagicAuthCreated         = "magic_auth.created"         // [MagicAuth]
	EventPasswordResetCreated     = "password_reset.created"     // [PasswordReset]
	EventPasswordResetSucceeded   = "password_reset.succeeded"   // [PasswordReset]
	EventRadarChallengeCreated    = "radar.challenge_created"    // [MailedRadarChallenge]
)

// The types of events of authentication. They report what has happened at WorkOS, also for sign-ins that no application
// finishes.
const (
	EventAuthenticationEmailVerificationSucceeded = "authentication.email_verification_succeeded" // [AuthenticationAttempt]
	EventAuthenticationEmailVerificationFailed    = "authentication.email_verification_failed"    // [AuthenticationAttempt]
	EventAuthenticationMagicAuthSucceeded         = "authentication.magic_auth_succeeded"         // [AuthenticationAttempt]
	EventAuthenticationMagicAuthFailed            = "authentication.magic_auth_failed"            // [AuthenticationAttempt]
	EventAuthenticationMFASucceeded               = "authentication.mfa_succeeded"                // [AuthenticationAttempt]
	EventAuthenticationMFAFailed                  = "authentication.mfa_failed"                   // [AuthenticationAttempt]
	EventAuthenticationOAuthSucceeded             = "authentication.oauth_succeeded"              // [AuthenticationAttempt]
	EventAuthenticationOAuthFailed                = "authentication.oauth_failed"                 // [AuthenticationAttempt]
	EventAuthenticationPasskeySucceeded           = "authentication.passkey_succeeded"            // [AuthenticationAttempt]
	EventAuthenticationPasskeyFailed              = "authentication.passkey_failed"               // [AuthenticationAttempt]
	EventAuthenticationPasswordSucceeded          = "authentication.password_succeeded"           // [AuthenticationAttempt]
	EventAuthenticationPasswordFailed             = "authentication.password_failed"              // [AuthenticationAttempt]
	EventAuthenticationReauthenticationSucceeded  = "authentication.reauthentication_succeeded"   // [AuthenticationAttempt]
	EventAuthenticationSSOStarted                 = "authentication.sso_started"                  // [AuthenticationAttempt]
	EventAuthenticationSSOSucceeded               = "authentication.sso_succeeded"                // [AuthenticationAttempt]
	EventAuthenticationSSOFailed                  = "authentication.sso_failed"                   // [AuthenticationAttempt]
	EventAuthenticationSSOTimedOut                = "authentication.sso_timed_out"                // [AuthenticationAttempt]
	EventAuthenticationRadarRiskDetected          = "authentication.radar_risk_detected"          // [RadarRisk]
	EventActionAuthenticationDenied               = "action.authentication.denied"                // [ActionDenial]
	EventActionUserRegistrationDenied             = "action.user_registration.denied"             // [ActionDenial]
)

// payloads are the types of the data, by the type of the event.
var payloads = map[string]reflect.Type{
	EventUserCreated:    reflect.TypeFor[User](),
	EventUserUpdated:    reflect.TypeFor[User](),
	EventUserDeleted:    reflect.TypeFor[User](),
	EventSessionCreated: reflect.TypeFor[Session](),
	EventSessionRevoked: reflect.TypeFor[Session](),

	EventOrganizationCreated:                  reflect.TypeFor[Organization](),
	EventOrganizationUpdated:                  reflect.TypeFor[Organization](),
	EventOrganizationDeleted:                  reflect.TypeFor[Organization](),
	EventOrganizationDomainCreated:            reflect.TypeFor[OrganizationDomain](),
	EventOrganizationDomainUpdated:            reflect.TypeFor[OrganizationDomain](),
	EventOrganizationDomainDeleted:            reflect.TypeFor[OrganizationDomain](),
	EventOrganizationDomainVerified:           reflect.TypeFor[OrganizationDomain](),
	EventOrganizationDomainVerificationFailed: reflect.TypeFor[OrganizationDomainFailure](),
	EventOrganizationMembershipCreated:        reflect.TypeFor[OrganizationMembership](),
	EventOrganizationMembershipUpdated:        reflect.TypeFor[OrganizationMembership](),
	EventOrganizationMembershipDeleted:        reflect.TypeFor[OrganizationMembership](),
	EventInvitationCreated:                    reflect.TypeFor[Invitation](),
	EventInvitationAccepted:                   reflect.TypeFor[Invitation](),
	EventInvitationResent:                     reflect.TypeFor[Invitation](),
	EventInvitationRevoked:                    reflect.TypeFor[Invitation](),

	EventGroupCreated:       reflect.TypeFor[Group](),
	EventGroupUpdated:       reflect.TypeFor[Group](),
	EventGroupDeleted:       reflect.TypeFor[Group](),
	EventGroupMemberAdded:   reflect.TypeFor[GroupMember](),
	EventGroupMemberRemoved: reflect.TypeFor[GroupMember](),

	EventWaitlistUserCreated:  reflect.TypeFor[WaitlistEntry](),
	EventWaitlistUserApproved: reflect.TypeFor[WaitlistEntry](),
	EventWaitlistUserDenied:   reflect.TypeFor[WaitlistEntry](),

	EventRoleCreated:             reflect.TypeFor[RoleDefinition](),
	EventRoleUpdated:             reflect.TypeFor[RoleDefinition](),
	EventRoleDeleted:             reflect.TypeFor[RoleDefinition](),
	EventOrganizationRoleCreated: reflect.TypeFor[RoleDefinition](),
	EventOrganizationRoleUpdated: reflect.TypeFor[RoleDefinition](),
	EventOrganizationRoleDeleted: reflect.TypeFor[RoleDefinition](),
	EventPermissionCreated:       reflect.TypeFor[Permission](),
	EventPermissionUpdated:       reflect.TypeFor[Permission](),
	EventPermissionDeleted:       reflect.TypeFor[Permission](),
	EventAPIKeyCreated:           reflect.TypeFor[APIKey](),
	EventAPIKeyUpdated:           reflect.TypeFor[APIKey](),
	EventAPIKeyRevoked:           reflect.TypeFor[APIKey](),

	EventFlagCreated:     reflect.TypeFor[FeatureFlag](),
	EventFlagUpdated:     reflect.TypeFor[FeatureFlag](),
	EventFlagRuleUpdated: reflect.TypeFor[FeatureFlag](),
	EventFlagDeleted:     reflect.TypeFor[FeatureFlag](),

	EventConnectedAccountConnected:             reflect.TypeFor[ConnectedAccount](),
	EventConnectedAccountReauthorizationNeeded: reflect.TypeFor[ConnectedAccount](),
	EventConnectedAccountDisconnected:          reflect.TypeFor[ConnectedAccount](),
	EventConnectedAccountConnectionFailed:      reflect.TypeFor[ConnectedAccountFailure](),

	EventEmailVerificationCreated: reflect.TypeFor[EmailVerification](),
	EventMagicAuthCreated:         reflect.TypeFor[MagicAuth](),
	EventPasswordResetCreated:     reflect.TypeFor[PasswordReset](),
	EventPasswordResetSucceeded:   reflect.TypeFor[PasswordReset](),
	EventRadarChallengeCreated:    reflect.TypeFor[MailedRadarChallenge](),

	EventAuthenticationEmailVerificationSucceeded: reflect.TypeFor[AuthenticationAttempt](),
	EventAuthenticationEmailVerificationFailed:    reflect.TypeFor[AuthenticationAttempt](),
	EventAuthenticationMagicAuthSucceeded:         reflect.TypeFor[AuthenticationAttempt](),
	EventAuthenticationMagicAuthFailed:            reflect.TypeFor[AuthenticationAttempt](),
	EventAuthenticationMFASucceeded:               reflect.TypeFor[AuthenticationAttempt](),
	EventAuthenticationMFAFailed:                  reflect.TypeFor[AuthenticationAttempt](),
	EventAuthenticationOAuthSucceeded:             reflect.TypeFor[AuthenticationAttempt](),
	EventAuthenticationOAuthFailed:                reflect.TypeFor[AuthenticationAttempt](),
	EventAuthenticationPasskeySucceeded:           reflect.TypeFor[AuthenticationAttempt](),
	EventAuthenticationPasskeyFailed:              reflect.TypeFor[AuthenticationAttempt](),
	EventAuthenticationPasswordSucceeded:          reflect.TypeFor[AuthenticationAttempt](),
	EventAuthenticationPasswordFailed:             reflect.TypeFor[AuthenticationAttempt](),
	EventAuthenticationReauthenticationSucceeded:  reflect.TypeFor[AuthenticationAttempt](),
	EventAuthenticationSSOStarted:                 reflect.TypeFor[AuthenticationAttempt](),
	EventAuthenticationSSOSucceeded:               reflect.TypeFor[AuthenticationAttempt](),
	EventAuthenticationSSOFailed:                  reflect.TypeFor[AuthenticationAttempt](),
	EventAuthenticationSSOTimedOut:                reflect.TypeFor[AuthenticationAttempt](),
	EventAuthenticationRadarRiskDetected:          reflect.TypeFor[RadarRisk](),
	EventActionAuthenticationDenied:               reflect.TypeFor[ActionDenial](),
	EventActionUserRegistrationDenied:             reflect.TypeFor[ActionDenial](),
}

// EventTypes returns the types of events that have a constant, sorted.
func EventTypes() []string { return slices.Sorted(maps.Keys(payloads)) }

// isPayload has the types of payloads.
var isPayload = func() map[reflect.Type]bool {
	types := map[reflect.Type]bool{}
	for _, payload := range payloads {
		types[payload] = true
	}
	return types
}()
