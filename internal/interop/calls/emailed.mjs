// What is sent by email: Magic Auth, email verification, password reset, invitations.

import { id, matching, text } from './expect.mjs';
import { newMember, newOrganization, newUser, seePage, signedIn, userShape } from './shapes.mjs';

const code = matching(/^\d{6}$/);

const magicAuthShape = (t, fields) => ({
  object: 'magic_auth', id: id('magic_auth'), userId: id('user'), email: text, expiresAt: t.later(600), code, createdAt: t.now, updatedAt: t.now, ...fields,
});

const resetShape = (t, user) => ({
  object: 'password_reset', id: id('password_reset'), userId: user.id, email: user.email, passwordResetToken: text, passwordResetUrl: matching(/[?&]token=/),
  expiresAt: t.later(900), createdAt: t.now,
});

const invitationShape = (t, fields) => ({
  object: 'invitation', id: id('invitation'), email: text, state: 'pending', acceptedAt: null, revokedAt: null, expiresAt: t.later(7 * 86400),
  organizationId: null, inviterUserId: null, acceptedUserId: null, roleSlug: null, token: text, acceptInvitationUrl: matching(/invitation_token=/), createdAt: t.now,
  updatedAt: t.now, ...fields,
});

// invited sends an invitation to an organization.
async function invited(t, fields) {
  const organization = await newOrganization(t);
  const email = t.unique('guest@example.com');
  const invitation = await t.workos.userManagement.sendInvitation({ email, organizationId: organization.id, ...fields });
  return { organization, email, invitation, shape: { id: invitation.id, email, organizationId: organization.id, token: invitation.token } };
}

// unverified creates a user and sends the code that verifies the address.
async function unverified(t) {
  const user = await newUser(t, { emailVerified: false });
  await t.workos.userManagement.sendVerificationEmail({ userId: user.id });
  return { user, ...(await t.onStage('mail', { to: user.email })) };
}

