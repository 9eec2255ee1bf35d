// Package soak holds authkit under load: many browsers at once, before
// processes that come and go, while tokens expire, signing keys and cookie
// passwords rotate, sessions are revoked and WorkOS fails in every way that it
// may. It has tests and nothing else.
//
// Each browser has a checker that knows what it must see: its own session and
// nobody else's; that session until it signs out or WorkOS ends it, whatever
// else happens; and never again after that.
//
// The short form is part of go test ./...; the long one is
//
//	go test -race -timeout 0 ./internal/soak -run Soak -v -soak.for 10m -soak.browsers 5000
//
// What is decided comes from -soak.seed alone, and the figures at the end say
// which it was. How requests interleave does not; a failure may take more than
// one run to come back.
package soak
