// Package interop tests authkit together with the AuthKit libraries for
// JavaScript: one browser uses an application in Go and one in JavaScript, and
// stays signed in to both. The library for Node.js also asks and answers Actions,
// and sends and receives webhooks. It reads the events and the webhooks of
// authkittest. The package contains only tests.
//
// They need Node.js 22.11 or newer and the packages of package.json:
//
//	cd internal/interop && npm ci
//	go test ./internal/interop
//
// Without them no test runs, and go test -v prints what is missing. If
// AUTHKIT_INTEROP is "required", the tests fail instead.
package interop
