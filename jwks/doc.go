// Package jwks verifies the access tokens that WorkOS AuthKit issues.
//
// It has two parts. A [KeySet] holds the signing keys of one JWKS endpoint (RFC 7517): it fetches them on first need,
// refreshes them in the background, and keeps using the last good keys while the endpoint is down. A [Verifier] takes a
// compact JWS (RFC 7515), checks it against those keys and against the rules for AuthKit's claims, and returns [Claims].
//
// Use one Verifier per source of tokens, all with the same KeySet: one for bearer tokens, which any client can send, one for
// tokens in sealed cookies ([WithTokensFromStorage]) and one for token responses ([WithTokensFromIssuer]). Made-up key IDs
// in bearer tokens then never block a fetch that another source needs.
//
// A verification has one of five results, and an application answers each differently:
//
//   - claims and no error: the token is good;
//   - [ErrExpired]: the token is good except that it has expired. Refresh the session that holds it;
//   - [ErrUnknownKey]: the key that signed the token is not published, or no longer. Refresh the session that holds it;
//     refuse a bearer token;
//   - [ErrUnavailable]: the keys are not available, so nothing is known about the token. Do not end or refresh the
//     session; ask the client to come back later. In the special case [ErrCoolDown], the key ID is unknown and no new keys
//     may be fetched yet. Refuse a bearer token then;
//   - [*RefusedError]: the token is bad.
//
// All types are safe for concurrent use. There is no standing goroutine and nothing to close.
package jwks
