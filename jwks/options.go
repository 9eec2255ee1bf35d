// What an application decides about a KeySet and a Verifier.

package jwks

import (
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// KeySetOption configures [NewKeySet].
type KeySetOption interface{ applyToKeySet(*KeySet) }

// VerifierOption configures [NewVerifier].
type VerifierOption interface{ applyToVerifier(*Verifier) }

type keySetOption func(*KeySet)

func (o keySetOption) applyToKeySet(s *KeySet) { o(s) }

type verifierOption func(*Verifier)

func (o verifierOption) applyToVerifier(v *Verifier) { o(v) }

// Clock is an option of both [NewKeySet] and [NewVerifier], made by [WithClock].
type Clock func() time.Time

func (c Clock) applyToKeySet(s *KeySet)     { s.now = c }
func (c Clock) applyToVerifier(v *Verifier) { v.now = c }

// WithClock replaces [time.Now], for tests. The function must be safe for concurrent use.
func WithClock(now func() time.Time) Clock { return now }

// WithAfterFunc replaces [time.AfterFunc], for tests: it ends a fetch that takes too long. The function that it returns
// keeps the other from being called, and tells whether it was in time.
func WithAfterFunc(afterFunc func(time.Duration, func()) (stop func() bool)) KeySetOption {
	return keySetOption(func(s *KeySet) { s.endpoint.afterFunc = afterFunc })
}

func systemAfterFunc(d time.Duration, f func()) (stop func() bool) { return time.AfterFunc(d, f).Stop }

// WithHTTPClient sets the client that fetches the keys, [http.DefaultClient] by default. A copy of it is used, which
// follows no redirect to another host or from https to http. A fetch takes at most five seconds whatever
// the client's own timeout.
func WithHTTPClient(client *http.Client) KeySetOption {
	return keySetOption(func(s *KeySet) { s.endpoint.client = sameHostOnly(client) })
}

// WithLogger sets where failed fetches (at level Warn) and key rotations (Info) are logged, [slog.Default] by default.
func WithLogger(logger *slog.Logger) KeySetOption {
	return keySetOption(func(s *KeySet) { s.log = logger })
}

// WithUserAgent sets the User-Agent header of a fetch, net/http's own by default.
func WithUserAgent(userAgent string) KeySetOption {
	return keySetOption(func(s *KeySet) { s.endpoint.userAgent = userAgent })
}

// WithIssuers adds accepted values of the iss claim, which are compared whole but for one trailing slash on either side.
// Without any, no token is accepted. AuthKit environments differ in their issuer: some have the API's base
// URL, others that URL followed by /user_management/ and a client ID, not necessarily one's own.
func WithIssuers(issuers ...string) VerifierOption {
	return verifierOption(func(v *Verifier) {
		for _, issuer := range issuers {
			v.issuers = append(v.issuers, strings.TrimSuffix(issuer, "/"))
		}
	})
}

// WithTrustedSource says that the tokens come from the issuer itself, or from a place that only the application writes to,
// such as a sealed cookie, and not from the sender of a request. Without the option, any token may be made up.
//
// Such a verifier has an allowance of its own for what the [KeySet] does not know: an unknown key ID causes a fetch once in
// 30 seconds, whatever other tokens have caused, and what is remembered of its key IDs is apart from theirs. A key may also
// be replaced under its ID: a signature by another key than the one at hand causes a fetch under the same allowance. If
// the token was signed by a key that has been replaced, the error is [ErrUnknownKey], as of any withdrawn key.
func WithTrustedSource() VerifierOption {
	return verifierOption(func(v *Verifier) { v.trusted = new(allowance) })
}

// WithStoredTokens is [WithTrustedSource] for tokens that were verified before they were stored, such as in a sealed
// cookie. A token of theirs whose key was withdrawn is stale and nothing more: it causes no fetch, so that who keeps
// presenting an old one uses up no allowance. Give tokens that have just come from the issuer a verifier of their own.
func WithStoredTokens() VerifierOption {
	return verifierOption(func(v *Verifier) { v.trusted = &allowance{stored: true} })
}

// WithClientIDs adds accepted values of the client_id claim. Without any, only a token that has no client_id is accepted.
func WithClientIDs(ids ...string) VerifierOption {
	return verifierOption(func(v *Verifier) { v.clientIDs = append(v.clientIDs, ids...) })
}

// WithAudiences adds accepted values of the aud claim (RFC 7519 section 4.1.3), which are compared whole. A token with aud,
// a string or an array of strings, has to name one of them. One without aud is accepted only if it has a client_id that
// is accepted: most session tokens of WorkOS have no aud. Any other aud is refused. If no audience is given, every token
// with aud is refused; without the option, aud is not looked at.
func WithAudiences(audiences ...string) VerifierOption {
	return verifierOption(func(v *Verifier) {
		if v.audiences == nil {
			v.audiences = []string{}
		}
		v.audiences = append(v.audiences, audiences...)
	})
}

// WithLeeway sets by how much the exp, nbf, iat and auth_time claims may disagree with our clock, [DefaultLeeway] by default. A
// negative leeway counts as none.
func WithLeeway(leeway time.Duration) VerifierOption {
	return verifierOption(func(v *Verifier) { v.leeway = max(0, leeway) })
}
