// Domains of organizations: their events, and API calls for them.

package authkittest

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Domain is a domain of an organization.
type Domain struct {
	ID    string // "org_domain_…"; derived from Name when empty
	Name  string // such as "example.com"
	State string // DomainVerified (the default), DomainPending or DomainFailed

	createdAt, updatedAt time.Time
}

// Values of Domain.State.
const (
	DomainVerified = "verified"
	DomainPending  = "pending" // the verification is under way
	DomainFailed   = "failed"  // the verification has failed
)

func (d Domain) withDefaults() Domain {
	d.Name = strings.ToLower(d.Name)
	d.ID = cmp.Or(d.ID, stableID("org_domain", d.Name))
	d.State = cmp.Or(d.State, DomainVerified)
	return d
}

type domainObject struct {
	Object               string `json:"object"`
	ID                   string `json:"id"`
	OrganizationID       string `json:"organization_id"`
	Domain               string `json:"domain"`
	State                string `json:"state"`
	VerificationPrefix   string `json:"verification_prefix,omitempty"`
	VerificationToken    string `json:"verification_token,omitempty"`
	VerificationStrategy string `json:"verification_strategy"`
	CreatedAt            string `json:"created_at"`
	UpdatedAt            string `json:"updated_at"`
}

// domainFailure is the data of the event of a verification that has failed.
type domainFailure struct {
	Reason string       `json:"reason"`
	Domain domainObject `json:"organization_domain"`
}

func (d Domain) object(organizationID string) domainObject {
	o := domainObject{
		Object: "organization_domain", ID: d.ID, OrganizationID: organizationID, Domain: d.Name, State: d.State,
		VerificationStrategy: "manual", CreatedAt: timestamp(d.createdAt), UpdatedAt: timestamp(d.updatedAt),
	}
	if d.State != DomainVerified {
		o.VerificationStrategy = "dns"
		o.VerificationPrefix, o.VerificationToken = "authkittest-"+strings.ToLower(d.ID[len(d.ID)-6:]), ulid(d.ID)
	}
	return o
}

// datedDomains returns the domains of an organization with their times. before has the domains that it had, and their times.
func datedDomains(domains, before []Domain, now time.Time) []Domain {
	dated := make([]Domain, len(domains))
	for i, d := range domains {
		d.createdAt, d.updatedAt = now, now
		if at := slices.IndexFunc(before, func(old Domain) bool { return old.ID == d.ID }); at >= 0 {
			old := before[at]
			d.createdAt, d.updatedAt = old.createdAt, old.updatedAt
			if d != old {
				d.updatedAt = now
			}
		}
		dated[i] = d
	}
	return dated
}

// emitDomains adds the events of the differences between the domains of an organization and those that it had before.
func (f *Server) emitDomains(organizationID string, domains, before []Domain) {
	emit := func(change string, d Domain) {
		f.emit("organization_domain."+change, organizationID, d.object(organizationID))
	}
	for _, old := range before {
		if !slices.ContainsFunc(domains, func(d Domain) bool { return d.ID == old.ID }) {
			emit("deleted", old)
		}
	}
	for _, d := range domains {
		at := slices.IndexFunc(before, func(old Domain) bool { return old.ID == d.ID })
		switch {
		case at < 0:
			emit("created", d)
		case d == before[at]:
		case d.State == before[at].State:
			emit("updated", d)
		case d.State == DomainVerified:
			emit("verified", d)
		case d.State == DomainFailed:
			f.emit("organization_domain.verification_failed", organizationID, domainFailure{
				"domain_verification_period_expired", d.object(organizationID),
			})
		default:
			emit("updated", d)
		}
	}
}

// domainOf returns the domain whose ID is in the path, and the index of its organization.
func (f *Server) domainOf(c *call) (organization, domain int, apiErr *apiError) {
	for i, o := range f.organizations {
		for j, d := range o.Domains {
			if d.ID == c.PathValue("id") {
				return i, j, nil
			}
		}
	}
	return 0, 0, notFound("Organization Domain", c.PathValue("id"))
}

// ownerOf returns the ID of the organization that has a domain, or "".
func (f *Server) ownerOf(domain string) string {
	for _, o := range f.organizations {
		if slices.ContainsFunc(o.Domains, func(d Domain) bool { return strings.EqualFold(d.Name, domain) }) {
			return o.ID
		}
	}
	return ""
}

// isDomain reports whether a text looks like a domain.
func isDomain(s string) bool {
	return strings.Contains(s, ".") && isAddress("someone@"+s)
}

// createOrganizationDomain answers RouteCreateOrganizationDomain.
func (f *Server) createOrganizationDomain(c *call) (any, *apiError) {
	var in struct {
		OrganizationID optional[string] `json:"organization_id"`
		Domain         optional[string] `json:"domain"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	i := slices.IndexFunc(f.organizations, func(o Organization) bool { return o.ID == in.OrganizationID.value })
	switch {
	case in.OrganizationID.value == "":
		return nil, required("organization_id")
	case !isDomain(in.Domain.value):
		return nil, invalid(fieldProblem{Field: "domain", Code: "invalid"})
	case i < 0:
		return nil, notFound("Organization", in.OrganizationID.value)
	case f.ownerOf(in.Domain.value) != "":
		return nil, &apiError{status: http.StatusConflict, Code: "domain_already_exists", Message: "An organization has this domain already."}
	}
	o := &f.organizations[i]
	d := Domain{ID: newID("org_domain"), Name: in.Domain.value, State: DomainPending}.withDefaults()
	before := o.Domains
	o.Domains = datedDomains(append(slices.Clone(before), d), before, f.clock.Now())
	f.emitDomains(o.ID, o.Domains, before)
	return o.Domains[len(before)].object(o.ID), nil
}

// getOrganizationDomain answers RouteGetOrganizationDomain.
func (f *Server) getOrganizationDomain(c *call) (any, *apiError) {
	i, j, apiErr := f.domainOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	return f.organizations[i].Domains[j].object(f.organizations[i].ID), nil
}

// verifyOrganizationDomain answers RouteVerifyOrganizationDomain. The verification then takes until UpdateOrganization ends it.
func (f *Server) verifyOrganizationDomain(c *call) (any, *apiError) {
	i, j, apiErr := f.domainOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	o := &f.organizations[i]
	if o.Domains[j].State == DomainVerified {
		return nil, plainError("domain_already_verified", "The domain is verified already.")
	}
	before := o.Domains
	o.Domains = slices.Clone(before)
	o.Domains[j].State = DomainPending
	o.Domains = datedDomains(o.Domains, before, f.clock.Now())
	f.emitDomains(o.ID, o.Domains, before)
	return o.Domains[j].object(o.ID), nil
}

// deleteOrganizationDomain answers RouteDeleteOrganizationDomain.
func (f *Server) deleteOrganizationDomain(c *call) (any, *apiError) {
	i, j, apiErr := f.domainOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	o := &f.organizations[i]
	before := o.Domains
	o.Domains = slices.Delete(slices.Clone(before), j, j+1)
	f.emitDomains(o.ID, o.Domains, before)
	return nil, nil
}
