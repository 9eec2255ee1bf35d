// Bad replies of the JWKS endpoint, key rotation, and floods of unknown key IDs.

package behaviour

import (
	"crypto"
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
)

// changed returns a JWK with another value of one member. A nil value removes the member.
func changed(key object, name string, value any) object {
	key[name] = value
	if value == nil {
		delete(key, name)
	}
	return key
}

func TestABadJWKSReplyKeepsTheOldKeysAndAddsNoBadKey(t *testing.T) {
	small := newKey(1024)
	var attacker listener
	attackerURL := attacker.listen(t)
	bad := func(name string, value any) func(*App) authkittest.Fault {
		return func(m *App) authkittest.Fault {
			return authkittest.Fault{Body: m.keySet(changed(jwk(knownID, knownKey()), name, value))}
		}
	}
	is := func(fault authkittest.Fault) func(*App) authkittest.Fault {
		return func(*App) authkittest.Fault { return fault }
	}
	for _, c := range []struct {
		name   string
		reply  func(*App) authkittest.Fault // of the JWKS endpoint
		sign   func(string) []byte
		status int // of a request with a token signed by the bad or missing key
	}{
		{name: "500", reply: is(authkittest.Fault{Status: 500}), status: 503},
		{name: "429", reply: is(authkittest.Fault{Status: 429}), status: 503},
		{name: "HTML", reply: is(authkittest.Fault{Body: "<html>"}), status: 503},
		{name: "an empty body", reply: is(authkittest.Fault{Status: 200}), status: 503},
		{name: "null", reply: is(authkittest.Fault{Body: "null"}), status: 503},
		{name: "an empty set", reply: is(authkittest.Fault{Body: `{"keys":[]}`}), status: 503},
		{name: "a set without keys", reply: is(authkittest.Fault{Body: `{}`}), status: 503},
		{name: "an endless body", reply: is(authkittest.Fault{Body: `{"keys":[`, Endless: true}), status: 503},
		{name: "a truncated body", reply: is(authkittest.Fault{Truncate: true}), status: 503},
		{name: "a connection reset", reply: is(authkittest.Fault{Reset: true}), status: 503},
		{name: "a megabyte of keys", status: 503, reply: func(m *App) authkittest.Fault {
			var keys []object
			for i := range 3000 {
				keys = append(keys, jwk(fmt.Sprintf("key_%d", i), knownKey()))
			}
			return authkittest.Fault{Body: m.keySet(append(keys, jwk(knownID, knownKey()))...)}
		}},
		{name: "a redirect to another host", status: 503, reply: is(authkittest.Fault{Status: 302, Body: "x", Header: http.Header{"Location": {attackerURL}}})},
		{name: "no usable key", status: 503, reply: func(*App) authkittest.Fault {
			return authkittest.Fault{Body: marshal(object{"keys": []object{changed(jwk(knownID, knownKey()), "use", "enc")}})}
		}},
		{name: "a key for encryption", reply: bad("use", "enc"), status: 401},
		{name: "a key of another algorithm", reply: bad("alg", "RS512"), status: 401},
		{name: "a key for alg none", reply: bad("alg", "none"), status: 401},
		{name: "a key of another type", reply: bad("kty", "oct"), status: 401},
		{name: "a key without a modulus", reply: bad("n", nil), status: 401},
		{name: "a key without an ID", reply: bad("kid", nil), status: 401},
		{name: "a key with the exponent 1", reply: bad("e", "AQ"), status: 401, sign: func(input string) []byte {
			// With the exponent 1 the padded digest is its own signature, so an attacker needs no private key.
			padded := append([]byte{0, 1}, []byte(strings.Repeat("\xff", 256-3-51))...)
			padded = append(padded, 0)
			padded = append(padded, []byte("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20")...)
			return append(padded, digest(crypto.SHA256, input)...)
		}},
		{name: "a key of 1024 bits", status: 401, sign: rs(crypto.SHA256, small), reply: func(m *App) authkittest.Fault {
			return authkittest.Fault{Body: m.keySet(jwk(knownID, small))}
		}},
		{name: "two keys with one ID, the signing key first", status: 401, reply: func(m *App) authkittest.Fault {
			return authkittest.Fault{Body: m.keySet(jwk(knownID, knownKey()), jwk(knownID, unknownKey()))}
		}},
		{name: "two keys with one ID, the signing key last", status: 401, reply: func(m *App) authkittest.Fault {
			return authkittest.Fault{Body: m.keySet(jwk(knownID, unknownKey()), jwk(knownID, knownKey()))}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newPlainApp(t, authkit.WithBearerTokens())
			cookie := m.signIn(Kim)
			valid := func() string { return m.Fake.SignToken(m.claims()) }
			require.Equal(t, "user_kim", m.visitorOf(m.Send(Request{Target: "/api/me", Header: Bearer(valid())})))

			m.Fake.InjectFault(authkittest.RouteJWKS, c.reply(m))
			before := m.Fake.Calls(authkittest.RouteJWKS)
			forged := m.forge(forgery{sign: c.sign})
			resp := m.Send(Request{Target: "/api/me", Header: Bearer(forged)})
			assert.Equal(t, c.status, resp.Status, resp.Body)
			assert.Equal(t, c.status == 503, resp.Header.Get("Retry-After") != "")
			assert.Equal(t, Kim, m.visitor(cookie), "the old keys still verify")
			assert.Equal(t, "user_kim", m.visitorOf(m.Send(Request{Target: "/api/me", Header: Bearer(valid())})))
			for range 50 {
				assert.NotEqual(t, http.StatusOK, m.Send(Request{Target: "/api/me", Header: Bearer(forged)}).Status)
			}
			assert.LessOrEqual(t, m.Fake.Calls(authkittest.RouteJWKS)-before, 2, "repeated requests cause no further fetches")
		})
	}
	assert.Zero(t, attacker.heard.Load())
}

