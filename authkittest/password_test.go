// The password grant, the steps of a sign-in, invitations, password reset and the mailbox.

package authkittest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

var password = map[string]string{"email": ada, "password": authkittest.DefaultPassword}

func with(params map[string]string, more ...string) map[string]string {
	all := map[string]string{}
	for name, value := range params {
		all[name] = value
	}
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

func TestAPasswordGrantStartsASession(t *testing.T) {
	a := newApp(t)
	got := a.grant("password", with(password, "ip_address", "192.0.2.1", "user_agent", "test"))
	require.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, "Password", got.text("authentication_method"))
	assert.Equal(t, a.Organizations()[0].ID, got.text("organization_id"))
	session := a.mustCall(http.StatusOK, http.MethodGet, userManagement+"/users/"+a.userID(ada)+"/sessions", nil)["data"].([]any)[0].(object)
	assert.Equal(t, "192.0.2.1", session["ip_address"])
	assert.Equal(t, "test", session["user_agent"])
	assert.Equal(t, "invalid_client", a.refresh(got.text("refresh_token"), "client_secret", "").text("error"), "the session started with a client secret")
}

func TestInvalidPasswordGrantsAreRefused(t *testing.T) {
	a := newApp(t)
	a.AddUser(authkittest.User{Email: "none@acme.test"})
	for name, c := range map[string]struct {
		params map[string]string
		code   string
	}{
		"a wrong password":                     {with(password, "password", "wrong"), "invalid_credentials"},
		"an unknown address":                   {with(password, "email", "nobody@acme.test"), "invalid_credentials"},
		"a user without a password":            {with(password, "email", "none@acme.test"), "invalid_credentials"},
		"no password":                          {with(password, "password", ""), "invalid_request"},
		"no secret":                            {with(password, "client_secret", ""), "invalid_request"},
		"a wrong secret":                       {with(password, "client_secret", "sk_wrong"), "invalid_client"},
		"an unknown invitation":                {with(password, "invitation_token", "none"), "invitation_invalid"},
		"an invitation for another address":    {with(password, "invitation_token", a.Invite("ben@harborpress.test", a.Organizations()[1].ID)), "invitation_cannot_be_used_for_email"},
		"an organization selection, no token":  {map[string]string{"grant_type": grantOrganization, "organization_id": "org_1"}, "invalid_request"},
		"a selection with an unknown token":    {map[string]string{"grant_type": grantOrganization, "organization_id": "org_1", "pending_authentication_token": "none"}, "invalid_pending_authentication_token"},
		"a verification with an unknown token": {map[string]string{"grant_type": grantEmailVerification, "code": "1", "pending_authentication_token": "none"}, "invalid_pending_authentication_token"},
	} {
		t.Run(name, func(t *testing.T) {
			got := a.grant("password", c.params)
			assertRefused(t, got, http.StatusBadRequest, c.code)
			assert.Equal(t, strings.HasPrefix(c.code, "invalid_c") && c.code != "invalid_client" || strings.HasPrefix(c.code, "invalid_p"), got.body["code"] != nil, "plain or OAuth")
		})
	}
	assert.Empty(t, a.Sessions())
}

func TestASignInRequiresAVerifiedEmailAddress(t *testing.T) {
	a := newApp(t)
	a.UpdateUser(ada, func(p *authkittest.User) { p.EmailUnverified = true })
	got := a.grant("password", password)
	assertRefused(t, got, http.StatusForbidden, "email_verification_required")
	assert.Equal(t, ada, got.text("email"))
	mail := a.LastMail(ada)
	assert.Equal(t, authkittest.MailEmailVerification, mail.Kind)
	assert.Equal(t, mail.Code, a.mustCall(http.StatusOK, http.MethodGet, userManagement+"/email_verification/"+got.text("email_verification_id"), nil)["code"])

	step := map[string]string{"code": mail.Code, "pending_authentication_token": got.text("pending_authentication_token")}
	assertRefused(t, a.grant(grantEmailVerification, with(step, "code", "wrong")), http.StatusBadRequest, "invalid_one_time_code")
	assertRefused(t, a.grant(grantOrganization, with(step, "organization_id", "org_1")), http.StatusBadRequest, "invalid_pending_authentication_token")
	done := a.grant(grantEmailVerification, step)
	require.Equal(t, http.StatusOK, done.status)
	assert.Equal(t, true, done.body["user"].(object)["email_verified"])
	assert.Equal(t, "Password", done.text("authentication_method"))
	assertRefused(t, a.grant(grantEmailVerification, step), http.StatusBadRequest, "invalid_pending_authentication_token")
}

