// Code written by hand: a sealed cookie of the standard library, and golang-jwt.

package contender

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"

	"github.com/golang-jwt/jwt/v5"
)

// byHandCookie is the name of the session cookie, and the additional data of its seal.
const byHandCookie = "session"

// byHand is what a careful developer writes with the standard library and one library for tokens. It fetches the signing
// keys once. An application also has to fetch new ones.
func byHand() Contender {
	return Contender{
		Name:    "by-hand",
		Title:   "by hand: AES-GCM, JSON, golang-jwt",
		Modules: []string{"github.com/golang-jwt/jwt/v5"},
		What: "Opens the cookie (AES-256-GCM), decodes the session (`encoding/json`) and verifies the token in it with " +
			"`jwt.ParseWithClaims` and a map of keys.",
		Refuses: Forgeries,
		setUp: func(ctx context.Context, a *authority) (*setup, error) {
			h, err := newHandmade(ctx, a)
			if err != nil {
				return nil, err
			}
			return h.setup(h.read), nil
		},
	}
}

// handmade opens and verifies sessions.
type handmade struct {
	aead   cipher.AEAD
	keys   map[string]*rsa.PublicKey // by their key ID
	parser *jwt.Parser
}

// handmadeSession is a verified session. It does not change, so that requests can share it.
type handmadeSession struct {
	sealedSession
	claims golangClaims
}

func newHandmade(ctx context.Context, a *authority) (*handmade, error) {
	block, err := aes.NewCipher(bytes.Repeat([]byte("b"), 32))
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	keys, err := fetchKeys(ctx, a.jwksURL())
	if err != nil {
		return nil, fmt.Errorf("fetch the signing keys: %w", err)
	}
	return &handmade{aead: aead, keys: keys, parser: jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}),
		jwt.WithIssuer(a.issuer()), jwt.WithAudience(a.clientID), jwt.WithExpirationRequired())}, nil
}

// fetchKeys fetches a set of RSA keys (RFC 7517, section 5, and RFC 7518, section 6.3.1).
func fetchKeys(ctx context.Context, url string) (map[string]*rsa.PublicKey, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var set struct {
		Keys []struct{ Kid, N, E string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&set); err != nil {
		return nil, err
	}
	keys := map[string]*rsa.PublicKey{}
	for _, k := range set.Keys {
		n, err := base64.RawURLEncoding.DecodeString(k.N)
		if err != nil {
			return nil, err
		}
		e, err := base64.RawURLEncoding.DecodeString(k.E)
		if err != nil {
			return nil, err
		}
		keys[k.Kid] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	}
	return keys, nil
}

// setup returns the contender with a function that reads a cookie.
func (h *handmade) setup(read func(cookie string) (*handmadeSession, error)) *setup {
	return &setup{
		header: "Cookie",
		issue:  h.seal,
		wrap: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				cookie, err := r.Cookie(byHandCookie)
				if err != nil {
					refuse(w)
					return
				}
				s, err := read(cookie.Value)
				if err != nil {
					refuse(w)
					return
				}
				next.ServeHTTP(w, withUser(r, s))
			})
		},
		user: func(r *http.Request) string {
			s, ok := userFrom[*handmadeSession](r)
			if !ok {
				return ""
			}
			return s.User.ID
		},
	}
}

// seal returns the Cookie header of a session.
func (h *handmade) seal(s session) (string, error) {
	text, err := json.Marshal(sealedSession{s.token.text, s.refreshToken, profile(s.user)})
	if err != nil {
		return "", err
	}
	nonce := make([]byte, h.aead.NonceSize())
	rand.Read(nonce) // never fails: crypto/rand ends the program instead
	return byHandCookie + "=" + base64.RawURLEncoding.EncodeToString(h.aead.Seal(nonce, nonce, text, []byte(byHandCookie))), nil
}

// read opens a cookie and verifies the token in it.
func (h *handmade) read(cookie string) (*handmadeSession, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil {
		return nil, err
	}
	n := h.aead.NonceSize()
	if len(sealed) < n {
		return nil, errors.New("the cookie is too short")
	}
	text, err := h.aead.Open(nil, sealed[:n], sealed[n:], []byte(byHandCookie))
	if err != nil {
		return nil, err
	}
	s := &handmadeSession{}
	if err := json.Unmarshal(text, &s.sealedSession); err != nil {
		return nil, err
	}
	if _, err := h.parser.ParseWithClaims(s.AccessToken, &s.claims, h.key); err != nil {
		return nil, err
	}
	return s, nil
}

// key returns the key that a token names.
func (h *handmade) key(t *jwt.Token) (any, error) {
	id, _ := t.Header["kid"].(string)
	key, ok := h.keys[id]
	if !ok {
		return nil, errors.New("the token names an unknown key")
	}
	return key, nil
}
