// Feature flags: the calls of package workos, and the claim of access tokens.

package authkittest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

func TestTheRuntimeClientsOfSDKsReadEveryFeatureFlagWithItsTargets(t *testing.T) {
	a := newApp(t)
	organization, user := a.Organizations()[0].ID, a.userID(ada)
	all := func() object { return a.mustCall(http.StatusOK, http.MethodGet, "/sdk/feature-flags", nil) }
	assert.Empty(t, all())
	a.AddFeatureFlag(authkittest.FeatureFlag{Slug: "by-default", Default: true})
	a.AddFeatureFlag(authkittest.FeatureFlag{Slug: "beta", Enabled: true, Targets: []string{user, organization}})
	flag := func(slug string, enabled, byDefault bool, users, organizations []any) object {
		return object{
			"slug": slug, "enabled": enabled, "default_value": byDefault, "targets": object{"users": users, "organizations": organizations},
		}
	}
	assert.Equal(t, object{
		"by-default": flag("by-default", false, true, []any{}, []any{}),
		"beta":       flag("beta", true, false, []any{object{"id": user, "enabled": true}}, []any{object{"id": organization, "enabled": true}}),
	}, all())
	assert.Equal(t, 2, a.Calls(authkittest.RouteListFeatureFlagRules))
}

func TestTheNextAccessTokenHasTheFeatureFlagsThatAreOn(t *testing.T) {
	a := newApp(t)
	ctx, client, press, id := context.Background(), a.workos(), a.Organizations()[0].ID, a.userID(ada)
	a.UpdateUser(ada, func(u *authkittest.User) { u.Memberships[0].FeatureFlags = []string{"own"} })
	a.AddFeatureFlag(authkittest.FeatureFlag{Slug: "by-default", Default: true})
	a.AddFeatureFlag(authkittest.FeatureFlag{Slug: "for-ada", Enabled: true, Targets: []string{id}})
	a.AddFeatureFlag(authkittest.FeatureFlag{Slug: "for-press", Enabled: true})
	a.AddFeatureFlag(authkittest.FeatureFlag{Slug: "own", Enabled: true, Default: true})
	token := a.signIn("Ada").text("refresh_token")
	flags := func() any {
		got := a.refresh(token)
		token = got.text("refresh_token")
		claims, err := a.claims(got.text("access_token"))
		require.NoError(t, err)
		return claims["feature_flags"]
	}
	for _, step := range []struct {
		do    func() error
		event string
		want  []any
	}{
		{func() error { return nil }, "", []any{"own", "for-ada"}},
		{func() error { return second(client.EnableFeatureFlag(ctx, "by-default")) }, "flag.updated", []any{"own", "by-default", "for-ada"}},
		{func() error { return second(client.EnableFeatureFlag(ctx, "by-default")) }, "", []any{"own", "by-default", "for-ada"}},
		{func() error { return client.AddFeatureFlagTarget(ctx, "for-press", press) }, "flag.rule_updated", []any{"own", "by-default", "for-ada", "for-press"}},
		{func() error { return client.AddFeatureFlagTarget(ctx, "for-press", press) }, "", []any{"own", "by-default", "for-ada", "for-press"}},
		{func() error { return client.RemoveFeatureFlagTarget(ctx, "for-ada", id) }, "flag.rule_updated", []any{"own", "by-default", "for-press"}},
		{func() error { return client.RemoveFeatureFlagTarget(ctx, "for-ada", id) }, "", []any{"own", "by-default", "for-press"}},
		{func() error { return second(client.DisableFeatureFlag(ctx, "for-press")) }, "flag.updated", []any{"own", "by-default"}},
	} {
		events, _ := a.eventsOf(func() { require.NoError(t, step.do()) })
		if step.event == "" {
			assert.Empty(t, events)
		} else {
			assert.Equal(t, []string{step.event}, events)
		}
		assert.Equal(t, step.want, flags())
	}

	a.AddFeatureFlag(authkittest.FeatureFlag{Slug: "for-dev", Enabled: true, Targets: []string{a.userID("dev@example.com")}})
	claims, err := a.claims(a.signIn("Dev").text("access_token"))
	require.NoError(t, err)
	assert.Equal(t, []any{"by-default", "own", "for-dev"}, claims["feature_flags"], "a session without an organization has the flags of its user")
}

