// Invitations: from the link in the email to the session in the organization.

package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// invite lets ada invite an address to Harbor Press.
func (s *site) invite(email string) {
	s.t.Helper()
	admin := s.newPerson()
	admin.atTeam()
	admin.press("Send invitation", "email", email)
	admin.assertPage("/team?done=sent", http.StatusOK, "The invitation was sent.", email)
}

// atInvitation returns a person at the page of an invitation to Harbor Press.
func atInvitation(email string) func(*testing.T) (*site, *person) {
	return func(t *testing.T) (*site, *person) {
		s := newSite(t)
		s.invite(email)
		p := s.newPerson()
		p.openLink(email)
		return s, p
	}
}

// assertJoined asserts that the browser shows a page of a user who is signed in to Harbor Press.
func (p *person) assertJoined(path, email string) {
	p.site.t.Helper()
	p.assertSignedIn(path, email)
	p.assertPage("/account", http.StatusOK, p.site.organization("Harbor Press"))
}

func TestAnInvitedUserSignsUpAndJoins(t *testing.T) {
	t.Parallel()
	_, p := atInvitation(kim)(t)
	p.assertPage("/invitation", http.StatusOK, "Join Harbor Press", "Ada Okafor invites you", kim, "Create account and join")
	assert.NotContains(t, p.Page().Body, `name="email"`, "the invitation determines the address")
	p.press("Create account and join", "first_name", "Kim", "last_name", "Berg", "password", "aaa")
	p.assertPage("/invitation/signup", http.StatusUnprocessableEntity, "not strong enough", `value="Kim"`, kim)
	p.press("Create account and join", "password", password)
	p.assertJoined("/", "Kim Berg")
}

// The address in a form that was changed does not count.
func TestASignUpWithAnInvitationUsesTheInvitedAddress(t *testing.T) {
	t.Parallel()
	s, p := atInvitation(kim)(t)
	page := p.Page()
	page.Forms[0].Fields.Set("email", unknownUser)
	p.press("Create account and join", "password", password)
	p.assertJoined("/", kim)
	for _, user := range s.fake.Users() {
		assert.NotEqual(t, unknownUser, user.Email)
	}
}

func TestAnInvitedUserJoinsWithACode(t *testing.T) {
	t.Parallel()
	for name, email := range map[string]string{"without an account": kim, "with an account": dev} {
		t.Run(name, func(t *testing.T) {
			s, p := atInvitation(email)(t)
			p.press("Get a code by email instead")
			p.assertPage("/login/code/enter", http.StatusOK, email)
			p.press("Continue", "code", wrongCode)
			p.assertPage("/login/code/enter", http.StatusUnprocessableEntity, "That code is not right")
			p.press("Send a new code")
			p.press("Continue", "code", s.code(email))
			p.assertJoined("/", email)
		})
	}
}

func TestAnInvitedUserWithAnAccountSignsInAndJoins(t *testing.T) {
	t.Parallel()
	_, p := atInvitation(dev)(t)
	p.assertPage("/invitation", http.StatusOK, "Sign in and join")
	p.press("Sign in and join", "password", newPassword)
	p.assertPage("/invitation/login", http.StatusUnprocessableEntity, "password is wrong", dev)
	p.press("Sign in and join", "password", password)
	p.assertJoined("/", dev)
}

