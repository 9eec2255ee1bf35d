// The secrets of every call: its result and its errors show none, even if the server echoes them.

package workos_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testrun"
)

func TestNoCallShowsItsSecrets(t *testing.T) {
	every := testrun.Length(2, 1) // at the short length, a call is echoed in every second place, and each place echoes every second call
	for turn, name := range slices.Sorted(maps.Keys(calls)) {
		tt := calls[name]
		secrets := append([]string{apiKey}, tt.secrets...)
		t.Run(name+" in the result", func(t *testing.T) {
			got, err := tt.call(t.Context(), offline(t, tt.status, tt.response, nil))
			require.NoError(t, err)
			assertShowsNone(t, got, secrets)
			if value := reflect.ValueOf(got); value.Kind() == reflect.Pointer {
				assertShowsNone(t, value.Elem().Interface(), secrets)
			}
		})
		echo := strings.Join(secrets, " and ")
		responses := map[string]struct {
			status int
			body   string
			header http.Header
		}{
			"a message":                   {status: 400, body: fmt.Sprintf(`{"code":"x","message":%q,"errors":[%[1]q,{"message":%[1]q,"field":%[1]q}]}`, echo)},
			"a page":                      {status: 400, body: echo},
			"a request ID":                {status: 400, body: `{}`, header: http.Header{"X-Request-Id": {echo}}},
			"the wrong type":              {status: 200, body: fmt.Sprintf(`[%q]`, echo), header: http.Header{"Content-Type": {echo}}},
			"another host":                {status: 302, header: http.Header{"Location": {"https://" + secrets[len(secrets)-1] + ".test/"}}},
			"broken JSON":                 {status: 200, body: `{"id":"` + echo},
			"an invalid time":             {status: 200, body: fmt.Sprintf(`{"id":"x","created_at":%q,"user":{"id":"x","created_at":%[1]q}}`, echo)},
			"broken JSON with status 400": {status: 400, body: `{"id":"` + echo},
		}
		for _, kind := range slices.Sorted(maps.Keys(responses)) {
			if turn++; turn%every != 0 {
				continue
			}
			response := responses[kind]
			t.Run(name+" echoed as "+kind, func(t *testing.T) {
				_, err := tt.call(t.Context(), offline(t, response.status, response.body, response.header))
				for cause := err; cause != nil; cause = errors.Unwrap(cause) {
					assertShowsNone(t, cause, sentSecrets(tt))
				}
			})
		}
	}
}

// sentSecrets returns the secrets of a call that are in its request.
func sentSecrets(tt wire) []string {
	return append(slices.DeleteFunc(slices.Clone(tt.secrets), func(secret string) bool { return !strings.Contains(tt.body+tt.path, secret) }), apiKey)
}

// assertShowsNone asserts that printing, logging and encoding a value shows no secret.
func assertShowsNone(t *testing.T, value any, secrets []string) {
	t.Helper()
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("text", "value", value)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "value", value)
	encoded, err := json.Marshal(value)
	require.NoError(t, err)
	texts := []string{log.String(), string(encoded)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, value))
	}
	for _, secret := range secrets {
		for _, text := range texts {
			assert.NotContains(t, text, secret)
			assert.NotContains(t, strings.ToLower(text), fmt.Sprintf("%x", secret))
		}
	}
}
