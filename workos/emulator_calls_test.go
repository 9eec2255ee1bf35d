// The calls that WorkOS's official emulator has a route for, in an order in which each finds the objects that it needs.

package workos_test

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

const emulatorPassword = "correct horse battery staple"

// unknownID is the ID in calls whose object could not be created.
const unknownID = "none"

func (e *emulator) makeCalls() {
	e.tryEnvironment()
	organization := e.tryOrganizations()
	user := e.tryUsers()
	membership := e.tryMemberships(organization, user)
	e.tryRoles(organization, membership)
	e.tryResources(organization, membership)
	e.tryGroups(organization, membership)
	e.tryInvitations(organization, user)
	e.trySignIns(organization, user)
	e.tryFactors(user)
	e.tryHosted(organization, user)
	e.tryEvents()
	e.tryDeletions(organization, user, membership)
}

func (e *emulator) tryEnvironment() {
	e.try("GetOpenIDConfiguration", func() error {
		_, err := e.GetOpenIDConfiguration(e.ctx())
		return err
	})
	e.try("CreateRedirectURI", func() error {
		created, err := e.CreateRedirectURI(e.ctx(), "http://localhost:8080/callback")
		return want(err, "http://localhost:8080/callback", deref(created).URI)
	})
	e.try("CreateCORSOrigin", func() error {
		created, err := e.CreateCORSOrigin(e.ctx(), "http://localhost:8080")
		return want(err, "http://localhost:8080", deref(created).Origin)
	})
	const template = `{"plan":"{{ user.metadata.plan }}"}`
	e.try("UpdateJWTTemplate", func() error {
		updated, err := e.UpdateJWTTemplate(e.ctx(), template)
		return want(err, template, deref(updated).Content)
	})
	e.try("GetJWTTemplate", func() error {
		got, err := e.GetJWTTemplate(e.ctx())
		return want(err, template, deref(got).Content)
	})
	endpoint := &workos.WebhookEndpoint{ID: unknownID}
	e.try("CreateWebhookEndpoint", func() error {
		created, err := e.CreateWebhookEndpoint(e.ctx(), workos.CreateWebhookEndpointParams{
			URL: "https://app.acme.test/webhook", Events: []string{workos.EventUserUpdated},
		})
		return store(&endpoint, created, err)
	})
	tryList[workos.WebhookEndpoint](e, "ListWebhookEndpoints", func() (any, error) {
		return collect(e.ListWebhookEndpoints(e.ctx(), workos.Paging{}))
	})
	e.try("UpdateWebhookEndpoint", func() error {
		updated, err := e.UpdateWebhookEndpoint(e.ctx(), endpoint.ID, workos.UpdateWebhookEndpointParams{Events: []string{workos.EventUserDeleted}})
		if err == nil {
			err = want(nil, workos.EventUserDeleted, updated.Events[0])
		}
		return err
	})
	e.try("DeleteWebhookEndpoint", func() error { return e.DeleteWebhookEndpoint(e.ctx(), endpoint.ID) })
}

