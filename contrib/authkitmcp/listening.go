// Which requests only listen, so that their response ends with the token.

package authkitmcp

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/authkit-go/authkit/resource"
)

// listen is the method with which a client waits for notifications, since the protocol of 2026-07-28.
const listen = "subscriptions/listen"

// standardHeaders is the first protocol whose requests name their method in a header. The SDK compares it with the body.
const standardHeaders = "2026-07-28"

// untilEnd serves a request. If the response only has what the server sends by itself, it ends with the token. The response to a
// call may end after the token does.
//
// The SDK also accepts the method listen in older protocols, in which no header names it. So the body of such a request is
// watched while the SDK reads it.
func untilEnd(api *resource.Server, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		switch {
		case r.Method == http.MethodGet, r.Header.Get("Mcp-Method") == listen:
			r = r.WithContext(api.UntilEnd(ctx))
		case r.Header.Get("Mcp-Protocol-Version") < standardHeaders:
			bounded, cancel := context.WithCancelCause(ctx)
			defer cancel(nil)
			r = r.WithContext(bounded)
			r.Body = &watchedBody{ReadCloser: r.Body, listens: func() {
				end := api.UntilEnd(ctx)
				context.AfterFunc(end, func() { cancel(context.Cause(end)) })
			}}
		}
		next.ServeHTTP(w, r)
	})
}

// watchedBody is a body that calls listens when it has been read and names the method listen.
type watchedBody struct {
	io.ReadCloser
	read    bytes.Buffer
	listens func() // nil after the end of the body
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.listens == nil {
		return n, err
	}
	b.read.Write(p[:n])
	if err == io.EOF {
		if namesListen(b.read.Bytes()) {
			b.listens()
		}
		b.listens, b.read = nil, bytes.Buffer{}
	}
	return n, err
}

// namesListen reports whether a string of a JSON text is the name of the method. It does not look for the member, because
// decoders differ in duplicate members and in the case of their names.
func namesListen(body []byte) bool {
	if !bytes.Contains(body, []byte("listen")) && !bytes.Contains(body, []byte(`\u`)) {
		return false
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	for {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		if token == listen {
			return true
		}
	}
}
