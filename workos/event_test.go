// Events: their data in types, their JSON text, and what they show when printed.

package workos_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

// eventOf returns an event as it comes from WorkOS.
func eventOf(t *testing.T, id, kind, data string) workos.Event {
	t.Helper()
	var event workos.Event
	require.NoError(t, json.Unmarshal([]byte(fmt.Sprintf(
		`{"object":"event","id":%q,"event":%q,"data":%s,"created_at":"2026-05-04T10:00:00.250Z","a_future_member":[1]}`, id, kind, data)), &event))
	return event
}

const domainJSON = `{"object":"organization_domain","id":"org_domain_01A","organization_id":"org_01A","domain":"acme.test",
  "state":"verified","verification_prefix":"p","verification_token":"tok","verification_strategy":"dns",
  "created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-01T00:00:00.000Z"}`

// The times and the objects of the cases below.
var (
	newYear = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	domain  = workos.OrganizationDomain{
		ID: "org_domain_01A", OrganizationID: "org_01A", Domain: "acme.test", State: "verified", VerificationStrategy: "dns",
		VerificationPrefix: "p", VerificationToken: "tok", CreatedAt: newYear, UpdatedAt: newYear,
	}
)

// eventData has, for a prefix of the type of an event, data as WorkOS documents them and the payload.
var eventData = map[string]struct {
	data string
	want any
}{
	"user.": {
		`{"object":"user","id":"user_01A","email":"kim@acme.test","email_verified":true,"first_name":"Kim","last_name":null,"name":null,
		  "profile_picture_url":null,"external_id":"42","metadata":{"plan":"pro","n":7},"last_sign_in_at":null,"locale":"en-GB",
		  "created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-01T00:00:00.000Z"}`,
		&workos.User{
			ID: "user_01A", Email: "kim@acme.test", EmailVerified: true, FirstName: "Kim", ExternalID: "42", Locale: "en-GB",
			Metadata: map[string]string{"plan": "pro", "n": "7"}, CreatedAt: newYear, UpdatedAt: newYear,
		},
	},
	"session.": {
		`{"object":"session","id":"session_01A","user_id":"user_01A","organization_id":"org_01A","auth_method":"sso","status":"revoked",
		  "ip_address":null,"user_agent":"Firefox","impersonator":{"email":"ops@acme.test","reason":null},
		  "expires_at":"2026-01-01T00:00:00.000Z","ended_at":"2026-01-01T00:00:00.000Z","created_at":"2026-01-01T00:00:00.000Z","updated_at":null}`,
		&workos.Session{
			ID: "session_01A", UserID: "user_01A", OrganizationID: "org_01A", AuthMethod: "sso", Status: "revoked", UserAgent: "Firefox",
			Impersonator: &workos.Impersonator{Email: "ops@acme.test"}, ExpiresAt: newYear, EndedAt: newYear, CreatedAt: newYear,
		},
	},
	"organization.": {
		`{"object":"organization","id":"org_01A","name":"Acme","domains":[` + domainJSON + `],"metadata":{"tier":"gold","n":null},
		  "external_id":null,"stripe_customer_id":"cus_1","created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-01T00:00:00.000Z"}`,
		&workos.Organization{
			ID: "org_01A", Name: "Acme", Domains: []workos.OrganizationDomain{domain}, Metadata: map[string]string{"tier": "gold"},
			StripeCustomerID: "cus_1", CreatedAt: newYear, UpdatedAt: newYear,
		},
	},
	"organization_domain.": {domainJSON, &domain},
	"organization_domain.verification_failed": {
		`{"reason":"domain_verification_period_expired","organization_domain":` + domainJSON + `}`,
		&workos.OrganizationDomainFailure{Reason: "domain_verification_period_expired", Domain: domain},
	},
	"organization_membership.": {
		`{"object":"organization_membership","id":"om_01A","user_id":"user_01A","organization_id":"org_01A","status":"active",
		  "role":{"slug":"admin"},"roles":[{"slug":"admin"}],"custom_attributes":{"team":"blue"},"directory_managed":false,
		  "created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-01T00:00:00.000Z"}`,
		&workos.OrganizationMembership{
			ID: "om_01A", UserID: "user_01A", OrganizationID: "org_01A", Status: workos.MembershipStatusActive, Role: workos.Role{Slug: "admin"},
			Roles: []workos.Role{{Slug: "admin"}}, CustomAttributes: map[string]any{"team": "blue"}, CreatedAt: newYear, UpdatedAt: newYear,
		},
	},
	"group.": {
		`{"object":"group","id":"group_01A","organization_id":"org_01A","name":"Editors","description":null,
		  "created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-01T00:00:00.000Z"}`,
		&workos.Group{ID: "group_01A", OrganizationID: "org_01A", Name: "Editors", CreatedAt: newYear, UpdatedAt: newYear},
	},
	"group.member_": {
		`{"group_id":"group_01A","organization_membership_id":"om_01A"}`,
		&workos.GroupMember{GroupID: "group_01A", OrganizationMembershipID: "om_01A"},
	},
	"waitlist_user.": {
		`{"object":"waitlist_user","id":"wl_user_01A","email":"kim@acme.test","state":"approved","approved_at":"2026-01-01T00:00:00.000Z",
		  "waitlist_id":"waitlist_01A","created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-01T00:00:00.000Z"}`,
		&workos.WaitlistEntry{
			ID: "wl_user_01A", WaitlistID: "waitlist_01A", Email: "kim@acme.test", State: workos.WaitlistApproved,
			ApprovedAt: newYear, CreatedAt: newYear, UpdatedAt: newYear,
		},
	},
	"flag.": {
		`{"object":"feature_flag","id":"flag_01A","environment_id":"environment_01A","slug":"beta","name":"Beta","description":null,
		  "owner":{"email":"ops@acme.test","first_name":"Ola","last_name":null},"tags":["new"],"enabled":true,"default_value":false,
		  "created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-01T00:00:00.000Z"}`,
		&workos.FeatureFlag{
			ID: "flag_01A", Slug: "beta", Name: "Beta", Owner: &workos.FeatureFlagOwner{Email: "ops@acme.test", FirstName: "Ola"},
			Tags: []string{"new"}, Enabled: true, CreatedAt: newYear, UpdatedAt: newYear,
		},
	},
	"pipes.connected_account.": {
		`{"object":"connected_account","id":"data_installation_01A","data_integration_id":"data_integration_01A","provider_slug":"github",
		  "user_id":"user_01A","organization_id":null,"scopes":["repo"],"state":"needs_reauthorization",
		  "created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-01T00:00:00.000Z"}`,
		&workos.ConnectedAccount{
			ID: "data_installation_01A", ProviderID: "data_integration_01A", ProviderSlug: "github", UserID: "user_01A",
			Scopes: []string{"repo"}, State: workos.ConnectedAccountNeedsReauthorization, CreatedAt: newYear, UpdatedAt: newYear,
		},
	},
	"pipes.connected_account.connection_failed": {
		`{"object":"connection_failed","data_integration_id":"data_integration_01A","provider_slug":"github","user_id":"user_01A",
		  "organization_id":null,"error_code":"authorization_code_exchange_error","error_reason":"It has expired.","provider_error":"access_denied",
		  "provider_error_description":null,"created_at":"2026-01-01T00:00:00.000Z"}`,
		&workos.ConnectedAccountFailure{
			ProviderID: "data_integration_01A", ProviderSlug: "github", UserID: "user_01A", ErrorCode: "authorization_code_exchange_error",
			ErrorReason: "It has expired.", ProviderError: "access_denied", CreatedAt: newYear,
		},
	},
	"radar.": {
		`{"type":"email","radar_challenge_id":"radar_challenge_01A","user_id":"user_01A","email":"kim@acme.test"}`,
		&workos.MailedRadarChallenge{
			RadarChallengeID: "radar_challenge_01A", Type: "email", UserID: "user_01A", Email: "kim@acme.test",
		},
	},
	"invitation.": {
		`{"object":"invitation","id":"invitation_01A","email":"kim@acme.test","state":"accepted","accepted_at":"2026-01-01T00:00:00.000Z",
		  "revoked_at":null,"expires_at":"2026-01-01T00:00:00.000Z","organization_id":"org_01A","inviter_user_id":null,
		  "accepted_user_id":"user_01A","role_slug":"admin","created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-01T00:00:00.000Z"}`,
		&workos.Invitation{
			ID: "invitation_01A", Email: "kim@acme.test", State: "accepted", OrganizationID: "org_01A", AcceptedUserID: "user_01A",
			RoleSlug: "admin", AcceptedAt: newYear, ExpiresAt: newYear, CreatedAt: newYear, UpdatedAt: newYear,
		},
	},
	"role.": {
		`{"object":"role","slug":"admin","resource_type_slug":"organization","permissions":["posts:write"],
		  "created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-01T00:00:00.000Z"}`,
		&workos.RoleDefinition{
			Slug: "admin", ResourceTypeSlug: "organization", Permissions: []string{"posts:write"}, CreatedAt: newYear, UpdatedAt: newYear,
		},
	},
	"organization_role.": {
		`{"object":"organization_role","organization_id":"org_01A","slug":"org-lead","name":"Lead","description":null,
		  "resource_type_slug":"organization","permissions":[],"created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-01T00:00:00.000Z"}`,
		&workos.RoleDefinition{
			Slug: "org-lead", OrganizationID: "org_01A", Name: "Lead", ResourceTypeSlug: "organization", Permissions: []string{},
			CreatedAt: newYear, UpdatedAt: newYear,
		},
	},
	"permission.": {
		`{"object":"permission","id":"perm_01A","slug":"posts:write","name":"Write","description":"Writes posts","system":true,
		  "resource_type_slug":"organization","created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-01T00:00:00.000Z"}`,
		&workos.Permission{
			ID: "perm_01A", Slug: "posts:write", Name: "Write", Description: "Writes posts", System: true, ResourceTypeSlug: "organization",
			CreatedAt: newYear, UpdatedAt: newYear,
		},
	},
	"api_key.": {
		`{"object":"api_key","id":"api_key_01A","owner":{"type":"user","id":"user_01A","organization_id":"org_01A"},"name":"CI",
		  "obfuscated_value":"sk_...9f2a","last_used_at":null,"expires_at":"2026-01-01T00:00:00.000Z","permissions":["posts:read"],
		  "created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-01T00:00:00.000Z","previous_attributes":{"expires_at":null}}`,
		&workos.APIKey{
			ID: "api_key_01A", Owner: workos.APIKeyOwner{Type: "user", ID: "user_01A", OrganizationID: "org_01A"}, Name: "CI",
			ObfuscatedValue: "sk_...9f2a", ExpiresAt: newYear, Permissions: []string{"posts:read"}, CreatedAt: newYear, UpdatedAt: newYear,
		},
	},
	"email_verification.": {
		`{"object":"email_verification","id":"email_verification_01A","user_id":"user_01A","email":"kim@acme.test",
		  "expires_at":"2026-01-01T00:00:00.000Z","created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-01T00:00:00.000Z"}`,
		&workos.EmailVerification{
			ID: "email_verification_01A", UserID: "user_01A", Email: "kim@acme.test", ExpiresAt: newYear, CreatedAt: newYear, UpdatedAt: newYear,
		},
	},
	"magic_auth.": {
		`{"object":"magic_auth","id":"magic_auth_01A","user_id":"user_01A","email":"kim@acme.test",
		  "expires_at":"2026-01-01T00:00:00.000Z","created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-01T00:00:00.000Z"}`,
		&workos.MagicAuth{
			ID: "magic_auth_01A", UserID: "user_01A", Email: "kim@acme.test", ExpiresAt: newYear, CreatedAt: newYear, UpdatedAt: newYear,
		},
	},
	"password_reset.": {
		`{"object":"password_reset","id":"password_reset_01A","user_id":"user_01A","email":"kim@acme.test",
		  "expires_at":"2026-01-01T00:00:00.000Z","created_at":"2026-01-01T00:00:00.000Z"}`,
		&workos.PasswordReset{ID: "password_reset_01A", UserID: "user_01A", Email: "kim@acme.test", ExpiresAt: newYear, CreatedAt: newYear},
	},
	"authentication.": {
		`{"type":"password","status":"failed","ip_address":"192.0.2.1","user_agent":"Firefox","user_id":null,"email":"kim@acme.test",
		  "error":{"code":"invalid_credentials","message":"No."}}`,
		&workos.AuthenticationAttempt{
			Method: "password", Status: "failed", Email: "kim@acme.test", IPAddress: "192.0.2.1", UserAgent: "Firefox",
			Error: &workos.AuthenticationFailure{Code: "invalid_credentials", Message: "No."},
		},
	},
	"authentication.sso_": {
		`{"type":"sso","status":"succeeded","ip_address":null,"user_agent":null,"user_id":"user_01A","email":"kim@acme.test",
		  "sso":{"organization_id":"org_01A","connection_id":"conn_01A","session_id":null}}`,
		&workos.AuthenticationAttempt{
			Method: "sso", Status: "succeeded", UserID: "user_01A", Email: "kim@acme.test",
			SSO: &workos.SSOAttempt{OrganizationID: "org_01A", ConnectionID: "conn_01A"},
		},
	},
	"authentication.radar_risk_detected": {
		`{"auth_method":"Password","action":"login","control":"bot_detection","blocklist_type":null,"ip_address":null,"user_agent":null,
		  "user_id":"user_01A","email":"kim@acme.test"}`,
		&workos.RadarRisk{AuthMethod: "Password", Action: "login", Control: "bot_detection", UserID: "user_01A", Email: "kim@acme.test"},
	},
	"action.": {
		`{"action_endpoint_id":"action_endpoint_01A","action_execution_id":"action_execution_01A","type":"authentication","verdict":"Deny",
		  "user_id":"user_01A","organization_id":null,"email":"kim@acme.test","ip_address":"192.0.2.1","user_agent":null}`,
		&workos.ActionDenial{
			EndpointID: "action_endpoint_01A", ExecutionID: "action_execution_01A", Type: "authentication", Verdict: "Deny",
			UserID: "user_01A", Email: "kim@acme.test", IPAddress: "192.0.2.1",
		},
	},
}

