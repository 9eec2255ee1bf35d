// What the library computes itself, with what the fake sends: signatures of webhooks and Actions, and PKCE.

import { createServer } from 'node:http';
import { text as textOf } from 'node:stream/consumers';

import { id, matching, text } from './expect.mjs';
import { claims, newUser, userShape } from './shapes.mjs';
import { signIn } from './signins.mjs';

const secret = 'the-secret-of-the-endpoint';

// asked signs a user in at the fake, which asks an Action endpoint first. answer makes the response of the endpoint. The result is
// what a sign-in returns.
async function asked(t, answer) {
  const user = await newUser(t);
  const failures = [];
  const server = createServer(async (request, response) => {
    try {
      response.end(JSON.stringify(await answer({ payload: await textOf(request), sigHeader: request.headers['workos-signature'] }, user)));
    } catch (error) {
      failures.push(error);
      response.end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  await t.onStage('actions', { authentication: `http://127.0.0.1:${server.address().port}/`, secret });
  try {
    return { user, ...(await signIn(t, user)) };
  } finally {
    server.close();
    await t.onStage('actions', {});
    if (failures.length > 0) throw failures[0];
  }
}

const allow = (t) => t.workos.actions.signResponse({ type: 'authentication', verdict: 'Allow' }, secret);

// signed is a webhook or the request of an Action, and its signature in the header that WorkOS sends.
const signed = async (part) => {
  const payload = '{"id":"event_01"}';
  const timestamp = Date.now();
  return { payload, timestamp, sigHeader: `t=${timestamp}, v1=${await part.computeSignature(timestamp, payload, secret)}`, secret };
};

export const rows = {
  'actions.constructAction': async (t) => {
    let action;
    const { user, code } = await asked(t, async (request) => {
      action = await t.workos.actions.constructAction({ ...request, secret, tolerance: 60_000 });
      return allow(t);
    });
    t.see(action.user, userShape(t, { id: user.id, email: user.email, emailVerified: true }));
    t.see({ object: action.object, id: action.id, userAgent: action.userAgent }, { object: 'authentication_action_context', id: text, userAgent: text });
    t.holds('the fake asks before a user signs in', text(code));
  },
  'actions.signResponse': async (t) => {
    const { code } = await asked(t, () => allow(t));
    t.holds('the fake accepts Allow', text(code));
    const denied = await asked(t, () => t.workos.actions.signResponse({ type: 'authentication', verdict: 'Deny', errorMessage: 'Ask your administrator.' }, secret));
    t.holds('the fake shows the message of Deny', denied.code === undefined && denied.problem.includes('Ask your administrator.'));
  },
  'actions.serializeType': (t) => {
    t.holds('the two types', t.workos.actions.serializeType('user_registration') === 'user_registration_action_response');
  },
  'actions.computeSignature': async (t) => t.holds('a signature', matching(/^[0-9a-f]{64}$/)(await t.workos.actions.computeSignature(1, '{}', secret))),
  'actions.verifyHeader': async (t) => {
    t.holds('accepts its own signature', await t.workos.actions.verifyHeader(await signed(t.workos.actions)));
  },
  'webhooks.computeSignature': async (t) => t.holds('a signature', matching(/^[0-9a-f]{64}$/)(await t.workos.webhooks.computeSignature(1, '{}', secret))),
  'webhooks.verifyHeader': async (t) => {
    t.holds('accepts its own signature', await t.workos.webhooks.verifyHeader(await signed(t.workos.webhooks)));
  },
  'webhooks.getTimestampAndSignatureHash': async (t) => {
    const { sigHeader, timestamp } = await signed(t.workos.webhooks);
    t.see(t.workos.webhooks.getTimestampAndSignatureHash(sigHeader), [String(timestamp), matching(/^[0-9a-f]{64}$/)]);
  },
  'webhooks.signatureProvider': (t) => t.holds('the signer of the others', typeof t.workos.webhooks.signatureProvider.verifyHeader === 'function'),
  SignatureVerificationException: async (t) => {
    const webhook = await signed(t.workos.webhooks);
    await t.refused(() => t.workos.webhooks.constructEvent({ ...webhook, payload: '{}' }), 'SignatureVerificationException');
    const { sigHeader } = webhook;
    await t.refused(() => t.workos.webhooks.constructEvent({ ...webhook, sigHeader: sigHeader.replace(webhook.timestamp, 1) }), 'SignatureVerificationException');
    t.noted('another body and an old signature');
  },
  'pkce.generateCodeVerifier': async (t) => {
    const codeVerifier = t.workos.pkce.generateCodeVerifier(128);
    const codeChallenge = await t.workos.pkce.generateCodeChallenge(codeVerifier);
    const { code } = await signIn(t, await newUser(t), { codeChallenge, codeChallengeMethod: 'S256' });
    const { accessToken } = await t.workos.userManagement.authenticateWithCode({ code, codeVerifier });
    t.holds('the fake accepts the longest one', id('session')(claims(accessToken).sid));
  },
  'pkce.generateCodeChallenge': async (t) => {
    // RFC 7636, appendix B
    t.see({ challenge: await t.workos.pkce.generateCodeChallenge('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk') }, { challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM' });
  },
  'pkce.generate': async (t) => {
    const { codeVerifier, ...parameters } = await t.workos.pkce.generate();
    const { code } = await signIn(t, await newUser(t), parameters);
    await t.refused(() => t.workos.userManagement.authenticateWithCode({ code, codeVerifier: 'x'.repeat(43) }), 'OauthException', { error: 'invalid_grant' });
    t.noted('the fake refuses another code verifier');
  },
  'pkce.base64UrlEncode': (t) => t.holds('without padding', t.workos.pkce.base64UrlEncode(new Uint8Array([255, 254])) === '__4'),
};
