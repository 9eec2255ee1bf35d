// Links to the Admin Portal, where the administrators of an organization set up their side.

package workos

import (
	"context"
	"errors"
	"net/http"
)

// What an administrator can do in the Admin Portal.
//
// See https://workos.com/docs/reference/admin-portal
const (
	PortalIntentSSO                = "sso"                 // connect single sign-on
	PortalIntentDirectorySync      = "dsync"               // connect a directory
	PortalIntentAuditLogs          = "audit_logs"          // read audit logs
	PortalIntentLogStreams         = "log_streams"         // connect a destination of logs
	PortalIntentDomainVerification = "domain_verification" // verify a domain
	PortalIntentCertificateRenewal = "certificate_renewal" // renew a SAML certificate
	PortalIntentBringYourOwnKey    = "bring_your_own_key"  // set up a key of the organization
)

// CreatePortalLinkParams are the parameters of [Client.CreatePortalLink]. OrganizationID is required. A field with its zero
// value is omitted.
type CreatePortalLinkParams struct {
	OrganizationID  string   `json:"organization"`
	Intent          string   `json:"intent,omitempty"`            // a PortalIntent constant
	ReturnURL       string   `json:"return_url,omitempty"`        // where the logo leads; empty means the one in the dashboard
	SuccessURL      string   `json:"success_url,omitempty"`       // where the browser goes at the end; empty means the one in the dashboard
	ITContactEmails []string `json:"it_contact_emails,omitempty"` // at most 20 persons who get access to the portal
}

// CreatePortalLink returns a URL that opens the Admin Portal for an organization. The URL is a secret: it gives access without
// a further sign-in. Make it when an administrator asks for it, and redirect the browser there at once. Take the organization
// ID from the session, not from the request.
//
// See https://workos.com/docs/reference/admin-portal
func (c *Client) CreatePortalLink(ctx context.Context, p CreatePortalLinkParams) (link string, err error) {
	response, err := fetch[portalResponse](ctx, c, call{
		method:   http.MethodPost,
		path:     "/portal/generate_link",
		body:     p,
		required: []argument{{"organization_id", p.OrganizationID}},
	})
	if err != nil {
		return "", err
	}
	return response.Link, nil
}

type portalResponse struct {
	Link string `json:"link"`
}

func (r *portalResponse) validate() error {
	if r.Link == "" {
		return errors.New("missing link")
	}
	return nil
}
