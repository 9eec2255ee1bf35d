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
// The short form is part of go test ./... . The long form is
//
//	go test -race -timeout 0 ./internal/soak -run Soak -v -soak.for 10m -soak.browsers 5000
//
// All random decisions depend only on -soak.seed, which the report at the end
// contains. The interleaving of requests is not determined by the seed, so a
// failure may need several runs to appear again.
package soak