// eventTypes returns the value of every event constant, read from the source, and the type that its comment names.
func eventTypes(t *testing.T) map[string]string {
	t.Helper()
	source, err := os.ReadFile("event_types.go")
	require.NoError(t, err)
	types := map[string]string{}
	for _, constant := range regexp.MustCompile(`(?m)^\tEvent\w+ += "([\w.]+)" +// \[(\w+)\]`).FindAllStringSubmatch(string(source), -1) {
		types[constant[1]] = constant[2]
	}
	require.Len(t, regexp.MustCompile(`(?m)^\tEvent\w+ += "`).FindAllString(string(source), -1), len(types), "a constant without a type")
	return types
}

func TestTheDataOfEveryTypedEventAreDecoded(t *testing.T) {
	for kind, name := range eventTypes(t) {
		t.Run(kind, func(t *testing.T) {
			prefix := ""
			for candidate := range eventData {
				if strings.HasPrefix(kind, candidate) && len(candidate) > len(prefix) {
					prefix = candidate
				}
			}
			require.NotEmpty(t, prefix)
			payload, err := eventOf(t, "event_01A", kind, eventData[prefix].data).Payload()
			require.NoError(t, err)
			assert.Equal(t, eventData[prefix].want, payload)
			assert.Equal(t, "*workos."+name, fmt.Sprintf("%T", payload))

			for _, data := range []string{"null", "{}", "[]", "7", `"secret-text"`, `{"id":7,"slug":7,"type":7,"auth_method":7,"group_id":7,"provider_slug":7}`} {
				_, err := eventOf(t, "event_01A", kind, data).Payload()
				assert.ErrorContains(t, err, "workos: decode the data of a "+kind+" event: ")
				assert.NotContains(t, err.Error(), "secret-text")
			}
		})
	}
}

