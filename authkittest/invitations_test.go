// Invitations: the calls of package workos, and sign-ins on the pages with an invitation token.

package authkittest_test

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// collect reads a list to its end.
func collect[T any](t *testing.T, list iter.Seq2[T, error]) (all []T) {
	t.Helper()
	for item, err := range list {
		require.NoError(t, err)
		all = append(all, item)
	}
	return all
}

// assertCode asserts the status and the code of an error of package workos. An empty code means none.
func assertCode(t *testing.T, err error, status int, code string) {
	t.Helper()
	var apiErr *workos.Error
	if assert.True(t, errors.As(err, &apiErr), "%v", err) {
		assert.Equal(t, status, apiErr.StatusCode, "%v", err)
		assert.Equal(t, code, apiErr.Code, "%v", err)
	}
}

func TestAnInvitationIsSentReadResentAndRevoked(t *testing.T) {
	a := newApp(t, authkittest.WithInvitationURL("https://app.example.com/join?from=mail"), authkittest.WithRole("admin", "posts:write"))
	ctx, client, press := context.Background(), a.workos(), a.Organizations()[0]
	var sent *workos.Invitation
	events, data := a.eventsOf(func() {
		var err error
		sent, err = client.SendInvitation(ctx, workos.SendInvitationParams{
			Email: "kim@acme.test", OrganizationID: press.ID, RoleSlug: "admin", ExpiresInDays: 2, InviterUserID: a.userID(ada), Locale: "fr-CA",
		})
		require.NoError(t, err)
	})
	assert.Equal(t, []string{"invitation.created"}, events)
	require.IsType(t, &workos.Invitation{}, data["invitation.created"])
	assert.Empty(t, data["invitation.created"].(*workos.Invitation).Token)
	assert.Empty(t, data["invitation.created"].(*workos.Invitation).AcceptInvitationURL)
	mail := a.LastMail("kim@acme.test")
	assert.Equal(t, mail.Token, sent.Token)
	assert.Equal(t, "https://app.example.com/join?from=mail&invitation_token="+sent.Token, mail.Link)
	assert.Equal(t, mail.Link, sent.AcceptInvitationURL)
	assert.Equal(t, workos.Invitation{
		ID: sent.ID, Email: "kim@acme.test", State: workos.InvitationStatePending, OrganizationID: press.ID, InviterUserID: a.userID(ada),
		RoleSlug: "admin", ExpiresAt: start.Add(48 * time.Hour), Token: sent.Token, AcceptInvitationURL: sent.AcceptInvitationURL,
		CreatedAt: start, UpdatedAt: start,
	}, *sent)

	got, err := client.GetInvitation(ctx, sent.ID)
	require.NoError(t, err)
	assert.Equal(t, sent, got)
	got, err = client.GetInvitationByToken(ctx, sent.Token)
	require.NoError(t, err)
	assert.Equal(t, sent, got)
	other, err := client.SendInvitation(ctx, workos.SendInvitationParams{Email: "yuki@acme.test"})
	require.NoError(t, err)
	assert.Equal(t, []workos.Invitation{*other, *sent}, collect(t, client.ListInvitations(ctx, workos.ListInvitationsParams{})))
	assert.Equal(t, []workos.Invitation{*sent}, collect(t, client.ListInvitations(ctx, workos.ListInvitationsParams{OrganizationID: press.ID})))
	assert.Equal(t, []workos.Invitation{*other}, collect(t, client.ListInvitations(ctx, workos.ListInvitationsParams{Email: "YUKI@acme.test"})))

	a.clock.Advance(time.Minute)
	events, _ = a.eventsOf(func() { got, err = client.ResendInvitation(ctx, sent.ID, workos.ResendInvitationParams{}) })
	require.NoError(t, err)
	assert.Equal(t, []string{"invitation.resent"}, events)
	assert.Equal(t, start.Add(time.Minute), got.UpdatedAt)
	assert.Len(t, a.Mailbox("kim@acme.test"), 2)
	events, _ = a.eventsOf(func() { got, err = client.RevokeInvitation(ctx, sent.ID) })
	require.NoError(t, err)
	assert.Equal(t, []string{"invitation.revoked"}, events)
	assert.Equal(t, workos.InvitationStateRevoked, got.State)
	assert.Equal(t, start.Add(time.Minute), got.RevokedAt)
	assertRefused(t, a.grant("password", with(password, "invitation_token", sent.Token)), http.StatusBadRequest, "invitation_invalid")
	assert.Panics(t, func() { a.RevokeInvitation(sent.Token) })
}

