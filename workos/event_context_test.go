// The context of events.

package workos_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

func TestTheContextOfAnEventIsDecoded(t *testing.T) {
	tests := map[string]struct {
		context string
		want    workos.EventContext
	}{
		"none":  {``, workos.EventContext{}},
		"null":  {`,"context":null`, workos.EventContext{}},
		"empty": {`,"context":{}`, workos.EventContext{}},
		"of a change": {
			`,"context":{"actor":{"id":"user_01B","source":"dashboard","name":null},"client_id":"client_01A","later":1,
				"previous_attributes":{"email":"old@acme.test","metadata":{"plan":"free"},"name":null}}`,
			workos.EventContext{
				Actor:    &workos.EventActor{ID: "user_01B", Source: workos.EventSourceDashboard},
				ClientID: "client_01A",
				PreviousAttributes: map[string]json.RawMessage{
					"email": json.RawMessage(`"old@acme.test"`), "metadata": json.RawMessage(`{"plan":"free"}`), "name": json.RawMessage("null"),
				},
			},
		},
		"of a rule of a feature flag": {
			`,"context":{"access_type":"some","configured_targets":{"organizations":[{"id":"org_01A","name":"Acme"}],
				"users":[{"id":"user_01A","email":"kim@acme.test"}]},"previous_attributes":{"context":{"access_type":"none"}}}`,
			workos.EventContext{
				AccessType: "some",
				ConfiguredTargets: &workos.FeatureFlagTargets{
					Organizations: []workos.FeatureFlagOrganization{{ID: "org_01A", Name: "Acme"}},
					Users:         []workos.FeatureFlagUser{{ID: "user_01A", Email: "kim@acme.test"}},
				},
				PreviousAttributes: map[string]json.RawMessage{"context": json.RawMessage(`{"access_type":"none"}`)},
			},
		},
		"of a browser with analytics": {
			`,"context":{"ajs_anonymous_id":"ajs_anon_1","google_analytics_client_id":"GA1.2.1.2",
				"google_analytics_sessions":[{"containerId":"GTM-A","sessionId":"7","sessionNumber":"1"}]}`,
			workos.EventContext{
				AnonymousID: "ajs_anon_1", GoogleAnalyticsClientID: "GA1.2.1.2",
				GoogleAnalyticsSessions: []workos.GoogleAnalyticsSession{{ContainerID: "GTM-A", SessionID: "7", SessionNumber: "1"}},
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var event workos.Event
			require.NoError(t, json.Unmarshal([]byte(`{"id":"event_01A","event":"user.updated","data":{}`+tt.context+`}`), &event))
			got, err := event.DecodeContext()
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestTheErrorOfAContextQuotesNoData(t *testing.T) {
	event := workos.Event{ID: "event_01A", Type: "user.updated", Context: json.RawMessage(`{"actor":"kim@acme.test"}`)}
	_, err := event.DecodeContext()
	assert.ErrorContains(t, err, "workos: decode the context of a user.updated event: ")
	assert.NotContains(t, err.Error(), "kim")
}
