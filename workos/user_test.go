// The user as JSON.

package workos_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

func TestAUserIsDecodedFromItsOwnJSON(t *testing.T) {
	tests := map[string]struct {
		user workos.User
		want string
	}{
		"with all fields": {
			user: workos.User{
				ID: "user_01A", Email: "kim@acme.test", EmailVerified: true, FirstName: "Kim", LastName: "Lee", Name: "Kim Lee",
				ProfilePictureURL: "https://img.test/kim", ExternalID: "42", Locale: "en-GB",
				Metadata:     map[string]string{"plan": "pro", "quote": `"<&>"`},
				LastSignInAt: time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC),
				CreatedAt:    time.Date(2026, 1, 1, 0, 0, 0, 1e6, time.UTC),
				UpdatedAt:    time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC),
			},
			want: `{"id":"user_01A","email":"kim@acme.test","email_verified":true,"first_name":"Kim","last_name":"Lee",
				"name":"Kim Lee","profile_picture_url":"https://img.test/kim","external_id":"42","locale":"en-GB",
				"metadata":{"plan":"pro","quote":"\"<&>\""},"last_sign_in_at":"2026-05-04T10:00:00Z",
				"created_at":"2026-01-01T00:00:00.001Z","updated_at":"2026-02-01T00:00:00Z"}`,
		},
		"with the required fields": {
			user: workos.User{ID: "user_01A", Email: "kim@acme.test"},
			want: `{"id":"user_01A","email":"kim@acme.test","email_verified":false}`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			encoded, err := json.Marshal(tt.user)
			require.NoError(t, err)
			assert.JSONEq(t, tt.want, string(encoded))
			var got workos.User
			require.NoError(t, json.Unmarshal(encoded, &got))
			assert.Equal(t, tt.user, got)
		})
	}
}

func TestUnexpectedMetadataDoesNotPreventDecodingAUser(t *testing.T) {
	tests := map[string]struct {
		metadata string
		want     map[string]string
	}{
		"strings":                        {`{"a":"b","c":""}`, map[string]string{"a": "b", "c": ""}},
		"none":                           {`{}`, map[string]string{}},
		"numbers and booleans":           {`{"n":1.50,"b":true,"s":"x"}`, map[string]string{"n": "1.50", "b": "true", "s": "x"}},
		"objects and arrays":             {`{"o":{"k":[1]},"l":["x"]}`, map[string]string{"o": `{"k":[1]}`, "l": `["x"]`}},
		"a null value is omitted":        {`{"gone":null,"s":"x"}`, map[string]string{"s": "x"}},
		"an array instead of the object": {`[]`, nil},
		"a string instead of the object": {`"x"`, nil},
		"null instead of the object":     {`null`, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got workos.User
			require.NoError(t, json.Unmarshal([]byte(`{"id":"user_01A","metadata":`+tt.metadata+`,"email":"kim@acme.test"}`), &got))
			assert.Equal(t, workos.User{ID: "user_01A", Email: "kim@acme.test", Metadata: tt.want}, got)
		})
	}
}
