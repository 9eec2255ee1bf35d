// The rows of docs/doors.md: credentials that a door must refuse, and for comparison some that it accepts.

package behaviour

import (
	"crypto"
	"encoding/json"
	"strings"
	"time"

	"github.com/authkit-go/authkit/internal/testkey"
)

// doorRow is a credential. It is a change of a valid token, of each kind, or a credential of its own.
type doorRow struct {
	group, name string
	only        Kinds // the kinds of tokens that are changed; 0 for both
	forge       func(w *DoorWorld, key doorKey) forgery
	credential  func(w *DoorWorld) string // instead of forge

	passes Kinds // doors that accept tokens of these kinds accept this one
	loose  Kinds // the same, only in a set-up that is loose
	stale  bool  // a door that refreshes sessions does so before it accepts this one
	pause  bool  // a signature under a known key ID that the key did not make; see keyCoolDown
}

// The groups of rows.
const (
	otherKinds = "Credentials of another kind"
	signatures = "Signature and key"
	headers    = "Header"
	parties    = "Issuer, audience, subject and session"
	times      = "Times"
	texts      = "Texts that are no token"
)

// withClaims returns a forgery that changes claims, for any key.
func withClaims(claims func(object)) func(*DoorWorld, doorKey) forgery {
	return func(*DoorWorld, doorKey) forgery { return forgery{claims: claims} }
}

// withClaim returns a forgery that sets a claim.
func withClaim(name string, value any) func(*DoorWorld, doorKey) forgery {
	return withClaims(setMember(name, value))
}

// withoutClaim returns a forgery that removes a claim.
func withoutClaim(name string) func(*DoorWorld, doorKey) forgery {
	return withClaims(removeMember(name))
}

// withTime returns a forgery that sets a claim to a time relative to the clock.
func withTime(name string, d time.Duration) func(*DoorWorld, doorKey) forgery {
	return func(w *DoorWorld, _ doorKey) forgery {
		return forgery{claims: setMember(name, w.Clock.Now().Add(d).Unix())}
	}
}

// withParameter returns a forgery that sets a parameter of the header.
func withParameter(name string, value any) func(*DoorWorld, doorKey) forgery {
	return func(*DoorWorld, doorKey) forgery { return forgery{header: setMember(name, value)} }
}

// withMember returns a forgery with a second value of a claim, before or after the valid one.
func withMember(member string, add func(string) func(string) string) func(*DoorWorld, doorKey) forgery {
	return func(*DoorWorld, doorKey) forgery { return forgery{claimsText: add(member)} }
}

// fixedText returns a credential that is always the same.
func fixedText(credential string) func(*DoorWorld) string {
	return func(*DoorWorld) string { return credential }
}

// tokenWith returns a credential: a valid token with other claims. A nil value removes a claim.
func tokenWith(kind Kinds, changes func(*DoorWorld) object) func(*DoorWorld) string {
	return func(w *DoorWorld) string {
		return w.token(kind, forgery{claims: func(claims object) {
			for name, value := range changes(w) {
				if claims[name] = value; value == nil {
					delete(claims, name)
				}
			}
		}})
	}
}

// signedByKey returns a forgery that another key has signed.
func signedByKey(key func() *testkey.Key, header func(object)) func(*DoorWorld, doorKey) forgery {
	return func(*DoorWorld, doorKey) forgery {
		return forgery{header: header, sign: func(input string) []byte { return rs(crypto.SHA256, key())(input) }}
	}
}

// sharedSecret returns a forgery whose HMAC has an encoding of the public key as its secret.
func sharedSecret(encoding string) func(*DoorWorld, doorKey) forgery {
	return func(_ *DoorWorld, key doorKey) forgery {
		return forgery{header: setMember("alg", "HS256"), sign: hs256(publicKeyTexts(key.id, key.private)[encoding])}
	}
}

