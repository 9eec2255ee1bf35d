// MFA enrollment: a user who needs a second factor and has none sets up an authenticator app.

package main

import (
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/authkit-go/authkit/workos"
)

// totpIssuer is the name of the application in an authenticator app's list of accounts.
const totpIssuer = "authkit example"

// enrollmentTakenBack is what the user reads after [application.takeBackUnfinished].
const enrollmentTakenBack = "Your authenticator app was not set up completely. Sign in again to set it up."

// enrollmentScreen explains that an app is needed. Once there is a secret, it asks for the first code.
func enrollmentScreen(pending pendingSignIn) screen {
	return screen{page: enrollmentPage, code: codeFromNewApp, Email: pending.Email, Secret: groupByFour(pending.Secret)}
}

func (a *application) showEnrollment(w http.ResponseWriter, _ *http.Request, pending pendingSignIn) {
	show(w, http.StatusOK, enrollmentScreen(pending))
}

// enroll creates an authenticator app and shows its QR code. WorkOS returns the QR code only once, and it is too large
// for a cookie. So the response to this form is the page with the QR code. Later pages show the secret to type in, and a
// button for a new QR code.
func (a *application) enroll(w http.ResponseWriter, r *http.Request, pending pendingSignIn) {
	a.takeBackFactor(r, pending.FactorID)
	pending.FactorID, pending.ChallengeID, pending.Secret = "", "", ""
	enrolled, err := a.workos.EnrollAuthFactor(r.Context(), pending.UserID, workos.EnrollAuthFactorParams{Issuer: totpIssuer, User: pending.Email})
	if err == nil {
		a.unfinished.add(enrolled.Factor.ID)
	}
	if err == nil && enrolled.Factor.TOTP == nil {
		err = errors.New("WorkOS enrolled an authenticator app but returned no secret")
	}
	if err == nil {
		pending.FactorID, pending.ChallengeID, pending.Secret = enrolled.Factor.ID, enrolled.Challenge.ID, enrolled.Factor.TOTP.Secret
	}
	switch {
	case !a.savePending(w, r, pending): // it has responded with an error
	case err != nil:
		a.handleResult(w, r, enrollmentScreen(pending), nil, err)
	default:
		a.showQRCode(w, pending, enrolled.Factor.TOTP)
	}
}

func (a *application) showQRCode(w http.ResponseWriter, pending pendingSignIn, totp *workos.TOTP) {
	page := enrollmentScreen(pending)
	if image := totp.QRCode; strings.HasPrefix(image, "data:image/png;base64,") {
		page.QRCode = template.URL(image)
		policy := w.Header().Get("Content-Security-Policy")
		w.Header().Set("Content-Security-Policy", policy+"; img-src data:")
	}
	if link := totp.URI; strings.HasPrefix(link, "otpauth://") {
		page.AppLink = template.URL(link)
	}
	show(w, http.StatusOK, page)
}

// submitEnrollment sends the first code of a new app to WorkOS, which completes the enrollment and the sign-in.
func (a *application) submitEnrollment(w http.ResponseWriter, r *http.Request, pending pendingSignIn) {
	if pending.ChallengeID == "" {
		show(w, http.StatusOK, enrollmentScreen(pending))
		return
	}
	// The enrollment is complete as soon as WorkOS has accepted the code, even if its response is lost. So the factor is not in
	// the list meanwhile, and it returns only if WorkOS says that the code was not accepted.
	unfinished := a.unfinished.remove(pending.FactorID)
	auth, err := a.workos.AuthenticateWithTOTP(r.Context(), pending.totpParams(r))
	if unfinished && refusesCode(err) {
		a.unfinished.add(pending.FactorID)
	}
	a.handleResult(w, r, enrollmentScreen(pending), auth, err)
}

// refusesCode reports whether an error of WorkOS says that a code was not accepted. A further step means that it was.
func refusesCode(err error) bool {
	var refusal *workos.Error
	_, further := nextStep(err, "")
	return errors.As(err, &refusal) && !workos.IsTransient(err) && !further
}

// takeBackFactor deletes a factor whose enrollment was not completed, and reports whether it did. Otherwise WorkOS would ask
// for its code at the next sign-in. An empty ID is ignored.
func (a *application) takeBackFactor(r *http.Request, factorID string) bool {
	if factorID == "" {
		return false
	}
	if err := a.workos.DeleteAuthFactor(r.Context(), factorID); err != nil && !workos.IsNotFound(err) {
		slog.WarnContext(r.Context(), "an incomplete authenticator app was not deleted", slog.Any("error", err))
		return false
	}
	a.unfinished.remove(factorID)
	return true
}

// takeBackUnfinished deletes the factors that WorkOS asks for, if their enrollment was not completed: the user has closed
// the page with the QR code and has no app that shows the code. It reports whether it has deleted one. The user must then
// sign in again, and WorkOS asks for an enrollment.
func (a *application) takeBackUnfinished(r *http.Request, err error) (tookBack bool) {
	var mfa *workos.MFAChallengeError
	if !errors.As(err, &mfa) {
		return false
	}
	for _, factor := range mfa.Factors {
		if !a.unfinished.remove(factor.ID) {
			continue
		}
		if !a.takeBackFactor(r, factor.ID) {
			a.unfinished.add(factor.ID) // the next sign-in tries again
			continue
		}
		tookBack = true
	}
	return tookBack
}

// unfinishedFactors are the IDs of the factors whose enrollment has begun and was not completed. WorkOS does not tell them
// from other factors. Only the application knows that it has never seen a code of theirs. A factor that is not in the list
// must never be deleted: the password alone would then be enough to sign in.
//
// This example keeps the list in memory. An application keeps it in its database, so that a restart does not lose it.
type unfinishedFactors struct {
	mu  sync.Mutex // guards ids
	ids map[string]bool
}

func (u *unfinishedFactors) add(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ids == nil {
		u.ids = map[string]bool{}
	}
	u.ids[id] = true
}

// remove reports whether the ID was in the list.
func (u *unfinishedFactors) remove(id string) (found bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	found = u.ids[id]
	delete(u.ids, id)
	return found
}

// groupByFour separates a secret into groups of four characters, so that it is easier to type.
func groupByFour(secret string) string {
	var b strings.Builder
	for i, letter := range secret {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(letter)
	}
	return b.String()
}
