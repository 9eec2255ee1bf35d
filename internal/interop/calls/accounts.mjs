// The accounts of users at other services (Pipes), and audit-log events.

import { id, matching, text } from './expect.mjs';
import { newMember, newOrganization, newUser } from './shapes.mjs';

const slug = 'github'; // of the provider of the fake

// since11 are members that the library has since version 11. The description does not have them, and the fake does not send them.
const since11 = (t, fields) => (t.version >= 11 ? fields : {});

const accountShape = (t, fields) => ({
  object: 'connected_account', id: id('data_installation'), userId: id('user'), organizationId: null, scopes: ['repo'], authMethod: 'oauth', apiKeyLast4: null, state: 'connected',
  createdAt: t.now, updatedAt: t.now,
  ...since11(t, { connectionRole: undefined, accountIdentifier: null, accountDisplayName: null, clientId: null, clientSecretLast4: null, config: undefined }),
  ...fields,
});

const imported = { slug, accessToken: 'imported-access', refreshToken: 'imported-refresh', scopes: ['repo'] };

async function newAccount(t) {
  const { id: userId } = await newUser(t);
  return { userId, account: await t.workos.pipes.createUserConnectedAccount({ userId, ...imported, expiresAt: new Date(t.later(60)) }) };
}

export const rows = {
  'pipes.createUserConnectedAccount': async (t) => {
    const { userId, account } = await newAccount(t);
    t.see(account, accountShape(t, { userId }));
    const { organization, user } = await newMember(t);
    const there = await t.workos.pipes.createUserConnectedAccount({ userId: user.id, organizationId: organization.id, ...imported });
    t.see(there, accountShape(t, { userId: user.id, organizationId: organization.id }));
    t.noted('an account in an organization');
  },
  'pipes.getUserConnectedAccount': async (t) => {
    const { userId, account } = await newAccount(t);
    t.see(await t.workos.pipes.getUserConnectedAccount({ userId, slug }), accountShape(t, { id: account.id, userId }));
  },
  'pipes.updateUserConnectedAccount': async (t) => {
    const { userId, account } = await newAccount(t);
    const changed = await t.workos.pipes.updateUserConnectedAccount({ userId, slug, accessToken: 'second-access', scopes: ['repo', 'user:email'] });
    t.see(changed, accountShape(t, { id: account.id, userId, scopes: ['repo', 'user:email'] }));
    const { state } = await t.workos.pipes.updateUserConnectedAccount({ userId, slug, state: 'needs_reauthorization' });
    t.holds('the state', state === 'needs_reauthorization');
  },
  'pipes.deleteUserConnectedAccount': async (t) => {
    const { userId } = await newAccount(t);
    await t.workos.pipes.deleteUserConnectedAccount({ userId, slug });
    await t.refused(() => t.workos.pipes.getUserConnectedAccount({ userId, slug }), 'NotFoundException', { status: 404 });
    t.noted('the account is gone');
  },
  'pipes.listUserDataProviders': async (t) => {
    const { userId, account } = await newAccount(t);
    const listed = { ...accountShape(t, { id: account.id, userId }), userlandUserId: null };
    const { object, data } = await t.workos.pipes.listUserDataProviders({ userId });
    t.see({ object, data }, {
      object: 'list',
      data: [{
        object: 'data_provider', id: id('data_integration'), name: 'GitHub', description: 'Repositories', slug, integrationType: slug, credentialsType: 'oauth2',
        scopes: ['repo', 'user:email'], authMethods: ['oauth'], ownership: 'userland_user', createdAt: t.now, updatedAt: t.now, connectedAccount: listed,
        ...since11(t, { connectionOwner: undefined, connectedAccounts: undefined }),
      }],
    });
  },
  'pipes.authorizeDataIntegration': async (t) => {
    const { organization, user } = await newMember(t);
    const options = { slug, userId: user.id, organizationId: organization.id, returnTo: `${t.stage}/callback`, config: {} };
    const { url } = t.see(await t.workos.pipes.authorizeDataIntegration(options), { url: matching(/^http:\/\/127\.0\.0\.1:/) });
    const page = await fetch(url);
    t.holds('the page of the fake', page.status === 200 && (await page.text()).includes('GitHub'));
  },
  'pipes.getAccessToken': async (t) => {
    const { userId } = await newAccount(t);
    t.see(await t.workos.pipes.getAccessToken({ provider: slug, userId }), {
      active: true, accessToken: { object: 'access_token', accessToken: 'imported-access', expiresAt: new Date(t.later(60)), scopes: ['repo'], missingScopes: ['user:email'] },
    });
    const { id: stranger } = await newUser(t);
    t.see(await t.workos.pipes.getAccessToken({ provider: slug, userId: stranger }), { active: false, error: 'not_installed' });
    t.noted('not_installed for a user without an account');
  },
  'auditLogs.createEvent': async (t) => {
    const { id: organizationId } = await newOrganization(t);
    const event = {
      action: 'document.shared', version: 1, occurredAt: new Date(t.now), actor: { id: 'user_1', type: 'user', name: 'Kim', metadata: { plan: 'pro' } },
      targets: [{ id: 'doc_1', type: 'document' }], context: { location: '203.0.113.7', userAgent: 'Lynx/2.9' }, metadata: { public: true },
    };
    const options = { idempotencyKey: t.unique('key') };
    await t.workos.auditLogs.createEvent(organizationId, event, options);
    await t.workos.auditLogs.createEvent(organizationId, event, options);
    const logged = await t.onStage('audit-log', { organization: organizationId });
    t.see(logged.map(({ Action, OccurredAt, Location, UserAgent, Version }) => ({ Action, OccurredAt, Location, UserAgent, Version })),
      [{ Action: 'document.shared', OccurredAt: text, Location: '203.0.113.7', UserAgent: 'Lynx/2.9', Version: 1 }]);
    t.noted('two calls with one idempotency key are one event');
    const wrong = { ...event, metadata: { list: [] } };
    await t.refused(() => t.workos.auditLogs.createEvent(organizationId, wrong), 'BadRequestException', { code: 'invalid_audit_log_event' });
    t.noted('invalid metadata is refused');
  },
};
