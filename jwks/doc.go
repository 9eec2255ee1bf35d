// Package jwks verifies the access tokens that WorkOS AuthKit issues.
//
// It has two parts. A [KeySet] holds the signing keys of one JWKS endpoint (RFC 7517): it fetches them on first need,
// renews them behind the requests that use them, and keeps working with the last good keys while the endpoint is down.
// A [Verifier] takes a compact JWS (RFC 7515), checks it against those keys and against the rules for AuthKit's claims,
// and returns [Claims]. Tokens that come from the issuer or out of a sealed cookie, and those that anybody can send, belong
// to two verifiers of one KeySet ([WithTokensFromIssuer], [WithTokensFromStorage]), so that made-up key IDs cost nobody else a fetch.
//
// The outcome of a verification is one of five, and an application answers each differently:
//
//   - claims and no error: the token is good;
//   - [ErrExpired]: everything about the token is right except that its time is up. A session that holds it is renewed;
//   - [ErrUnknownKey]: the key that signed it is not, or no longer, published. A session that holds it is renewed,
//     a bearer token is refused;
//   - [ErrUnavailable]: the keys could not be had, so nothing is known about the token. It is never a reason to end or
//     renew a session; ask the client to come back later. Its special case [ErrCoolDown] is an unknown key ID while
//     new keys may not be asked for yet, which for a bearer token amounts to a refusal;
//   - [*RefusedError]: the token is bad.
//
// All types are safe for use by multiple goroutines at once. There is no standing goroutine and nothing to close.
package jwks
