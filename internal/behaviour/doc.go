// Package behaviour tests what an application behind authkit does, over HTTP and from outside. The files are grouped by
// subject; their names begin with it.
//
// The files that begin with suite hold what is true of every application behind authkit, whatever its routes and pages.
// Run runs them against a Target. Here the targets are an application in this process and the examples, built and started
// as a user does. A case of the suite is named by the sentence that states its outcome.
//
// The other test files need an application in this process: its clock, its signing keys or its options change. App is that
// application. Tests of the root package that need to look inside authkit import it too.
package behaviour
