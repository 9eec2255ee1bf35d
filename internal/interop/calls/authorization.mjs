// Roles, permissions, and the roles of members on resources.

import { id, text } from './expect.mjs';
import { newResource } from './resources.mjs';
import { newMember, newOrganization, seePage } from './shapes.mjs';

const roleShape = (t, fields) => ({
  object: 'role', id: id('role'), name: text, slug: text, description: null, permissions: [], resourceTypeSlug: 'organization', type: 'EnvironmentRole', createdAt: t.now,
  updatedAt: t.now, ...fields,
});

const organizationRoleShape = (t, fields) => roleShape(t, { type: 'OrganizationRole', ...fields });

const permissionShape = (t, fields) => ({
  object: 'permission', id: id('perm'), slug: text, name: text, description: null, resourceTypeSlug: 'organization', system: false, createdAt: t.now, updatedAt: t.now, ...fields,
});

const assignmentShape = (t, fields) => ({
  object: 'role_assignment', id: id('role_assignment'), organizationMembershipId: id('om'), role: { slug: text }, resource: { id: text, externalId: text, resourceTypeSlug: text },
  source: { type: 'direct', groupRoleAssignmentId: null }, createdAt: t.now, updatedAt: t.now, ...fields,
});

const newPermission = (t) => t.workos.authorization.createPermission({ slug: t.unique('posts:read'), name: 'Read posts' });

const newRole = (t) => t.workos.authorization.createEnvironmentRole({ slug: t.unique('editor'), name: 'Editor' });

async function newOrganizationRole(t) {
  const { id: organizationId } = await newOrganization(t);
  return { organizationId, role: await t.workos.authorization.createOrganizationRole(organizationId, { slug: t.unique('org-editor'), name: 'Editor' }) };
}

// assigned gives a member a role with a permission on a resource.
async function assigned(t) {
  const { organization, membership } = await newMember(t);
  const role = await newRole(t);
  const permission = await newPermission(t);
  await t.workos.authorization.setEnvironmentRolePermissions(role.slug, { permissions: [permission.slug] });
  const { externalId: resourceExternalId } = await newResource(t, organization);
  const resource = { resourceExternalId, resourceTypeSlug: 'project' };
  const options = { organizationMembershipId: membership.id, roleSlug: role.slug, ...resource };
  return { organization, membership, role, permission, resource, options, assignment: await t.workos.authorization.assignRole(options) };
}

const assignments = async (t, { membership, resource }) =>
  (await t.workos.authorization.listRoleAssignments({ organizationMembershipId: membership.id, ...resource })).data;

