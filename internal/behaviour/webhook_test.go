// The webhook endpoint: which deliveries are accepted, and what each attack gets.

package behaviour

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/workos"
)

const (
	endpointSecret     = "the-secret-of-the-webhook-endpoint"
	nextEndpointSecret = "the-secret-after-the-next-rotation-of-webhooks"
)

// webhookApp is an application with a webhook endpoint, and a session that a delivery ends.
type webhookApp struct {
	*App
	cookie string
	body   string // of the delivery that ends the session

	mu       sync.Mutex
	function func(context.Context, workos.Event) error // nil for one that returns nil
	events   []string                                  // the IDs with which it was called
}

func newWebhookApp(t *testing.T, opts ...authkit.Option) *webhookApp {
	t.Helper()
	w := &webhookApp{}
	w.App = NewApp(t, AppOptions{AuthKit: opts, Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/webhooks/workos", a.Webhook(w.handle, endpointSecret, nextEndpointSecret))
	}})
	for _, secret := range []string{endpointSecret, nextEndpointSecret} {
		w.Logs.addSecret(secret)
	}
	w.cookie = w.SignedIn(Kim).CookieHeader()
	w.body = sessionRevoked("event_01", w.SessionID())
	return w
}

// sessionRevoked is the body of a delivery. Its user has a name that no log line may show.
func sessionRevoked(id, sessionID string) string {
	return fmt.Sprintf(`{"id":"%s","event":"session.revoked","data":{"id":"%s","user_id":"user_kim","impersonator":{"email":"impersonator-of-kim@example.com"}},"created_at":"%s"}`,
		id, sessionID, Start.Format("2006-01-02T15:04:05.000Z"))
}

func (w *webhookApp) handle(ctx context.Context, e workos.Event) error {
	w.mu.Lock()
	w.events = append(w.events, e.ID)
	function := w.function
	w.mu.Unlock()
	if function != nil {
		return function(ctx, e)
	}
	return nil
}

// called returns the IDs of the events with which the function was called.
func (w *webhookApp) called() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.events
}

// deliver sends a delivery that is signed now.
func (w *webhookApp) deliver(body string) Response {
	w.T.Helper()
	return w.sendAction("/webhooks/workos", actionRequest(w.Clock.Now(), body, endpointSecret), body)
}

// deliverAsync is deliver in a new goroutine.
func (w *webhookApp) deliverAsync(body string) chan Response {
	responses := make(chan Response, 1)
	header := actionRequest(w.Clock.Now(), body, endpointSecret)
	go func() { responses <- w.sendAction("/webhooks/workos", header, body) }()
	return responses
}

// checkUntouched checks that no delivery had an effect.
func (w *webhookApp) checkUntouched() {
	w.T.Helper()
	assert.Empty(w.T, w.called(), "the function is not called")
	assert.Zero(w.T, w.Stats().Events.Webhooks)
	assert.Equal(w.T, http.StatusOK, w.Status(w.T, w.cookie), "the session has not ended")
}

func checkDelivered(t testing.TB, resp Response) {
	t.Helper()
	require.Equal(t, http.StatusNoContent, resp.Status, resp.Body)
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
	assert.Empty(t, resp.Header.Values("Set-Cookie"))
	assert.Empty(t, resp.Body)
}

