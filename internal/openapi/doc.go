// The documentation of the package.

// Package openapi checks HTTP requests and responses against the OpenAPI 3.1 description that WorkOS publishes. It is for
// tests only: no program imports it.
//
// The description is not in this repository. Get it from https://github.com/workos/openapi-spec and name its path in
// AUTHKIT_OPENAPI. [FromEnv] reads it:
//
//	AUTHKIT_OPENAPI=/path/to/open-api-spec.yaml go test ./workos ./authkittest
//
// [Record] and [NewProxy] observe the calls of a test. [Description.Check] returns what is wrong with a call.
package openapi
