// A fake in which everything happens, for the tests of the list of events and of webhooks.

package interop_test

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// emittedTypes are the types of the events that happen in everyKindOfEvent.
var emittedTypes = strings.Fields(`user.created user.updated user.deleted session.created session.revoked
	organization.created organization.updated organization.deleted organization_membership.created
	organization_membership.updated organization_membership.deleted invitation.created invitation.accepted invitation.revoked
	api_key.created api_key.updated api_key.revoked email_verification.created magic_auth.created password_reset.created
	password_reset.succeeded authentication.email_verification_succeeded authentication.email_verification_failed
	authentication.magic_auth_succeeded authentication.magic_auth_failed authentication.mfa_succeeded authentication.mfa_failed
	authentication.oauth_succeeded authentication.passkey_succeeded authentication.password_succeeded
	authentication.password_failed authentication.sso_succeeded action.authentication.denied action.user_registration.denied
	role.updated organization_domain.verified acme.happened`)

// eventfulFake is a fake in which everything happens.
type eventfulFake struct {
	*testing.T
	*authkittest.Server
	clock    *authkittest.FakeClock
	client   *workos.Client
	callback string // of an application that exchanges no code
}

const (
	totpSecret = "JBSWY3DPEHPK3PXP"
	sunHill    = "org_sunhill"
	pineStreet = "org_pinestreet"
)

func newEventfulFake(t *testing.T) *eventfulFake {
	clock := authkittest.NewFakeClock(time.Now())
	fake := authkittest.New(t, authkittest.WithClock(clock), authkittest.WithUsers(authkittest.User{
		Email: yuki, FirstName: "Yuki", LastName: "Last", Password: "correct horse",
		Memberships: []authkittest.Membership{{OrganizationID: sunHill}},
	}), authkittest.WithOrganizations(authkittest.Organization{ID: sunHill, Name: "Sun Hill", Connections: []string{"conn_01A"}}, authkittest.Organization{ID: pineStreet, Name: "Pine Street"}))
	client, err := workos.NewClient(fake.ClientID(), workos.WithAPIKey(fake.APIKey()), workos.WithBaseURL(fake.URL()), workos.WithClock(clock))
	require.NoError(t, err)
	app := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(app.Close)
	return &eventfulFake{t, fake, clock, client, app.URL + "/callback"}
}

// signIn signs yuki in on the pages.
func (f *eventfulFake) signIn(parameters url.Values) {
	f.Helper()
	b := authkittest.NewBrowser()
	defer b.CloseIdleConnections()
	f.submit(b, parameters, "Last", nil)
}

func (f *eventfulFake) submit(b *authkittest.Browser, parameters url.Values, button string, fill url.Values) {
	f.Helper()
	q := url.Values{"response_type": {"code"}, "client_id": {f.ClientID()}, "redirect_uri": {f.callback}}
	maps.Copy(q, parameters)
	_, err := b.Get(f.URL() + "/user_management/authorize?" + q.Encode())
	require.NoError(f, err)
	_, err = b.Submit(button, fill)
	require.NoError(f, err)
}