func TestAnInvitationThatIsNotPossibleIsRefused(t *testing.T) {
	a := newApp(t, authkittest.WithRole("admin"))
	ctx, client, press := context.Background(), a.workos(), a.Organizations()[0].ID
	for range 2 {
		_, _ = client.SendInvitation(ctx, workos.SendInvitationParams{Email: "kim@acme.test"})
		_, _ = client.SendInvitation(ctx, workos.SendInvitationParams{Email: "kim@acme.test", OrganizationID: press})
	}
	for name, c := range map[string]struct {
		params workos.SendInvitationParams
		status int
		code   string
	}{
		"a text that is no address": {workos.SendInvitationParams{Email: "kim"}, 422, workos.CodeInvalidRequestParameters},
		"a user":                    {workos.SendInvitationParams{Email: ada}, 400, workos.CodeUserAlreadyExists},
		"a member":                  {workos.SendInvitationParams{Email: ada, OrganizationID: press}, 400, workos.CodeUserAlreadyOrganizationMember},
		"invited":                   {workos.SendInvitationParams{Email: "KIM@acme.test"}, 400, workos.CodeEmailAlreadyInvited},
		"invited to the organization": {
			workos.SendInvitationParams{Email: "kim@acme.test", OrganizationID: press}, 400, workos.CodeEmailAlreadyInvitedToOrganization,
		},
		"too short":               {workos.SendInvitationParams{Email: "y@acme.test", ExpiresInDays: -1}, 400, workos.CodeExpiresInDaysTooShort},
		"too long":                {workos.SendInvitationParams{Email: "y@acme.test", ExpiresInDays: 31}, 400, workos.CodeExpiresInDaysTooLong},
		"an unknown role":         {workos.SendInvitationParams{Email: "y@acme.test", OrganizationID: press, RoleSlug: "x"}, 400, workos.CodeInvalidRole},
		"an unknown organization": {workos.SendInvitationParams{Email: "y@acme.test", OrganizationID: "org_1"}, 404, ""},
		"an unknown inviter":      {workos.SendInvitationParams{Email: "y@acme.test", InviterUserID: "user_1"}, 404, ""},
		"an unknown language":     {workos.SendInvitationParams{Email: "y@acme.test", Locale: "?"}, 422, workos.CodeInvalidRequestParameters},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.SendInvitation(ctx, c.params)
			assertCode(t, err, c.status, c.code)
		})
	}
	assert.Len(t, a.Mailbox("kim@acme.test"), 2)
	for name, err := range map[string]error{
		"get":    second(client.GetInvitation(ctx, "invitation_1")),
		"token":  second(client.GetInvitationByToken(ctx, "secret-token")),
		"accept": second(client.AcceptInvitation(ctx, "invitation_1")),
		"resend": second(client.ResendInvitation(ctx, "invitation_1", workos.ResendInvitationParams{})),
		"revoke": second(client.RevokeInvitation(ctx, "invitation_1")),
	} {
		assertCode(t, err, http.StatusNotFound, "")
		assert.NotContains(t, err.Error(), "secret-token", name)
	}
}

func second[T any](_ T, err error) error { return err }

func TestAnInvitationIsAcceptedByACall(t *testing.T) {
	a := newApp(t, authkittest.WithRole("admin", "posts:write"))
	ctx, client, press := context.Background(), a.workos(), a.Organizations()[0].ID
	invite := func(email string) *workos.Invitation {
		i, err := client.SendInvitation(ctx, workos.SendInvitationParams{Email: email, OrganizationID: press, RoleSlug: "admin"})
		require.NoError(t, err)
		return i
	}
	i := invite("dev@example.com")
	events, _ := a.eventsOf(func() {
		got, err := client.AcceptInvitation(ctx, i.ID)
		require.NoError(t, err)
		assert.Equal(t, workos.InvitationStateAccepted, got.State)
		assert.Equal(t, a.userID("dev@example.com"), got.AcceptedUserID)
		assert.Equal(t, start, got.AcceptedAt)
	})
	assert.Equal(t, []string{"invitation.accepted", "organization_membership.created"}, events)
	claims, err := a.claims(a.grant("password", with(password, "email", "dev@example.com")).text("access_token"))
	require.NoError(t, err)
	assert.Equal(t, press, claims["org_id"])
	assert.Equal(t, "admin", claims["role"])
	assert.Equal(t, []any{"posts:write"}, claims["permissions"])

	stranger, old := invite("kim@acme.test"), invite("yuki@acme.test")
	assertCode(t, second(client.AcceptInvitation(ctx, stranger.ID)), 400, workos.CodeInvalidInvite)
	assertCode(t, second(client.AcceptInvitation(ctx, i.ID)), 400, workos.CodeInviteNotPending)
	assertCode(t, second(client.RevokeInvitation(ctx, i.ID)), 400, workos.CodeInviteNotPending)
	resend := func(id string) error {
		return second(client.ResendInvitation(ctx, id, workos.ResendInvitationParams{}))
	}
	assertCode(t, resend(i.ID), 400, workos.CodeInviteAccepted)
	a.RevokeInvitation(stranger.Token)
	assertCode(t, resend(stranger.ID), 400, workos.CodeInviteRevoked)
	a.clock.Advance(7 * 24 * time.Hour)
	assertCode(t, resend(old.ID), 400, workos.CodeInviteExpired)
	expired, err := client.GetInvitation(ctx, old.ID)
	require.NoError(t, err)
	assert.Equal(t, workos.InvitationStateExpired, expired.State)
}

