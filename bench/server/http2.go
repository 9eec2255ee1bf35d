// The client of HTTP/2 over TLS.

package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
)

// http2 is a connection of HTTP/2. The requests that are sent at the same time are streams of it.
type http2 struct {
	transport *http.Transport
	url       string
}

func newHTTP2(at addresses, path string) (*http2, error) {
	certificate, err := x509.ParseCertificate(at.Certificate)
	if err != nil {
		return nil, fmt.Errorf("read the certificate of the server: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	var dialed atomic.Bool
	dialer := &net.Dialer{Timeout: deadline}
	return &http2{url: "https://" + at.HTTPS + path, transport: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if dialed.Swap(true) {
				return nil, errors.New("the streams need a second connection")
			}
			return dialer.DialContext(ctx, network, address)
		},
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		ForceAttemptHTTP2: true, DisableCompression: true, ResponseHeaderTimeout: deadline,
	}}, nil
}

func (c *http2) close() { c.transport.CloseIdleConnections() }

func (c *http2) exchange(cookie string) (setsCookie bool, err error) {
	r, err := http.NewRequest(http.MethodGet, c.url, nil)
	if err != nil {
		return false, err
	}
	for _, field := range header {
		r.Header.Set(field[0], field[1])
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	response, err := c.transport.RoundTrip(r)
	if err != nil {
		return false, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	switch err := errors.Join(err, response.Body.Close()); {
	case err != nil:
		return false, err
	case response.StatusCode != http.StatusOK || response.ProtoMajor != 2:
		return false, fmt.Errorf("a request got the response %q over %s", response.Status, response.Proto)
	}
	return len(response.Header["Set-Cookie"]) > 0, nil
}
