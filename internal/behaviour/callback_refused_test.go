// Callbacks that fail: their status, their log level, and what the failure hook receives.

package behaviour

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// hasWarning reports whether the log has a line at level Warn or Error.
func (a *App) hasWarning() bool {
	return strings.Contains(a.Logs.String(), "level=WARN") || strings.Contains(a.Logs.String(), "level=ERROR")
}

// A client chooses the query of a callback. A 5xx makes a load balancer remove the instance, and a warning alerts an
// operator, so no query may cause either.
func TestNoCallbackQueryCausesA5xxOrAWarning(t *testing.T) {
	a := NewApp(t, AppOptions{})
	long, secret := strings.Repeat("x", 4000), strings.Repeat("y", 4000) // a code and a state must not be in the log
	for _, query := range []string{
		"", "x=y", "error=x", "error=server_error", "error=access_denied", "error=", "error=%00", "error=" + long, "error=x&error=y",
		"error=x&state=", "error=x&state=made-up", "error=x&state=STATE", "error=server_error&state=STATE", "error=access_denied&state=STATE",
		"error=x&state=STATE&state=STATE", "error=x&error=y&state=STATE", "error=" + long + "&state=STATE",
		"code=junk&state=STATE", "code=" + secret + "&state=STATE", "code=%00%FF&state=STATE", "code=a&code=b&state=STATE",
		"code=a&error=b&state=STATE", "code=a&state=STATE&state=b", "code=a&state=b&state=STATE", "code=&state=STATE", "state=STATE",
		"code=%zz&state=STATE", "code=a;state=STATE", "code=a&state=%zz", "code=a&state=" + secret, "code=a&code=b", "code=a&state=&state=STATE",
		"code[]=a&state=STATE", "code=a&state[]=STATE", "code=a%26state=STATE",
	} {
		for _, pending := range []bool{true, false} {
			name := fmt.Sprintf("%.60s, state cookie %t", query, pending)
			t.Run(name, func(t *testing.T) {
				s := a.SignInStartedBy(a.Send(Request{Target: "/login", Header: Navigation()}))
				if !pending {
					s.Cookie = ""
				}
				target := "/callback?" + strings.ReplaceAll(query, "STATE", s.State())
				resp := a.Send(Request{Target: target, Cookie: s.Cookie, Header: Navigation()})
				assert.Less(t, resp.Status, 500)
				if resp.Status != http.StatusSeeOther { // a code without a state restarts the sign-in
					assert.GreaterOrEqual(t, resp.Status, 400)
					assert.Contains(t, resp.Body, `href="/login"`)
				}
				assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
				assert.False(t, a.hasWarning(), a.Logs.String())
				assert.Empty(t, a.Fake.Sessions())
			})
		}
	}
}

func TestASignInFailureIsReportedOnlyIfTheBrowserHasASignInPending(t *testing.T) {
	var reported []error
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithOnSignInFailure(func(_ context.Context, e authkit.SignInFailureEvent) {
		reported = append(reported, e.Err)
	})}})
	used := a.StartSignIn("/login")
	a.Send(Request{Target: used.Target(), Cookie: used.Cookie})
	pending := a.StartSignIn("/login")
	for _, target := range []string{
		"/callback", "/callback?error=x", "/callback?error=access_denied", "/callback?error=x&state=y", "/callback?code=x&state=y",
		"/callback?code=x&state=y&state=z", pending.Target() + "&code=x", used.Target(), used.With("code", "") + "&error=x",
	} {
		for _, cookie := range []string{"", used.Cookie, used.Cookie + "; " + pending.Cookie, "authkit-state-x=y"} {
			a.Send(Request{Target: target, Cookie: cookie, Header: Navigation()})
		}
	}
	a.Send(Request{Target: "/callback?code=x", Header: Navigation()})
	assert.Empty(t, reported)
	assert.False(t, a.hasWarning())

	a.Send(Request{Target: pending.With("code", "junk"), Cookie: pending.Cookie, Header: Navigation()})
	assert.Len(t, reported, 1)
}

func TestAMalformedCallbackConsumesNoState(t *testing.T) {
	a := NewApp(t, AppOptions{})
	s := a.StartSignIn("/login")
	for _, target := range []string{
		s.Target() + "&code=x", s.Target() + "&state=x", s.Target() + "&error=x", s.Target() + "&error=",
		s.With("code", ""), s.With("code", "") + "&error=x&error=y", s.With("code", "") + "&code=%zz",
	} {
		resp := a.Send(Request{Target: target, Cookie: s.Cookie, Header: Navigation()})
		assert.Equal(t, http.StatusBadRequest, resp.Status, target)
		assert.Empty(t, resp.SetCookies(t), target)
	}
	assert.Zero(t, a.Fake.Calls(authkittest.RouteAuthenticate))
	assert.Equal(t, http.StatusSeeOther, a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()}).Status)
}

