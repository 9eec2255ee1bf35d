// Forged tokens, signing keys and seals. A forged token differs from a valid one in one property.

package behaviour

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testkey"
	"github.com/authkit-go/authkit/seal"
)

// object is a JSON object.
type object = map[string]any

// Keys are made once per test binary. The known keys are published in the JWKS, so a token that they sign is refused only for its
// forged property. The unknown key is never published. The first hundred keys of tests are for the fakes.
var (
	knownKey   = sync.OnceValue(func() *testkey.Key { return testkey.New(100) })
	unknownKey = sync.OnceValue(func() *testkey.Key { return testkey.New(101) })
	knownCurve = sync.OnceValue(func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		return key
	})
)

const (
	knownID = "key_known"
	curveID = "key_curve"
)

// jwk returns an RSA key as a JWKS publishes it (RFC 7517).
func jwk(id string, key crypto.Signer) object {
	public := key.Public().(*rsa.PublicKey)
	return object{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": id,
		"n": b64(public.N.Bytes()), "e": b64(big.NewInt(int64(public.E)).Bytes()),
	}
}

// curveJWK returns a P-256 key as a JWKS publishes it.
func curveJWK(id string, key *ecdsa.PrivateKey) object {
	point, err := key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		panic(err)
	}
	return object{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": id, "x": b64(point[1:33]), "y": b64(point[33:])}
}

// attackerServer is a server of the attacker that counts its requests. The library must never send it one.
type attackerServer struct{ requests atomic.Int32 }

func (l *attackerServer) start(t *testing.T) (url string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		l.requests.Add(1)
		io.WriteString(w, marshal(object{"keys": []object{jwk(knownID, unknownKey())}}))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// addToJWKS adds keys to the JWKS of the fake.
func (a *Instance) addToJWKS(keys ...object) {
	a.T.Helper()
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Body: a.keySet(keys...)})
}

// keySet returns the JWKS of the fake with additional keys.
func (a *Instance) keySet(keys ...object) string {
	a.T.Helper()
	a.Fake.ClearFault(authkittest.RouteJWKS)
	r, err := http.NewRequest("GET", a.Fake.URL()+"/sso/jwks/"+a.Fake.ClientID(), nil)
	require.NoError(a.T, err)
	resp, err := direct.RoundTrip(r)
	require.NoError(a.T, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(a.T, err)
	var set struct {
		Keys []any `json:"keys"`
	}
	require.NoError(a.T, json.Unmarshal(body, &set))
	require.NotEmpty(a.T, set.Keys)
	for _, key := range keys {
		set.Keys = append(set.Keys, key)
	}
	return marshal(set)
}

// addKnownToJWKS adds the known keys to the JWKS of the fake.
func (a *Instance) addKnownToJWKS() {
	a.T.Helper()
	a.addToJWKS(jwk(knownID, knownKey()), curveJWK(curveID, knownCurve()))
}

// claims returns the claims of a valid access token of kim.
func (a *App) claims() object {
	now := a.Clock.Now().Unix()
	return object{
		"iss": a.Fake.Issuer(), "sub": "user_kim", "sid": "session_1", "client_id": a.Fake.ClientID(),
		"iat": now, "exp": now + 300, "auth_time": now,
	}
}

// forgery describes how a token differs from a valid one.
type forgery struct {
	name string
	// header and claims change these parts before they are signed. headerText and claimsText change their JSON.
	header, claims         func(object)
	headerText, claimsText func(string) string
	sign                   func(input string) []byte // nil for RS256 with the key of the token
	token                  func(string) string       // changes the signed token
}

// unchangedToken describes a valid token.
var unchangedToken forgery

// forge returns an access token of kim with the changes of f.
func (a *App) forge(f forgery) string { return f.of(a.claims(), knownID, knownKey()) }

// of returns a token with these claims, signed with the key, and with the changes of f.
func (f forgery) of(claims object, keyID string, key *testkey.Key) string {
	header := object{"alg": "RS256", "kid": keyID}
	if f.header != nil {
		f.header(header)
	}
	if f.claims != nil {
		f.claims(claims)
	}
	headerText, claimsText := marshal(header), marshal(claims)
	if f.headerText != nil {
		headerText = f.headerText(headerText)
	}
	if f.claimsText != nil {
		claimsText = f.claimsText(claimsText)
	}
	sign := f.sign
	if sign == nil {
		sign = rs(crypto.SHA256, key)
	}
	input := b64([]byte(headerText)) + "." + b64([]byte(claimsText))
	token := input + "." + b64(sign(input))
	if f.token != nil {
		token = f.token(token)
	}
	return token
}

// setMember returns a change that sets a member.
func setMember(name string, value any) func(object) { return func(o object) { o[name] = value } }

// removeMember returns a change that removes a member.
func removeMember(name string) func(object) { return func(o object) { delete(o, name) } }

// jsonNumber returns a JSON number that encoding/json does not write.
func jsonNumber(text string) json.RawMessage { return json.RawMessage(text) }

// prependMembers returns a change that adds members at the start of a JSON object. A member can then occur twice.
func prependMembers(members string) func(string) string {
	return func(text string) string { return "{" + members + "," + text[1:] }
}

// appendMembers returns a change that adds members at the end of a JSON object.
func appendMembers(members string) func(string) string {
	return func(text string) string { return text[:len(text)-1] + "," + members + "}" }
}

// replaceSegment returns a change of one segment of a token.
func replaceSegment(segment int, change func(string) string) func(string) string {
	return func(token string) string {
		segments := strings.Split(token, ".")
		segments[segment] = change(segments[segment])
		return strings.Join(segments, ".")
	}
}

// replaceAll returns a change that replaces the whole text.
func replaceAll(text string) func(string) string { return func(string) string { return text } }

// rs signs with RSASSA-PKCS1-v1_5 (RFC 7518, section 3.3).
func rs(hash crypto.Hash, key crypto.Signer) func(string) []byte { return signWith(key, hash) }

// ps signs with RSASSA-PSS (RFC 7518, section 3.5).
func ps(hash crypto.Hash, key crypto.Signer) func(string) []byte {
	return signWith(key, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash})
}

