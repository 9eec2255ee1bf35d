// The team page, on which an administrator invites people.

package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// atTeam signs ada in and opens the team page.
func (p *person) atTeam() {
	p.site.t.Helper()
	p.get("/team")
	p.press("Sign in", "email", ada, "password", password)
	p.assertPage("/team", http.StatusOK, "Invite someone")
}

// atInvitations returns ada at the team page, with an invitation of kim.
func atInvitations(t *testing.T) (*site, *person) {
	s := newSite(t)
	s.fake.Invite(kim, s.organization("Harbor Press"))
	p := s.newPerson()
	p.atTeam()
	return s, p
}

func TestAnAdministratorSendsAgainAndRevokesAnInvitation(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.newPerson()
	p.atTeam()
	p.press("Send invitation", "email", " "+kim+" ")
	p.assertPage("/team?done=sent", http.StatusOK, "The invitation was sent.", kim, "pending")
	p.press("Send again")
	p.assertPage("/team?done=resent", http.StatusOK, "The email was sent again.")
	assert.Len(t, s.fake.Mailbox(kim), 2)
	p.press("Revoke")
	p.assertPage("/team?done=revoked", http.StatusOK, "was revoked", "revoked</span>")
	assert.NotContains(t, p.Page().Body, "Send again")

	invited := s.newPerson()
	invited.openLink(kim)
	invited.assertPage("/invitation", http.StatusNotFound, "This invitation does not work")
}

func TestARefusedInvitationIsExplained(t *testing.T) {
	t.Parallel()
	s, p := atInvitations(t)
	p.press("Send invitation", "email", "ben@harborpress.test")
	p.assertPage("/team/invite", http.StatusUnprocessableEntity, "a member already", `value="ben@harborpress.test"`, kim)
	p.press("Send invitation", "email", kim)
	p.assertPage("/team/invite", http.StatusUnprocessableEntity, "invited already", "Send again")
	p.press("Send invitation", "email", "kim")
	p.assertPage("/team/invite", http.StatusUnprocessableEntity, "does not look right")

	s.clock.Advance(7*24*time.Hour - time.Minute)
	p.get("/team") // the page shows the buttons of an invitation that is about to expire
	s.clock.Advance(time.Minute)
	p.press("Send again")
	p.assertPage("/team/resend", http.StatusUnprocessableEntity, "not open any more", "expired</span>")
}

func TestOnlyAdministratorsSeeTheTeamPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, email := range []string{"ben@harborpress.test", dev} {
		p := s.newPerson()
		p.signIn(email, password)
		p.get("/team")
		p.assertPage("/team", http.StatusForbidden)
		fetched, err := p.Fetch(http.MethodPost, s.home+"/team/invite")
		require.NoError(t, err)
		assert.Equal(t, http.StatusForbidden, fetched.StatusCode, email)
	}
	assert.Zero(t, s.fake.Calls(authkittest.RouteListInvitations))
}

func TestAnInvitationOfAnotherOrganizationCannotBeChanged(t *testing.T) {
	t.Parallel()
	s, p := atInvitations(t)
	s.fake.Invite(unknownUser, s.organization("Pine Street Studio"))
	p.get("/team")
	assert.NotContains(t, p.Page().Body, unknownUser)
	other := s.newPerson()
	s.update(chiara, func(u *authkittest.User) { u.Memberships[1].Permissions = []string{"members:manage"} })
	other.get("/team")
	other.press("Sign in", "email", chiara, "password", password)
	other.press("Pine Street Studio")
	other.assertPage("/team", http.StatusOK, unknownUser)
	for _, button := range []string{"Send again", "Revoke"} {
		p.get("/team")
		foreign := other.get("/team")
		for i, form := range p.Page().Forms {
			for j := range form.Buttons {
				if form.Buttons[j].Name == "invitation_id" {
					p.Page().Forms[i].Buttons[j].Value = foreign.Forms[len(foreign.Forms)-1].Buttons[0].Value
				}
			}
		}
		p.press(button)
		assert.Equal(t, http.StatusNotFound, p.Page().StatusCode)
		assert.Contains(t, p.Page().Body, "There is no such invitation.")
	}
	assert.Len(t, s.fake.Mailbox(unknownUser), 1)
	assert.Zero(t, s.fake.Calls(authkittest.RouteResendInvitation)+s.fake.Calls(authkittest.RouteRevokeInvitation))
}
