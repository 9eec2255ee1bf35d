// Organization memberships.

import { membershipShape, newMember, newOrganization, newUser, seePage } from './shapes.mjs';

export const rows = {
  'userManagement.createOrganizationMembership': async (t) => {
    const organization = await newOrganization(t);
    const user = await newUser(t);
    const ids = { organizationId: organization.id, userId: user.id };
    const shape = { ...ids, organizationName: organization.name };
    const admin = { role: { slug: 'admin' }, roles: [{ slug: 'admin' }] };
    t.see(await t.workos.userManagement.createOrganizationMembership({ ...ids, roleSlug: 'admin' }), membershipShape(t, { ...shape, ...admin }));
    const two = { organizationId: organization.id, userId: (await newUser(t)).id };
    t.see(await t.workos.userManagement.createOrganizationMembership({ ...two, roleSlugs: ['admin', 'member'] }),
      membershipShape(t, { ...shape, ...two, ...admin, roles: [{ slug: 'admin' }, { slug: 'member' }] }));
    t.noted('one role or several');
  },
  'userManagement.getOrganizationMembership': async (t) => {
    const { organization, user, membership } = await newMember(t);
    t.see(await t.workos.userManagement.getOrganizationMembership(membership.id),
      membershipShape(t, { id: membership.id, userId: user.id, organizationId: organization.id, organizationName: organization.name }));
  },
  'userManagement.listOrganizationMemberships': async (t) => {
    const { organization, user, membership } = await newMember(t);
    const second = await newUser(t);
    const inactive = await t.workos.userManagement.createOrganizationMembership({ organizationId: organization.id, userId: second.id });
    await t.workos.userManagement.deactivateOrganizationMembership(inactive.id);
    const list = (options) => t.workos.userManagement.listOrganizationMemberships({ organizationId: organization.id, ...options });
    seePage(t, await list(), [membershipShape(t, { id: membership.id, userId: user.id, organizationId: organization.id, organizationName: organization.name })]);
    t.holds('the filter statuses', (await list({ statuses: ['inactive', 'pending'] })).data[0].id === inactive.id);
    const page = await list({ statuses: ['active', 'inactive'], limit: 1, order: 'asc' });
    t.holds('pages by after', (await list({ statuses: ['active', 'inactive'], limit: 1, order: 'asc', after: page.listMetadata.after })).data[0].id === inactive.id);
    t.holds('the filter userId', (await t.workos.userManagement.listOrganizationMemberships({ userId: user.id })).data.length === 1);
  },
  'userManagement.updateOrganizationMembership': async (t) => {
    const { membership } = await newMember(t);
    const shape = { ...membership, role: { slug: 'admin' }, roles: [{ slug: 'admin' }] };
    t.see(await t.workos.userManagement.updateOrganizationMembership(membership.id, { roleSlug: 'admin' }), membershipShape(t, shape));
    t.see(await t.workos.userManagement.updateOrganizationMembership(membership.id, { roleSlugs: ['member', 'admin'] }),
      membershipShape(t, { ...shape, role: { slug: 'member' }, roles: [{ slug: 'member' }, { slug: 'admin' }] }));
    t.noted('one role or several');
  },
  'userManagement.deactivateOrganizationMembership': async (t) => {
    const { membership } = await newMember(t);
    t.see(await t.workos.userManagement.deactivateOrganizationMembership(membership.id), membershipShape(t, { ...membership, status: 'inactive' }));
  },
  'userManagement.reactivateOrganizationMembership': async (t) => {
    const { membership } = await newMember(t);
    await t.workos.userManagement.deactivateOrganizationMembership(membership.id);
    t.see(await t.workos.userManagement.reactivateOrganizationMembership(membership.id), membershipShape(t, membership));
  },
  'userManagement.deleteOrganizationMembership': async (t) => {
    const { membership } = await newMember(t);
    await t.workos.userManagement.deleteOrganizationMembership(membership.id);
    await t.refused(() => t.workos.userManagement.getOrganizationMembership(membership.id), 'NotFoundException', { status: 404 });
    t.noted('the membership is gone');
  },
};
