// An application in Node.js with WorkOS's library, as its documentation shows it. It knows only the environment. The first
// argument is the folder whose node_modules have the library.

import http from 'node:http';
import { createRequire } from 'node:module';

const { WorkOS } = createRequire(`${process.argv[2]}/`)('@workos-inc/node');
const {
  WORKOS_API_KEY, WORKOS_API_HOSTNAME, WORKOS_API_PORT, WORKOS_API_HTTPS, WORKOS_CLIENT_ID, WORKOS_COOKIE_PASSWORD, WORKOS_REDIRECT_URI,
  WORKOS_WEBHOOK_SECRET,
} = process.env;
const workos = new WorkOS(WORKOS_API_KEY, {
  clientId: WORKOS_CLIENT_ID, apiHostname: WORKOS_API_HOSTNAME, port: Number(WORKOS_API_PORT), https: WORKOS_API_HTTPS !== 'false',
});
const redirect = new URL(WORKOS_REDIRECT_URI);
const cookies = request => Object.fromEntries((request.headers.cookie ?? '').split('; ').map(pair => pair.split(/=(.*)/s)));
const session = request => workos.userManagement.loadSealedSession({
  sessionData: decodeURIComponent(cookies(request)['wos-session'] ?? ''), cookiePassword: WORKOS_COOKIE_PASSWORD,
});
const setCookie = value => `wos-session=${encodeURIComponent(value)}; Path=/; HttpOnly; SameSite=Lax`;

const routes = {
  'GET /account': async request => {
    const signedIn = await session(request).authenticate();
    if (signedIn.authenticated) return { body: `Hello, ${signedIn.user.email}, ${signedIn.role} in ${signedIn.organizationId}` };
    return { status: 302, headers: { Location: workos.userManagement.getAuthorizationUrl({ provider: 'authkit', redirectUri: WORKOS_REDIRECT_URI, clientId: WORKOS_CLIENT_ID }) } };
  },
  'GET /callback': async (_, query) => {
    const { sealedSession } = await workos.userManagement.authenticateWithCode({
      clientId: WORKOS_CLIENT_ID, code: query.get('code'), session: { sealSession: true, cookiePassword: WORKOS_COOKIE_PASSWORD },
    });
    return { status: 302, headers: { 'Set-Cookie': setCookie(sealedSession), Location: '/account' } };
  },
  'POST /refresh': async request => {
    const refreshed = await session(request).refresh();
    if (!refreshed.authenticated) return { status: 401, body: refreshed.reason };
    return { headers: { 'Set-Cookie': setCookie(refreshed.sealedSession) }, body: 'refreshed' };
  },
  'POST /webhooks/workos': async (request, _, body) => {
    const event = await workos.webhooks.constructEvent({ payload: JSON.parse(body), sigHeader: request.headers['workos-signature'], secret: WORKOS_WEBHOOK_SECRET });
    console.log(`webhook ${event.event}`);
    return { body: '' };
  },
};

const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, redirect);
  let body = '';
  for await (const part of request) body += part;
  try {
    const answer = await routes[`${request.method} ${url.pathname}`]?.(request, url.searchParams, body) ?? { status: 404 };
    response.writeHead(answer.status ?? 200, answer.headers).end(answer.body);
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
});
server.on('error', error => { console.log(String(error)); process.exit(1); });
server.listen(Number(redirect.port), redirect.hostname, () => console.log('serving'));
