// Which requests a call of the library makes, and what the fake answers.

import { AsyncLocalStorage } from 'node:async_hooks';

export class Recorder {
  #call = new AsyncLocalStorage();

  // url is the address of the fake. All requests of this process pass the recorder, also those for signing keys.
  constructor(url) {
    const { fetch } = globalThis;
    globalThis.fetch = async (address, options) => {
      const response = await fetch(address, options);
      const call = this.#call.getStore();
      const { origin, pathname, search } = new URL(address);
      if (call && origin === new URL(url).origin) {
        const method = options?.method ?? 'GET';
        call.push({ method, path: pathname, query: search, headers: options?.headers, status: response.status, missing: await isMissing(response.clone()) });
      }
      return response;
    };
  }

  // during runs f and adds the requests that it makes to requests.
  during(requests, f) {
    return this.#call.run(requests, f);
  }
}

// isMissing reports whether the fake has no such route, or no such grant.
async function isMissing(response) {
  if (response.status !== 404 && response.status !== 400) return false;
  const { message, error_description: description, ...more } = await response.json().catch(() => ({}));
  return (response.status === 404 && message === 'Not Found' && Object.keys(more).length === 0) || description === 'The grant_type is not supported.';
}
