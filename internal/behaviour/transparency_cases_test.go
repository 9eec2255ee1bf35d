// The uses of a connection that the tests compare with and without the middleware.

package behaviour

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testrun"
)

var digits = strings.Repeat("0123456789", 30_000)

type outerKey struct{}

var handlerBehaviours = map[string]handlerBehaviour{
	"answer": {handle: func(e *httpExchange, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Vary", "Accept")
		http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark"})
		w.WriteHeader(http.StatusTeapot)
		n, err := io.WriteString(w, "short and stout")
		e.note("%d %v", n, err)
	}},
	"stream events": {
		handle: func(e *httpExchange, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, "data: 1\n\n")
			w.(http.Flusher).Flush()
			e.wait(r)
			io.WriteString(w, "data: 2\n\n")
			e.note("flushed: %v", http.NewResponseController(w).Flush())
		},
		read: func(e *httpExchange, resp *http.Response) string {
			first := make([]byte, len("data: 1\n\n"))
			_, err := io.ReadFull(resp.Body, first)
			require.NoError(e.t, err, "the first event arrives before the second is written")
			close(e.resume)
			rest, err := io.ReadAll(resp.Body)
			require.NoError(e.t, err)
			return string(first) + string(rest)
		},
	},
	"flush before the first write": {
		handle: func(e *httpExchange, w http.ResponseWriter, r *http.Request) {
			e.note("flushed: %v", http.NewResponseController(w).Flush())
			e.wait(r)
			w.Header().Set("X-Late", "too late")
			io.WriteString(w, "body")
		},
		read: func(e *httpExchange, resp *http.Response) string {
			close(e.resume)
			return readAll(e, resp.Body)
		},
	},
	"speak WebSocket": {only: "HTTP/1.1", handle: speakWebSocket, request: webSocketRequest, read: readWebSocket},
	"try to hijack over HTTP/2": {only: "HTTP/2.0", handle: func(e *httpExchange, w http.ResponseWriter, _ *http.Request) {
		_, _, err := http.NewResponseController(w).Hijack()
		e.note("not supported: %t", errors.Is(err, http.ErrNotSupported))
		_, hijacks := w.(http.Hijacker)
		e.note("not implemented: %t", !hijacks)
		w.WriteHeader(http.StatusUpgradeRequired)
	}},
	"hijack and close the connection": {only: "HTTP/1.1", handle: func(e *httpExchange, w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		e.note("%v", err)
		_, err = w.Write([]byte("too late"))
		e.note("%t", errors.Is(err, http.ErrHijacked))
		conn.Close()
	}},
	"use the response controller": {handle: func(e *httpExchange, w http.ResponseWriter, _ *http.Request) {
		controller := http.NewResponseController(w)
		e.note("%v", controller.SetReadDeadline(time.Now().Add(time.Hour)))
		e.note("%v", controller.SetWriteDeadline(time.Now().Add(time.Hour)))
		e.note("%v", controller.EnableFullDuplex())
		e.note("%v", controller.Flush())
	}},
	"read after the read deadline": {
		request: func(e *httpExchange) *http.Request {
			body, end := io.Pipe()
			go func() { <-e.ended; end.Close() }()
			return e.requestWithBody("POST", nil, body)
		},
		handle: func(e *httpExchange, w http.ResponseWriter, r *http.Request) {
			controller := http.NewResponseController(w)
			e.note("%v", controller.SetReadDeadline(time.Now().Add(-time.Second)))
			_, err := io.ReadAll(r.Body)
			e.note("late: %t", errors.Is(err, os.ErrDeadlineExceeded))
			io.WriteString(w, "body")
		},
	},
	"write after the write deadline": {handle: func(e *httpExchange, w http.ResponseWriter, _ *http.Request) {
		e.note("%v", http.NewResponseController(w).SetWriteDeadline(time.Now().Add(-time.Second)))
		io.WriteString(w, digits)
	}},
	"read and write in turns": {
		request: func(e *httpExchange) *http.Request {
			body, lines := io.Pipe()
			go func() {
				io.WriteString(lines, "one\n")
				<-e.resume
				io.WriteString(lines, "two\n")
				lines.Close()
			}()
			return e.requestWithBody("POST", nil, body)
		},
		handle: func(e *httpExchange, w http.ResponseWriter, r *http.Request) {
			controller := http.NewResponseController(w)
			e.note("%v", controller.EnableFullDuplex())
			for lines := bufio.NewScanner(r.Body); lines.Scan(); {
				io.WriteString(w, "you said "+lines.Text()+"\n")
				e.note("%v", controller.Flush())
			}
		},
		read: func(e *httpExchange, resp *http.Response) string {
			reader := bufio.NewReader(resp.Body)
			first, err := reader.ReadString('\n')
			require.NoError(e.t, err, "the first answer arrives before the second line is sent")
			close(e.resume)
			return first + readAll(e, reader)
		},
	},
	"send trailers": {handle: func(_ *httpExchange, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Checksum")
		io.WriteString(w, "body")
		w.Header().Set("X-Checksum", "42")
		w.Header().Set(http.TrailerPrefix+"X-Unannounced", "yes")
	}},
	"send trailers without a body": {handle: func(_ *httpExchange, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Checksum")
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		w.Header().Set("X-Checksum", "42")
	}},
	"send early hints": {handle: func(_ *httpExchange, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Add("Link", "</script.js>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		cacheable(w)
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, "body")
	}},
	"answer a HEAD request": {
		request: func(e *httpExchange) *http.Request { return e.request("HEAD", nil) },
		handle: func(e *httpExchange, w http.ResponseWriter, _ *http.Request) {
			n, err := io.WriteString(w, "body")
			e.note("%d %v", n, err)
		},
	},
	"answer a HEAD request for a file": {
		request: func(e *httpExchange) *http.Request { return e.request("HEAD", nil) },
		handle:  serveDigits,
	},
	"serve a file":  {handle: serveDigits},
	"serve a range": {request: requestWithHeader("Range", "bytes=5-14"), handle: serveDigits},
	"serve two ranges": {request: requestWithHeader("Range", "bytes=0-4,10-19"), handle: serveDigits, read: func(e *httpExchange, resp *http.Response) string {
		_, params, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		require.NoError(e.t, err)
		resp.Header.Set("Content-Type", "multipart/byteranges") // the boundary is random
		var parts []string
		for reader := multipart.NewReader(resp.Body, params["boundary"]); ; {
			part, err := reader.NextPart()
			if err == io.EOF {
				return strings.Join(parts, ", ")
			}
			require.NoError(e.t, err)
			parts = append(parts, part.Header.Get("Content-Range")+" "+readAll(e, part))
		}
	}},
	"serve a range beyond the end":      {request: requestWithHeader("Range", "bytes=999999-"), handle: serveDigits},
	"serve a range of an older version": {request: requestWithHeader("Range", "bytes=5-14", "If-Range", `"v0"`), handle: serveDigits},
	"answer If-None-Match":              {request: requestWithHeader("If-None-Match", `"v1"`), handle: serveDigits},
	"answer If-Modified-Since":          {request: requestWithHeader("If-Modified-Since", Start.Format(http.TimeFormat)), handle: serveDigits},
	"answer If-Match":                   {request: requestWithHeader("If-Match", `"v0"`), handle: serveDigits},
	"serve a file from disk": {handle: func(e *httpExchange, w http.ResponseWriter, r *http.Request) {
		file := fileOfDigits(e)
		defer file.Close()
		http.ServeContent(w, r, "digits.txt", Start, file)
	}},
	"copy a file from disk": {handle: func(e *httpExchange, w http.ResponseWriter, _ *http.Request) {
		file := fileOfDigits(e)
		defer file.Close()
		w.Header().Set("Content-Length", fmt.Sprint(len(digits)))
		n, err := io.Copy(w, file)
		e.note("%d %v", n, err)
	}},
	"answer within a timeout inside the middleware": {inside: timeoutHandler(time.Hour), handle: func(_ *httpExchange, w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "in time")
	}},
	"answer within a timeout outside the middleware": {around: timeoutHandler(time.Hour), handle: func(_ *httpExchange, w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "in time")
	}},
	"exceed a timeout inside the middleware":  {inside: timeoutHandler(2 * time.Millisecond), handle: exceedTimeout},
	"exceed a timeout outside the middleware": {around: timeoutHandler(50 * time.Millisecond), handle: exceedTimeout, outsideMiddleware: true},
	"abort": {handle: func(_ *httpExchange, w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "half")
		panic(http.ErrAbortHandler)
	}},
	"abort after a flush": {handle: func(_ *httpExchange, w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}},
	"panic": {handle: func(*httpExchange, http.ResponseWriter, *http.Request) { panic("a mistake") }},
	"panic and recover outside the middleware": {
		around: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() {
					if p := recover(); p != nil {
						http.Error(w, fmt.Sprint(p), http.StatusInternalServerError)
					}
				}()
				next.ServeHTTP(w, r)
			})
		},
		handle: func(*httpExchange, http.ResponseWriter, *http.Request) { panic("a mistake") },
	},
	"read the context": {
		around: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ctx, cancel := context.WithDeadline(context.WithValue(r.Context(), outerKey{}, "from outside"), Start.AddDate(1000, 0, 0))
				defer cancel()
				next.ServeHTTP(w, r.WithContext(ctx))
			})
		},
		handle: func(e *httpExchange, w http.ResponseWriter, r *http.Request) {
			deadline, ok := r.Context().Deadline()
			e.note("%v %v %v", r.Context().Value(outerKey{}), deadline, ok)
			_, ok = r.Context().Value(http.ServerContextKey).(*http.Server)
			e.note("server: %v, address: %t", ok, r.Context().Value(http.LocalAddrContextKey) != nil)
			e.note("%v", r.Context().Err())
			inner, cancel := context.WithCancelCause(r.Context())
			cancel(errors.New("enough"))
			e.note("%v, %v", inner.Err(), context.Cause(inner))
		},
	},
	"lose the client": {
		request: func(e *httpExchange) *http.Request {
			go func() { <-e.began; e.cancel() }()
			return e.request("GET", nil)
		},
		handle: func(e *httpExchange, _ http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
				e.note("%v, %v", r.Context().Err(), context.Cause(r.Context()))
			case <-time.After(WaitTimeout):
				e.note("the context was not cancelled")
			}
		},
	},
	"read a large upload": {
		request: func(e *httpExchange) *http.Request {
			return e.requestWithBody("PUT", nil, endingReader(testrun.Length[int64](1<<20, 8<<20)))
		},
		handle: func(e *httpExchange, w http.ResponseWriter, r *http.Request) {
			sum := sha256.New()
			n, err := io.Copy(sum, r.Body)
			e.note("%d of %d, %v", n, r.ContentLength, err)
			fmt.Fprintf(w, "%x", sum.Sum(nil))
		},
	},
	"echo a large upload while it arrives": {
		request: func(e *httpExchange) *http.Request {
			return e.requestWithBody("PUT", nil, strings.NewReader(digits+digits))
		},
		handle: func(e *httpExchange, w http.ResponseWriter, r *http.Request) {
			e.note("%v", http.NewResponseController(w).EnableFullDuplex())
			n, err := io.Copy(w, r.Body)
			e.note("%d of %d, %v", n, r.ContentLength, err)
		},
	},
	"refuse a large upload": {
		request: func(e *httpExchange) *http.Request {
			return e.requestWithBody("PUT", http.Header{"Expect": {"100-continue"}}, strings.NewReader(digits))
		},
		handle: func(_ *httpExchange, w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		},
	},
	"read an upload with Expect: 100-continue": {
		request: func(e *httpExchange) *http.Request {
			return e.requestWithBody("PUT", http.Header{"Expect": {"100-continue"}}, strings.NewReader(digits))
		},
		handle: func(e *httpExchange, w http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(io.Discard, r.Body)
			e.note("%d %v", n, err)
		},
	},
	"limit an upload": {
		request: func(e *httpExchange) *http.Request {
			return e.requestWithBody("PUT", nil, strings.NewReader(digits[:20_000]))
		},
		handle: func(e *httpExchange, w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 10_000))
			var tooLarge *http.MaxBytesError
			e.note("%t", errors.As(err, &tooLarge))
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		},
		// MaxBytesReader makes net/http close the connection, but only if it finds the writer of net/http, by an unexported
		// method.
		read: func(e *httpExchange, resp *http.Response) string {
			resp.Close = false
			return readAll(e, resp.Body)
		},
	},
}

