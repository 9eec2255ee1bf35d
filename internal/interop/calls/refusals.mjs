// Refusals: which exception of the library the responses of the fake become.

import { id, matching, text } from './expect.mjs';
import { newMember, newOrganization, newUser, signedIn } from './shapes.mjs';

const requestID = id('req');

// stepUp checks a sign-in that needs a further step.
const stepUp = (t, user, status, code, members = {}) =>
  t.refused(() => signedIn(t, user), 'AuthenticationException', { status, code, requestID, pendingAuthenticationToken: text, ...members });

const seeded = async (t, email) => (await t.workos.userManagement.listUsers({ email })).data[0];

// unanswered makes a route of the fake fail.
const unanswered = (t, fault) => t.onStage('fault', { Route: 'GET /user_management/users/{id}', Times: 1, ...fault });

export const rows = {
  UnauthorizedException: async (t) => {
    const stranger = t.client({ apiKey: 'sk_wrong', clientId: t.clientId });
    await t.refused(() => stranger.userManagement.listUsers(), 'UnauthorizedException', { status: 401, requestID });
    t.noted('a wrong API key: 401');
  },
  NotFoundException: async (t) => {
    const members = { status: 404, requestID, message: matching(/user_unknown/) };
    await t.refused(() => t.workos.userManagement.getUser('user_unknown'), 'NotFoundException', members);
    t.noted('an unknown user: 404, with the message');
  },
  ConflictException: async (t) => {
    const slug = t.unique('editor');
    await t.workos.authorization.createEnvironmentRole({ slug, name: 'Editor' });
    await t.refused(() => t.workos.authorization.createEnvironmentRole({ slug, name: 'Editor' }), 'ConflictException', { status: 409, code: 'role_slug_conflict', requestID });
    const { organization, user } = await newMember(t);
    const again = () => t.workos.userManagement.createOrganizationMembership({ organizationId: organization.id, userId: user.id });
    await t.refused(again, 'ConflictException', { status: 409, code: 'organization_membership_already_exists' });
    t.noted('a role and a membership that exist: 409, with the code');
  },
  UnprocessableEntityException: async (t) => {
    const members = { status: 422, requestID, code: 'invalid_request_parameters', message: matching(/email_required/) };
    await t.refused(() => t.workos.userManagement.createUser({ email: 'no address' }), 'UnprocessableEntityException', members);
    t.noted('an invalid email address: 422, with the code and the requirements');
  },
  BadRequestException: async (t) => {
    const { email } = await newUser(t);
    const errors = (list) => list.length === 1 && list[0].code === 'email_not_available' && text(list[0].message);
    await t.refused(() => t.workos.userManagement.createUser({ email }), 'BadRequestException', { status: 400, requestID, code: 'user_creation_error', errors });
    await t.refused(() => t.workos.userManagement.createUser({ email: t.unique('kim@example.com'), password: 'short' }), 'BadRequestException', { code: 'password_strength_error' });
    const reset = () => t.workos.userManagement.resetPassword({ token: 'unknown', newPassword: 'a quite different password' });
    await t.refused(reset, 'BadRequestException', { code: 'password_reset_error' });
    t.noted('an email address that is taken, a weak password, an unknown reset token: 400, with the code and the errors');
  },
  GenericServerException: async (t) => {
    const user = await newUser(t);
    const wrong = () => t.workos.userManagement.authenticateWithPassword({ email: user.email, password: 'wrong' });
    await t.refused(wrong, 'GenericServerException', { status: 400, code: 'invalid_credentials', requestID });
    await t.refused(() => t.workos.userManagement.verifyEmail({ userId: user.id, code: '000000' }), 'GenericServerException', { status: 400, code: 'email_previously_verified' });
    await unanswered(t, { Status: 503, Body: '{"message":"Unavailable"}', Times: 4 });
    await t.refused(() => t.workos.userManagement.getUser(user.id), 'GenericServerException', { status: 503, message: 'Unavailable' });
    t.noted('a wrong password, an address that is verified, an outage: 400 and 503, with the code');
  },
  RateLimitExceededException: async (t) => {
    const { id: userId } = await newUser(t);
    const impatient = t.client({ apiKey: t.key, clientId: t.clientId, maxRetries: 0 });
    await unanswered(t, { Status: 429, Body: '{"message":"Slow down"}', Header: { 'Retry-After': ['7'] } });
    await t.refused(() => impatient.userManagement.getUser(userId), 'RateLimitExceededException', { status: 429, message: 'Slow down', retryAfter: 7, requestID });
    await unanswered(t, { Status: 429, Body: '{"message":"Slow down"}', Times: 3 });
    t.holds('429, with Retry-After; three of them in a row are retried', (await t.workos.userManagement.getUser(userId)).id === userId);
  },
  OauthException: async (t) => {
    const call = (grant, options) => () => t.workos.userManagement[grant](options);
    const invalidGrant = { status: 400, error: 'invalid_grant', errorDescription: text, requestID };
    await t.refused(call('authenticateWithCode', { code: 'unknown' }), 'OauthException', invalidGrant);
    await t.refused(call('authenticateWithRefreshToken', { refreshToken: 'unknown' }), 'OauthException', invalidGrant);
    await t.refused(call('authenticateWithPassword', { email: 'a', password: 'b', clientId: 'client_unknown' }), 'OauthException', { error: 'invalid_client' });
    const { refreshToken } = await signedIn(t, (await newMember(t)).user);
    const elsewhere = { refreshToken, organizationId: (await newOrganization(t)).id };
    await t.refused(call('authenticateWithRefreshToken', elsewhere), 'OauthException', { error: 'organization_membership_not_found' });
    t.noted('an unknown code or refresh token, another client, an organization of others: 400, with error and errorDescription');
  },
  AuthenticationException: async (t) => {
    const { email } = await seeded(t, 'sso@example.com');
    const refusal = await t.refused(() => signedIn(t, { email }), 'AuthenticationException', { status: 400, code: 'sso_required', requestID });
    t.see(refusal.rawData, {
      error: 'sso_required', error_description: text, email, connection_ids: ['conn_sso']
    });
    t.noted('sso_required: 400, with the connections; the steps are below');
  },
  ApiKeyRequiredException: async (t) => {
    await t.refused(() => t.client({ clientId: t.clientId }).userManagement.getUser('user_unknown'), 'ApiKeyRequiredException', { status: 403 });
    t.noted('a client without an API key sends no request');
  },
  'refusal: email_verification_required': async (t) => {
    const user = await newUser(t, { emailVerified: false });
    const { rawData } = await stepUp(t, user, 403, 'email_verification_required');
    t.see(rawData, { code: 'email_verification_required', message: text, pending_authentication_token: text, email: user.email, email_verification_id: id('email_verification') });
  },
  'refusal: organization_selection_required': async (t) => {
    const { user, organization } = await newMember(t);
    const second = await newOrganization(t);
    await t.workos.userManagement.createOrganizationMembership({ organizationId: second.id, userId: user.id });
    const { rawData } = await stepUp(t, user, 403, 'organization_selection_required');
    const organizations = [organization, second].map(({ id, name }) => ({ id, name }));
    t.see({ organizations: rawData.organizations, user: rawData.user.id }, { organizations, user: user.id });
  },
  'refusal: mfa_enrollment': async (t) => {
    const user = await seeded(t, 'enroll@example.com');
    const { rawData } = await stepUp(t, user, 403, 'mfa_enrollment');
    t.see({ user: rawData.user.id }, { user: user.id });
  },
  'refusal: mfa_challenge': async (t) => {
    const user = await newUser(t);
    const { authenticationFactor } = await t.workos.multiFactorAuth.createUserAuthFactor({ userId: user.id, type: 'totp' });
    const { rawData } = await stepUp(t, user, 403, 'mfa_challenge');
    t.see({ factors: rawData.authentication_factors, user: rawData.user.id }, { factors: [{ id: authenticationFactor.id, type: 'totp' }], user: user.id });
  },
  'refusal: invalid_one_time_code': async (t) => {
    const { email, code } = await t.workos.userManagement.createMagicAuth({ email: t.unique('magic@example.com') });
    const wrong = code === '000000' ? '000001' : '000000';
    await t.refused(() => t.workos.userManagement.authenticateWithMagicAuth({ email, code: wrong }), 'GenericServerException', { status: 400, code: 'invalid_one_time_code' });
    t.noted('GenericServerException with the code');
  },
  'refusal: a network error': async (t) => {
    const { id: userId } = await newUser(t);
    await unanswered(t, { Reset: true, Times: 2 });
    t.holds('a connection that breaks twice is retried', (await t.workos.userManagement.getUser(userId)).id === userId);
  },
};
