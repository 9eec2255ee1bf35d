// The handlers of WorkOS's Actions: who gets a verdict, and what happens without one.

package behaviour

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

const (
	actionSecret      = "the-secret-of-the-action-endpoint"
	otherActionSecret = "the-secret-after-the-next-rotation"

	signInAction   = `{"id":"action_01A","object":"authentication_action_context","user":{"id":"user_kim","email":"kim@example.com"},"ip_address":"192.0.2.1"}`
	registerAction = `{"id":"action_02A","object":"user_registration_action_context","user_data":{"email":"kim@example.com","first_name":"Kim"}}`
)

// actionSignature is the HMAC of a timestamp, a full stop and a body.
func actionSignature(timestamp, body, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	io.WriteString(mac, timestamp+"."+body)
	return hex.EncodeToString(mac.Sum(nil))
}

// actionRequest returns the header of a request that WorkOS signs at a time.
func actionRequest(at time.Time, body, secret string) http.Header {
	timestamp := strconv.FormatInt(at.UnixMilli(), 10)
	return http.Header{"Workos-Signature": {"t=" + timestamp + ", v1=" + actionSignature(timestamp, body, secret)}, "Content-Type": {"application/json"}}
}

// sendAction posts a body.
func (a *App) sendAction(path string, header http.Header, body string) Response {
	a.T.Helper()
	r, err := http.NewRequest(http.MethodPost, a.URL+path, strings.NewReader(body))
	require.NoError(a.T, err)
	r.Header = header
	resp, err := a.client.RoundTrip(r)
	require.NoError(a.T, err)
	read, err := a.read(resp)
	require.NoError(a.T, err)
	return read
}

// verdictOf checks the signature of a response and returns its object, verdict and message.
func verdictOf(t *testing.T, resp Response, secret string) string {
	t.Helper()
	require.Equal(t, http.StatusOK, resp.Status, resp.Body)
	assert.Equal(t, "application/json", resp.Header.Get("Content-Type"))
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
	assert.Empty(t, resp.Header.Values("Set-Cookie"))
	var response struct {
		Object    string
		Payload   json.RawMessage
		Signature string
	}
	require.NoError(t, json.Unmarshal([]byte(resp.Body), &response))
	var payload struct {
		Timestamp int64
		Verdict   string
		Message   string `json:"error_message"`
	}
	require.NoError(t, json.Unmarshal(response.Payload, &payload))
	assert.Equal(t, actionSignature(strconv.FormatInt(payload.Timestamp, 10), string(response.Payload), secret), response.Signature)
	if payload.Message == "" {
		return response.Object + " " + payload.Verdict
	}
	return response.Object + " " + payload.Verdict + " " + payload.Message
}

// newActionApp starts an application with both Actions. The functions return verdict, and count their calls.
func newActionApp(t *testing.T, verdict func(context.Context) workos.Verdict, opts ...authkit.Option) (a *App, calls *atomic.Int32) {
	t.Helper()
	calls = new(atomic.Int32)
	a = NewApp(t, AppOptions{AuthKit: opts, Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/actions/authentication", a.AuthenticationAction(func(ctx context.Context, c workos.AuthenticationContext) workos.Verdict {
			assert.Equal(t, "user_kim", c.User.ID)
			calls.Add(1)
			return verdict(ctx)
		}, actionSecret, otherActionSecret))
		mux.Handle("/actions/registration", a.RegistrationAction(func(ctx context.Context, c workos.RegistrationContext) workos.Verdict {
			assert.Equal(t, "Kim", c.UserData.FirstName)
			calls.Add(1)
			return verdict(ctx)
		}, actionSecret, otherActionSecret))
	}})
	for _, secret := range []string{actionSecret, otherActionSecret} {
		a.Logs.addSecret(secret)
	}
	return a, calls
}

