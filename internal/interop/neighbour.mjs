// An application in JavaScript that shares its session with one in Go. Under
// /node it uses @workos-inc/node as in the documentation of WorkOS. Under
// /session it uses @workos/authkit-session, on which the framework libraries are
// built. /iron returns the content of the cookie as iron-session reads it, and
// /earlier seals it again as the earlier version of iron-session did. The
// application has the same environment as the one in Go. It prints its address
// and exits when its standard input is closed.

import http from 'node:http';

// The tests also move the clock of this process.
const RealDate = Date;
let ahead = 0;
globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length ? args : [RealDate.now() + ahead]));
  }
  static now() {
    return RealDate.now() + ahead;
  }
};

const { WorkOS } = await import('@workos-inc/node');
const { unsealData } = await import('iron-session');
const { CookieSessionStorage, createAuthService } = await import('@workos/authkit-session');
const { sealEarlier } = await import('./earlier.mjs');

const { WORKOS_API_KEY, WORKOS_API_HOSTNAME, WORKOS_API_PORT, WORKOS_CLIENT_ID, WORKOS_COOKIE_PASSWORD } = process.env;
const cookieName = process.env.WORKOS_COOKIE_NAME ?? 'wos-session';

function cookieOf(request, name) {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const [key, ...rest] = pair.trim().split('=');
    if (key === name) return decodeURIComponent(rest.join('='));
  }
  return null;
}

const setCookie = (value, maxAge) =>
  `${cookieName}=${encodeURIComponent(value)}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAge}`;

// The signed-in user, in the same format as in the application in Go.
const me = ({ user, organizationId, role, permissions, impersonator }) => ({
  email: user.email,
  firstName: user.firstName,
  lastName: user.lastName,
  metadata: user.metadata,
  createdAt: user.createdAt,
  organizationId: organizationId ?? '',
  role: role ?? '',
  permissions: permissions ?? [],
  impersonator: impersonator?.email ?? '',
});

const anonymous = { status: 401, body: { email: '' } };

// @workos-inc/node

const workos = new WorkOS(WORKOS_API_KEY, {
  clientId: WORKOS_CLIENT_ID, apiHostname: WORKOS_API_HOSTNAME, port: Number(WORKOS_API_PORT), https: false,
});

const loadSession = request =>
  workos.userManagement.loadSealedSession({
    sessionData: cookieOf(request, cookieName) ?? '', cookiePassword: WORKOS_COOKIE_PASSWORD,
  });

async function refreshNode(request, organizationId) {
  const session = loadSession(request);
  const refreshed = await session.refresh(organizationId ? { organizationId } : {});
  if (!refreshed.authenticated) return { ...anonymous, headers: { 'Set-Cookie': setCookie('', 0) } };
  return { body: me(await session.authenticate()), headers: { 'Set-Cookie': setCookie(refreshed.sealedSession, 34560000) } };
}

const node = {
  'GET login': async () => ({
    status: 302,
    headers: {
      Location: workos.userManagement.getAuthorizationUrl({
        provider: 'authkit', clientId: WORKOS_CLIENT_ID, redirectUri: `${address}/node/callback`,
      }),
    },
  }),
  'GET callback': async (request, query) => {
    const { sealedSession } = await workos.userManagement.authenticateWithCode({
      clientId: WORKOS_CLIENT_ID, code: query.get('code'),
      session: { sealSession: true, cookiePassword: WORKOS_COOKIE_PASSWORD },
    });
    return { status: 302, headers: { Location: '/node/me', 'Set-Cookie': setCookie(sealedSession, 34560000) } };
  },
  'GET me': async request => {
    const authenticated = await loadSession(request).authenticate();
    if (authenticated.authenticated) return { body: me(authenticated) };
    return authenticated.reason === 'invalid_jwt' ? refreshNode(request) : anonymous;
  },
  'POST refresh': (request, query) => refreshNode(request, query.get('organization')),
  'POST logout': async request => ({
    body: { location: await loadSession(request).getLogoutUrl() }, headers: { 'Set-Cookie': setCookie('', 0) },
  }),
};

// @workos/authkit-session

class Storage extends CookieSessionStorage {
  getCookie(request, name) {
    return Promise.resolve(cookieOf(request, name));
  }
}

const service = createAuthService({ sessionStorageFactory: config => new Storage(config) });

const session = {
  'GET login': async () => {
    const { url, headers } = await service.createSignIn(undefined, { redirectUri: `${address}/session/callback` });
    return { status: 302, headers: { ...headers, Location: url } };
  },
  'GET callback': async (request, query) => {
    const { headers } = await service.handleCallback(request, undefined, { code: query.get('code'), state: query.get('state') });
    return { status: 302, headers: { ...headers, Location: '/session/me' } };
  },
  'GET me': async request => {
    const { auth, refreshedSessionData } = await service.withAuth(request);
    if (!auth.user) return anonymous;
    const { headers } = refreshedSessionData ? await service.saveSession(undefined, refreshedSessionData) : {};
    return { body: me(auth), headers };
  },
  'POST refresh': async (request, query) => {
    const before = await service.getSession(request);
    const { auth, encryptedSession } = await service.refreshSession(before, query.get('organization') ?? undefined);
    const { headers } = await service.saveSession(undefined, encryptedSession);
    return { body: me(auth), headers };
  },
  'POST logout': async request => {
    const { auth } = await service.withAuth(request);
    const { logoutUrl, headers } = await service.signOut(auth.sessionId);
    return { body: { location: logoutUrl }, headers };
  },
};

const others = {
  'GET iron': async request => ({ body: await unsealData(cookieOf(request, cookieName) ?? '', { password: WORKOS_COOKIE_PASSWORD }) }),
  'POST earlier': async (request, query) => {
    const session = await unsealData(cookieOf(request, cookieName) ?? '', { password: WORKOS_COOKIE_PASSWORD });
    const seal = await sealEarlier(session, WORKOS_COOKIE_PASSWORD);
    return { body: {}, headers: { 'Set-Cookie': setCookie(seal + (query.get('suffix') ?? ''), 34560000) } };
  },
  // Returns the references that lead to another origin than that of the page, as browsers resolve them.
  'POST references': async request => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { page, references } = JSON.parse(Buffer.concat(chunks));
    const { origin } = new URL(page);
    return { body: references.filter(reference => new URL(reference, page).origin !== origin) };
  },
  'POST clock': async (request, query) => {
    ahead = Number(query.get('now')) - RealDate.now();
    return { body: {} };
  },
};

function route(method, path) {
  const [first, second] = path.split('/').slice(1);
  if (first === 'node') return node[`${method} ${second}`];
  if (first === 'session') return session[`${method} ${second}`];
  return others[`${method} ${first}`];
}

const server = http.createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, address);
  try {
    const answer = await route(request.method, pathname)(request, searchParams);
    response.writeHead(answer.status ?? 200, { 'Content-Type': 'application/json', ...answer.headers });
    response.end(JSON.stringify(answer.body ?? {}));
  } catch (error) {
    response.writeHead(500, { 'Content-Type': 'text/plain' });
    response.end(error.stack);
  }
});

let address;
server.listen(0, '127.0.0.1', () => {
  address = `http://localhost:${server.address().port}`;
  process.env.WORKOS_REDIRECT_URI = `${address}/session/callback`;
  console.log(address);
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
