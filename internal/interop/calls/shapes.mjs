// The objects that the library makes of the fake's responses, with every member, and the objects that rows need.

import { createHmac } from 'node:crypto';

import { id, text } from './expect.mjs';

export const password = 'correct horse battery staple';

// A user that was just created. fields replaces members.
export const userShape = (t, fields) => ({
  object: 'user', id: id('user'), email: text, emailVerified: false, name: null, firstName: null, profilePictureUrl: null, lastName: null,
  lastSignInAt: null, locale: null, createdAt: t.now, updatedAt: t.now, externalId: null, metadata: {}, ...fields,
});

export const organizationShape = (t, fields) => ({
  object: 'organization', id: id('org'), name: text, allowProfilesOutsideOrganization: false, domains: [], stripeCustomerId: undefined, createdAt: t.now,
  updatedAt: t.now, externalId: null, metadata: {}, ...fields,
});

export const membershipShape = (t, fields) => ({
  object: 'organization_membership', id: id('om'), userId: id('user'), organizationId: id('org'), organizationName: text, status: 'active',
  directoryManaged: false, createdAt: t.now, updatedAt: t.now, role: { slug: 'member' }, roles: [{ slug: 'member' }], customAttributes: {}, ...fields,
});

// An authentication. The user and the tokens of a sign-in are new at each sign-in.
export const authenticationShape = (t, fields) => ({
  user: userShape(t, { lastSignInAt: t.now, emailVerified: true }), organizationId: undefined, accessToken: jwt, refreshToken: text,
  impersonator: undefined, authenticationMethod: text, oauthTokens: undefined, ...fields,
});

export const jwt = (value) => typeof value === 'string' && value.split('.').length === 3 && claims(value).sub.startsWith('user_');

// claims returns the claims of an access token.
export const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

// newUser creates a user with a password, whose address is verified.
export const newUser = (t, fields) =>
  t.workos.userManagement.createUser({ email: t.unique('kim@example.com'), password, emailVerified: true, ...fields });

export const newOrganization = (t, fields) => t.workos.organizations.createOrganization({ name: t.unique('Acme'), ...fields });

// newMember creates an organization and a user who is its member.
export async function newMember(t, fields) {
  const organization = await newOrganization(t);
  const user = await newUser(t);
  const membership = await t.workos.userManagement.createOrganizationMembership({ organizationId: organization.id, userId: user.id, ...fields });
  return { organization, user, membership };
}

// signedIn returns the authentication of a user who signs in with the password.
export const signedIn = (t, user, options) => t.workos.userManagement.authenticateWithPassword({ email: user.email, password, ...options });

// list is a page of a list of the library.
export const seePage = (t, page, data, metadata = { before: null, after: null }) => t.see({ data: page.data, listMetadata: page.listMetadata }, { data, listMetadata: metadata });

// totp returns the code that an authenticator app shows at a time.
export function totp(secret, time) {
  const bits = [...secret].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.parse(time) / 30_000)));
  const digest = createHmac('sha1', key).update(counter).digest();
  const offset = digest[19] & 15;
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