func (e *emulator) tryOrganizations() *workos.Organization {
	organization := &workos.Organization{ID: unknownID}
	e.try("CreateOrganization", func() error {
		created, err := e.CreateOrganization(e.ctx(), workos.CreateOrganizationParams{
			Name: "Acme", ExternalID: "acme", Metadata: map[string]string{"tier": "gold"},
			Domains: []workos.OrganizationDomainData{{Domain: "acme.test", State: workos.OrganizationDomainVerified}},
		})
		return want(store(&organization, created, err), "gold", deref(created).Metadata["tier"])
	})
	e.try("GetOrganization", func() error {
		got, err := e.GetOrganization(e.ctx(), organization.ID)
		return want(err, "Acme", deref(got).Name)
	})
	e.try("GetOrganizationByExternalID", func() error {
		got, err := e.GetOrganizationByExternalID(e.ctx(), "acme")
		return want(err, organization.ID, deref(got).ID)
	})
	e.try("UpdateOrganization", func() error {
		updated, err := e.UpdateOrganization(e.ctx(), organization.ID, workos.UpdateOrganizationParams{
			Name: "Acme Corp", Metadata: map[string]workos.Optional[string]{"tier": workos.Null[string](), "region": workos.Value("eu")},
		})
		return want(err, "eu", deref(updated).Metadata["region"])
	})
	tryList[workos.Organization](e, "ListOrganizations", func() (any, error) {
		return collect(e.ListOrganizations(e.ctx(), workos.ListOrganizationsParams{Domains: []string{"acme.test"}}))
	})
	domain := &workos.OrganizationDomain{ID: unknownID}
	e.try("CreateOrganizationDomain", func() error {
		created, err := e.CreateOrganizationDomain(e.ctx(), organization.ID, "acme.example")
		return store(&domain, created, err)
	})
	e.try("GetOrganizationDomain", func() error {
		got, err := e.GetOrganizationDomain(e.ctx(), domain.ID)
		return want(err, "acme.example", deref(got).Domain)
	})
	e.try("VerifyOrganizationDomain", func() error {
		_, err := e.VerifyOrganizationDomain(e.ctx(), domain.ID)
		return err
	})
	e.try("DeleteOrganizationDomain", func() error { return e.DeleteOrganizationDomain(e.ctx(), domain.ID) })
	e.try("ListOrganizationAPIKeys", func() error {
		_, err := collect(e.ListOrganizationAPIKeys(e.ctx(), organization.ID, workos.Paging{}))
		return err
	})
	e.try("ListOrganizationAuthorizedApplications", func() error {
		_, err := collect(e.ListOrganizationAuthorizedApplications(e.ctx(), organization.ID, workos.Paging{}))
		return err
	})
	e.try("ListOrganizationFeatureFlags", func() error {
		_, err := collect(e.ListOrganizationFeatureFlags(e.ctx(), organization.ID, workos.Paging{}))
		return err
	})
	return organization
}

func (e *emulator) tryUsers() *workos.User {
	user := &workos.User{ID: unknownID}
	e.try("CreateUser", func() error {
		created, err := e.CreateUser(e.ctx(), workos.CreateUserParams{
			Email: "kim@acme.test", FirstName: "Kim", LastName: "Berg", ExternalID: "kim", Metadata: map[string]string{"plan": "pro"},
			EmailVerified: true, Password: workos.Password{Plain: emulatorPassword},
		})
		return want(store(&user, created, err), "pro", deref(created).Metadata["plan"])
	})
	e.try("GetUser", func() error {
		got, err := e.GetUser(e.ctx(), user.ID)
		return want(err, "kim@acme.test", deref(got).Email)
	})
	e.try("GetUserByExternalID", func() error {
		got, err := e.GetUserByExternalID(e.ctx(), "kim")
		return want(err, user.ID, deref(got).ID)
	})
	e.try("UpdateUser", func() error {
		updated, err := e.UpdateUser(e.ctx(), user.ID, workos.UpdateUserParams{
			FirstName: workos.Value("Kimberly"), Locale: workos.Value("en-GB"), Metadata: map[string]workos.Optional[string]{"plan": workos.Value("free")},
		})
		return want(err, "Kimberly free", deref(updated).FirstName+" "+deref(updated).Metadata["plan"])
	})
	tryList[workos.User](e, "ListUsers", func() (any, error) {
		return collect(e.ListUsers(e.ctx(), workos.ListUsersParams{Email: "kim@acme.test"}))
	})
	e.try("GetUserIdentities", func() error {
		_, err := e.GetUserIdentities(e.ctx(), user.ID)
		return err
	})
	e.try("ListUserFeatureFlags", func() error {
		_, err := collect(e.ListUserFeatureFlags(e.ctx(), user.ID, workos.Paging{}))
		return err
	})
	e.try("ListUserAuthorizedApplications", func() error {
		_, err := collect(e.ListUserAuthorizedApplications(e.ctx(), user.ID, workos.Paging{}))
		return err
	})
	e.try("ListUserDataProviders", func() error {
		_, err := e.ListUserDataProviders(e.ctx(), user.ID, "")
		return err
	})
	e.tryConnectedAccounts(user)
	return user
}

