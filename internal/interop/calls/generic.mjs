// Calls of any operation, without a method of its own.

import { id, text } from './expect.mjs';
import { newResource } from './resources.mjs';
import { newMember, newUser } from './shapes.mjs';

const wireUser = (t, fields) => ({
  object: 'user', id: id('user'), email: text, email_verified: true, first_name: null, last_name: null, name: null, profile_picture_url: null, external_id: null, metadata: {},
  locale: null, last_sign_in_at: null, created_at: t.now, updated_at: t.now, ...fields,
});

export const rows = {
  'WorkOS.get': async (t) => {
    const user = await newUser(t);
    t.see(await t.workos.get(`/user_management/users/${user.id}`), { data: wireUser(t, { id: user.id, email: user.email }) });
  },
  'WorkOS.post': async (t) => {
    const origin = `https://${t.unique('app')}.example`;
    const { data } = await t.workos.post('/user_management/cors_origins', { origin });
    t.see(data, { object: 'cors_origin', id: id('cors_origin'), origin, created_at: t.now, updated_at: t.now });
  },
  'WorkOS.put': async (t) => {
    const user = await newUser(t);
    t.see(await t.workos.put(`/user_management/users/${user.id}`, { locale: 'nb' }), { data: wireUser(t, { id: user.id, email: user.email, locale: 'nb' }) });
  },
  'WorkOS.patch': async (t) => {
    const { slug } = await t.workos.authorization.createPermission({ slug: t.unique('posts'), name: 'Posts' });
    const { data } = await t.workos.patch(`/authorization/permissions/${slug}`, { name: 'Articles' });
    t.holds('the response', data.name === 'Articles');
  },
  'WorkOS.delete': async (t) => {
    const { id: userId } = await newUser(t);
    await t.workos.delete(`/user_management/users/${userId}`);
    await t.refused(() => t.workos.userManagement.getUser(userId), 'NotFoundException');
    t.noted('the user is gone');
  },
  'WorkOS.deleteWithBody': async (t) => {
    const { organization, membership } = await newMember(t);
    const role = { role_slug: 'member', resource_id: (await newResource(t, organization)).id };
    const path = `/authorization/organization_memberships/${membership.id}/role_assignments`;
    await t.workos.post(path, role);
    await t.workos.deleteWithBody(path, role);
    t.holds('the role is gone', (await t.workos.get(path, { query: { resource_type_slug: 'project' } })).data.data.length === 0);
  },
  'WorkOS.version': (t) => t.holds('a version', text(t.workos.version)),
};
