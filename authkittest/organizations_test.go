// API calls for organizations and their domains, as package workos makes them.

package authkittest_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

func TestAnOrganizationIsCreatedFoundChangedAndDeleted(t *testing.T) {
	a := newApp(t)
	ctx, client := context.Background(), a.workos()
	var acme *workos.Organization
	events, _ := a.eventsOf(func() {
		var err error
		acme, err = client.CreateOrganization(ctx, workos.CreateOrganizationParams{
			Name: "Acme", ExternalID: "42/", Metadata: map[string]string{"tier": "gold", "old": "1"},
			Domains: []workos.OrganizationDomainData{
				{Domain: "Acme.test", State: workos.OrganizationDomainPending}, {Domain: "acme.example", State: workos.OrganizationDomainVerified},
			},
		})
		require.NoError(t, err)
	})
	assert.Equal(t, []string{"organization.created", "organization_domain.created", "organization_domain.created"}, events)
	require.Len(t, acme.Domains, 2)
	first := acme.Domains[0]
	assert.Equal(t, workos.OrganizationDomain{
		ID: first.ID, OrganizationID: acme.ID, Domain: "acme.test", State: workos.OrganizationDomainPending, VerificationStrategy: "dns",
		VerificationPrefix: first.VerificationPrefix, VerificationToken: first.VerificationToken, CreatedAt: start, UpdatedAt: start,
	}, first)
	assert.NotEmpty(t, first.VerificationPrefix)
	assert.NotEmpty(t, first.VerificationToken)
	assert.Equal(t, workos.Organization{
		ID: acme.ID, Name: "Acme", Domains: acme.Domains, ExternalID: "42/", Metadata: map[string]string{"tier": "gold", "old": "1"},
		CreatedAt: start, UpdatedAt: start,
	}, *acme)
	sent := a.mustCall(http.StatusOK, http.MethodGet, "/organizations/"+acme.ID, nil)
	assert.Equal(t, false, sent["allow_profiles_outside_organization"], "which the SDK for Node.js reads")

	got, err := client.GetOrganization(ctx, acme.ID)
	require.NoError(t, err)
	assert.Equal(t, acme, got)
	got, err = client.GetOrganizationByExternalID(ctx, "42/")
	require.NoError(t, err)
	assert.Equal(t, acme, got)
	assert.Len(t, collect(t, client.ListOrganizations(ctx, workos.ListOrganizationsParams{Paging: workos.Paging{PageSize: 1}})), 3)
	for _, p := range []workos.ListOrganizationsParams{{Search: "aCM"}, {Domains: []string{"other.test", "ACME.test"}}} {
		assert.Equal(t, []workos.Organization{*acme}, collect(t, client.ListOrganizations(ctx, p)))
	}

	a.clock.Advance(time.Minute)
	events, _ = a.eventsOf(func() {
		got, err = client.UpdateOrganization(ctx, acme.ID, workos.UpdateOrganizationParams{
			Name: "Acme Inc.", ExternalID: workos.Null[string](), StripeCustomerID: workos.Value("cus_1"),
			Metadata: map[string]workos.Optional[string]{"old": workos.Null[string](), "seats": workos.Value("4")},
			Domains:  []workos.OrganizationDomainData{{Domain: "acme.test", State: workos.OrganizationDomainVerified}},
		})
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"organization.updated", "organization_domain.deleted", "organization_domain.verified"}, events)
	assert.Equal(t, first.ID, got.Domains[0].ID)
	assert.Equal(t, workos.Organization{
		ID: acme.ID, Name: "Acme Inc.", StripeCustomerID: "cus_1", Metadata: map[string]string{"tier": "gold", "seats": "4"},
		Domains: []workos.OrganizationDomain{{
			ID: first.ID, OrganizationID: acme.ID, Domain: "acme.test", State: workos.OrganizationDomainVerified, VerificationStrategy: "manual",
			CreatedAt: start, UpdatedAt: start.Add(time.Minute),
		}},
		CreatedAt: start, UpdatedAt: start.Add(time.Minute),
	}, *got)
	unchanged, err := client.UpdateOrganization(ctx, acme.ID, workos.UpdateOrganizationParams{})
	require.NoError(t, err)
	assert.Equal(t, got, unchanged)
	require.NoError(t, client.DeleteOrganization(ctx, acme.ID))
	assertCode(t, second(client.GetOrganization(ctx, acme.ID)), http.StatusNotFound, "")
}

func TestAnOrganizationThatTheAPIDeletesIsGoneForItsMembers(t *testing.T) {
	a := newApp(t)
	press := a.Organizations()[0].ID
	token := a.signIn("Ada").text("refresh_token")
	a.Invite("kim@acme.test", press)
	events, _ := a.eventsOf(func() { require.NoError(t, a.workos().DeleteOrganization(context.Background(), press)) })
	assert.Equal(t, "organization.deleted", events[len(events)-1])
	assert.Contains(t, events, "invitation.revoked")
	assert.Contains(t, events, "organization_membership.deleted")
	assertRefused(t, a.refresh(token), http.StatusBadRequest, "organization_not_found")
}