func (e *emulator) tryConnectedAccounts(user *workos.User) {
	e.try("ImportConnectedAccount", func() error {
		_, err := e.ImportConnectedAccount(e.ctx(), user.ID, "github", "", workos.ConnectedAccountParams{AccessToken: "access", RefreshToken: "refresh", Scopes: []string{"repo"}})
		return err
	})
	e.try("GetConnectedAccount", func() error {
		got, err := e.GetConnectedAccount(e.ctx(), user.ID, "github", "")
		return want(err, user.ID, deref(got).UserID)
	})
	e.try("UpdateConnectedAccount", func() error {
		got, err := e.UpdateConnectedAccount(e.ctx(), user.ID, "github", "", workos.ConnectedAccountParams{Scopes: []string{"repo", "gist"}})
		return want(err, "repo gist", strings.Join(deref(got).Scopes, " "))
	})
	e.try("DeleteConnectedAccount", func() error { return e.DeleteConnectedAccount(e.ctx(), user.ID, "github", "") })
}

func (e *emulator) tryMemberships(organization *workos.Organization, user *workos.User) *workos.OrganizationMembership {
	membership := &workos.OrganizationMembership{ID: unknownID}
	e.try("CreateOrganizationMembership", func() error {
		created, err := e.CreateOrganizationMembership(e.ctx(), workos.CreateOrganizationMembershipParams{
			UserID: user.ID, OrganizationID: organization.ID, RoleSlug: "member",
		})
		return want(store(&membership, created, err), "member", deref(created).Role.Slug)
	})
	e.try("GetOrganizationMembership", func() error {
		got, err := e.GetOrganizationMembership(e.ctx(), membership.ID)
		return want(err, user.ID, deref(got).UserID)
	})
	tryList[workos.OrganizationMembership](e, "ListOrganizationMemberships", func() (any, error) {
		return collect(e.ListOrganizationMemberships(e.ctx(), workos.ListOrganizationMembershipsParams{
			OrganizationID: organization.ID, Statuses: []string{workos.MembershipStatusActive},
		}))
	})
	e.try("DeactivateOrganizationMembership", func() error {
		got, err := e.DeactivateOrganizationMembership(e.ctx(), membership.ID)
		return want(err, workos.MembershipStatusInactive, deref(got).Status)
	})
	e.try("ReactivateOrganizationMembership", func() error {
		got, err := e.ReactivateOrganizationMembership(e.ctx(), membership.ID)
		return want(err, workos.MembershipStatusActive, deref(got).Status)
	})
	return membership
}