func TestAnActionIsAnsweredWithTheSignedVerdict(t *testing.T) {
	var verdict workos.Verdict
	a, calls := newActionApp(t, func(context.Context) workos.Verdict { return verdict })
	for _, secret := range []string{actionSecret, otherActionSecret} {
		for want, v := range map[string]workos.Verdict{"Allow": workos.Allow(), "Deny": workos.Deny(""), "Deny <b>由紀</b> & \u2028": workos.Deny("<b>由紀</b> & \u2028")} {
			verdict = v
			resp := a.sendAction("/actions/authentication", actionRequest(Start, signInAction, secret), signInAction)
			assert.Equal(t, "authentication_action_response "+want, verdictOf(t, resp, secret))
			resp = a.sendAction("/actions/registration", actionRequest(Start, registerAction, secret), registerAction)
			assert.Equal(t, "user_registration_action_response "+want, verdictOf(t, resp, secret))
		}
	}
	assert.EqualValues(t, 12, calls.Load())
}

func TestAnActionThatWorkOSHasNotSignedIsRefused(t *testing.T) {
	a, calls := newActionApp(t, func(context.Context) workos.Verdict { return workos.Allow() })
	milliseconds := strconv.FormatInt(Start.UnixMilli(), 10)
	seconds := strconv.FormatInt(Start.Unix(), 10)
	wrong := strings.Repeat("ab", 32)
	header := func(value string) http.Header { return http.Header{"Workos-Signature": {value}} }
	for name, tt := range map[string]struct {
		header http.Header
		body   string
		status int
		logged string
	}{
		"unsigned":             {http.Header{}, signInAction, 401, "is missing"},
		"forged":               {header("t=" + milliseconds + ", v1=" + wrong), signInAction, 401, "none of the secrets"},
		"with another secret":  {actionRequest(Start, signInAction, "another"), signInAction, 401, "none of the secrets"},
		"with an empty secret": {actionRequest(Start, signInAction, ""), signInAction, 401, "none of the secrets"},
		"stale":                {actionRequest(Start.Add(-31*time.Second), signInAction, actionSecret), signInAction, 401, "signed more than 30s ago"},
		"of the future":        {actionRequest(Start.Add(31*time.Second), signInAction, actionSecret), signInAction, 401, "in the future"},
		"in seconds":           {header("t=" + seconds + ", v1=" + actionSignature(seconds, signInAction, actionSecret)), signInAction, 401, "in seconds"},
		"encoded again":        {actionRequest(Start, signInAction, actionSecret), strings.ReplaceAll(signInAction, ",", ", "), 401, "none of the secrets"},
		"of another body":      {actionRequest(Start, signInAction, actionSecret), strings.ReplaceAll(signInAction, "user_kim", "user_lee"), 401, "none of the secrets"},
		"twice signed": {http.Header{"Workos-Signature": {"t=" + milliseconds + ", v1=" + actionSignature(milliseconds, signInAction, actionSecret), "t=1, v1=" + wrong}},
			signInAction, 401, "more than once"},
		"with 10,000 signatures": {header("t=" + milliseconds + strings.Repeat(", v1="+wrong, 10_000)), signInAction, 401, "longer than 4096 bytes"},
		"oversized":              {actionRequest(Start, strings.Repeat(" ", 1<<20)+signInAction, actionSecret), strings.Repeat(" ", 1<<20) + signInAction, 413, "more than 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			logged := len(a.Logs.String())
			resp := a.sendAction("/actions/authentication", tt.header, tt.body)
			assert.Equal(t, tt.status, resp.Status)
			assert.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
			assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
			assert.Empty(t, resp.Header.Values("Set-Cookie"))
			code := map[int]string{401: "invalid_action_signature", 413: "action_too_large"}[tt.status]
			assert.Equal(t, code, resp.Problem(t)["code"])
			line := a.Logs.String()[logged:]
			assert.Contains(t, line, "level=DEBUG")
			assert.NotContains(t, line, "level=WARN", "a stranger can send it")
			assert.Contains(t, line, tt.logged)
			for _, hidden := range []string{wrong, "user_kim", "user_lee"} {
				assert.NotContains(t, line+resp.Body, hidden)
			}
		})
	}
	assert.Zero(t, calls.Load(), "the function of the application is not called")
}

