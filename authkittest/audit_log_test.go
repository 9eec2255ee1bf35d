// Audit-log events, by the calls of package workos.

package authkittest_test

import (
	"context"
	"errors"
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

// shared returns an audit-log event with all fields.
func shared(organizationID string) workos.CreateAuditLogEventParams {
	return workos.CreateAuditLogEventParams{
		OrganizationID: organizationID,
		Event: workos.AuditLogEvent{
			Action: "document.shared", OccurredAt: start, Version: 2, Metadata: map[string]any{"plan": "pro", "pages": 3.0, "draft": true},
			Actor:   workos.AuditLogEntity{ID: "user_1", Type: "user", Name: "Ada", Metadata: map[string]any{"role": "admin"}},
			Targets: []workos.AuditLogEntity{{ID: "42", Type: "document"}},
			Context: workos.AuditLogContext{Location: "192.0.2.1", UserAgent: "Firefox"},
		},
	}
}

func TestTheFakeKeepsAuditLogEvents(t *testing.T) {
	a := newApp(t)
	ctx, client, press, studio := context.Background(), a.workos(), a.Organizations()[0].ID, a.Organizations()[1].ID
	assert.Empty(t, a.AuditLogEvents(""))
	require.NoError(t, client.CreateAuditLogEvent(ctx, shared(press)))
	require.NoError(t, client.CreateAuditLogEvent(ctx, workos.CreateAuditLogEventParams{
		OrganizationID: studio, Event: workos.AuditLogEvent{
			Action: "user.signed_in", OccurredAt: start.Add(time.Minute), Actor: workos.AuditLogEntity{ID: "user_2", Type: "user"},
			Context: workos.AuditLogContext{Location: "192.0.2.2"},
		},
	}))
	want := authkittest.AuditLogEvent{
		OrganizationID: press, Action: "document.shared", OccurredAt: start, Location: "192.0.2.1", UserAgent: "Firefox", Version: 2,
		Actor:    authkittest.AuditLogEntity{ID: "user_1", Type: "user", Name: "Ada", Metadata: map[string]any{"role": "admin"}},
		Targets:  []authkittest.AuditLogEntity{{ID: "42", Type: "document"}},
		Metadata: map[string]any{"plan": "pro", "pages": 3.0, "draft": true},
	}
	assert.Equal(t, []authkittest.AuditLogEvent{want}, a.AuditLogEvents(press))
	all := a.AuditLogEvents("")
	require.Len(t, all, 2)
	assert.Equal(t, "user.signed_in", all[1].Action)
	assert.Empty(t, all[1].Targets)
	all[0].Actor.Metadata["role"], all[0].Metadata["plan"], all[0].Targets[0].ID = "", "", ""
	assert.Equal(t, []authkittest.AuditLogEvent{want}, a.AuditLogEvents(press), "a caller changes a copy")
	assert.Empty(t, a.AuditLogEvents("org_1"))
	assert.Empty(t, a.Events(), "it is no event of the list of events")
}

func TestAnIdempotencyKeyAddsOneAuditLogEvent(t *testing.T) {
	a := newApp(t)
	ctx, client, press := context.Background(), a.workos(), a.Organizations()[0].ID
	count := func() int { return len(a.AuditLogEvents(press)) }
	add := func(key string) {
		params := shared(press)
		params.IdempotencyKey = key
		require.NoError(t, client.CreateAuditLogEvent(ctx, params))
	}
	a.InjectFault(authkittest.RouteCreateAuditLogEvent, authkittest.Fault{Reset: true, TakeEffect: true, Times: 1})
	params := shared(press)
	params.IdempotencyKey = "one"
	require.Error(t, client.CreateAuditLogEvent(ctx, params), "the response is lost")
	assert.Equal(t, 1, count())
	add("one")
	assert.Equal(t, 1, count(), "the second call adds none")
	add("two")
	assert.Equal(t, 2, count())
	add("")
	add("")
	assert.Equal(t, 4, count(), "calls without a key are not the same call")
	a.clock.Advance(24*time.Hour - time.Second)
	add("one")
	assert.Equal(t, 4, count())
	a.clock.Advance(time.Second)
	add("one")
	assert.Equal(t, 5, count(), "WorkOS remembers a key for 24 hours")

	params.IdempotencyKey, params.OrganizationID = "three", "org_1"
	assertCode(t, client.CreateAuditLogEvent(ctx, params), 404, "")
	params.OrganizationID = press
	assertCode(t, client.CreateAuditLogEvent(ctx, params), 404, "")
	assert.Equal(t, 5, count(), "the key gets the response of its first call")
}

func TestAnIdempotencyKeyChangesNoOtherCall(t *testing.T) {
	a := newApp(t)
	for range 2 {
		r, err := http.NewRequest("POST", a.URL()+"/organizations", strings.NewReader(`{"name":"Acme"}`))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+a.APIKey())
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", "one")
		got := a.read(http.DefaultClient.Do(r))
		require.Equal(t, http.StatusCreated, got.status)
	}
	assert.Len(t, a.Organizations(), 4, "WorkOS heeds the key for audit-log events only")
}

