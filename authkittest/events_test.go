// Events: what is done in the fake is in the list of events, as package workos reads it.

package authkittest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// allTypes are the types of events of AuthKit that the tests of this file expect.
var allTypes = strings.Fields(`user.created user.updated user.deleted session.created session.revoked
	organization.created organization.updated organization.deleted organization_membership.created
	organization_membership.updated organization_membership.deleted invitation.created invitation.accepted invitation.resent invitation.revoked
	role.created role.updated role.deleted organization_role.created organization_role.updated organization_role.deleted
	permission.created permission.updated permission.deleted
	group.created group.updated group.deleted group.member_added group.member_removed
	pipes.connected_account.connected pipes.connected_account.connection_failed pipes.connected_account.disconnected
	pipes.connected_account.reauthorization_needed
	waitlist_user.created waitlist_user.approved waitlist_user.denied
	flag.created flag.updated flag.rule_updated
	organization_domain.created organization_domain.updated organization_domain.verified
	organization_domain.verification_failed organization_domain.deleted
	api_key.created api_key.updated api_key.revoked email_verification.created magic_auth.created password_reset.created
	password_reset.succeeded authentication.email_verification_succeeded authentication.email_verification_failed
	authentication.magic_auth_succeeded authentication.magic_auth_failed authentication.mfa_succeeded authentication.mfa_failed
	authentication.oauth_succeeded authentication.passkey_succeeded authentication.password_succeeded
	authentication.password_failed authentication.sso_succeeded action.authentication.denied action.user_registration.denied`)

// workos returns the client of the API.
func (a *app) workos() *workos.Client {
	a.Helper()
	return newClient(a.T, a.Server, a.clock)
}

func newClient(t testing.TB, fake *authkittest.Server, clock workos.Clock) *workos.Client {
	t.Helper()
	opts := []workos.Option{workos.WithAPIKey(fake.APIKey()), workos.WithBaseURL(fake.URL())}
	if clock != nil {
		opts = append(opts, workos.WithClock(clock))
	}
	client, err := workos.NewClient(fake.ClientID(), opts...)
	require.NoError(t, err)
	return client
}

// list reads a list of events to its end.
func (a *app) list(p workos.ListEventsParams) []workos.Event {
	a.Helper()
	if p.Types == nil {
		p.Types = allTypes
	}
	var events []workos.Event
	for event, err := range a.workos().ListEvents(context.Background(), p) {
		require.NoError(a, err)
		events = append(events, event)
	}
	return events
}

// eventsOf returns the types of the events of what is done, and the last event of each type. It asserts that Server.Events has
// the same events, and that all data can be read.
func (a *app) eventsOf(do func()) (types []string, last map[string]any) {
	a.Helper()
	before := len(a.Events())
	do()
	listed, kept := a.list(workos.ListEventsParams{})[before:], a.Events()[before:]
	require.Len(a, kept, len(listed))
	last = map[string]any{}
	for i, event := range listed {
		assert.Equal(a, [3]any{kept[i].ID, kept[i].Type, kept[i].CreatedAt}, [3]any{event.ID, event.Type, event.CreatedAt})
		assert.JSONEq(a, string(kept[i].Data), string(event.Data))
		assert.Regexp(a, `^event_[0-9A-HJKMNP-TV-Z]{26}$`, event.ID)
		payload, err := event.Payload()
		require.NoError(a, err, event.Type)
		types, last[event.Type] = append(types, event.Type), payload
	}
	return types, last
}

