// TLS and the log: what the server is made of besides its handler.

package proxy

import (
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
)

// certificate is the certificate of the listener, which is read again when its files change.
type certificate struct {
	files   TLS
	current atomic.Pointer[tls.Certificate]
}

func newCertificate(files TLS) (*certificate, error) {
	c := &certificate{files: files}
	return c, c.read()
}

// read reads the files. After an error the certificate stays.
func (c *certificate) read() error {
	pair, err := tls.LoadX509KeyPair(c.files.CertificateFile, c.files.KeyFile)
	if err != nil {
		return fmt.Errorf("the certificate of %s cannot be used with the key of %s: %w", c.files.CertificateFile, c.files.KeyFile, err)
	}
	c.current.Store(&pair)
	return nil
}

func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
	}
}

// newLogger returns the log of the proxy.
func newLogger(c Log, w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		return nil, fmt.Errorf("level %q is not one of debug, info, warn and error", c.Level)
	}
	options := &slog.HandlerOptions{Level: level}
	switch c.Format {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, fmt.Errorf("format %q is not one of text and json", c.Format)
}
