// Package interop tests authkit together with the AuthKit libraries for
// JavaScript: one browser uses an application in Go and one in JavaScript, and
// stays signed in to both. The library for Node.js also asks and answers Actions,
// and sends and receives webhooks. It reads the events and the webhooks of
// authkittest. The package contains only tests.
//
// calls.mjs makes every call of two versions of the library for Node.js to
// authkittest. The rows are in calls/, one file per subject. docs/node.md is written
// from them. A method of the library without a row fails the tests, and so does a row of
// calls/absent.mjs whose route the fake has.
//
// They need Node.js 22.11 or newer and the packages of package.json:
//
//	cd internal/interop && npm ci
//	go test ./internal/interop
//
// Without them no test runs, and go test -v prints what is missing. If
// AUTHKIT_INTEROP is "required", the tests fail instead.
package interop