func TestEachOperationOfTheFakeEmitsItsEvents(t *testing.T) {
	press := func(a *app) string { return a.Organizations()[0].ID }
	membership := func(a *app, user int) string { return a.Users()[user].Memberships[0].ID }
	for name, test := range map[string]struct {
		prepare, do func(*app)
		want        string
	}{
		"nothing": {do: func(*app) {}},
		"AddUser": {
			do: func(a *app) {
				a.AddUser(authkittest.User{Email: "kim@acme.test", Memberships: []authkittest.Membership{{OrganizationID: "org_new"}}})
			},
			want: "organization.created user.created organization_membership.created",
		},
		"UpdateUser of a name":  {do: func(a *app) { a.UpdateUser(ada, func(u *authkittest.User) { u.FirstName = "Augusta" }) }, want: "user.updated"},
		"UpdateUser of nothing": {do: func(a *app) { a.UpdateUser(ada, func(*authkittest.User) {}) }},
		"UpdateUser of a role":  {do: func(a *app) { a.UpdateUser(ada, func(u *authkittest.User) { u.Memberships[0].Role = "viewer" }) }, want: "organization_membership.updated"},
		"UpdateUser of a status": {do: func(a *app) {
			a.UpdateUser(ada, func(u *authkittest.User) { u.Memberships[0].Status = authkittest.MembershipInactive })
		}, want: "organization_membership.updated"},
		"UpdateUser of all memberships": {
			do: func(a *app) {
				a.UpdateUser(ada, func(u *authkittest.User) { u.Memberships = []authkittest.Membership{{OrganizationID: "org_new"}} })
			},
			want: "organization.created organization_membership.deleted organization_membership.created",
		},
		"DeleteUser": {
			prepare: func(a *app) {
				a.token(ada)
				a.AddAPIKey(authkittest.APIKey{Name: "k", OrganizationID: press(a), UserID: a.userID(ada)})
			},
			do:   func(a *app) { a.DeleteUser(ada) },
			want: "session.revoked api_key.revoked organization_membership.deleted user.deleted",
		},
		"a user created by the API": {do: func(a *app) { a.mustCall(201, "POST", userManagement+"/users", object{"email": "kim@acme.test"}) }, want: "user.created"},
		"a user updated by the API": {do: func(a *app) {
			a.mustCall(200, "PUT", userManagement+"/users/"+a.userID(ada), object{"first_name": "A"})
		}, want: "user.updated"},
		"a user deleted by the API": {
			prepare: func(a *app) { a.token(ada) },
			do:      func(a *app) { a.mustCall(200, "DELETE", userManagement+"/users/"+a.userID(ada), nil) },
			want:    "session.revoked organization_membership.deleted user.deleted",
		},
		"AddOrganization":    {do: func(a *app) { a.AddOrganization(authkittest.Organization{Name: "Acme"}) }, want: "organization.created"},
		"UpdateOrganization": {do: func(a *app) { a.UpdateOrganization(press(a), func(o *authkittest.Organization) { o.Name = "New" }) }, want: "organization.updated"},
		"DeleteOrganization": {
			prepare: func(a *app) {
				a.AddAPIKey(authkittest.APIKey{Name: "k", OrganizationID: press(a)})
				a.Invite("kim@acme.test", press(a))
			},
			do: func(a *app) { a.DeleteOrganization(press(a)) },
			want: "api_key.revoked organization_membership.deleted organization_membership.deleted organization_membership.deleted " +
				"invitation.revoked organization.deleted",
		},
		"a membership created by the API": {
			do: func(a *app) {
				a.mustCall(201, "POST", memberships, object{"user_id": a.userID("dev@example.com"), "organization_id": press(a)})
			},
			want: "organization_membership.created",
		},
		"a role changed by the API": {do: func(a *app) { a.mustCall(200, "PUT", memberships+"/"+membership(a, 0), object{"role_slug": "viewer"}) }, want: "organization_membership.updated"},
		"a membership deactivated twice": {do: func(a *app) {
			id := membership(a, 0)
			for range 2 {
				a.mustCall(200, "PUT", memberships+"/"+id+"/deactivate", nil)
			}
		}, want: "organization_membership.updated"},
		"a membership reactivated": {
			prepare: func(a *app) { a.mustCall(200, "PUT", memberships+"/"+membership(a, 0)+"/deactivate", nil) },
			do: func(a *app) {
				a.mustCall(201, "POST", memberships, object{"user_id": a.userID(ada), "organization_id": press(a)})
			},
			want: "organization_membership.updated",
		},
		"a membership deleted by the API": {do: func(a *app) { a.mustCall(200, "DELETE", memberships+"/"+membership(a, 0), nil) }, want: "organization_membership.deleted"},
		"Invite":                          {do: func(a *app) { a.Invite("kim@acme.test", press(a)) }, want: "invitation.created"},
		"RevokeInvitation":                {do: func(a *app) { a.RevokeInvitation(a.Invite("kim@acme.test", press(a))) }, want: "invitation.created invitation.revoked"},
		"a sign-in with an invitation": {
			do: func(a *app) {
				token := a.Invite("dev@example.com", press(a))
				a.grant("password", map[string]string{"email": "dev@example.com", "password": authkittest.DefaultPassword, "invitation_token": token})
			},
			want: "invitation.created authentication.password_succeeded invitation.accepted organization_membership.created session.created",
		},
		"AddAPIKey": {do: func(a *app) { a.AddAPIKey(authkittest.APIKey{Name: "k", OrganizationID: press(a)}) }, want: "api_key.created"},
		"an API key that is created, expired and deleted by the API": {
			do: func(a *app) {
				id := a.mustCall(201, "POST", "/organizations/"+press(a)+"/api_keys", object{"name": "k"})["id"].(string)
				a.mustCall(200, "POST", "/api_keys/"+id+"/expire", nil)
				a.mustCall(204, "DELETE", "/api_keys/"+id, nil)
			},
			want: "api_key.created api_key.updated api_key.revoked",
		},
		"a sign-in on the pages":    {do: func(a *app) { a.signIn("Ada") }, want: "authentication.password_succeeded session.created"},
		"a sign-in with a provider": {do: func(a *app) { a.signInBy("GoogleOAuth", "Ada") }, want: "authentication.oauth_succeeded session.created"},
		"a sign-in with single sign-on": {
			do: func(a *app) {
				b, _ := a.authorize(map[string]string{"provider": "", "organization_id": press(a)})
				a.exchange(a.callbackQuery(a.press(b, "Ada", nil)).Get("code"))
			},
			want: "authentication.sso_succeeded session.created",
		},
		"a sign-up on the page": {
			do: func(a *app) {
				b, _ := a.authorize(map[string]string{"screen_hint": "sign-up"})
				a.press(b, "Create account", url.Values{"email": {"kim@acme.test"}})
			},
			want: "user.created authentication.password_succeeded",
		},
		"a sign-in with a wrong password": {
			do: func(a *app) { a.grant("password", map[string]string{"email": ada, "password": "wrong"}) }, want: "authentication.password_failed",
		},
		"BearerToken": {do: func(a *app) { a.BearerToken(ada) }, want: "session.created"},
		"a refresh":   {prepare: func(a *app) { a.token(ada) }, do: func(a *app) { a.refresh(a.token(ada)) }, want: "authentication.password_succeeded session.created"},
		"Impersonate": {do: func(a *app) {
			callback, _ := url.Parse(a.Impersonate(ada, "ops@acme.test", "", a.callback))
			a.authenticate(map[string]string{"grant_type": "authorization_code", "code": callback.Query().Get("code")})
		}, want: "session.created"},
		"RevokeSession": {prepare: func(a *app) { a.token(ada) }, do: func(a *app) { id := a.Sessions()[0].ID; a.RevokeSession(id); a.RevokeSession(id) }, want: "session.revoked"},
		"a session revoked by the API": {
			prepare: func(a *app) { a.token(ada) },
			do: func(a *app) {
				a.mustCall(200, "POST", userManagement+"/sessions/revoke", object{"session_id": a.Sessions()[0].ID})
			},
			want: "session.revoked",
		},
		"a logout": {
			prepare: func(a *app) { a.token(ada) },
			do: func(a *app) {
				a.get(authkittest.NewBrowser(), a.URL()+userManagement+"/sessions/logout?session_id="+a.Sessions()[0].ID)
			},
			want: "session.revoked",
		},
		"the control handler": {
			prepare: func(a *app) { a.token(ada); a.token(ada) },
			do: func(a *app) {
				r, err := http.PostForm(a.control()+"/revoke", url.Values{"email": {ada}})
				require.NoError(a, err)
				r.Body.Close()
			},
			want: "session.revoked session.revoked",
		},
		"the end of a session that has expired": {
			prepare: func(a *app) { a.token(ada); a.clock.Advance(366 * 24 * time.Hour) },
			do:      func(a *app) { a.RevokeSession(a.Sessions()[0].ID) },
		},
		"Magic Auth of a new user": {
			do: func(a *app) {
				a.mustCall(201, "POST", userManagement+"/magic_auth", object{"email": "kim@acme.test"})
				a.grant(grantMagicAuth, map[string]string{"email": "kim@acme.test", "code": "wrong"})
				a.grant(grantMagicAuth, map[string]string{"email": "kim@acme.test", "code": a.LastMail("kim@acme.test").Code})
			},
			want: "user.created magic_auth.created authentication.magic_auth_failed authentication.magic_auth_succeeded user.updated session.created",
		},
		"a sign-in with email verification": {
			prepare: func(a *app) { a.UpdateUser(ada, func(u *authkittest.User) { u.EmailUnverified = true }) },
			do: func(a *app) {
				got := a.grant("password", map[string]string{"email": ada, "password": authkittest.DefaultPassword})
				for _, code := range []string{"wrong", a.LastMail(ada).Code} {
					a.grant(grantEmailVerification, map[string]string{"code": code, "pending_authentication_token": got.text("pending_authentication_token")})
				}
			},
			want: "authentication.password_succeeded email_verification.created authentication.email_verification_failed " +
				"authentication.email_verification_succeeded user.updated session.created",
		},
		"a password reset": {
			prepare: func(a *app) { a.token(ada) },
			do: func(a *app) {
				a.mustCall(201, "POST", userManagement+"/password_reset", object{"email": ada})
				a.mustCall(200, "POST", userManagement+"/password_reset/confirm", object{"token": a.LastMail(ada).Token, "new_password": "a new password"})
			},
			want: "password_reset.created user.updated password_reset.succeeded session.revoked",
		},
		"a sign-in with an authenticator app": {
			prepare: func(a *app) {
				a.UpdateUser(ada, func(u *authkittest.User) { u.Factors = []authkittest.Factor{{Secret: "JBSWY3DPEHPK3PXP"}} })
			},
			do: func(a *app) {
				got := a.grant("password", map[string]string{"email": ada, "password": authkittest.DefaultPassword})
				challenge := a.mustCall(201, "POST", "/auth/factors/"+a.Users()[0].Factors[0].ID+"/challenge", object{})
				for _, code := range []string{"000000", authkittest.TOTP("JBSWY3DPEHPK3PXP", a.clock.Now())} {
					a.grant(grantTOTP, map[string]string{
						"code": code, "pending_authentication_token": got.text("pending_authentication_token"), "authentication_challenge_id": challenge["id"].(string),
					})
				}
			},
			want: "authentication.password_succeeded authentication.mfa_failed authentication.mfa_succeeded session.created",
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t)
			if test.prepare != nil {
				test.prepare(a)
			}
			a.clock.Advance(time.Second)
			types, _ := a.eventsOf(func() { test.do(a) })
			assert.Equal(t, strings.Fields(test.want), append([]string{}, types...))
		})
	}
}

