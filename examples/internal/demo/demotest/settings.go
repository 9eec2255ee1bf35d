// The example started with settings that are missing, too short or malformed.

package demotest

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// InvalidSettings tests that an example with invalid settings does not start, names each of them, and shows no secret.
func InvalidSettings(t *testing.T) {
	for _, c := range []struct {
		name     string
		settings map[string]string
		expected []string // variables in the error
		secrets  []string
	}{
		{
			name: "every setting is invalid",
			settings: map[string]string{
				"WORKOS_API_KEY":         "hunter2hunter2hunter2",
				"WORKOS_CLIENT_ID":       "no_client_at_all",
				"WORKOS_COOKIE_PASSWORD": "correct horse battery",
				"WORKOS_REDIRECT_URI":    "http://user:s3cr3tw0rd@app.example.com/callback?token=t0ps3cret",
				"WORKOS_COOKIE_MAX_AGE":  "a fortnight",
				"WORKOS_COOKIE_SAMESITE": "sometimes",
				"WORKOS_API_HTTPS":       "perhaps",
				"WORKOS_API_PORT":        "70000",
			},
			expected: []string{
				"WORKOS_API_KEY", "WORKOS_CLIENT_ID", "WORKOS_COOKIE_PASSWORD", "WORKOS_REDIRECT_URI",
				"WORKOS_COOKIE_MAX_AGE", "WORKOS_COOKIE_SAMESITE", "WORKOS_API_HTTPS", "WORKOS_API_PORT",
			},
			secrets: []string{"hunter2", "horse", "s3cr3tw0rd", "t0ps3cret"},
		},
		{
			name:     "only the API key is set",
			settings: map[string]string{"WORKOS_API_KEY": "sk_test_hunter2"},
			expected: []string{"WORKOS_CLIENT_ID", "WORKOS_COOKIE_PASSWORD"},
			secrets:  []string{"hunter2"},
		},
		{
			name: "the client ID is empty",
			settings: map[string]string{
				"WORKOS_API_KEY": "sk_test_hunter2", "WORKOS_CLIENT_ID": "", "WORKOS_COOKIE_PASSWORD": strings.Repeat("hunter2 ", 4),
			},
			expected: []string{"WORKOS_CLIENT_ID"},
			secrets:  []string{"hunter2"},
		},
		{
			name:     "only the client ID is set",
			settings: map[string]string{"WORKOS_CLIENT_ID": "client_01A"},
			expected: []string{"WORKOS_API_KEY", "WORKOS_COOKIE_PASSWORD"},
		},
		{
			name:     "the client ID is blank",
			settings: map[string]string{"WORKOS_API_KEY": "sk_test_hunter2", "WORKOS_CLIENT_ID": " "},
			expected: []string{"WORKOS_CLIENT_ID", "WORKOS_COOKIE_PASSWORD"},
			secrets:  []string{"hunter2"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := Start(t, map[string]string{"ADDR": "localhost:0"}, c.settings)
			printed, err := io.ReadAll(p.stdout)
			require.NoError(t, err)
			assert.Equal(t, 1, p.wait())
			assert.Empty(t, string(printed), "no URL is printed")
			output := p.stderr.String()
			for _, name := range c.expected {
				assert.Contains(t, output, name)
			}
			for _, secret := range c.secrets {
				assert.NotContains(t, output, secret)
			}
			assert.NotContains(t, output, "panic")
		})
	}
}
