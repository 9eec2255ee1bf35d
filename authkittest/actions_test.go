// Actions: the sign-in pages obey the application.

package authkittest_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

const actionSecret = "the-secret-of-the-action-endpoints"

// askedApp is an application with Actions, and what it was asked.
type askedApp struct {
	*authkittest.App
	signIn        func(workos.AuthenticationContext) workos.Verdict // nil allows
	register      func(workos.RegistrationContext) workos.Verdict   // nil allows
	signIns       []workos.AuthenticationContext
	registrations []workos.RegistrationContext
}

func runAsked(t *testing.T) *askedApp {
	t.Helper()
	a := &askedApp{}
	a.App = authkittest.Run(t, func(env authkittest.Env) http.Handler {
		ak := env.AuthKit()
		mux := http.NewServeMux()
		mux.Handle("/", application(ak))
		mux.Handle("POST /actions/authentication", ak.AuthenticationAction(func(_ context.Context, c workos.AuthenticationContext) workos.Verdict {
			env.Fake.Users() // the fake can be used while it waits
			a.signIns = append(a.signIns, c)
			if a.signIn == nil {
				return workos.Allow()
			}
			return a.signIn(c)
		}, actionSecret))
		mux.Handle("POST /actions/registration", ak.RegistrationAction(func(_ context.Context, c workos.RegistrationContext) workos.Verdict {
			a.registrations = append(a.registrations, c)
			if a.register == nil {
				return workos.Allow()
			}
			return a.register(c)
		}, actionSecret))
		return mux
	})
	a.Fake.SetActions(authkittest.Actions{
		Authentication: a.URL + "/actions/authentication", Registration: a.URL + "/actions/registration", Secret: actionSecret,
	})
	return a
}

func TestASignInAsksTheApplicationOnce(t *testing.T) {
	t.Parallel()
	a := runAsked(t)
	b := a.SignIn("ada@harborpress.test")
	assert.Equal(t, "Hello, ada@harborpress.test", open(t, b, "/account").Body)
	require.Len(t, a.signIns, 1)
	ada := a.Fake.Users()[0]
	c := a.signIns[0]
	assert.Equal(t, ada.ID, c.User.ID)
	assert.Equal(t, "Harbor Press", c.Organization.Name)
	assert.Equal(t, "admin", c.OrganizationMembership.Role.Slug)
	assert.Equal(t, ada.Memberships[0].ID, c.OrganizationMembership.ID)
	assert.Equal(t, []string{"Password", "127.0.0.1", a.Fake.Issuer()}, []string{c.AuthenticationMethod, c.IPAddress, c.Issuer})
	assert.NotEmpty(t, c.UserAgent)

	open(t, b, "/login")
	assert.Len(t, a.signIns, 1, "the browser is signed in at the fake already")
	a.Fake.SetActions(authkittest.Actions{})
	a.SignIn("ben@harborpress.test")
	assert.Len(t, a.signIns, 1, "without endpoints the fake calls no application")
}

func TestSignInReturnsTheMessageOfADenialAndAsksOnce(t *testing.T) {
	t.Parallel()
	a := runAsked(t)
	a.signIn = func(workos.AuthenticationContext) workos.Verdict { return workos.Deny("Not <today>.") }
	b := a.Browser()
	_, err := b.SignIn("/login", "dev@example.com")
	require.ErrorContains(t, err, "Not <today>.")
	assert.Len(t, a.signIns, 1)
	assert.Contains(t, b.Page().Body, "Not &lt;today&gt;.")
}

