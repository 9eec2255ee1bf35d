// Sign-ins that WorkOS Radar challenges, and sign-ins that the application makes for clients of WorkOS Connect.

import { id, matching, text } from './expect.mjs';
import { authenticationShape, newUser, signedIn, userShape } from './shapes.mjs';

const phoneNumber = '+15005550006';

// challenged creates a user whose sign-ins Radar challenges, and a sign-in that waits for the code. The library makes a
// GenericServerException of its codes: it knows other ones.
async function challenged(t, challenge, code, phone = '') {
  const user = await newUser(t);
  await t.onStage('radar', { email: user.email, challenge, phone });
  const { rawData } = await t.refused(() => signedIn(t, user), 'GenericServerException', { status: 403, code });
  return { user, rawData, pendingAuthenticationToken: rawData.pending_authentication_token };
}

const seeSignedIn = (t, user, authentication) =>
  t.see(authentication, authenticationShape(t, { user: userShape(t, { id: user.id, email: user.email, emailVerified: true, lastSignInAt: t.now }) }));

const wrong = (code) => (code === '000000' ? '000001' : '000000');

export const rows = {
  'userManagement.authenticateWithRadarEmailChallenge': async (t) => {
    const { user, rawData, pendingAuthenticationToken } = await challenged(t, 'email', 'radar_challenge');
    const answer = { pendingAuthenticationToken, radarChallengeId: rawData.radar_challenge_id, ipAddress: '203.0.113.7', userAgent: 'Lynx/2.9' };
    const { code } = await t.onStage('mail', { to: user.email });
    const refused = () => t.workos.userManagement.authenticateWithRadarEmailChallenge({ ...answer, code: wrong(code) });
    await t.refused(refused, 'GenericServerException', { code: 'invalid_one_time_code' });
    t.noted('a wrong code is refused');
    seeSignedIn(t, user, await t.workos.userManagement.authenticateWithRadarEmailChallenge({ ...answer, code }));
  },
  'userManagement.sendRadarSmsChallenge': async (t) => {
    const { user, pendingAuthenticationToken } = await challenged(t, 'sms', 'radar_sign_up_challenge');
    const options = { userId: user.id, pendingAuthenticationToken, phoneNumber, ipAddress: '203.0.113.7', userAgent: 'Lynx/2.9' };
    t.see(await t.workos.userManagement.sendRadarSmsChallenge(options), { verificationId: text, phoneNumber });
  },
  'userManagement.authenticateWithRadarSmsChallenge': async (t) => {
    const { user, pendingAuthenticationToken } = await challenged(t, 'sms', 'radar_sign_up_challenge');
    const { verificationId } = await t.workos.userManagement.sendRadarSmsChallenge({ userId: user.id, pendingAuthenticationToken, phoneNumber });
    const { code } = await t.onStage('mail', { to: phoneNumber });
    const answer = { pendingAuthenticationToken, verificationId, phoneNumber, code };
    seeSignedIn(t, user, await t.workos.userManagement.authenticateWithRadarSmsChallenge(answer));
    const known = await challenged(t, 'sms', 'radar_sms_sign_in_challenge', phoneNumber);
    const { code: second } = await t.onStage('mail', { to: phoneNumber });
    const { user: signedInUser } = await t.workos.userManagement.authenticateWithRadarSmsChallenge({ pendingAuthenticationToken: known.pendingAuthenticationToken, code: second });
    t.holds('a number that is known', signedInUser.id === known.user.id);
  },
  'refusal: radar_challenge': async (t) => {
    const { user, rawData } = await challenged(t, 'email', 'radar_challenge');
    t.see({ ...rawData, user: rawData.user.id }, {
      code: 'radar_challenge', message: text, pending_authentication_token: text, radar_challenge_id: id('radar_challenge'), user: user.id,
    });
    t.noted('GenericServerException, because the library knows radar_email_challenge only');
  },
  'connect.completeOAuth2': async (t) => {
    const { id: externalAuthId } = await t.onStage('external-auth', {});
    const user = { id: t.unique('customer'), email: t.unique('external@example.com'), firstName: 'Kim', lastName: 'Ødegård', metadata: { plan: 'pro' } };
    const userConsentOptions = [{ claim: 'calendar', type: 'enum', label: 'Calendar', choices: [{ value: 'work', label: 'Work' }] }];
    t.see(await t.workos.connect.completeOAuth2({ externalAuthId, user, userConsentOptions }), { redirectUri: matching(/^http:\/\/127\.0\.0\.1:\d+\//) });
    const { email, metadata } = await t.workos.userManagement.getUserByExternalId(user.id);
    t.holds('the user is created', email === user.email && metadata.plan === 'pro');
    const again = () => t.workos.connect.completeOAuth2({ externalAuthId, user });
    await t.refused(again, 'GenericServerException', { code: 'external_auth_session_already_completed' });
    t.noted('a second call is refused');
  },
};
