// An exchange: a request and the writer of its answer, as cheap as they can be.

package contender

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// exchange is a request and the writer of its answer, used again and again, so that what is measured is the contender
// and hardly anything else. Before each use both are as new: a contender may keep things in the request.
type exchange struct {
	asSent     http.Request
	request    http.Request
	credential []string // the value of the header that carries it
	writer     responseWriter
}

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

// newExchange makes an exchange whose credentials are in a header, or that has none where header is "".
func newExchange(header string) *exchange {
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head)))
	if err != nil {
		panic(fmt.Sprintf("contender: the head of the request: %v", err))
	}
	// What net/http's server puts into a request's context.
	ctx := context.WithValue(context.Background(), http.ServerContextKey, &http.Server{})
	ctx = context.WithValue(ctx, http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080})
	r = r.WithContext(ctx)
	r.RemoteAddr = "127.0.0.1:49152"

	e := &exchange{credential: []string{""}, writer: responseWriter{header: http.Header{}}}
	if header != "" {
		r.Header[header] = e.credential
	}
	e.asSent = *r
	return e
}

// serve lets a handler answer a request that brings a credential, and returns the status.
func (e *exchange) serve(h http.Handler, credential string) (status int) {
	e.credential[0] = credential
	e.request = e.asSent
	e.writer.reset()
	h.ServeHTTP(&e.writer, &e.request)
	return e.writer.status
}

// page is what the handler behind every contender answers.
var page = []byte("<!doctype html><title>Account</title><h1>Account</h1>")

// answer is the handler behind every contender.
func answer(w http.ResponseWriter, _ *http.Request) { w.Write(page) }