export const rows = {
  'userManagement.createMagicAuth': async (t) => {
    const email = t.unique('magic@example.com');
    const sent = await t.workos.userManagement.createMagicAuth({ email, ipAddress: '203.0.113.7', userAgent: 'Lynx/2.9' });
    t.see(sent, magicAuthShape(t, { email }));
    t.holds('the message has the code', (await t.onStage('mail', { to: email })).code === sent.code);
    const invitation = await t.workos.userManagement.sendInvitation({ email: t.unique('magic@example.com') });
    const withToken = await t.workos.userManagement.createMagicAuth({ email: invitation.email, invitationToken: invitation.token });
    t.see(withToken, magicAuthShape(t, { email: invitation.email }));
  },
  'userManagement.getMagicAuth': async (t) => {
    const sent = await t.workos.userManagement.createMagicAuth({ email: t.unique('magic@example.com') });
    t.see(await t.workos.userManagement.getMagicAuth(sent.id), magicAuthShape(t, sent));
  },
  'userManagement.sendVerificationEmail': async (t) => {
    const user = await newUser(t, { emailVerified: false });
    t.see(await t.workos.userManagement.sendVerificationEmail({ userId: user.id }), { user: userShape(t, { id: user.id, email: user.email }) });
    t.holds('the message has a code', code((await t.onStage('mail', { to: user.email })).code));
  },
  'userManagement.verifyEmail': async (t) => {
    const { user, code } = await unverified(t);
    t.see(await t.workos.userManagement.verifyEmail({ userId: user.id, code }), { user: userShape(t, { id: user.id, email: user.email, emailVerified: true }) });
  },
  'userManagement.getEmailVerification': async (t) => {
    const user = await newUser(t, { emailVerified: false });
    const refusal = await t.refused(() => signedIn(t, user), 'AuthenticationException', { code: 'email_verification_required' });
    t.see(await t.workos.userManagement.getEmailVerification(refusal.rawData.email_verification_id), {
      object: 'email_verification', id: id('email_verification'), userId: user.id, email: user.email, expiresAt: t.later(600), code, createdAt: t.now, updatedAt: t.now,
    });
  },
  'userManagement.createPasswordReset': async (t) => {
    const user = await newUser(t);
    const reset = t.see(await t.workos.userManagement.createPasswordReset({ email: user.email }), resetShape(t, user));
    t.holds('the message has the token', (await t.onStage('mail', { to: user.email })).token === reset.passwordResetToken);
  },
  'userManagement.getPasswordReset': async (t) => {
    const user = await newUser(t);
    const reset = await t.workos.userManagement.createPasswordReset({ email: user.email });
    t.see(await t.workos.userManagement.getPasswordReset(reset.id), { ...resetShape(t, user), passwordResetToken: reset.passwordResetToken });
  },
  'userManagement.resetPassword': async (t) => {
    const user = await newUser(t, { emailVerified: false });
    const { passwordResetToken: token } = await t.workos.userManagement.createPasswordReset({ email: user.email });
    const newPassword = 'a quite different password';
    t.see(await t.workos.userManagement.resetPassword({ token, newPassword }), { user: userShape(t, { id: user.id, email: user.email, emailVerified: true }) });
    t.holds('the new password works', (await signedIn(t, user, { password: newPassword })).user.id === user.id);
  },
  'userManagement.sendInvitation': async (t) => {
    const { user } = await newMember(t);
    const { invitation, shape } = await invited(t, { expiresInDays: 3, inviterUserId: user.id, roleSlug: 'admin', locale: 'nb' });
    t.see(invitation, invitationShape(t, { ...shape, expiresAt: t.later(3 * 86400), inviterUserId: user.id, roleSlug: 'admin' }));
    t.holds('the message has the token', (await t.onStage('mail', { to: invitation.email })).token === invitation.token);
  },
  'userManagement.getInvitation': async (t) => {
    const { invitation, shape } = await invited(t);
    t.see(await t.workos.userManagement.getInvitation(invitation.id), invitationShape(t, shape));
  },
  'userManagement.findInvitationByToken': async (t) => {
    const { invitation, shape } = await invited(t);
    t.see(await t.workos.userManagement.findInvitationByToken(invitation.token), invitationShape(t, shape));
  },
  'userManagement.listInvitations': async (t) => {
    const { organization, invitation, shape } = await invited(t);
    const second = await t.workos.userManagement.sendInvitation({ email: t.unique('guest@example.com'), organizationId: organization.id });
    const filter = { organizationId: organization.id, limit: 1, order: 'asc' };
    seePage(t, await t.workos.userManagement.listInvitations(filter), [invitationShape(t, shape)], { before: null, after: invitation.id });
    const [other] = (await t.workos.userManagement.listInvitations({ ...filter, after: invitation.id })).data;
    t.holds('pages by after', other.id === second.id);
    t.holds('the filter email', (await t.workos.userManagement.listInvitations({ email: second.email })).data[0].id === second.id);
  },
  'userManagement.acceptInvitation': async (t) => {
    const { organization, email, invitation, shape } = await invited(t, { roleSlug: 'admin' });
    const user = await newUser(t, { email });
    t.see(await t.workos.userManagement.acceptInvitation(invitation.id),
      invitationShape(t, { ...shape, roleSlug: 'admin', state: 'accepted', acceptedAt: t.now, acceptedUserId: user.id }));
    const [membership] = (await t.workos.userManagement.listOrganizationMemberships({ userId: user.id })).data;
    t.holds('the user is a member with the role', membership.organizationId === organization.id && membership.role.slug === 'admin');
  },
  'userManagement.revokeInvitation': async (t) => {
    const { invitation, shape } = await invited(t);
    t.see(await t.workos.userManagement.revokeInvitation(invitation.id), invitationShape(t, { ...shape, state: 'revoked', revokedAt: t.now }));
  },
  'userManagement.resendInvitation': async (t) => {
    const { invitation, shape } = await invited(t);
    t.see(await t.workos.userManagement.resendInvitation(invitation.id, { locale: 'nb' }), invitationShape(t, shape));
    await t.workos.userManagement.resendInvitation(invitation.id);
    t.noted('works without options');
  },
};
