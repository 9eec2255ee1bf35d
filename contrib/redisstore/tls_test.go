// Redis over TLS.

package redisstore

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// selfSigned writes a certificate for 127.0.0.1 and its key into dir, and returns
// what a client trusts.
func selfSigned(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:         true, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	require.NoError(t, os.WriteFile(filepath.Join(dir, "cert.pem"), text, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(text))
	return pool
}

func TestTheRedisStoreWorksOverTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	trusted := selfSigned(t, dir)
	r := startRedis(t, "--port", "0", "--tls-port", "{port}", "--tls-cert-file", filepath.Join(dir, "cert.pem"), "--tls-key-file", filepath.Join(dir, "key.pem"),
		"--tls-auth-clients", "no")
	secure := func(o *redis.Options) { o.TLSConfig = &tls.Config{RootCAs: trusted} }
	s := newStore(t, r.client(secure))
	_, _, swapped, err := s.Swap(t.Context(), "x:1", nil, make([]byte, maxValue), time.Minute)
	require.NoError(t, err)
	assert.True(t, swapped)
	f := follow(t, s)
	require.NoError(t, s.Append(t.Context(), []byte("n")))
	f.requireNotices("n")

	untrusting := newStore(t, r.client(secure, func(o *redis.Options) { o.TLSConfig = &tls.Config{} }))
	_, _, _, err = untrusting.Get(within(t, 5*time.Second), "x:1")
	assert.ErrorContains(t, err, "certificate")
}