func TestAnEventOfAnUnknownTypeHasRawData(t *testing.T) {
	event := eventOf(t, "event_01A", "dsync.user.created", `{"id":"directory_user_01A", "emails":[1]}`)
	payload, err := event.Payload()
	require.NoError(t, err)
	assert.Equal(t, json.RawMessage(`{"id":"directory_user_01A", "emails":[1]}`), payload)
	payload.(json.RawMessage)[0] = 'x'
	assert.Equal(t, byte('{'), event.Data[0], "the payload is a copy")

	var data struct{ ID string }
	require.NoError(t, event.Decode(&data))
	assert.Equal(t, "directory_user_01A", data.ID)
}

func TestDecodeRefusesATypeOfAnotherEvent(t *testing.T) {
	event := eventOf(t, "event_01A", workos.EventSessionRevoked, `{"id":"session_01A","user_id":"user_01A"}`)
	assert.EqualError(t, event.Decode(new(workos.User)), "workos: decode the data of a session.revoked event: the data are a Session, not a User")

	var session workos.Session
	require.NoError(t, event.Decode(&session))
	assert.Equal(t, "user_01A", session.UserID)
	var own struct {
		UserID string `json:"user_id"`
	}
	require.NoError(t, event.Decode(&own), "a type of the application")
	assert.Equal(t, "user_01A", own.UserID)

	assert.ErrorContains(t, event.Decode(own), "the destination is not a pointer")
	assert.ErrorContains(t, event.Decode(nil), "the destination is not a pointer")
	assert.ErrorContains(t, workos.Event{Type: workos.EventUserUpdated}.Decode(&own), "there are none")
}

