// The optional interfaces of the response writer, as many as the server's writer has.

package authkit

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// The bits of the optional interfaces.
const (
	hijacks = 1 << iota
	flushes
	pushes
	notifies
)

// matchInterfaces returns a writer for the handler that has exactly the optional
// interfaces of the server's writer: http.Hijacker, http.Flusher, http.Pusher and
// http.CloseNotifier. A writer with http.Hijacker also has io.ReaderFrom, as that of
// HTTP/1 does. http.ResponseController finds everything else through Unwrap.
func (w *responseWriter) matchInterfaces() http.ResponseWriter {
	has := 0
	if _, ok := w.ResponseWriter.(http.Hijacker); ok {
		has |= hijacks
	}
	if _, ok := w.ResponseWriter.(http.Flusher); ok {
		has |= flushes
	}
	if _, ok := w.ResponseWriter.(http.Pusher); ok {
		has |= pushes
	}
	if _, ok := w.ResponseWriter.(closeNotifier); ok {
		has |= notifies
	}
	switch has {
	case hijacks:
		return hijackWriter{w}
	case flushes:
		return flushWriter{w}
	case hijacks | flushes:
		return hijackFlushWriter{hijackWriter{w}}
	case pushes:
		return pushWriter{w}
	case hijacks | pushes:
		return hijackPushWriter{hijackWriter{w}}
	case flushes | pushes:
		return flushPushWriter{flushWriter{w}}
	case hijacks | flushes | pushes:
		return hijackFlushPushWriter{hijackFlushWriter{hijackWriter{w}}}
	case notifies:
		return notifyWriter{w}
	case hijacks | notifies:
		return hijackNotifyWriter{hijackWriter{w}}
	case flushes | notifies:
		return flushNotifyWriter{flushWriter{w}}
	case hijacks | flushes | notifies: // HTTP/1
		return hijackFlushNotifyWriter{hijackFlushWriter{hijackWriter{w}}}
	case pushes | notifies:
		return pushNotifyWriter{pushWriter{w}}
	case hijacks | pushes | notifies:
		return hijackPushNotifyWriter{hijackPushWriter{hijackWriter{w}}}
	case flushes | pushes | notifies: // HTTP/2
		return flushPushNotifyWriter{flushPushWriter{flushWriter{w}}}
	case hijacks | flushes | pushes | notifies:
		return hijackFlushPushNotifyWriter{hijackFlushPushWriter{hijackFlushWriter{hijackWriter{w}}}}
	}
	return w
}

// Each type adds one interface to the type that it embeds. All have the size of a
// pointer, so that an http.ResponseWriter holds them without an allocation.
type (
	hijackWriter                struct{ *responseWriter }
	flushWriter                 struct{ *responseWriter }
	hijackFlushWriter           struct{ hijackWriter }
	pushWriter                  struct{ *responseWriter }
	hijackPushWriter            struct{ hijackWriter }
	flushPushWriter             struct{ flushWriter }
	hijackFlushPushWriter       struct{ hijackFlushWriter }
	notifyWriter                struct{ *responseWriter }
	hijackNotifyWriter          struct{ hijackWriter }
	flushNotifyWriter           struct{ flushWriter }
	hijackFlushNotifyWriter     struct{ hijackFlushWriter }
	pushNotifyWriter            struct{ pushWriter }
	hijackPushNotifyWriter      struct{ hijackPushWriter }
	flushPushNotifyWriter       struct{ flushPushWriter }
	hijackFlushPushNotifyWriter struct{ hijackFlushPushWriter }
)

func (w hijackWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.hijack() }
func (w hijackWriter) ReadFrom(src io.Reader) (int64, error)        { return w.readFrom(src) }

func (w flushWriter) Flush()       { w.flush() }
func (w hijackFlushWriter) Flush() { w.flush() }

func (w pushWriter) Push(target string, opts *http.PushOptions) error { return w.push(target, opts) }
func (w hijackPushWriter) Push(target string, opts *http.PushOptions) error {
	return w.push(target, opts)
}
func (w flushPushWriter) Push(target string, opts *http.PushOptions) error {
	return w.push(target, opts)
}
func (w hijackFlushPushWriter) Push(target string, opts *http.PushOptions) error {
	return w.push(target, opts)
}

func (w notifyWriter) CloseNotify() <-chan bool                { return w.closeNotify() }
func (w hijackNotifyWriter) CloseNotify() <-chan bool          { return w.closeNotify() }
func (w flushNotifyWriter) CloseNotify() <-chan bool           { return w.closeNotify() }
func (w hijackFlushNotifyWriter) CloseNotify() <-chan bool     { return w.closeNotify() }
func (w pushNotifyWriter) CloseNotify() <-chan bool            { return w.closeNotify() }
func (w hijackPushNotifyWriter) CloseNotify() <-chan bool      { return w.closeNotify() }
func (w flushPushNotifyWriter) CloseNotify() <-chan bool       { return w.closeNotify() }
func (w hijackFlushPushNotifyWriter) CloseNotify() <-chan bool { return w.closeNotify() }
