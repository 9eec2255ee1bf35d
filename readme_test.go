// The README and SECURITY.md, held against the code.

package authkit_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheREADMENamesEveryOptionAndVariable(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for file, pattern := range map[string]string{
		"options.go":     `(?m)^func (With\w+)\(`,
		"loginparams.go": `(?m)^\t([A-Z]\w+) +(?:string|\*time\.Duration)$`,
		"authkit.go":     `(?m)^//\t(WORKOS_\w+) `,
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

func TestEveryPromiseOfSECURITYNamesTestsThatExist(t *testing.T) {
	promises, err := os.ReadFile("SECURITY.md")
	require.NoError(t, err)
	known := map[string]bool{}
	for _, pattern := range []string{"*_test.go", "*/*_test.go", "*/*/*_test.go", "internal/behaviour/suite_*.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, name := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllStringSubmatch(string(source), -1) {
				known[name[1]] = true
			}
		}
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(string(promises), -1)
	require.NotEmpty(t, named)
	for _, name := range named {
		assert.True(t, known[name[1]], name[1])
	}
	for _, row := range regexp.MustCompile(`(?m)^\| [A-Z].*$`).FindAllString(string(promises), -1) {
		assert.True(t, row == "| Promise | Test |" || strings.Contains(row, "`Test"), "a promise without a test: %s", row)
	}
	for name := range known {
		if strings.HasPrefix(name, "Fuzz") {
			assert.True(t, strings.Contains(string(promises), "`"+name+"`"), "what %s holds is promised nowhere", name)
		}
	}
}
