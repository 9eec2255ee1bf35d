// MFA enrollment: a user who needs a second factor and has none sets up an authenticator app.

package main

import (
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"strings"

	"github.com/authkit-go/authkit/workos"
)

// totpIssuer is the name of the application in an authenticator app's list of accounts.
const totpIssuer = "authkit example"

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
	a.deleteFactor(r, pending)
	pending.FactorID, pending.ChallengeID, pending.Secret = "", "", ""
	enrolled, err := a.workos.EnrollAuthFactor(r.Context(), pending.UserID, workos.EnrollAuthFactorParams{Issuer: totpIssuer, User: pending.Email})
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
	auth, err := a.workos.AuthenticateWithTOTP(r.Context(), pending.totpParams(r))
	a.handleResult(w, r, enrollmentScreen(pending), auth, err)
}

// deleteFactor deletes a factor whose enrollment was not completed. Otherwise WorkOS would ask for its code at the next
// sign-in.
func (a *application) deleteFactor(r *http.Request, pending pendingSignIn) {
	if pending.FactorID == "" {
		return
	}
	if err := a.workos.DeleteAuthFactor(r.Context(), pending.FactorID); err != nil && !workos.IsNotFound(err) {
		slog.WarnContext(r.Context(), "an incomplete authenticator app was not deleted", slog.Any("error", err))
	}
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
