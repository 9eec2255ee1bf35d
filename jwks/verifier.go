// The Verifier: it checks the format, header, key, signature, claims and expiry of a token, in this order.

package jwks

import (
	"context"
	"crypto/rsa"
	"errors"
	"slices"
	"strings"
	"time"
)

// DefaultLeeway is the default for [WithLeeway]: how far the issuer's clock and the Verifier's may differ.
const DefaultLeeway = 60 * time.Second

// Verifier checks whether a token is a valid AuthKit access token. It is safe for concurrent use.
type Verifier struct {
	keys      *KeySet
	ownLimit  *rateLimit // nil if its tokens come from requests; they share the limit of the KeySet
	issuers   []string   // without a trailing slash
	clientIDs []string
	audiences []string // nil if aud is not checked
	leeway    time.Duration

	anyClientID     bool // every client_id is accepted, and one is required
	needsAudience   bool // a token without aud is refused
	withoutSessions bool // sid may be absent
}

// NewVerifier returns a Verifier that trusts the given keys and runs on their clock. It accepts no token unless the options
// include [WithIssuers].
func NewVerifier(keys *KeySet, opts ...VerifierOption) *Verifier {
	v := &Verifier{keys: keys, leeway: DefaultLeeway}
	for _, opt := range opts {
		opt(v)
	}
	return v
}

// Verify returns the claims of a valid token: a compact JWS of at most 16 KiB, with a header of at most 1 KiB, signed with
// RS256 by one of the keys. It has an accepted iss, an accepted client_id if any, an accepted aud if [WithAudiences] is
// given, a sub, a sid (except with [WithoutSessionID]), an exp that has not passed, and no nbf or iat in the future. The times have a leeway.
//
// Verify refuses the other JWTs that an issuer signs with the same keys (RFC 8725 sections 3.11 and 3.12): a token with a typ other
// than JWT or at+jwt (RFC 9068 section 2.1), an ID token (it has nonce, at_hash or c_hash), a logout token, and, except with
// WithoutSessionID, an access token of WorkOS Connect, whose sid is that of a consent.
//
// The error matches [ErrExpired], [ErrUnknownKey] or [ErrUnavailable], or is a [*RefusedError]. Only with ErrExpired, Verify
// returns the claims too: they are genuine, and were valid until the token expired.
func (v *Verifier) Verify(ctx context.Context, token string) (*Claims, error) {
	parsed, err := parseCompact(token)
	if err != nil {
		return nil, err
	}
	return v.verify(ctx, &parsed)
}

// VerifyParts is [Verifier.Verify] for a token that is known by its decoded parts. The parts have one encoding, so both verify the
// same tokens.
func (v *Verifier) VerifyParts(ctx context.Context, token Parts) (*Claims, error) {
	parsed, err := newCompact(token)
	if err != nil {
		return nil, err
	}
	return v.verify(ctx, &parsed)
}

// verify checks the key, the signature, the claims and the expiry of a token.
func (v *Verifier) verify(ctx context.Context, parsed *compact) (*Claims, error) {
	key, err := v.signer(ctx, parsed)
	if err != nil {
		return nil, err
	}
	claims, err := decodeClaims(parsed, !v.withoutSessions)
	if err != nil {
		return nil, err
	}
	if v.anyClientID && claims.ClientID == "" && claims.SessionID == "" && strings.HasPrefix(claims.Subject, "client_") {
		claims.ClientID = claims.Subject // a machine acts for itself
	}
	if err := v.checkParties(claims); err != nil {
		return nil, err
	}
	claims.verifier, claims.key = v, key
	now := v.keys.clock.Now()
	if claims.AuthTime.After(now.Add(v.leeway)) {
		claims.AuthTime = time.Time{}
	}
	switch err := v.checkTimes(claims, now); {
	case err == nil, errors.Is(err, ErrExpired):
		return claims, err
	default:
		return nil, err
	}
}

// signer returns the key that signed a token.
func (v *Verifier) signer(ctx context.Context, token *compact) (*rsa.PublicKey, error) {
	key, err := v.key(ctx, lookup{kid: token.keyID})
	if err != nil {
		return nil, err
	}
	if token.signedBy(key) {
		return key, nil
	}
	refused := &RefusedError{"signature", "one by the key " + quote(token.keyID), "one that this key does not verify"}
	if v.ownLimit == nil { // any client can send any signature
		return nil, refused
	}
	// The endpoint may have replaced the key under this ID.
	newer, err := v.key(ctx, lookup{kid: token.keyID, exclude: key})
	switch {
	case err == nil && token.signedBy(newer):
		return newer, nil
	case token.signedByAny(v.keys.withdrawnKeys(token.keyID)):
		return nil, unknownKey(token.keyID) // its key is withdrawn; another key has the ID now
	case err == nil, errors.Is(err, errSameKey):
		return nil, refused
	default:
		return nil, err
	}
}

