// Tests of the optional interfaces of the response writer.

package authkit

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
)

type plainWriter struct{ http.ResponseWriter }

type (
	testHijacker struct{}
	testFlusher  struct{}
	testPusher   struct{}
	testNotifier struct{}
)

func (testHijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, http.ErrHijacked }
func (testFlusher) Flush()                                        {}
func (testPusher) Push(target string, _ *http.PushOptions) error {
	return errors.New(target)
}
func (testNotifier) CloseNotify() <-chan bool { return make(chan bool, 7) }

func TestTheResponseWriterHasEveryCombinationOfOptionalInterfaces(t *testing.T) {
	type (
		h = testHijacker
		f = testFlusher
		p = testPusher
		n = testNotifier
	)
	w := plainWriter{httptest.NewRecorder()}
	for _, server := range []http.ResponseWriter{
		w,
		struct {
			plainWriter
			h
		}{w, h{}},
		struct {
			plainWriter
			f
		}{w, f{}},
		struct {
			plainWriter
			h
			f
		}{w, h{}, f{}},
		struct {
			plainWriter
			p
		}{w, p{}},
		struct {
			plainWriter
			h
			p
		}{w, h{}, p{}},
		struct {
			plainWriter
			f
			p
		}{w, f{}, p{}},
		struct {
			plainWriter
			h
			f
			p
		}{w, h{}, f{}, p{}},
		struct {
			plainWriter
			n
		}{w, n{}},
		struct {
			plainWriter
			h
			n
		}{w, h{}, n{}},
		struct {
			plainWriter
			f
			n
		}{w, f{}, n{}},
		struct {
			plainWriter
			h
			f
			n
		}{w, h{}, f{}, n{}},
		struct {
			plainWriter
			p
			n
		}{w, p{}, n{}},
		struct {
			plainWriter
			h
			p
			n
		}{w, h{}, p{}, n{}},
		struct {
			plainWriter
			f
			p
			n
		}{w, f{}, p{}, n{}},
		struct {
			plainWriter
			h
			f
			p
			n
		}{w, h{}, f{}, p{}, n{}},
	} {
		a := new(AuthKit)
		inner := &responseWriter{ResponseWriter: server, auth: &requestAuth{authKit: a}, sent: true}
		var got http.ResponseWriter
		assert.Zero(t, testing.AllocsPerRun(10, func() { got = inner.matchInterfaces() }))

		_, want := server.(http.Hijacker)
		hijacker, has := got.(http.Hijacker)
		assert.Equal(t, want, has, "%T: Hijacker", server)
		if has {
			_, _, err := hijacker.Hijack()
			assert.ErrorIs(t, err, http.ErrHijacked)
			assert.Implements(t, (*io.ReaderFrom)(nil), got)
		}
		_, want = server.(http.Flusher)
		flusher, has := got.(http.Flusher)
		assert.Equal(t, want, has, "%T: Flusher", server)
		if has {
			flusher.Flush()
		}
		_, want = server.(http.Pusher)
		pusher, has := got.(http.Pusher)
		assert.Equal(t, want, has, "%T: Pusher", server)
		if has {
			assert.EqualError(t, pusher.Push("/style.css", nil), "/style.css")
		}
		_, want = server.(closeNotifier)
		notifier, has := got.(closeNotifier)
		assert.Equal(t, want, has, "%T: CloseNotifier", server)
		if has {
			assert.Equal(t, 7, cap(notifier.CloseNotify()))
		}
	}
}
