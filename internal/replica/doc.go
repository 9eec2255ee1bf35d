// Package replica makes the instances of an application act as one. They share a
// store, which keeps a record for each refresh token that was exchanged, and a log
// of notices, such as "this session was signed out".
//
// A refresh token can be exchanged once. So an instance claims the token's record
// before it calls WorkOS, and publishes the outcome in it. Other instances wait for
// the outcome and use it. rules.go has the decisions of this protocol as pure
// functions. The model of package replicamodel explores all of their interleavings.
//
// A [Duty] is work that one instance does for all, such as following the events of
// WorkOS. The model does not have it, because it decides nothing about tokens: two
// instances that do the work at the same time must do no harm. An instance
//
//   - has the duty while the store says so, and asks it again after three seconds. Its
//     lease lasts for 15 seconds, or for three intervals of its work if that is longer;
//   - releases the duty when it stops, also if it does not know whether it has it;
//   - continues at the position in the store. A position is stored after the work before
//     it is done, so a takeover repeats work and leaves none out.
//
// An instance hands on a notice whose kind it does not know, and puts it back if the log
// loses it. Its caller ignores the notice. So instances of two versions can share a store.
//
// The store is not trusted with secrets. A record can be opened only with the
// refresh token that it belongs to, and a notice is authenticated with the cookie
// passwords.
package replica