func (e *emulator) tryRoles(organization *workos.Organization, membership *workos.OrganizationMembership) {
	for _, slug := range []string{"posts:read", "posts:write"} {
		e.try("CreatePermission "+slug, func() error {
			_, err := e.CreatePermission(e.ctx(), workos.CreatePermissionParams{Slug: slug, Name: "Posts"})
			return err
		})
	}
	e.try("GetPermission", func() error {
		got, err := e.GetPermission(e.ctx(), "posts:read")
		return want(err, "Posts", deref(got).Name)
	})
	e.try("UpdatePermission", func() error {
		got, err := e.UpdatePermission(e.ctx(), "posts:read", workos.UpdatePermissionParams{Name: "Read posts"})
		return want(err, "Read posts", deref(got).Name)
	})
	tryList[workos.Permission](e, "ListPermissions", func() (any, error) { return collect(e.ListPermissions(e.ctx(), workos.Paging{})) })

	e.try("CreateRole", func() error {
		_, err := e.CreateRole(e.ctx(), workos.CreateRoleParams{Slug: "editor", Name: "Editor"})
		return err
	})
	e.try("GetRole", func() error {
		got, err := e.GetRole(e.ctx(), "editor")
		return want(err, "Editor", deref(got).Name)
	})
	e.try("UpdateRole", func() error {
		got, err := e.UpdateRole(e.ctx(), "editor", workos.UpdateRoleParams{Name: "Editors"})
		return want(err, "Editors", deref(got).Name)
	})
	tryList[workos.RoleDefinition](e, "ListRoles", func() (any, error) { return e.ListRoles(e.ctx()) })
	e.try("AddRolePermission", func() error {
		_, err := e.AddRolePermission(e.ctx(), "editor", "posts:read")
		return err
	})
	e.try("SetRolePermissions", func() error {
		got, err := e.SetRolePermissions(e.ctx(), "editor", []string{"posts:write"})
		return wantPermissions(err, got, "posts:write")
	})

	e.try("CreateOrganizationRole", func() error {
		_, err := e.CreateOrganizationRole(e.ctx(), organization.ID, workos.CreateRoleParams{Slug: "org-auditor", Name: "Auditor"})
		return err
	})
	e.try("GetOrganizationRole", func() error {
		got, err := e.GetOrganizationRole(e.ctx(), organization.ID, "org-auditor")
		return want(err, "Auditor", deref(got).Name)
	})
	e.try("UpdateOrganizationRole", func() error {
		got, err := e.UpdateOrganizationRole(e.ctx(), organization.ID, "org-auditor", workos.UpdateRoleParams{Name: "Auditors"})
		return want(err, "Auditors", deref(got).Name)
	})
	tryList[workos.RoleDefinition](e, "ListOrganizationRoles", func() (any, error) { return e.ListOrganizationRoles(e.ctx(), organization.ID) })
	e.try("AddOrganizationRolePermission", func() error {
		_, err := e.AddOrganizationRolePermission(e.ctx(), organization.ID, "org-auditor", "posts:write")
		return err
	})
	const path = "/authorization/organizations/{organization_id}/roles/{slug}/permissions"
	in := map[string][]string{"permissions": {"posts:read", "posts:write"}} // the emulator's own body
	require.NoError(e.t, e.Call(e.ctx(), http.MethodPost, path, in, nil, organization.ID, "org-auditor"))
	e.try("SetOrganizationRolePermissions", func() error {
		got, err := e.SetOrganizationRolePermissions(e.ctx(), organization.ID, "org-auditor", []string{"posts:read", "posts:write"})
		return wantPermissions(err, got, "posts:read", "posts:write")
	})
	e.try("RemoveOrganizationRolePermission", func() error {
		got, err := e.RemoveOrganizationRolePermission(e.ctx(), organization.ID, "org-auditor", "posts:write")
		return wantPermissions(err, got, "posts:read")
	})

	e.try("UpdateOrganizationMembership", func() error {
		got, err := e.UpdateOrganizationMembership(e.ctx(), membership.ID, workos.UpdateOrganizationMembershipParams{RoleSlug: "editor"})
		return want(err, "editor", deref(got).Role.Slug)
	})
	resource := workos.Resource{ID: organization.ID}
	e.try("AssignRole", func() error {
		_, err := e.AssignRole(e.ctx(), membership.ID, "editor", resource)
		return err
	})
	if role, err := e.GetRole(e.ctx(), "editor"); err == nil { // the emulator takes the ID of the role
		in := map[string]string{"role_id": role.ID}
		require.NoError(e.t, e.Call(e.ctx(), http.MethodPost, "/authorization/organization_memberships/{id}/role_assignments", in, nil, membership.ID))
	}
	assignment := tryList[workos.RoleAssignment](e, "ListRoleAssignments", func() (any, error) {
		return collect(e.ListRoleAssignments(e.ctx(), membership.ID, workos.ListRoleAssignmentsParams{}))
	})
	e.try("CheckAuthorization", func() error {
		allowed, err := e.CheckAuthorization(e.ctx(), membership.ID, "posts:write", resource)
		return want(err, true, allowed)
	})
	e.try("RemoveRoleAssignment", func() error { return e.RemoveRoleAssignment(e.ctx(), membership.ID, cmp.Or(assignment.ID, unknownID)) })
}

func wantPermissions(err error, role *workos.RoleDefinition, slugs ...string) error {
	if err != nil {
		return err
	}
	return want(nil, strings.Join(slugs, " "), strings.Join(role.Permissions, " "))
}

func (e *emulator) tryGroups(organization *workos.Organization, membership *workos.OrganizationMembership) {
	group := &workos.Group{ID: unknownID}
	e.try("CreateGroup", func() error {
		created, err := e.CreateGroup(e.ctx(), organization.ID, workos.CreateGroupParams{Name: "Writers", Description: "They write"})
		return store(&group, created, err)
	})
	e.try("GetGroup", func() error {
		got, err := e.GetGroup(e.ctx(), organization.ID, group.ID)
		return want(err, "Writers", deref(got).Name)
	})
	e.try("UpdateGroup", func() error {
		got, err := e.UpdateGroup(e.ctx(), organization.ID, group.ID, workos.UpdateGroupParams{Name: "Authors"})
		return want(err, "Authors", deref(got).Name)
	})
	tryList[workos.Group](e, "ListGroups", func() (any, error) { return collect(e.ListGroups(e.ctx(), organization.ID, workos.Paging{})) })
	e.try("AddGroupMember", func() error {
		_, err := e.AddGroupMember(e.ctx(), organization.ID, group.ID, membership.ID)
		return err
	})
	tryList[workos.OrganizationMembership](e, "ListGroupMembers", func() (any, error) {
		return collect(e.ListGroupMembers(e.ctx(), organization.ID, group.ID, workos.Paging{}))
	})
	tryList[workos.Group](e, "ListOrganizationMembershipGroups", func() (any, error) {
		return collect(e.ListOrganizationMembershipGroups(e.ctx(), membership.ID, workos.Paging{}))
	})
	e.try("RemoveGroupMember", func() error { return e.RemoveGroupMember(e.ctx(), organization.ID, group.ID, membership.ID) })
	e.try("DeleteGroup", func() error { return e.DeleteGroup(e.ctx(), organization.ID, group.ID) })
}

