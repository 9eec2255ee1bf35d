// Package replica makes the instances of an application act as one. They share a
// store, which keeps a record for each refresh token that was exchanged, and a log
// of notices, such as "this session was signed out".
//
// A refresh token can be exchanged once. So an instance claims the token's record
// before it calls WorkOS, and publishes the outcome in it. Other instances wait for
// the outcome and use it. rules.go has the decisions of this protocol as pure
// functions. The model of package replicamodel explores all of their interleavings.
//
// The store is not trusted with secrets. A record can be opened only with the
// refresh token that it belongs to, and a notice is authenticated with the cookie
// passwords.
package replica
