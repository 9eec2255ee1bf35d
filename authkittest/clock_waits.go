// Requests that wait for a FakeClock because of a fault: Run moves the clock for them.
//
// A request waits from the fault until its response header is written. A fault concerns every request that waits for a
// response when it applies, because one call of authkit serves several requests, and every request that begins soon after,
// because a call that failed is repeated after a pause. When no such request waits, the clock stops. A request stops to
// wait before its client can see the response, so a test that has a response sees a clock that stands still.

package authkittest

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	// faultAftermath is how long a fault concerns requests that begin after it. A refresh with its repetitions takes 10 s at
	// most.
	faultAftermath = 15 * time.Second

	// waitLimit is how far the clock moves for one request. authkit makes no request wait longer than 30 s for one call. A
	// handler that waits for something else does not move the clock for ever.
	waitLimit = time.Minute
)

// waits are the requests that a FakeClock moves for. FakeClock.mu guards them. The zero value moves the clock for none.
type waits struct {
	enabled   bool
	requests  map[*waitingRequest]bool
	faulted   bool          // a fault has applied to a call
	lastFault time.Time     // on the clock
	stopped   chan struct{} // closed when the goroutine that moves the clock ends; nil before the first one
	moving    bool          // it runs
}

// waitingRequest is a request whose response has not begun.
type waitingRequest struct {
	faulted bool          // it may wait because of a fault
	moved   time.Duration // how far the clock has moved for it
}

// moveForFaults makes the clock move while requests of waitingHandler wait because of a fault.
func (c *FakeClock) moveForFaults() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits.enabled = true
	if c.waits.requests == nil {
		c.waits.requests = map[*waitingRequest]bool{}
	}
}

// startWait adds a request. The result ends its wait, at its first call.
func (c *FakeClock) startWait() (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stillness.changes++
	if !c.waits.enabled {
		return func() {}
	}
	r := &waitingRequest{faulted: c.waits.faulted && c.now.Sub(c.waits.lastFault) < faultAftermath}
	c.waits.requests[r] = true
	c.moveIfWaiting()
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.waits.requests[r] {
			delete(c.waits.requests, r)
			c.stillness.changes++
		}
	}
}

// noteFault records that a call has met a fault.
func (c *FakeClock) noteFault() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stillness.changes++
	c.waits.faulted, c.waits.lastFault = true, c.now
	for r := range c.waits.requests {
		r.faulted = true
	}
	c.moveIfWaiting()
}

// moveIfWaiting starts the goroutine that moves the clock, if it does not run and a request waits.
func (c *FakeClock) moveIfWaiting() {
	w := &c.waits
	if w.moving || !w.any() {
		return
	}
	w.moving, w.stopped = true, make(chan struct{})
	stopped := w.stopped
	go func() {
		defer close(stopped)
		for c.step(w.anyOrStop) {
		}
	}()
}

// any reports whether the clock moves for a request.
func (w *waits) any() bool {
	for r := range w.requests {
		if r.faulted && r.moved < waitLimit {
			return true
		}
	}
	return false
}

// anyOrStop is any. If it returns false, the next fault starts another goroutine.
func (w *waits) anyOrStop() bool {
	w.moving = w.any()
	return w.moving
}

// moved adds a movement of the clock to the requests that it is for.
func (w *waits) moved(d time.Duration) {
	for r := range w.requests {
		if r.faulted {
			r.moved += d
		}
	}
}

// stopMoving waits until the goroutine that moves the clock has ended. No request may wait.
func (c *FakeClock) stopMoving() {
	c.mu.Lock()
	stopped := c.waits.stopped
	c.mu.Unlock()
	if stopped != nil {
		<-stopped
	}
}

// waitingHandler returns a handler whose requests wait until their response begins.
func (c *FakeClock) waitingHandler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		end := c.startWait()
		defer end()
		h.ServeHTTP(&waitingWriter{ResponseWriter: w, begin: end}, r)
	})
}

// waitingWriter calls begin before its response begins. It has the optional interfaces of the server's writer for HTTP/1.
type waitingWriter struct {
	http.ResponseWriter
	begin func()
}

func (w *waitingWriter) WriteHeader(status int) {
	if status >= http.StatusOK || status == http.StatusSwitchingProtocols {
		w.begin()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *waitingWriter) Write(p []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(p)
}

// WriteString implements io.StringWriter.
func (w *waitingWriter) WriteString(s string) (int, error) {
	w.begin()
	return io.WriteString(w.ResponseWriter, s)
}

// ReadFrom implements io.ReaderFrom.
func (w *waitingWriter) ReadFrom(from io.Reader) (int64, error) {
	w.begin()
	return io.Copy(w.ResponseWriter, from)
}

// Flush implements http.Flusher.
func (w *waitingWriter) Flush() {
	w.begin()
	_ = http.NewResponseController(w.ResponseWriter).Flush() // as http.Flusher, it reports no error
}

// Hijack implements http.Hijacker.
func (w *waitingWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.begin()
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// CloseNotify implements the deprecated http.CloseNotifier, which some routers need.
func (w *waitingWriter) CloseNotify() <-chan bool {
	return w.ResponseWriter.(interface{ CloseNotify() <-chan bool }).CloseNotify()
}

// Unwrap returns the server's writer for http.ResponseController.
func (w *waitingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
