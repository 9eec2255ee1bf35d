// docs/spa.md shows the code of this example.

package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// notInExample are the lines of docs/spa.md that the example has in another form.
var notInExample = []string{
	"const page =", "ak, err := authkit.FromEnv( //", ")", "log.Fatal(err)",
}

func TestTheChapterShowsTheLinesOfThisExample(t *testing.T) {
	document, err := os.ReadFile("../../docs/spa.md")
	require.NoError(t, err)
	_, chapter, found := strings.Cut(string(document), "\n## A single-page application on another origin\n")
	require.True(t, found)
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	snippets := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(chapter, -1)
	require.Len(t, snippets, 1)
	source, err := os.ReadFile("api.go")
	require.NoError(t, err)
	rest := string(source)
	compared := 0
	for line := range strings.Lines(snippets[0][1]) {
		if line = strings.TrimSpace(line); isOther(line) {
			continue
		}
		_, after, found := strings.Cut(rest, "\t"+line+"\n")
		require.True(t, found, "api.go does not have this line, or has it in another place: %s", line)
		rest = after
		compared++
	}
	assert.Greater(t, compared, 15)
}

func isOther(line string) bool {
	for _, other := range notInExample {
		if strings.HasPrefix(line, other) {
			return true
		}
	}
	return false
}
