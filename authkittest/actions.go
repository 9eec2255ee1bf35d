// Actions: the sign-in pages ask the application whether a user may sign in or register.

package authkittest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// Actions are the Action endpoints of an application, as they are configured in the WorkOS dashboard. See [Server.SetActions].
type Actions struct {
	Authentication string // the URL that is asked before a user signs in; empty for none
	Registration   string // the URL that is asked before a user is created; empty for none
	Secret         string // of both endpoints; required if there is one

	// AllowOnError allows the operation if an endpoint gives no valid answer. The default is to deny, as at WorkOS.
	AllowOnError bool
}

// SetActions makes the pages of the fake ask the application, with signed requests, as WorkOS does:
//
//	fake.SetActions(authkittest.Actions{
//		Authentication: app + "/actions/authentication",
//		Registration:   app + "/actions/registration",
//		Secret:         "secret",
//	})
//
// A user who signs in on the pages, or with a provider or a connection, reaches the application only if it allows that. A user
// who registers is created only if the application allows that, and is then asked about once more, as a user who signs in. A
// denial shows its message on the page. If an endpoint gives no valid answer, the page says why. The requests have the time of
// the fake's clock, so the application needs the same clock.
//
// A browser that is signed in at the fake already is not asked about again. Sign-ins by an API call (password, Magic Auth),
// impersonation and [Server.BearerToken] do not ask either. The zero Actions turn the questions off. SetActions panics if there
// is an endpoint and no secret.
//
// See https://workos.com/docs/authkit/actions
func (f *Server) SetActions(actions Actions) {
	if actions.Secret == "" && actions.Authentication+actions.Registration != "" {
		panic("authkittest: SetActions: an endpoint needs a secret")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.actions = actions
}

// asker is the browser of a user about whom the application has not been asked.
type asker struct{ ipAddress, userAgent string }

func askerOf(r *http.Request) *asker {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return &asker{host, r.UserAgent()}
}

// question is an Action request whose answer decides what a page shows.
type question struct {
	actions  Actions
	url      string
	context  any    // the body of the request
	response string // the object of the response
	then     func(answer) pageResponse
}

// answer is the verdict of the application, with a message for the user if it is a denial.
type answer struct {
	allowed bool
	message string
}

type authenticationContext struct {
	ID                     string              `json:"id"`
	Object                 string              `json:"object"`
	User                   userObject          `json:"user"`
	Organization           *organizationObject `json:"organization,omitempty"`
	OrganizationMembership *membershipObject   `json:"organization_membership,omitempty"`
	AuthenticationMethod   string              `json:"authentication_method"`
	IPAddress              string              `json:"ip_address"`
	UserAgent              string              `json:"user_agent"`
	DeviceFingerprint      *string             `json:"device_fingerprint"`
	Issuer                 string              `json:"issuer"`
}

type registrationContext struct {
	ID                string          `json:"id"`
	Object            string          `json:"object"`
	UserData          userData        `json:"user_data"`
	Invitation        *invitationData `json:"invitation,omitempty"`
	IPAddress         string          `json:"ip_address"`
	UserAgent         string          `json:"user_agent"`
	DeviceFingerprint *string         `json:"device_fingerprint"`
}

type userData struct {
	Object    string  `json:"object"`
	Email     string  `json:"email"`
	Name      *string `json:"name"`
	FirstName string  `json:"first_name"`
	LastName  string  `json:"last_name"`
}

// actionDenial is the data of the events of denials.
type actionDenial struct {
	EndpointID     string  `json:"action_endpoint_id"`
	ExecutionID    string  `json:"action_execution_id"`
	Type           string  `json:"type"`
	Verdict        string  `json:"verdict"`
	UserID         *string `json:"user_id,omitempty"`
	OrganizationID *string `json:"organization_id"`
	Email          string  `json:"email"`
	IPAddress      *string `json:"ip_address"`
	UserAgent      *string `json:"user_agent"`
}

func (a Actions) endpointID() string {
	return stableID("action_endpoint", a.Authentication+a.Registration)
}

// signInQuestion returns the question about the user of an authorization, or nil if there is no question.
func (f *Server) signInQuestion(a *authorization) *question {
	browser, actions := a.result.unasked, f.actions
	if browser == nil || actions.Authentication == "" {
		return nil
	}
	user := f.accountByID(a.result.userID)
	c := authenticationContext{
		ID: newID("action"), Object: "authentication_action_context", User: user.object(), AuthenticationMethod: a.result.method,
		IPAddress: browser.ipAddress, UserAgent: browser.userAgent, Issuer: f.Issuer(),
	}
	if o, found := f.organization(a.result.organizationID); found {
		object := o.object()
		c.Organization = &object
		if i := user.membershipIn(o.ID); i >= 0 {
			m := f.membershipObject(membershipRow{user, &user.Memberships[i]})
			c.OrganizationMembership = &m
		}
	}
	return &question{actions, actions.Authentication, c, "authentication_action_response", func(answer answer) pageResponse {
		if f.authorizations[a.id] != a {
			return notice(http.StatusNotFound, "This sign-in is over", "It was finished or cancelled meanwhile.")
		}
		if !answer.allowed {
			f.emit("action.authentication.denied", a.result.organizationID, actionDenial{
				EndpointID: actions.endpointID(), ExecutionID: c.ID, Type: "authentication", Verdict: "Deny", UserID: &c.User.ID,
				OrganizationID: orNull(a.result.organizationID), Email: c.User.Email,
				IPAddress: orNull(c.IPAddress), UserAgent: orNull(c.UserAgent),
			})
			delete(f.browserSessions, a.result.browserID)
			a.result = signInResult{}
			denied := f.signInProblem(a, c.User.Email, answer.message)
			denied.cookie = f.cookie("")
			return denied
		}
		a.result.unasked = nil
		f.updateBrowserSession(a.result)
		return f.finishAuthorization(a)
	}}
}

// register creates a user and signs the user in, if the application allows that.
func (f *Server) register(r *http.Request, a *authorization, p User) pageResponse {
	actions := f.actions
	if actions.Registration == "" {
		return f.signIn(r, a, f.addUser(p))
	}
	browser := askerOf(r)
	c := registrationContext{
		ID: newID("action"), Object: "user_registration_action_context", IPAddress: browser.ipAddress, UserAgent: browser.userAgent,
		UserData: userData{"user_data", p.Email, orNull(strings.TrimSpace(p.FirstName + " " + p.LastName)), p.FirstName, p.LastName},
	}
	for _, i := range f.invitations {
		if strings.EqualFold(i.email, p.Email) && i.state(f.clock.Now()) == invitationPending && (c.Invitation == nil || i == a.invitation) {
			data := f.invitationData(i)
			c.Invitation = &data
		}
	}
	return pageResponse{question: &question{actions, actions.Registration, c, "user_registration_action_response", func(answer answer) pageResponse {
		if f.authorizations[a.id] != a {
			return notice(http.StatusNotFound, "This sign-in is over", "It was finished or cancelled meanwhile.")
		}
		v := f.view(a)
		v.Email, v.FirstName, v.LastName, v.Problem = p.Email, p.FirstName, p.LastName, answer.message
		switch {
		case answer.allowed && f.accountByEmail(p.Email) == nil:
			return f.signIn(r, a, f.addUser(p))
		case answer.allowed:
			v.Problem = "There is an account with this address already. Sign in instead."
		default:
			f.emit("action.user_registration.denied", "", actionDenial{
				EndpointID: actions.endpointID(), ExecutionID: c.ID, Type: "user_registration", Verdict: "Deny", Email: p.Email,
				IPAddress: orNull(c.IPAddress), UserAgent: orNull(c.UserAgent),
			})
		}
		return showPage(http.StatusUnprocessableEntity, "sign-up", v)
	}}}
}

// ask sends a question to the application and returns its answer. It waits as long as the browser does.
func (f *Server) ask(ctx context.Context, q *question) answer {
	ctx, cancel := f.untilClosed(ctx)
	defer cancel()
	verdict, message, err := f.askOnce(ctx, q)
	switch {
	case err != nil && !q.actions.AllowOnError:
		return answer{message: "Denied, because the application gave no valid answer to the Action: " + err.Error() + "."}
	case err != nil, verdict == "Allow", verdict == "allow":
		return answer{allowed: true}
	case message == "":
		message = "The application does not allow this."
	}
	return answer{message: message}
}

// untilClosed returns a context that also ends when the fake is closed.
func (f *Server) untilClosed(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-f.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

func (f *Server) askOnce(ctx context.Context, q *question) (verdict, message string, err error) {
	body, err := json.Marshal(q.context)
	if err != nil {
		return "", "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, q.url, bytes.NewReader(body))
	if err != nil {
		return "", "", fmt.Errorf("the URL of its endpoint is invalid")
	}
	timestamp := strconv.FormatInt(f.clock.Now().UnixMilli(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("WorkOS-Signature", "t="+timestamp+", v1="+signature(timestamp, string(body), q.actions.Secret))
	transport := newTransport()
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(r)
	if err != nil {
		return "", "", fmt.Errorf("it could not be reached: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", "", fmt.Errorf("its status is %d", response.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxRequest))
	if err != nil {
		return "", "", fmt.Errorf("its answer did not arrive: %w", err)
	}
	return f.readVerdict(q, text)
}

// maxErrorMessage is the greatest length of an error_message, in UTF-16 code units.
const maxErrorMessage = 500

// readVerdict checks an answer as WorkOS does: the signature is over the text that JSON.stringify makes of the payload.
func (f *Server) readVerdict(q *question, text []byte) (verdict, message string, err error) {
	var response struct {
		Object  string `json:"object"`
		Payload struct {
			Timestamp    int64   `json:"timestamp"`
			Verdict      string  `json:"verdict"`
			ErrorMessage *string `json:"error_message"`
		} `json:"payload"`
		Signature string `json:"signature"`
	}
	if json.Unmarshal(text, &response) != nil {
		return "", "", errors.New("it is not the JSON of an Action response")
	}
	payload := response.Payload
	timestamp := strconv.FormatInt(payload.Timestamp, 10)
	signed := `{"timestamp":` + timestamp + `,"verdict":` + stringified(payload.Verdict)
	if payload.ErrorMessage != nil {
		message = *payload.ErrorMessage
		signed += `,"error_message":` + stringified(message)
	}
	signed += "}"
	age := f.clock.Now().Sub(time.UnixMilli(payload.Timestamp)).Abs()
	switch {
	case response.Object != q.response:
		err = fmt.Errorf("its object is not %s", q.response)
	case !hmac.Equal([]byte(response.Signature), []byte(signature(timestamp, signed, q.actions.Secret))):
		err = errors.New("its signature is wrong")
	case age > 30*time.Second:
		err = errors.New("its timestamp is more than 30 s from now, or not in milliseconds")
	case !slices.Contains([]string{"Allow", "allow", "Deny", "deny"}, payload.Verdict):
		err = errors.New("its verdict is neither Allow nor Deny")
	case len(utf16.Encode([]rune(message))) > maxErrorMessage:
		err = errors.New("its error_message has more than 500 characters")
	}
	return payload.Verdict, message, err
}

// stringified returns a text as JSON.stringify of JavaScript does.
func stringified(text string) string {
	var quoted bytes.Buffer
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		panic(fmt.Sprintf("authkittest: %v", err)) // not possible: it is a string
	}
	// An escaped backslash is replaced by itself, so that the text \u2028 after one is not taken for an escape.
	return strings.NewReplacer(`\\`, `\\`, `\u2028`, "\u2028", `\u2029`, "\u2029").Replace(strings.TrimSuffix(quoted.String(), "\n"))
}

// signature returns the signature of WorkOS over a timestamp and a text.
func signature(timestamp, text, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	io.WriteString(mac, timestamp+"."+text)
	return hex.EncodeToString(mac.Sum(nil))
}
