// Faults: failures of the network or the service that a test injects into calls.

package authkittest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"
)

// Fault describes how a route fails. First the call waits, by Delay or Hang. Then the response is chosen: the one in Status
// and Body if either is set, else the real one. Then Reset, Truncate, Endless or Drip disturbs its delivery. With a
// [*FakeClock], move the clock while a request waits, as [Server.InjectFault] says.
type Fault struct {
	Status int         // replaces the status of the response; 200 when only Body is set
	Body   string      // replaces the body of the response
	Header http.Header // header fields that are set on the response

	Delay time.Duration // how long the call waits, on the fake's clock
	Hang  bool          // the call waits until the caller cancels it, the fault is cleared or the fake is closed

	Reset    bool // the connection is reset after the status line, so that http.Client.Do returns an error
	Truncate bool // the connection closes after half of the body
	Endless  bool // the body is repeated until the caller cancels the call, the fault is cleared or the fake is closed

	Drip time.Duration // the body arrives byte by byte; the time before each byte, on the fake's clock

	// TakeEffect processes the request before the fault applies: for example, a refresh token is rotated but the caller does
	// not get the new one. Without it, a call whose response is replaced or lost has no effect, and a call that waits is
	// processed after the wait.
	TakeEffect bool

	Times int // number of calls that fail; 0 means all calls until ClearFault
}

// replacesResponse reports whether the caller does not get the real response.
func (f Fault) replacesResponse() bool { return f.Status != 0 || f.Body != "" || f.Reset }

// handleCall counts a call and answers it with h. If one of its routes has a fault, it applies that fault.
func (f *Server) handleCall(w http.ResponseWriter, r *http.Request, h http.HandlerFunc, routes ...Route) {
	f.calls.begin()
	defer f.calls.end()
	fault := f.traffic.arrive(routes)
	if fault == nil {
		h(w, r)
		return
	}
	f.calls.noteFault()
	if browserRoutes[routes[0]] {
		defer f.calls.startWait()()
	}
	response := httptest.NewRecorder()
	maps.Copy(response.Header(), w.Header())
	if fault.TakeEffect {
		f.takeEffect(response, r, h, routes)
	}
	cleared, aborted := f.wait(r, fault, fault.Delay, f.clock.AfterFunc)
	switch {
	case aborted:
		panic(http.ErrAbortHandler)
	case !fault.TakeEffect && (cleared || !fault.replacesResponse()):
		h(response, r)
	}
	if cleared {
		send(w, response)
		return
	}
	f.deliver(w, r, fault, response)
}

// effectKey is the key of the function in a request's context that notes that the request has taken effect.
type effectKey struct{}

// takeEffect processes a call before its fault applies.
func (f *Server) takeEffect(w http.ResponseWriter, r *http.Request, h http.HandlerFunc, routes []Route) {
	note := sync.OnceFunc(func() { f.traffic.tookEffect(routes) })
	defer note()
	h(w, r.WithContext(context.WithValue(r.Context(), effectKey{}, note)))
}

// noteEffect notes that a call has taken effect, before it waits for the clock.
func noteEffect(r *http.Request) {
	if note, ok := r.Context().Value(effectKey{}).(func()); ok {
		note()
	}
}

// wait waits for delay, or without limit if the fault has Hang. cleared reports whether ClearFault ended the wait. aborted
// reports whether the caller or the fake ended it, so that no response is possible. afterFunc is that of the clock.
func (f *Server) wait(r *http.Request, fault *activeFault, delay time.Duration, afterFunc func(time.Duration, func()) func() bool) (cleared, aborted bool) {
	if delay <= 0 && !fault.Hang {
		return false, false
	}
	over := make(chan struct{}) // not closed if the fault has Hang
	if !fault.Hang {
		stop := afterFunc(delay, func() { close(over) })
		defer stop()
	}
	f.calls.end()
	defer f.calls.begin()
	select {
	case <-over:
		return false, false
	case <-fault.cleared:
		return true, false
	case <-r.Context().Done():
	case <-f.done:
	}
	return false, true
}

// deliver sends the response of a call with a fault.
func (f *Server) deliver(w http.ResponseWriter, r *http.Request, fault *activeFault, response *httptest.ResponseRecorder) {
	if fault.Reset {
		reset(w)
	}
	if fault.replacesResponse() {
		header := response.Header()
		response = httptest.NewRecorder()
		response.Header().Set("X-Request-ID", header.Get("X-Request-ID"))
		if json.Valid([]byte(fault.Body)) {
			response.Header().Set("Content-Type", "application/json; charset=utf-8")
		}
		if fault.Status != 0 {
			response.Code = fault.Status
		}
		response.Body.WriteString(fault.Body)
	}
	for name, values := range fault.Header {
		response.Header()[http.CanonicalHeaderKey(name)] = values
	}
	switch {
	case fault.Truncate:
		whole := response.Body.Len()
		w.Header().Set("Content-Length", strconv.Itoa(max(whole, 1)))
		response.Body.Truncate(whole / 2)
		send(w, response)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case fault.Endless:
		f.sendForever(w, r, fault, response)
	case fault.Drip > 0:
		f.sendSlowly(w, r, fault, response)
	default:
		send(w, response)
	}
}

func (f *Server) sendForever(w http.ResponseWriter, r *http.Request, fault *activeFault, response *httptest.ResponseRecorder) {
	part := response.Body.Bytes()
	if len(part) == 0 {
		part = []byte(" ")
	}
	const least = 4 << 10 // a write for every byte would take most of the time of the client's test
	part = bytes.Repeat(part, 1+least/len(part))
	send(w, response)
	for {
		select {
		case <-fault.cleared:
			return
		case <-f.done:
			return
		case <-r.Context().Done():
			return
		default:
		}
		if _, err := w.Write(part); err != nil {
			return
		}
	}
}

func (f *Server) sendSlowly(w http.ResponseWriter, r *http.Request, fault *activeFault, response *httptest.ResponseRecorder) {
	body := response.Body.Bytes()
	response.Body = nil
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	send(w, response)
	for i := range body {
		_ = http.NewResponseController(w).Flush()
		switch cleared, aborted := f.wait(r, fault, fault.Drip, f.calls.afterDrip); {
		case aborted:
			panic(http.ErrAbortHandler)
		case cleared:
			_, _ = w.Write(body[i:])
			return
		}
		_, _ = w.Write(body[i : i+1])
	}
}

// send sends a recorded response.
func send(w http.ResponseWriter, response *httptest.ResponseRecorder) {
	maps.Copy(w.Header(), response.Header())
	w.WriteHeader(response.Code)
	if response.Body != nil {
		_, _ = w.Write(response.Body.Bytes())
	}
}

// reset resets the connection after the status line. Without the status line, net/http's Transport would silently send the
// request again.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(fmt.Sprintf("authkittest: %v", err)) // the fake only serves HTTP/1.1, which supports Hijack
	}
	_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\n"))
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // Close then sends RST
	}
	_ = conn.Close()
	panic(http.ErrAbortHandler)
}
