// Webhook: duplicates between two steps of a delivery, and what the handler remembers. The
// orders are listed at webhookHandler.

package authkit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

const seamSecret = "the-secret-of-an-endpoint-with-seams"

// endpoint is a webhook handler whose function counts its calls.
type endpoint struct {
	*webhookHandler
	calls atomic.Int32
}

// stoppedClock is a clock that stands still. Its timers never fire.
type stoppedClock struct{ *setClock }

func (stoppedClock) AfterFunc(time.Duration, func()) (stop func() bool) {
	return func() bool { return true }
}

func newEndpoint(t testing.TB, limit int, function func() error, opts ...Option) *endpoint {
	a := newOffline(t, stoppedClock{newSetClock()}, opts...)
	e := &endpoint{}
	e.webhookHandler = newWebhookHandler(a, func(context.Context, workos.Event) error {
		e.calls.Add(1)
		if function != nil {
			return function()
		}
		return nil
	}, []string{seamSecret}, limit)
	return e
}

// deliver delivers an event and returns the status.
func (e *endpoint) deliver(id string) int {
	body := fmt.Sprintf(`{"id":"%s","event":"user.created","data":{"id":"user_1"}}`, id)
	timestamp := strconv.FormatInt(e.authKit.clock.Now().UnixMilli(), 10)
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("WorkOS-Signature", "t="+timestamp+", v1="+seamSignature(timestamp, body))
	w := httptest.NewRecorder()
	e.serve(w, r)
	return w.Code
}

func seamSignature(timestamp, body string) string {
	mac := hmac.New(sha256.New, []byte(seamSecret))
	io.WriteString(mac, timestamp+"."+body)
	return hex.EncodeToString(mac.Sum(nil))
}

func TestADuplicateBetweenTwoStepsOfADeliveryCallsNoFunction(t *testing.T) {
	for _, step := range []string{"delivery is new", "delivery handled"} {
		t.Run(step, func(t *testing.T) {
			e := newEndpoint(t, 10, nil)
			var once sync.Once
			duplicate := 0
			e.authKit.events.step = func(at string) {
				if at == step {
					once.Do(func() {
						// A test that continues at "delivery is new" reaches the step again.
						e.authKit.events.step = nil
						duplicate = e.deliver("event_1")
					})
				}
			}
			assert.Equal(t, http.StatusNoContent, e.deliver("event_1"))
			assert.Equal(t, http.StatusNoContent, duplicate)
			assert.EqualValues(t, 1, e.calls.Load())
			assert.EqualValues(t, 1, e.authKit.Stats().Events.Webhooks)
		})
	}
}

func TestDuplicatesAtTheSameTimeShareOneCall(t *testing.T) {
	for name, failure := range map[string]error{"that succeeds": nil, "that fails": errors.New("no database")} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			e := newEndpoint(t, 10, func() error { <-release; return failure })
			arrived := make(chan struct{}, 50)
			e.authKit.events.step = func(at string) {
				if at == "delivery is new" {
					arrived <- struct{}{}
				}
			}
			statuses := make(chan int, 20)
			for range cap(statuses) {
				go func() { statuses <- e.deliver("event_1") }()
			}
			for range cap(statuses) {
				<-arrived
			}
			close(release)
			for range cap(statuses) {
				if status := <-statuses; failure == nil {
					assert.Equal(t, http.StatusNoContent, status)
				} else {
					assert.Equal(t, http.StatusInternalServerError, status)
				}
			}
			if failure == nil {
				assert.EqualValues(t, 1, e.calls.Load())
			} else {
				calls := e.calls.Load()
				assert.Equal(t, http.StatusInternalServerError, e.deliver("event_1"))
				assert.Equal(t, calls+1, e.calls.Load(), "a failure is not remembered")
			}
		})
	}
}

