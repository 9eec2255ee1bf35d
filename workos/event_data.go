// The data of events that no call of the package returns, such as the outcomes of authentication.

package workos

import (
	"errors"
	"fmt"
	"time"
)

// OrganizationDomainFailure reports that a domain could not be verified.
type OrganizationDomainFailure struct {
	Reason string             `json:"reason"` // "domain_verification_period_expired" or "domain_verified_by_other_organization"
	Domain OrganizationDomain `json:"organization_domain"`
}

// GroupMember reports who was added to a group or removed from it. [Client.GetOrganizationMembership] tells the user.
type GroupMember struct {
	GroupID                  string `json:"group_id"`
	OrganizationMembershipID string `json:"organization_membership_id"`
}

// ConnectedAccountFailure reports that a user could not connect an account at a provider, for example because the user cancelled.
//
// See https://workos.com/docs/reference/pipes
type ConnectedAccountFailure struct {
	ProviderID               string    `json:"data_integration_id"` // the ID of the [DataProvider]
	ProviderSlug             string    `json:"provider_slug"`       // such as "github"
	UserID                   string    `json:"user_id,omitempty"`
	OrganizationID           string    `json:"organization_id,omitempty"`
	ErrorCode                string    `json:"error_code"` // such as "authorization_code_exchange_error"
	ErrorReason              string    `json:"error_reason,omitempty"`
	ProviderError            string    `json:"provider_error,omitempty"` // the error of the provider, such as "access_denied"
	ProviderErrorDescription string    `json:"provider_error_description,omitempty"`
	CreatedAt                time.Time `json:"created_at,omitzero"`
}

// AuthenticationAttempt is the outcome of an authentication, or the start of one by single sign-on.
//
// See https://workos.com/docs/events/authentication
type AuthenticationAttempt struct {
	// Method is "email_verification", "magic_auth", "mfa", "oauth", "passkey", "password", "reauthentication" or "sso".
	Method    string                 `json:"type"`
	Status    string                 `json:"status"`            // "succeeded", "failed", "started" or "timed_out"
	UserID    string                 `json:"user_id,omitempty"` // may be empty, above all after a failure
	Email     string                 `json:"email,omitempty"`   // may be empty after a failure
	IPAddress string                 `json:"ip_address,omitempty"`
	UserAgent string                 `json:"user_agent,omitempty"`
	Error     *AuthenticationFailure `json:"error,omitempty"` // nil unless it failed or timed out
	SSO       *SSOAttempt            `json:"sso,omitempty"`   // nil unless Method is "sso"
}

// AuthenticationFailure says why an authentication has failed.
type AuthenticationFailure struct {
	Code    string `json:"code"`
	Message string `json:"message"` // for the application's developer
}

// SSOAttempt has the connection of a single sign-on. Each field may be empty.
type SSOAttempt struct {
	OrganizationID string `json:"organization_id,omitempty"`
	ConnectionID   string `json:"connection_id,omitempty"`
	SessionID      string `json:"session_id,omitempty"` // of the sign-on at the identity provider
}

// RadarRisk reports that WorkOS Radar has found a sign-in or a sign-up suspicious.
//
// See https://workos.com/docs/authkit/radar
type RadarRisk struct {
	AuthMethod    string `json:"auth_method"`
	Action        string `json:"action"`                   // "login" or "signup"
	Control       string `json:"control,omitempty"`        // what Radar has found
	BlocklistType string `json:"blocklist_type,omitempty"` // the list that has the value, if it was a list
	UserID        string `json:"user_id,omitempty"`
	Email         string `json:"email,omitempty"`
	IPAddress     string `json:"ip_address,omitempty"`
	UserAgent     string `json:"user_agent,omitempty"`
}

// MailedRadarChallenge reports that WorkOS Radar challenges a sign-in with a code that is mailed. [Client.GetRadarChallenge] returns
// the code to an application that sends the mail itself.
//
// See https://workos.com/docs/authkit/radar
type MailedRadarChallenge struct {
	RadarChallengeID string `json:"radar_challenge_id"` // "radar_challenge_…"
	Type             string `json:"type"`               // "email"
	UserID           string `json:"user_id"`
	Email            string `json:"email"`
}

// ActionDenial reports that an Action of the application has denied a sign-in or a registration.
//
// See https://workos.com/docs/authkit/actions
type ActionDenial struct {
	EndpointID     string `json:"action_endpoint_id"`
	ExecutionID    string `json:"action_execution_id"`
	Type           string `json:"type"`                      // "authentication" or "user_registration"
	Verdict        string `json:"verdict"`                   // "Deny"
	UserID         string `json:"user_id,omitempty"`         // empty for a registration
	OrganizationID string `json:"organization_id,omitempty"` // empty outside an organization
	Email          string `json:"email"`
	IPAddress      string `json:"ip_address,omitempty"`
	UserAgent      string `json:"user_agent,omitempty"`
}

func (f *OrganizationDomainFailure) validate() error {
	if err := f.Domain.validate(); err != nil {
		return fmt.Errorf("organization_domain: %w", err)
	}
	return nil
}

func (m *GroupMember) validate() error {
	if m.GroupID == "" || m.OrganizationMembershipID == "" {
		return errors.New("missing group_id or organization_membership_id")
	}
	return nil
}

func (f *ConnectedAccountFailure) validate() error {
	if f.ProviderSlug == "" {
		return errors.New("missing provider_slug")
	}
	return nil
}

func (a *AuthenticationAttempt) validate() error {
	if a.Method == "" || a.Status == "" {
		return errors.New("missing type or status")
	}
	return nil
}

func (r *RadarRisk) validate() error {
	if r.AuthMethod == "" {
		return errors.New("missing auth_method")
	}
	return nil
}

func (c *MailedRadarChallenge) validate() error {
	if c.RadarChallengeID == "" {
		return errors.New("missing radar_challenge_id")
	}
	return nil
}

func (d *ActionDenial) validate() error {
	if d.Type == "" {
		return errors.New("missing type")
	}
	return nil
}
