// Package interop holds authkit against the AuthKit libraries for JavaScript
// themselves: one browser goes from an application in Go to one in JavaScript
// and back, and stays signed in. It has tests and nothing else.
//
// They need Node.js 20 and the packages of package.json:
//
//	cd internal/interop && npm ci
//	go test ./internal/interop
//
// Without those no test is run, and -v says what is missing; where
// AUTHKIT_INTEROP is "required" that is a failure.
package interop