func TestAWebhookHandlerRemembersALimitedNumberOfEvents(t *testing.T) {
	e := newEndpoint(t, 3, nil)
	for n := range 100 {
		require.Equal(t, http.StatusNoContent, e.deliver(fmt.Sprintf("event_%d", n)))
	}
	assert.Equal(t, 3, e.handled.Len())
	for _, id := range []string{"event_97", "event_98", "event_99"} {
		e.deliver(id)
	}
	assert.EqualValues(t, 100, e.calls.Load())
	e.deliver("event_96")
	assert.EqualValues(t, 101, e.calls.Load(), "the oldest was forgotten")
}

// An attacker with a leaked secret chooses the IDs. A body may have a mebibyte.
func TestAWebhookHandlerKeepsNoLongIDs(t *testing.T) {
	e := newEndpoint(t, 3, nil)
	long := strings.Repeat("x", workos.MaxWebhookBody/2)
	for _, id := range []string{long + "1", long + "2", long + "1"} {
		require.Equal(t, http.StatusNoContent, e.deliver(id))
	}
	assert.EqualValues(t, 2, e.calls.Load())
	for key := range e.handled.All() {
		assert.LessOrEqual(t, len(key), 64)
	}
}

// The application's logger is called while an event is handled, on the goroutine of
// singleflight, which ends the process for a panic.
func TestALoggerThatPanicsDuringADeliveryDoesNotEndTheProcess(t *testing.T) {
	for name, broken := range map[string]func(){"panic": func() { panic("no disk") }, "runtime.Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			handler := &failingLog{broken: broken}
			e := newEndpoint(t, 3, func() error { return errors.New("no database") }, WithLogger(slog.New(handler)))
			assert.Equal(t, http.StatusInternalServerError, e.deliver("event_1"))
			assert.EqualValues(t, 1, handler.failed.Load())
		})
	}
}

// failingLog is a log handler that breaks at the failure of a function.
type failingLog struct {
	broken func()
	failed atomic.Int32
}

func (l *failingLog) Enabled(context.Context, slog.Level) bool { return true }
func (l *failingLog) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *failingLog) WithGroup(string) slog.Handler            { return l }
func (l *failingLog) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "the function for events has failed") {
		l.failed.Add(1)
		l.broken()
	}
	return nil
}

// FuzzWebhookHandler sends any header and any body to a webhook endpoint. Only a delivery with
// the right signature is answered 204 or called an event, and nothing is answered 5xx.
func FuzzWebhookHandler(f *testing.F) {
	e := newEndpoint(f, 10, nil)
	now := strconv.FormatInt(e.authKit.clock.Now().UnixMilli(), 10)
	const body = `{"id":"event_1","event":"session.revoked","data":{"id":"session_1"}}`
	for _, header := range []string{"", "t=1", "v1=00", "t=" + now + ", v1=" + seamSignature(now, body), "t=" + now + ",v1=,v1=" + seamSignature(now, "")} {
		for _, body := range []string{body, "", "{}", "[]", `{"id":1,"event":2}`, `{"id":"event_2","event":"user.deleted","data":"x"}`} {
			f.Add(header, body, false)
			f.Add(header, body, true)
		}
	}
	f.Fuzz(func(t *testing.T, header, body string, sign bool) {
		if sign { // so that any body reaches the decoding
			header = "t=" + now + ", v1=" + seamSignature(now, body)
		}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header["Workos-Signature"] = []string{header}
		before := e.authKit.Stats().Events.Webhooks
		w := httptest.NewRecorder()
		e.serve(w, r)
		signed := strings.Contains(strings.ToLower(header), seamSignature(now, body))
		switch w.Code {
		case http.StatusNoContent, http.StatusBadRequest:
			require.True(t, signed, "%d for a header that is not signed", w.Code)
		case http.StatusUnauthorized, http.StatusRequestEntityTooLarge:
			require.False(t, sign && len(body) <= workos.MaxWebhookBody)
		default:
			require.Fail(t, "unexpected status", w.Code)
		}
		if w.Code != http.StatusNoContent {
			require.Equal(t, before, e.authKit.Stats().Events.Webhooks)
		}
		require.Empty(t, w.Header()["Set-Cookie"])
	})
}
