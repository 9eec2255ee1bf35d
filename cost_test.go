// Benchmarks of the middleware, and of the cryptography that a request needs at least. Module bench compares the
// middleware with other libraries.

package authkit_test

import (
	"bufio"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/behaviour"
	"github.com/authkit-go/authkit/workos"
)

// newBenchmark returns an application that is called without a network, and the cookies
// of some of its sessions.
func newBenchmark(b testing.TB, sessions int, opts ...authkit.Option) (handler http.Handler, cookies []string) {
	fake := authkittest.New(b)
	ak, err := authkit.New(append([]authkit.Option{
		authkit.WithAPIKey(fake.APIKey()), authkit.WithClientID(fake.ClientID()), authkit.WithBaseURL(fake.URL()),
		authkit.WithCookiePassword(behaviour.Password), authkit.WithRedirectURL("https://app.example.com/callback"),
		authkit.WithLogger(slog.New(slog.DiscardHandler)),
	}, opts...)...)
	require.NoError(b, err)
	for i := range sessions {
		cookies = append(cookies, signedInCookie(b, ak, fake, i))
	}
	return ak.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})), cookies
}

// signedInCookie signs a user in and returns the Cookie header of the session.
func signedInCookie(b testing.TB, ak *authkit.AuthKit, fake *authkittest.Server, i int) string {
	user := workos.User{
		ID: fmt.Sprintf("user_01JQ4ZK6X9YV3W8T5R2N7M%04d", i), Email: "kim.oduya@example.com", EmailVerified: true,
		FirstName: "Kim", LastName: "Oduya", Name: "Kim Oduya", ProfilePictureURL: "https://workoscdn.com/images/v1/" + strings.Repeat("k", 40),
		Locale: "en-GB", Metadata: map[string]string{"plan": "pro"},
	}
	token := fake.SignToken(map[string]any{
		"iss": fake.Issuer(), "sub": user.ID, "sid": fmt.Sprintf("session_01JQ4ZK6X9YV3W8T5R2N%05d", i), "jti": "01JQ4ZK6X9YV3W8T5R2N7MABCD",
		"client_id": fake.ClientID(), "org_id": "org_01JQ4ZK6X9YV3W8T5R2N7MABCD", "role": "admin", "roles": []string{"admin", "billing"},
		"permissions": []string{"posts:read", "posts:write", "posts:delete", "users:read", "users:write", "billing:read", "billing:write",
			"settings:read", "settings:write", "audit:read"},
		"entitlements": []string{"audit-logs", "sso"}, "feature_flags": []string{"beta"},
		"auth_time": time.Now().Unix(), "iat": time.Now().Unix(), "exp": time.Now().Unix() + 3600,
	})
	w := httptest.NewRecorder()
	_, err := ak.SignIn(w, httptest.NewRequest("POST", "/", nil), &workos.Authentication{
		User: user, AccessToken: token, RefreshToken: rand.Text(), AuthenticationMethod: "Password",
	})
	require.NoError(b, err)
	c := w.Result().Cookies()[0]
	return c.Name + "=" + c.Value
}

// reply is a ResponseWriter that costs almost nothing. It has the interfaces of a server's writer.
type reply struct{ header http.Header }

func (w *reply) Header() http.Header         { return w.header }
func (w *reply) Write(b []byte) (int, error) { return len(b), nil }
func (w *reply) WriteHeader(int)             {}
func (w *reply) Flush()                      {}
func (w *reply) Hijack() (c net.Conn, rw *bufio.ReadWriter, err error) {
	return nil, nil, http.ErrNotSupported
}

// serve sends one request after another, each with the next of the cookies.
func serve(b *testing.B, handler http.Handler, cookies ...string) {
	w := &reply{http.Header{}}
	r := httptest.NewRequest("GET", "/", nil)
	lines := make([][]string, len(cookies))
	for i, cookie := range cookies {
		lines[i] = []string{"theme=dark; " + cookie}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		clear(w.header)
		if len(lines) > 0 {
			r.Header["Cookie"] = lines[i%len(lines)]
		}
		handler.ServeHTTP(w, r)
	}
}

func BenchmarkAnonymous(b *testing.B) {
	handler, _ := newBenchmark(b, 0)
	serve(b, handler)
}

func BenchmarkWarm(b *testing.B) {
	handler, cookies := newBenchmark(b, 1)
	serve(b, handler, cookies...)
}

func BenchmarkCold(b *testing.B) {
	handler, cookies := newBenchmark(b, 1000, authkit.WithSessionCache(10, 1<<20))
	serve(b, handler, cookies...)
}

func BenchmarkColdCompact(b *testing.B) {
	handler, cookies := newBenchmark(b, 1000, authkit.WithSessionCache(10, 1<<20), authkit.WithCompactCookie())
	serve(b, handler, cookies...)
}

func BenchmarkCacheOff(b *testing.B) {
	handler, cookies := newBenchmark(b, 1, authkit.WithSessionCache(0, 0))
	serve(b, handler, cookies...)
}

// BenchmarkFloor measures the least that a request costs: it opens 2 KB with AES-256-GCM and verifies one RSA-2048
// signature.
func BenchmarkFloor(b *testing.B) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(b, err)
	digest := sha256.Sum256(nil)
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	require.NoError(b, err)
	block, err := aes.NewCipher(digest[:])
	require.NoError(b, err)
	aead, err := cipher.NewGCM(block)
	require.NoError(b, err)
	nonce := make([]byte, aead.NonceSize())
	sealed := aead.Seal(nil, nonce, make([]byte, 2048), nil)
	opened := make([]byte, 0, 2048)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := aead.Open(opened, nonce, sealed, nil); err != nil {
			b.Fatal(err)
		}
		if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature); err != nil {
			b.Fatal(err)
		}
	}
}
