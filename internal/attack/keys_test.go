// The endpoint of the signing keys, in the hands of an attacker or out of order: lines 19 to 22 of the list.

package attack_test

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

func TestWhateverTheKeysEndpointAnswersTheOldKeysStayAndBadOnesAreNotUsed(t *testing.T) {
	small := newKey(1024)
	var stolen listener
	elsewhere := stolen.listen(t)
	bad := func(name string, value any) func(*minimal) authkittest.Fault {
		return func(m *minimal) authkittest.Fault {
			return authkittest.Fault{Body: m.keySet(changed(jwk(knownID, knownKey()), name, value))}
		}
	}
	is := func(fault authkittest.Fault) func(*minimal) authkittest.Fault {
		return func(*minimal) authkittest.Fault { return fault }
	}
	for _, c := range []struct {
		name   string
		answer func(*minimal) authkittest.Fault
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
		{name: "a megabyte of keys", status: 503, answer: func(m *minimal) authkittest.Fault {
			var keys []object
			for i := range 3000 {
				keys = append(keys, jwk(fmt.Sprintf("key_%d", i), knownKey()))
			}
			return authkittest.Fault{Body: m.keySet(append(keys, jwk(knownID, knownKey()))...)}
		}},
		{name: "a redirect to another host", status: 503, answer: is(authkittest.Fault{Status: 302, Body: "x", Header: http.Header{"Location": {elsewhere}}})},
		{name: "only bad keys", status: 503, answer: func(*minimal) authkittest.Fault {
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
		{name: "a key of 1024 bits", status: 401, sign: rs(crypto.SHA256, small), answer: func(m *minimal) authkittest.Fault {
			return authkittest.Fault{Body: m.keySet(jwk(knownID, small))}
		}},
		{name: "two keys of one ID, the signer's first", status: 401, answer: func(m *minimal) authkittest.Fault {
			return authkittest.Fault{Body: m.keySet(jwk(knownID, knownKey()), jwk(knownID, unknownKey()))}
		}},
		{name: "two keys of one ID, the signer's last", status: 401, answer: func(m *minimal) authkittest.Fault {
			return authkittest.Fault{Body: m.keySet(jwk(knownID, unknownKey()), jwk(knownID, knownKey()))}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMinimal(t, authkit.WithBearerTokens())
			cookie := m.signIn(kim)
			genuine := func() string { return m.fake.SignToken(m.claims()) }
			require.Equal(t, "user_kim", m.visitorOf(m.send(request{path: "/api/me", header: bearer(genuine())})))

			m.fake.InjectFault(authkittest.RouteJWKS, c.answer(m))
			before := m.fake.Calls(authkittest.RouteJWKS)
			forged := m.forge(forgery{sign: c.sign})
			resp := m.send(request{path: "/api/me", header: bearer(forged)})
			assert.Equal(t, c.status, resp.status, resp.body)
			assert.Equal(t, c.status == 503, resp.header.Get("Retry-After") != "")
			assert.Equal(t, kim, m.visitor(cookie), "the keys that were there stay")
			assert.Equal(t, "user_kim", m.visitorOf(m.send(request{path: "/api/me", header: bearer(genuine())})))
			for range 50 {
				assert.NotEqual(t, http.StatusOK, m.send(request{path: "/api/me", header: bearer(forged)}).status)
			}
			assert.LessOrEqual(t, m.fake.Calls(authkittest.RouteJWKS)-before, 2, "nobody makes it ask again and again")
		})
	}
	assert.Zero(t, stolen.heard.Load())
}

func TestKeysThatCannotBeRenewedServeForADayAndNoLonger(t *testing.T) {
	m := newMinimal(t, authkit.WithBearerTokens())
	status := func() int {
		return m.send(request{path: "/api/me", header: bearer(m.fake.SignToken(m.claims()))}).status
	}
	require.Equal(t, http.StatusOK, status())
	m.fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 404})
	m.clock.Set(startOfTime.Add(24*time.Hour - time.Second))
	assert.Equal(t, http.StatusOK, status())
	m.clock.Set(startOfTime.Add(24 * time.Hour))
	assert.Equal(t, http.StatusServiceUnavailable, status())
}

func TestARotationLosesNobodyAndARetiredKeyVerifiesNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		rotate func(*authkittest.Server)
		keeps  bool
	}{
		{"beside the new key the old one goes on", (*authkittest.Server).AddSigningKey, true},
		{"in place of the old key only the new one does", (*authkittest.Server).RotateSigningKeys, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMinimal(t, authkit.WithBearerTokens())
			cookie, old := m.signIn(kim), m.fake.SignToken(m.claims())
			require.Equal(t, "user_kim", m.visitorOf(m.send(request{path: "/api/me", header: bearer(old)})))
			c.rotate(m.fake)
			assert.Equal(t, lee, m.visitor(m.signIn(lee)), "a new key works at once")
			m.clock.Advance(31 * time.Second) // past the pause between two questions for an unknown key

			resp := m.send(request{path: "/api/me", header: bearer(old)})
			assert.Equal(t, c.keeps, resp.status == http.StatusOK, resp.status)
			mine := m.send(request{path: "/api/me", cookie: cookie, header: scripted()})
			assert.Equal(t, kim, m.visitorOf(mine), "a session that the old key signed is not lost")
			assert.Equal(t, c.keeps, m.fake.Calls(authkittest.RouteRefresh) == 0, "it is refreshed where it has to be")
			if !c.keeps {
				assert.Equal(t, kim, m.visitor(mine.session(t)))
			}
		})
	}
}