// everyKindOfEvent makes an event of each of emittedTypes at least, with each text of signedTexts in those of users.
func (f *eventfulFake) everyKindOfEvent() {
	ctx, c := f.Context(), f.client
	id := f.Users()[0].ID
	password := workos.AuthenticateWithPasswordParams{Email: yuki, Password: "correct horse", IPAddress: "192.0.2.1", UserAgent: "<&\u2028>"}
	steps := []func() error{
		func() error { f.signIn(url.Values{"provider": {"authkit"}}); return nil },
		func() error { f.signIn(url.Values{"provider": {"GoogleOAuth"}}); return nil },
		func() error { f.signIn(url.Values{"organization_id": {sunHill}}); return nil },
		func() error {
			f.UpdateUser(yuki, func(u *authkittest.User) { u.AuthenticationMethod = "Passkey" })
			f.signIn(url.Values{"provider": {"authkit"}})
			return nil
		},
		func() error { f.denyEverything(); return nil },
		func() error {
			_, err := c.AuthenticateWithPassword(ctx, workos.AuthenticateWithPasswordParams{Email: yuki, Password: "wrong", IPAddress: "2001:db8::1"})
			return refused(err)
		},
		func() error { _, err := c.CreateMagicAuth(ctx, workos.CreateMagicAuthParams{Email: yuki}); return err },
		func() error {
			_, err := c.AuthenticateWithMagicAuth(ctx, workos.AuthenticateWithMagicAuthParams{Email: yuki, Code: "wrong"})
			return refused(err)
		},
		func() error {
			_, err := c.AuthenticateWithMagicAuth(ctx, workos.AuthenticateWithMagicAuthParams{Email: yuki, Code: f.LastMail(yuki).Code})
			return err
		},
		func() error {
			f.UpdateUser(yuki, func(u *authkittest.User) { u.EmailUnverified = true })
			_, err := c.AuthenticateWithPassword(ctx, password)
			var required *workos.EmailVerificationRequiredError
			if !errors.As(err, &required) {
				return err
			}
			code := f.LastMail(yuki).Code
			if _, err := c.AuthenticateWithEmailVerification(ctx, required.VerificationParams("wrong")); refused(err) != nil {
				return refused(err)
			}
			_, err = c.AuthenticateWithEmailVerification(ctx, required.VerificationParams(code))
			return err
		},
		func() error {
			f.UpdateUser(yuki, func(u *authkittest.User) { u.Factors = []authkittest.Factor{{Secret: totpSecret}} })
			_, err := c.AuthenticateWithPassword(ctx, password)
			var required *workos.MFAChallengeError
			if !errors.As(err, &required) {
				return err
			}
			challenge, err := c.ChallengeAuthFactor(ctx, f.Users()[0].Factors[0].ID)
			if err != nil {
				return err
			}
			if _, err := c.AuthenticateWithTOTP(ctx, required.TOTPParams(challenge.ID, "000000")); refused(err) != nil {
				return refused(err)
			}
			_, err = c.AuthenticateWithTOTP(ctx, required.TOTPParams(challenge.ID, authkittest.TOTP(totpSecret, f.clock.Now())))
			f.UpdateUser(yuki, func(u *authkittest.User) { u.Factors = nil })
			return err
		},
		func() error { return c.RevokeSession(ctx, f.Sessions()[0].ID) },
		func() error { _, err := c.CreatePasswordReset(ctx, yuki); return err },
		func() error {
			_, err := c.ConfirmPasswordReset(ctx, workos.ConfirmPasswordResetParams{Token: f.LastMail(yuki).Token, NewPassword: "a new password"})
			return err
		},
		func() error {
			m, err := c.CreateOrganizationMembership(ctx, workos.CreateOrganizationMembershipParams{UserID: id, OrganizationID: pineStreet})
			if err != nil {
				return err
			}
			if _, err := c.UpdateOrganizationMembership(ctx, m.ID, workos.UpdateOrganizationMembershipParams{RoleSlug: "admin"}); err != nil {
				return err
			}
			return c.DeleteOrganizationMembership(ctx, m.ID)
		},
		func() error {
			k, err := c.CreateOrganizationAPIKey(ctx, sunHill, workos.CreateAPIKeyParams{Name: "<key> & \u2028"})
			if err != nil {
				return err
			}
			if _, err := c.ExpireAPIKey(ctx, k.ID, workos.ExpireAPIKeyParams{}); err != nil {
				return err
			}
			return c.DeleteAPIKey(ctx, k.ID)
		},
		func() error {
			f.RevokeInvitation(f.Invite("kim@example.com", sunHill))
			_, err := c.AuthenticateWithPassword(ctx, workos.AuthenticateWithPasswordParams{
				Email: yuki, Password: "a new password", InvitationToken: f.Invite(yuki, pineStreet),
			})
			return err
		},
		func() error {
			f.AddOrganization(authkittest.Organization{ID: "org_third", Name: "<由紀> & \u2028"})
			f.UpdateOrganization("org_third", func(o *authkittest.Organization) { o.Name = "مرحبا" })
			f.DeleteOrganization("org_third")
			return nil
		},
		func() error {
			f.EmitEvent(workos.EventRoleUpdated, map[string]any{"object": "role", "slug": "admin", "resource_type_slug": "organization", "permissions": []string{"posts:write"}})
			f.EmitEvent(workos.EventOrganizationDomainVerified, map[string]any{"object": "organization_domain", "id": "org_domain_01A", "organization_id": sunHill,
				"domain": "例え.test", "state": "verified", "verification_strategy": "manual"})
			f.EmitEvent("acme.happened", map[string]any{"deep": []any{[]any{map[string]any{"text": signedTexts["HTML"]}}}})
			return nil
		},
	}
	for _, text := range slices.Sorted(maps.Values(signedTexts)) {
		steps = append(steps, func() error {
			u, err := c.CreateUser(ctx, workos.CreateUserParams{Email: "kim@example.com", FirstName: text, LastName: text})
			if err == nil {
				f.UpdateUser("kim@example.com", func(u *authkittest.User) { u.Metadata = map[string]string{"a_name": text} })
				err = c.DeleteUser(ctx, u.ID)
			}
			return err
		})
	}
	for i, step := range steps {
		f.clock.Advance(10 * time.Millisecond)
		require.NoError(f, step(), i)
	}
}

// refused returns nil for an error of WorkOS, and an error for everything else.
func refused(err error) error {
	var answer *workos.Error
	if errors.As(err, &answer) {
		return nil
	}
	return errors.Join(errors.New("it was not refused"), err)
}

// denyEverything signs in and signs up with Actions that deny.
func (f *eventfulFake) denyEverything() {
	f.Helper()
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(f, err)
		action, err := workos.ParseAction(r.Header, body, f.clock.Now(), endpointSecret)
		assert.NoError(f, err)
		response, err := action.Response(workos.Deny("no"), f.clock.Now())
		assert.NoError(f, err)
		w.Write(response)
	}))
	defer endpoint.Close()
	f.SetActions(authkittest.Actions{Authentication: endpoint.URL, Registration: endpoint.URL, Secret: endpointSecret})
	defer f.SetActions(authkittest.Actions{})
	b := authkittest.NewBrowser()
	defer b.CloseIdleConnections()
	f.submit(b, url.Values{"provider": {"authkit"}}, "Last", nil)
	f.submit(b, url.Values{"provider": {"authkit"}, "screen_hint": {"sign-up"}}, "Create account", url.Values{"email": {"kim@example.com"}})
}