func TestAWebhookEndpointRefusesWhatWorkOSHasNotSigned(t *testing.T) {
	w := newWebhookApp(t)
	milliseconds := strconv.FormatInt(Start.UnixMilli(), 10)
	seconds := strconv.FormatInt(Start.Unix(), 10)
	forged := strings.Repeat("ab", 32)
	header := func(values ...string) http.Header { return http.Header{"Workos-Signature": values} }
	good := actionRequest(Start, w.body, endpointSecret)
	large := w.body + strings.Repeat(" ", 1<<20+1-len(w.body))
	signed := func(body string) http.Header { return actionRequest(Start, body, endpointSecret) }
	for name, tt := range map[string]struct {
		header http.Header
		body   string
		status int
		logged string
	}{
		"no header":            {http.Header{}, w.body, 401, "is missing"},
		"an empty header":      {header(""), w.body, 401, ""},
		"a forged signature":   {header("t=" + milliseconds + ", v1=" + forged), w.body, 401, "none of the secrets"},
		"another secret":       {actionRequest(Start, w.body, "another"), w.body, 401, "none of the secrets"},
		"an empty secret":      {actionRequest(Start, w.body, ""), w.body, 401, "none of the secrets"},
		"no time":              {header("v1=" + actionSignature(milliseconds, w.body, endpointSecret)), w.body, 401, ""},
		"stale":                {actionRequest(Start.Add(-181*time.Second), w.body, endpointSecret), w.body, 401, "timestamp out of tolerance"},
		"a millisecond stale":  {actionRequest(Start.Add(-180*time.Second-time.Millisecond), w.body, endpointSecret), w.body, 401, "timestamp out of tolerance"},
		"of the future":        {actionRequest(Start.Add(181*time.Second), w.body, endpointSecret), w.body, 401, "timestamp out of tolerance"},
		"in seconds":           {header("t=" + seconds + ", v1=" + actionSignature(seconds, w.body, endpointSecret)), w.body, 401, "seconds"},
		"encoded again":        {good, strings.ReplaceAll(w.body, ",", ", "), 401, "none of the secrets"},
		"a line break more":    {good, w.body + "\n", 401, "none of the secrets"},
		"a byte less":          {good, w.body[:len(w.body)-1], 401, "none of the secrets"},
		"of another body":      {signed(sessionRevoked("event_02", "session_x")), w.body, 401, "none of the secrets"},
		"an empty body":        {good, "", 401, "none of the secrets"},
		"the header twice":     {header(good.Get("Workos-Signature"), good.Get("Workos-Signature")), w.body, 401, "more than once"},
		"ten thousand":         {header("t=" + milliseconds + strings.Repeat(", v1="+forged, 10_000)), w.body, 401, "longer than 4096 bytes"},
		"a byte over 1 MiB":    {signed(large), large, 413, "more than 1 MiB"},
		"signed, no JSON":      {signed("<xml>"), "<xml>", 400, "not an event"},
		"signed, empty":        {signed(""), "", 400, "not an event"},
		"signed, another JSON": {signed(`{"object":"user","id":"user_kim"}`), `{"object":"user","id":"user_kim"}`, 400, "not an event"},
		"signed, without ID":   {signed(`{"event":"user.deleted","data":{"id":"user_kim"}}`), `{"event":"user.deleted","data":{"id":"user_kim"}}`, 400, "missing id"},
		"signed, an array":     {signed(`[` + w.body + `]`), `[` + w.body + `]`, 400, "not an event"},
		"signed, an Action":    {signed(signInAction), signInAction, 400, "not an event"},
	} {
		t.Run(name, func(t *testing.T) {
			logged, refused := len(w.Logs.String()), w.Stats().Events.Refused
			resp := w.sendAction("/webhooks/workos", tt.header, tt.body)
			assert.Equal(t, tt.status, resp.Status)
			assert.Equal(t, tt.status == http.StatusUnauthorized, w.Stats().Events.Refused == refused+1)
			code := map[int]string{401: "invalid_webhook_signature", 413: "webhook_too_large", 400: "invalid_webhook"}[tt.status]
			problem := resp.Problem(t)
			assert.Equal(t, code, problem["code"])
			assert.EqualValues(t, tt.status, problem["status"])
			assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
			assert.Empty(t, resp.Header.Values("Set-Cookie"))
			line := w.Logs.String()[logged:]
			assert.Contains(t, line, "level=DEBUG")
			assert.NotContains(t, line, "level=WARN", "a stranger can send it")
			assert.Contains(t, line, tt.logged)
			for _, hidden := range []string{forged, "user_kim", "impersonator-of-kim", actionSignature(milliseconds, w.body, endpointSecret)} {
				assert.NotContains(t, line+resp.Body, hidden)
			}
		})
	}
	w.checkUntouched()
	checkDelivered(t, w.deliver(w.body))
	assert.Equal(t, http.StatusUnauthorized, w.Status(t, w.cookie))
}

