// Actions: requests in which WorkOS asks the application whether a user may sign in or register.

package workos

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// The errors of [ParseAction]. Compare them with [errors.Is]. The text names the reason and shows no secret, no signature
// and nothing of the body.
var (
	// ErrActionSignature means that the request is not one of WorkOS, or is not fresh: its signature is missing, malformed or
	// wrong, or its timestamp is older or newer than 30 seconds or in seconds.
	ErrActionSignature = errors.New("workos: the signature of the Action request is not valid")

	// ErrActionTooLarge means that the body has more than 1 MiB. It was not verified.
	ErrActionTooLarge = errors.New("workos: the Action request is larger than 1 MiB")

	// ErrUnknownAction means that WorkOS has signed the request, but that it is no Action that this package knows, or that it
	// does not say which user it is about.
	ErrUnknownAction = errors.New("workos: the signed Action request has an unknown form")
)

// actionTolerance is the greatest difference between the timestamp of an Action request and now, as in the libraries of
// WorkOS.
const actionTolerance = 30 * time.Second

const (
	authenticationObject = "authentication_action_context"
	registrationObject   = "user_registration_action_context"
)

// Action is a request of WorkOS that was verified. Exactly one of Authentication and Registration is not nil. Printed,
// logged or encoded as JSON, it does not show the secret with which [Action.Response] signs.
type Action struct {
	Authentication *AuthenticationContext `json:",omitempty"` // a user is about to sign in
	Registration   *RegistrationContext   `json:",omitempty"` // a user is about to register

	object string // of the response
	secret string
}

// Format implements [fmt.Formatter]. It does not show the secret.
func (a Action) Format(s fmt.State, verb rune) {
	type plain Action
	masked := plain(a)
	masked.secret = mask(a.secret)
	format(s, verb, masked)
}

// AuthenticationContext describes a sign-in that waits for a [Verdict]: the user has proved who they are, and WorkOS has not
// redirected the browser to the application yet. A member that WorkOS sends as null, or does not send, has its zero value.
//
// See https://workos.com/docs/authkit/actions
type AuthenticationContext struct {
	ID                     string                  `json:"id"` // of this Action request
	User                   User                    `json:"user"`
	Organization           *Organization           `json:"organization,omitempty"`            // nil if the user signs in to none
	OrganizationMembership *OrganizationMembership `json:"organization_membership,omitempty"` // of the user in Organization
	AuthenticationMethod   string                  `json:"authentication_method,omitempty"`   // such as "Password" or "SSO"
	IPAddress              string                  `json:"ip_address,omitempty"`              // of the browser
	UserAgent              string                  `json:"user_agent,omitempty"`              // of the browser, which chooses it
	DeviceFingerprint      string                  `json:"device_fingerprint,omitempty"`      // of the browser, which influences it
	Issuer                 string                  `json:"issuer,omitempty"`                  // the issuer of the access token to come
}

// RegistrationContext describes a registration that waits for a [Verdict]: WorkOS has not created the user yet. A member
// that WorkOS sends as null, or does not send, has its zero value.
//
// See https://workos.com/docs/authkit/actions
type RegistrationContext struct {
	ID                   string      `json:"id"` // of this Action request
	UserData             UserData    `json:"user_data"`
	Invitation           *Invitation `json:"invitation,omitempty"` // nil if the user was not invited
	AuthenticationMethod string      `json:"authentication_method,omitempty"`
	IPAddress            string      `json:"ip_address,omitempty"`
	UserAgent            string      `json:"user_agent,omitempty"`
	DeviceFingerprint    string      `json:"device_fingerprint,omitempty"`
}

// UserData is what a user who registers has entered. The address may not be verified yet.
type UserData struct {
	Email     string `json:"email"`
	Name      string `json:"name,omitempty"` // the display name
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
}

// ParseAction verifies an Action request and returns its content. header is the header of the request. body are the bytes
// of its body as they arrived, 1 MiB at most: a body that was decoded and encoded again has another signature. now is the
// present time. secrets are the secrets of the Action endpoint (WorkOS dashboard), usually one. During a rotation there are
// two. It panics without a secret and if one is empty, because everybody knows the signature of an empty secret.
//
// The header is WorkOS-Signature: t=<milliseconds>, v1=<hex>. The signature is the HMAC-SHA256 of the timestamp, a full stop
// and the body. The timestamp may differ from now by 30 seconds. Within that time, the same request is accepted again, so
// answering it must be harmless.
//
// The error matches [ErrActionSignature], [ErrActionTooLarge] or [ErrUnknownAction]. Members that this package does not know
// are ignored. Package authkit has handlers that call ParseAction and answer.
//
// See https://workos.com/docs/authkit/actions
func ParseAction(header http.Header, body []byte, now time.Time, secrets ...string) (*Action, error) {
	if len(secrets) == 0 || slices.Contains(secrets, "") {
		panic("workos: ParseAction: a secret is missing or empty; the secret of the Action endpoint is in the WorkOS dashboard")
	}
	if len(body) > maxSignedBody {
		return nil, ErrActionTooLarge
	}
	secret, fault := verifySignature(header, body, now, actionTolerance, secrets)
	if fault != nil {
		return nil, fmt.Errorf("%w: %w", ErrActionSignature, fault)
	}
	return decodeAction(body, secrets[secret])
}

func decodeAction(body []byte, secret string) (*Action, error) {
	var kind struct {
		Object string `json:"object"`
	}
	if json.Unmarshal(body, &kind) != nil {
		return nil, fmt.Errorf("%w: not a JSON object", ErrUnknownAction)
	}
	action := &Action{secret: secret}
	var context any
	switch kind.Object {
	case authenticationObject:
		action.Authentication, action.object = &AuthenticationContext{}, "authentication_action_response"
		context = action.Authentication
	case registrationObject:
		action.Registration, action.object = &RegistrationContext{}, "user_registration_action_response"
		context = action.Registration
	default:
		return nil, fmt.Errorf("%w: its object is neither %s nor %s", ErrUnknownAction, authenticationObject, registrationObject)
	}
	var mismatch *json.UnmarshalTypeError
	switch err := json.Unmarshal(body, context); {
	case errors.As(err, &mismatch):
		return nil, fmt.Errorf("%w: its member %s has an unexpected type", ErrUnknownAction, oneLine(mismatch.Field))
	case err != nil:
		return nil, fmt.Errorf("%w: a member has an unexpected form", ErrUnknownAction)
	case action.Authentication != nil && action.Authentication.User.ID == "":
		return nil, fmt.Errorf("%w: it has no user with an ID", ErrUnknownAction)
	case action.Registration != nil && action.Registration.UserData.Email == "":
		return nil, fmt.Errorf("%w: its user_data has no email", ErrUnknownAction)
	}
	return action, nil
}
