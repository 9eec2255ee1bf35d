// Feature flags, and the tokens of widgets.

import { id, text } from './expect.mjs';
import { claims, newMember, newOrganization, newUser, seePage } from './shapes.mjs';

// newFlag adds a feature flag, which only the dashboard can do.
async function newFlag(t, fields) {
  const slug = t.unique('beta');
  await t.onStage('flag', { Slug: slug, Name: 'Beta', Description: 'New editor', Tags: ['web'], Enabled: true, ...fields });
  return slug;
}

const flagShape = (t, fields) => ({
  object: 'feature_flag', id: id('flag'), name: 'Beta', slug: text, description: 'New editor', tags: ['web'], enabled: true, defaultValue: false, createdAt: t.now, updatedAt: t.now,
  ...fields,
});

// runtime starts a client that reads all flags, and calls f with it.
async function runtime(t, f) {
  const client = t.watch(t.workos.featureFlags.createRuntimeClient(), 'FeatureFlagsRuntimeClient');
  const failed = new Promise((_, reject) => client.on('error', reject));
  try {
    await t.during(() => Promise.race([client.waitUntilReady(), failed]));
    return await f(client);
  } finally {
    client.close();
  }
}

const slugs = ({ data }) => data.map((flag) => flag.slug);

export const rows = {
  'featureFlags.listFeatureFlags': async (t) => {
    const [first, second] = [await newFlag(t), await newFlag(t)];
    const page = await t.workos.featureFlags.listFeatureFlags({ limit: 1 });
    seePage(t, page, [flagShape(t, { slug: second })], { before: null, after: id('flag') });
    t.holds('pages by after', slugs(await t.workos.featureFlags.listFeatureFlags({ limit: 1, after: page.listMetadata.after }))[0] === first);
  },
  'featureFlags.getFeatureFlag': async (t) => {
    const slug = await newFlag(t, { Enabled: false, Default: true });
    t.see(await t.workos.featureFlags.getFeatureFlag(slug), flagShape(t, { slug, enabled: false, defaultValue: true }));
  },
  'featureFlags.enableFeatureFlag': async (t) => {
    const slug = await newFlag(t, { Enabled: false });
    t.see(await t.workos.featureFlags.enableFeatureFlag(slug), flagShape(t, { slug }));
  },
  'featureFlags.disableFeatureFlag': async (t) => {
    const slug = await newFlag(t);
    t.see(await t.workos.featureFlags.disableFeatureFlag(slug), flagShape(t, { slug, enabled: false }));
  },
  'featureFlags.addFlagTarget': async (t) => {
    const slug = await newFlag(t);
    const { organization, user } = await newMember(t);
    await t.workos.featureFlags.addFlagTarget({ slug, targetId: organization.id });
    await t.workos.featureFlags.addFlagTarget({ slug, targetId: user.id });
    t.holds('it is on for the organization', slugs(await t.workos.featureFlags.listOrganizationFeatureFlags({ organizationId: organization.id })).includes(slug));
    t.holds('it is on for the user', slugs(await t.workos.featureFlags.listUserFeatureFlags({ userId: user.id })).includes(slug));
  },
  'featureFlags.removeFlagTarget': async (t) => {
    const { id: userId } = await newUser(t);
    const slug = await newFlag(t, { Targets: [userId] });
    await t.workos.featureFlags.removeFlagTarget({ slug, targetId: userId });
    t.holds('it is off for the user', !slugs(await t.workos.featureFlags.listUserFeatureFlags({ userId })).includes(slug));
  },
  'featureFlags.listOrganizationFeatureFlags': async (t) => {
    const { id: organizationId } = await newOrganization(t);
    const slug = await newFlag(t, { Targets: [organizationId] });
    seePage(t, await t.workos.featureFlags.listOrganizationFeatureFlags({ organizationId, limit: 1 }), [flagShape(t, { slug })], { before: null, after: id('flag') });
  },
  'featureFlags.listUserFeatureFlags': async (t) => {
    const { id: userId } = await newUser(t);
    const slug = await newFlag(t, { Targets: [userId] });
    seePage(t, await t.workos.featureFlags.listUserFeatureFlags({ userId, limit: 1 }), [flagShape(t, { slug })], { before: null, after: id('flag') });
  },
  'featureFlags.createRuntimeClient': async (t) => {
    const { organization, user } = await newMember(t);
    const [forUser, forOrganization, forAll, forNone] = [
      await newFlag(t, { Targets: [user.id] }), await newFlag(t, { Targets: [organization.id] }), 'for-all', await newFlag(t, { Enabled: false, Default: true }),
    ];
    await runtime(t, (client) => {
      const on = (slug, context) => client.isEnabled(slug, context);
      t.holds('targets that are users', on(forUser, { userId: user.id }) && !on(forUser, { userId: 'user_other' }));
      t.holds('targets that are organizations', on(forOrganization, { organizationId: organization.id }) && !on(forOrganization));
      t.holds('the default and the switch', on(forAll) && !on(forNone));
    });
  },
  'FeatureFlagsRuntimeClient.waitUntilReady': (t) => runtime(t, (client) => t.holds('the first answer has come', client.getStats().pollCount === 1)),
  'FeatureFlagsRuntimeClient.isEnabled': async (t) => {
    const slug = await newFlag(t);
    await runtime(t, (client) => t.holds('a flag without targets is off, and an unknown one has the default', !client.isEnabled(slug) && client.isEnabled('unknown', {}, true)));
  },
  'FeatureFlagsRuntimeClient.getAllFlags': async (t) => {
    const slug = await newFlag(t);
    await runtime(t, (client) => {
      const { 'for-all': forAll, [slug]: other } = client.getAllFlags();
      t.see({ forAll, other }, { forAll: true, other: false });
    });
  },
  'FeatureFlagsRuntimeClient.getFlag': async (t) => {
    const { organization, user } = await newMember(t);
    const slug = await newFlag(t, { Targets: [user.id, organization.id] });
    const targets = { users: [{ id: user.id, enabled: true }], organizations: [{ id: organization.id, enabled: true }] };
    await runtime(t, (client) => t.see(client.getFlag(slug), { slug, enabled: true, default_value: false, targets }));
  },
  'FeatureFlagsRuntimeClient.getStats': async (t) => {
    await newFlag(t);
    await runtime(t, (client) => t.holds('the number of flags', client.getStats().flagCount > 0 && client.getStats().pollErrorCount === 0));
  },
  'FeatureFlagsRuntimeClient.close': (t) => runtime(t, (client) => t.holds('no poll follows', client.close() === undefined)),
  'widgets.createToken': async (t) => {
    const { organization, user } = await newMember(t);
    const scopes = Object.values(t.library.WidgetSessionTokenScopes);
    const { token } = await t.workos.widgets.createToken({ organizationId: organization.id, userId: user.id, scopes });
    const made = claims(token);
    t.see({ sub: made.sub, org_id: made.org_id, scopes: made.scopes }, { sub: user.id, org_id: organization.id, scopes });
    t.noted('every scope of WidgetSessionTokenScopes');
  },
};
