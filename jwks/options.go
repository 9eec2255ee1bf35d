// The options of NewKeySet and NewVerifier.

package jwks

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// KeySetOption configures [NewKeySet].
type KeySetOption func(*KeySet)

// WithClock sets the clock of the KeySet and of all its verifiers, for tests. The default is the system's clock.
func WithClock(clock Clock) KeySetOption {
	return func(s *KeySet) { s.clock = clock }
}

// WithHTTPClient sets the client that fetches the keys. The default is [http.DefaultClient]. The KeySet uses a copy that
// follows no redirect to another host or from https to http. A fetch takes at most five seconds, even if the client has a
// longer timeout or none.
func WithHTTPClient(client *http.Client) KeySetOption {
	return func(s *KeySet) { s.endpoint.client = sameHostOnly(client) }
}

// WithLogger sets the logger for failed fetches (level Warn) and key rotations (Info). The default is [slog.Default].
func WithLogger(logger *slog.Logger) KeySetOption {
	return func(s *KeySet) { s.log = logger }
}

// WithUserAgent sets the User-Agent header of a fetch. The default is the one of net/http.
func WithUserAgent(userAgent string) KeySetOption {
	return func(s *KeySet) { s.endpoint.userAgent = userAgent }
}

// Fetch is a fetch of the keys that has ended.
type Fetch struct {
	Begin    time.Time // on the system's clock
	Duration time.Duration
	Err      error // why it has failed, nil if it succeeded
}

// WithOnFetch sets a function that is called after each fetch, before the calls that wait for it get their result. The
// context has the values of the call that caused the fetch, and does not end with it. The function must not panic.
func WithOnFetch(f func(context.Context, Fetch)) KeySetOption {
	return func(s *KeySet) { s.onFetch = f }
}

// VerifierOption configures [NewVerifier].
type VerifierOption func(*Verifier)

// WithIssuers adds accepted values of the iss claim. They are compared as whole strings, except that one trailing slash on
// either side is ignored. Without any, no token is accepted. AuthKit environments differ in their issuer: some use the API's
// base URL, others that URL followed by /user_management/ and a client ID, which may be another application's.
func WithIssuers(issuers ...string) VerifierOption {
	return func(v *Verifier) {
		for _, issuer := range issuers {
			v.issuers = append(v.issuers, strings.TrimSuffix(issuer, "/"))
		}
	}
}

// WithTokensFromIssuer declares that all tokens of this Verifier come from the issuer itself, as in a token response, and
// never from the sender of a request. Without it and without [WithTokensFromStorage], any token may be invented.
//
// Such a Verifier has its own limit for unknown key IDs: one causes a fetch at most once in 30 seconds, independent of all
// other verifiers. It also covers a key that was replaced under its ID: if the key in the set did not sign the token, that
// causes a fetch under the same limit. If the token was signed by a key that has been replaced, the error is
// [ErrUnknownKey], as for any withdrawn key.
func WithTokensFromIssuer() VerifierOption {
	return func(v *Verifier) { v.ownLimit = new(rateLimit) }
}

// WithTokensFromStorage declares that all tokens of this Verifier were verified before they were stored where only the
// application writes, such as in a sealed cookie. It works like [WithTokensFromIssuer], with one difference: a token whose
// key was withdrawn causes no fetch, so that requests with an old cookie do not use up the limit. Use another Verifier for
// tokens that have just come from the issuer.
func WithTokensFromStorage() VerifierOption {
	return func(v *Verifier) { v.ownLimit = &rateLimit{skipWithdrawn: true} }
}

// WithClientIDs adds accepted values of the client_id claim. Without any, only a token without client_id is accepted.
func WithClientIDs(ids ...string) VerifierOption {
	return func(v *Verifier) { v.clientIDs = append(v.clientIDs, ids...) }
}

// WithAudiences adds accepted values of the aud claim (RFC 7519 section 4.1.3). They are compared as whole strings. An aud
// may be a string or an array of strings, and must contain one of them. Any other aud is refused. A token without aud is
// accepted only if it has an accepted client_id: most session tokens of WorkOS have no aud. WithAudiences without arguments
// refuses every token with aud. Without this option, aud is not checked.
func WithAudiences(audiences ...string) VerifierOption {
	return func(v *Verifier) {
		if v.audiences == nil {
			v.audiences = []string{}
		}
		v.audiences = append(v.audiences, audiences...)
	}
}

// WithRequiredAudience works like [WithAudiences], but a token without aud is refused, whatever its client_id. It is for a
// resource server, which must accept only tokens that were issued for it (RFC 8707 section 2, RFC 8725 section 3.9).
func WithRequiredAudience(audiences ...string) VerifierOption {
	return func(v *Verifier) {
		WithAudiences(audiences...)(v)
		v.needsAudience = true
	}
}

// WithAnyClientID accepts every value of the client_id claim, and requires one. It is for a resource server whose clients
// register themselves, and is safe only together with [WithRequiredAudience].
//
// The token of a machine needs no client_id: its sub is its client ID ("client_…") then (RFC 9068 section 2.2), and [Claims] have
// it as their ClientID. Such a token has no sid.
func WithAnyClientID() VerifierOption {
	return func(v *Verifier) { v.anyClientID = true }
}

// WithoutSessionID accepts tokens without a sid claim, which belong to no session: those of machines.
func WithoutSessionID() VerifierOption {
	return func(v *Verifier) { v.withoutSessions = true }
}

// WithLeeway sets how far the exp, nbf, iat and auth_time claims may differ from the clock. The default is [DefaultLeeway].
// A negative leeway counts as zero.
func WithLeeway(leeway time.Duration) VerifierOption {
	return func(v *Verifier) { v.leeway = max(0, leeway) }
}
