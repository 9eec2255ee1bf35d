// Package routers shows authkit with each of several routers: one file a router, with a function to copy. The handlers of this
// file are the same for all routers of net/http.
package routers

import (
	"fmt"
	"io"
	"net/http"

	"github.com/coder/websocket"

	"github.com/authkit-go/authkit"
)

// pages are the pages of the application. Only home is public.
type pages struct {
	ran       func()            // called when a guarded page begins
	messages  <-chan string     // what stream sends
	setHeader func(http.Header) // sets the header of caching
}

// home shows the user's email address, if there is a user.
func (p pages) home(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, visitor(r))
}

// account shows the email address of the signed-in user.
func (p pages) account(w http.ResponseWriter, r *http.Request) {
	p.ran()
	_, _ = io.WriteString(w, visitor(r))
}

// caching sets its own headers for caches, and a cookie.
func (p pages) caching(w http.ResponseWriter, r *http.Request) {
	p.ran()
	p.setHeader(w.Header())
	_, _ = io.WriteString(w, visitor(r))
}

// stream sends server-sent events: the email address first, then each message.
func (p pages) stream(w http.ResponseWriter, r *http.Request) {
	p.ran()
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	for message, more := visitor(r), true; more; {
		if _, err := fmt.Fprintf(w, "data: %s\n\n", message); err != nil {
			return // the client has left
		}
		if control.Flush() != nil {
			return
		}
		select {
		case message, more = <-p.messages:
		case <-r.Context().Done():
			return
		}
	}
}

// socket answers each message of a WebSocket with the email address and the message.
func (p pages) socket(w http.ResponseWriter, r *http.Request) {
	p.ran()
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	for {
		kind, message, err := conn.Read(r.Context())
		if err != nil {
			return // the client has left
		}
		if conn.Write(r.Context(), kind, []byte(visitor(r)+": "+string(message))) != nil {
			return
		}
	}
}

// visitor returns the email address of the user, or "anonymous".
func visitor(r *http.Request) string {
	if session, ok := authkit.FromContext(r.Context()); ok {
		return session.User().Email
	}
	return "anonymous"
}