func (e *emulator) tryHosted(organization *workos.Organization, user *workos.User) {
	e.try("CreatePortalLink", func() error {
		_, err := e.CreatePortalLink(e.ctx(), workos.CreatePortalLinkParams{OrganizationID: organization.ID, Intent: workos.PortalIntentSSO})
		return err
	})
	e.try("CreateWidgetToken", func() error {
		_, err := e.CreateWidgetToken(e.ctx(), workos.CreateWidgetTokenParams{
			UserID: user.ID, OrganizationID: organization.ID, Scopes: []string{workos.WidgetScopeUsersTable},
		})
		return err
	})
	e.try("ValidateAPIKey", func() error {
		_, valid, err := e.ValidateAPIKey(e.ctx(), "sk_unknown")
		return want(err, false, valid)
	})
	e.try("ListFeatureFlags", func() error {
		_, err := collect(e.ListFeatureFlags(e.ctx(), workos.Paging{}))
		return err
	})
	e.try("CreateAuditLogEvent", func() error {
		return e.CreateAuditLogEvent(e.ctx(), workos.CreateAuditLogEventParams{OrganizationID: organization.ID, Event: workos.AuditLogEvent{
			Action: "document.shared", OccurredAt: time.Now(), Actor: workos.AuditLogEntity{ID: user.ID, Type: "user"},
			Targets: []workos.AuditLogEntity{{ID: "1", Type: "document"}}, Context: workos.AuditLogContext{Location: "192.0.2.1"},
		}})
	})
	// The objects of these calls come from a seed file only.
	for name, call := range map[string]func() error{
		"GetFeatureFlag":                  func() error { _, err := e.GetFeatureFlag(e.ctx(), unknownID); return err },
		"AddFeatureFlagTarget":            func() error { return e.AddFeatureFlagTarget(e.ctx(), unknownID, user.ID) },
		"RemoveFeatureFlagTarget":         func() error { return e.RemoveFeatureFlagTarget(e.ctx(), unknownID, user.ID) },
		"DeleteAPIKey":                    func() error { return e.DeleteAPIKey(e.ctx(), unknownID) },
		"DeleteUserAuthorizedApplication": func() error { return e.DeleteUserAuthorizedApplication(e.ctx(), user.ID, unknownID) },
	} {
		e.try(name, func() error {
			err := call()
			if workos.IsNotFound(err) && !hasNoRoute(err) {
				return nil
			}
			return errors.Join(err, want(nil, true, hasNoRoute(err)))
		})
	}
}

func (e *emulator) tryEvents() {
	tryList[workos.Event](e, "ListEvents", func() (any, error) {
		return collect(e.ListEvents(e.ctx(), workos.ListEventsParams{Types: []string{workos.EventUserCreated}}))
	})
}

func (e *emulator) tryDeletions(organization *workos.Organization, user *workos.User, membership *workos.OrganizationMembership) {
	e.try("DeletePermission", func() error { return e.DeletePermission(e.ctx(), "posts:write") })
	e.try("DeleteOrganizationRole", func() error { return e.DeleteOrganizationRole(e.ctx(), organization.ID, "org-auditor") })
	e.try("DeleteOrganizationMembership", func() error { return e.DeleteOrganizationMembership(e.ctx(), membership.ID) })
	e.try("DeleteUser", func() error { return e.DeleteUser(e.ctx(), user.ID) })
	e.try("DeleteOrganization", func() error { return e.DeleteOrganization(e.ctx(), organization.ID) })
}