// requestWithHeader returns a GET with header fields, given as names and values in turn.
func requestWithHeader(nameAndValue ...string) func(*httpExchange) *http.Request {
	return func(e *httpExchange) *http.Request {
		header := http.Header{}
		for i := 0; i < len(nameAndValue); i += 2 {
			header.Set(nameAndValue[i], nameAndValue[i+1])
		}
		return e.request("GET", header)
	}
}

func timeoutHandler(after time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return http.TimeoutHandler(next, after, "too slow") }
}

func exceedTimeout(e *httpExchange, w http.ResponseWriter, r *http.Request) {
	<-r.Context().Done()
	e.note("%v", r.Context().Err())
}

func serveDigits(_ *httpExchange, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"v1"`)
	http.ServeContent(w, r, "digits.txt", Start, strings.NewReader(digits))
}

func fileOfDigits(e *httpExchange) *os.File {
	name := e.t.TempDir() + "/digits.txt"
	assert.NoError(e.t, os.WriteFile(name, []byte(digits), 0o600))
	file, err := os.Open(name)
	assert.NoError(e.t, err)
	return file
}

func readAll(e *httpExchange, r io.Reader) string {
	e.t.Helper()
	all, err := io.ReadAll(r)
	require.NoError(e.t, err)
	return string(all)
}

// WebSocket: the handshake of RFC 6455, section 4, and one text frame in each direction.

func webSocketRequest(e *httpExchange) *http.Request {
	return e.request("GET", http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
	})
}

func speakWebSocket(e *httpExchange, w http.ResponseWriter, r *http.Request) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if !assert.NoError(e.t, err) {
		return
	}
	defer conn.Close()
	accept := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	w.Header().Set("Connection", "Upgrade")
	w.Header().Set("Upgrade", "websocket")
	w.Header().Set("Sec-WebSocket-Accept", base64.StdEncoding.EncodeToString(accept[:]))
	io.WriteString(buffered, "HTTP/1.1 101 Switching Protocols\r\n")
	w.Header().Write(buffered) // with the refreshed session cookie, if there is one
	io.WriteString(buffered, "\r\n")
	assert.NoError(e.t, buffered.Flush())

	frame := make([]byte, 2+4+len("hello")) // masked, as RFC 6455, section 5.1, requires of clients
	_, err = io.ReadFull(buffered, frame)
	assert.NoError(e.t, err)
	for i := range frame[6:] {
		frame[6+i] ^= frame[2+i%4]
	}
	e.note("%s", frame[6:])
	buffered.Write(append([]byte{0x81, byte(len("hello"))}, frame[6:]...))
	assert.NoError(e.t, buffered.Flush())
}

func readWebSocket(e *httpExchange, resp *http.Response) string {
	require.Equal(e.t, http.StatusSwitchingProtocols, resp.StatusCode)
	require.Equal(e.t, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", resp.Header.Get("Sec-WebSocket-Accept"))
	conn := resp.Body.(io.ReadWriter)
	mask := binary.BigEndian.AppendUint32(nil, 0x37fa213d)
	frame := append([]byte{0x81, 0x80 | byte(len("hello"))}, mask...)
	for i, c := range []byte("hello") {
		frame = append(frame, c^mask[i%4])
	}
	_, err := conn.Write(frame)
	require.NoError(e.t, err)
	return string(bytes.TrimPrefix([]byte(readAll(e, conn)), []byte{0x81, byte(len("hello"))}))
}