func TestAWebhookEndpointAcceptsWhatOneOfItsSecretsSigns(t *testing.T) {
	w := newWebhookApp(t)
	milliseconds := strconv.FormatInt(Start.UnixMilli(), 10)
	n := 0
	for name, header := range map[string]func(body string) http.Header{
		"the first secret":         func(body string) http.Header { return actionRequest(Start, body, endpointSecret) },
		"the second secret":        func(body string) http.Header { return actionRequest(Start, body, nextEndpointSecret) },
		"exactly 180 s old":        func(body string) http.Header { return actionRequest(Start.Add(-180*time.Second), body, endpointSecret) },
		"exactly 180 s in advance": func(body string) http.Header { return actionRequest(Start.Add(180*time.Second), body, endpointSecret) },
		"two signatures": func(body string) http.Header {
			return http.Header{"Workos-Signature": {"t=" + milliseconds + ", v1=" + strings.Repeat("00", 32) +
				", v1=" + actionSignature(milliseconds, body, endpointSecret)}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			n++
			body := sessionRevoked("event_"+strconv.Itoa(n), w.SessionID())
			checkDelivered(t, w.sendAction("/webhooks/workos", header(body), body))
			assert.Len(t, w.called(), n)
			assert.EqualValues(t, n, w.Stats().Events.Webhooks)
		})
	}
	assert.Equal(t, http.StatusUnauthorized, w.Status(t, w.cookie))
	assert.NotContains(t, w.Logs.String(), "impersonator-of-kim")
}

func TestAWebhookBodyMayHaveOneMebibyteAndAnyFraming(t *testing.T) {
	w := newWebhookApp(t)
	full := sessionRevoked("event_full", w.SessionID())
	full += strings.Repeat(" ", 1<<20-len(full))
	checkDelivered(t, w.deliver(full))
	for _, tt := range []struct {
		body   string
		status int
	}{{sessionRevoked("event_chunked", w.SessionID()), http.StatusNoContent}, {full + " ", http.StatusRequestEntityTooLarge}} {
		r, err := http.NewRequest(http.MethodPost, w.URL+"/webhooks/workos", io.MultiReader(strings.NewReader(tt.body)))
		require.NoError(t, err)
		r.Header = actionRequest(Start, tt.body, endpointSecret)
		require.Zero(t, r.ContentLength, "it is sent in chunks")
		resp, err := w.client.RoundTrip(r)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, tt.status, resp.StatusCode)
	}
	assert.Equal(t, []string{"event_full", "event_chunked"}, w.called())
}

// The head of a request, and its body in pieces.
func (w *webhookApp) connect(t *testing.T, length int) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.URL, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	_, err = fmt.Fprintf(conn, "POST /webhooks/workos HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\nWorkOS-Signature: %s\r\n\r\n",
		length, actionRequest(Start, w.body, endpointSecret).Get("Workos-Signature"))
	require.NoError(t, err)
	return conn
}

func TestAWebhookBodyThatDoesNotArriveHasNoEffect(t *testing.T) {
	w := newWebhookApp(t)
	conn := w.connect(t, len(w.body))
	_, err := io.WriteString(conn, w.body[:len(w.body)-1])
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	w.Logs.await(t, "the body did not arrive", 1)
	assert.NotContains(t, w.Logs.String(), "level=WARN")
	w.checkUntouched()
}

func TestAWebhookBodyMayArriveSlowly(t *testing.T) {
	w := newWebhookApp(t)
	slow := w.connect(t, len(w.body))
	for _, part := range []string{w.body[:10], w.body[10:50]} {
		_, err := io.WriteString(slow, part)
		require.NoError(t, err)
	}
	checkDelivered(t, w.deliver(sessionRevoked("event_other", "session_other")))
	_, err := io.WriteString(slow, w.body[50:])
	require.NoError(t, err)
	answer, err := io.ReadAll(slow)
	require.NoError(t, err)
	assert.Contains(t, string(answer), "HTTP/1.1 204 No Content")
	assert.Equal(t, []string{"event_other", "event_01"}, w.called())
}

