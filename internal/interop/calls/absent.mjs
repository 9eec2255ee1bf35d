// Methods whose routes the fake does not have. When the fake gets a route, its row here fails: replace it by a row with arguments and
// checks, in the file of its subject.

// {id} and the like are in the paths of the requests, and so in the list.
const none = (part, methods) => Object.entries(methods).map(([method, args]) => [`${part}.${method}`, (t) => t.noRoute(...args)]);

const id = '{id}';
const slug = '{slug}';
const organizationId = '{organization_id}';
const userId = '{user_id}';
const at = new Date(0);

const contact = { organizationId, contactId: id };

const organizations = {
  listItContacts: [{ organizationId }],
  createItContact: [{ organizationId, email: 'it@example.com' }],
  deleteItContact: [contact],
  inviteItContact: [{ ...contact, intents: ['sso'] }],
  revokeItContact: [contact],
};

const account = { slug, accessToken: 'token', scopes: [] };

const pipes = {
  listDataIntegrations: [],
  createDataIntegration: [{ provider: 'github' }],
  getDataIntegration: [{ slug }],
  updateDataIntegration: [{ slug }],
  deleteDataIntegration: [{ slug }],
  createDataIntegrationApiKey: [{ slug, userId, apiKey: 'key' }],
  updateDataIntegrationApiKey: [{ slug, userId, apiKey: 'key' }],
  createDataIntegrationClientCredential: [{ slug, userId, clientId: 'id', clientSecret: 'secret' }],
  updateDataIntegrationClientCredentials: [{ slug, userId, clientId: 'id', clientSecret: 'secret' }],
  createDataIntegrationCredential: [{ slug, userId }],
  getOrganizationDataIntegration: [{ slug }],
  updateOrganizationDataIntegration: [{ slug }],
  deleteOrganizationDataIntegration: [{ slug }],
  getOrganizationConnectedAccount: [{ organizationId, slug }],
  createOrganizationConnectedAccount: [{ organizationId, ...account }],
  updateOrganizationConnectedAccount: [{ organizationId, ...account }],
  deleteOrganizationConnectedAccount: [{ organizationId, slug }],
  listOrganizationDataProviders: [{ organizationId }],
};

const auditLogs = {
  getOrganizationAuditLogsRetention: [{ id }],
  updateOrganizationAuditLogsRetention: [{ id, retentionPeriod: '1_YEAR' }],
  createExport: [{ organizationId, rangeStart: at, rangeEnd: at }],
  getExport: [id],
  createSchema: [{ action: '{action}', targets: [] }],
  listSchemas: ['{action}'],
};

const radar = {
  createAttempt: [{ ipAddress: '203.0.113.7', userAgent: 'Lynx/2.9', email: 'kim@example.com', authMethod: 'Password', action: 'login' }],
  updateAttempt: [{ id, attemptStatus: 'success' }],
  addListEntry: [{ type: '{type}', action: '{action}', entry: 'kim@example.com' }],
  removeListEntry: [{ type: '{type}', action: '{action}', entry: 'kim@example.com' }],
};

const connect = {
  listApplications: [],
  createApplication: [{ applicationType: 'm2m', name: 'Worker', organizationId }],
  createOAuthApplication: ['App', true],
  createM2MApplication: ['Worker', organizationId],
  getApplication: [{ id }],
  updateApplication: [{ id, name: 'App' }],
  deleteApplication: [{ id }],
  listApplicationClientSecrets: [{ id }],
  createApplicationClientSecret: [{ id }],
  deleteClientSecret: [{ id }],
};

const agents = {
  createBlueprint: [{ name: 'Agent', sessionSettings: { maxAgeSeconds: 3600 } }],
  listBlueprints: [],
  getBlueprint: [id],
  updateBlueprint: [{ agentBlueprintId: id, name: 'Agent' }],
  deleteBlueprint: [id],
  mintToken: [{ agentBlueprintId: id }],
  listInstances: [],
  getInstance: [id],
  deleteInstance: [id],
  listInstanceSessions: [],
  getInstanceSession: [id],
  revokeInstanceSession: [id],
  linkClaimAttemptToExternalUser: [{ claimAttemptToken: 'token', user: { email: 'kim@example.com', externalId: '7' } }],
  getRegistration: [id],
  validateCredential: [{ type: 'api_key', credential: 'key' }],
  validateCredentialRemotely: [{ type: 'api_key', credential: 'key' }],
};

const sso = {
  listConnections: [],
  deleteConnection: [id],
  getConnection: [id],
  getProfileAndToken: [{ code: 'code', clientId: 'client_1' }],
  getProfile: [{ accessToken: 'token' }],
};

// signInURL returns a row of a method that returns the address of a sign-in.
const signInURL = (method) => async (t) => {
  const made = await t.workos.sso[method]({ provider: 'GoogleOAuth', clientId: t.clientId, redirectUri: `${t.stage}/callback` });
  await t.during(() => fetch(made.url ?? made));
  t.absentAt();
};

const directorySync = {
  listDirectories: [],
  getDirectory: [id],
  deleteDirectory: [id],
  listGroups: [{ directory: id }],
  listUsers: [{ directory: id }],
  getUser: [id],
  getGroup: [id],
};

const vault = {
  readObjectByName: ['{name}'],
  createDataKey: [{ context: {} }],
  decryptDataKey: [{ keys: 'keys' }],
  createRekey: [{ context: {}, encryptedKeys: 'keys' }],
  listObjects: [],
  createObject: [{ name: 'a', value: 'b', keyContext: {} }],
  readObject: [{ id }],
  updateObject: [{ id, value: 'b' }],
  deleteObject: [{ id }],
  describeObject: [{ id }],
  listObjectVersions: [{ id }],
  encrypt: ['data', {}],
  decrypt: [Buffer.alloc(31, 1).toString('base64')],
};

const passwordless = {
  createSession: [{ type: 'MagicLink', email: 'kim@example.com' }],
  sendSession: [id],
};

const parts = { organizations, pipes, auditLogs, radar, connect, agents, sso, directorySync, vault, passwordless };

export const rows = {
  ...Object.fromEntries(Object.entries(parts).flatMap(([part, methods]) => none(part, methods))),
  'sso.getAuthorizationUrl': signInURL('getAuthorizationUrl'),
  'sso.getAuthorizationUrlWithPKCE': signInURL('getAuthorizationUrlWithPKCE'),
};
