// A JWKS endpoint that fails or serves bad keys, and key rotation.

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

// changed is a JWK with one member changed, or taken out where the value is nil.
func changed(key object, name string, value any) object {
	key[name] = value
	if value == nil {
		delete(key, name)
	}
	return key
}

func TestABadJWKSReplyKeepsTheOldKeysAndAddsNoBadKey(t *testing.T) {
	small := newKey(1024)
	var stolen listener
	elsewhere := stolen.listen(t)
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
		answer func(*App) authkittest.Fault
		sign   func(string) []byte
		status int // of a token signed by the key that is bad, or missing
	}{
		{name: "500", answer: is(authkittest.Fault{Status: 500}), status: 503},
		{name: "429", answer: is(authkittest.Fault{Status: 429}), status: 503},
		{name: "HTML", answer: is(authkittest.Fault{Body: "<html>"}), status: 503},
		{name: "nothing", answer: is(authkittest.Fault{Status: 200}), status: 503},
		{name: "null", answer: is(authkittest.Fault{Body: "null"}), status: 503},
		{name: "an empty set", answer: is(authkittest.Fault{Body: `{"keys":[]}`}), status: 503},
		{name: "a set without keys", answer: is(authkittest.Fault{Body: `{}`}), status: 503},
		{name: "an endless answer", answer: is(authkittest.Fault{Body: `{"keys":[`, Endless: true}), status: 503},
		{name: "an answer that breaks off", answer: is(authkittest.Fault{Truncate: true}), status: 503},
		{name: "a connection that breaks", answer: is(authkittest.Fault{Reset: true}), status: 503},
		{name: "a megabyte of keys", status: 503, answer: func(m *App) authkittest.Fault {
			var keys []object
			for i := range 3000 {
				keys = append(keys, jwk(fmt.Sprintf("key_%d", i), knownKey()))
			}
			return authkittest.Fault{Body: m.keySet(append(keys, jwk(knownID, knownKey()))...)}
		}},
		{name: "a redirect to another host", status: 503, answer: is(authkittest.Fault{Status: 302, Body: "x", Header: http.Header{"Location": {elsewhere}}})},
		{name: "only bad keys", status: 503, answer: func(*App) authkittest.Fault {
			return authkittest.Fault{Body: marshal(object{"keys": []object{changed(jwk(knownID, knownKey()), "use", "enc")}})}
		}},
		{name: "a key for encryption", answer: bad("use", "enc"), status: 401},
		{name: "a key of another algorithm", answer: bad("alg", "RS512"), status: 401},
		{name: "a key for no algorithm", answer: bad("alg", "none"), status: 401},
		{name: "a key of another kind", answer: bad("kty", "oct"), status: 401},
		{name: "a key without a modulus", answer: bad("n", nil), status: 401},
		{name: "a key without an ID", answer: bad("kid", nil), status: 401},
		{name: "a key of which 1 is the exponent", answer: bad("e", "AQ"), status: 401, sign: func(input string) []byte {
			// With that exponent the padded digest is its own signature, for anybody.
			padded := append([]byte{0, 1}, []byte(strings.Repeat("\xff", 256-3-51))...)
			padded = append(padded, 0)
			padded = append(padded, []byte("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20")...)
			return append(padded, digest(crypto.SHA256, input)...)
		}},
		{name: "a key of 1024 bits", status: 401, sign: rs(crypto.SHA256, small), answer: func(m *App) authkittest.Fault {
			return authkittest.Fault{Body: m.keySet(jwk(knownID, small))}
		}},
		{name: "two keys of one ID, the signer's first", status: 401, answer: func(m *App) authkittest.Fault {
			return authkittest.Fault{Body: m.keySet(jwk(knownID, knownKey()), jwk(knownID, unknownKey()))}
		}},
		{name: "two keys of one ID, the signer's last", status: 401, answer: func(m *App) authkittest.Fault {
			return authkittest.Fault{Body: m.keySet(jwk(knownID, unknownKey()), jwk(knownID, knownKey()))}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newPlainApp(t, authkit.WithBearerTokens())
			cookie := m.signIn(Kim)
			genuine := func() string { return m.Fake.SignToken(m.claims()) }
			require.Equal(t, "user_kim", m.visitorOf(m.Send(Request{Target: "/api/me", Header: Bearer(genuine())})))

			m.Fake.InjectFault(authkittest.RouteJWKS, c.answer(m))
			before := m.Fake.Calls(authkittest.RouteJWKS)
			forged := m.forge(forgery{sign: c.sign})
			resp := m.Send(Request{Target: "/api/me", Header: Bearer(forged)})
			assert.Equal(t, c.status, resp.Status, resp.Body)
			assert.Equal(t, c.status == 503, resp.Header.Get("Retry-After") != "")
			assert.Equal(t, Kim, m.visitor(cookie), "the keys that were there stay")
			assert.Equal(t, "user_kim", m.visitorOf(m.Send(Request{Target: "/api/me", Header: Bearer(genuine())})))
			for range 50 {
				assert.NotEqual(t, http.StatusOK, m.Send(Request{Target: "/api/me", Header: Bearer(forged)}).Status)
			}
			assert.LessOrEqual(t, m.Fake.Calls(authkittest.RouteJWKS)-before, 2, "nobody makes it ask again and again")
		})
	}
	assert.Zero(t, stolen.heard.Load())
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
		name   string
		rotate func(*authkittest.Server)
		keeps  bool
	}{
		{"beside the new key the old one goes on", (*authkittest.Server).AddSigningKey, true},
		{"in place of the old key only the new one does", (*authkittest.Server).RotateSigningKeys, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newPlainApp(t, authkit.WithBearerTokens())
			cookie, old := m.signIn(Kim), m.Fake.SignToken(m.claims())
			require.Equal(t, "user_kim", m.visitorOf(m.Send(Request{Target: "/api/me", Header: Bearer(old)})))
			c.rotate(m.Fake)
			assert.Equal(t, lee, m.visitor(m.signIn(lee)), "a new key works at once")
			m.Clock.Advance(31 * time.Second) // past the pause between two questions for an unknown key

			resp := m.Send(Request{Target: "/api/me", Header: Bearer(old)})
			assert.Equal(t, c.keeps, resp.Status == http.StatusOK, resp.Status)
			mine := m.Send(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()})
			assert.Equal(t, Kim, m.visitorOf(mine), "a session that the old key signed is not lost")
			assert.Equal(t, c.keeps, m.Fake.Calls(authkittest.RouteRefresh) == 0, "it is refreshed where it has to be")
			if !c.keeps {
				assert.Equal(t, Kim, m.visitor(mine.session(t)))
			}
		})
	}
}