func TestAnInvitationSurvivesTheStepsOfASignIn(t *testing.T) {
	t.Parallel()
	t.Run("a second factor", func(t *testing.T) {
		s, p := atInvitation(dev)(t)
		s.update(dev, func(u *authkittest.User) { u.Factors = []authkittest.Factor{{Secret: appSecret}} })
		p.press("Sign in and join", "password", password)
		p.assertPage("/login/totp", http.StatusOK)
		p.press("Continue", "code", s.totp(appSecret))
		p.assertJoined("/", dev)
	})
	t.Run("the verification of the address", func(t *testing.T) {
		s, p := atInvitation(kim)(t)
		client, err := workos.NewClient(s.fake.ClientID(), workos.WithAPIKey(s.fake.APIKey()), workos.WithBaseURL(s.fake.URL()))
		require.NoError(t, err)
		p.press("Create account and join", "password", "short") // it is refused, and kim has no account yet
		_, err = client.CreateUser(t.Context(), workos.CreateUserParams{Email: kim, Password: workos.Password{Plain: password}})
		require.NoError(t, err)
		_, err = client.AuthenticateWithPassword(t.Context(), workos.AuthenticateWithPasswordParams{Email: kim, Password: password})
		var verify *workos.EmailVerificationRequiredError
		require.ErrorAs(t, err, &verify)

		// The fake asks for no verification with an invitation, so the response of a sign-in without one is used. WorkOS keeps the
		// invitation with the pending token.
		s.failOnce(authkittest.RoutePassword, http.StatusForbidden, `{"code":"email_verification_required","email":"`+kim+
			`","pending_authentication_token":"`+verify.PendingAuthenticationToken+`","email_verification_id":"`+verify.EmailVerificationID+`"}`)
		p.get("/invitation")
		p.press("Sign in and join", "password", password)
		p.assertPage("/login/verify", http.StatusOK, kim)
		p.press("Continue", "code", s.code(kim))
		p.assertSignedIn("/", kim)
	})
	t.Run("several organizations", func(t *testing.T) {
		s := newSite(t)
		s.fake.Invite(ada, s.organization("Pine Street Studio"))
		p := s.newPerson()
		p.openLink(ada)
		p.press("Sign in and join", "password", password)
		p.assertSignedIn("/", s.organization("Pine Street Studio"))
	})
	t.Run("single sign-on", func(t *testing.T) {
		s, p := atInvitation(dev)(t)
		s.fake.UpdateOrganization(s.organization("Harbor Press"), func(o *authkittest.Organization) {
			o.RequireSSO, o.Connections = true, []string{"conn_press"}
		})
		p.press("Sign in and join", "password", password)
		p.press("Dev Patel")
		p.assertJoined("/", dev)
	})
	t.Run("another method", func(t *testing.T) {
		s, p := atInvitation(dev)(t)
		s.fake.UpdateOrganization(s.organization("Harbor Press"), func(o *authkittest.Organization) { o.AllowedMethods = []string{"MagicAuth"} })
		p.press("Sign in and join", "password", password)
		p.assertPage("/login/methods", http.StatusOK)
		p.follow("A code by email")
		p.assertPage("/invitation", http.StatusOK, "Join Harbor Press")
		p.press("Get a code by email instead")
		p.press("Continue", "code", s.code(dev))
		p.assertJoined("/", dev)
	})
}

func TestAnInvitationThatEndsDuringTheSignInIsExplained(t *testing.T) {
	t.Parallel()
	s, p := atInvitation(dev)(t)
	s.update(dev, func(u *authkittest.User) { u.Factors = []authkittest.Factor{{Secret: appSecret}} })
	p.press("Sign in and join", "password", password)
	s.fake.RevokeInvitation(s.fake.LastMail(dev).Token)
	p.press("Continue", "code", s.totp(appSecret))
	p.assertPage("/login/totp", http.StatusBadRequest, "The invitation does not work any more.")
	p.assertSignedOut()
}

func TestASignedInUserJoinsWithTheSessionOfTheBrowser(t *testing.T) {
	t.Parallel()
	s, p := atInvitation(dev)(t)
	link := s.fake.LastMail(dev).Link
	p.get("/login")
	p.press("Sign in", "email", dev, "password", password)
	p.assertSignedIn("/", dev)
	_, err := p.Get(link)
	require.NoError(t, err)
	p.assertPage("/invitation", http.StatusOK, "Join Harbor Press", "Ada Okafor invites you")
	p.press("Join")
	p.assertJoined("/", dev)
	sessions := s.fake.Sessions()
	assert.Len(t, sessions, 2, "those of ada and dev: the session was switched")
}

func TestAUserWithAnotherAddressCannotJoin(t *testing.T) {
	t.Parallel()
	s, p := atInvitation(dev)(t)
	link := s.fake.LastMail(dev).Link
	p.signIn(chiara, password)
	p.press("Harbor Press")
	_, err := p.Get(link)
	require.NoError(t, err)
	p.assertPage("/invitation", http.StatusOK, "You are signed in as "+chiara, "Sign out")
	assert.NotContains(t, p.Page().Body, "/invitation/join")

	// The user's address changes while the page with the button is open.
	p.press("Sign out")
	p.signIn(dev, password)
	_, err = p.Get(link)
	require.NoError(t, err)
	s.update(dev, func(u *authkittest.User) { u.Email = "dev@new.test" })
	p.press("Join")
	p.assertPage("/invitation/join", http.StatusForbidden, "You are signed in as dev@new.test")
	assert.Zero(t, s.fake.Calls(authkittest.RouteAcceptInvitation))
}

