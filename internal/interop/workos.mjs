// @workos-inc/node on the other side of Actions, webhooks and the list of events. It reads one JSON list of operations from its
// standard input, and prints the list of their results:
//
//   {"do": "respond", "type", "verdict", "message", "secret"}        the text of the response that an application in Node sends
//   {"do": "accept", "response", "secret"}                           whether a response of an application is signed as WorkOS expects
//   {"do": "sign", "body", "secret", "at"}                           the header of a request or of a webhook of WorkOS
//   {"do": "action", "body", "header", "secret"}                     the context of an Action request
//   {"do": "webhook", "body", "header", "secret"}                    the event of a webhook
//   {"do": "ask", "url", "body", "secret"}                           sends an Action request: the text of the response, if it is accepted
//   {"do": "deliver", "url", "body", "secret", "at"}                 sends a webhook: the status of the response
//   {"do": "list", "url", ...}                                       a list of events; the other members are the options of listEvents
//
// The body is the text of a request, or "bytes" has its bytes in base64. "at" is the time of the signature in milliseconds, if it
// is not now. The result of a refusal is {"error": message}.

import { WorkOS } from '@workos-inc/node';

const workos = new WorkOS('sk_test_interop');

// The library signs responses only. Requests of WorkOS have the same signature, over their body.
const { signatureProvider } = workos.actions;

async function sign({ body, bytes, secret, at = Date.now() }) {
  return `t=${at}, v1=${await signatureProvider.computeSignature(at, payloadOf({ body, bytes }), secret)}`;
}

// What express.raw and fetch give an application is a Buffer, as of "bytes".
const payloadOf = ({ body, bytes }) => (bytes === undefined ? body : Buffer.from(bytes, 'base64'));

// WorkOS parses the response and signs the payload again, as the library does for an object.
async function accept({ response, secret }) {
  const { payload, signature } = JSON.parse(response);
  return workos.actions.verifyHeader({ payload, sigHeader: `t=${payload.timestamp}, v1=${signature}`, secret, tolerance: 30000 });
}

async function post({ url, body, bytes, secret, at }) {
  const headers = { 'Content-Type': 'application/json', 'WorkOS-Signature': await sign({ body, bytes, secret, at }) };
  return fetch(url, { method: 'POST', headers, body: payloadOf({ body, bytes }) });
}

const operations = {
  sign,
  accept,
  respond: async ({ type, verdict, message, secret }) =>
    JSON.stringify(await workos.actions.signResponse({ type, verdict, ...(message && { errorMessage: message }) }, secret)),
  action: ({ body, header, secret }) => workos.actions.constructAction({ payload: body, sigHeader: header, secret }),
  webhook: ({ body, bytes, header, secret }) =>
    workos.webhooks.constructEvent({ payload: payloadOf({ body, bytes }), sigHeader: header, secret }),
  ask: async ({ url, body, secret }) => {
    const answer = await post({ url, body, secret });
    const response = await answer.text();
    if (answer.status !== 200) throw new Error(`status ${answer.status}: ${response}`);
    await accept({ response, secret });
    return response;
  },
  deliver: async (delivery) => (await post(delivery)).status,
  list: ({ do: _, url, key, events, limit, ...options }) => {
    const { hostname, port } = new URL(url);
    const client = new WorkOS(key, { apiHostname: hostname, port: +port, https: false });
    return client.events.listEvents({ events: events.split(','), ...(limit && { limit: +limit }), ...options });
  },
};

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const results = [];
for (const operation of JSON.parse(Buffer.concat(chunks))) {
  try {
    results.push(await operations[operation.do](operation));
  } catch (error) {
    results.push({ error: error.message });
  }
}
console.log(JSON.stringify(results));
