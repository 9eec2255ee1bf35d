// The fetch over HTTP: responses, keys, redirects and errors.

package jwks_test

import (
	"bytes"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/jwks"
)

// modulus returns an odd number with the given number of bits. These tests need no private key for it.
func modulus(bits uint) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return n.SetBit(n, 0, 1)
}

func TestAnUnusableResponseKeepsTheOldKeys(t *testing.T) {
	tooLong := object{"keys": []object{jwkB()}, "x": strings.Repeat("x", 1<<20)}.json()
	for name, answer := range map[string]http.HandlerFunc{
		"status 500":                  sendStatus(http.StatusInternalServerError),
		"status 404":                  sendStatus(http.StatusNotFound),
		"status 204":                  sendStatus(http.StatusNoContent),
		"keys under status 203":       func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(203); publish(jwkB())(w, r) },
		"HTML":                        sendBody("<html>sign in</html>"),
		"nothing":                     sendBody(""),
		"null":                        sendBody("null"),
		"an array":                    sendBody("[]"),
		"an object without keys":      sendBody("{}"),
		"keys that are not a list":    sendBody(`{"keys":{}}`),
		"an empty set":                publish(),
		"a set and more":              sendBody(object{"keys": []object{jwkB()}}.json() + "{}"),
		"more than a megabyte":        sendBody(tooLong),
		"an endless body":             endless,
		"a body that ends early":      endsEarly,
		"a redirect without a target": sendStatus(http.StatusFound),
		"only unusable keys":          publish(jwkB().with("use", "enc"), jwkB().with("kty", "EC")),
		"one key ID for two keys":     publish(jwkA().with("kid", "kid_b"), jwkB()),
		"one key ID for the same":     publish(jwkB(), jwkB()),
		"one key ID for three":        publish(jwkB(), jwkB(), jwkB()),
		"keys that are not objects":   sendBody(`{"keys":[1,"kid_b",null,[]]}`),
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t, publish(jwkA()))
			keys, c := newKeySet(e)
			require.NoError(t, keys.Load(t.Context()))
			e.answer(answer)
			c.advance(11 * time.Minute)

			_, err := keys.Key(t.Context(), "kid_a") // starts a refresh
			require.NoError(t, err)
			keys.WaitForFetch()

			assert.EqualValues(t, 2, e.requests.Load())
			old, err := keys.Key(t.Context(), "kid_a")
			require.NoError(t, err, "the old keys stay")
			assert.True(t, keyA().PublicKey.Equal(old))
			_, err = keys.Key(t.Context(), "kid_b")
			require.ErrorIs(t, err, jwks.ErrUnavailable)
			require.NotErrorIs(t, err, jwks.ErrCoolDown)
			assert.EqualValues(t, 2, e.requests.Load(), "a failure is followed by a pause")

			first, _ := newKeySet(e)
			require.ErrorIs(t, first.Load(t.Context()), jwks.ErrUnavailable)
		})
	}
}

