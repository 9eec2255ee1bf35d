// Package soak tests authkit under load. Many browsers use an application at the
// same time, while processes are replaced, tokens expire, signing keys and cookie
// passwords rotate, sessions are revoked, and WorkOS fails in many ways.
// The package contains only tests.
//
// Each response to a browser is checked against these rules:
//
//   - The browser never sees the session of another browser.
//   - It sees its own session until it signs out or WorkOS ends the session.
//   - It does not see the session after that.
//
// The short form is part of go test ./... . AUTHKIT_TEST_LENGTH=full makes it longer, and the check of a change (.ci/run)
// also runs one with flags. The long form is
//
//	go test -race -timeout 0 ./internal/soak -run Soak -v -soak.for 10m -soak.browsers 5000
//
// Three instances that share a store are tested in the same way, with WorkOS's replay
// window and with strict rotation. No request of a browser is bound to an instance.
// The store fails too, and instances are killed at every step. A session may then end
// only if its instance was killed after WorkOS had exchanged the refresh token and
// before the outcome was in the store. The report names these sessions. A sign-out
// must hold at every instance that could read the log. The long form is
//
//	go test -timeout 0 ./internal/soak -run ShareAStore -v -soak.for 10m -soak.storebrowsers 1000
//
// Many events of WorkOS are read from their list, and delivered to the webhook
// endpoint, while a session makes requests. The heap may grow only by the marks in
// force and the IDs that are remembered, which are limited. It shrinks when they end.
// A request allocates no more than without events. The long form is
//
//	go test -timeout 0 ./internal/soak -run 'Many|Marks' -v -soak.events 1000000
//
// All random decisions of the browsers depend only on -soak.seed, which the report
// at the end contains. The interleaving of requests is not determined by the seed, so
// a failure may need several runs to appear again.
package soak
