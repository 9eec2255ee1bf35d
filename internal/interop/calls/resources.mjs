// The resources of fine-grained authorization, who has access to them, and the roles of groups on them.

import { id, text } from './expect.mjs';
import { newMember, newOrganization, seePage } from './shapes.mjs';

const resourceShape = (t, fields) => ({
  object: 'authorization_resource', id: id('authz_resource'), externalId: text, name: 'Website', description: null, resourceTypeSlug: 'project', organizationId: id('org'),
  parentResourceId: id('authz_resource'), createdAt: t.now, updatedAt: t.now, ...fields,
});

const groupRoleShape = (t, fields) => ({
  object: 'group_role_assignment', id: id('gra'), groupId: id('group'), role: { slug: text }, resource: { id: text, externalId: text, resourceTypeSlug: 'project' }, createdAt: t.now,
  updatedAt: t.now, ...fields,
});

export const newResource = (t, { id: organizationId }, fields) =>
  t.workos.authorization.createResource({ organizationId, resourceTypeSlug: 'project', externalId: t.unique('project'), name: 'Website', ...fields });

// inOrganization creates an organization with a resource.
async function inOrganization(t, fields) {
  const organization = await newOrganization(t);
  const resource = await newResource(t, organization, fields);
  const byExternalId = { organizationId: organization.id, resourceTypeSlug: 'project', externalId: resource.externalId };
  return { organization, resource, byExternalId, shape: { ...byExternalId, id: resource.id } };
}

// newRole creates a role with a permission.
async function newRole(t) {
  const permission = await t.workos.authorization.createPermission({ slug: t.unique('page:read'), name: 'Read' });
  const role = await t.workos.authorization.createEnvironmentRole({ slug: t.unique('reader'), name: 'Reader' });
  await t.workos.authorization.setEnvironmentRolePermissions(role.slug, { permissions: [permission.slug] });
  return { role, permission };
}

// withAccess creates a member who has a role on a resource.
async function withAccess(t) {
  const { organization, membership } = await newMember(t);
  const resource = await newResource(t, organization);
  const { role, permission } = await newRole(t);
  const assignment = await t.workos.authorization.assignRole({ organizationMembershipId: membership.id, roleSlug: role.slug, resourceId: resource.id });
  const byExternalId = { organizationId: organization.id, resourceTypeSlug: 'project', externalId: resource.externalId };
  return { organization, membership, resource, role, permission, assignment, byExternalId };
}

const memberShape = (t, { id, userId, organizationId }) => ({
  object: 'organization_membership', id, userId, organizationId, status: 'active', directoryManaged: false, createdAt: t.now, updatedAt: t.now, customAttributes: {},
});

const permissionShape = (t, { id, slug }) => ({
  object: 'permission', id, slug, name: 'Read', description: null, resourceTypeSlug: 'organization', system: false, createdAt: t.now, updatedAt: t.now,
});

// withGroup creates a group with a role on a resource.
async function withGroup(t) {
  const { organization, resource, byExternalId } = await inOrganization(t);
  const { id: groupId } = await t.workos.groups.createGroup({ organizationId: organization.id, name: t.unique('Night shift') });
  const { role } = await newRole(t);
  const made = await t.workos.authorization.createGroupRoleAssignment({ groupId, roleSlug: role.slug, resourceId: resource.id });
  const shape = { groupId, role: { slug: role.slug }, resource: { id: resource.id, externalId: resource.externalId, resourceTypeSlug: 'project' } };
  return { groupId, role, resource, byExternalId, made, shape };
}

const groupRoles = async (t, groupId) => (await t.workos.authorization.listGroupRoleAssignments({ groupId })).data;