func TestAUserWithTwoOrganizationsSelectsOne(t *testing.T) {
	a := newApp(t)
	got := a.grant("password", with(password, "email", "chiara@example.com"))
	assertRefused(t, got, http.StatusForbidden, "organization_selection_required")
	press, studio := a.Organizations()[0], a.Organizations()[1]
	assert.Equal(t, []any{object{"id": press.ID, "name": press.Name}, object{"id": studio.ID, "name": studio.Name}}, got.body["organizations"])
	assert.Equal(t, "chiara@example.com", got.body["user"].(object)["email"])

	step := map[string]string{"organization_id": studio.ID, "pending_authentication_token": got.text("pending_authentication_token")}
	assertRefused(t, a.grant(grantOrganization, with(step, "organization_id", "org_none")), http.StatusBadRequest, "invalid_organization_id")
	assert.Equal(t, studio.ID, a.grant(grantOrganization, step).text("organization_id"))
}

func TestAPendingAuthenticationTokenExpires(t *testing.T) {
	a := newApp(t)
	got := a.grant("password", with(password, "email", "chiara@example.com"))
	a.clock.Advance(10 * time.Minute)
	assertRefused(t, a.grant(grantOrganization, map[string]string{
		"organization_id": a.Organizations()[0].ID, "pending_authentication_token": got.text("pending_authentication_token"),
	}), http.StatusBadRequest, "invalid_pending_authentication_token")
}

func TestTheStepsOfASignInFollowEachOther(t *testing.T) {
	a := newApp(t)
	a.UpdateUser("chiara@example.com", func(p *authkittest.User) {
		p.EmailUnverified = true
		p.Factors = []authkittest.Factor{{Secret: totpSecret}}
	})
	first := a.grant("password", with(password, "email", "chiara@example.com"))
	second := a.grant(grantEmailVerification, map[string]string{
		"code": a.LastMail("chiara@example.com").Code, "pending_authentication_token": first.text("pending_authentication_token"),
	})
	assertRefused(t, second, http.StatusForbidden, "organization_selection_required")
	third := a.grant(grantOrganization, map[string]string{
		"organization_id": a.Organizations()[1].ID, "pending_authentication_token": second.text("pending_authentication_token"),
	})
	assertRefused(t, third, http.StatusForbidden, "mfa_challenge")
	factor := third.body["authentication_factors"].([]any)[0].(object)["id"].(string)
	challenge := a.mustCall(http.StatusCreated, http.MethodPost, "/auth/factors/"+factor+"/challenge", object{})
	last := a.grant(grantTOTP, map[string]string{
		"code": authkittest.TOTP(totpSecret, a.clock.Now()), "authentication_challenge_id": challenge["id"].(string),
		"pending_authentication_token": third.text("pending_authentication_token"),
	})
	require.Equal(t, http.StatusOK, last.status)
	assert.Equal(t, a.Organizations()[1].ID, last.text("organization_id"))
}

func TestASignInMeetsTheRequirementsOfTheOrganization(t *testing.T) {
	a := newApp(t)
	press := a.Organizations()[0].ID
	demand := func(change func(*authkittest.Organization)) {
		a.UpdateOrganization(press, func(o *authkittest.Organization) {
			*o = authkittest.Organization{Name: o.Name}
			change(o)
		})
	}

	demand(func(o *authkittest.Organization) { o.RequireSSO, o.Connections = true, []string{"conn_1"} })
	got := a.grant("password", password)
	assertRefused(t, got, http.StatusBadRequest, "sso_required")
	assert.Equal(t, []any{"conn_1"}, got.body["connection_ids"])
	assert.Equal(t, ada, got.text("email"))
	b, _ := a.authorize(map[string]string{"provider": "", "connection_id": "conn_1"})
	signedIn := a.exchange(a.callbackQuery(a.press(b, "Ada", nil)).Get("code"))
	assert.Equal(t, "SSO", signedIn.text("authentication_method"))
	assert.Equal(t, press, signedIn.text("organization_id"))

	demand(func(o *authkittest.Organization) { o.AllowedMethods = []string{"GoogleOAuth"} })
	got = a.grant("password", password)
	assertRefused(t, got, http.StatusBadRequest, "organization_authentication_methods_required")
	assert.Equal(t, []any{}, got.body["sso_connection_ids"])
	assert.Equal(t, object{"apple_oauth": false, "github_oauth": false, "google_oauth": true, "magic_auth": false, "microsoft_oauth": false, "password": false}, got.body["auth_methods"])

	demand(func(o *authkittest.Organization) { o.RequireMFA = true })
	assertRefused(t, a.grant("password", password), http.StatusForbidden, "mfa_enrollment")
}

