// The documentation of package gate.

// Package gate decides which requests pass a front door: a reverse proxy that asks people to sign in before they reach an
// application that knows nothing of authkit. The command "authkit proxy" and the module for Caddy are built on it.
//
// A [Gate] has rules by path. For each request it does these steps:
//
//  1. It answers the paths of its own, such as the callback.
//  2. It refuses a path that no honest client sends ([Gate.Serve] says which), because an upstream may read it in another way.
//  3. It finds the rules of every reading of the path ([Rule] says what a reading is), and asks the guards of authkit for each.
//  4. It removes what only the gate may say to the upstream: identity headers in every spelling, and the cookies of authkit.
//  5. It sets the identity headers, and passes the request to the next handler.
//
// Only a rule that says so is public. Every other path needs a session.
package gate
