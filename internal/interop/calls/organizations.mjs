// Organizations, their domains, and links to the Admin Portal.

import { id, matching, text } from './expect.mjs';
import { newOrganization, organizationShape, seePage } from './shapes.mjs';

// A domain of an organization whose verification has not ended.
const domainShape = (t, fields) => ({
  object: 'organization_domain', id: id('org_domain'), domain: text, organizationId: id('org'), state: 'pending', verificationToken: text,
  verificationStrategy: 'dns', verificationPrefix: text, createdAt: t.now, updatedAt: t.now, ...fields,
});

async function newDomain(t) {
  const { id: organizationId } = await newOrganization(t);
  const domain = `${t.unique('acme')}.example`;
  return { organizationId, domain, created: await t.workos.organizationDomains.createOrganizationDomain({ organizationId, domain }) };
}

export const rows = {
  'organizations.createOrganization': async (t) => {
    const domains = [`${t.unique('verified')}.example`, `${t.unique('pending')}.example`];
    const fields = { name: t.unique('Søn & Co'), externalId: t.unique('customer'), metadata: { plan: 'pro' } };
    const domainData = [{ domain: domains[0], state: 'verified' }, { domain: domains[1], state: 'pending' }];
    const made = await t.workos.organizations.createOrganization({ ...fields, domainData }, { idempotencyKey: t.unique('key') });
    const { verificationToken: _, verificationPrefix: __, ...verified } = domainShape(t, { domain: domains[0], organizationId: made.id, state: 'verified', verificationStrategy: 'manual' });
    t.see(made, organizationShape(t, { ...fields, domains: [verified, domainShape(t, { domain: domains[1], organizationId: made.id })] }));
  },
  'organizations.getOrganization': async (t) => {
    const { id, name } = await newOrganization(t);
    t.see(await t.workos.organizations.getOrganization(id), organizationShape(t, { id, name }));
  },
  'organizations.getOrganizationByExternalId': async (t) => {
    const externalId = t.unique('customer');
    const { id, name } = await newOrganization(t, { externalId });
    t.see(await t.workos.organizations.getOrganizationByExternalId(externalId), organizationShape(t, { id, name, externalId }));
  },
  'organizations.listOrganizations': async (t) => {
    const domain = `${t.unique('acme')}.example`;
    const first = await newOrganization(t, { domainData: [{ domain, state: 'verified' }] });
    const second = await newOrganization(t);
    seePage(t, await t.workos.organizations.listOrganizations({ limit: 1 }), [organizationShape(t, { id: second.id, name: second.name })], { before: null, after: second.id });
    t.holds('pages by after', (await t.workos.organizations.listOrganizations({ limit: 1, after: second.id })).data[0].id === first.id);
    t.holds('the filter domains', (await t.workos.organizations.listOrganizations({ domains: ['another.example', domain] })).data[0].id === first.id);
  },
  'organizations.updateOrganization': async (t) => {
    const { id: organization } = await newOrganization(t, { metadata: { plan: 'pro', seats: '5' } });
    const domain = `${t.unique('acme')}.example`;
    const fields = { name: t.unique('Beta'), externalId: t.unique('customer'), stripeCustomerId: t.unique('cus') };
    const updated = await t.workos.organizations.updateOrganization({ organization, ...fields, metadata: { seats: '6' }, domainData: [{ domain, state: 'pending' }] });
    const shape = { ...fields, id: organization, metadata: { plan: 'pro', seats: '6' }, domains: [domainShape(t, { domain, organizationId: organization })] };
    t.see(updated, organizationShape(t, shape));
    t.see(await t.workos.organizations.updateOrganization({ organization, externalId: null, stripeCustomerId: null, metadata: { seats: null } }),
      organizationShape(t, { ...shape, externalId: null, stripeCustomerId: undefined, metadata: { plan: 'pro' } }));
    t.noted('null removes the external ID, the Stripe customer ID and an entry of the metadata');
  },
  'organizations.deleteOrganization': async (t) => {
    const { id } = await newOrganization(t);
    await t.workos.organizations.deleteOrganization(id);
    await t.refused(() => t.workos.organizations.getOrganization(id), 'NotFoundException', { status: 404 });
    t.noted('the organization is gone');
  },
  'organizationDomains.createOrganizationDomain': async (t) => {
    const { organizationId, domain, created } = await newDomain(t);
    t.see(created, domainShape(t, { organizationId, domain }));
  },
  'organizationDomains.getOrganizationDomain': async (t) => {
    const { organizationId, domain, created } = await newDomain(t);
    t.see(await t.workos.organizationDomains.getOrganizationDomain(created.id), domainShape(t, { id: created.id, organizationId, domain }));
  },
  'organizationDomains.verifyOrganizationDomain': async (t) => {
    const { organizationId, domain, created } = await newDomain(t);
    t.see(await t.workos.organizationDomains.verifyOrganizationDomain(created.id), domainShape(t, { id: created.id, organizationId, domain }));
  },
  'organizationDomains.deleteOrganizationDomain': async (t) => {
    const { created } = await newDomain(t);
    await t.workos.organizationDomains.deleteOrganizationDomain(created.id);
    await t.refused(() => t.workos.organizationDomains.getOrganizationDomain(created.id), 'NotFoundException', { status: 404 });
    t.noted('the domain is gone');
  },
  'adminPortal.generateLink': async (t) => {
    const { id: organization } = await newOrganization(t);
    const urls = { returnUrl: 'https://app.example/settings', successUrl: 'https://app.example/done' };
    for (const intent of Object.values(t.library.GenerateLinkIntent)) {
      const options = { intent, organization, ...urls, adminEmails: ['it@acme.example'], intentOptions: { sso: { bookmarkSlug: 'app', providerType: 'OktaSAML' } } };
      t.see(await t.workos.adminPortal.generateLink(options), { link: matching(/^http:\/\/127\.0\.0\.1:\d+\/portal\?/) });
    }
    t.noted('every intent of GenerateLinkIntent');
  },
};