func TestAnApplicationThatStartedWithoutSigningKeysRecovers(t *testing.T) {
	m := newPlainApp(t)
	cookie := m.signIn(Kim)
	m.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	again := newPlainInstance(t, m.Fake, m.Clock, m.Password)
	isUndecided(t, again.Instance, cookie)
	m.Fake.ClearFault(authkittest.RouteJWKS)
	m.Clock.Advance(time.Minute)
	assert.Equal(t, Kim, again.visitor(cookie))
}

func TestManyUnknownKeyIDsCauseOneJWKSFetchAndDelayNoOtherRequest(t *testing.T) {
	m := newPlainApp(t, authkit.WithBearerTokens())
	m.publishKnown()
	token := m.forge(good)
	require.Equal(t, http.StatusOK, m.Send(Request{Target: "/api/me", Header: Bearer(token)}).Status)
	before := m.Fake.Calls(authkittest.RouteJWKS)
	for moment := range 3 {
		var all sync.WaitGroup
		for i := range 1000 {
			all.Go(func() {
				madeUp := forgery{header: set("kid", fmt.Sprintf("made_up_%d_%d", moment, i))}
				resp, err := m.Do(Request{Target: "/api/me", Header: Bearer(m.forge(madeUp))})
				assert.NoError(t, err)
				assert.Equal(t, http.StatusUnauthorized, resp.Status)
			})
		}
		all.Wait()
		assert.Equal(t, moment+1, m.Fake.Calls(authkittest.RouteJWKS)-before)
		m.Clock.Advance(30 * time.Second)
	}

	m.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Hang: true})
	waits := make(chan Response, 1)
	go func() {
		resp, err := m.Do(Request{Target: "/api/me", Header: Bearer(m.forge(forgery{header: set("kid", "made_up")}))})
		assert.NoError(t, err)
		waits <- resp
	}()
	m.Fake.AwaitCalls(t, authkittest.RouteJWKS, before+4)
	assert.Equal(t, http.StatusOK, m.Send(Request{Target: "/api/me", Header: Bearer(token)}).Status, "nobody else waits for that fetch")
	m.Fake.ClearFault(authkittest.RouteJWKS)
	assert.Equal(t, http.StatusUnauthorized, (<-waits).Status)
}