var doorRows = []doorRow{
	{group: otherKinds, name: "a session token", only: SessionToken, passes: SessionToken, forge: withClaims(nil)},
	{group: otherKinds, name: "a session token for the audience of the application", only: SessionToken, passes: SessionToken,
		forge: func(w *DoorWorld, _ doorKey) forgery { return forgery{claims: setMember("aud", w.Fake.ClientID())} }},
	{group: otherKinds, name: "a session token for the audience of the API", only: SessionToken, loose: SessionToken, forge: withClaim("aud", APIURL)},
	{group: otherKinds, name: "a session token without permissions and scopes", only: SessionToken, forge: withClaims(func(claims object) {
		delete(claims, "permissions")
		delete(claims, "scope")
	})},
	{group: otherKinds, name: "a token of Connect", only: ConnectToken, passes: ConnectToken, forge: withClaims(nil)},
	{group: otherKinds, name: "a token of Connect for the whole environment", only: ConnectToken, loose: ConnectToken,
		forge: func(w *DoorWorld, _ doorKey) forgery { return forgery{claims: setMember("aud", w.Fake.ClientID())} }},
	{group: otherKinds, name: "a token of Connect with the client ID of the application", only: ConnectToken, passes: ConnectToken,
		forge: func(w *DoorWorld, _ doorKey) forgery {
			return forgery{claims: setMember("client_id", w.Fake.ClientID())}
		}},
	{group: otherKinds, name: "a token of Connect with the ID of a session", only: ConnectToken, forge: withClaim("sid", "session_1")},
	{group: otherKinds, name: "a token of Connect without scopes", only: ConnectToken, forge: withoutClaim("scope")},
	{group: otherKinds, name: "a machine's token for the API", passes: ConnectToken, credential: tokenWith(ConnectToken, func(*DoorWorld) object {
		return object{"sub": "client_robot", "client_id": "client_robot", "sid": nil}
	})},
	{group: otherKinds, name: "a machine's token for the whole environment", loose: ConnectToken, credential: tokenWith(ConnectToken, func(w *DoorWorld) object {
		return object{"sub": "client_robot", "client_id": "client_robot", "sid": nil, "aud": w.Fake.ClientID()}
	})},
	{group: otherKinds, name: "an ID token", credential: tokenWith(ConnectToken, func(*DoorWorld) object {
		return object{"aud": "client_assistant", "client_id": nil, "scope": nil, "permissions": nil, "nonce": "n-0S6", "at_hash": "77QmUPtjPfzWtF2AnpK9RQ"}
	})},
	{group: otherKinds, name: "an ID token with the ID of a session, and without `at_hash`", credential: tokenWith(ConnectToken, func(*DoorWorld) object {
		return object{"aud": "client_assistant", "client_id": nil, "sid": "session_1", "nonce": "n-0S6"}
	})},
	{group: otherKinds, name: "a valid token with `nonce`", forge: withClaim("nonce", "n-0S6")},
	{group: otherKinds, name: "a valid token with `at_hash`", forge: withClaim("at_hash", "77QmUPtjPfzWtF2AnpK9RQ")},
	{group: otherKinds, name: "a valid token with `c_hash`", forge: withClaim("c_hash", "LDktKdoQak3Pk0cnXxCltA")},
	{group: otherKinds, name: "a logout token", credential: func(w *DoorWorld) string {
		f := forgery{header: setMember("typ", "logout+jwt"), claims: func(claims object) {
			claims["events"], claims["aud"] = object{logoutEvent: object{}}, w.Fake.ClientID()
			delete(claims, "client_id")
		}}
		return w.token(SessionToken, f)
	}},
	{group: otherKinds, name: "a valid token with the event of a logout token", forge: withClaim("events", object{logoutEvent: object{}})},
	{group: otherKinds, name: "an API key", passes: CustomerKey, credential: func(w *DoorWorld) string { return w.addKey("door", "posts:read") }},
	{group: otherKinds, name: "an API key without the permission", credential: func(w *DoorWorld) string { return w.addKey("weak") }},
	{group: otherKinds, name: "an unknown API key", credential: fixedText("sk_made_up")},
	{group: otherKinds, name: "a token after `sk_`", forge: func(*DoorWorld, doorKey) forgery {
		return forgery{token: func(token string) string { return "sk_" + token }}
	}},
	{group: otherKinds, name: "a refresh token", credential: func(w *DoorWorld) string { return w.unsealed(w.SignedIn(Kim).CookieHeader()).RefreshToken }},
	{group: otherKinds, name: "an authorization code", credential: func(w *DoorWorld) string { return w.StartSignIn("/account").Callback.Query().Get("code") }},

	{group: signatures, name: "`alg` none", forge: func(*DoorWorld, doorKey) forgery {
		return forgery{header: setMember("alg", "none"), sign: unsigned}
	}},
	{group: signatures, name: "`alg` none, with a valid signature", forge: withParameter("alg", "none")},
	{group: signatures, name: "HS256 with the public key in PEM as the secret", forge: sharedSecret("in PEM")},
	{group: signatures, name: "HS256 with the public key in DER as the secret", forge: sharedSecret("in DER")},
	{group: signatures, name: "HS256 with the public key as a JWK as the secret", forge: sharedSecret("as the JWK")},
	{group: signatures, name: "PS256 by the right key", forge: func(_ *DoorWorld, key doorKey) forgery {
		return forgery{header: setMember("alg", "PS256"), sign: ps(crypto.SHA256, key.private)}
	}},
	{group: signatures, name: "another key under the known `kid`", pause: true, forge: signedByKey(unknownKey, nil)},
	{group: signatures, name: "an unknown `kid`", forge: signedByKey(unknownKey, setMember("kid", "key_unknown"))},
	{group: signatures, name: "no `kid`", forge: func(*DoorWorld, doorKey) forgery { return forgery{header: removeMember("kid")} }},
	{group: signatures, name: "a changed payload", pause: true, forge: func(*DoorWorld, doorKey) forgery {
		return forgery{token: replaceSegment(1, func(string) string { return b64([]byte(`{"sub":"user_lee"}`)) })}
	}},

	{group: headers, name: "`typ` JWT", passes: SessionToken | ConnectToken, forge: withParameter("typ", "JWT")},
	{group: headers, name: "`typ` at+jwt", passes: SessionToken | ConnectToken, forge: withParameter("typ", "at+jwt")},
	{group: headers, name: "`typ` logout+jwt", forge: withParameter("typ", "logout+jwt")},
	{group: headers, name: "`typ` dpop+jwt", forge: withParameter("typ", "dpop+jwt")},
	{group: headers, name: "`typ` that is not a text", forge: withParameter("typ", 1)},
	{group: headers, name: "a key in `jwk`, which has signed", forge: func(_ *DoorWorld, key doorKey) forgery {
		return signedByKey(unknownKey, setMember("jwk", jwk(key.id, unknownKey())))(nil, key)
	}},
	{group: headers, name: "`jwk` beside a valid signature", forge: func(_ *DoorWorld, key doorKey) forgery {
		return forgery{header: setMember("jwk", jwk(key.id, key.private))}
	}},
	{group: headers, name: "`jku`", forge: withParameter("jku", "https://attacker.test/jwks.json")},
	{group: headers, name: "`x5u`", forge: withParameter("x5u", "https://attacker.test/chain.pem")},
	{group: headers, name: "`x5c`", forge: withParameter("x5c", []string{"MIIB"})},
	{group: headers, name: "`crit`", forge: withParameter("crit", []string{"exp"})},
	{group: headers, name: "`alg` twice", forge: func(*DoorWorld, doorKey) forgery { return forgery{headerText: prependMembers(`"alg":"none"`)} }},

	{group: parties, name: "no `iss`", forge: withoutClaim("iss")},
	{group: parties, name: "another `iss`", forge: withClaim("iss", "https://other.authkit.test")},
	{group: parties, name: "an `iss` that begins like the right one", forge: func(*DoorWorld, doorKey) forgery {
		return forgery{claims: func(claims object) { claims["iss"] = claims["iss"].(string) + ".attacker.test" }}
	}},
	{group: parties, name: "a list as `iss`, with the right one", forge: func(*DoorWorld, doorKey) forgery {
		return forgery{claims: func(claims object) { claims["iss"] = []any{claims["iss"], "https://other.authkit.test"} }}
	}},
	{group: parties, name: "`iss` twice, the right one first", forge: withMember(`"iss":"https://other.authkit.test"`, appendMembers)},
	{group: parties, name: "`iss` twice, the right one last", forge: withMember(`"iss":"https://other.authkit.test"`, prependMembers)},
	{group: parties, name: "no `aud`", passes: SessionToken, forge: withoutClaim("aud")},
	{group: parties, name: "another `aud`", loose: SessionToken, forge: withClaim("aud", "https://other.test")},
	{group: parties, name: "the `aud` of another API on the host", loose: SessionToken, forge: withClaim("aud", APIURL+"/other")},
	{group: parties, name: "a list as `aud`, with the right one", passes: SessionToken | ConnectToken, forge: func(w *DoorWorld, _ doorKey) forgery {
		return forgery{claims: func(claims object) {
			right := w.Fake.ClientID()
			if claims["sid"] != "session_1" {
				right = APIURL
			}
			claims["aud"] = []string{"https://other.test", right}
		}}
	}},
	{group: parties, name: "a list as `aud`, without the right one", loose: SessionToken, forge: withClaim("aud", []string{"https://other.test", "client_other"})},
	{group: parties, name: "an empty list as `aud`", loose: SessionToken, forge: withClaim("aud", []string{})},
	{group: parties, name: "an object as `aud`", loose: SessionToken, forge: withClaim("aud", object{APIURL: true})},
	{group: parties, name: "`aud` twice", forge: withMember(`"aud":"`+APIURL+`","aud":"https://other.test"`, prependMembers)},
	{group: parties, name: "no `sub`", forge: withoutClaim("sub")},
	{group: parties, name: "an empty `sub`", forge: withClaim("sub", "")},
	{group: parties, name: "`sub` twice", forge: withMember(`"sub":"user_lee"`, prependMembers)},
	{group: parties, name: "no `client_id`", loose: SessionToken, forge: withoutClaim("client_id")},
	{group: parties, name: "another `client_id`", passes: ConnectToken, forge: withClaim("client_id", "client_other")},
	{group: parties, name: "no `sid`", passes: ConnectToken, forge: withoutClaim("sid")},
	{group: parties, name: "an empty `sid`", forge: withClaim("sid", "")},

	{group: times, name: "no `exp`", forge: withoutClaim("exp")},
	{group: times, name: "`exp` 0", forge: withClaim("exp", 0)},
	{group: times, name: "`exp` as a text", forge: withClaim("exp", "2030-01-01T00:00:00Z")},
	{group: times, name: "`exp` 59 s ago", passes: SessionToken | ConnectToken, stale: true, forge: withTime("exp", -59*time.Second)},
	{group: times, name: "`exp` 60 s ago", forge: withTime("exp", -60*time.Second)},
	{group: times, name: "`exp` a year ago", forge: withTime("exp", -365*24*time.Hour)},
	{group: times, name: "`exp` in a hundred years", passes: SessionToken | ConnectToken, forge: withTime("exp", 100*365*24*time.Hour)},
	{group: times, name: "`exp` after the year 9999", forge: withClaim("exp", json.RawMessage("253402300800"))},
	{group: times, name: "`nbf` in 60 s", passes: SessionToken | ConnectToken, forge: withTime("nbf", 60*time.Second)},
	{group: times, name: "`nbf` in 61 s", forge: withTime("nbf", 61*time.Second)},
	{group: times, name: "`iat` in 60 s", passes: SessionToken | ConnectToken, forge: withTime("iat", 60*time.Second)},
	{group: times, name: "`iat` in 61 s", forge: withTime("iat", 61*time.Second)},

	{group: texts, name: "a word", credential: fixedText("token")},
	{group: texts, name: "two dots", credential: fixedText("..")},
	{group: texts, name: "ten thousand dots", credential: fixedText(strings.Repeat(".", 10_000))},
	{group: texts, name: "a token of four segments", forge: func(*DoorWorld, doorKey) forgery {
		return forgery{token: func(token string) string { return token + ".e30" }}
	}},
	{group: texts, name: "a token of more than 16 KiB", forge: withClaim("padding", strings.Repeat("x", 13<<10))},
	{group: texts, name: "a signature in another encoding", forge: func(*DoorWorld, doorKey) forgery {
		return forgery{token: func(token string) string { return token + "=" }}
	}},
}

// logoutEvent is the event of a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4).
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
