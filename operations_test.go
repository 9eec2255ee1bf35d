// The page for operators is checked against the code: what it quotes of the log, of Healthz and of the error pages exists there.

package authkit_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// operationsPage returns the page for operators, with single spaces instead of line breaks.
func operationsPage(t *testing.T) string {
	t.Helper()
	return strings.Join(strings.Fields(readDocument(t, "docs/operations.md")), " ")
}

func TestTheOperationsPageQuotesLinesOfTheLog(t *testing.T) {
	var sources strings.Builder
	require.NoError(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		sources.Write(text)
		return err
	}))
	lines := regexp.MustCompile("`((?:authkit|jwks): [^`]+)`").FindAllStringSubmatch(operationsPage(t), -1)
	require.NotEmpty(t, lines)
	joined := regexp.MustCompile(`" \+\s+"`).ReplaceAllString(sources.String(), "") // texts of several lines
	for _, line := range lines {
		assert.True(t, strings.Contains(joined, `"`+line[1]), "no log has the line %q", line[1])
	}
}

func TestTheOperationsPageListsEveryReasonOfHealthz(t *testing.T) {
	reasons := regexp.MustCompile(`degraded\("([^"]+)"\)`).FindAllStringSubmatch(readDocument(t, "health.go"), -1)
	require.Len(t, reasons, 8)
	_, symptoms, found := strings.Cut(operationsPage(t), "## Symptoms")
	require.True(t, found)
	symptoms, _, _ = strings.Cut(symptoms, "## Alerts")
	for _, reason := range reasons {
		assert.Contains(t, symptoms, ": "+reason[1]+" |")
	}
}

func TestTheOperationsPageQuotesTheErrorPages(t *testing.T) {
	texts := readDocument(t, "errors.go")
	_, symptoms, found := strings.Cut(operationsPage(t), "| Users see |")
	require.True(t, found)
	symptoms, _, _ = strings.Cut(symptoms, "| Line in the log |")
	quotes := regexp.MustCompile(`“([^”]+)”`).FindAllStringSubmatch(symptoms, -1)
	require.Len(t, quotes, 5)
	for _, quote := range quotes {
		for part := range strings.SplitSeq(quote[1], " … ") {
			assert.Contains(t, texts, part)
		}
	}
	codes := regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(regexp.MustCompile(`WithOnSignIn|code=\S+`).ReplaceAllString(symptoms, ""), -1)
	require.NotEmpty(t, codes)
	for _, code := range codes {
		assert.Contains(t, texts, `"`+code[1]+`"`)
	}
}