func TestTheCallbackStatusFollowsTheReplyToTheCodeExchange(t *testing.T) {
	for name, c := range map[string]struct {
		fault  authkittest.Fault
		status int
		warned bool
	}{
		"invalid_grant":                         {authkittest.Fault{Status: 400, Body: `{"error":"invalid_grant"}`}, 400, false},
		"invalid_request":                       {authkittest.Fault{Status: 400, Body: `{"error":"invalid_request"}`}, 400, false},
		"an invalid invitation":                 {authkittest.Fault{Status: 400, Body: `{"error":"invitation_invalid"}`}, 400, false},
		"an unknown error code":                 {authkittest.Fault{Status: 422, Body: `{"code":"new_in_2030","message":"m"}`}, 400, false},
		"no error code":                         {authkittest.Fault{Status: 404, Body: `{"message":"Not Found"}`}, 400, false},
		"the policy of an organization":         {authkittest.Fault{Status: 403, Body: `{"error":"organization_membership_not_found"}`}, 400, false},
		"a wrong client secret":                 {authkittest.Fault{Status: 400, Body: `{"error":"invalid_client"}`}, 502, true},
		"an unauthorized client":                {authkittest.Fault{Status: 400, Body: `{"error":"unauthorized_client"}`}, 502, true},
		"a wrong API key":                       {authkittest.Fault{Status: 401, Body: `{"message":"Unauthorized"}`}, 502, true},
		"the page of a firewall":                {authkittest.Fault{Status: 403, Body: "<html>no</html>"}, 503, true},
		"a bad gateway":                         {authkittest.Fault{Status: 502, Body: "<html>no</html>"}, 503, true},
		"a request timeout":                     {authkittest.Fault{Status: 408, Body: `{"message":"m"}`}, 503, true},
		"too many requests":                     {authkittest.Fault{Status: 429, Body: `{"error":"too_many_requests"}`, Header: http.Header{"Retry-After": {"7"}}}, 429, false},
		"too many requests, no error code":      {authkittest.Fault{Status: 429, Body: `{"message":"m"}`}, 429, false},
		"too many requests, an HTML page":       {authkittest.Fault{Status: 429, Body: "<html>slow down</html>"}, 429, false},
		"an exceeded quota with another status": {authkittest.Fault{Status: 403, Body: `{"code":"daily_quota_exceeded","message":"m"}`}, 429, false},
		"server_error":                          {authkittest.Fault{Status: 500, Body: `{"error":"server_error"}`}, 503, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			s := a.StartSignIn("/login?return_to=/account")
			a.Fake.InjectFault(authkittest.RouteCodeExchange, c.fault)
			resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
			assert.Equal(t, c.status, resp.Status)
			assert.Equal(t, c.status == 429 || c.status == 503, resp.Header.Get("Retry-After") != "")
			if delay := c.fault.Header.Get("Retry-After"); delay != "" {
				assert.Equal(t, delay, resp.Header.Get("Retry-After"))
			}
			assert.Contains(t, resp.Body, `href="/login?return_to=%2Faccount"`, "the page links to a new sign-in")
			assert.Equal(t, c.warned, a.hasWarning(), a.Logs.String())
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteCodeExchange), "a code is sent once")
		})
	}
}

func TestSignInFailuresMatchDistinctErrors(t *testing.T) {
	for name, c := range map[string]struct {
		fault *authkittest.Fault
		query string
		want  error
		not   []error
	}{
		"refused by WorkOS":  {fault: &authkittest.Fault{Status: 400, Body: `{"error":"invalid_grant"}`}, want: authkit.ErrSignInRefused, not: []error{authkit.ErrSignInFailed, authkit.ErrUnavailable}},
		"refused by AuthKit": {query: "&error=server_error", want: authkit.ErrSignInRefused, not: []error{authkit.ErrSignInFailed, authkit.ErrSignInCancelled}},
		"too many":           {fault: &authkittest.Fault{Status: 429, Body: `{}`}, want: authkit.ErrSignInRateLimited, not: []error{authkit.ErrSignInFailed, authkit.ErrSignInUnavailable}},
		"a wrong API key":    {fault: &authkittest.Fault{Status: 401, Body: `{"message":"m"}`}, want: authkit.ErrSignInFailed, not: []error{authkit.ErrSignInRefused}},
		"an outage":          {fault: &authkittest.Fault{Status: 500}, want: authkit.ErrSignInUnavailable, not: []error{authkit.ErrSignInRateLimited}},
	} {
		t.Run(name, func(t *testing.T) {
			var reported error
			a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithOnSignInFailure(func(_ context.Context, e authkit.SignInFailureEvent) { reported = e.Err })}})
			s := a.StartSignIn("/login")
			target := s.Target()
			if c.fault != nil {
				a.Fake.InjectFault(authkittest.RouteCodeExchange, *c.fault)
			} else {
				target = s.With("code", "") + c.query
			}
			a.Send(Request{Target: target, Cookie: s.Cookie, Header: Navigation()})
			require.ErrorIs(t, reported, c.want)
			for _, not := range c.not {
				assert.False(t, errors.Is(reported, not), not)
			}
			assert.NotContains(t, reported.Error(), s.Callback.Query().Get("code"))
		})
	}
}

