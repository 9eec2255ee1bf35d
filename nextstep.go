// Further steps of a sign-in: a code exchange that needs one continues at AuthKit, once.

package authkit

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"unicode"

	"github.com/authkit-go/authkit/workos"
)

// maxLoginHint is the most bytes of an email address that becomes a login hint (RFC
// 5321, section 4.5.3.1.3). The cookie of the sign-in holds it.
const maxLoginHint = 254

// nextStep is what a sign-in still needs after its user came back from AuthKit, from a
// provider or from a connection.
type nextStep struct {
	need       string // completes "You must …", for the user
	email      string // of the user, "" if it is not known
	connection string // the connection to sign in to, "" for AuthKit's hosted pages
}

// otherMethod is the need if the authentication method is not allowed.
const otherMethod = "sign in another way, because the way that you chose is not allowed"

// nextStepOf returns the step that a failed code exchange needs, and whether there is
// one. The code of WorkOS's error decides. The pending authentication token stays in the
// error: AuthKit's hosted pages do not take it.
func nextStepOf(err error) (nextStep, bool) {
	var (
		email        *workos.EmailVerificationRequiredError
		challenge    *workos.MFAChallengeError
		enrollment   *workos.MFAEnrollmentError
		organization *workos.OrganizationSelectionRequiredError
		sso          *workos.SSORequiredError
		methods      *workos.OrganizationAuthMethodsRequiredError
		radar        *workos.RadarChallengeError
	)
	switch {
	case errors.As(err, &email):
		return nextStep{need: "verify your email address", email: email.Email}, true
	case errors.As(err, &challenge):
		return nextStep{need: "confirm the sign-in with your second factor", email: challenge.User.Email}, true
	case errors.As(err, &enrollment):
		return nextStep{need: "set up a second factor", email: enrollment.User.Email}, true
	case errors.As(err, &organization):
		return nextStep{need: "choose one of your organizations", email: organization.User.Email}, true
	case errors.As(err, &sso):
		return nextStep{need: "use the single sign-on of your organization", email: sso.Email, connection: only(sso.ConnectionIDs)}, true
	case errors.As(err, &methods):
		step := nextStep{need: otherMethod, email: methods.Email}
		if len(methods.Methods) == 0 {
			step.connection = only(methods.SSOConnectionIDs)
		}
		return step, true
	case errors.As(err, &radar):
		return nextStep{need: "pass another check"}, true
	}
	switch workos.ErrorCode(err) {
	case workos.CodeAuthenticationMethodNotAllowed:
		return nextStep{need: otherMethod}, true
	case workos.CodePasskeyProgressiveEnrollment:
		return nextStep{need: "choose whether to set up a passkey"}, true
	case workos.CodeApplicationConsentRequired:
		return nextStep{need: "consent to the use of your account"}, true
	}
	return nextStep{}, false
}

// only returns the ID if there is exactly one, and "" otherwise: then AuthKit chooses.
func only(ids []string) string {
	if len(ids) != 1 {
		return ""
	}
	return ids[0]
}

// stepRequiredError matches [ErrSignInStepRequired] and says what the sign-in needs.
type stepRequiredError struct {
	need string
	err  error
}

func (e *stepRequiredError) Error() string {
	return ErrSignInStepRequired.Error() + ": " + e.err.Error()
}

// Unwrap returns [ErrSignInStepRequired] and the answer of WorkOS.
func (e *stepRequiredError) Unwrap() []error { return []error{ErrSignInStepRequired, e.err} }

func (e *stepRequiredError) explanation() string {
	return "You are not signed in yet: you must " + e.need + ". You can try again."
}

// mayContinue reports whether a sign-in that needs a further step may continue, and not
// fail. It may not in these cases:
//
//   - It continued before. There would be a redirect loop.
//   - The application has forms of its own ([WithSignInPage]). Its error handler gets the
//     error, which has the pending authentication token for its own page of the step.
//   - A program sent the request. It cannot show AuthKit's pages.
func (a *AuthKit) mayContinue(r *http.Request, pending *pendingSignIn) bool {
	return !pending.continued && !a.signInPage && (wantsPage(r) || !wantsData(r))
}

// continueSignIn answers the callback of a sign-in that needs a further step. The
// browser goes to AuthKit's hosted pages, which ask for it, or to the connection that
// the organization requires. The new sign-in has a new state and a new code verifier,
// and otherwise the parameters of the pending one. err is the answer of WorkOS.
func (a *AuthKit) continueSignIn(w http.ResponseWriter, r *http.Request, pending *pendingSignIn, step nextStep, err error) {
	a.log.LogAttrs(r.Context(), slog.LevelDebug, "authkit: sign-in needs a further step, continued", slog.Any("error", err))
	request := a.startAgain(r, pending)
	request.continued = true
	request.params.ProviderScopes = nil
	if len(step.email) <= maxLoginHint && isEmailAddress(step.email) {
		request.params.LoginHint = step.email
	}
	// Only the hosted pages support max_age. A connection that the user comes from would
	// lead to the same answer.
	if step.connection != "" && step.connection != pending.params.ConnectionID && pending.maxAge == nil {
		request.params.ConnectionID = step.connection
		request.params.Provider, request.params.OrganizationID, request.params.ScreenHint = "", "", ""
	} else {
		request.params.Provider, request.params.ConnectionID = workos.ProviderAuthKit, ""
	}
	a.startSignIn(w, r, request)
}

// isEmailAddress reports whether s looks like an email address without a display name. It is only a hint for AuthKit's page.
func isEmailAddress(s string) bool {
	local, domain, _ := strings.Cut(s, "@")
	return local != "" && domain != "" && !strings.ContainsFunc(s, unicode.IsSpace) && !hasControl(s) && !strings.ContainsAny(s, "<>()[],;:\\\"") && !strings.Contains(domain, "@")
}
