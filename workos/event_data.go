// The data of events that no call of the package returns, such as the outcomes of authentication.

package workos

import (
	"errors"
	"fmt"
)

// OrganizationDomainFailure reports that a domain could not be verified.
type OrganizationDomainFailure struct {
	Reason string             `json:"reason"` // "domain_verification_period_expired" or "domain_verified_by_other_organization"
	Domain OrganizationDomain `json:"organization_domain"`
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

func (d *ActionDenial) validate() error {
	if d.Type == "" {
		return errors.New("missing type")
	}
	return nil
}