func TestThePagesAcceptAnInvitation(t *testing.T) {
	t.Run("at a sign-up", func(t *testing.T) {
		a := newApp(t)
		studio := a.Organizations()[1].ID
		token := a.Invite("kim@acme.test", studio)
		b, page := a.authorize(map[string]string{"invitation_token": token})
		assert.Contains(t, page.Body, "Create your account")
		assert.Contains(t, page.Body, `value="kim@acme.test"`)
		assert.Contains(t, a.press(b, "Create account", url.Values{"email": {"other@acme.test"}}).Body, "sent to another address")
		var got apiResponse
		events, _ := a.eventsOf(func() {
			got = a.exchange(a.callbackQuery(a.press(b, "Create account", url.Values{"email": {"kim@acme.test"}})).Get("code"))
		})
		assert.Equal(t, studio, got.text("organization_id"))
		assert.Equal(t, []string{
			"user.created", "authentication.password_succeeded", "invitation.accepted", "organization_membership.created", "session.created",
		}, events)
	})
	t.Run("at a sign-in", func(t *testing.T) {
		a := newApp(t)
		studio := a.Organizations()[1].ID
		token := a.Invite(ada, studio)
		b, page := a.authorize(map[string]string{"invitation_token": token, "organization_id": studio})
		assert.NotContains(t, page.Body, "Ben")
		assert.Contains(t, a.press(b, "Continue", url.Values{"email": {"ben@harborpress.test"}}).Body, "sent to another address")
		got := a.exchange(a.callbackQuery(a.press(b, "Ada", nil)).Get("code"))
		assert.Equal(t, studio, got.text("organization_id"))
		_, page = a.authorize(map[string]string{"invitation_token": token})
		assert.Equal(t, "invitation_invalid", a.callbackQuery(page).Get("error"))
	})
	t.Run("in a browser that is signed in", func(t *testing.T) {
		a := newApp(t)
		studio := a.Organizations()[1].ID
		b, _ := a.authorize(nil)
		a.press(b, "Ada", nil)
		page := a.get(b, a.authorizeURL(map[string]string{"invitation_token": a.Invite(ada, studio)}))
		assert.Equal(t, studio, a.exchange(a.callbackQuery(page).Get("code")).text("organization_id"))
		page = a.get(b, a.authorizeURL(map[string]string{"invitation_token": a.Invite("ben@harborpress.test", studio)}))
		assert.Contains(t, page.Body, "asks you to sign in", "it is another user")
	})
	t.Run("at the code exchange", func(t *testing.T) {
		a := newApp(t)
		studio := a.Organizations()[1].ID
		exchange := func(code, token string) apiResponse {
			return a.authenticate(map[string]string{
				"grant_type": "authorization_code", "code": code, "code_verifier": verifier, "invitation_token": token,
			})
		}
		token := a.Invite(ada, studio)
		assertRefused(t, exchange(a.code("Ada"), token), http.StatusUnprocessableEntity, "invalid_request_parameters") // a code of the hosted pages
		b, _ := a.authorize(map[string]string{"provider": "GoogleOAuth"})
		code := a.callbackQuery(a.press(b, "Ada", nil)).Get("code")
		assertRefused(t, exchange(code, a.Invite("ben@harborpress.test", studio)), http.StatusBadRequest, "invitation_cannot_be_used_for_email")
		assert.Equal(t, studio, exchange(code, token).text("organization_id"))
	})
	t.Run("at a provider, with both requests", func(t *testing.T) {
		a := newApp(t)
		studio := a.Organizations()[1].ID
		token := a.Invite(ada, studio)
		b, _ := a.authorize(map[string]string{"provider": "GoogleOAuth", "invitation_token": token})
		got := a.authenticate(map[string]string{
			"grant_type": "authorization_code", "code": a.callbackQuery(a.press(b, "Ada", nil)).Get("code"), "code_verifier": verifier,
			"invitation_token": token,
		})
		assert.Equal(t, studio, got.text("organization_id"))
	})
	t.Run("whose link leads to the fake", func(t *testing.T) {
		a := newApp(t)
		a.Invite(ada, a.Organizations()[1].ID)
		assert.Contains(t, a.get(authkittest.NewBrowser(), a.LastMail(ada).Link).Body, "You are invited")
	})
}