func TestADeniedSignInShowsTheMessageAndMakesNoSession(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ email, organization string }{
		"one organization":            {"ada@harborpress.test", ""},
		"no organization":             {"dev@example.com", ""},
		"a choice of an organization": {"chiara@example.com", "Pine Street Studio"},
	} {
		t.Run(name, func(t *testing.T) {
			a := runAsked(t)
			a.signIn = func(workos.AuthenticationContext) workos.Verdict { return workos.Deny("Not <today>, 由紀.\u2028") }
			b := a.Browser()
			open(t, b, "/login")
			_, err := b.Submit(nameOf(tt.email), nil)
			require.NoError(t, err)
			if tt.organization != "" {
				_, err = b.Submit(tt.organization, nil)
				require.NoError(t, err)
			}
			page := b.Page()
			assert.Equal(t, http.StatusUnprocessableEntity, page.StatusCode)
			assert.Contains(t, page.Body, "Not &lt;today&gt;, 由紀.\u2028")
			assert.Empty(t, a.Fake.Sessions())
			require.Len(t, a.signIns, 1)
			if tt.organization != "" {
				assert.Equal(t, tt.organization, a.signIns[0].Organization.Name)
			}
			assert.Contains(t, open(t, b, "/login").Body, "asks you to sign in", "the browser is not signed in at the fake either")

			a.signIn = nil
			_, err = b.Submit("Ben Lindqvist", nil)
			require.NoError(t, err)
			assert.Equal(t, "Hello, ben@harborpress.test", open(t, b, "/account").Body, "another account may sign in")
		})
	}
}

// nameOf returns the button of a default user.
func nameOf(email string) string {
	return map[string]string{"ada@harborpress.test": "Ada Okafor", "chiara@example.com": "Chiara Rossi", "dev@example.com": "Dev Patel"}[email]
}

func TestARegistrationAsksTheApplication(t *testing.T) {
	t.Parallel()
	a := runAsked(t)
	a.register = func(c workos.RegistrationContext) workos.Verdict {
		if c.Invitation == nil {
			return workos.Deny("You need an invitation.")
		}
		return workos.Allow()
	}
	signUp := func(email string) (*authkittest.Browser, *authkittest.Page) {
		b := a.Browser()
		open(t, b, "/login")
		_, err := b.Follow("Create an account")
		require.NoError(t, err)
		page, err := b.Submit("Create account", url.Values{"email": {email}, "first_name": {"由紀"}, "last_name": {"<&>"}})
		require.NoError(t, err)
		return b, page
	}
	users := len(a.Fake.Users())
	_, page := signUp("yuki@example.com")
	assert.Equal(t, http.StatusUnprocessableEntity, page.StatusCode)
	assert.Contains(t, page.Body, "You need an invitation.")
	assert.Contains(t, page.Body, `value="yuki@example.com"`, "the form keeps what was entered")
	assert.Len(t, a.Fake.Users(), users, "no user was created")
	assert.Empty(t, a.signIns)
	require.Len(t, a.registrations, 1)
	assert.Equal(t, workos.UserData{Email: "yuki@example.com", Name: "由紀 <&>", FirstName: "由紀", LastName: "<&>"}, a.registrations[0].UserData)

	a.Fake.Invite("YUKI@example.com", a.Fake.Organizations()[1].ID)
	b, _ := signUp("yuki@example.com")
	assert.Equal(t, "Hello, yuki@example.com", open(t, b, "/account").Body)
	assert.Equal(t, a.Fake.Organizations()[1].ID, a.registrations[1].Invitation.OrganizationID)
	assert.Len(t, a.Fake.Users(), users+1)
	require.Len(t, a.signIns, 1, "the new user signs in")
	assert.Equal(t, "yuki@example.com", a.signIns[0].User.Email)
}

// signedAnswer returns the response to an Action with a payload, signed with a secret over another text if that is not "".
func signedAnswer(payload, signed, secret string) string {
	if signed == "" {
		signed = payload
	}
	timestamp, _, _ := strings.Cut(strings.TrimPrefix(payload, `{"timestamp":`), ",")
	mac := hmac.New(sha256.New, []byte(secret))
	io.WriteString(mac, timestamp+"."+signed)
	return `{"object":"authentication_action_response","payload":` + payload + `,"signature":"` + hex.EncodeToString(mac.Sum(nil)) + `"}`
}

