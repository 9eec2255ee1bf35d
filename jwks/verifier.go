// Judges a token: format, header, key, signature, claims, expiry, in this order.

package jwks

import (
	"context"
	"crypto/rsa"
	"errors"
	"slices"
	"strings"
	"time"
)

// DefaultLeeway is how far the clock that issued a token and ours may be apart.
const DefaultLeeway = 60 * time.Second

// Verifier decides whether a token is an AuthKit access token that is good now. It is safe for concurrent use.
type Verifier struct {
	keys      *KeySet
	trusted   *allowance // of tokens from a trusted source; nil where the source is anybody
	issuers   []string   // without a trailing slash
	clientIDs []string
	audiences []string // nil where aud is not looked at
	leeway    time.Duration
}

// NewVerifier returns a Verifier that trusts the given keys. It accepts nothing unless [WithIssuers] is among
// the options.
func NewVerifier(keys *KeySet, opts ...VerifierOption) *Verifier {
	v := &Verifier{keys: keys, leeway: DefaultLeeway}
	for _, opt := range opts {
		opt(v)
	}
	return v
}

// Verify returns the claims of a good token: a compact JWS of at most 16 KiB, 1 KiB of which may be its header, signed with
// RS256 by one of the keys, with an accepted iss, an accepted client_id if it has one, an accepted aud if [WithAudiences]
// was given, a sub, a sid, and times that hold.
//
// The error matches [ErrExpired], [ErrUnknownKey] or [ErrUnavailable], or is a [*RefusedError]. With
// ErrExpired, and with no other error, the claims are returned too: they are genuine, and what they said has been true.
func (v *Verifier) Verify(ctx context.Context, token string) (*Claims, error) {
	parsed, err := parseCompact(token)
	if err != nil {
		return nil, err
	}
	key, err := v.signer(ctx, parsed)
	if err != nil {
		return nil, err
	}
	claims, err := decodeClaims(parsed)
	if err != nil {
		return nil, err
	}
	if err := v.checkParties(claims); err != nil {
		return nil, err
	}
	claims.verifier, claims.keyID, claims.key = v, parsed.keyID, key
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
	key, err := v.key(ctx, question{kid: token.keyID})
	if err != nil {
		return nil, err
	}
	if token.signedBy(key) {
		return key, nil
	}
	refused := &RefusedError{"signature", "one by the key " + quote(token.keyID), "another"}
	if v.trusted == nil {
		return nil, refused
	}
	// The endpoint may publish another key under the ID by now.
	newer, err := v.key(ctx, question{kid: token.keyID, seen: key})
	switch {
	case err == nil && token.signedBy(newer):
		return newer, nil
	case slices.ContainsFunc(v.keys.withdrawnUnder(token.keyID), token.signedBy):
		return nil, unknownKey(token.keyID) // its key is withdrawn, though another one has the ID
	case err == nil, errors.Is(err, errSameKey):
		return nil, refused
	default:
		return nil, err
	}
}

// key asks the key set, at the expense of the allowance that the tokens of this verifier have.
func (v *Verifier) key(ctx context.Context, q question) (*rsa.PublicKey, error) {
	if v.trusted != nil {
		return v.keys.find(ctx, q, v.trusted)
	}
	return v.keys.find(ctx, q, &v.keys.shared)
}

// Recheck decides once more on claims that v has verified before, by all that may have changed since: whether the key that
// signed them is still published, and the time. Keys are compared by value, so that one which was missing for a while
// verifies again. It does no cryptography. The error is as that of [Verifier.Verify]. A [*RefusedError] is about the keys
// at hand: to verify the token again may have another outcome.
func (v *Verifier) Recheck(ctx context.Context, c *Claims) error {
	if c.verifier != v {
		return &RefusedError{"token", "one that was verified here", "another"}
	}
	key, err := v.key(ctx, question{kid: c.keyID})
	if err != nil {
		return err
	}
	if !sameKey(key, c.key) {
		return &RefusedError{"signature", "one by the key that is now " + quote(c.keyID), "another"}
	}
	return v.checkTimes(c, v.keys.clock.Now())
}

// checkTimes checks expiry last, so that ErrExpired means that all the rest holds (RFC 7519 section 4.1.4).
func (v *Verifier) checkTimes(c *Claims, now time.Time) error {
	if err := v.checkNotAhead(c, now); err != nil {
		return err
	}
	if !now.Before(c.ExpiresAt.Add(v.leeway)) {
		return &expiredError{c.ExpiresAt}
	}
	return nil
}

// checkParties checks who issued the token, and for whom.
func (v *Verifier) checkParties(c *Claims) error {
	issuer := strings.TrimSuffix(c.Issuer, "/")
	if issuer == "" || !slices.Contains(v.issuers, issuer) {
		return &RefusedError{"iss", oneOf(v.issuers), quote(c.Issuer)}
	}
	if c.ClientID != "" && !slices.Contains(v.clientIDs, c.ClientID) {
		return &RefusedError{"client_id", oneOf(v.clientIDs), quote(c.ClientID)}
	}
	return v.checkAudience(c)
}

// checkAudience checks aud where the verifier has audiences. A token without aud is told by its client_id, which has been
// accepted before.
func (v *Verifier) checkAudience(c *Claims) error {
	accepted := func(audience string) bool { return audience != "" && slices.Contains(v.audiences, audience) }
	switch {
	case v.audiences == nil, slices.ContainsFunc(c.Audience, accepted):
		return nil
	case c.malformedAudience != "":
		return &RefusedError{"aud", oneOf(v.audiences), c.malformedAudience}
	case len(c.Audience) > 0:
		return &RefusedError{"aud", oneOf(v.audiences), quoteAll(c.Audience)}
	case c.ClientID != "":
		return nil
	default:
		return &RefusedError{"aud", oneOf(v.audiences) + ", or a client_id that is accepted", "nothing"}
	}
}

// checkNotAhead checks that the token is not from the future (RFC 7519 sections 4.1.5 and 4.1.6). An absent claim is the
// zero time, which never is.
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

// oneOf lists what would have been accepted.
func oneOf(values []string) string {
	if len(values) == 0 {
		return "one of none, as none is configured"
	}
	quoted := make([]string, len(values))
	for i, value := range values {
		quoted[i] = quote(value)
	}
	return strings.Join(quoted, " or ")
}
