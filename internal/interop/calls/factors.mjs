// Authentication factors and their challenges.

import { id, matching, text } from './expect.mjs';
import { newUser, seePage, totp } from './shapes.mjs';

const secret = 'JBSWY3DPEHPK3PXP';

const enrolledTOTP = (issuer, user, key = matching(/^[A-Z2-7]+$/)) => ({
  issuer, user, qrCode: matching(/^data:image\/png;base64,/), secret: key, uri: matching(/^otpauth:\/\/totp\//),
});

const factorShape = (t, fields) => ({ object: 'authentication_factor', id: id('auth_factor'), createdAt: t.now, updatedAt: t.now, type: 'totp', ...fields });

const challengeShape = (t, fields) => ({
  object: 'authentication_challenge', id: id('auth_challenge'), createdAt: t.now, updatedAt: t.now, expiresAt: undefined, code: undefined, authenticationFactorId: id('auth_factor'),
  ...fields,
});

const newFactor = (t) => t.workos.multiFactorAuth.enrollFactor({ type: 'totp', issuer: 'Acme', user: 'kim@example.com' });

const ofUser = async (t) => {
  const { id: userId } = await newUser(t);
  const options = { userId, type: 'totp', totpIssuer: 'Acme', totpUser: 'kim', totpSecret: secret };
  return { userId, ...(await t.workos.multiFactorAuth.createUserAuthFactor(options)) };
};

export const rows = {
  'multiFactorAuth.enrollFactor': async (t) => {
    t.see(await newFactor(t), factorShape(t, { totp: enrolledTOTP('Acme', 'kim@example.com') }));
    t.see(await t.workos.multiFactorAuth.enrollFactor({ type: 'sms', phoneNumber: '+15555550100' }), factorShape(t, { type: 'sms', sms: { phoneNumber: '+15555550100' } }));
    t.see(await t.workos.multiFactorAuth.enrollFactor({ type: 'generic_otp' }), factorShape(t, { type: 'generic_otp' }));
    t.noted('totp, sms and generic_otp');
  },
  'multiFactorAuth.getFactor': async (t) => {
    const { id } = await newFactor(t);
    t.see(await t.workos.multiFactorAuth.getFactor(id), factorShape(t, { id, totp: { issuer: 'Acme', user: 'kim@example.com' } }));
  },
  'multiFactorAuth.deleteFactor': async (t) => {
    const { id } = await newFactor(t);
    await t.workos.multiFactorAuth.deleteFactor(id);
    await t.refused(() => t.workos.multiFactorAuth.getFactor(id), 'NotFoundException', { status: 404 });
    t.noted('the factor is gone');
  },
  'multiFactorAuth.challengeFactor': async (t) => {
    const { id: authenticationFactorId } = await newFactor(t);
    t.see(await t.workos.multiFactorAuth.challengeFactor({ authenticationFactorId }), challengeShape(t, { authenticationFactorId }));
    const sms = await t.workos.multiFactorAuth.enrollFactor({ type: 'sms', phoneNumber: '+15555550101' });
    const challenge = { authenticationFactorId: sms.id, smsTemplate: 'Your code is {{code}}.' };
    t.see(await t.workos.multiFactorAuth.challengeFactor(challenge), challengeShape(t, { authenticationFactorId: sms.id, expiresAt: t.later(600) }));
    t.holds('a text message has the code', /^\d{6}$/.test((await t.onStage('mail', { to: '+15555550101' })).code));
  },
  'multiFactorAuth.verifyChallenge': async (t) => {
    const factor = await newFactor(t);
    const challenge = await t.workos.multiFactorAuth.challengeFactor({ authenticationFactorId: factor.id });
    const answer = { authenticationChallengeId: challenge.id, code: totp(factor.totp.secret, t.now) };
    const shape = challengeShape(t, { id: challenge.id, authenticationFactorId: factor.id });
    t.see(await t.workos.multiFactorAuth.verifyChallenge({ ...answer, code: answer.code === '000000' ? '000001' : '000000' }), { challenge: shape, valid: false });
    t.see(await t.workos.multiFactorAuth.verifyChallenge(answer), { challenge: shape, valid: true });
    t.noted('a wrong and a right code');
  },
  'multiFactorAuth.createUserAuthFactor': async (t) => {
    const { userId, authenticationFactor, authenticationChallenge } = await ofUser(t);
    t.see({ authenticationFactor, authenticationChallenge }, {
      authenticationFactor: factorShape(t, { totp: enrolledTOTP('Acme', 'kim', secret), userId }),
      authenticationChallenge: challengeShape(t, { authenticationFactorId: authenticationFactor.id }),
    });
    const code = totp(secret, t.now);
    t.holds('the challenge accepts the code', (await t.workos.multiFactorAuth.verifyChallenge({ authenticationChallengeId: authenticationChallenge.id, code })).valid);
  },
  'multiFactorAuth.listUserAuthFactors': async (t) => {
    const { userId, authenticationFactor } = await ofUser(t);
    const second = await t.workos.multiFactorAuth.createUserAuthFactor({ userId, type: 'totp' });
    const shape = factorShape(t, { id: authenticationFactor.id, totp: { issuer: 'Acme', user: 'kim' }, userId });
    const page = { userId, limit: 1, order: 'asc' };
    seePage(t, await t.workos.multiFactorAuth.listUserAuthFactors(page), [shape], { before: null, after: authenticationFactor.id });
    const [next] = (await t.workos.multiFactorAuth.listUserAuthFactors({ ...page, after: authenticationFactor.id })).data;
    t.holds('pages by after', next.id === second.authenticationFactor.id && text(next.totp.issuer));
  },
};