func TestAnEventKeepsItsJSONText(t *testing.T) {
	const text = `{ "id":"event_01A","event":"user.updated","data":{"n":1e2,"s":"\u2028<"},"created_at":"2026-05-04T10:00:00Z","environment_id":"x"}`
	var event workos.Event
	require.NoError(t, json.Unmarshal([]byte(text), &event))
	assert.Equal(t, `{"n":1e2,"s":"\u2028<"}`, string(event.Data))

	own, err := event.MarshalJSON()
	require.NoError(t, err)
	assert.Equal(t, text, string(own))
	encoded, err := json.Marshal(event)
	require.NoError(t, err)
	assert.JSONEq(t, text, string(encoded))
	var again workos.Event
	require.NoError(t, json.Unmarshal(encoded, &again))
	assert.Equal(t, event.CreatedAt, again.CreatedAt)

	made, err := json.Marshal(workos.Event{ID: "event_01A", Type: "user.updated", Data: json.RawMessage(`{"id":"user_01A"}`)})
	require.NoError(t, err)
	assert.JSONEq(t, `{"object":"event","id":"event_01A","event":"user.updated","data":{"id":"user_01A"}}`, string(made))
}

func TestNoTimeMakesAnEventUnreadable(t *testing.T) {
	for value, want := range map[string]time.Time{
		`"2026-05-04T10:00:00.250Z"`:   time.Date(2026, 5, 4, 10, 0, 0, 250_000_000, time.UTC),
		`"2026-05-04T12:00:00+02:00"`:  time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC),
		`"2023-04-28 20:05:31.093"`:    time.Date(2023, 4, 28, 20, 5, 31, 93_000_000, time.UTC),
		`"2020-05-06 04:21:48.649164"`: time.Date(2020, 5, 6, 4, 21, 48, 649_164_000, time.UTC),
		`"yesterday"`:                  {},
		`1777888800`:                   {},
		`null`:                         {},
		`""`:                           {},
		`[]`:                           {},
	} {
		var event workos.Event
		require.NoError(t, json.Unmarshal([]byte(`{"id":"event_01A","event":"x","data":{},"created_at":`+value+`}`), &event), value)
		assert.Equal(t, want, event.CreatedAt, value)
		assert.Equal(t, "event_01A", event.ID)
	}
}

