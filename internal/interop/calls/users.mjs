// Users, and their identities and feature flags.

import { id } from './expect.mjs';
import { newMember, newUser, password, seePage, signedIn, userShape } from './shapes.mjs';

export const rows = {
  'userManagement.createUser': async (t) => {
    const fields = { email: t.unique('kim@example.com'), firstName: 'Kim', lastName: 'Ødegård', emailVerified: true, externalId: t.unique('ext'), metadata: { plan: 'pro' } };
    const user = await t.workos.userManagement.createUser({ ...fields, password, ipAddress: '203.0.113.7', userAgent: 'Lynx/2.9' });
    t.see(user, userShape(t, { ...fields, name: 'Kim Ødegård' }));
    t.holds('the user signs in with the password', (await signedIn(t, user)).user.id === user.id);
    const named = await t.workos.userManagement.createUser({ email: t.unique('lee@example.com'), name: 'Lee', passwordHash: '$2b$10$abc', passwordHashType: 'bcrypt' });
    t.see(named, userShape(t, { email: named.email, name: 'Lee' }));
  },
  'userManagement.getUser': async (t) => {
    const user = await newUser(t, { firstName: 'Kim' });
    t.see(await t.workos.userManagement.getUser(user.id), userShape(t, { id: user.id, email: user.email, emailVerified: true, firstName: 'Kim', name: 'Kim' }));
  },
  'userManagement.getUserByExternalId': async (t) => {
    const externalId = t.unique('customer:7/a b');
    const user = await newUser(t, { externalId });
    t.see(await t.workos.userManagement.getUserByExternalId(externalId), userShape(t, { id: user.id, email: user.email, emailVerified: true, externalId }));
  },
  'userManagement.listUsers': async (t) => {
    const { organization, user } = await newMember(t);
    const second = await newUser(t);
    await t.workos.userManagement.createOrganizationMembership({ organizationId: organization.id, userId: second.id });
    const shape = ({ id, email }) => userShape(t, { id, email, emailVerified: true });
    const filter = { organizationId: organization.id, limit: 1, order: 'asc' };
    seePage(t, await t.workos.userManagement.listUsers(filter), [shape(user)], { before: null, after: user.id });
    seePage(t, await t.workos.userManagement.listUsers({ ...filter, after: user.id }), [shape(second)], { before: second.id, after: null });
    seePage(t, await t.workos.userManagement.listUsers({ ...filter, before: second.id }), [shape(user)], { before: null, after: user.id });
    t.noted('pages by after and before');
    const [only] = (await t.workos.userManagement.listUsers({ email: second.email })).data;
    t.holds('the filters email and organizationId', only.id === second.id);
    t.holds('the newest is first by default', (await t.workos.userManagement.listUsers()).data[0].id === second.id);
  },
  'userManagement.updateUser': async (t) => {
    const { id: userId } = await newUser(t, { metadata: { plan: 'pro', seats: '5' } });
    const fields = { email: t.unique('lee@example.com'), firstName: 'Lee', lastName: 'Park', emailVerified: true, externalId: t.unique('ext'), locale: 'nb-NO' };
    const changed = { ...fields, id: userId, name: 'Lee Park', metadata: { plan: 'free', seats: '5' } };
    t.see(await t.workos.userManagement.updateUser({ userId, ...fields, metadata: { plan: 'free' } }), userShape(t, changed));
    t.see(await t.workos.userManagement.updateUser({ userId, externalId: null, locale: null, metadata: { seats: null } }),
      userShape(t, { ...changed, externalId: null, locale: null, metadata: { plan: 'free' } }));
    t.noted('null removes the external ID, the locale and an entry of the metadata');
    await t.workos.userManagement.updateUser({ userId, password: 'a quite different password' });
    await t.refused(() => signedIn(t, fields), 'GenericServerException', { code: 'invalid_credentials' });
    t.noted('the old password is refused');
  },
  'userManagement.deleteUser': async (t) => {
    const user = await newUser(t);
    t.holds('returns nothing', (await t.workos.userManagement.deleteUser(user.id)) === undefined);
    await t.refused(() => t.workos.userManagement.getUser(user.id), 'NotFoundException', { status: 404 });
    t.noted('the user is gone');
  },
  'userManagement.getUserIdentities': async (t) => {
    const [user] = (await t.workos.userManagement.listUsers({ email: 'identities@example.com' })).data;
    t.see(await t.workos.userManagement.getUserIdentities(user.id), [
      { idpId: 'google-7', type: 'OAuth', provider: 'GoogleOAuth' },
      { idpId: 'github-7', type: 'OAuth', provider: 'GitHubOAuth' },
    ]);
  },
  'AutoPaginatable.autoPagination': async (t) => {
    const { organization, user } = await newMember(t);
    const created = await Promise.all(Array.from({ length: 100 }, () => newUser(t, { password: undefined })));
    for (const { id: userId } of created) await t.workos.userManagement.createOrganizationMembership({ organizationId: organization.id, userId });
    const page = await t.workos.userManagement.listUsers({ organizationId: organization.id });
    const all = await t.watch(page, 'AutoPaginatable').autoPagination();
    t.holds('101 users in two pages', all.length === 101 && new Set(all.map((u) => u.id)).size === 101 && all.some((u) => u.id === user.id));
  },
  'AutoPaginatable.generatePages': async (t) => {
    const { organization, user } = await newMember(t);
    const page = t.watch(await t.workos.userManagement.listUsers({ organizationId: organization.id }), 'AutoPaginatable');
    const pages = await t.during(async () => {
      const found = [];
      for await (const data of page.generatePages({})) found.push(data);
      return found;
    });
    t.see(pages, [[userShape(t, { id: user.id, email: user.email, emailVerified: true })]]);
  },
  'AutoPaginatable.data': async (t) => {
    const user = await newUser(t);
    const page = t.watch(await t.workos.userManagement.listUsers({ email: user.email }), 'AutoPaginatable');
    t.see(page.data, [userShape(t, { id: user.id, email: user.email, emailVerified: true })]);
  },
  'AutoPaginatable.listMetadata': async (t) => {
    await newUser(t);
    await newUser(t);
    const page = t.watch(await t.workos.userManagement.listUsers({ limit: 1 }), 'AutoPaginatable');
    t.see(page.listMetadata, { before: null, after: id('user') });
  },
};
