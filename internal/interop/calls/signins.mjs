// Sign-ins: the addresses that a browser opens, and the grants.

import { id, matching, text } from './expect.mjs';
import { authenticationShape, claims, newMember, newOrganization, newUser, password, signedIn, totp, userShape } from './shapes.mjs';

const agent = { ipAddress: '203.0.113.7', userAgent: 'Lynx/2.9' };

// signIn signs a user in on the page of the fake, and returns what the callback receives, or the problem that the page shows.
export const signIn = (t, user, options) =>
  onPage(t, user, t.workos.userManagement.getAuthorizationUrl({ provider: 'authkit', redirectUri: `${t.stage}/callback`, ...options }));

const onPage = (t, user, url) => t.onStage('sign-in', { url, email: user.email });

// location opens an address of the fake as a browser does, and returns where it redirects to.
const location = (t, url) =>
  t.during(async () => {
    const response = await fetch(url, { redirect: 'manual' });
    return `${response.status} ${response.headers.get('location')}`;
  });

// seeSignedIn checks an authentication of a user.
function seeSignedIn(t, authentication, user, fields) {
  t.see(authentication, authenticationShape(t, { user: userShape(t, { id: user.id, email: user.email, emailVerified: true, lastSignInAt: t.now }), ...fields }));
  t.holds('the access token is of the user', claims(authentication.accessToken).sub === user.id);
}

// seeSession checks that the session of an authentication has the address and the browser of the call.
async function seeSession(t, { accessToken, user }) {
  const { sid } = claims(accessToken);
  const [session] = (await t.workos.userManagement.listSessions(user.id)).data.filter((session) => session.id === sid);
  t.holds('the session has ipAddress and userAgent', session.ipAddress === agent.ipAddress && session.userAgent === agent.userAgent);
}

// newEnrolled creates a user with a second factor, and a sign-in that waits for its code.
async function newEnrolled(t) {
  const user = await newUser(t);
  const { authenticationFactor: factor } = await t.workos.multiFactorAuth.createUserAuthFactor({ userId: user.id, type: 'totp' });
  const refusal = await t.refused(() => signedIn(t, user), 'AuthenticationException', { code: 'mfa_challenge' });
  const challenge = await t.workos.multiFactorAuth.challengeFactor({ authenticationFactorId: refusal.rawData.authentication_factors[0].id });
  const { pendingAuthenticationToken } = refusal;
  return { user, answer: { pendingAuthenticationToken, authenticationChallengeId: challenge.id, code: totp(factor.totp.secret, t.now) } };
}

