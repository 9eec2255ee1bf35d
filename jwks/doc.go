// Package jwks verifies the access tokens that WorkOS AuthKit issues.
//
// It has two parts. A [KeySet] holds the signing keys of one JWKS endpoint (RFC 7517): it fetches them on first need,
// refreshes them in the background, and keeps using them while the endpoint is down. A [Verifier] takes a
// compact JWS (RFC 7515), checks it against those keys and against the rules for AuthKit's claims, and returns [Claims].
//
// Use one Verifier per source of tokens: one for bearer tokens, which any client can send, one for tokens in sealed cookies
// ([WithTokensFromStorage]) and one for token responses ([WithTokensFromIssuer]). All use the same KeySet. Invented key IDs
// in bearer tokens then never block a fetch that another source needs.
//
// A verification has one of five results, and an application answers each differently:
//
//   - Claims and no error: the token is valid.
//   - [ErrExpired]: the token has expired and is otherwise valid. Refresh the session that holds it. Refuse a bearer token.
//   - [ErrUnknownKey]: the endpoint does not publish the key that signed the token. Refresh the session that holds it. Refuse
//     a bearer token.
//   - [ErrUnavailable]: the keys are not available, so nothing is known about the token. Do not end or refresh the session.
//     Answer 503. In the special case [ErrCoolDown], the key ID is unknown and the cool-down for unknown keys does not allow
//     a fetch yet. Refuse a bearer token then.
//   - [*RefusedError]: the token is refused.
//
// All types are safe for concurrent use. None starts a permanent goroutine or needs to be closed.
package jwks
