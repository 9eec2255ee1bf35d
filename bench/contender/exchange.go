// The HTTP exchange of a benchmark: a request and a response writer that cost almost nothing.

package contender

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// exchange is a request and a response writer. A benchmark reuses them, so that it measures little besides the contender.
// Both are reset before each use, since a contender may store values in the request.
//
// Nothing else is in a cache line of what serve writes: the exchanges of two processors would then wait for each other.
type exchange struct {
	_          [cacheLines]byte
	original   http.Request
	request    http.Request
	credential [1]string // the value of the header for the credential
	writer     responseWriter
	_          [cacheLines]byte
}

// cacheLines is the size of two cache lines, because a processor may fetch the next one too.
const cacheLines = 128

// head is the head of a request as a browser sends it, without a credential.
const head = "GET /account HTTP/1.1\r\n" +
	"Host: app.example.com\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n" +
	"Accept-Language: en-GB,en;q=0.5\r\n" +
	"Accept-Encoding: gzip, deflate, br\r\n" +
	"Sec-Fetch-Dest: document\r\n" +
	"Sec-Fetch-Mode: navigate\r\n" +
	"Sec-Fetch-Site: same-origin\r\n\r\n"

// newExchange returns an exchange with a header for its credentials. If header is "", it has no credentials.
func newExchange(header string) *exchange {
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head)))
	if err != nil {
		panic(fmt.Sprintf("contender: parse the head of the request: %v", err))
	}
	// The values that net/http's server adds to a request's context.
	ctx := context.WithValue(context.Background(), http.ServerContextKey, &http.Server{})
	ctx = context.WithValue(ctx, http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080})
	r = r.WithContext(ctx)
	r.RemoteAddr = "127.0.0.1:49152"

	e := &exchange{writer: responseWriter{header: http.Header{}}}
	if header != "" {
		r.Header[header] = e.credential[:]
	}
	e.original = *r
	return e
}

// serve calls a handler with a request that has the credential, and returns the status.
func (e *exchange) serve(h http.Handler, credential string) (status int) {
	e.credential[0] = credential
	e.request = e.original
	e.writer.reset()
	h.ServeHTTP(&e.writer, &e.request)
	return e.writer.status
}

// page is the response of the handler behind every contender.
var page = []byte("<!doctype html><title>Account</title><h1>Account</h1>")

// answer is the handler behind every contender.
func answer(w http.ResponseWriter, _ *http.Request) { w.Write(page) }
