// Bodies: buffers for copies, and the time that a body may take in both directions.

package proxy

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// bufferPool is an httputil.BufferPool.
type bufferPool struct{ pool sync.Pool }

const bufferSize = 32 << 10

func newBufferPool() *bufferPool {
	return &bufferPool{sync.Pool{New: func() any { return new([bufferSize]byte) }}}
}

func (p *bufferPool) Get() []byte { return p.pool.Get().(*[bufferSize]byte)[:] }

func (p *bufferPool) Put(b []byte) {
	if len(b) == bufferSize {
		p.pool.Put((*[bufferSize]byte)(b))
	}
}

// errBodyTimeout is the error of a body of which no byte came in time.
var errBodyTimeout = errors.New("proxy: no byte of the body came in time")

// timedBody is the body of a request. Each read has a deadline, so that a body may be long but not stand still.
//
// Over HTTP/1 the deadline stays between two reads, because the server reads what the handler has left before it answers. Over HTTP/2
// a deadline that passes between two reads ends the body, also if the upstream is the slow one, and the server reads no rest.
type timedBody struct {
	io.ReadCloser
	isHTTP2 bool
	control *http.ResponseController
	timeout time.Duration
	late    atomic.Bool // no byte came in time
	invalid atomic.Bool // it cannot be read, for example because a chunk is not one
}

// withBodyTimeout returns the request with a body whose reads end after the timeout, if that is not 0.
func withBodyTimeout(w http.ResponseWriter, r *http.Request, timeout time.Duration) *http.Request {
	if r.Body == nil || r.Body == http.NoBody {
		return r
	}
	body := &timedBody{ReadCloser: r.Body, isHTTP2: r.ProtoMajor >= 2, control: http.NewResponseController(w), timeout: timeout}
	if timeout > 0 && !body.isHTTP2 {
		body.setDeadline()
	}
	r.Body = body
	return r
}

// setDeadline sets the deadline of the next read, on the system's clock, as that of a connection is.
func (b *timedBody) setDeadline() { _ = b.control.SetReadDeadline(time.Now().Add(b.timeout)) }

func (b *timedBody) Read(p []byte) (int, error) {
	if b.timeout > 0 {
		b.setDeadline()
	}
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == nil && b.isHTTP2 && b.timeout > 0:
		_ = b.control.SetReadDeadline(time.Time{})
	case err == nil:
	case err == io.EOF && b.timeout > 0:
		// Now the server begins to watch the connection. A deadline would look like a client that has left.
		_ = b.control.SetReadDeadline(time.Time{})
	case errors.Is(err, os.ErrDeadlineExceeded):
		b.late.Store(true)
		err = errBodyTimeout // the deadline stays, so that the server does not wait for the rest of the body
	case err != io.EOF:
		b.invalid.Store(true)
	}
	return n, err
}

// faultOfBody returns the status of a request that has failed because of its body, and 0 for another reason. The error of a
// transport may not say so.
func faultOfBody(r *http.Request) int {
	body, ok := r.Body.(*timedBody)
	switch {
	case ok && body.late.Load():
		return http.StatusRequestTimeout
	case ok && body.invalid.Load():
		return http.StatusBadRequest
	}
	return 0
}

// timedWriter is the writer of a response. Each write has a deadline, so that a client must read on. The time between writes has no
// limit, because an event stream may be silent.
type timedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
}

func newTimedWriter(w http.ResponseWriter, timeout time.Duration) http.ResponseWriter {
	if timeout <= 0 {
		return w
	}
	return &timedWriter{w, http.NewResponseController(w), timeout}
}

func (w *timedWriter) Write(b []byte) (int, error) {
	defer w.limit()()
	return w.ResponseWriter.Write(b)
}

// FlushError is for http.ResponseController.
func (w *timedWriter) FlushError() error {
	defer w.limit()()
	return w.control.Flush()
}

// limit sets the deadline. The function that it returns removes it.
func (w *timedWriter) limit() (remove func()) {
	_ = w.control.SetWriteDeadline(time.Now().Add(w.timeout))
	return func() { _ = w.control.SetWriteDeadline(time.Time{}) }
}

// Unwrap lets http.ResponseController find the other methods of the server's writer.
func (w *timedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
