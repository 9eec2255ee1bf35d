// Which methods the library has. They are found by reflection, so that a new one cannot be missed.

// The classes whose objects are returned by a method of another class.
const returned = ['AutoPaginatable', 'CookieSession', 'FeatureFlagsRuntimeClient'];

// methodsOf returns the names of all methods and getters of the library, such as "userManagement.getUser", and of its exceptions.
export function methodsOf(library) {
  const workos = new library.WorkOS('sk_test_interop', { clientId: 'client_interop' });
  const all = ownNames(library.WorkOS.prototype, 'WorkOS');
  for (const [name, value] of Object.entries(workos)) {
    if (isPart(value)) all.push(...ownNames(Object.getPrototypeOf(value), name));
  }
  for (const name of returned) all.push(...ownNames(library[name].prototype, name));
  return [...new Set(all)].concat(Object.keys(library).filter((name) => name.endsWith('Exception')));
}

// isPart reports whether a member of WorkOS is an object with methods.
const isPart = (value) => typeof value === 'object' && value !== null && ![Object.prototype, Array.prototype].includes(Object.getPrototypeOf(value));

// ownNames returns the members of a prototype and of those that it inherits from.
function ownNames(prototype, name) {
  if (prototype === Object.prototype) return [];
  const names = Object.getOwnPropertyNames(prototype).filter((member) => member !== 'constructor');
  return [...names.map((member) => `${name}.${member}`), ...ownNames(Object.getPrototypeOf(prototype), name)];
}