func TestAnActionWithoutAVerdictIsAnswered500(t *testing.T) {
	for name, tt := range map[string]struct {
		verdict func(context.Context) workos.Verdict
		logged  string
	}{
		"the zero Verdict": {func(context.Context) workos.Verdict { return workos.Verdict{} }, "the zero Verdict is no answer"},
		"a panic":          {func(context.Context) workos.Verdict { panic("no database") }, "the function panicked"},
		"http.ErrAbortHandler": {func(context.Context) workos.Verdict { panic(http.ErrAbortHandler) },
			"the function panicked"},
		"runtime.Goexit": {func(context.Context) workos.Verdict { runtime.Goexit(); return workos.Allow() }, "the function ended its goroutine"},
	} {
		t.Run(name, func(t *testing.T) {
			a, _ := newActionApp(t, tt.verdict)
			a.Logs.allowPanics()
			resp := a.sendAction("/actions/registration", actionRequest(Start, registerAction, actionSecret), registerAction)
			assert.Equal(t, http.StatusInternalServerError, resp.Status)
			assert.Equal(t, "action_failed", resp.Problem(t)["code"])
			assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
			assert.NotContains(t, resp.Body, "database")
			assert.Contains(t, a.Logs.String(), "level=WARN")
			assert.Contains(t, a.Logs.String(), tt.logged)
		})
	}
}

func TestAnActionOfAnotherKindIsAnswered500AndLogged(t *testing.T) {
	a, calls := newActionApp(t, func(context.Context) workos.Verdict { return workos.Allow() })
	for path, body := range map[string]string{
		"/actions/authentication":           registerAction,
		"/actions/registration":             signInAction,
		"/actions/authentication?unknown":   `{"object":"token_action_context","user":{"id":"user_kim"}}`,
		"/actions/authentication?no user":   `{"object":"authentication_action_context","user":{}}`,
		"/actions/registration?not JSON":    `<xml>`,
		"/actions/registration?empty":       ``,
		"/actions/authentication?a webhook": `{"object":"event","event":"user.created","data":{"id":"user_kim"}}`,
	} {
		resp := a.sendAction(strings.ReplaceAll(path, " ", "+"), actionRequest(Start, body, actionSecret), body)
		assert.Equal(t, http.StatusInternalServerError, resp.Status, path)
		assert.Equal(t, "action_failed", resp.Problem(t)["code"], path)
	}
	assert.Equal(t, 7, strings.Count(a.Logs.String(), "level=WARN"))
	assert.Contains(t, a.Logs.String(), "the URLs in the dashboard are swapped")
	assert.Zero(t, calls.Load())
}

func TestALateVerdictOfAnActionIsNotSent(t *testing.T) {
	called, ended := make(chan struct{}), make(chan error, 1)
	a, _ := newActionApp(t, func(ctx context.Context) workos.Verdict {
		close(called)
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return workos.Allow() // as after a lookup that was cut short
	})
	response := make(chan Response)
	go func() {
		response <- a.sendAction("/actions/authentication", actionRequest(Start, signInAction, actionSecret), signInAction)
	}()
	<-called
	a.Clock.Advance(5*time.Second - 1)
	assert.Empty(t, ended, "the function has five seconds")
	a.Clock.Advance(1)
	assert.EqualError(t, <-ended, "the function returned no verdict within 5s")
	resp := <-response
	assert.Equal(t, http.StatusInternalServerError, resp.Status)
	assert.Equal(t, "action_failed", resp.Problem(t)["code"])
	assert.Contains(t, a.Logs.String(), "the function returned no verdict within 5s")
}

func TestAnActionFunctionThatIgnoresItsContextDelaysNoAnswer(t *testing.T) {
	called, release := make(chan struct{}), make(chan struct{})
	a, _ := newActionApp(t, func(context.Context) workos.Verdict {
		close(called)
		<-release
		return workos.Allow()
	})
	defer close(release)
	response := make(chan Response)
	go func() {
		response <- a.sendAction("/actions/authentication", actionRequest(Start, signInAction, actionSecret), signInAction)
	}()
	<-called
	a.Clock.Advance(5 * time.Second)
	assert.Equal(t, http.StatusInternalServerError, (<-response).Status)
}

