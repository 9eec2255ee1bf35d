// Bad replies of the JWKS endpoint, key rotation, and floods of unknown key IDs.

package behaviour

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testrun"
)

// jwkWithMember returns a JWK with another value of one member. A nil value removes the member.
func jwkWithMember(key object, name string, value any) object {
	key[name] = value
	if value == nil {
		delete(key, name)
	}
	return key
}

// jwksReply is a reply of the JWKS endpoint.
type jwksReply struct {
	name  string
	reply func(*App) authkittest.Fault
	sign  func(string) []byte // signs with the key of the reply, or nil for the known key
}

// check checks that a token signed with a key of the reply is answered with a status, that the old keys still verify, and
// that repeated requests cause no further fetches.
func (r jwksReply) check(t *testing.T, status int) {
	a := newPlainApp(t, authkit.WithBearerTokens())
	cookie := a.signIn(Kim)
	valid := func() Request { return Request{Target: "/api/me", Header: Bearer(a.Fake.SignToken(a.claims()))} }
	require.Equal(t, "user_kim", a.visitorOf(a.Send(valid())))

	a.Fake.InjectFault(authkittest.RouteJWKS, r.reply(a))
	before := a.Fake.Calls(authkittest.RouteJWKS)
	forged := Request{Target: "/api/me", Header: Bearer(a.forge(forgery{sign: r.sign}))}
	resp := a.Send(forged)
	assert.Equal(t, status, resp.Status, resp.Body)
	assert.Equal(t, status == 503, resp.Header.Get("Retry-After") != "")
	assert.Equal(t, Kim, a.visitor(cookie), "the old keys still verify")
	assert.Equal(t, "user_kim", a.visitorOf(a.Send(valid())))
	for range testrun.Length(10, 50) {
		assert.NotEqual(t, http.StatusOK, a.Send(forged).Status)
	}
	assert.LessOrEqual(t, a.Fake.Calls(authkittest.RouteJWKS)-before, 2, "repeated requests cause no further fetches")
}

func TestAFailedJWKSFetchKeepsTheOldKeys(t *testing.T) {
	var attacker attackerServer
	attackerURL := attacker.start(t)
	always := func(fault authkittest.Fault) func(*App) authkittest.Fault {
		return func(*App) authkittest.Fault { return fault }
	}
	for _, r := range []jwksReply{
		{name: "500", reply: always(authkittest.Fault{Status: 500})},
		{name: "429", reply: always(authkittest.Fault{Status: 429})},
		{name: "HTML", reply: always(authkittest.Fault{Body: "<html>"})},
		{name: "an empty body", reply: always(authkittest.Fault{Status: 200})},
		{name: "null", reply: always(authkittest.Fault{Body: "null"})},
		{name: "an empty set", reply: always(authkittest.Fault{Body: `{"keys":[]}`})},
		{name: "a set without keys", reply: always(authkittest.Fault{Body: `{}`})},
		{name: "an endless body", reply: always(authkittest.Fault{Body: `{"keys":[`, Endless: true})},
		{name: "a truncated body", reply: always(authkittest.Fault{Truncate: true})},
		{name: "a connection reset", reply: always(authkittest.Fault{Reset: true})},
		{name: "a megabyte of keys", reply: func(a *App) authkittest.Fault {
			var keys []object
			for i := range 3000 {
				keys = append(keys, jwk(fmt.Sprintf("key_%d", i), knownKey()))
			}
			return authkittest.Fault{Body: a.keySet(append(keys, jwk(knownID, knownKey()))...)}
		}},
		{name: "a redirect to another host", reply: always(authkittest.Fault{Status: 302, Body: "x", Header: http.Header{"Location": {attackerURL}}})},
		{name: "no usable key", reply: func(*App) authkittest.Fault {
			return authkittest.Fault{Body: marshal(object{"keys": []object{jwkWithMember(jwk(knownID, knownKey()), "use", "enc")}})}
		}},
	} {
		t.Run(r.name, func(t *testing.T) { r.check(t, http.StatusServiceUnavailable) })
	}
	assert.Zero(t, attacker.requests.Load(), "a redirect is not followed")
}

func TestABadKeyOfTheJWKSIsNotUsedAndKeepsTheOldKeys(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	bad := func(name string, value any) func(*App) authkittest.Fault {
		return func(a *App) authkittest.Fault {
			return authkittest.Fault{Body: a.keySet(jwkWithMember(jwk(knownID, knownKey()), name, value))}
		}
	}
	for _, r := range []jwksReply{
		{name: "a key for encryption", reply: bad("use", "enc")},
		{name: "a key of another algorithm", reply: bad("alg", "RS512")},
		{name: "a key for alg none", reply: bad("alg", "none")},
		{name: "a key of another type", reply: bad("kty", "oct")},
		{name: "a key without a modulus", reply: bad("n", nil)},
		{name: "a key without an ID", reply: bad("kid", nil)},
		{name: "a key with the exponent 1", reply: bad("e", "AQ"), sign: func(input string) []byte {
			// With the exponent 1 the padded digest is its own signature, so an attacker needs no private key.
			padded := append([]byte{0, 1}, []byte(strings.Repeat("\xff", 256-3-51))...)
			padded = append(padded, 0)
			padded = append(padded, []byte("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20")...)
			return append(padded, digest(crypto.SHA256, input)...)
		}},
		{name: "a key of 1024 bits", sign: rs(crypto.SHA256, small), reply: func(a *App) authkittest.Fault {
			return authkittest.Fault{Body: a.keySet(jwk(knownID, small))}
		}},
		{name: "two keys with one ID, the signing key first", reply: func(a *App) authkittest.Fault {
			return authkittest.Fault{Body: a.keySet(jwk(knownID, knownKey()), jwk(knownID, unknownKey()))}
		}},
		{name: "two keys with one ID, the signing key last", reply: func(a *App) authkittest.Fault {
			return authkittest.Fault{Body: a.keySet(jwk(knownID, unknownKey()), jwk(knownID, knownKey()))}
		}},
	} {
		t.Run(r.name, func(t *testing.T) { r.check(t, http.StatusUnauthorized) })
	}
}

