// One row of the list: it makes a call and checks what comes back.

import { differences } from './expect.mjs';

let count = 0;

export class Row {
  #name;
  #isMethod;
  #recorder;
  #requests = [];
  #called = false;
  #absent = false;
  #fields = 0;
  #facts = [];

  constructor(name, isMethod, library, input, recorder) {
    Object.assign(this, { library, ...input });
    this.#name = name;
    this.#isMethod = isMethod;
    this.#recorder = recorder;
    this.workos = this.client({ apiKey: this.key, clientId: this.clientId });
  }

  // client returns a client of the library that calls the fake. It waits for no retry.
  client(options) {
    const { hostname, port } = new URL(this.url);
    const workos = new this.library.WorkOS({ apiHostname: hostname, port: +port, https: false, ...options });
    workos.client.sleep = async () => {};
    return this.watch(workos, 'WorkOS');
  }

  // watch returns an object whose members are those of target. It records the calls of the method of this row.
  watch(target, name) {
    return new Proxy(target, {
      get: (_, member) => {
        const value = Reflect.get(target, member, target);
        if (name === 'WorkOS' && typeof value === 'object' && value !== null && Object.hasOwn(target, member)) return this.watch(value, member);
        const isRow = `${name}.${String(member)}` === this.#name;
        if (typeof value !== 'function') {
          this.#called ||= isRow;
          return value;
        }
        return (...args) => {
          this.#called ||= isRow;
          return isRow ? this.during(() => value.apply(target, args)) : value.apply(target, args);
        };
      },
    });
  }

  // during runs f and records its requests.
  during(f) {
    return this.#recorder.during(this.#requests, f);
  }

  get requests() {
    return this.#requests;
  }

  get missing() {
    return this.#requests.some(({ missing }) => missing);
  }

  // see checks that actual has the expected members and no others.
  see(actual, expected) {
    const seen = new Set();
    const found = differences(actual, expected, seen);
    if (found.length > 0) throw new Error(found.join('; '));
    this.#fields = Math.max(this.#fields, seen.size);
    return actual;
  }

  // holds checks a fact. Its text is part of the list.
  holds(fact, is) {
    if (!is) throw new Error(`not true: ${fact}`);
    this.#facts.push(fact);
  }

  // noted says what the checks before it have shown.
  noted(fact) {
    this.#facts.push(fact);
  }

  // refused checks that a call is refused with an exception of the library that has these members. It returns the exception.
  async refused(call, exception, members = {}) {
    let thrown;
    try {
      await call();
    } catch (error) {
      thrown = error;
    }
    if (!thrown) throw new Error(`${exception} is not thrown`);
    if (!(thrown instanceof this.library[exception])) throw new Error(`${thrown.name} is thrown, not ${exception}: ${thrown.message}`);
    for (const [name, expected] of Object.entries(members)) {
      const found = differences(thrown[name], expected, new Set(), `${exception}.${name}`);
      if (found.length > 0) throw new Error(`${found.join('; ')} (${thrown.message})`);
    }
    this.#called ||= exception === this.#name;
    return thrown;
  }

  // noRoute calls the method of this row and checks that the fake has no such route.
  async noRoute(...args) {
    const [part, method] = this.#name.split('.');
    await this.workos[part][method](...args).then(
      () => {},
      () => {}, // what the library makes of the 404 depends on the method
    );
    this.absentAt();
  }

  // absentAt checks that the fake had no route for a request of this row.
  absentAt() {
    if (!this.missing) throw new Error('the fake has the route of this row of absent.mjs: give it arguments and checks in the file of its subject');
    this.#absent = true;
  }

  // unique returns an email address, a name or a slug that no other row has.
  unique(name) {
    const [local, domain] = name.split('@');
    return `${local}-${++count}${domain ? `@${domain}` : ''}`;
  }

  // later returns the time of the fake's clock and some seconds.
  later(seconds) {
    return new Date(Date.parse(this.now) + seconds * 1000).toISOString();
  }

  // onStage asks the test in Go for something that no call can do.
  async onStage(what, body) {
    const response = await fetch(`${this.stage}/${what}`, { method: 'POST', body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`the stage answers ${what} ${response.status}: ${await response.text()}`);
    return response.json();
  }

  // result runs the row.
  async result(run) {
    const made = { row: this.#name };
    try {
      await run(this);
      if (this.#isMethod && !this.#called) throw new Error('the row does not call its method');
      if (this.#absent) made.absent = true;
      else if (this.missing) throw new Error('the fake has no such route');
      else if (this.#fields + this.#facts.length === 0) throw new Error('the row checks nothing');
    } catch (error) {
      made.error = this.missing && !this.#absent ? 'the fake has no such route: a row in absent.mjs says so' : error.message;
    }
    return {
      ...made,
      requests: this.#requests.map(({ method, path }) => `${method} ${path}`).filter((request, i, all) => all.indexOf(request) === i),
      fields: this.#fields,
      facts: this.#facts,
    };
  }
}
