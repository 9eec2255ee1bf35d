// The credentials of the fake, and the file with the variables.

package dev

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// useConfigDir makes a folder the configuration directory of the user, on every system.
func useConfigDir(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "AppData"} {
		t.Setenv(name, dir)
	}
}

func TestAPortHasTheSameCredentialsAtEachStart(t *testing.T) {
	useConfigDir(t, t.TempDir())
	first, kept := newIdentity(4000)
	require.True(t, kept)
	second, _ := newIdentity(4000)
	assert.Equal(t, first, second)
	other, _ := newIdentity(4001)
	assert.NotEqual(t, first, other)
	assert.NotEqual(t, first.cookiePassword, other.cookiePassword)
	assert.GreaterOrEqual(t, len(first.cookiePassword), 32)
	assert.Regexp(t, `^client_[A-Z2-7]{26}$`, first.clientID)
	assert.Regexp(t, `^sk_test_[A-Z2-7]{32}$`, first.apiKey)

	without, kept := newIdentity(0)
	assert.False(t, kept)
	again, _ := newIdentity(0)
	assert.NotEqual(t, without, again)

	useConfigDir(t, t.TempDir())
	elsewhere, _ := newIdentity(4000)
	assert.NotEqual(t, first, elsewhere, "another user has another secret")
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	useConfigDir(t, file) // no directory
	random, kept := newIdentity(4000)
	assert.False(t, kept)
	assert.NotEqual(t, elsewhere, random)
}

func TestTheEnvFileOfSomebodyElseIsNotOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".env")
	require.NoError(t, checkEnvFile(path))
	require.NoError(t, writeEnvFile(path, map[string]string{"B": "http://localhost/?a=b&c=$d", "A": "plain-1.2", "C": ""}))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, envFileMark+", for development only. The next run overwrites it.\nA=plain-1.2\nB='http://localhost/?a=b&c=$d'\nC=''\n", string(text))
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Zero(t, info.Mode().Perm()&0o077, "only its owner can read it")
	require.NoError(t, checkEnvFile(path))

	require.NoError(t, os.WriteFile(path, []byte("WORKOS_API_KEY=sk_live_1\n"), 0o600))
	assert.ErrorContains(t, checkEnvFile(path), "was not written by authkit dev")
	assert.ErrorContains(t, checkEnvFile(t.TempDir()), "--env-file")
	assert.ErrorContains(t, writeEnvFile(filepath.Join(path, "below"), nil), "--env-file")
}

func TestAWebhookSecretThatAShellWouldRunIsRefused(t *testing.T) {
	for _, secret := range []string{"a'; touch /tmp/x; '", "two\nlines", "back\\slash"} {
		s := &server{Config: Config{WebhookSecret: secret}, seed: &seed{}}
		_, err := s.check()
		require.Error(t, err, "%q", secret)
		assert.ErrorContains(t, err, "WORKOS_WEBHOOK_SECRET")
		assert.NotContains(t, err.Error(), secret)
	}
	s := &server{Config: Config{WebhookSecret: "whsec_0123 4567$"}, seed: &seed{}}
	_, err := s.check()
	assert.NoError(t, err)
}

func TestARedirectURIWithoutASchemeIsRefused(t *testing.T) {
	for _, address := range []string{"localhost:3000/callback", "http:localhost/callback", "http:///callback", "example.com:callback"} {
		assert.Error(t, checkAddress(address), address)
	}
	for _, address := range []string{"http://localhost:3000/callback", "myapp://callback", "com.example.app:/callback"} {
		assert.NoError(t, checkAddress(address), address)
	}
}

func TestACommandForCurlSendsAnEmailAddressWithAPlusAsItIs(t *testing.T) {
	assert.Equal(t, "-d email=ada@harborpress.test", curlField("email", "ada@harborpress.test"))
	assert.Equal(t, "--data-urlencode 'email=ada+dev@harborpress.test'", curlField("email", "ada+dev@harborpress.test"), "a plus is a space in a form")
	assert.Equal(t, `--data-urlencode 'email=o'\''brien@harborpress.test'`, curlField("email", "o'brien@harborpress.test"))
}