func TestAnActionWithoutAValidAnswerIsDeniedUnlessErrorsAreAllowed(t *testing.T) {
	t.Parallel()
	now := strconv.FormatInt(start.UnixMilli(), 10)
	allow := `{"timestamp":` + now + `,"verdict":"Allow"}`
	deny := func(message string) string {
		return `{"timestamp":` + now + `,"verdict":"Deny","error_message":"` + message + `"}`
	}
	old := `{"timestamp":` + strconv.FormatInt(start.Add(-31*time.Second).UnixMilli(), 10) + `,"verdict":"Allow"}`
	seconds := `{"timestamp":` + strconv.FormatInt(start.Unix(), 10) + `,"verdict":"Allow"}`
	for name, tt := range map[string]struct {
		status  int
		body    string
		problem string // "" means allowed
		denied  bool   // also if errors are allowed
	}{
		"allowed":                             {body: signedAnswer(allow, "", actionSecret)},
		"allowed in lower case":               {body: signedAnswer(strings.Replace(allow, "Allow", "allow", 1), "", actionSecret)},
		"denied":                              {body: signedAnswer(deny("No."), "", actionSecret), problem: "No.", denied: true},
		"denied without a message":            {body: signedAnswer(strings.Replace(allow, "Allow", "deny", 1), "", actionSecret), problem: "does not allow this", denied: true},
		"denied with an escape of HTML":       {body: signedAnswer(deny(`a\u003cb`), "", actionSecret), problem: "its signature is wrong"},
		"denied with such an escape resolved": {body: signedAnswer(deny(`a\u003cb`), deny(`a<b`), actionSecret), problem: "a&lt;b", denied: true},
		"denied with a separator":             {body: signedAnswer(deny("a\u2028\\\\u2028"), "", actionSecret), problem: "a\u2028\\u2028", denied: true},
		"denied with 501 characters":          {body: signedAnswer(deny(strings.Repeat("a", 501)), "", actionSecret), problem: "more than 500 characters"},
		"another secret":                      {body: signedAnswer(allow, "", "another"), problem: "its signature is wrong"},
		"another verdict":                     {body: signedAnswer(strings.Replace(allow, "Allow", "Maybe", 1), "", actionSecret), problem: "its verdict is neither"},
		"another object":                      {body: strings.Replace(signedAnswer(allow, "", actionSecret), "authentication", "user_registration", 1), problem: "its object is not authentication_action_response"},
		"an old answer":                       {body: signedAnswer(old, "", actionSecret), problem: "its timestamp is more than 30 s"},
		"an answer in seconds":                {body: signedAnswer(seconds, "", actionSecret), problem: "not in milliseconds"},
		"no JSON":                             {body: "ok", problem: "it is not the JSON of an Action response"},
		"status 201":                          {status: 201, body: signedAnswer(allow, "", actionSecret), problem: "its status is 201"},
		"status 500":                          {status: 500, problem: "its status is 500"},
		"no server":                           {status: -1, problem: "could not be reached"},
	} {
		for _, allowOnError := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, AllowOnError %v", name, allowOnError), func(t *testing.T) {
				endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					assert.Regexp(t, "^t="+now+", v1=[0-9a-f]{64}$", r.Header.Get("WorkOS-Signature"))
					if tt.status > 0 {
						w.WriteHeader(tt.status)
					}
					io.WriteString(w, tt.body)
				}))
				defer endpoint.Close()
				if tt.status < 0 {
					endpoint.Close()
				}
				a := newApp(t)
				a.SetActions(authkittest.Actions{Authentication: endpoint.URL, Secret: actionSecret, AllowOnError: allowOnError})
				b, _ := a.authorize(nil)
				page := a.press(b, "Ada", nil)
				if tt.problem == "" || allowOnError && !tt.denied {
					assert.NotEmpty(t, a.callbackQuery(page).Get("code"))
					return
				}
				assert.Equal(t, http.StatusUnprocessableEntity, page.StatusCode)
				assert.Contains(t, page.Body, tt.problem)
			})
		}
	}
}

func TestTheLogOfATestHasNoSecretOfActions(t *testing.T) {
	for secret, want := range map[string]string{"horse-battery": "secret=[secret] word=staple", "s": "secret=s word=staple"} {
		r := &logRecorder{TB: t}
		var env authkittest.Env
		app := authkittest.Run(r, func(e authkittest.Env) http.Handler {
			env = e
			return application(e.AuthKit())
		})
		app.Fake.SetActions(authkittest.Actions{Authentication: app.URL, Secret: secret})
		env.Log.Warn("too much", "secret", secret, "word", "staple")
		r.end()
		assert.Contains(t, r.text.String(), want, "a short secret may be a part of other words")
	}
}

func TestSetActionsPanicsWithoutASecret(t *testing.T) {
	a := newApp(t)
	assert.PanicsWithValue(t, "authkittest: SetActions: an endpoint needs a secret", func() {
		a.SetActions(authkittest.Actions{Registration: "http://localhost/actions"})
	})
}