export const rows = {
  'authorization.createEnvironmentRole': async (t) => {
    const fields = { slug: t.unique('editor'), name: 'Editor', description: 'Edits posts', resourceTypeSlug: 'project' };
    t.see(await t.workos.authorization.createEnvironmentRole(fields), roleShape(t, fields));
  },
  'authorization.listEnvironmentRoles': async (t) => {
    const { slug } = await newRole(t);
    const { object, data } = await t.workos.authorization.listEnvironmentRoles();
    t.see({ object, data: data.filter((role) => role.slug === slug) }, { object: 'list', data: [roleShape(t, { slug, name: 'Editor' })] });
  },
  'authorization.getEnvironmentRole': async (t) => {
    const { slug } = await newRole(t);
    t.see(await t.workos.authorization.getEnvironmentRole(slug), roleShape(t, { slug, name: 'Editor' }));
  },
  'authorization.updateEnvironmentRole': async (t) => {
    const { slug } = await newRole(t);
    const fields = { name: 'Author', description: 'Writes posts' };
    t.see(await t.workos.authorization.updateEnvironmentRole(slug, fields), roleShape(t, { slug, ...fields }));
    t.see(await t.workos.authorization.updateEnvironmentRole(slug, { description: null }), roleShape(t, { slug, name: 'Author' }));
    t.noted('null removes the description');
  },
  'authorization.setEnvironmentRolePermissions': async (t) => {
    const { slug } = await newRole(t);
    const permissions = [(await newPermission(t)).slug, (await newPermission(t)).slug];
    t.see(await t.workos.authorization.setEnvironmentRolePermissions(slug, { permissions }), roleShape(t, { slug, permissions }));
    t.see(await t.workos.authorization.setEnvironmentRolePermissions(slug, { permissions: [] }), roleShape(t, { slug }));
    t.noted('an empty list removes all');
  },
  'authorization.addEnvironmentRolePermission': async (t) => {
    const { slug } = await newRole(t);
    const { slug: permissionSlug } = await newPermission(t);
    t.see(await t.workos.authorization.addEnvironmentRolePermission(slug, { permissionSlug }), roleShape(t, { slug, permissions: [permissionSlug] }));
  },
  'authorization.createOrganizationRole': async (t) => {
    const { id: organizationId } = await newOrganization(t);
    const fields = { slug: t.unique('org-editor'), name: 'Editor', description: 'Edits posts', resourceTypeSlug: 'project' };
    t.see(await t.workos.authorization.createOrganizationRole(organizationId, fields), organizationRoleShape(t, fields));
    t.holds('a slug is made of the name', (await t.workos.authorization.createOrganizationRole(organizationId, { name: 'Night Shift' })).slug === 'org-night-shift');
  },
  'authorization.listOrganizationRoles': async (t) => {
    const { organizationId, role } = await newOrganizationRole(t);
    const ofEnvironment = await newRole(t);
    const { object, data } = await t.workos.authorization.listOrganizationRoles(organizationId);
    const listed = data.filter(({ slug }) => [role.slug, ofEnvironment.slug].includes(slug));
    t.see({ object, data: listed }, { object: 'list', data: [roleShape(t, { slug: ofEnvironment.slug }), organizationRoleShape(t, { slug: role.slug })] });
    t.noted('the roles of the environment and of the organization');
  },
  'authorization.getOrganizationRole': async (t) => {
    const { organizationId, role } = await newOrganizationRole(t);
    t.see(await t.workos.authorization.getOrganizationRole(organizationId, role.slug), organizationRoleShape(t, { slug: role.slug, name: 'Editor' }));
  },
  'authorization.updateOrganizationRole': async (t) => {
    const { organizationId, role } = await newOrganizationRole(t);
    const fields = { name: 'Author', description: 'Writes posts' };
    t.see(await t.workos.authorization.updateOrganizationRole(organizationId, role.slug, fields), organizationRoleShape(t, { slug: role.slug, ...fields }));
  },
  'authorization.deleteOrganizationRole': async (t) => {
    const { organizationId, role } = await newOrganizationRole(t);
    await t.workos.authorization.deleteOrganizationRole(organizationId, role.slug);
    await t.refused(() => t.workos.authorization.getOrganizationRole(organizationId, role.slug), 'NotFoundException', { status: 404 });
    t.noted('the role is gone');
  },
  'authorization.setOrganizationRolePermissions': async (t) => {
    const { organizationId, role } = await newOrganizationRole(t);
    const permissions = [(await newPermission(t)).slug];
    t.see(await t.workos.authorization.setOrganizationRolePermissions(organizationId, role.slug, { permissions }), organizationRoleShape(t, { slug: role.slug, permissions }));
  },
  'authorization.addOrganizationRolePermission': async (t) => {
    const { organizationId, role } = await newOrganizationRole(t);
    const { slug: permissionSlug } = await newPermission(t);
    t.see(await t.workos.authorization.addOrganizationRolePermission(organizationId, role.slug, { permissionSlug }),
      organizationRoleShape(t, { slug: role.slug, permissions: [permissionSlug] }));
  },
  'authorization.removeOrganizationRolePermission': async (t) => {
    const { organizationId, role } = await newOrganizationRole(t);
    const { slug: permissionSlug } = await newPermission(t);
    await t.workos.authorization.addOrganizationRolePermission(organizationId, role.slug, { permissionSlug });
    await t.workos.authorization.removeOrganizationRolePermission(organizationId, role.slug, { permissionSlug });
    t.holds('the role has no permission', (await t.workos.authorization.getOrganizationRole(organizationId, role.slug)).permissions.length === 0);
  },
  'authorization.createPermission': async (t) => {
    const fields = { slug: t.unique('posts:write'), name: 'Write posts', description: 'Also drafts', resourceTypeSlug: 'project' };
    t.see(await t.workos.authorization.createPermission(fields), permissionShape(t, fields));
  },
  'authorization.listPermissions': async (t) => {
    const first = await newPermission(t);
    const second = await newPermission(t);
    seePage(t, await t.workos.authorization.listPermissions({ limit: 1 }), [permissionShape(t, { slug: second.slug })], { before: null, after: second.id });
    t.holds('pages by after', (await t.workos.authorization.listPermissions({ limit: 1, after: second.id })).data[0].id === first.id);
  },
  'authorization.getPermission': async (t) => {
    const { slug } = await newPermission(t);
    t.see(await t.workos.authorization.getPermission(slug), permissionShape(t, { slug, name: 'Read posts' }));
  },
  'authorization.updatePermission': async (t) => {
    const { slug } = await newPermission(t);
    const fields = { name: 'Read', description: 'Drafts, too' };
    t.see(await t.workos.authorization.updatePermission(slug, fields), permissionShape(t, { slug, ...fields }));
  },
  'authorization.deletePermission': async (t) => {
    const { slug } = await newPermission(t);
    await t.workos.authorization.deletePermission(slug);
    await t.refused(() => t.workos.authorization.getPermission(slug), 'NotFoundException', { status: 404 });
    t.noted('the permission is gone');
  },
  'authorization.check': async (t) => {
    const { membership, permission, resource, assignment } = await assigned(t);
    const options = { organizationMembershipId: membership.id, permissionSlug: permission.slug };
    t.see(await t.workos.authorization.check({ ...options, ...resource }), { authorized: true });
    t.see(await t.workos.authorization.check({ ...options, resourceId: assignment.resource.id }), { authorized: true });
    t.noted('a resource by its ID and by its external ID');
    t.holds('another permission is not allowed', !(await t.workos.authorization.check({ ...options, ...resource, permissionSlug: (await newPermission(t)).slug })).authorized);
  },
  'authorization.assignRole': async (t) => {
    const { membership, role, resource, assignment } = await assigned(t);
    t.see(assignment, assignmentShape(t, {
      organizationMembershipId: membership.id, role: { slug: role.slug },
      resource: { id: text, externalId: resource.resourceExternalId, resourceTypeSlug: resource.resourceTypeSlug },
    }));
    const again = await t.workos.authorization.assignRole({ organizationMembershipId: membership.id, roleSlug: role.slug, resourceId: assignment.resource.id });
    t.holds('a resource by its ID and by its external ID', again.id === assignment.id);
  },
  'authorization.listRoleAssignments': async (t) => {
    const { organization, membership, role, assignment } = await assigned(t);
    const list = (options) => t.workos.authorization.listRoleAssignments({ organizationMembershipId: membership.id, ...options });
    const { resource } = assignment;
    const here = assignmentShape(t, { id: assignment.id, organizationMembershipId: membership.id, role: { slug: role.slug }, resource });
    const inOrganization = assignmentShape(t, {
      organizationMembershipId: membership.id, role: { slug: 'member' },
      resource: { id: id('authz_resource'), externalId: organization.id, resourceTypeSlug: 'organization' },
    });
    seePage(t, await list({ order: 'asc' }), [inOrganization, here]);
    seePage(t, await list({ resourceId: resource.id }), [here]);
    seePage(t, await list({ resourceExternalId: resource.externalId, resourceTypeSlug: resource.resourceTypeSlug }), [here]);
    t.noted('the filters of resources');
    const { data, listMetadata } = await list({ limit: 1 });
    t.holds('pages by after', data[0].id === assignment.id && (await list({ limit: 1, after: listMetadata.after })).data[0].role.slug === 'member');
  },
  'authorization.removeRole': async (t) => {
    const made = await assigned(t);
    await t.workos.authorization.removeRole(made.options);
    t.holds('the member has no role on the resource', (await assignments(t, made)).length === 0);
    const { resource } = await t.workos.authorization.assignRole(made.options);
    await t.workos.authorization.removeRole({ organizationMembershipId: made.membership.id, roleSlug: made.role.slug, resourceId: resource.id });
    t.holds('a resource by its ID and by its external ID', (await assignments(t, made)).length === 0);
  },
  'authorization.removeRoleAssignment': async (t) => {
    const made = await assigned(t);
    await t.workos.authorization.removeRoleAssignment({ organizationMembershipId: made.membership.id, roleAssignmentId: made.assignment.id });
    t.holds('the member has no role on the resource', (await assignments(t, made)).length === 0);
  },
};
