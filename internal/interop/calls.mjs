// Calls of @workos-inc/node against the fake AuthKit: every method of the library has a row, in a file of calls/ that exports rows. The
// argument is the name of the package. The standard input is one JSON object:
//
//   {"url", "key", "clientId"}  of the fake
//   {"stage"}                   the URL of what only a test in Go can do: see nodestage_test.go
//   {"now"}                     the time of the fake's clock, which stands still
//
// It prints one JSON object: the version of the library, the methods without a row and the rows without a method, and the rows.

import { json } from 'node:stream/consumers';
import { argv, stdin } from 'node:process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';

import { methodsOf } from './calls/methods.mjs';
import { Recorder } from './calls/recorder.mjs';
import { Row } from './calls/row.mjs';
import { internals } from './calls/internals.mjs';

const name = argv[2];
const library = await import(name);
const { version } = createRequire(import.meta.url)(`${name}/package.json`);
const input = await json(stdin);
const recorder = new Recorder(input.url);
const methods = methodsOf(library);
const all = {};
const twice = [];
for (const file of readdirSync(new URL('calls', import.meta.url))) {
  const { rows } = await import(`./calls/${file}`);
  for (const [row, run] of Object.entries(rows ?? {})) {
    if (row in all) twice.push(row);
    all[row] = run;
  }
}

const results = [];
for (const [row, run] of Object.entries(all)) {
  const isMethod = methods.includes(row);
  if (isMethod || row.startsWith('refusal: ')) results.push(await new Row(row, isMethod, library, { ...input, version: parseInt(version, 10) }, recorder).result(run));
}
const known = (row) => row in all || row in internals;
console.log(
  JSON.stringify({
    version,
    methods,
    internals: Object.entries(internals).filter(([method]) => methods.includes(method)).map(([method, reason]) => ({ method, reason })),
    withoutRow: methods.filter((method) => !known(method)),
    withoutMethod: Object.keys({ ...all, ...internals }).filter((row) => !row.startsWith('refusal: ') && !methods.includes(row)),
    twice: [...twice, ...Object.keys(internals).filter((method) => method in all)],
    rows: results,
  }),
);