export const rows = {
  'userManagement.getAuthorizationUrl': async (t) => {
    const parameters = { state: 'a b&c', prompt: 'login', maxAge: 60, screenHint: 'sign-in', loginHint: 'kim@example.com', domainHint: 'example.com', invitationToken: undefined };
    const user = await newUser(t);
    const { state, code } = await signIn(t, user, parameters);
    t.holds('the callback has the state and a code', state === parameters.state && text(code));
    const answer = await location(t, t.workos.userManagement.getAuthorizationUrl({ provider: 'authkit', redirectUri: `${t.stage}/callback`, ...parameters, screenHint: 'sign-up' }));
    t.holds('screenHint shows the page for sign-up', answer.startsWith('302') && answer.endsWith('/sign-up'));
    const provider = { provider: 'GoogleOAuth', redirectUri: `${t.stage}/callback`, providerScopes: ['https://example.com/calendar'], providerQueryParams: { hd: 'example.com' } };
    const { code: atGoogle } = await onPage(t, user, t.workos.userManagement.getAuthorizationUrl(provider));
    const { oauthTokens } = await t.workos.userManagement.authenticateWithCode({ code: atGoogle });
    t.holds('the provider has the scopes', oauthTokens.scopes.includes('https://example.com/calendar'));
    const { organization, user: member } = await newMember(t);
    const there = await signIn(t, member, { organizationId: organization.id });
    t.holds('a sign-in to an organization', (await t.workos.userManagement.authenticateWithCode({ code: there.code })).organizationId === organization.id);
  },
  'userManagement.getAuthorizationUrlWithPKCE': async (t) => {
    const user = await newUser(t);
    const made = await t.workos.userManagement.getAuthorizationUrlWithPKCE({ provider: 'authkit', redirectUri: `${t.stage}/callback`, loginHint: user.email });
    t.see(made, { url: matching(/^http/), state: text, codeVerifier: matching(/^[\w-]{43}$/) });
    const { code, state } = await onPage(t, user, made.url);
    t.holds('the callback has the state', state === made.state);
    const { user: signedIn } = await t.workos.userManagement.authenticateWithCode({ code, codeVerifier: made.codeVerifier });
    t.holds('the code verifier works', signedIn.id === user.id);
    t.holds('the fake answers', /^(200|302) /.test(await location(t, made.url)));
  },
  'userManagement.authenticateWithCode': async (t) => {
    const user = await newUser(t);
    const { codeVerifier, ...challenge } = await t.workos.pkce.generate();
    const { code } = await signIn(t, user, challenge);
    seeSignedIn(t, await t.workos.userManagement.authenticateWithCode({ code, codeVerifier, ...agent }), user, { authenticationMethod: 'Password' });
    const { code: atGoogle } = await signIn(t, user, { provider: 'GoogleOAuth' });
    const { authenticationMethod, oauthTokens } = await t.workos.userManagement.authenticateWithCode({ code: atGoogle });
    t.see({ authenticationMethod, oauthTokens }, {
      authenticationMethod: 'GoogleOAuth', oauthTokens: { accessToken: text, refreshToken: text, expiresAt: Date.parse(t.later(3600)) / 1000, scopes: ['openid', 'profile', 'email'] },
    });
    t.noted('the tokens of the provider');
    const { code: impersonated } = await t.onStage('impersonate', { email: user.email });
    const { impersonator } = await t.workos.userManagement.authenticateWithCode({ code: impersonated });
    t.see(impersonator, { email: 'support@example.com', reason: 'ticket 9' });
    t.noted('the impersonator');
    const { email, token: invitationToken } = await t.workos.userManagement.sendInvitation({ email: t.unique('guest@example.com'), organizationId: (await newOrganization(t)).id });
    const guest = await newUser(t, { email });
    const { code: invited } = await signIn(t, guest, { provider: 'GoogleOAuth' }); // the hosted pages accept invitations themselves
    const { organizationId } = await t.workos.userManagement.authenticateWithCode({ code: invited, invitationToken });
    t.holds('an invitation', id('org')(organizationId));
  },
  'userManagement.authenticateWithCodeAndVerifier': async (t) => {
    const user = await newUser(t);
    const { codeVerifier, ...challenge } = await t.workos.pkce.generate();
    const { code } = await signIn(t, user, challenge);
    seeSignedIn(t, await t.workos.userManagement.authenticateWithCodeAndVerifier({ code, codeVerifier, ...agent }), user);
    const publicClient = t.client({ clientId: t.clientId });
    const next = await signIn(t, user, challenge);
    t.holds('a client without an API key', text((await publicClient.userManagement.authenticateWithCodeAndVerifier({ code: next.code, codeVerifier })).refreshToken));
  },
  'userManagement.authenticateWithPassword': async (t) => {
    const { organization, user } = await newMember(t, { roleSlug: 'admin' });
    const authentication = await t.workos.userManagement.authenticateWithPassword({ email: user.email, password, ...agent });
    seeSignedIn(t, authentication, user, { authenticationMethod: 'Password', organizationId: organization.id });
    await seeSession(t, authentication);
    const { org_id: organizationId, role, roles } = claims(authentication.accessToken);
    t.see({ organizationId, role, roles }, { organizationId: organization.id, role: 'admin', roles: ['admin'] });
    t.noted('the organization and the role of the only membership');
    const { email, token: invitationToken } = await t.workos.userManagement.sendInvitation({ email: t.unique('guest@example.com'), organizationId: organization.id });
    const guest = await newUser(t, { email });
    t.holds('an invitation', (await signedIn(t, guest, { invitationToken })).organizationId === organization.id);
  },
  'userManagement.authenticateWithMagicAuth': async (t) => {
    const { code, email, userId } = await t.workos.userManagement.createMagicAuth({ email: t.unique('magic@example.com') });
    const authentication = await t.workos.userManagement.authenticateWithMagicAuth({ email, code, ...agent });
    seeSignedIn(t, authentication, { id: userId, email }, { authenticationMethod: 'MagicAuth' });
    await seeSession(t, authentication);
  },
  'userManagement.authenticateWithRefreshToken': async (t) => {
    const { organization, user } = await newMember(t);
    const second = await newOrganization(t);
    const first = await signedIn(t, user, agent);
    await t.workos.userManagement.createOrganizationMembership({ organizationId: second.id, userId: user.id });
    const refreshed = await t.workos.userManagement.authenticateWithRefreshToken({ refreshToken: first.refreshToken, ...agent });
    seeSignedIn(t, refreshed, user, { organizationId: organization.id });
    t.holds('the refresh token is new', refreshed.refreshToken !== first.refreshToken);
    const switched = await t.workos.userManagement.authenticateWithRefreshToken({ refreshToken: refreshed.refreshToken, organizationId: second.id });
    t.holds('another organization', switched.organizationId === second.id && claims(switched.accessToken).org_id === second.id);
    const { codeVerifier, ...challenge } = await t.workos.pkce.generate();
    const { code } = await signIn(t, await newUser(t), challenge);
    const publicClient = t.client({ clientId: t.clientId });
    const { refreshToken } = await publicClient.userManagement.authenticateWithCodeAndVerifier({ code, codeVerifier });
    t.holds('a client without an API key', text((await publicClient.userManagement.authenticateWithRefreshToken({ refreshToken })).refreshToken));
  },
  'userManagement.authenticateWithEmailVerification': async (t) => {
    const user = await newUser(t, { emailVerified: false });
    const { pendingAuthenticationToken } = await t.refused(() => signedIn(t, user), 'AuthenticationException', { code: 'email_verification_required' });
    const { code } = await t.onStage('mail', { to: user.email });
    const authentication = await t.workos.userManagement.authenticateWithEmailVerification({ code, pendingAuthenticationToken, ...agent });
    seeSignedIn(t, authentication, user);
    await seeSession(t, authentication);
  },
  'userManagement.authenticateWithOrganizationSelection': async (t) => {
    const { user } = await newMember(t);
    const { id: organizationId } = await newOrganization(t);
    await t.workos.userManagement.createOrganizationMembership({ organizationId, userId: user.id });
    const { pendingAuthenticationToken } = await t.refused(() => signedIn(t, user), 'AuthenticationException', { code: 'organization_selection_required' });
    const authentication = await t.workos.userManagement.authenticateWithOrganizationSelection({ organizationId, pendingAuthenticationToken, ...agent });
    seeSignedIn(t, authentication, user, { organizationId });
    await seeSession(t, authentication);
  },
  'userManagement.authenticateWithTotp': async (t) => {
    const { user, answer } = await newEnrolled(t);
    const authentication = await t.workos.userManagement.authenticateWithTotp({ ...answer, ...agent });
    seeSignedIn(t, authentication, user);
    await seeSession(t, authentication);
  },
  'userManagement.getLogoutUrl': async (t) => {
    const { accessToken, user } = await signedIn(t, await newUser(t));
    const returnTo = `${t.stage}/callback`;
    const { sid: sessionId } = claims(accessToken);
    t.holds('the fake redirects to returnTo', (await location(t, t.workos.userManagement.getLogoutUrl({ sessionId, returnTo }))) === `302 ${returnTo}`);
    t.holds('the session has ended', (await t.workos.userManagement.listSessions(user.id)).data.length === 0);
  },
};
