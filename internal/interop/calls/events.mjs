// The list of events, and endpoints of webhooks.

import { createServer } from 'node:http';
import { text as textOf } from 'node:stream/consumers';

import { id, matching } from './expect.mjs';
import { membershipShape, newMember, newUser, seePage, userShape } from './shapes.mjs';

// The fake dates an event a millisecond after the one before, if the clock stands still.
const thisSecond = (t) => matching(new RegExp(`^${t.now.slice(0, -5)}\\.\\d{3}Z$`));

const endpointShape = (t, fields) => ({
  object: 'webhook_endpoint', id: id('we'), endpointUrl: matching(/^https?:/), secret: matching(/^whsec_/), status: 'enabled', events: ['user.created'],
  createdAt: new Date(t.now), updatedAt: new Date(t.now), ...fields,
});

const newEndpoint = (t, endpointUrl = `https://app.example/${t.unique('webhooks')}`) =>
  t.workos.webhooks.createWebhookEndpoint({ endpointUrl, events: ['user.created'] });

// delivered returns the first request that the fake sends to an endpoint while f runs.
async function delivered(f) {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const request = new Promise((resolve) => {
    server.on('request', async (request, response) => {
      const payload = await textOf(request);
      response.end();
      resolve({ payload, sigHeader: request.headers['workos-signature'] });
    });
  });
  try {
    await f(`http://127.0.0.1:${server.address().port}/webhooks`);
    return await request;
  } finally {
    server.close();
  }
}

export const rows = {
  'events.listEvents': async (t) => {
    const first = await newUser(t);
    const { organization, user, membership } = await newMember(t);
    const range = { rangeStart: t.now, rangeEnd: t.later(1) };
    const { data } = await t.workos.events.listEvents({ events: ['user.created'], limit: 100, order: 'desc' });
    const event = (name, data) => ({ id: id('event'), createdAt: thisSecond(t), context: undefined, event: name, data });
    t.see(data.slice(0, 1), [event('user.created', userShape(t, { id: user.id, email: user.email, emailVerified: true }))]);
    const at = data.find(({ data }) => data.id === first.id).id;
    const next = await t.workos.events.listEvents({ events: ['user.created', 'organization_membership.created'], after: at, limit: 1 });
    t.holds('pages by after', next.data.length === 1 && next.data[0].data.id === user.id && next.listMetadata.after === next.data[0].id);
    const { data: members } = await t.workos.events.listEvents({ events: ['organization_membership.created'], organizationId: organization.id, ...range });
    t.see(members, [event('organization_membership.created', membershipShape(t, { ...membership, organizationName: undefined }))]);
    t.noted('the filters organizationId, rangeStart and rangeEnd');
  },
  'webhooks.createWebhookEndpoint': async (t) => {
    const endpointUrl = `https://app.example/${t.unique('webhooks')}`;
    const events = Object.values(t.library.CreateWebhookEndpointEvents);
    t.see(await t.workos.webhooks.createWebhookEndpoint({ endpointUrl, events }), endpointShape(t, { endpointUrl, events }));
    t.noted('every event of CreateWebhookEndpointEvents');
  },
  'webhooks.listWebhookEndpoints': async (t) => {
    const first = await newEndpoint(t);
    const second = await newEndpoint(t);
    seePage(t, await t.workos.webhooks.listWebhookEndpoints({ limit: 1 }), [endpointShape(t, second)], { before: null, after: second.id });
    t.holds('pages by after', (await t.workos.webhooks.listWebhookEndpoints({ limit: 1, after: second.id })).data[0].id === first.id);
  },
  'webhooks.updateWebhookEndpoint': async (t) => {
    const { id: endpoint } = await newEndpoint(t);
    const change = { endpointUrl: `https://app.example/${t.unique('webhooks')}`, status: 'disabled', events: ['user.deleted', 'user.updated'] };
    t.see(await t.workos.webhooks.updateWebhookEndpoint({ id: endpoint, ...change }), endpointShape(t, { id: endpoint, ...change }));
  },
  'webhooks.deleteWebhookEndpoint': async (t) => {
    const { id: endpoint } = await newEndpoint(t);
    await t.workos.webhooks.deleteWebhookEndpoint({ id: endpoint });
    await t.refused(() => t.workos.webhooks.updateWebhookEndpoint({ id: endpoint, status: 'enabled' }), 'NotFoundException', { code: 'entity_not_found' });
    t.noted('the endpoint is gone');
  },
  'webhooks.constructEvent': async (t) => {
    let secret, endpoint, user;
    const webhook = await delivered(async (url) => {
      ({ id: endpoint, secret } = await newEndpoint(t, url));
      user = await newUser(t);
    });
    await t.workos.webhooks.deleteWebhookEndpoint({ id: endpoint });
    t.see(await t.workos.webhooks.constructEvent({ ...webhook, secret, tolerance: 60_000 }), {
      id: id('event'), createdAt: thisSecond(t), context: undefined, event: 'user.created', data: userShape(t, { id: user.id, email: user.email, emailVerified: true }),
    });
    await t.refused(() => t.workos.webhooks.constructEvent({ ...webhook, secret: 'another' }), 'SignatureVerificationException');
    t.noted('the fake signs with the secret of the endpoint');
  },
};