// Any client can close its connection during the code exchange.
func TestAClientThatCancelsDuringTheCodeExchangeCausesNoWarning(t *testing.T) {
	a := NewApp(t, AppOptions{})
	s := a.StartSignIn("/login")
	a.Fake.InjectFault(authkittest.RouteCodeExchange, authkittest.Fault{Hang: true})
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Target(), nil)
	require.NoError(t, err)
	r.Header = Navigation()
	r.Header.Set("Cookie", s.Cookie)
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.Handler().ServeHTTP(discardingWriter{http.Header{}}, r)
	}()
	a.Fake.AwaitCalls(t, authkittest.RouteCodeExchange, 1)
	cancel()
	<-done
	assert.Contains(t, a.Logs.String(), "request refused")
	assert.False(t, a.hasWarning(), a.Logs.String())
}

// discardingWriter is a ResponseWriter that drops the response.
type discardingWriter struct{ header http.Header }

func (d discardingWriter) Header() http.Header { return d.header }

func (d discardingWriter) Write(p []byte) (int, error) { return len(p), nil }

func (d discardingWriter) WriteHeader(int) {}

// A link can carry any invitation token.
func TestALongInvitationTokenInTheQueryCausesNo5xx(t *testing.T) {
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/invited", a.LoginFunc(func(r *http.Request) authkit.LoginParams {
			return authkit.LoginParams{InvitationToken: r.URL.Query().Get("invitation_token")}
		}))
	}})
	resp := a.Send(Request{Target: "/invited?invitation_token=" + strings.Repeat("i", 3000), Header: navigationFrom("cross-site")})
	assert.Less(t, resp.Status, 500, "a query never causes a 5xx")
	assert.False(t, a.hasWarning(), a.Logs.String())
}

func TestARefusedSignInHasTheCodeOfWorkOSAndATextForThoseThatAreKnown(t *testing.T) {
	const unknown = "The sign-in service did not accept it."
	var failures []error
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithErrorHandler(func(w http.ResponseWriter, r *http.Request, f authkit.Failure) {
		failures = append(failures, f.Err)
		f.ServeHTTP(w, r)
	})}})
	for name, c := range map[string]struct{ sent, code, text string }{
		"an invitation":                      {"invitation_invalid", workos.CodeInvitationInvalid, "The invitation has expired, was withdrawn or was accepted before."},
		"an invitation for another address":  {"invitation_cannot_be_used_for_email", workos.CodeInvitationCannotBeUsedForEmail, "The invitation was sent to another email address."},
		"a sign-up":                          {"sign_up_not_allowed", workos.CodeSignUpNotAllowed, "There is no account for you yet"},
		"a code that has no text":            {"new_in_2030", "new_in_2030", unknown},
		"a code with other characters":       {"<b>Call 555</b>", "", unknown},
		"a code with a capital letter":       {"Invitation_invalid", "", unknown},
		"a code that is long":                {strings.Repeat("x", 65), "", unknown},
		"the longest code":                   {strings.Repeat("x", 64), strings.Repeat("x", 64), unknown},
		"a known code and other characters":  {"invitation_invalid.", "", unknown},
		"a known code after another message": {"x invitation_invalid", "", unknown},
	} {
		for _, from := range []string{"AuthKit", "WorkOS"} {
			t.Run(name+" from "+from, func(t *testing.T) {
				failures = nil
				s := a.StartSignIn("/login?return_to=/account")
				target := s.Target()
				if from == "WorkOS" {
					body, err := json.Marshal(map[string]string{"error": c.sent})
					require.NoError(t, err)
					a.Fake.InjectFault(authkittest.RouteCodeExchange, authkittest.Fault{Status: 400, Body: string(body)})
					defer a.Fake.ClearFault(authkittest.RouteCodeExchange)
				} else {
					target = s.With("code", "") + "&error=" + url.QueryEscape(c.sent)
				}
				resp := a.Send(Request{Target: target, Cookie: s.Cookie, Header: Navigation()})
				assert.Equal(t, http.StatusBadRequest, resp.Status)
				assert.Contains(t, resp.Body, c.text)
				assert.NotContains(t, resp.Body, c.sent)
				require.Len(t, failures, 1)
				assert.ErrorIs(t, failures[0], authkit.ErrSignInRefused)
				var refused *authkit.SignInRefusedError
				require.ErrorAs(t, failures[0], &refused)
				assert.Equal(t, c.code, refused.Code)
				if from == "WorkOS" {
					assert.Equal(t, c.sent, workos.ErrorCode(refused), "the error of package workos is there too")
				}
			})
		}
	}
}
