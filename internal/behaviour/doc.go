// Package behaviour tests applications behind authkit over HTTP. Each file name starts with the subject of the file.
//
// The files suite_*.go hold the tests that every application behind authkit must pass. Run runs them against a Target: an
// application in this process, or an example that is built and started as a program.
// The name of each case states its outcome. RunRouter runs the files suite_router*.go against a Router: a small application on
// a router, in this process. They show that the middleware and the guards work with that router.
//
// The other test files need an App, which is an application in this process. They change its clock, its signing keys or its
// options. Tests of the root package that need unexported parts of authkit use App as well.
package behaviour