func TestAWebhookEndpointAcceptsPOSTAlone(t *testing.T) {
	w := newWebhookApp(t)
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"} {
		resp := w.Send(Request{Method: method, Target: "/webhooks/workos", Header: actionRequest(Start, "", endpointSecret)})
		assert.Equal(t, http.StatusMethodNotAllowed, resp.Status, method)
		assert.Equal(t, "POST", resp.Header.Get("Allow"), method)
	}
	w.checkUntouched()
}

func TestAnUnknownTypeOfEventReachesTheFunctionOfAWebhook(t *testing.T) {
	w := newWebhookApp(t)
	var got workos.Event
	w.function = func(_ context.Context, e workos.Event) error { got = e; return nil }
	const body = `{"id":"event_09","event":"unheard.of","data":[ "raw" ],"created_at":"yesterday"}`
	checkDelivered(t, w.deliver(body))
	assert.Equal(t, "unheard.of", got.Type)
	assert.Equal(t, `[ "raw" ]`, string(got.Data))
	broken := `{"id":"event_10","event":"session.revoked","data":"broken"}`
	checkDelivered(t, w.deliver(broken))
	assert.Equal(t, "event_10", got.ID, "broken data have no effect, and reach the function")
	assert.Contains(t, w.Logs.String(), "its data are not readable")
}

func TestAWebhookWithoutAFunctionHasItsEffect(t *testing.T) {
	w := newWebhookApp(t)
	w.Mux.Handle("/webhooks/plain", w.Webhook(nil, endpointSecret))
	checkDelivered(t, w.sendAction("/webhooks/plain", actionRequest(Start, w.body, endpointSecret), w.body))
	assert.Equal(t, http.StatusUnauthorized, w.Status(t, w.cookie))
	assert.Empty(t, w.called())
}

func TestAWebhookEndpointWorksAnywhereButBehindAGuard(t *testing.T) {
	w := newWebhookApp(t)
	endpoint, inner := w.Webhook(w.handle, endpointSecret), w.Handler()
	prefixed := http.NewServeMux()
	prefixed.Handle("/app/", http.StripPrefix("/app", inner))
	n := 0
	for name, tt := range map[string]struct {
		handler http.Handler
		path    string
		status  int
	}{
		"inside the middleware":                   {inner, "/webhooks/workos", 204},
		"outside of it":                           {endpoint, "/webhooks/workos", 204},
		"the middleware twice":                    {w.Middleware(inner), "/webhooks/workos", 204},
		"behind StripPrefix":                      {prefixed, "/app/webhooks/workos", 204},
		"behind the protection of POST handlers":  {w.RefuseCrossOrigin(endpoint), "/webhooks/workos", 204},
		"behind net/http's CrossOriginProtection": {http.NewCrossOriginProtection().Handler(endpoint), "/webhooks/workos", 204},
		"behind a guard around the whole router":  {w.Middleware(w.RequireAuth(inner)), "/webhooks/workos", 401},
	} {
		t.Run(name, func(t *testing.T) {
			n++
			w.Server.Config.Handler = tt.handler
			body := sessionRevoked("event_"+strconv.Itoa(n), "session_other")
			calls := len(w.called())
			resp := w.sendAction(tt.path, actionRequest(w.Clock.Now(), body, endpointSecret), body)
			assert.Equal(t, tt.status, resp.Status, resp.Body)
			assert.Empty(t, resp.Header.Values("Set-Cookie"))
			if tt.status == 204 {
				calls++
			}
			assert.Len(t, w.called(), calls)
		})
	}
}

func TestAWebhookEndpointPanicsWithoutASecret(t *testing.T) {
	a := NewApp(t, AppOptions{})
	for _, secrets := range [][]string{nil, {}, {""}, {endpointSecret, ""}} {
		assert.PanicsWithValue(t, "authkit: Webhook: a secret is missing or empty; the secret of the webhook endpoint is in the WorkOS dashboard",
			func() { a.Webhook(nil, secrets...) })
	}
}