func TestAPrintedEventShowsNoData(t *testing.T) {
	event := eventOf(t, "event_01A", workos.EventUserUpdated, `{"id":"user_01A","email":"kim@acme.test"}`)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("text", "value", event)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "value", event)
	texts := []string{log.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		texts = append(texts, fmt.Sprintf(verb, event), fmt.Sprintf(verb, &event), fmt.Sprintf(verb, []workos.Event{event}))
	}
	for _, text := range texts {
		assert.NotContains(t, text, "kim@acme.test")
		assert.NotContains(t, text, fmt.Sprintf("%d", []byte("kim@"))[1:8])
		assert.Contains(t, text, "event_01A")
	}
	assert.Equal(t, "{ID:event_01A Type:user.updated CreatedAt:2026-05-04 10:00:00.25 +0000 UTC}", fmt.Sprintf("%+v", event))
	assert.NotContains(t, fmt.Sprint(workos.Event{ID: "a\nb\u001b[31m"}), "\n")
}

// FuzzEvent decodes arbitrary events. An event keeps its JSON text, and no text of it is in an error.
func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"id":1,"event":null,"data":[]}`))
	for prefix, c := range eventData {
		f.Add([]byte(fmt.Sprintf(`{"id":"event_01A","event":%q,"data":%s,"created_at":"2026-05-04T10:00:00Z"}`, prefix+"created", c.data)))
	}
	for _, data := range []string{`{"id":"x","created_at":"secret-text"}`, `"secret-text"`, `{"id":"x","metadata":["secret-text"]}`, `null`} {
		f.Add([]byte(`{"id":"event_01A","event":"user.updated","data":` + data + `}`))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var event workos.Event
		if json.Unmarshal(text, &event) != nil {
			return
		}
		wire, err := event.MarshalJSON()
		if err != nil || !bytes.Equal(bytes.TrimSpace(text), wire) && string(wire) != "null" {
			t.Fatalf("%q became %q: %v", text, wire, err)
		}
		if strings.Contains(fmt.Sprintf("%v %+v %#v", event, event, event), "secret-text") && !strings.Contains(event.ID+event.Type, "secret-text") {
			t.Fatal("a printed event shows its data")
		}
		payload, err := event.Payload()
		if err != nil {
			if payload != nil || strings.Contains(err.Error(), "secret-text") && !strings.Contains(event.Type, "secret-text") {
				t.Fatalf("the error quotes the data: %q", err)
			}
			return
		}
		if raw, ok := payload.(json.RawMessage); ok && !bytes.Equal(raw, event.Data) {
			t.Fatalf("the raw data are %q, want %q", raw, event.Data)
		}
	})
}
