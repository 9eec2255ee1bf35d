// What a call of the library should return. An expectation of an object names every member, so that a member that the fake does
// not send is found: the library then has undefined.

// text, time, id and matching are expectations of values that a test cannot know.
export const text = (value) => typeof value === 'string' && value !== '';
export const time = (value) => typeof value === 'string' && new Date(value).toISOString() === value;
export const id = (prefix) => (value) => typeof value === 'string' && value.startsWith(`${prefix}_`) && value.length > prefix.length + 10;
export const matching = (pattern) => (value) => typeof value === 'string' && pattern.test(value);

// differences returns what is not as expected, and adds the names of the members that were compared to seen. It shows no values
// except of members that cannot be secrets.
export function differences(actual, expected, seen, path = '') {
  const here = path || 'the result';
  if (typeof expected === 'function') {
    seen.add(path);
    return expected(actual) ? [] : [`${here} is ${shown(actual)}`];
  }
  if (expected instanceof Date || typeof expected !== 'object' || expected === null) {
    seen.add(path);
    return same(actual, expected) ? [] : [`${here} is ${shown(actual)}, not ${shown(expected)}`];
  }
  if (typeof actual !== 'object' || actual === null) return [`${here} is ${shown(actual)}, not an object`];
  if (Array.isArray(expected) && actual.length !== expected.length) return [`${here} has ${actual.length} elements, not ${expected.length}`];
  if (Object.keys(expected).length === 0) seen.add(path);
  return [...new Set([...Object.keys(actual), ...Object.keys(expected)])].flatMap((name) => {
    const inner = Array.isArray(expected) ? path : path ? `${path}.${name}` : name;
    if (!(name in expected)) return [`${inner} is not expected`];
    return differences(actual[name], expected[name], seen, inner);
  });
}

const same = (a, b) => (b instanceof Date ? a instanceof Date && a.getTime() === b.getTime() : a === b);

const shown = (value) => (['string', 'object'].includes(typeof value) && value !== null ? `another ${typeof value}` : String(value));