func TestTheConfigurationOfAnAuditLogIsRead(t *testing.T) {
	a := newApp(t)
	ctx, client, press := context.Background(), a.workos(), a.Organizations()[0].ID
	want := workos.AuditLogConfiguration{OrganizationID: press, RetentionDays: 30, State: workos.AuditLogActive}
	assert.Equal(t, &want, must(client.GetAuditLogConfiguration(ctx, press)))
	a.SetAuditLogConfiguration(press, authkittest.AuditLogConfiguration{
		RetentionDays: 365, State: "disabled", LogStream: &authkittest.AuditLogStream{ID: "als_1", Type: "Datadog", LastSyncedAt: start},
	})
	want.RetentionDays, want.State = 365, workos.AuditLogDisabled
	want.LogStream = &workos.AuditLogStream{ID: "als_1", Type: "Datadog", State: workos.AuditLogStreamActive, LastSyncedAt: start, CreatedAt: start}
	assert.Equal(t, &want, must(client.GetAuditLogConfiguration(ctx, press)))
	a.SetAuditLogConfiguration(press, authkittest.AuditLogConfiguration{})
	assert.Equal(t, workos.AuditLogActive, must(client.GetAuditLogConfiguration(ctx, press)).State)
	assertCode(t, second(client.GetAuditLogConfiguration(ctx, "org_1")), 404, "")
	assert.Panics(t, func() { a.SetAuditLogConfiguration("org_1", authkittest.AuditLogConfiguration{}) })
}

func TestAnInvalidAuditLogEventIsRefused(t *testing.T) {
	a := newApp(t)
	ctx, client, press := context.Background(), a.workos(), a.Organizations()[0].ID
	for _, c := range []struct {
		body   object
		fields []string
	}{
		{object{}, []string{
			"organization_id", "event.action", "event.occurred_at", "event.actor.id", "event.actor.type", "event.targets", "event.context.location",
		}},
		{object{"organization_id": press, "event": object{
			"action": "document.shared", "occurred_at": "yesterday", "actor": object{"id": "user_1", "type": "user"},
			"targets": []any{object{}}, "context": object{"location": "192.0.2.1"},
		}}, []string{"event.targets.0.id", "event.targets.0.type", "event.occurred_at"}},
	} {
		got := a.api("POST", "/audit_logs/events", c.body)
		assertRefused(t, got, 422, "")
		var fields []string
		for _, p := range got.body["errors"].([]any) {
			fields = append(fields, p.(object)["field"].(string))
		}
		assert.Equal(t, c.fields, fields)
	}

	many := map[string]any{}
	for i := range 51 {
		many[fmt.Sprint(i)] = i
	}
	params := shared(press)
	params.Event.Metadata = map[string]any{"list": []string{"a"}, "long": strings.Repeat("ä", 501), "fits": strings.Repeat("ä", 500), "none": nil}
	params.Event.Actor.Metadata = map[string]any{"not a name": "x"}
	params.Event.Targets = append(params.Event.Targets, workos.AuditLogEntity{ID: "43", Type: "document", Metadata: many})
	err := client.CreateAuditLogEvent(ctx, params)
	assertCode(t, err, 400, workos.CodeInvalidAuditLogEvent)
	var refused *workos.Error
	require.True(t, errors.As(err, &refused))
	var places []string
	for _, detail := range refused.Details {
		places = append(places, detail.Field)
	}
	assert.Equal(t, []string{"/metadata/list", "/metadata/long", "/metadata/none", "/actor/metadata", "/targets/1/metadata"}, places)
	assertCode(t, client.CreateAuditLogEvent(ctx, shared("org_1")), 404, "")
	assert.Empty(t, a.AuditLogEvents(""))
}
