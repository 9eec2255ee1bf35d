// The kinds of JWTs that an authorization server signs with the same keys, and that are no access tokens.

package jwks

import "strings"

// accessTokenTypes are the values of typ that an access token may have, in lower case: that of every JWT (RFC 7519 section 5.1)
// and that of access tokens (RFC 9068 section 2.1). Another typ names another kind of token, such as "logout+jwt" (RFC 8725
// section 3.11).
var accessTokenTypes = []string{"jwt", "at+jwt"}

// isAccessTokenType reports whether a typ may be that of an access token. A typ is a media type without regard to case, and
// "application/" may be left out (RFC 7515 section 4.1.9).
func isAccessTokenType(typ string) bool {
	typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
	for _, accepted := range accessTokenTypes {
		if typ == accepted {
			return true
		}
	}
	return false
}

// logoutEvent is the member of events that makes a JWT a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4).
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// idTokenClaims are claims of ID tokens alone (OpenID Connect Core 1.0 sections 2 and 3.3.2.11).
var idTokenClaims = []string{"nonce", "at_hash", "c_hash"}

// checkKind refuses a token whose claims show that it is not an access token. Such a token says something to a client and
// permits nothing (RFC 8725 section 3.12).
func (r *claimReader) checkKind() {
	for _, claim := range idTokenClaims {
		if r.has(claim) {
			r.refuse(&RefusedError{claim, "nothing, as in an access token", r.describe(claim) + ", as in an ID token"})
		}
	}
	raw, present := r.get("events")
	if !present {
		return
	}
	var buffer [4]member
	if events, err := splitObject(raw, buffer[:0]); err == nil && events.has(logoutEvent) {
		r.refuse(&RefusedError{"events", "no sign-out, as in an access token", "a sign-out, as in a logout token"})
	}
}

// consentPrefix begins the sid of an access token of WorkOS Connect, which names a consent and no session.
const consentPrefix = "app_consent_"

// sessionID reads the sid of a session token.
func (r *claimReader) sessionID() string {
	sid := r.requiredString("sid")
	if strings.HasPrefix(sid, consentPrefix) {
		r.refuse(&RefusedError{"sid", "the ID of a session", "the ID of a consent, as in a token of WorkOS Connect"})
	}
	return sid
}
