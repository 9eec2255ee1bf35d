// The certificate of the servers that speak TLS.

package behaviour

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http/httptest"
	"sync"
	"time"
)

// startTLS starts a server with a certificate on an elliptic curve, which its Client trusts. The key of httptest is an RSA key, and a
// handshake with it takes twice as long.
func startTLS(server *httptest.Server) {
	server.TLS = &tls.Config{Certificates: []tls.Certificate{curveCertificate()}, CurvePreferences: []tls.CurveID{tls.X25519}}
	server.StartTLS()
}

// curveCertificate is a certificate for 127.0.0.1. It is valid at the time of this machine.
var curveCertificate = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Unix(0, 0), NotAfter: time.Now().AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{certificate}, PrivateKey: key}
})
