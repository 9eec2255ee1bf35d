// Sessions: at the fake, and sealed in a cookie.

import { id, matching, text } from './expect.mjs';
import { authenticationShape, claims, jwt, newMember, newUser, password, seePage, signedIn, userShape } from './shapes.mjs';

const cookiePassword = 'the-password-of-the-cookie-0123456789';

const sessionShape = (t, fields) => ({
  object: 'session', id: id('session'), userId: id('user'), ipAddress: null, userAgent: null, organizationId: id('org'), authMethod: 'password', status: 'active',
  expiresAt: text, endedAt: null, createdAt: t.now, updatedAt: t.now, ...fields,
});

// sealedIn signs a member in. The session is sealed as for a cookie.
async function sealedIn(t, fields) {
  const { organization, user } = await newMember(t, { roleSlug: 'admin' });
  const authentication = await t.workos.userManagement.authenticateWithPassword({ email: user.email, password, session: { sealSession: true, cookiePassword }, ...fields });
  const signedInUser = userShape(t, { id: user.id, email: user.email, emailVerified: true, lastSignInAt: t.now });
  return { organization, user: signedInUser, authentication, sessionData: authentication.sealedSession };
}

const opened = (t, sessionData) => t.watch(t.workos.userManagement.loadSealedSession({ sessionData, cookiePassword }), 'CookieSession');

const headerOf = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url'));

// inCookie is what the library reads of a sealed session.
const inCookie = ({ organization, user, authentication: { accessToken } }) => ({
  authenticated: true, sessionId: claims(accessToken).sid, organizationId: organization.id, role: 'admin', roles: ['admin'], user, permissions: [],
  entitlements: undefined, featureFlags: ['for-all'], accessToken, authenticationMethod: 'Password',
});

