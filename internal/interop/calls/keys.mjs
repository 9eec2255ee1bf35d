// API keys of organizations and of users.

import { id, matching } from './expect.mjs';
import { newMember, newOrganization, seePage } from './shapes.mjs';

const keyShape = (t, fields) => ({
  object: 'api_key', id: id('api_key'), owner: { type: 'organization', id: id('org') }, name: 'CI', obfuscatedValue: matching(/^sk_\.\.\..{4}$/), lastUsedAt: null,
  permissions: ['posts:read'], createdAt: t.now, updatedAt: t.now, ...fields,
});

const value = matching(/^sk_/);

async function ofOrganization(t) {
  const { id: organizationId } = await newOrganization(t);
  const key = await t.workos.apiKeys.createOrganizationApiKey({ organizationId, name: 'CI', permissions: ['posts:read'] });
  return { organizationId, key, owner: { type: 'organization', id: organizationId } };
}

async function ofUser(t) {
  const { organization, user } = await newMember(t);
  const options = { name: 'CI', organizationId: organization.id, permissions: ['posts:read'], expiresAt: new Date(t.later(3600)) };
  const key = await t.workos.userManagement.createUserApiKey(user.id, options, { idempotencyKey: t.unique('key') });
  return { organization, user, options, key, owner: { type: 'user', id: user.id, organizationId: organization.id } };
}

export const rows = {
  'apiKeys.createOrganizationApiKey': async (t) => {
    const { key, owner } = await ofOrganization(t);
    t.see(key, { ...keyShape(t, { owner }), value });
  },
  'apiKeys.listOrganizationApiKeys': async (t) => {
    const { organizationId, key, owner } = await ofOrganization(t);
    const second = await t.workos.apiKeys.createOrganizationApiKey({ organizationId, name: 'Second' });
    const page = { organizationId, limit: 1, order: 'asc' };
    seePage(t, await t.workos.apiKeys.listOrganizationApiKeys(page), [keyShape(t, { id: key.id, owner })], { before: null, after: key.id });
    t.holds('pages by after', (await t.workos.apiKeys.listOrganizationApiKeys({ ...page, after: key.id })).data[0].id === second.id);
  },
  'apiKeys.createValidation': async (t) => {
    const { key, owner } = await ofOrganization(t);
    t.see(await t.workos.apiKeys.createValidation({ value: key.value }), { apiKey: keyShape(t, { id: key.id, owner, lastUsedAt: t.now }) });
    const mine = await ofUser(t);
    t.see((await t.workos.apiKeys.createValidation({ value: mine.key.value })).apiKey, keyShape(t, { owner: mine.owner, lastUsedAt: t.now }));
    t.see(await t.workos.apiKeys.createValidation({ value: 'sk_unknown' }), { apiKey: null });
    t.noted('a key of an organization, a key of a user and an unknown key');
  },
  'apiKeys.deleteApiKey': async (t) => {
    const { key } = await ofOrganization(t);
    await t.workos.apiKeys.deleteApiKey(key.id);
    t.holds('the key is not valid', (await t.workos.apiKeys.createValidation({ value: key.value })).apiKey === null);
  },
  'userManagement.createUserApiKey': async (t) => {
    const { key, owner } = await ofUser(t);
    t.see(key, { ...keyShape(t, { owner, expiresAt: t.later(3600) }), value });
  },
  'userManagement.listUserApiKeys': async (t) => {
    const { user, organization, options, key, owner } = await ofUser(t);
    const second = await t.workos.userManagement.createUserApiKey(user.id, { ...options, expiresAt: undefined });
    const page = { organizationId: organization.id, limit: 1, order: 'asc' };
    seePage(t, await t.workos.userManagement.listUserApiKeys(user.id, page), [keyShape(t, { id: key.id, owner, expiresAt: t.later(3600) })], { before: null, after: key.id });
    t.holds('pages by after', (await t.workos.userManagement.listUserApiKeys(user.id, { ...page, after: key.id })).data[0].expiresAt === null);
    t.holds('the filter organizationId', (await t.workos.userManagement.listUserApiKeys(user.id, { organizationId: (await newOrganization(t)).id })).data.length === 0);
  },
};
