// A seal of the earlier version of iron-session. It was made by iron-store, under
// next-iron-session. The session is the member "persistent" of what is sealed.
//
// The golden seal of seal/iron_test.go comes from:
//
//	printf '%s' '{"accessToken":"a.b.c","refreshToken":"r","user":{"id":"user_1"}}' |
//	  node earlier.mjs test-password-at-least-32-characters-long

import ironStore from 'iron-store'; // CommonJS: its function is the member "default"
import { text } from 'node:stream/consumers';
import { argv, stdin } from 'node:process';
import { fileURLToPath } from 'node:url';

export async function sealEarlier(session, password) {
  const store = await ironStore.default({ password });
  for (const [name, value] of Object.entries(session)) store.set(name, value);
  return store.seal();
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  console.log(await sealEarlier(JSON.parse(await text(stdin)), argv[2]));
}
