// The team page: an administrator invites people to the organization, and sees, sends again and revokes invitations.

package main

import (
	"cmp"
	"context"
	"net/http"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/workos"
)

// maxInvitations limits how many invitations the page shows.
const maxInvitations = 100

// teamInvitation is an invitation in the list. It has no token: only the email may contain it.
type teamInvitation struct {
	ID, Email, State string
	Pending          bool
}

// teamNotices are the notices after a form.
var teamNotices = map[string]string{
	"sent":    "The invitation was sent.",
	"resent":  "The email was sent again.",
	"revoked": "The invitation was revoked. Its link does not work any more.",
}

// manageMembers admits users who may manage the members of the organization that they are signed in to. Without an
// organization, the calls below would concern all invitations. A person who is signed in as the user through the WorkOS dashboard
// sends no invitation in the user's name.
func (a *application) manageMembers(next http.Handler) http.Handler {
	return a.authkit.RefuseImpersonation(a.authkit.RequireOrganizationSession()(a.authkit.RequirePermission("members:manage")(next)))
}

func (a *application) showTeam(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	a.showInvitations(w, r.WithContext(ctx), http.StatusOK, screen{Info: teamNotices[r.URL.Query().Get("done")]})
}

// showInvitations shows the page with the form and the invitations of the organization, newest first.
func (a *application) showInvitations(w http.ResponseWriter, r *http.Request, status int, page screen) {
	page.page = teamPage
	session, _ := authkit.FromContext(r.Context()) // these handlers are behind manageMembers
	for i, err := range a.workos.ListInvitations(r.Context(), workos.ListInvitationsParams{
		OrganizationID: session.OrganizationID(), Paging: workos.Paging{PageSize: maxInvitations, Order: workos.OrderDescending},
	}) {
		if err != nil {
			a.showProblem(w, r, page, err)
			return
		}
		page.Invitations = append(page.Invitations, teamInvitation{i.ID, i.Email, i.State, i.State == workos.InvitationStatePending})
		if len(page.Invitations) == maxInvitations {
			break
		}
	}
	show(w, status, page)
}

func (a *application) invite(w http.ResponseWriter, r *http.Request) {
	session, _ := authkit.FromContext(r.Context())
	email := emailField(r)
	_, err := a.workos.SendInvitation(r.Context(), workos.SendInvitationParams{
		Email: email, OrganizationID: session.OrganizationID(), InviterUserID: session.UserID(),
	})
	a.afterTeamForm(w, r, "sent", screen{Email: email}, err)
}

func (a *application) resendInvitation(w http.ResponseWriter, r *http.Request) {
	id, err := a.ownInvitation(r)
	if err == nil {
		_, err = a.workos.ResendInvitation(r.Context(), id, workos.ResendInvitationParams{})
	}
	a.afterTeamForm(w, r, "resent", screen{}, err)
}

func (a *application) revokeInvitation(w http.ResponseWriter, r *http.Request) {
	id, err := a.ownInvitation(r)
	if err == nil {
		_, err = a.workos.RevokeInvitation(r.Context(), id)
	}
	a.afterTeamForm(w, r, "revoked", screen{}, err)
}

// ownInvitation returns the ID in the form if the invitation is one of the session's organization. The API key of the
// application can change the invitations of all organizations, so the application must check it.
func (a *application) ownInvitation(r *http.Request) (id string, err error) {
	session, _ := authkit.FromContext(r.Context())
	id = r.PostForm.Get("invitation_id")
	if !isID(id) {
		return "", errNoInvitation
	}
	invitation, err := a.workos.GetInvitation(r.Context(), id)
	if err != nil {
		return "", err
	}
	if invitation.OrganizationID != session.OrganizationID() {
		return "", errNoInvitation
	}
	return invitation.ID, nil
}

// errNoInvitation is the error that WorkOS returns for an unknown invitation.
var errNoInvitation = &workos.Error{StatusCode: http.StatusNotFound, Message: "the organization has no such invitation"}

// afterTeamForm redirects to the team page with a notice, or shows it with the problem.
func (a *application) afterTeamForm(w http.ResponseWriter, r *http.Request, notice string, page screen, err error) {
	if err == nil {
		http.Redirect(w, r, "/team?done="+notice, http.StatusSeeOther)
		return
	}
	if page.Problem = problemOf(err, codeFromEmail); workos.IsNotFound(err) {
		page.Problem = problem{Status: http.StatusNotFound, Text: "There is no such invitation."}
	}
	page.Problem.announce(w, r, err)
	a.showInvitations(w, r, cmp.Or(page.Problem.Status, http.StatusBadRequest), page)
}
