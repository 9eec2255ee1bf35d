// The README, held against the code.

package authkit_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheREADMENamesEveryOptionAndVariable(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for file, pattern := range map[string]string{
		"options.go": `(?m)^func (With\w+)\(`,
		"login.go":   `(?m)^func (\w+)\([^)]*\) LoginOption`,
		"authkit.go": `(?m)^//\t(WORKOS_\w+) `,
	} {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		names := regexp.MustCompile(pattern).FindAllStringSubmatch(string(source), -1)
		require.NotEmpty(t, names, file)
		for _, name := range names {
			assert.Regexp(t, `\b`+name[1]+`\b`, string(readme), "in no table")
		}
	}
}