// signInBy signs a user in with a provider.
func (a *app) signInBy(provider, name string) {
	a.Helper()
	b, _ := a.authorize(map[string]string{"provider": provider})
	a.exchange(a.callbackQuery(a.press(b, name, nil)).Get("code"))
}

func TestTheDataOfAnEventAreTheObjectOfTheAPI(t *testing.T) {
	a := newApp(t)
	_, data := a.eventsOf(func() {
		a.token(ada)
		a.clock.Advance(1500 * time.Millisecond)
		a.RevokeSession(a.Sessions()[0].ID)
		a.UpdateUser(ada, func(u *authkittest.User) {
			u.FirstName = "Augusta"
			u.Memberships[0].Role = "viewer"
			u.Memberships[0].Roles = nil
		})
		a.DeleteOrganization(a.Organizations()[1].ID)
	})
	client := a.workos()
	user, err := client.GetUser(context.Background(), a.userID(ada))
	require.NoError(t, err)
	assert.Equal(t, user, data[workos.EventUserUpdated])
	membership, err := client.GetOrganizationMembership(context.Background(), a.Users()[0].Memberships[0].ID)
	require.NoError(t, err)
	membership.OrganizationName = "" // not in events
	membership.User = nil
	assert.Equal(t, membership, data[workos.EventOrganizationMembershipUpdated])
	assert.Equal(t, &workos.Session{
		ID: a.Sessions()[0].ID, UserID: user.ID, OrganizationID: membership.OrganizationID, AuthMethod: "password", Status: "revoked",
		CreatedAt: start, EndedAt: start.Add(1500 * time.Millisecond), UpdatedAt: start.Add(1500 * time.Millisecond),
		ExpiresAt: start.Add(365 * 24 * time.Hour),
	}, data[workos.EventSessionRevoked])
	assert.Equal(t, "active", data[workos.EventSessionCreated].(*workos.Session).Status)
	assert.Equal(t, "Pine Street Studio", data[workos.EventOrganizationDeleted].(*workos.Organization).Name)
}