func TestSigningKeysThatCannotBeRefetchedAreUsedForOneDay(t *testing.T) {
	m := newPlainApp(t, authkit.WithBearerTokens())
	status := func() int {
		return m.Send(Request{Target: "/api/me", Header: Bearer(m.Fake.SignToken(m.claims()))}).Status
	}
	require.Equal(t, http.StatusOK, status())
	m.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 404})
	m.Clock.Set(Start.Add(24*time.Hour - time.Second))
	assert.Equal(t, http.StatusOK, status())
	m.Clock.Set(Start.Add(24 * time.Hour))
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
			m := newPlainApp(t, authkit.WithBearerTokens())
			cookie, old := m.signIn(Kim), m.Fake.SignToken(m.claims())
			require.Equal(t, "user_kim", m.visitorOf(m.Send(Request{Target: "/api/me", Header: Bearer(old)})))
			c.rotate(m.Fake)
			assert.Equal(t, lee, m.visitor(m.signIn(lee)), "the new key verifies at once")
			m.Clock.Advance(31 * time.Second) // past the pause between two fetches for an unknown key

			resp := m.Send(Request{Target: "/api/me", Header: Bearer(old)})
			assert.Equal(t, c.keepsOld, resp.Status == http.StatusOK, resp.Status)
			resp = m.Send(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()})
			assert.Equal(t, Kim, m.visitorOf(resp), "a session whose token the old key signed is kept")
			assert.Equal(t, c.keepsOld, m.Fake.Calls(authkittest.RouteRefresh) == 0, "the session is refreshed only if its key is gone")
			if !c.keepsOld {
				assert.Equal(t, Kim, m.visitor(resp.session(t)))
			}
		})
	}
}

func TestAnApplicationThatStartedWithoutSigningKeysRecovers(t *testing.T) {
	m := newPlainApp(t)
	cookie := m.signIn(Kim)
	m.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	restarted := newPlainInstance(t, m.Fake, m.Clock, m.Password)
	isUndecided(t, restarted.Instance, cookie)
	m.Fake.ClearFault(authkittest.RouteJWKS)
	m.Clock.Advance(time.Minute)
	assert.Equal(t, Kim, restarted.visitor(cookie))
}

func TestManyUnknownKeyIDsCauseOneJWKSFetchAndDelayNoOtherRequest(t *testing.T) {
	m := newPlainApp(t, authkit.WithBearerTokens())
	m.publishKnown()
	token := m.forge(good)
	require.Equal(t, http.StatusOK, m.Send(Request{Target: "/api/me", Header: Bearer(token)}).Status)
	before := m.Fake.Calls(authkittest.RouteJWKS)
	for round := range 3 {
		var all sync.WaitGroup
		for i := range 1000 {
			all.Go(func() {
				unknown := forgery{header: set("kid", fmt.Sprintf("unknown_%d_%d", round, i))}
				resp, err := m.Do(Request{Target: "/api/me", Header: Bearer(m.forge(unknown))})
				assert.NoError(t, err)
				assert.Equal(t, http.StatusUnauthorized, resp.Status)
			})
		}
		all.Wait()
		assert.Equal(t, round+1, m.Fake.Calls(authkittest.RouteJWKS)-before)
		m.Clock.Advance(30 * time.Second)
	}

	m.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Hang: true})
	waiting := make(chan Response, 1)
	go func() {
		resp, err := m.Do(Request{Target: "/api/me", Header: Bearer(m.forge(forgery{header: set("kid", "unknown")}))})
		assert.NoError(t, err)
		waiting <- resp
	}()
	m.Fake.AwaitCalls(t, authkittest.RouteJWKS, before+4)
	assert.Equal(t, http.StatusOK, m.Send(Request{Target: "/api/me", Header: Bearer(token)}).Status, "a request with a known key does not wait for the fetch")
	m.Fake.ClearFault(authkittest.RouteJWKS)
	assert.Equal(t, http.StatusUnauthorized, (<-waiting).Status)
}
