// Records the exchanges between a client and a server.

package openapi

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// NewProxy returns a reverse proxy to target, the base URL of a server. It passes each exchange to record before the client
// has the whole response. record may be called by several goroutines.
func NewProxy(target *url.URL, record func(Exchange)) http.Handler {
	return Record(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}, record)
}

// Record returns a handler that answers as next does and passes each exchange to record. An exchange that next aborts is not
// recorded. record may be called by several goroutines.
func Record(next http.Handler, record func(Exchange)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := Exchange{Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Header: r.Header.Clone()}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler) // the client has not sent the whole request
		}
		e.Body, r.Body = body, io.NopCloser(bytes.NewReader(body))
		recorder := &recorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(recorder, r)
		e.Status, e.ResponseHeader, e.ResponseBody = recorder.status, w.Header().Clone(), recorder.body.Bytes()
		record(e)
	})
}

// recorder is a ResponseWriter that remembers what is written.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(part []byte) (int, error) {
	r.body.Write(part)
	return r.ResponseWriter.Write(part)
}

// Unwrap returns the writer for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