export const rows = {
  'authorization.createResource': async (t) => {
    const { organization, resource, shape } = await inOrganization(t, { description: 'The site' });
    t.see(resource, resourceShape(t, { ...shape, description: 'The site' }));
    const below = await newResource(t, organization, { parentResourceId: resource.id });
    const same = await newResource(t, organization, { parentResourceExternalId: resource.externalId, parentResourceTypeSlug: 'project' });
    t.holds('a parent by its ID and by its external ID', below.parentResourceId === resource.id && same.parentResourceId === resource.id);
  },
  'authorization.getResource': async (t) => {
    const { resource, shape } = await inOrganization(t);
    t.see(await t.workos.authorization.getResource(resource.id), resourceShape(t, shape));
  },
  'authorization.getResourceByExternalId': async (t) => {
    const { byExternalId, shape } = await inOrganization(t);
    t.see(await t.workos.authorization.getResourceByExternalId(byExternalId), resourceShape(t, shape));
  },
  'authorization.listResources': async (t) => {
    const { organization, resource, shape } = await inOrganization(t);
    const second = await newResource(t, organization, { parentResourceId: resource.id });
    const page = { organizationId: organization.id, resourceTypeSlug: 'project', limit: 1, order: 'asc' };
    seePage(t, await t.workos.authorization.listResources(page), [resourceShape(t, shape)], { before: null, after: resource.id });
    t.holds('pages by after', (await t.workos.authorization.listResources({ ...page, after: resource.id })).data[0].id === second.id);
    t.holds('the filter parentResourceId', (await t.workos.authorization.listResources({ organizationId: organization.id, parentResourceId: resource.id })).data[0].id === second.id);
  },
  'authorization.updateResource': async (t) => {
    const { resource, shape } = await inOrganization(t);
    const fields = { name: 'Blog', description: 'The blog' };
    t.see(await t.workos.authorization.updateResource({ resourceId: resource.id, ...fields }), resourceShape(t, { ...shape, ...fields }));
  },
  'authorization.updateResourceByExternalId': async (t) => {
    const { byExternalId, shape } = await inOrganization(t);
    t.see(await t.workos.authorization.updateResourceByExternalId({ ...byExternalId, name: 'Blog' }), resourceShape(t, { ...shape, name: 'Blog' }));
  },
  'authorization.deleteResource': async (t) => {
    const { organization, resource } = await inOrganization(t);
    const below = await newResource(t, organization, { parentResourceId: resource.id });
    await t.workos.authorization.deleteResource({ resourceId: resource.id, cascadeDelete: true });
    await t.refused(() => t.workos.authorization.getResource(below.id), 'NotFoundException', { status: 404 });
    t.noted('cascadeDelete deletes the resources below');
  },
  'authorization.deleteResourceByExternalId': async (t) => {
    const { resource, byExternalId } = await inOrganization(t);
    await t.workos.authorization.deleteResourceByExternalId(byExternalId);
    await t.refused(() => t.workos.authorization.getResource(resource.id), 'NotFoundException', { status: 404 });
    t.noted('the resource is gone');
  },
  'authorization.listRoleAssignmentsForResource': async (t) => {
    const { resource, role, assignment } = await withAccess(t);
    seePage(t, await t.workos.authorization.listRoleAssignmentsForResource({ resourceId: resource.id, roleSlug: role.slug, limit: 1 }), [assignment]);
  },
  'authorization.listResourceRoleAssignments': async (t) => {
    const { byExternalId, assignment } = await withAccess(t);
    seePage(t, await t.workos.authorization.listResourceRoleAssignments({ ...byExternalId, limit: 1 }), [assignment]);
  },
  'authorization.listResourcesForMembership': async (t) => {
    const { organization, membership, permission, resource } = await withAccess(t);
    const below = await newResource(t, organization, { parentResourceId: resource.id });
    const options = { organizationMembershipId: membership.id, permissionSlug: permission.slug };
    const shape = resourceShape(t, { id: below.id, parentResourceId: resource.id });
    seePage(t, await t.workos.authorization.listResourcesForMembership({ ...options, parentResourceId: resource.id }), [shape]);
    const parent = { parentResourceTypeSlug: 'project', parentResourceExternalId: resource.externalId };
    seePage(t, await t.workos.authorization.listResourcesForMembership({ ...options, ...parent }), [shape]);
    t.noted('a parent by its ID and by its external ID');
  },
  'authorization.listMembershipsForResource': async (t) => {
    const { membership, permission, resource } = await withAccess(t);
    const options = { resourceId: resource.id, permissionSlug: permission.slug };
    seePage(t, await t.workos.authorization.listMembershipsForResource({ ...options, assignment: 'indirect' }), [memberShape(t, membership)]);
  },
  'authorization.listMembershipsForResourceByExternalId': async (t) => {
    const { membership, permission, byExternalId } = await withAccess(t);
    const options = { ...byExternalId, permissionSlug: permission.slug };
    seePage(t, await t.workos.authorization.listMembershipsForResourceByExternalId(options), [memberShape(t, membership)]);
  },
  'authorization.listEffectivePermissions': async (t) => {
    const { membership, permission, resource } = await withAccess(t);
    const options = { organizationMembershipId: membership.id, resourceId: resource.id };
    seePage(t, await t.workos.authorization.listEffectivePermissions(options), [permissionShape(t, permission)]);
  },
  'authorization.listEffectivePermissionsByExternalId': async (t) => {
    const { membership, permission, byExternalId } = await withAccess(t);
    const options = { organizationMembershipId: membership.id, ...byExternalId };
    seePage(t, await t.workos.authorization.listEffectivePermissionsByExternalId(options), [permissionShape(t, permission)]);
  },
  'authorization.createGroupRoleAssignment': async (t) => {
    const { groupId, byExternalId, made, shape } = await withGroup(t);
    t.see(made, groupRoleShape(t, shape));
    const { role } = await newRole(t);
    const resource = { resourceExternalId: byExternalId.externalId, resourceTypeSlug: 'project' };
    const { resource: same } = await t.workos.authorization.createGroupRoleAssignment({ groupId, roleSlug: role.slug, ...resource });
    t.holds('a resource by its ID and by its external ID', same.id === made.resource.id);
  },
  'authorization.getGroupRoleAssignment': async (t) => {
    const { groupId, made, shape } = await withGroup(t);
    t.see(await t.workos.authorization.getGroupRoleAssignment({ groupId, roleAssignmentId: made.id }), groupRoleShape(t, { ...shape, id: made.id }));
  },
  'authorization.listGroupRoleAssignments': async (t) => {
    const { groupId, made, shape } = await withGroup(t);
    seePage(t, await t.workos.authorization.listGroupRoleAssignments({ groupId, limit: 1 }), [groupRoleShape(t, { ...shape, id: made.id })]);
  },
  'authorization.replaceGroupRoleAssignments': async (t) => {
    const { groupId, resource, shape } = await withGroup(t);
    const { role } = await newRole(t);
    const { object, data } = await t.workos.authorization.replaceGroupRoleAssignments({ groupId, roleAssignments: [{ roleSlug: role.slug, resourceId: resource.id }] });
    t.see({ object, data }, { object: 'list', data: [groupRoleShape(t, { ...shape, role: { slug: role.slug } })] });
  },
  'authorization.removeGroupRoleAssignment': async (t) => {
    const { groupId, made } = await withGroup(t);
    await t.workos.authorization.removeGroupRoleAssignment({ groupId, roleAssignmentId: made.id });
    t.holds('the group has no role', (await groupRoles(t, groupId)).length === 0);
  },
  'authorization.removeGroupRoleAssignments': async (t) => {
    const { groupId, role, resource } = await withGroup(t);
    await t.workos.authorization.removeGroupRoleAssignments({ groupId, roleSlug: role.slug, resourceId: resource.id });
    t.holds('the group has no role', (await groupRoles(t, groupId)).length === 0);
  },
};
