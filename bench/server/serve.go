// The process that serves the application.

package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"runtime"
	"time"
)

// addresses are where a process serves the application.
type addresses struct {
	HTTP        string `json:"http"`        // HTTP/1.1
	HTTPS       string `json:"https"`       // HTTP/2 over TLS
	Certificate []byte `json:"certificate"` // of HTTPS, in DER
}

// question asks a server process for its [Usage].
const question = "usage"

// Serve reads the configuration of the application and serves it on free ports of 127.0.0.1. It writes the addresses, then a
// [Usage] for each question that it reads. It stops when its input ends.
func Serve(in io.Reader, out io.Writer) error {
	questions, answers := json.NewDecoder(in), json.NewEncoder(out)
	var c config
	if err := questions.Decode(&c); err != nil {
		return fmt.Errorf("read the configuration: %w", err)
	}
	handler, err := c.handler()
	if err != nil {
		return err
	}
	archive := newArchive()
	defer runtime.KeepAlive(archive)
	l, err := listen(handler)
	if err != nil {
		return err
	}
	return errors.Join(answer(questions, answers, l.addresses), l.shutdown())
}

// answer writes the addresses and answers questions until there are no more.
func answer(questions *json.Decoder, answers *json.Encoder, at addresses) error {
	if err := answers.Encode(at); err != nil {
		return err
	}
	for {
		var asked string
		err := questions.Decode(&asked)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read a question: %w", err)
		case asked != question:
			return fmt.Errorf("the question %q is unknown", asked)
		}
		if err := answers.Encode(usage()); err != nil {
			return err
		}
	}
}

// listening is an application that is served on two ports.
type listening struct {
	addresses
	plain, secure *http.Server
	served        chan error // the end of each server
}

func listen(handler http.Handler) (*listening, error) {
	certificate, err := newCertificate()
	if err != nil {
		return nil, err
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	secure, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, plain.Close())
	}
	newServer := func() *http.Server { return &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second} }
	l := &listening{
		addresses: addresses{HTTP: plain.Addr().String(), HTTPS: secure.Addr().String(), Certificate: certificate.Certificate[0]},
		plain:     newServer(), secure: newServer(), served: make(chan error, 2),
	}
	l.secure.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}}
	go func() { l.served <- l.plain.Serve(plain) }()
	go func() { l.served <- l.secure.ServeTLS(secure, "", "") }()
	return l, nil
}

func (l *listening) shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := errors.Join(l.plain.Shutdown(ctx), l.secure.Shutdown(ctx))
	for range cap(l.served) {
		if stopped := <-l.served; !errors.Is(stopped, http.ErrServerClosed) {
			err = errors.Join(err, stopped)
		}
	}
	return err
}

// newCertificate returns a certificate for 127.0.0.1 that it signs itself.
func newCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