func TestAnActionIsAnsweredAgainWithinThirtySeconds(t *testing.T) {
	a, calls := newActionApp(t, func(context.Context) workos.Verdict { return workos.Allow() })
	header := actionRequest(Start, signInAction, actionSecret)
	for _, later := range []time.Duration{0, 30 * time.Second} {
		a.Clock.Advance(later)
		resp := a.sendAction("/actions/authentication", header, signInAction)
		assert.Equal(t, "authentication_action_response Allow", verdictOf(t, resp, actionSecret))
		assert.Contains(t, resp.Body, fmt.Sprintf(`"timestamp":%d`, a.Clock.Now().UnixMilli()), "each answer has its own time")
	}
	assert.EqualValues(t, 2, calls.Load())
	a.Clock.Advance(time.Millisecond)
	assert.Equal(t, http.StatusUnauthorized, a.sendAction("/actions/authentication", header, signInAction).Status)
	assert.EqualValues(t, 2, calls.Load())
}

func TestAnActionAcceptsPOSTAlone(t *testing.T) {
	a, calls := newActionApp(t, func(context.Context) workos.Verdict { return workos.Allow() })
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"} {
		resp := a.Send(Request{Method: method, Target: "/actions/authentication", Header: actionRequest(Start, "", actionSecret)})
		assert.Equal(t, http.StatusMethodNotAllowed, resp.Status, method)
		assert.Equal(t, "POST", resp.Header.Get("Allow"), method)
	}
	assert.Zero(t, calls.Load())
}

func TestAnActionNeedsNeitherMiddlewareNorOriginAndTouchesNoSession(t *testing.T) {
	a, _ := newActionApp(t, func(context.Context) workos.Verdict { return workos.Deny("no") })
	action := a.AuthenticationAction(func(context.Context, workos.AuthenticationContext) workos.Verdict { return workos.Deny("no") }, actionSecret)
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	refreshes := a.Fake.Calls(authkittest.RouteRefresh)
	inner := a.Handler()
	for name, handler := range map[string]http.Handler{
		"inside the middleware":                    inner,
		"outside of it":                            action,
		"behind the protection of POST handlers":   a.RefuseCrossOrigin(action),
		"behind net/http's CrossOriginProtection":  http.NewCrossOriginProtection().Handler(action),
		"behind both and the middleware once more": a.Middleware(a.RefuseCrossOrigin(inner)),
	} {
		t.Run(name, func(t *testing.T) {
			a.Server.Config.Handler = handler
			resp := a.sendAction("/actions/authentication", actionRequest(a.Clock.Now(), signInAction, actionSecret), signInAction)
			assert.Equal(t, "authentication_action_response Deny no", verdictOf(t, resp, actionSecret))
		})
	}
	a.Server.Config.Handler = action
	resp := a.sendAction("/", with(actionRequest(a.Clock.Now(), signInAction, actionSecret), "Cookie", cookie), signInAction)
	assert.Equal(t, "authentication_action_response Deny no", verdictOf(t, resp, actionSecret))
	assert.Equal(t, refreshes, a.Fake.Calls(authkittest.RouteRefresh), "no session is refreshed")
}

func TestAnActionHandlerPanicsWithoutAFunctionOrASecret(t *testing.T) {
	a := NewApp(t, AppOptions{})
	authentication := func(context.Context, workos.AuthenticationContext) workos.Verdict { return workos.Allow() }
	registration := func(context.Context, workos.RegistrationContext) workos.Verdict { return workos.Allow() }
	assert.PanicsWithValue(t, "authkit: AuthenticationAction: the function is nil", func() { a.AuthenticationAction(nil, actionSecret) })
	assert.PanicsWithValue(t, "authkit: RegistrationAction: the function is nil", func() { a.RegistrationAction(nil, actionSecret) })
	for _, secrets := range [][]string{nil, {}, {""}, {actionSecret, ""}} {
		const missing = ": a secret is missing or empty; the secret of the Action endpoint is in the WorkOS dashboard"
		assert.PanicsWithValue(t, "authkit: AuthenticationAction"+missing, func() { a.AuthenticationAction(authentication, secrets...) })
		assert.PanicsWithValue(t, "authkit: RegistrationAction"+missing, func() { a.RegistrationAction(registration, secrets...) })
	}
}
