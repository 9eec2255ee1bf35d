// Package behaviour tests what an application behind authkit does, over HTTP and
// from outside. The test files are grouped by subject; their names begin with it.
// The other files hold the application under test, its browsers and requests, the
// clock that it runs on, and what a test puts between it and the fake AuthKit.
// Tests of the root package that need to look inside it import those.
package behaviour