func TestASwitchMeetsTheRequirementsOfTheNewOrganization(t *testing.T) {
	cases := map[string]struct {
		change func(*authkittest.Organization)
		status int
		code   string
		method string
	}{
		"single sign-on":  {func(o *authkittest.Organization) { o.RequireSSO = true }, http.StatusBadRequest, "sso_required", "SSO"},
		"another method":  {func(o *authkittest.Organization) { o.AllowedMethods = []string{"Passkey"} }, http.StatusBadRequest, "organization_authentication_methods_required", "Passkey"},
		"a second factor": {func(o *authkittest.Organization) { o.RequireMFA = true }, http.StatusForbidden, "mfa_enrollment", "Password"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			a := newApp(t)
			press, studio := a.Organizations()[0].ID, a.Organizations()[1].ID
			a.UpdateOrganization(studio, c.change)
			signIn := func(organizationID string) apiResponse {
				b, _ := a.authorize(map[string]string{"organization_id": organizationID})
				return a.exchange(a.callbackQuery(a.press(b, "Chiara", nil)).Get("code"))
			}
			first := signIn(press)
			assertRefused(t, a.refresh(first.text("refresh_token"), "organization_id", studio), c.status, c.code)
			stays := a.refresh(first.text("refresh_token"))
			assert.Equal(t, press, stays.text("organization_id"), "the session keeps its organization")

			second := signIn(studio)
			assert.Equal(t, c.method, second.text("authentication_method"), "the sign-in page meets the requirement")
			third := a.refresh(second.text("refresh_token"), "organization_id", press)
			assert.Equal(t, http.StatusOK, a.refresh(third.text("refresh_token"), "organization_id", studio).status)
		})
	}
}

func TestASignInWithAnInvitationCreatesAMembership(t *testing.T) {
	a := newApp(t)
	studio := a.Organizations()[1].ID
	token := a.Invite(ada, studio)
	assert.Equal(t, token, a.LastMail(ada).Token)
	got := a.grant("password", with(password, "invitation_token", token))
	assert.Equal(t, studio, got.text("organization_id"))
	assertRefused(t, a.grant("password", with(password, "invitation_token", token)), http.StatusBadRequest, "invitation_invalid")
	assert.Panics(t, func() { a.Invite(ada, "org_none") })
}

func TestAnInvitationIsAcceptedWithTheLastStepOfASignIn(t *testing.T) {
	a := newApp(t)
	studio := a.Organizations()[1].ID
	a.UpdateUser(ada, func(u *authkittest.User) {
		u.EmailUnverified, u.Factors = true, []authkittest.Factor{{Secret: totpSecret}}
	})
	states := func() (all []string) {
		for _, i := range collect(t, a.workos().ListInvitations(context.Background(), workos.ListInvitationsParams{})) {
			all = append(all, i.State)
		}
		return all
	}
	signIn := func(token string) apiResponse {
		challenged := a.grant("password", with(password, "invitation_token", token))
		assertRefused(t, challenged, http.StatusForbidden, "mfa_challenge") // and not email_verification_required
		return challenged
	}
	second := func(challenged apiResponse) apiResponse {
		factor := challenged.body["authentication_factors"].([]any)[0].(object)["id"].(string)
		challenge := a.mustCall(http.StatusCreated, http.MethodPost, "/auth/factors/"+factor+"/challenge", object{})
		defer a.clock.Advance(time.Minute) // to the next code of the app
		return a.grant("urn:workos:oauth:grant-type:mfa-totp", map[string]string{
			"pending_authentication_token": challenged.text("pending_authentication_token"),
			"authentication_challenge_id":  challenge["id"].(string), "code": authkittest.TOTP(totpSecret, a.clock.Now()),
		})
	}

	token := a.Invite(ada, studio)
	challenged := signIn(token)
	a.RevokeInvitation(token)
	assertRefused(t, second(challenged), http.StatusBadRequest, "invitation_invalid")

	challenged = signIn(a.Invite(ada, studio))
	assert.Contains(t, states(), workos.InvitationStatePending)
	assert.Equal(t, studio, second(challenged).text("organization_id"))
	assert.ElementsMatch(t, []string{workos.InvitationStateRevoked, workos.InvitationStateAccepted}, states())
}