func TestFeatureFlagsAreListedForAUserAndAnOrganization(t *testing.T) {
	a := newApp(t)
	ctx, client, press, studio := context.Background(), a.workos(), a.Organizations()[0].ID, a.Organizations()[1].ID
	a.AddFeatureFlag(authkittest.FeatureFlag{Slug: "off", Default: true})
	a.clock.Advance(time.Minute)
	a.AddFeatureFlag(authkittest.FeatureFlag{
		Slug: "studio", Name: "Studio", Description: "about", Tags: []string{"beta"}, Enabled: true, Targets: []string{studio, a.userID(ada)},
	})
	flag := must(client.GetFeatureFlag(ctx, "studio"))
	at := start.Add(time.Minute)
	assert.Equal(t, &workos.FeatureFlag{
		ID: flag.ID, Slug: "studio", Name: "Studio", Description: "about", Tags: []string{"beta"}, Enabled: true, CreatedAt: at, UpdatedAt: at,
	}, flag)
	on := []workos.FeatureFlag{*flag}
	assert.Equal(t, []workos.FeatureFlag{*flag, *must(client.GetFeatureFlag(ctx, "off"))}, collect(t, client.ListFeatureFlags(ctx, workos.Paging{PageSize: 1})))
	assert.Equal(t, on, collect(t, client.ListOrganizationFeatureFlags(ctx, studio, workos.Paging{})))
	assert.Empty(t, collect(t, client.ListOrganizationFeatureFlags(ctx, press, workos.Paging{})))
	for _, email := range []string{ada, "chiara@example.com"} {
		assert.Equal(t, on, collect(t, client.ListUserFeatureFlags(ctx, a.userID(email), workos.Paging{})), email)
	}
	assert.Empty(t, collect(t, client.ListUserFeatureFlags(ctx, a.userID("ben@harborpress.test"), workos.Paging{})))

	first := func(list func(yield func(workos.FeatureFlag, error) bool)) (err error) {
		for _, err = range list {
			break
		}
		return err
	}
	assertCode(t, first(client.ListOrganizationFeatureFlags(ctx, "org_1", workos.Paging{})), 404, "")
	assertCode(t, first(client.ListUserFeatureFlags(ctx, "user_1", workos.Paging{})), 404, "")
	assertCode(t, second(client.GetFeatureFlag(ctx, "none")), 404, "")
	assertCode(t, second(client.EnableFeatureFlag(ctx, "none")), 404, "")
	assertCode(t, client.AddFeatureFlagTarget(ctx, "none", press), 404, "")
	assertCode(t, client.AddFeatureFlagTarget(ctx, "studio", "org_1"), 404, "")
	assertCode(t, client.AddFeatureFlagTarget(ctx, "studio", "team_1"), 400, workos.CodeBadRequest)
	assert.Panics(t, func() { a.AddFeatureFlag(authkittest.FeatureFlag{Slug: "studio"}) })
}

func TestTheEventsOfAFeatureFlagSayWhoChangedWhat(t *testing.T) {
	a := newApp(t)
	ctx, client, press, id := context.Background(), a.workos(), a.Organizations()[0].ID, a.userID(ada)
	a.AddFeatureFlag(authkittest.FeatureFlag{Slug: "beta", Targets: []string{press}})
	must(client.EnableFeatureFlag(ctx, "beta"))
	require.NoError(t, client.AddFeatureFlagTarget(ctx, "beta", id))
	require.NoError(t, client.RemoveFeatureFlagTarget(ctx, "beta", press))
	require.NoError(t, client.RemoveFeatureFlagTarget(ctx, "beta", id))

	targets := func(organizations, users string) string {
		return `"configured_targets":{"organizations":[` + organizations + `],"users":[` + users + `]}`
	}
	organization, user := `{"id":"`+press+`","name":"Harbor Press"}`, `{"id":"`+id+`","email":"`+ada+`"}`
	const some, none = `"access_type":"some",`, `"access_type":"none",`
	want := []string{
		``,
		`,"previous_attributes":{"data":{"enabled":false}}`,
		`,` + some + targets(organization, user) + `,"previous_attributes":{"context":{` + targets(organization, "") + `}}`,
		`,` + some + targets("", user) + `,"previous_attributes":{"context":{` + targets(organization, user) + `}}`,
		`,` + none + targets("", "") + `,"previous_attributes":{"context":{` + some + targets("", user) + `}}`,
	}
	events := collect(t, client.ListEvents(ctx, workos.ListEventsParams{Types: []string{"flag.created", "flag.updated", "flag.rule_updated"}}))
	require.Len(t, events, len(want))
	for i, event := range events {
		var got struct {
			Actor struct {
				ID     string `json:"id"`
				Source string `json:"source"`
			} `json:"actor"`
		}
		require.NoError(t, json.Unmarshal(event.Context, &got))
		assert.NotEmpty(t, got.Actor.ID)
		assert.Equal(t, i == 0, got.Actor.Source == "dashboard", "the dashboard creates the flag, the API changes it")
		actor := `{"client_id":"` + a.ClientID() + `","actor":{"id":"` + got.Actor.ID + `","source":"` + got.Actor.Source + `","name":null}`
		assert.JSONEq(t, actor+want[i]+`}`, string(event.Context), event.Type)
		assert.Equal(t, "beta", must(event.Payload()).(*workos.FeatureFlag).Slug)
	}
	rule := must(events[2].DecodeContext())
	assert.Equal(t, "some", rule.AccessType)
	assert.Equal(t, &workos.FeatureFlagTargets{
		Organizations: []workos.FeatureFlagOrganization{{ID: press, Name: "Harbor Press"}},
		Users:         []workos.FeatureFlagUser{{ID: id, Email: ada}},
	}, rule.ConfiguredTargets)
}
