// API calls for organizations.

package authkittest

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxMetadata is the largest number of entries in the metadata of an organization.
const maxMetadata = 50

// organizationFields are the members of the requests that create and update an organization.
type organizationFields struct {
	Name             optional[string]             `json:"name"`
	DomainData       optional[[]domainFields]     `json:"domain_data"`
	ExternalID       nullable[string]             `json:"external_id"`
	StripeCustomerID nullable[string]             `json:"stripe_customer_id"`
	Metadata         nullable[map[string]*string] `json:"metadata"`
}

type domainFields struct {
	Domain string `json:"domain"`
	State  string `json:"state"`
}

// unprocessable returns the error for an invalid member of an organization, a role or a permission, in the bare format.
func unprocessable(message string) *apiError {
	return &apiError{status: http.StatusUnprocessableEntity, Message: message}
}

// organizationOf returns the index of the organization whose ID is in the path.
func (f *Server) organizationOf(c *call) (int, *apiError) {
	i := slices.IndexFunc(f.organizations, func(o Organization) bool { return o.ID == c.PathValue("id") })
	if i < 0 {
		return 0, notFound("Organization", c.PathValue("id"))
	}
	return i, nil
}

// getOrganization answers RouteGetOrganization.
func (f *Server) getOrganization(c *call) (any, *apiError) {
	i, apiErr := f.organizationOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	return f.organizations[i].object(), nil
}

// getOrganizationByExternalID answers RouteGetOrganizationByExternalID.
func (f *Server) getOrganizationByExternalID(c *call) (any, *apiError) {
	id := c.PathValue("external_id")
	for _, o := range f.organizations {
		if o.ExternalID == id {
			return o.object(), nil
		}
	}
	return nil, notFound("Organization", id)
}

// listOrganizations answers RouteListOrganizations. Several domains are separated by commas, or sent as several parameters.
func (f *Server) listOrganizations(c *call) (any, *apiError) {
	q := c.URL.Query()
	search := strings.ToLower(q.Get("search"))
	var domains []string
	if asked := strings.Join(append(q["domains"], q["domains[]"]...), ","); asked != "" {
		domains = strings.Split(strings.ToLower(asked), ",")
	}
	found := slices.DeleteFunc(slices.Clone(f.organizations), func(o Organization) bool {
		has := slices.ContainsFunc(o.Domains, func(d Domain) bool { return slices.Contains(domains, d.Name) })
		return len(domains) > 0 && !has || !strings.Contains(strings.ToLower(o.Name), search)
	})
	return page(c, found, func(o Organization) string { return o.ID }, Organization.object)
}

// createOrganization answers RouteCreateOrganization.
func (f *Server) createOrganization(c *call) (any, *apiError) {
	var in organizationFields
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	if in.Name.value == "" {
		return nil, unprocessable("The name is required.")
	}
	o := Organization{ID: newID("org")}
	if apiErr := f.changeOrganization(&o, in); apiErr != nil {
		return nil, apiErr
	}
	return f.addOrganization(o).object(), nil
}

// updateOrganization answers RouteUpdateOrganization. It does not change members that the request omits. A domain that is not in
// domain_data is removed.
func (f *Server) updateOrganization(c *call) (any, *apiError) {
	i, apiErr := f.organizationOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	var in organizationFields
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	o := f.organizations[i].clone()
	if apiErr := f.changeOrganization(&o, in); apiErr != nil {
		return nil, apiErr
	}
	return f.replaceOrganization(i, o).object(), nil
}

// deleteOrganization answers RouteDeleteOrganization.
func (f *Server) deleteOrganization(c *call) (any, *apiError) {
	i, apiErr := f.organizationOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	f.removeOrganization(i)
	return nil, nil
}

// changeOrganization applies in to o. If a member is invalid, it returns an error.
func (f *Server) changeOrganization(o *Organization, in organizationFields) *apiError {
	other := func(match func(Organization) bool) bool {
		return slices.ContainsFunc(f.organizations, func(other Organization) bool { return other.ID != o.ID && match(other) })
	}
	notASCII := func(r rune) bool { return r > 0x7e || r < 0x20 }
	switch external, stripe := in.ExternalID.value, in.StripeCustomerID.value; {
	case in.Name.sent && strings.TrimSpace(in.Name.value) == "":
		return unprocessable("The name is empty.")
	case isEmpty(in.ExternalID), len(external) > maxExternalID, strings.ContainsFunc(external, notASCII):
		return unprocessable("The external ID is invalid.")
	case external != "" && other(func(o Organization) bool { return o.ExternalID == external }):
		return plainError("external_id_already_used", "The external ID is already used.")
	case stripe != "" && other(func(o Organization) bool { return o.StripeCustomerID == stripe }):
		return plainError("stripe_customer_id_already_used", "The Stripe customer ID is already used.")
	}
	for _, value := range in.Metadata.value {
		if value != nil && utf8.RuneCountInString(*value) > maxMetadataValue {
			return plainError("invalid_metadata", "A metadata value is longer than 600 characters.")
		}
	}
	set(&o.Name, in.Name)
	setNullable(&o.ExternalID, in.ExternalID)
	setNullable(&o.StripeCustomerID, in.StripeCustomerID)
	if in.Metadata.sent {
		if o.Metadata = changedMetadata(o.Metadata, in.Metadata.value); len(o.Metadata) > maxMetadata {
			return plainError("invalid_metadata", "There are more than 50 metadata entries.")
		}
	}
	if !in.DomainData.sent {
		return nil
	}
	var domains []Domain
	for _, asked := range in.DomainData.value {
		owner := f.ownerOf(asked.Domain)
		switch {
		case !isDomain(asked.Domain):
			return unprocessable("The domain is invalid.")
		case asked.State != DomainVerified && asked.State != DomainPending:
			return unprocessable("The state of a domain must be verified or pending.")
		case owner != "" && owner != o.ID:
			return &apiError{status: http.StatusConflict, Message: "Another organization has the domain '" + asked.Domain + "'."}
		}
		d := Domain{ID: newID("org_domain"), Name: asked.Domain}.withDefaults()
		if at := slices.IndexFunc(o.Domains, func(old Domain) bool { return old.Name == d.Name }); at >= 0 {
			d = o.Domains[at]
		}
		d.State = asked.State
		if !slices.ContainsFunc(domains, func(same Domain) bool { return same.Name == d.Name }) {
			domains = append(domains, d)
		}
	}
	o.Domains = domains
	return nil
}
