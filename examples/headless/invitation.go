// Invitations: the link in an email opens a page, where the invited person signs up, signs in, or joins with the session that
// the browser has.
//
// The token in the link proves access to the mailbox, so the page may show who invites, and whether the address has an account.
// For any other token the response is the same, whatever the reason.

package main

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/workos"
)

// maxInvitationToken limits the length of an invitation token. WorkOS's tokens are much shorter.
const maxInvitationToken = 512

// invitationForm is the form on the page of an invitation.
type invitationForm string

const (
	formSignUp invitationForm = "sign-up" // the address has no account
	formSignIn invitationForm = "sign-in" // it has one
	formJoin   invitationForm = "join"    // its user is signed in
	formOther  invitationForm = "other"   // another user is signed in
)

// invitationScreen is the page with a form, without the names that only showInvitation adds.
func (p pendingSignIn) invitationScreen(email string, form invitationForm) screen {
	return screen{page: invitationPage, invitationToken: p.InvitationToken, Email: email, InvitationForm: form}
}

// showInvitation shows the page of an invitation. It first moves the token from the URL into the cookie and redirects, so that
// no page has the token in its URL. Opening the link does not accept the invitation, since mail scanners open links, too.
func (a *application) showInvitation(w http.ResponseWriter, r *http.Request) {
	if query := r.URL.Query(); query.Has("invitation_token") {
		w.Header().Set("Referrer-Policy", "no-referrer")
		if token := query.Get("invitation_token"); token != "" && len(token) <= maxInvitationToken && isID(token) {
			a.redirectToStep(w, r, pendingSignIn{Step: stepInvitation, InvitationToken: token})
		} else {
			showBadInvitation(w)
		}
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	r = r.WithContext(ctx)
	invitation, ok := a.openInvitation(w, r)
	if !ok {
		return
	}
	page, err := a.describe(r, invitation)
	if err != nil {
		a.handleResult(w, r, screen{page: invitationPage}, nil, err)
		return
	}
	show(w, http.StatusOK, page)
}

// openInvitation returns the invitation of this browser's pending sign-in. If it is not pending, or cannot be read, it responds
// and returns false.
func (a *application) openInvitation(w http.ResponseWriter, r *http.Request) (*workos.Invitation, bool) {
	token := a.pending(r).InvitationToken
	if token == "" {
		showBadInvitation(w)
		return nil, false
	}
	invitation, err := a.workos.GetInvitationByToken(r.Context(), token)
	switch {
	case refusesToken(err), err == nil && invitation.State != workos.InvitationStatePending:
		a.authkit.ClearStep(w)
		showBadInvitation(w)
	case err != nil:
		a.handleResult(w, r, screen{page: invitationPage}, nil, err)
	default:
		return invitation, true
	}
	return nil, false
}

// showBadInvitation does not tell the reasons apart: the token is unknown, or the invitation has expired, was revoked or was
// accepted.
func showBadInvitation(w http.ResponseWriter) {
	show(w, http.StatusNotFound, screen{
		page: failurePage, Title: "This invitation does not work", Text: "It was used already, it has expired, or it was taken back. If you have joined, sign in. Otherwise ask for a new invitation.",
		Link: "/login", Label: "Sign in",
	})
}

// refusesToken reports whether WorkOS does not accept the token of a link. What stands in a link is no fault of this application.
func refusesToken(err error) bool {
	var answer *workos.Error
	return errors.As(err, &answer) && slices.Contains([]int{
		http.StatusBadRequest, http.StatusNotFound, http.StatusRequestURITooLong, http.StatusUnprocessableEntity,
	}, answer.StatusCode)
}

// isID reports whether package workos sends a text as an ID. Dot segments would name another path, so it returns an error, which
// is not one of WorkOS.
func isID(text string) bool { return text != "." && text != ".." }

// describe returns the page of an invitation: who invites to what, and the form for this browser.
func (a *application) describe(r *http.Request, invitation *workos.Invitation) (screen, error) {
	ctx := r.Context()
	page := a.pending(r).invitationScreen(invitation.Email, formSignUp)
	if invitation.OrganizationID != "" {
		organization, err := a.workos.GetOrganization(ctx, invitation.OrganizationID)
		if err != nil {
			return screen{}, err
		}
		page.Organization = organization.Name
	}
	if invitation.InviterUserID != "" {
		inviter, err := a.workos.GetUser(ctx, invitation.InviterUserID)
		switch {
		case err == nil:
			page.Inviter = cmp.Or(strings.TrimSpace(inviter.FirstName+" "+inviter.LastName), inviter.Email)
		case !workos.IsNotFound(err): // the inviter may have left
			return screen{}, err
		}
	}
	if session, ok := authkit.FromContext(ctx); ok {
		user, err := a.workos.GetUser(ctx, session.UserID())
		if err != nil {
			return screen{}, err
		}
		page.SignedInAs, page.InvitationForm = user.Email, formOther
		if isFor(invitation, user) {
			page.InvitationForm = formJoin
		}
		return page, nil
	}
	for _, err := range a.workos.ListUsers(ctx, workos.ListUsersParams{Email: invitation.Email, Paging: workos.Paging{PageSize: 1}}) {
		if err != nil {
			return screen{}, err
		}
		page.InvitationForm = formSignIn
		break
	}
	return page, nil
}

// isFor reports whether an invitation is for a user.
func isFor(invitation *workos.Invitation, user *workos.User) bool {
	return strings.EqualFold(invitation.Email, user.Email)
}

// signUpInvited creates the account. The email address is that of the invitation, not of the form.
func (a *application) signUpInvited(w http.ResponseWriter, r *http.Request) {
	if invitation, ok := a.openInvitation(w, r); ok {
		pending := a.pending(r)
		a.createAccount(w, r, pending.invitationScreen(invitation.Email, formSignUp), pending.invitationScreen(invitation.Email, formSignIn))
	}
}

// signInInvited signs in with the password of an account that exists.
func (a *application) signInInvited(w http.ResponseWriter, r *http.Request) {
	if invitation, ok := a.openInvitation(w, r); ok {
		a.signInWithPassword(w, r, a.pending(r).invitationScreen(invitation.Email, formSignIn))
	}
}

// requestInvitedCode sends a code by email, with or without an account.
func (a *application) requestInvitedCode(w http.ResponseWriter, r *http.Request) {
	invitation, ok := a.openInvitation(w, r)
	if !ok {
		return
	}
	pending := pendingSignIn{Step: stepCode, Email: invitation.Email, InvitationToken: a.pending(r).InvitationToken}
	if err := a.sendCode(r, pending); err != nil {
		a.handleResult(w, r, pending.invitationScreen(invitation.Email, ""), nil, err)
		return
	}
	a.redirectToStep(w, r, pending)
}

// join accepts the invitation for the user who is signed in, and switches the session to the organization. WorkOS adds the user
// who has the email address of the invitation. So this function first asks WorkOS for the address of the session's user, which
// may have changed since the sign-in.
func (a *application) join(w http.ResponseWriter, r *http.Request) {
	invitation, ok := a.openInvitation(w, r)
	if !ok {
		return
	}
	session, _ := authkit.FromContext(r.Context()) // this handler is behind RequireAuth
	page := a.pending(r).invitationScreen(invitation.Email, formJoin)
	user, err := a.workos.GetUser(r.Context(), session.UserID())
	if err == nil && !isFor(invitation, user) {
		page.SignedInAs, page.InvitationForm = user.Email, formOther
		show(w, http.StatusForbidden, page)
		return
	}
	if err == nil {
		_, err = a.workos.AcceptInvitation(r.Context(), invitation.ID)
	}
	if err != nil {
		a.handleResult(w, r, page, nil, err)
		return
	}
	a.authkit.ClearStep(w)
	if invitation.OrganizationID != "" {
		if _, err := a.authkit.SwitchTo(w, r, invitation.OrganizationID); err != nil {
			a.authkit.Fail(w, r, err)
			return
		}
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