// key finds a key in the KeySet, under the rate limit of this Verifier.
func (v *Verifier) key(ctx context.Context, l lookup) (*rsa.PublicKey, error) {
	if v.ownLimit != nil {
		return v.keys.find(ctx, l, v.ownLimit)
	}
	return v.keys.find(ctx, l, &v.keys.shared)
}

// Recheck checks again what may have changed since v verified the claims: whether the key that signed them is still
// published, and the times. Keys are compared by value, so a key that was missing for a while is accepted again. Recheck
// does no cryptography. Its errors are those of [Verifier.Verify]. A [*RefusedError] reflects the current keys only:
// verifying the token again may succeed.
func (v *Verifier) Recheck(ctx context.Context, c *Claims) error {
	if c.verifier != v {
		return &RefusedError{"token", "one that this Verifier has verified", "another"}
	}
	l, now := lookup{kid: c.keyID}, v.keys.clock.Now()
	key, ok := v.keys.cached(l, now)
	if !ok {
		var err error
		if key, err = v.key(ctx, l); err != nil {
			return err
		}
		now = v.keys.clock.Now() // the fetch took time
	}
	if !sameKey(key, c.key) {
		return &RefusedError{"signature", "one by the key that is now " + quote(c.keyID), "one by an earlier key"}
	}
	return v.checkTimes(c, now)
}

// checkTimes checks exp last, so that ErrExpired means that everything else is valid (RFC 7519 section 4.1.4).
func (v *Verifier) checkTimes(c *Claims, now time.Time) error {
	if err := v.checkNotAhead(c, now); err != nil {
		return err
	}
	if !now.Before(c.ExpiresAt.Add(v.leeway)) {
		return &expiredError{c.ExpiresAt}
	}
	return nil
}

// checkParties checks the issuer, the client ID and the audience.
func (v *Verifier) checkParties(c *Claims) error {
	issuer := strings.TrimSuffix(c.Issuer, "/")
	if issuer == "" || !slices.Contains(v.issuers, issuer) {
		return &RefusedError{"iss", oneOf(v.issuers), quote(c.Issuer)}
	}
	switch {
	case v.anyClientID && c.ClientID == "":
		return &RefusedError{"client_id", "a non-empty string", "nothing"}
	case v.anyClientID:
	case c.ClientID != "" && !slices.Contains(v.clientIDs, c.ClientID):
		return &RefusedError{"client_id", oneOf(v.clientIDs), quote(c.ClientID)}
	}
	return v.checkAudience(c)
}

// checkAudience checks aud if audiences are configured. A token without aud needs a client_id, which the caller has already
// checked.
func (v *Verifier) checkAudience(c *Claims) error {
	accepted := func(audience string) bool { return audience != "" && slices.Contains(v.audiences, audience) }
	switch {
	case v.audiences == nil, slices.ContainsFunc(c.Audience, accepted):
		return nil
	case c.malformedAudience != "":
		return &RefusedError{"aud", oneOf(v.audiences), c.malformedAudience}
	case len(c.Audience) > 0:
		return &RefusedError{"aud", oneOf(v.audiences), quoteAll(c.Audience)}
	case v.needsAudience:
		return &RefusedError{"aud", oneOf(v.audiences), "nothing"}
	case c.ClientID != "":
		return nil
	default:
		return &RefusedError{"aud", oneOf(v.audiences) + ", or a client_id that is accepted", "nothing"}
	}
}

// checkNotAhead checks that nbf and iat are not in the future (RFC 7519 sections 4.1.5 and 4.1.6). An absent claim is the
// zero time and passes.
func (v *Verifier) checkNotAhead(c *Claims, now time.Time) error {
	latest := now.Add(v.leeway)
	if c.NotBefore.After(latest) {
		return &RefusedError{"nbf", "at most " + rfc3339(latest), rfc3339(c.NotBefore)}
	}
	if c.IssuedAt.After(latest) {
		return &RefusedError{"iat", "at most " + rfc3339(latest), rfc3339(c.IssuedAt)}
	}
	return nil
}

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// oneOf lists the accepted values.
func oneOf(values []string) string {
	if len(values) == 0 {
		return "an accepted value, but none is configured"
	}
	quoted := make([]string, len(values))
	for i, value := range values {
		quoted[i] = quote(value)
	}
	return strings.Join(quoted, " or ")
}