func TestSigningKeysThatCannotBeRefetchedAreUsedForOneDay(t *testing.T) {
	a := newPlainApp(t, authkit.WithBearerTokens())
	status := func() int {
		return a.Send(Request{Target: "/api/me", Header: Bearer(a.Fake.SignToken(a.claims()))}).Status
	}
	require.Equal(t, http.StatusOK, status())
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 404})
	a.Clock.Set(Start.Add(24*time.Hour - time.Second))
	assert.Equal(t, http.StatusOK, status())
	a.Clock.Set(Start.Add(24 * time.Hour))
	assert.Equal(t, http.StatusServiceUnavailable, status())
}

func TestAKeyRotationKeepsSessionsAndARetiredKeyVerifiesNothing(t *testing.T) {
	for _, c := range []struct {
		name     string
		rotate   func(*authkittest.Server)
		keepsOld bool
	}{
		{"a key that is still published verifies", (*authkittest.Server).AddSigningKey, true},
		{"a key that is no longer published does not verify", (*authkittest.Server).RotateSigningKeys, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newPlainApp(t, authkit.WithBearerTokens())
			cookie, old := a.signIn(Kim), a.Fake.SignToken(a.claims())
			require.Equal(t, "user_kim", a.visitorOf(a.Send(Request{Target: "/api/me", Header: Bearer(old)})))
			c.rotate(a.Fake)
			assert.Equal(t, lee, a.visitor(a.signIn(lee)), "the new key verifies at once")
			a.Clock.Advance(31 * time.Second) // past the pause between two fetches for an unknown key

			resp := a.Send(Request{Target: "/api/me", Header: Bearer(old)})
			assert.Equal(t, c.keepsOld, resp.Status == http.StatusOK, resp.Status)
			resp = a.Send(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()})
			assert.Equal(t, Kim, a.visitorOf(resp), "a session whose token the old key signed is kept")
			assert.Equal(t, c.keepsOld, a.Fake.Calls(authkittest.RouteRefresh) == 0, "the session is refreshed only if its key is gone")
			if !c.keepsOld {
				assert.Equal(t, Kim, a.visitor(resp.session(t)))
			}
		})
	}
}

func TestAnApplicationThatStartedWithoutSigningKeysRecovers(t *testing.T) {
	a := newPlainApp(t)
	cookie := a.signIn(Kim)
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	restarted := newPlainInstance(t, a.Fake, a.Clock, a.Password)
	checkWithoutKeys(t, restarted.Instance, cookie)
	a.Fake.ClearFault(authkittest.RouteJWKS)
	a.Clock.Advance(time.Minute)
	assert.Equal(t, Kim, restarted.visitor(cookie))
}

func TestManyUnknownKeyIDsCauseOneJWKSFetchAndDelayNoOtherRequest(t *testing.T) {
	a := newPlainApp(t, authkit.WithBearerTokens())
	a.addKnownToJWKS()
	token := a.forge(unchangedToken)
	require.Equal(t, http.StatusOK, a.Send(Request{Target: "/api/me", Header: Bearer(token)}).Status)
	before := a.Fake.Calls(authkittest.RouteJWKS)
	for round := range 3 {
		var all sync.WaitGroup
		for i := range testrun.Length(100, 1000) {
			all.Go(func() {
				unknown := forgery{header: setMember("kid", fmt.Sprintf("unknown_%d_%d", round, i))}
				if i%50 != 0 { // those are signed by a known key; to sign all would take seconds
					unknown.sign = func(string) []byte { return make([]byte, 256) }
				}
				resp, err := a.Do(Request{Target: "/api/me", Header: Bearer(a.forge(unknown))})
				assert.NoError(t, err)
				assert.Equal(t, http.StatusUnauthorized, resp.Status)
			})
		}
		all.Wait()
		assert.Equal(t, round+1, a.Fake.Calls(authkittest.RouteJWKS)-before)
		a.Clock.Advance(30 * time.Second)
	}

	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Hang: true})
	waiting := make(chan Response, 1)
	go func() {
		resp, err := a.Do(Request{Target: "/api/me", Header: Bearer(a.forge(forgery{header: setMember("kid", "unknown")}))})
		assert.NoError(t, err)
		waiting <- resp
	}()
	a.Fake.AwaitCalls(t, authkittest.RouteJWKS, before+4)
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/api/me", Header: Bearer(token)}).Status, "a request with a known key does not wait for the fetch")
	a.Fake.ClearFault(authkittest.RouteJWKS)
	assert.Equal(t, http.StatusUnauthorized, (<-waiting).Status)
}
