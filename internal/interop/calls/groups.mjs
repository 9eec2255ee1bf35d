// Groups of organization memberships.

import { id, text } from './expect.mjs';
import { newMember, newOrganization, seePage } from './shapes.mjs';

const groupShape = (t, fields) => ({
  object: 'group', id: id('group'), organizationId: id('org'), name: text, description: null, createdAt: new Date(t.now), updatedAt: new Date(t.now), ...fields,
});

const memberShape = (t, { id, userId, organizationId }) => ({
  object: 'organization_membership', id, userId, organizationId, status: 'active', directoryManaged: false, createdAt: t.now, updatedAt: t.now, customAttributes: {},
});

// newGroup creates an organization and a group in it.
async function newGroup(t, fields) {
  const { id: organizationId } = await newOrganization(t);
  const group = await t.workos.groups.createGroup({ organizationId, name: t.unique('Night shift'), ...fields });
  return { organizationId, group, ids: { organizationId, groupId: group.id }, shape: { id: group.id, organizationId, name: group.name } };
}

// newGroupOf creates a member of an organization and a group with this member.
async function newGroupOf(t) {
  const { organization, membership } = await newMember(t);
  const group = await t.workos.groups.createGroup({ organizationId: organization.id, name: t.unique('Night shift') });
  const ids = { organizationId: organization.id, groupId: group.id };
  const added = await t.workos.groups.addOrganizationMembership({ ...ids, organizationMembershipId: membership.id });
  return { membership, added, ids, shape: { id: group.id, organizationId: organization.id, name: group.name } };
}

const members = async (t, ids) => (await t.workos.groups.listOrganizationMemberships(ids)).data;

export const rows = {
  'groups.createGroup': async (t) => {
    const { group, shape } = await newGroup(t, { description: 'From ten to six' });
    t.see(group, groupShape(t, { ...shape, description: 'From ten to six' }));
  },
  'groups.getGroup': async (t) => {
    const { ids, shape } = await newGroup(t);
    t.see(await t.workos.groups.getGroup(ids), groupShape(t, shape));
  },
  'groups.listGroups': async (t) => {
    const { organizationId, group, shape } = await newGroup(t);
    const second = await t.workos.groups.createGroup({ organizationId, name: 'Day shift' });
    const page = { organizationId, limit: 1, order: 'asc' };
    seePage(t, await t.workos.groups.listGroups(page), [groupShape(t, shape)], { before: null, after: group.id });
    t.holds('pages by after', (await t.workos.groups.listGroups({ ...page, after: group.id })).data[0].id === second.id);
  },
  'groups.updateGroup': async (t) => {
    const { ids, shape } = await newGroup(t);
    const fields = { name: 'Day shift', description: 'From six to two' };
    t.see(await t.workos.groups.updateGroup({ ...ids, ...fields }), groupShape(t, { ...shape, ...fields }));
  },
  'groups.deleteGroup': async (t) => {
    const { ids } = await newGroup(t);
    await t.workos.groups.deleteGroup(ids);
    await t.refused(() => t.workos.groups.getGroup(ids), 'NotFoundException', { status: 404 });
    t.noted('the group is gone');
  },
  'groups.addOrganizationMembership': async (t) => {
    const { membership, added, ids, shape } = await newGroupOf(t);
    t.see(added, groupShape(t, shape));
    t.holds('the group has the member', (await members(t, ids))[0].id === membership.id);
  },
  'groups.listOrganizationMemberships': async (t) => {
    const { membership, ids } = await newGroupOf(t);
    seePage(t, await t.workos.groups.listOrganizationMemberships({ ...ids, limit: 1 }), [memberShape(t, membership)]);
  },
  'groups.removeOrganizationMembership': async (t) => {
    const { membership, ids } = await newGroupOf(t);
    await t.workos.groups.removeOrganizationMembership({ ...ids, organizationMembershipId: membership.id });
    t.holds('the group has no member', (await members(t, ids)).length === 0);
  },
  'userManagement.listGroupsForOrganizationMembership': async (t) => {
    const { membership, shape } = await newGroupOf(t);
    seePage(t, await t.workos.userManagement.listGroupsForOrganizationMembership({ organizationMembershipId: membership.id, limit: 1 }), [groupShape(t, shape)]);
  },
};