export const rows = {
  'userManagement.listSessions': async (t) => {
    const { organization, user } = await newMember(t);
    const { accessToken } = await signedIn(t, user, { ipAddress: '203.0.113.7', userAgent: 'Lynx/2.9' });
    const { sid } = claims(accessToken);
    const shape = sessionShape(t, { id: sid, userId: user.id, organizationId: organization.id, ipAddress: '203.0.113.7', userAgent: 'Lynx/2.9' });
    seePage(t, await t.workos.userManagement.listSessions(user.id), [shape]);
    await signedIn(t, user);
    const page = await t.workos.userManagement.listSessions(user.id, { limit: 1, order: 'asc' });
    const { data } = await t.workos.userManagement.listSessions(user.id, { limit: 1, order: 'asc', after: sid });
    t.holds('pages by after', page.data[0].id === sid && data.length === 1 && data[0].id !== sid);
    const impersonated = await newUser(t);
    const { code } = await t.onStage('impersonate', { email: impersonated.email });
    await t.workos.userManagement.authenticateWithCode({ code });
    const [{ authMethod, impersonator }] = (await t.workos.userManagement.listSessions(impersonated.id)).data;
    t.see({ authMethod, impersonator }, { authMethod: 'impersonation', impersonator: { email: 'support@example.com', reason: 'ticket 9' } });
    t.noted('the impersonator');
  },
  'userManagement.revokeSession': async (t) => {
    const user = await newUser(t);
    const { accessToken, refreshToken } = await signedIn(t, user);
    await t.workos.userManagement.revokeSession({ sessionId: claims(accessToken).sid });
    t.holds('the session is not listed', (await t.workos.userManagement.listSessions(user.id)).data.length === 0);
    await t.refused(() => t.workos.userManagement.authenticateWithRefreshToken({ refreshToken }), 'OauthException', { error: 'invalid_grant' });
    t.noted('its refresh token is refused');
  },
  'userManagement.getJwksUrl': async (t) => {
    const { keys } = await t.during(async () => (await fetch(t.workos.userManagement.getJwksUrl(t.clientId))).json());
    t.holds('the fake has keys there', keys.length === 1 && keys[0].alg === 'RS256');
  },
  'userManagement.getJWKS': async (t) => {
    const { accessToken } = await signedIn(t, await newUser(t));
    const jwks = await t.workos.userManagement.getJWKS();
    t.holds('the key of an access token', (await t.during(() => jwks(headerOf(accessToken)))).type === 'public');
  },
  'userManagement.isValidJwt': async (t) => {
    const { accessToken } = await signedIn(t, await newUser(t));
    t.holds('an access token is valid', await t.workos.userManagement.isValidJwt(accessToken));
    t.holds('a changed one is not', !(await t.workos.userManagement.isValidJwt(accessToken.replace(/\.[^.]*$/, `.${'A'.repeat(342)}`))));
    const strict = t.client({ apiKey: t.key, clientId: t.clientId, issuer: claims(accessToken).iss });
    t.holds('with the option issuer', await strict.userManagement.isValidJwt(accessToken));
  },
  'userManagement.prepareAuthenticationResponse': async (t) => {
    const { authentication, user, organization } = await sealedIn(t);
    const { sealedSession, ...rest } = authentication;
    t.see(await t.workos.userManagement.prepareAuthenticationResponse({ authenticationResponse: rest, session: { sealSession: true, cookiePassword } }),
      { ...authenticationShape(t, { user, organizationId: organization.id }), sealedSession: matching(/^Fe26\.2\*.*~2$/) });
  },
  'userManagement.sealSessionDataFromAuthenticationResponse': async (t) => {
    const { authentication } = await sealedIn(t);
    const sealed = await t.workos.userManagement.sealSessionDataFromAuthenticationResponse({ authenticationResponse: authentication, cookiePassword });
    t.holds('the session opens', (await opened(t, sealed).authenticate()).authenticated);
  },
  'userManagement.getSessionFromCookie': async (t) => {
    const { organization, user, sessionData } = await sealedIn(t);
    t.see(await t.workos.userManagement.getSessionFromCookie({ sessionData, cookiePassword }),
      { organizationId: organization.id, user, accessToken: jwt, refreshToken: text, authenticationMethod: 'Password' });
  },
  'userManagement.authenticateWithSessionCookie': async (t) => {
    const signedIn = await sealedIn(t);
    t.see(await t.workos.userManagement.authenticateWithSessionCookie({ sessionData: signedIn.sessionData, cookiePassword }), inCookie(signedIn));
  },
  'userManagement.loadSealedSession': async (t) => {
    const { sessionData } = await sealedIn(t);
    t.holds('the session opens', (await t.workos.userManagement.loadSealedSession({ sessionData, cookiePassword }).authenticate()).authenticated);
  },
  'agents.getJWKS': async (t) => {
    const { accessToken } = await signedIn(t, await newUser(t));
    const jwks = await t.workos.agents.getJWKS();
    t.holds('the key of an access token', (await t.during(() => jwks(headerOf(accessToken)))).type === 'public');
  },
  'agents.verifyAccessTokenClaims': async (t) => {
    const { accessToken } = await signedIn(t, await newUser(t));
    t.holds('an access token of a user is not one of an agent', (await t.workos.agents.verifyAccessTokenClaims(accessToken)) === null);
  },
  'agents.validateAccessToken': async (t) => {
    const { accessToken: credential } = await signedIn(t, await newUser(t));
    t.see(await t.workos.agents.validateAccessToken({ type: 'access_token', credential }), { valid: false, registrationId: null, expiresAt: null, claims: null });
  },
  'CookieSession.authenticate': async (t) => {
    const signedIn = await sealedIn(t);
    t.see(await opened(t, signedIn.sessionData).authenticate(), { ...inCookie(signedIn), impersonator: undefined });
  },
  'CookieSession.refresh': async (t) => {
    const signedIn = await sealedIn(t);
    const { accessToken: _, ...rest } = inCookie(signedIn);
    const session = { ...authenticationShape(t, { user: signedIn.user, organizationId: signedIn.organization.id }), sealedSession: text };
    const cookie = opened(t, signedIn.sessionData);
    t.see(await cookie.refresh(), { ...rest, sealedSession: text, session, impersonator: undefined });
    const { organization } = await newMember(t);
    await t.workos.userManagement.createOrganizationMembership({ organizationId: organization.id, userId: signedIn.user.id });
    t.holds('another organization', (await cookie.refresh({ organizationId: organization.id })).organizationId === organization.id);
    await t.workos.userManagement.revokeSession({ sessionId: rest.sessionId });
    t.see(await cookie.refresh(), { authenticated: false, reason: 'invalid_grant', retryable: false });
    t.noted('a session that was revoked: invalid_grant');
  },
  'CookieSession.getLogoutUrl': async (t) => {
    const { sessionData, user } = await sealedIn(t);
    const url = await opened(t, sessionData).getLogoutUrl({ returnTo: `${t.stage}/callback` });
    const response = await t.during(() => fetch(url, { redirect: 'manual' }));
    t.holds('the fake redirects to returnTo', response.headers.get('location') === `${t.stage}/callback`);
    t.holds('the session has ended', (await t.workos.userManagement.listSessions(user.id)).data.length === 0);
  },
  'CookieSession.isValidJwt': async (t) => {
    const { sessionData, authentication } = await sealedIn(t);
    t.holds('an access token is valid', await opened(t, sessionData).isValidJwt(authentication.accessToken));
  },
};
