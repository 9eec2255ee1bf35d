// Faults: what a network and an overloaded service do to a call.

package authkittest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"
)

// Fault says how a route fails. Delay and Hang come first, then the reply: with Status or Body set it is made of those,
// otherwise it is the real one; then Reset, Truncate, Endless and Drip spoil its delivery.
type Fault struct {
	Status int         // status of the reply instead of the real one; 200 when only Body is set
	Body   string      // body of the reply instead of the real one
	Header http.Header // set on the reply, real or not

	Delay time.Duration // the reply waits, on the fake's clock
	Hang  bool          // the reply waits until the caller gives up, the fault is healed or the fake is closed

	Reset    bool // the connection is reset after the status line: http.Client.Do fails
	Truncate bool // half of the announced body arrives, then the connection closes
	Endless  bool // the body is repeated until the caller gives up, the fault is healed or the fake is closed

	Drip time.Duration // the body arrives byte by byte, with so long before each, on the fake's clock

	// TakeEffect lets the request take effect before it fails: a token is rotated, a code spent, and the caller never learns.
	// Otherwise a call whose reply is replaced or lost takes no effect, and one that waits takes effect afterwards.
	TakeEffect bool

	Times int // how many calls it strikes; 0 means every one until ClearFault
}

// replaced tells that the caller gets another reply than the real one.
func (t Fault) replacesReply() bool { return t.Status != 0 || t.Body != "" || t.Reset }

// admit counts a call, lets the fault strike that is in force for one of its routes, and otherwise answers with h.
func (f *Server) handleCall(w http.ResponseWriter, r *http.Request, h http.HandlerFunc, routes ...Route) {
	fault := f.traffic.arrive(routes)
	if fault == nil {
		h(w, r)
		return
	}
	reply := httptest.NewRecorder()
	maps.Copy(reply.Header(), w.Header())
	if fault.TakeEffect {
		h(reply, r)
	}
	cleared, aborted := f.wait(r, fault, fault.Delay)
	switch {
	case aborted:
		panic(http.ErrAbortHandler)
	case !fault.TakeEffect && (cleared || !fault.replacesReply()):
		h(reply, r)
	}
	if cleared {
		send(w, reply)
		return
	}
	f.deliver(w, r, fault, reply)
}

// wait lets a delay pass, or Hang. It tells whether the fault was healed meanwhile, and whether nobody is left to answer.
func (f *Server) wait(r *http.Request, fault *activeFault, delay time.Duration) (cleared, aborted bool) {
	if delay <= 0 && !fault.Hang {
		return false, false
	}
	over := make(chan struct{}) // never closed when it hangs
	if !fault.Hang {
		stop := f.clock.AfterFunc(delay, func() { close(over) })
		defer stop()
	}
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

// deliver sends the reply of a struck call.
func (f *Server) deliver(w http.ResponseWriter, r *http.Request, fault *activeFault, reply *httptest.ResponseRecorder) {
	if fault.Reset {
		reset(w)
	}
	if fault.replacesReply() {
		header := reply.Header()
		reply = httptest.NewRecorder()
		reply.Header().Set("X-Request-ID", header.Get("X-Request-ID"))
		if json.Valid([]byte(fault.Body)) {
			reply.Header().Set("Content-Type", "application/json; charset=utf-8")
		}
		if fault.Status != 0 {
			reply.Code = fault.Status
		}
		reply.Body.WriteString(fault.Body)
	}
	for name, values := range fault.Header {
		reply.Header()[http.CanonicalHeaderKey(name)] = values
	}
	switch {
	case fault.Truncate:
		whole := reply.Body.Len()
		w.Header().Set("Content-Length", strconv.Itoa(max(whole, 1)))
		reply.Body.Truncate(whole / 2)
		send(w, reply)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case fault.Endless:
		f.sendForever(w, r, fault, reply)
	case fault.Drip > 0:
		f.sendSlowly(w, r, fault, reply)
	default:
		send(w, reply)
	}
}

func (f *Server) sendForever(w http.ResponseWriter, r *http.Request, fault *activeFault, reply *httptest.ResponseRecorder) {
	part := reply.Body.Bytes()
	if len(part) == 0 {
		part = []byte(" ")
	}
	send(w, reply)
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

func (f *Server) sendSlowly(w http.ResponseWriter, r *http.Request, fault *activeFault, reply *httptest.ResponseRecorder) {
	body := reply.Body.Bytes()
	reply.Body = nil
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	send(w, reply)
	for i := range body {
		_ = http.NewResponseController(w).Flush()
		switch cleared, aborted := f.wait(r, fault, fault.Drip); {
		case aborted:
			panic(http.ErrAbortHandler)
		case cleared:
			_, _ = w.Write(body[i:])
			return
		}
		_, _ = w.Write(body[i : i+1])
	}
}

// send copies a recorded reply to the caller.
func send(w http.ResponseWriter, reply *httptest.ResponseRecorder) {
	maps.Copy(w.Header(), reply.Header())
	w.WriteHeader(reply.Code)
	if reply.Body != nil {
		_, _ = w.Write(reply.Body.Bytes())
	}
}

// reset breaks the connection off after the status line. An untouched connection would not do: net/http's Transport
// quietly repeats a request of which it has seen nothing come back.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(fmt.Sprintf("authkittest: %v", err)) // the fake speaks HTTP/1.1 only, which can be hijacked
	}
	_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\n"))
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // closing then sends RST
	}
	_ = conn.Close()
	panic(http.ErrAbortHandler)
}