func TestAPasswordResetSetsThePasswordAndEndsSessions(t *testing.T) {
	a := newApp(t, authkittest.WithPasswordResetURL("https://app.example.com/reset?lang=en"))
	a.UpdateUser(ada, func(p *authkittest.User) { p.EmailUnverified = true })
	b, _ := a.authorize(nil)
	session := a.exchange(a.callbackQuery(a.press(b, "Ada", nil)).Get("code"))
	a.UpdateUser(ada, func(p *authkittest.User) { p.EmailUnverified = true })

	assertRefused(t, a.api(http.MethodPost, userManagement+"/password_reset", object{"email": "nobody@acme.test"}), http.StatusNotFound, "")
	assertRefused(t, a.api(http.MethodPost, userManagement+"/password_reset", object{}), http.StatusUnprocessableEntity, "invalid_request_parameters")
	assertRefused(t, a.api(http.MethodGet, userManagement+"/password_reset/none", nil), http.StatusNotFound, "")
	created := a.mustCall(http.StatusCreated, http.MethodPost, userManagement+"/password_reset", object{"email": ada})
	assert.Equal(t, created, a.mustCall(http.StatusOK, http.MethodGet, userManagement+"/password_reset/"+created["id"].(string), nil))
	mail := a.LastMail(ada)
	assert.Equal(t, created["password_reset_token"], mail.Token)
	assert.Equal(t, created["password_reset_url"], mail.Link)
	assert.Equal(t, "https://app.example.com/reset?lang=en&token="+mail.Token, mail.Link)
	assert.NotContains(t, created, "updated_at")
	assert.Equal(t, "2026-05-04T10:15:00.000Z", created["expires_at"])

	confirm := func(token, password string) apiResponse {
		return a.api(http.MethodPost, userManagement+"/password_reset/confirm", object{"token": token, "new_password": password})
	}
	weak := confirm(mail.Token, "short")
	assertRefused(t, weak, http.StatusBadRequest, "password_reset_error")
	assert.Equal(t, []string{"password_too_short"}, problems(weak))
	assert.Equal(t, []string{"password_reset_token_invalid"}, problems(confirm("none", "long enough 1")))
	assert.Equal(t, http.StatusUnprocessableEntity, confirm("", "long enough 1").status)
	assert.Equal(t, http.StatusUnprocessableEntity, confirm(mail.Token, "").status)
	done := confirm(mail.Token, "long enough 1")
	require.Equal(t, http.StatusOK, done.status)
	assert.Equal(t, true, done.body["user"].(object)["email_verified"])
	assert.Equal(t, []string{"password_reset_token_used"}, problems(confirm(mail.Token, "long enough 2")))
	assert.Equal(t, "invalid_grant", a.refresh(session.text("refresh_token")).text("error"), "the reset ends all sessions")
	assert.Contains(t, a.get(b, a.authorizeURL(nil)).Body, "asks you to sign in")
	assert.Equal(t, http.StatusOK, a.grant("password", with(password, "password", "long enough 1")).status)
	assertRefused(t, a.grant("password", password), http.StatusBadRequest, "invalid_credentials")

	a.mustCall(http.StatusCreated, http.MethodPost, userManagement+"/password_reset", object{"email": ada})
	a.clock.Advance(15 * time.Minute)
	assert.Equal(t, []string{"password_reset_token_expired"}, problems(confirm(a.LastMail(ada).Token, "long enough 1")))
}

func TestTheMailboxPageShowsCodes(t *testing.T) {
	a := newApp(t)
	a.mustCall(http.StatusCreated, http.MethodPost, userManagement+"/magic_auth", object{"email": ada})
	b := newBrowser(t)
	assert.Contains(t, a.get(b, a.URL()+"/mailbox").Body, a.LastMail(ada).Code)
	assert.Contains(t, a.get(b, a.URL()+"/mailbox").Body, "Your sign-in code")
	assert.Empty(t, a.Mailbox("nobody@acme.test"))
	assert.Equal(t, a.Mailbox(ada), a.Outbox())
	assert.Panics(t, func() { a.LastMail("nobody@acme.test") })
}

func TestPrintedUsersAndMailShowNoSecret(t *testing.T) {
	a := newApp(t)
	a.magicAuth(ada)
	a.UpdateUser(ada, func(p *authkittest.User) { p.Factors = []authkittest.Factor{{Secret: totpSecret}} })
	person, mail := a.Users()[0], a.LastMail(ada)
	inJSON, err := json.Marshal([]any{person, mail})
	require.NoError(t, err)
	shown := string(inJSON)
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		shown += fmt.Sprintf(verb, []any{person, person.Factors, mail})
	}
	for _, secret := range []string{authkittest.DefaultPassword, totpSecret, mail.Code} {
		assert.NotContains(t, shown, secret)
	}
}