func TestTheEventsOfAuthenticationsSayWhoAndWhy(t *testing.T) {
	a := newApp(t)
	_, data := a.eventsOf(func() {
		a.grant("password", map[string]string{"email": ada, "password": "wrong", "ip_address": "192.0.2.1", "user_agent": "program"})
		a.grant(grantMagicAuth, map[string]string{"email": "nina@example.com", "code": "123456"})
		b, _ := a.authorize(map[string]string{"provider": "", "organization_id": a.Organizations()[0].ID})
		a.press(b, "Ada", nil)
	})
	assert.Equal(t, &workos.AuthenticationAttempt{
		Method: "password", Status: "failed", UserID: a.userID(ada), Email: ada, IPAddress: "192.0.2.1", UserAgent: "program",
		Error: &workos.AuthenticationFailure{Code: "invalid_credentials", Message: "Invalid credentials."},
	}, data[workos.EventAuthenticationPasswordFailed])
	failed := data[workos.EventAuthenticationMagicAuthFailed].(*workos.AuthenticationAttempt)
	assert.Equal(t, [3]string{"", "nina@example.com", "invalid_one_time_code"}, [3]string{failed.UserID, failed.Email, failed.Error.Code})
	sso := data[workos.EventAuthenticationSSOSucceeded].(*workos.AuthenticationAttempt)
	assert.Equal(t, &workos.SSOAttempt{OrganizationID: a.Organizations()[0].ID}, sso.SSO)
	assert.Equal(t, "127.0.0.1", sso.IPAddress)
}