func signWith(key crypto.Signer, opts crypto.SignerOpts) func(string) []byte {
	return func(input string) []byte {
		signature, err := key.Sign(rand.Reader, digest(opts.HashFunc(), input), opts)
		if err != nil {
			panic(err)
		}
		return signature
	}
}

// es256 signs with ECDSA and the known P-256 key (RFC 7518, section 3.4).
func es256(input string) []byte {
	r, s, err := ecdsa.Sign(rand.Reader, knownCurve(), digest(crypto.SHA256, input))
	if err != nil {
		panic(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signature
}

// hs256 signs with HMAC and a secret (RFC 7518, section 3.2).
func hs256(secret []byte) func(string) []byte {
	return func(input string) []byte {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(input))
		return mac.Sum(nil)
	}
}

// unsigned returns an empty signature.
func unsigned(string) []byte { return nil }

func digest(hash crypto.Hash, input string) []byte {
	h := hash.New()
	h.Write([]byte(input))
	return h.Sum(nil)
}

// publicKeyTexts returns the encodings of a public key that a faulty verifier might use as an HMAC secret.
func publicKeyTexts(id string, key *testkey.Key) map[string][]byte {
	pkix, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		panic(err)
	}
	pkcs1 := x509.MarshalPKCS1PublicKey(&key.PublicKey)
	return map[string][]byte{
		"in PEM":                            pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix}),
		"in PEM, without the final newline": []byte(strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix})))),
		"in PEM of PKCS #1":                 pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1}),
		"in DER":                            pkix,
		"as its modulus":                    key.N.Bytes(),
		"as its modulus in base64url":       []byte(b64(key.N.Bytes())),
		"as the JWK":                        []byte(marshal(jwk(id, key))),
		"as an empty secret":                nil,
		"as its ID":                         []byte(id),
	}
}

// newPlainSharedSessionApp starts an application with a shared session. A test that has its password can seal any session
// for it.
func newPlainSharedSessionApp(t *testing.T, opts ...authkit.Option) *App {
	t.Helper()
	return newPlainApp(t, append([]authkit.Option{authkit.WithSharedSession()}, opts...)...)
}

// sealed returns the Cookie header of a shared session with changed members. A nil value removes a member.
func (a *App) sealed(token string, change object) (cookie string) {
	a.T.Helper()
	session := object{
		"accessToken": token, "refreshToken": "forged-refresh-token",
		"user": object{"object": "user", "id": "user_kim", "email": Kim, "emailVerified": true},
	}
	maps.Copy(session, change)
	maps.DeleteFunc(session, func(_ string, value any) bool { return value == nil })
	return a.sealedText(marshal(session))
}

// sealedText returns the Cookie header of a shared session with this plaintext.
func (a *App) sealedText(plaintext string) (cookie string) {
	a.T.Helper()
	iron, err := seal.Iron(a.Password)
	require.NoError(a.T, err)
	text, err := iron.Seal([]byte(plaintext))
	require.NoError(a.T, err)
	return "wos-session=" + text
}

// unsealed decrypts the cookie of a shared session.
func (a *App) unsealed(cookie string) (session struct {
	AccessToken, RefreshToken string
	User                      object
}) {
	a.T.Helper()
	iron, err := seal.Iron(a.Password)
	require.NoError(a.T, err)
	_, text, _ := strings.Cut(cookie, "=")
	plaintext, err := iron.Open(text)
	require.NoError(a.T, err)
	require.NoError(a.T, json.Unmarshal(plaintext, &session))
	return session
}

func b64(octets []byte) string { return base64.RawURLEncoding.EncodeToString(octets) }

func marshal(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}
