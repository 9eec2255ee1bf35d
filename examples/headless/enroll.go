// The second factor of somebody who needs one and has none: an authenticator app is set up.

package main

import (
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"strings"

	"github.com/authkit-go/authkit/workos"
)

// issuer is the name under which authenticator apps list the account.
const issuer = "authkit example"

// enrollmentScreen begins with a word on what is needed, and goes on to the app's first code.
func enrollmentScreen(f flow) screen {
	return screen{page: enrollmentPage, code: byNewApp, Email: f.Email, Secret: inFours(f.Secret)}
}

func (a *application) showEnrollment(w http.ResponseWriter, _ *http.Request, f flow) {
	show(w, http.StatusOK, enrollmentScreen(f))
}

// enroll shows a QR code. WorkOS tells it only once and it is too large to be remembered, so the page with it is the
// answer to the form; afterwards there is the secret to be typed in, and a button for a new QR code.
func (a *application) enroll(w http.ResponseWriter, r *http.Request, f flow) {
	a.dropFactor(r, f)
	f.Factor, f.Challenge, f.Secret = "", "", ""
	enrolled, err := a.workos.EnrollAuthFactor(r.Context(), f.UserID, workos.EnrollAuthFactorParams{Issuer: issuer, User: f.Email})
	if err == nil && enrolled.Factor.TOTP == nil {
		err = errors.New("WorkOS enrolled an authenticator app without its secret")
	}
	if err == nil {
		f.Factor, f.Challenge, f.Secret = enrolled.Factor.ID, enrolled.Challenge.ID, enrolled.Factor.TOTP.Secret
	}
	switch {
	case !a.remember(w, r, f):
	case err != nil:
		a.next(w, r, enrollmentScreen(f), nil, err)
	default:
		a.showQRCode(w, f, enrolled.Factor.TOTP)
	}
}

func (a *application) showQRCode(w http.ResponseWriter, f flow, totp *workos.TOTP) {
	at := enrollmentScreen(f)
	if picture := totp.QRCode; strings.HasPrefix(picture, "data:image/png;base64,") {
		at.QRCode = template.URL(picture)
		policy := w.Header().Get("Content-Security-Policy")
		w.Header().Set("Content-Security-Policy", policy+"; img-src data:")
	}
	if link := totp.URI; strings.HasPrefix(link, "otpauth://") {
		at.AppLink = template.URL(link)
	}
	show(w, http.StatusOK, at)
}

func (a *application) answerEnrollment(w http.ResponseWriter, r *http.Request, f flow) {
	if f.Challenge == "" {
		show(w, http.StatusOK, enrollmentScreen(f))
		return
	}
	auth, err := a.workos.AuthenticateWithTOTP(r.Context(), f.totp(r))
	a.next(w, r, enrollmentScreen(f), auth, err)
}

// dropFactor takes back a factor whose first code never came. Left alone it would be asked for at the next sign-in.
func (a *application) dropFactor(r *http.Request, f flow) {
	if f.Factor == "" {
		return
	}
	if err := a.workos.DeleteAuthFactor(r.Context(), f.Factor); err != nil && !workos.IsNotFound(err) {
		slog.WarnContext(r.Context(), "an authenticator app that was not set up stays behind", slog.Any("error", err))
	}
}

// inFours makes a secret easier to type in.
func inFours(secret string) string {
	var b strings.Builder
	for i, letter := range secret {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(letter)
	}
	return b.String()
}
