// The seed file: the example of the documentation, and every fault with its line.

package dev

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

const exampleSeed = "../../../../docs/dev-seed.yaml"

func TestTheExampleOfASeedFileFillsTheFake(t *testing.T) {
	s, err := readSeed(exampleSeed)
	require.NoError(t, err)
	fake := authkittest.New(t, s.options()...)
	keys := s.apply(fake)

	organizations := fake.Organizations()
	require.Len(t, organizations, 2)
	assert.Equal(t, "org_acme", organizations[0].ID)
	assert.Equal(t, "acme.test", organizations[0].Domains[0].Name)
	assert.True(t, organizations[1].RequireMFA)
	assert.Equal(t, s.organizationID("Globex"), organizations[1].ID)
	users := fake.Users()
	require.Len(t, users, 2)
	assert.Equal(t, []string{"members:manage", "posts:read", "posts:write"}, users[0].Memberships[0].Permissions, "those of the role")
	assert.Equal(t, []string{"posts:read", "posts:write"}, users[0].Memberships[1].Permissions, "its own")
	assert.Equal(t, []string{"audit-logs"}, users[0].Memberships[1].Entitlements)
	assert.True(t, users[1].EmailUnverified)
	assert.Equal(t, "sales", users[1].Claims["department"])
	assert.Equal(t, authkittest.MembershipPending, users[1].Memberships[0].Status)
	require.Len(t, keys, 2)
	assert.True(t, strings.HasPrefix(keys[0], "sk_"))
}

func TestTheDocumentationShowsTheExampleOfASeedFile(t *testing.T) {
	example, err := os.ReadFile(exampleSeed)
	require.NoError(t, err)
	page, err := os.ReadFile("../../../../docs/dev.md")
	require.NoError(t, err)
	assert.Contains(t, string(page), "<!-- seed -->\n```yaml\n"+string(example)+"```\n<!-- end of seed -->")
}

func TestASeedFileReportsEveryFaultWithItsLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seed.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`organizations:
  - name: Acme
  - name: Acme
    colour: red
  - id: org_1
permissions: [posts:read]
roles:
  - slug: admin
    permissions: [posts:raed]
  - slug: admin
users:
  - email: kim
  - email: lee@example.com
    memberships:
      - organization: Globex
        role: editor
        status: gone
      - Acme
  - email: LEE@example.com
    email: lee@example.org
    require_mfa: perhaps
    metadata: [a]
    first_name: {a: b}
feature_flags:
  - slug: beta
    targets: [nothing]
  - slug: beta
api_keys:
  - organization: Acme
  - name: CI
    organization: Globex
  - name: CI
    organization: Acme
    user: none@example.com
redirect_uris: /callback
sign_out_redirects: ["http://localhost/#x"]
extra: 1
`), 0o600))
	_, err := readSeed(path)
	require.Error(t, err)
	for _, want := range []string{
		"line 3: two organizations are called \"Acme\"", "line 4: unknown member \"colour\"; the members here are id, name", "line 5: an organization needs a name",
		"line 8: the permission \"posts:raed\" is not in permissions", "line 10: a role needs a slug of its own", "line 12: a user needs an email address",
		"line 15: the organization \"Globex\" is not in this file", "line 15: the status \"gone\"", "line 15: the role \"editor\" is not in roles", "line 18: want a mapping of organization",
		"line 20: email is repeated", "line 21: want true or false, not \"perhaps\"", "line 22: want a mapping", "line 23: want a text",
		"line 19: two users have the email address", "line 25: the target \"nothing\"", "line 27: a feature flag needs a slug of its own",
		"line 29: an API key needs a name", "line 30: the organization \"Globex\" of the API key", "line 32: the user \"none@example.com\"",
		"line 35: want a list, not \"/callback\"", "\"http://localhost/#x\" is no absolute URI", "line 37: unknown member \"extra\"",
	} {
		assert.Contains(t, err.Error(), want)
	}
	assert.Equal(t, strings.Count(err.Error(), "\n")+1, strings.Count(err.Error(), path+": "), "each line names the file")

	require.NoError(t, os.WriteFile(path, []byte("users: [\n"), 0o600))
	_, err = readSeed(path)
	assert.ErrorContains(t, err, "line ")
	_, err = readSeed(path + ".none")
	assert.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	s, err := readSeed(path)
	require.NoError(t, err, "an empty file has no fault")
	assert.Empty(t, s.Users)
}

func TestASeedFileReportsWhatIsThereTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seed.yaml")
	for text, want := range map[string]string{
		"users:\n  - email: a@example.com\n    id: user_1\n  - email: b@example.com\n    id: user_1\n":                                                 "line 4: two users have the ID \"user_1\"",
		"organizations:\n  - name: Acme\nusers:\n  - email: a@example.com\n    memberships:\n      - organization: Acme\n      - organization: Acme\n": "line 7: two memberships in \"Acme\"",
		"users: []\n---\nusers: [wrong]\n": "more than one document",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := readSeed(path)
		assert.ErrorContains(t, err, want)
	}
}

func TestAWrongAddressOfASeedFileIsReportedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seed.yaml")
	require.NoError(t, os.WriteFile(path, []byte("redirect_uris: [/callback]\nscopes: [a]\n"), 0o600))
	s := &server{Config: Config{Seed: path}, seed: &seed{}}
	_, err := s.check()
	require.Error(t, err)
	assert.Equal(t, 1, strings.Count(err.Error(), "/callback"), err.Error())
	assert.NotContains(t, err.Error(), "--redirect")
}
