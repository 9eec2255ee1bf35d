// The run of the router suite over net/http.

package behaviour

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit"
)

func TestTheRouterSuitePassesForNetHTTP(t *testing.T) {
	holds := RunRouter(t, Router{Name: "net/http", Serve: func(t testing.TB, l net.Listener, app *RouterApp) {
		app.ServeHandler(t, l, routerMux(app))
	}})
	for _, column := range RouterColumns {
		assert.True(t, holds[column], column)
	}
	assert.Len(t, holds, len(RouterColumns))
}

// routerMux returns the application of the router suite on net/http alone.
func routerMux(app *RouterApp) http.Handler {
	email := func(r *http.Request) string {
		s, ok := authkit.FromContext(r.Context())
		if !ok {
			return "anonymous"
		}
		return s.User().Email
	}
	guarded := func(h func(http.ResponseWriter, *http.Request)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			app.Ran()
			h(w, r)
		}
	}
	show := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, email(r)) }
	ak, mux := app.AuthKit, http.NewServeMux()
	mux.Handle("GET /login", ak.Login())
	mux.Handle("GET /callback", ak.Callback())
	mux.Handle("POST /logout", ak.Logout())
	mux.HandleFunc("GET /{$}", show)
	mux.Handle("GET /account", ak.RequireAuth(guarded(show)))
	mux.Handle("GET /admin", ak.RequireRole("admin")(guarded(show)))
	mux.Handle("GET /caching", ak.RequireAuth(guarded(func(w http.ResponseWriter, r *http.Request) {
		SetCachingHeader(w.Header())
		show(w, r)
	})))
	mux.Handle("GET /stream", ak.RequireAuth(guarded(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		message, more := email(r), true
		for more {
			fmt.Fprintf(w, "data: %s\n\n", message)
			_ = http.NewResponseController(w).Flush()
			select {
			case message, more = <-app.Messages:
			case <-r.Context().Done():
				return
			}
		}
	})))
	mux.Handle("GET /socket", ak.RequireAuth(guarded(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Sec-WebSocket-Accept", socketAccept(r.Header.Get("Sec-WebSocket-Key")))
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		echoText(buffered, email(r))
	})))
	return ak.Middleware(mux)
}

// echoText answers each short text message with a name and the message, until the client leaves.
func echoText(rw *bufio.ReadWriter, name string) {
	for {
		head := make([]byte, 6) // opcode, length, mask
		if _, err := io.ReadFull(rw, head); err != nil {
			return
		}
		message := make([]byte, head[1]&^maskBit)
		if _, err := io.ReadFull(rw, message); err != nil {
			return
		}
		for i := range message {
			message[i] ^= head[2+i%4]
		}
		answer := name + ": " + string(message)
		rw.Write([]byte{textFrame, byte(len(answer))})
		rw.WriteString(answer)
		rw.Flush()
	}
}