func TestWithoutKeysAnApplicationStartsAndDecidesNothingForOrAgainstAnybody(t *testing.T) {
	undecided := func(t *testing.T, a *target, cookie string) {
		t.Helper()
		refreshes := a.fake.Calls(authkittest.RouteRefresh)
		for _, header := range []http.Header{navigation(), scripted()} {
			for _, path := range []string{"/account", "/api/me"} {
				resp := a.send(request{path: path, cookie: cookie, header: header})
				assert.Equal(t, http.StatusServiceUnavailable, resp.status)
				assert.NotEmpty(t, resp.header.Get("Retry-After"))
				assert.Empty(t, resp.header["Set-Cookie"], "the cookie stays")
			}
		}
		for path, status := range map[string]int{"/": 200, "/healthz": 200, "/login": 303} {
			resp := a.send(request{path: path, cookie: cookie, header: navigation()})
			assert.Equal(t, status, resp.status, path)
			assert.NotContains(t, resp.body, kim, path)
		}
		assert.Equal(t, http.StatusUnauthorized, a.send(request{path: "/api/me", header: scripted()}).status, "nobody is nobody all the same")
		s := a.begin("/account", kim)
		exchanges := a.fake.Calls(authkittest.RouteCodeExchange)
		resp := a.send(request{path: s.path(), cookie: s.cookie + "; " + cookie, header: navigation()})
		assert.Equal(t, http.StatusServiceUnavailable, resp.status)
		assert.Empty(t, resp.header["Set-Cookie"], "loading the page again goes on from here")
		assert.Equal(t, exchanges, a.fake.Calls(authkittest.RouteCodeExchange), "no code is spent for a session that could not be verified")
		assert.Equal(t, refreshes, a.fake.Calls(authkittest.RouteRefresh), "no refresh is triggered")
	}
	for _, example := range []string{"stdlib", "chi"} {
		t.Run(example, func(t *testing.T) {
			a := running(t, example)
			cookie := a.signIn(kim)
			a.fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
			defer a.fake.ClearFault(authkittest.RouteJWKS)
			again := start(t, example, a.fake, a.password)
			undecided(t, again.target(t), cookie)
			assert.Equal(t, kim, a.visitor(cookie), "the process that has keys goes on")
		})
	}
	t.Run("minimal", func(t *testing.T) {
		m := newMinimal(t)
		cookie := m.signIn(kim)
		m.fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
		again := newProcess(t, m.fake, m.clock, m.password)
		undecided(t, again.target, cookie)
		m.fake.ClearFault(authkittest.RouteJWKS)
		m.clock.Advance(time.Minute)
		assert.Equal(t, kim, again.visitor(cookie), "and it heals by itself")
	})
}

func TestAThousandRequestsWithMadeUpKeysCauseOneFetchAndNobodyWaits(t *testing.T) {
	m := newMinimal(t, authkit.WithBearerTokens())
	m.publishKnown()
	token := m.forge(good)
	require.Equal(t, http.StatusOK, m.send(request{path: "/api/me", header: bearer(token)}).status)
	before := m.fake.Calls(authkittest.RouteJWKS)
	for moment := range 3 {
		var all sync.WaitGroup
		for i := range 1000 {
			all.Go(func() {
				madeUp := forgery{header: set("kid", fmt.Sprintf("made_up_%d_%d", moment, i))}
				resp, err := m.do(request{path: "/api/me", header: bearer(m.forge(madeUp))})
				assert.NoError(t, err)
				assert.Equal(t, http.StatusUnauthorized, resp.status)
			})
		}
		all.Wait()
		assert.Equal(t, moment+1, m.fake.Calls(authkittest.RouteJWKS)-before)
		m.clock.Advance(30 * time.Second)
	}

	m.fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Hang: true})
	waits := make(chan response, 1)
	go func() {
		resp, err := m.do(request{path: "/api/me", header: bearer(m.forge(forgery{header: set("kid", "made_up")}))})
		assert.NoError(t, err)
		waits <- resp
	}()
	m.fake.AwaitCalls(t, authkittest.RouteJWKS, before+4)
	assert.Equal(t, http.StatusOK, m.send(request{path: "/api/me", header: bearer(token)}).status, "nobody else waits for that fetch")
	m.fake.ClearFault(authkittest.RouteJWKS)
	assert.Equal(t, http.StatusUnauthorized, (<-waits).status)
}