// All tokens that do not work get the same response, byte for byte.
func TestAnInvitationThatDoesNotWorkDoesNotRevealWhy(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	open := func(link string) (string, int) {
		p := s.newPerson()
		page, err := p.Get(link)
		require.NoError(t, err)
		return page.Body, page.StatusCode
	}
	invited := func(email string) string {
		s.invite(email)
		return s.fake.LastMail(email).Link
	}
	unknown, status := open(s.home + "/invitation?invitation_token=unknown")
	assert.Equal(t, http.StatusNotFound, status)
	assert.Contains(t, unknown, "This invitation does not work")

	old := invited("old@example.com")
	s.clock.Advance(7 * 24 * time.Hour)
	revoked := invited("revoked@example.com")
	s.fake.RevokeInvitation(s.fake.LastMail("revoked@example.com").Token)
	accepted := invited(dev)
	p := s.newPerson()
	p.openLink(dev)
	p.press("Sign in and join", "password", password)
	for name, link := range map[string]string{
		"expired": old, "revoked": revoked, "accepted": accepted,
		"empty": s.home + "/invitation?invitation_token=", "too long": s.home + "/invitation?invitation_token=" + strings.Repeat("i", 3000),
		"a path": s.home + "/invitation?invitation_token=" + url.QueryEscape("../../users"), "no link": s.home + "/invitation",
	} {
		t.Run(name, func(t *testing.T) {
			body, status := open(link)
			assert.Equal(t, http.StatusNotFound, status)
			assert.Equal(t, unknown, body)
		})
	}
	for _, form := range []string{"/signup", "/login", "/code"} {
		p := s.newPerson()
		p.get("/login")
		page := p.Page()
		page.Forms[0].Action.Path = "/invitation" + form
		p.press("Sign in", "email", dev, "password", password)
		assert.Equal(t, unknown, p.Page().Body, form)
	}
}

// A person who leaves the page of the invitation signs in without it.
func TestASignInBesidesAnInvitationDoesNotAcceptIt(t *testing.T) {
	t.Parallel()
	s, p := atInvitation(dev)(t)
	p.get("/login")
	p.press("Sign in", "email", chiara, "password", password)
	p.press("Pine Street Studio")
	p.assertSignedIn("/", chiara)
	p.press("Sign out")

	p.openLink(dev)
	p.get("/login/hosted")
	p.press("Ben")
	p.assertSignedIn("/", "ben@harborpress.test")
	_, err := s.newPerson().Get(s.fake.LastMail(dev).Link)
	require.NoError(t, err, "the invitation is still open")
}

func TestThePageOfAnInvitationCanBeRetriedAfterAnOutage(t *testing.T) {
	t.Parallel()
	for name, route := range map[string]authkittest.Route{
		"of the invitation": authkittest.RouteGetInvitationByToken, "of the organization": authkittest.RouteGetOrganization,
		"of the inviter": authkittest.RouteGetUser, "of the accounts": authkittest.RouteListUsers,
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.invite(kim)
			var logs bytes.Buffer
			defer slog.SetDefault(slog.Default())
			slog.SetDefault(slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug})))
			s.fake.InjectFault(route, authkittest.Fault{
				Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"45"}}, Times: 1, // too long for the client to wait
			})
			p := s.newPerson()
			p.openLink(kim)
			p.assertPage("/invitation", http.StatusServiceUnavailable, "Nothing is lost: try again in 45 seconds")
			assert.Contains(t, logs.String(), "could not continue")
			assert.NotContains(t, logs.String(), s.fake.LastMail(kim).Token)
			p.follow("Try again")
			p.assertPage("/invitation", http.StatusOK, "Join Harbor Press")
		})
	}
}

func TestAnInvitationOfAnInviterWhoHasLeftWorks(t *testing.T) {
	t.Parallel()
	s, p := atInvitation(kim)(t)
	s.fake.DeleteUser(ada)
	p.get("/invitation")
	p.assertPage("/invitation", http.StatusOK, "You are invited.")
	p.press("Create account and join", "password", password)
	p.assertJoined("/", kim)
}

func TestADotSegmentIsNoInvitation(t *testing.T) {
	t.Parallel()
	s, p := atInvitations(t)
	for _, dots := range []string{".", ".."} {
		form := p.get("/team").Forms[len(p.Page().Forms)-1]
		form.Buttons[0].Value = dots
		p.press("Revoke")
		assert.Equal(t, http.StatusNotFound, p.Page().StatusCode, dots)

		invited := s.newPerson()
		invited.get("/invitation?invitation_token=" + dots)
		assert.Equal(t, http.StatusNotFound, invited.Page().StatusCode, dots)
	}
}

func TestATokenThatWorkOSRefusesIsNoInvitation(t *testing.T) {
	t.Parallel()
	s, _ := atInvitations(t)
	for _, status := range []int{http.StatusBadRequest, http.StatusRequestURITooLong, http.StatusUnprocessableEntity} {
		s.fake.InjectFault(authkittest.RouteGetInvitationByToken, authkittest.Fault{Status: status, Body: `{"message":"Malformed."}`})
		invited := s.newPerson()
		invited.get("/invitation?invitation_token=x")
		invited.assertPage("/invitation", http.StatusNotFound, "This invitation does not work")
	}
}
