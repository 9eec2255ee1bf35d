// Examples started with settings that are missing, too short or malformed.

package behaviour

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnExampleNamesEveryInvalidSettingAtStartAndNoSecret(t *testing.T) {
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
		for _, example := range []string{"stdlib", "chi", "headless"} {
			t.Run(c.name+", "+example, func(t *testing.T) {
				cmd := exec.Command(filepath.Join(binaries(t), example))
				cmd.Env = append(environmentWithoutSettings(), "ADDR=localhost:0")
				for name, value := range c.settings {
					cmd.Env = append(cmd.Env, name+"="+value)
				}
				timeout := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
				defer timeout.Stop()
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				stdout, err := cmd.Output()
				output := stderr.String()
				var exit *exec.ExitError
				require.ErrorAs(t, err, &exit, output)
				assert.Equal(t, 1, exit.ExitCode())
				assert.Empty(t, string(stdout), "no URL is printed")
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
}