func TestAnOrganizationThatIsNotPossibleIsRefused(t *testing.T) {
	a := newApp(t)
	ctx, client := context.Background(), a.workos()
	_, err := client.CreateOrganization(ctx, workos.CreateOrganizationParams{
		Name: "Acme", ExternalID: "42", Domains: []workos.OrganizationDomainData{{Domain: "acme.test", State: workos.OrganizationDomainPending}},
	})
	require.NoError(t, err)
	a.UpdateOrganization(a.Organizations()[0].ID, func(o *authkittest.Organization) { o.StripeCustomerID = "cus_1" })
	domain := func(domain, state string) []workos.OrganizationDomainData {
		return []workos.OrganizationDomainData{{Domain: domain, State: state}}
	}
	many := map[string]string{}
	for i := range 51 {
		many[strings.Repeat("a", i+1)] = "1"
	}
	for name, c := range map[string]struct {
		params workos.CreateOrganizationParams
		status int
		code   string
	}{
		"a blank name":             {workos.CreateOrganizationParams{Name: " "}, 422, ""},
		"a used external ID":       {workos.CreateOrganizationParams{Name: "B", ExternalID: "42"}, 400, workos.CodeExternalIDAlreadyUsed},
		"an invalid external ID":   {workos.CreateOrganizationParams{Name: "B", ExternalID: "é"}, 422, ""},
		"a long value":             {workos.CreateOrganizationParams{Name: "B", Metadata: map[string]string{"a": strings.Repeat("a", 601)}}, 400, workos.CodeInvalidMetadata},
		"many entries":             {workos.CreateOrganizationParams{Name: "B", Metadata: many}, 400, workos.CodeInvalidMetadata},
		"the domain of another":    {workos.CreateOrganizationParams{Name: "B", Domains: domain("ACME.test", "pending")}, 409, ""},
		"an invalid domain":        {workos.CreateOrganizationParams{Name: "B", Domains: domain("acme", "pending")}, 422, ""},
		"a domain in an ill state": {workos.CreateOrganizationParams{Name: "B", Domains: domain("b.test", "failed")}, 422, ""},
	} {
		t.Run(name, func(t *testing.T) { assertCode(t, second(client.CreateOrganization(ctx, c.params)), c.status, c.code) })
	}
	assert.Len(t, a.Organizations(), 3)
	id := a.Organizations()[1].ID
	update := func(p workos.UpdateOrganizationParams) error { return second(client.UpdateOrganization(ctx, id, p)) }
	assertCode(t, update(workos.UpdateOrganizationParams{StripeCustomerID: workos.Value("cus_1")}), 400, workos.CodeStripeCustomerIDAlreadyUsed)
	assertCode(t, update(workos.UpdateOrganizationParams{ExternalID: workos.Value("42")}), 400, workos.CodeExternalIDAlreadyUsed)
	assertCode(t, second(client.UpdateOrganization(ctx, "org_1", workos.UpdateOrganizationParams{})), 404, "")
	assertCode(t, second(client.GetOrganizationByExternalID(ctx, "43")), 404, "")
	assertCode(t, client.DeleteOrganization(ctx, "org_1"), 404, "")
}

func TestADomainIsAddedVerifiedAndDeleted(t *testing.T) {
	a := newApp(t)
	ctx, client, press := context.Background(), a.workos(), a.Organizations()[0].ID
	var d *workos.OrganizationDomain
	state := func(state string) func() {
		return func() {
			a.UpdateOrganization(press, func(o *authkittest.Organization) { o.Domains[0].State = state })
		}
	}
	for _, step := range []struct {
		do   func()
		want string
	}{
		{func() { d = must(client.CreateOrganizationDomain(ctx, press, "acme.test")) }, "organization_domain.created"},
		{state(authkittest.DomainFailed), "organization.updated organization_domain.verification_failed"},
		{func() { d = must(client.VerifyOrganizationDomain(ctx, d.ID)) }, "organization_domain.updated"},
		{func() { assert.Equal(t, workos.OrganizationDomainPending, d.State) }, ""},
		{state(authkittest.DomainVerified), "organization.updated organization_domain.verified"},
		{func() { d = must(client.GetOrganizationDomain(ctx, d.ID)) }, ""},
		{func() { assert.Equal(t, workos.OrganizationDomainVerified, d.State) }, ""},
		{func() {
			assertCode(t, second(client.VerifyOrganizationDomain(ctx, d.ID)), 400, workos.CodeDomainAlreadyVerified)
			assertCode(t, second(client.CreateOrganizationDomain(ctx, a.Organizations()[1].ID, "ACME.test")), 409, workos.CodeDomainAlreadyExists)
			assertCode(t, second(client.CreateOrganizationDomain(ctx, "org_1", "b.test")), 404, "")
			assertCode(t, second(client.CreateOrganizationDomain(ctx, press, "b")), 422, workos.CodeInvalidRequestParameters)
		}, ""},
		{func() { require.NoError(t, client.DeleteOrganizationDomain(ctx, d.ID)) }, "organization_domain.deleted"},
		{func() {
			assertCode(t, second(client.GetOrganizationDomain(ctx, d.ID)), 404, "")
			assertCode(t, second(client.VerifyOrganizationDomain(ctx, d.ID)), 404, "")
			assertCode(t, client.DeleteOrganizationDomain(ctx, d.ID), 404, "")
		}, ""},
	} {
		events, _ := a.eventsOf(step.do)
		assert.Equal(t, step.want, strings.Join(events, " "))
	}
	assert.Empty(t, a.Organizations()[0].Domains)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
