// Waitlists.

import { id, text } from './expect.mjs';
import { seePage } from './shapes.mjs';

const waitlistShape = (t, fields) => ({ object: 'waitlist', id: id('waitlist'), createdAt: t.now, updatedAt: t.now, ...fields });

const entryShape = (t, fields) => ({
  object: 'waitlist_entry', id: id('wl_user'), email: text, state: 'pending', approvedAt: null, additionalFields: {}, waitlistId: id('waitlist'), createdAt: t.now,
  updatedAt: t.now, ...fields,
});

const newWaitlist = (t) => t.onStage('waitlist', {});

async function newEntry(t) {
  const waitlistId = await newWaitlist(t);
  const email = t.unique('waits@example.com');
  const entry = await t.workos.userManagement.createWaitlistEntry(waitlistId, { email });
  return { waitlistId, entry, shape: { id: entry.id, email, waitlistId } };
}

export const rows = {
  'userManagement.listWaitlists': async (t) => {
    const waitlistId = await newWaitlist(t);
    const { object, data } = await t.workos.userManagement.listWaitlists();
    t.see({ object, data: data.filter(({ id }) => id === waitlistId) }, { object: 'list', data: [waitlistShape(t)] });
  },
  'userManagement.getWaitlist': async (t) => {
    const waitlistId = await newWaitlist(t);
    t.see(await t.workos.userManagement.getWaitlist(waitlistId), waitlistShape(t, { id: waitlistId }));
    t.holds('the default waitlist', text((await t.workos.userManagement.getWaitlist('default')).id));
  },
  'userManagement.listWaitlistEntries': async (t) => {
    const { waitlistId, entry, shape } = await newEntry(t);
    const second = await t.workos.userManagement.createWaitlistEntry(waitlistId, { email: t.unique('waits@example.com') });
    const list = (options) => t.workos.userManagement.listWaitlistEntries(waitlistId, options);
    seePage(t, await list({ limit: 1, order: 'asc' }), [entryShape(t, shape)], { before: null, after: entry.id });
    t.holds('pages by after', (await list({ limit: 1, order: 'asc', after: entry.id })).data[0].id === second.id);
    t.holds('the filter email', (await list({ email: second.email })).data[0].id === second.id);
    t.holds('the filter state', (await list({ state: 'denied' })).data.length === 0);
  },
  'userManagement.createWaitlistEntry': async (t) => {
    const waitlistId = await newWaitlist(t);
    const fields = { email: t.unique('waits@example.com'), additionalFields: { company: 'Acme' } };
    const made = await t.workos.userManagement.createWaitlistEntry(waitlistId, { ...fields, sendConfirmationEmail: true });
    t.see(made, entryShape(t, { ...fields, waitlistId }));
  },
  'userManagement.approveWaitlistEntry': async (t) => {
    const { entry, shape } = await newEntry(t);
    t.see(await t.workos.userManagement.approveWaitlistEntry(entry.id), entryShape(t, { ...shape, state: 'approved', approvedAt: t.now }));
    t.holds('an invitation is sent', (await t.workos.userManagement.listInvitations({ email: entry.email })).data.length === 1);
  },
  'userManagement.denyWaitlistEntry': async (t) => {
    const { entry, shape } = await newEntry(t);
    t.see(await t.workos.userManagement.denyWaitlistEntry(entry.id), entryShape(t, { ...shape, state: 'denied' }));
  },
  'userManagement.deleteWaitlistEntry': async (t) => {
    const { waitlistId, entry } = await newEntry(t);
    await t.workos.userManagement.deleteWaitlistEntry(entry.id);
    t.holds('the entry is gone', (await t.workos.userManagement.listWaitlistEntries(waitlistId)).data.length === 0);
  },
};