func endless(w http.ResponseWriter, _ *http.Request) {
	chunk := bytes.Repeat([]byte(" "), 64<<10)
	for {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

func endsEarly(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "1000")
	publish()(w, r)
}

func TestAnUnusableKeyIsIgnored(t *testing.T) {
	n := keyB().N
	for name, unusable := range map[string]object{
		"for encryption":                 jwkB().with("use", "enc"),
		"a use that is not a string":     jwkB().with("use", nil),
		"for another algorithm":          jwkB().with("alg", "RS384"),
		"for PSS":                        jwkB().with("alg", "PS256"),
		"an elliptic curve key":          {"kty": "EC", "kid": "kid_b", "crv": "P-256", "x": b64(make([]byte, 32)), "y": b64(make([]byte, 32))},
		"a symmetric key":                {"kty": "oct", "kid": "kid_b", "k": b64(make([]byte, 32))},
		"a type in other case":           jwkB().with("kty", "rsa"),
		"no type":                        jwkB().without("kty"),
		"no modulus":                     jwkB().without("n"),
		"no exponent":                    jwkB().without("e"),
		"an empty modulus":               jwkB().with("n", ""),
		"a modulus that is not a string": jwkB().with("n", 5),
		"a modulus not in base64url":     jwkB().with("n", "!!!"),
		"a 1024-bit modulus":             publicJWK("kid_b", modulus(1024), 65537),
		"a 2047-bit modulus":             publicJWK("kid_b", modulus(2047), 65537),
		"an 8193-bit modulus":            publicJWK("kid_b", modulus(8193), 65537),
		"an even modulus":                publicJWK("kid_b", new(big.Int).Lsh(big.NewInt(1), 2047), 65537),
		"exponent 1":                     publicJWK("kid_b", n, 1),
		"exponent 0":                     publicJWK("kid_b", n, 0),
		"an even exponent":               publicJWK("kid_b", n, 65536),
		"an exponent over 31 bits":       publicJWK("kid_b", n, 1<<31+1),
		"an exponent over 64 bits":       jwkB().with("e", b64([]byte{1, 0, 0, 0, 0, 0, 1, 0, 1})),
	} {
		t.Run(name, func(t *testing.T) {
			keys, _ := newKeySet(newEndpoint(t, publish(unusable, jwkA())))

			_, err := keys.Key(t.Context(), "kid_b")

			require.ErrorIs(t, err, jwks.ErrUnknownKey)
			_, err = keys.Key(t.Context(), "kid_a")
			require.NoError(t, err, "the other key is used")
		})
	}
	t.Run("without an ID", func(t *testing.T) {
		for _, unusable := range []object{jwkB().without("kid"), jwkB().with("kid", ""), jwkB().with("kid", 1)} {
			keys, _ := newKeySet(newEndpoint(t, publish(unusable, jwkA())))
			_, err := keys.Key(t.Context(), "")
			require.ErrorIs(t, err, jwks.ErrUnknownKey)
		}
	})
	t.Run("with a member twice", func(t *testing.T) {
		twice := strings.Replace(jwkB().json(), `{`, `{"kid":"kid_b",`, 1)
		keys, _ := newKeySet(newEndpoint(t, sendBody(`{"keys":[`+twice+`,`+jwkA().json()+`]}`)))
		_, err := keys.Key(t.Context(), "kid_b")
		require.ErrorIs(t, err, jwks.ErrUnknownKey)
	})
}

func TestAnUnusualButValidKeyIsUsed(t *testing.T) {
	private := keyB()
	for name, usable := range map[string]object{
		"as WorkOS publishes it":         jwkB().with("x5c", []string{"MIIB"}).with("x5t#S256", "AAAA"),
		"without use and alg":            jwkB().without("use").without("alg"),
		"with private parameters":        jwkB().with("d", b64(private.D.Bytes())).with("p", b64(private.Primes[0].Bytes())),
		"with broken private parameters": jwkB().with("d", 5),
		"with an unknown parameter":      jwkB().with("x", object{"y": 1}),
		"besides one for encryption":     jwkB(),
	} {
		t.Run(name, func(t *testing.T) {
			keys, _ := newKeySet(newEndpoint(t, publish(jwkB().with("use", "enc"), usable, jwkA())))

			key, err := keys.Key(t.Context(), "kid_b")

			require.NoError(t, err)
			assert.True(t, private.PublicKey.Equal(key))
		})
	}
	for name, usable := range map[string]object{
		"an 8192-bit modulus": publicJWK("kid_b", modulus(8192), 65537),
		"exponent 3":          publicJWK("kid_b", modulus(2048), 3),
	} {
		t.Run(name, func(t *testing.T) {
			keys, _ := newKeySet(newEndpoint(t, publish(usable)))

			_, err := keys.Key(t.Context(), "kid_b")

			require.NoError(t, err)
		})
	}
}

func TestAFetchSendsItsUserAgentAndNoCredentials(t *testing.T) {
	var got *http.Request
	e := newEndpoint(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		publish(jwkA())(w, r)
	})
	keys, _ := newKeySet(e, jwks.WithUserAgent("acme/1.0"))

	require.NoError(t, keys.Load(t.Context()))

	assert.Equal(t, http.MethodGet, got.Method)
	assert.Equal(t, "acme/1.0", got.UserAgent())
	assert.Contains(t, got.Header.Get("Accept"), "application/json")
	assert.Empty(t, got.Header.Get("Authorization"))
}

func TestARedirectIsFollowedOnTheSameHostOnly(t *testing.T) {
	elsewhere := newEndpoint(t, publish(jwkA()))
	for name, test := range map[string]struct {
		location string
		good     bool
	}{
		"to another path of the same host": {"/moved", true},
		"to another host":                  {elsewhere.URL, false},
		"to the same host in a loop":       {"/loop", false},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/moved" {
					publish(jwkA())(w, r)
					return
				}
				http.Redirect(w, r, test.location, http.StatusFound)
			})
			keys, _ := newKeySet(e)

			err := keys.Load(t.Context())

			if test.good {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, jwks.ErrUnavailable)
			}
			assert.Zero(t, elsewhere.requests.Load())
		})
	}
	t.Run("from https to http", func(t *testing.T) {
		secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+r.Host+"/", http.StatusFound)
		}))
		defer secure.Close()
		keys := jwks.NewKeySet(secure.URL, jwks.WithHTTPClient(secure.Client()), quiet)

		err := keys.Load(t.Context())

		require.ErrorIs(t, err, jwks.ErrUnavailable)
		require.ErrorContains(t, err, "redirected away from https")
	})
}

func TestTheCallersHTTPClientIsNotChanged(t *testing.T) {
	calls := 0
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
		calls++
		return http.ErrUseLastResponse
	}}
	e := newEndpoint(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/moved", http.StatusFound) })
	keys, _ := newKeySet(e, jwks.WithHTTPClient(client))

	require.ErrorIs(t, keys.Load(t.Context()), jwks.ErrUnavailable)

	assert.Equal(t, 1, calls, "its own CheckRedirect is called too")
	require.ErrorIs(t, client.CheckRedirect(nil, nil), http.ErrUseLastResponse)
	assert.Nil(t, http.DefaultClient.CheckRedirect)
}

func TestAnUnusableURLIsReportedWithoutItsPassword(t *testing.T) {
	for _, url := range []string{"", "https://kim:hunter2@127.0.0.1:0/", "https://kim:hunter2@[::1/", "gopher://kim:hunter2@127.0.0.1/"} {
		var log bytes.Buffer
		keys := jwks.NewKeySet(url, jwks.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))

		err := keys.Load(t.Context())

		require.ErrorIs(t, err, jwks.ErrUnavailable)
		assert.NotContains(t, err.Error(), "hunter2")
		assert.NotContains(t, log.String(), "hunter2")
		assert.Contains(t, log.String(), "level=WARN")
	}
}
