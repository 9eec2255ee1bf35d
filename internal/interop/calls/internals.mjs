// Members of the library that need no row, and why.

const internal = (reason, part, ...names) => Object.fromEntries(names.map((name) => [`${part}.${name}`, reason]));

const http = 'it sends the requests of all other methods';
const made = 'the constructor or the other methods call it';
const privately = 'it is private in the types of the library';
const emitter = 'it makes no request: it is about the listeners of the client';

export const internals = {
  ...internal(http, 'client', 'get', 'post', 'put', 'patch', 'delete', 'deleteWithBody', 'fetchRequest', 'fetchRequestWithRetry', 'shouldRetryRequest', 'getSleepTimeInMilliseconds'),
  ...internal(made, 'WorkOS', 'createHttpClient', 'createWebhookClient', 'createActionsClient', 'createUserAgent', 'getCryptoProvider', 'emitWarning', 'requireApiKey',
    'readResponseJSON', 'handleHttpError'),
  ...internal(made, 'userManagement', 'resolveClientId'),
  ...internal('it makes no request', 'vault', 'decode'),
  ...internal(privately, 'webhooks', 'parseVerifiedPayload'),
  ...internal(privately, 'FeatureFlagsRuntimeClient', 'resolveReady', 'poll', 'fetchWithTimeout', 'scheduleNextPoll', 'emitChanges', 'hasEntryChanged', 'add', 'remove'),
  ...internal(emitter, 'FeatureFlagsRuntimeClient', 'on', 'once', 'off', 'emit', 'listenerCount', 'removeAllListeners', 'addListener', 'removeListener', 'listeners', 'eventNames'),
  NoApiKeyProvidedException: 'the library does not throw it',
};