func TestNoEventContainsASecret(t *testing.T) {
	a := newApp(t)
	a.mustCall(201, "POST", userManagement+"/magic_auth", object{"email": ada})
	a.mustCall(201, "POST", userManagement+"/password_reset", object{"email": ada})
	a.UpdateUser(ada, func(u *authkittest.User) {
		u.EmailUnverified = true
		u.Factors = []authkittest.Factor{{Secret: "JBSWY3DPEHPK3PXP"}}
	})
	a.mustCall(200, "POST", userManagement+"/users/"+a.userID(ada)+"/email_verification/send", nil)
	key := a.mustCall(201, "POST", "/organizations/"+a.Organizations()[0].ID+"/api_keys", object{"name": "k"})["value"].(string)
	secrets := []string{key, a.Invite(ada, a.Organizations()[0].ID), "JBSWY3DPEHPK3PXP", authkittest.DefaultPassword, a.APIKey()}
	for _, mail := range a.Mailbox(ada) {
		for _, secret := range []string{mail.Code, mail.Token, mail.Link} {
			if secret != "" {
				secrets = append(secrets, `"`+secret+`"`)
			}
		}
	}
	require.Len(t, secrets, 11)
	text, err := json.Marshal(a.Events())
	require.NoError(t, err)
	require.Len(t, a.Events(), 6)
	for _, secret := range secrets {
		assert.NotContains(t, string(text), secret)
	}
}

func TestARefreshInAnOrganizationThatIsLostIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		lose func(*app)
		code string
	}{
		"the membership is deleted": {func(a *app) { a.UpdateUser(ada, func(u *authkittest.User) { u.Memberships = nil }) }, "organization_membership_not_found"},
		"the membership is inactive": {func(a *app) {
			a.UpdateUser(ada, func(u *authkittest.User) { u.Memberships[0].Status = authkittest.MembershipInactive })
		}, "organization_membership_not_found"},
		"the organization is deleted": {func(a *app) { a.DeleteOrganization(a.Organizations()[0].ID) }, "organization_not_found"},
		"the user is deleted":         {func(a *app) { a.DeleteUser(ada) }, "invalid_grant"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t)
			token, organizationID := a.token(ada), a.Organizations()[0].ID
			test.lose(a)
			assertRefused(t, a.refresh(token), http.StatusBadRequest, test.code)
			assertRefused(t, a.refresh(token, "organization_id", organizationID), http.StatusBadRequest, test.code)
		})
	}
}

func TestTheRoleOfAnEventIsThatOfTheNextRefresh(t *testing.T) {
	a := newApp(t)
	token := a.token(ada)
	a.UpdateUser(ada, func(u *authkittest.User) { u.Memberships[0].Role, u.Memberships[0].Roles = "viewer", nil })
	require.Len(t, a.Events("organization_membership.updated"), 1)
	claims, err := a.claims(a.refresh(token).text("access_token"))
	require.NoError(t, err)
	assert.Equal(t, "viewer", claims["role"])
}

