// Which requests the front repeats at another instance.

package main

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// brokenTransport fails for every request.
type brokenTransport struct {
	err   error
	hosts []string
}

func (b *brokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	b.hosts = append(b.hosts, r.URL.Host)
	return nil, b.err
}

func TestTheFrontRepeatsOnlyARequestThatCanBeRepeated(t *testing.T) {
	refused, cut := &net.OpError{Op: "dial", Err: errors.New("refused")}, errors.New("connection cut")
	for name, c := range map[string]struct {
		method string
		err    error
		tried  int
	}{
		"a GET after a refused connection":  {http.MethodGet, refused, 3},
		"a GET after a cut connection":      {http.MethodGet, cut, 3},
		"a POST after a refused connection": {http.MethodPost, refused, 3},
		"a POST after a cut connection":     {http.MethodPost, cut, 1},
	} {
		t.Run(name, func(t *testing.T) {
			broken := &brokenTransport{err: c.err}
			f := &front{fleet: fleet{{name: "A", host: "a"}, {name: "B", host: "b"}, {name: "C", host: "c"}}, transport: broken}
			r := httptest.NewRequest(c.method, "/", strings.NewReader("form"))
			_, err := f.RoundTrip(r)
			require.ErrorIs(t, err, c.err)
			assert.Equal(t, []string{"a", "b", "c"}[:c.tried], broken.hosts)
		})
	}
}