func TestEmitEventAcceptsAnyTypeAndData(t *testing.T) {
	a := newApp(t)
	for _, data := range []any{nil, "text", 1, []int{}, json.RawMessage(`{"id": "<&>"}`), object{"object": "organization", "id": "org_1"}} {
		a.EmitEvent("new.type", data)
	}
	emitted := a.EmitEvent(workos.EventRoleUpdated, object{"slug": "admin", "organization_id": "org_1"})
	assert.Equal(t, start.Add(6*time.Millisecond), emitted.CreatedAt, "the seventh event at this instant")
	events := a.list(workos.ListEventsParams{Types: []string{"new.type", workos.EventRoleUpdated}})
	var texts []string
	for _, event := range events {
		texts = append(texts, string(event.Data))
	}
	assert.Equal(t, []string{"null", `"text"`, "1", "[]", `{"id":"\u003c\u0026\u003e"}`, `{"id":"org_1","object":"organization"}`, `{"organization_id":"org_1","slug":"admin"}`}, texts)
	assert.Equal(t, emitted.ID, events[6].ID)
	assert.Len(t, a.list(workos.ListEventsParams{Types: []string{"new.type", workos.EventRoleUpdated}, OrganizationID: "org_1"}), 2)
	assert.Panics(t, func() { a.EmitEvent("", nil) })
	assert.Panics(t, func() { a.EmitEvent("new.type", json.RawMessage(`{`)) })
	assert.Panics(t, func() { a.EmitEvent("new.type", func() {}) })
}

func TestTheFakeKeeps200000Events(t *testing.T) {
	a := newApp(t)
	first := a.EmitEvent("user.updated", 0)
	for i := range 200_000 {
		a.EmitEvent("user.updated", i)
	}
	events := a.Events()
	require.Len(t, events, 200_000)
	assert.Equal(t, json.RawMessage("0"), events[0].Data)
	assert.NotEqual(t, first.ID, events[0].ID)
	assert.True(t, slices.IsSortedFunc(events, func(a, b authkittest.Event) int { return strings.Compare(a.ID, b.ID) }))
	a.clock.Advance(90 * 24 * time.Hour)
	assert.Len(t, a.Events(), 200_000)
	a.clock.Advance(time.Millisecond)
	assert.Empty(t, a.Events())
}

func TestTheFakeKnowsTheTypesOfPackageWorkos(t *testing.T) {
	a := newApp(t)
	source, err := os.ReadFile("../workos/event_types.go")
	require.NoError(t, err)
	types := regexp.MustCompile(`= "([a-z_.]+)"`).FindAllStringSubmatch(string(source), -1)
	require.Greater(t, len(types), 50)
	for _, typ := range types {
		assert.Equal(t, http.StatusOK, a.api(http.MethodGet, "/events?events="+typ[1], nil).status, typ[1])
	}
}

func TestAnEventExistsExactlyWhenItsChangeDoes(t *testing.T) {
	a := newApp(t)
	const sessions = 50
	for range sessions {
		a.BearerToken(ada)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, s := range a.Sessions() {
			a.RevokeSession(s.ID)
		}
	}()
	for revoked := 0; revoked < sessions; {
		revoked = len(a.Events("session.revoked"))
		ended := 0
		for _, s := range a.Sessions() {
			if !s.Active() {
				ended++
			}
		}
		require.GreaterOrEqual(t, ended, revoked, "no event comes before its change")
		require.GreaterOrEqual(t, len(a.Events("session.revoked")), ended, "no change comes before its event")
	}
	<-done
}

func TestAReplacedMembershipIsTheSameOne(t *testing.T) {
	a := newApp(t)
	a.clock.Advance(time.Hour)
	types, data := a.eventsOf(func() {
		a.UpdateUser(ada, func(u *authkittest.User) {
			u.Memberships[0] = authkittest.Membership{OrganizationID: u.Memberships[0].OrganizationID, Role: "viewer"}
		})
	})
	require.Equal(t, []string{"organization_membership.updated"}, types)
	membership := data["organization_membership.updated"].(*workos.OrganizationMembership)
	assert.Equal(t, []time.Time{start, start.Add(time.Hour)}, []time.Time{membership.CreatedAt, membership.UpdatedAt})
}
