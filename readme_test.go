// The documents beside this file and those in docs are checked against the code: they name every option, guard, variable and file,
// what they name exists, and the code that they quote is in its file. links_test.go has the links between them.

package authkit_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/misconfig"
)

func TestTheSettingsNameEveryOptionAndVariable(t *testing.T) {
	settings := readDocument(t, "docs/settings.md")
	for file, pattern := range map[string]string{
		"options.go":         `(?m)^func (With\w+)\(`,
		"optionsanswers.go":  `(?m)^func (With\w+)\(`,
		"optionsobserver.go": `(?m)^func (With\w+)\(`,
		"loginparams.go":     `(?m)^\t([A-Z]\w+) +(?:string|\[\]string|\*time\.Duration)$`,
		"authkit.go":         `(?m)^//\t(WORKOS_\w+) `,
	} {
		names := regexp.MustCompile(pattern).FindAllStringSubmatch(readDocument(t, file), -1)
		require.NotEmpty(t, names, file)
		for _, name := range names {
			assert.True(t, regexp.MustCompile(`\b`+name[1]+`\b`).MatchString(settings), "docs/settings.md does not name %s", name[1])
		}
	}
}

func TestTheTableOfGuardsListsEveryGuard(t *testing.T) {
	_, section, found := strings.Cut(readDocument(t, "docs/guards.md"), "\n## All guards\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	table := strings.Join(tableRows(section), "\n")
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var guards []string
	for _, file := range files {
		for _, name := range regexp.MustCompile(`(?m)^func \(a \*AuthKit\) ((?:Require|Refuse)\w+)\(`).FindAllStringSubmatch(readDocument(t, file), -1) {
			guards = append(guards, name[1])
		}
	}
	require.NotEmpty(t, guards)
	for _, guard := range guards {
		assert.True(t, regexp.MustCompile("`ak\\."+guard+`\b`).MatchString(table), "the table of guards in docs/guards.md does not list %s", guard)
	}
}

func TestTheTroubleshootingListsEveryWarningAboutTheSetUp(t *testing.T) {
	_, section, found := strings.Cut(readDocument(t, "docs/troubleshooting.md"), "\n## Warnings about the set-up\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	var listed []string
	for _, row := range tableRows(section) {
		line := strings.TrimSpace(strings.Split(row, "|")[1])
		if !strings.HasPrefix(line, "resource: ") { // TestTheTroubleshootingListsEveryWarningOfAnAPI compares those
			listed = append(listed, line)
		}
	}
	assert.ElementsMatch(t, misconfig.Messages(), listed)
}

func TestTheChapterOfEventsListsTheTypesThatHaveAnEffect(t *testing.T) {
	types := map[string]string{}
	for _, constant := range regexp.MustCompile(`(?m)^\t(Event\w+) += "([\w.]+)"`).FindAllStringSubmatch(readDocument(t, "workos/event_types.go"), -1) {
		types[constant[1]] = constant[2]
	}
	_, list, found := strings.Cut(readDocument(t, "events.go"), "\nvar effectTypes = []string{\n")
	require.True(t, found)
	list, _, _ = strings.Cut(list, "\n}")
	var effective []string
	for _, name := range regexp.MustCompile(`workos\.(Event\w+)`).FindAllStringSubmatch(list, -1) {
		require.Contains(t, types, name[1])
		effective = append(effective, types[name[1]])
	}
	require.NotEmpty(t, effective)
	listed := regexp.MustCompile("(?s)```text\n(session\\.revoked .*?)```").FindStringSubmatch(readDocument(t, "docs/events.md"))
	require.NotNil(t, listed)
	assert.ElementsMatch(t, effective, strings.Fields(listed[1]))
}

func TestEveryLogLineAboutEventsInTheirChapterExists(t *testing.T) {
	chapter := readDocument(t, "docs/events.md")
	var source strings.Builder
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			source.WriteString(readDocument(t, file))
		}
	}
	lines := regexp.MustCompile(`(?m)^\| (authkit: .*?) \|`).FindAllStringSubmatch(chapter, -1)
	require.NotEmpty(t, lines)
	for _, line := range lines {
		assert.True(t, strings.Contains(source.String(), `"`+line[1]+`"`), "no source file logs %q", line[1])
	}
}

func TestEveryTestNamedInTheDocumentationExists(t *testing.T) {
	existing := testNames(t)
	naming := map[string]bool{}
	for _, file := range documents(t) {
		for _, name := range testInBackticks.FindAllStringSubmatch(readDocument(t, file), -1) {
			naming[file] = true
			assert.True(t, existing[name[1]], "%s names %s, which does not exist", file, name[1])
		}
	}
	for _, file := range []string{"SECURITY.md", "CONTRIBUTING.md", "docs/request-flow.md", "docs/replicas.md"} {
		assert.True(t, naming[file], "%s names no test", file)
	}
}

func TestEveryRowOfWhatHappensWhenNamesATest(t *testing.T) {
	_, section, found := strings.Cut(readDocument(t, "docs/request-flow.md"), "\n## What happens when …\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	rows := tableRows(section)
	require.NotEmpty(t, rows)
	for _, row := range rows {
		assert.Regexp(t, testInBackticks, row, "a row without a test")
	}
}

func TestEveryPromiseOfSECURITYNamesATest(t *testing.T) {
	security := readDocument(t, "SECURITY.md")
	rows := tableRows(security)
	require.NotEmpty(t, rows)
	for _, row := range rows {
		assert.Contains(t, row, "`Test", "a promise without a test")
	}
	for name := range testNames(t) {
		if strings.HasPrefix(name, "Fuzz") {
			assert.True(t, strings.Contains(security, "`"+name+"`"), "SECURITY.md does not name %s", name)
		}
	}
}

// go test runs the inputs of testdata/fuzz as cases. An input that has found a fault is added there.
func TestEveryFuzzTargetHasInputsInItsTestdata(t *testing.T) {
	targets := map[string]bool{}
	for _, pattern := range []string{"*_test.go", "*/*_test.go", "*/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			for _, name := range testsIn(readDocument(t, file)) {
				if !strings.HasPrefix(name, "Fuzz") {
					continue
				}
				directory := filepath.Join(filepath.Dir(file), "testdata", "fuzz", name)
				targets[directory] = true
				inputs, err := os.ReadDir(directory)
				assert.NoError(t, err)
				assert.GreaterOrEqual(t, len(inputs), 3, directory)
			}
		}
	}
	var directories []string
	for _, pattern := range []string{"testdata/fuzz/*", "*/testdata/fuzz/*", "*/*/testdata/fuzz/*"} {
		found, err := filepath.Glob(filepath.FromSlash(pattern))
		require.NoError(t, err)
		directories = append(directories, found...)
	}
	assert.ElementsMatch(t, slices.Collect(maps.Keys(targets)), directories, "inputs without their target")
}

func TestEveryFileAndFunctionNamedInARCHITECTUREExists(t *testing.T) {
	architecture := readDocument(t, "ARCHITECTURE.md")
	files := regexp.MustCompile("`(\\w+\\.go)`").FindAllStringSubmatch(architecture, -1)
	require.NotEmpty(t, files)
	for _, file := range files {
		assert.FileExists(t, file[1])
	}
	functions := regexp.MustCompile("`(\\w+)`\\s+\\(`(\\w+\\.go)`\\)").FindAllStringSubmatch(architecture, -1)
	require.NotEmpty(t, functions)
	for _, function := range functions {
		name, file := function[1], function[2]
		declaration := regexp.MustCompile(`(?m)^(func (\(.*\) )?|type )` + name + `\b`)
		assert.True(t, declaration.MatchString(readDocument(t, file)), "ARCHITECTURE.md says that %s is in %s", name, file)
	}
}

func TestEverySourceFileOfTheRootPackageIsInARCHITECTURE(t *testing.T) {
	architecture := readDocument(t, "ARCHITECTURE.md")
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			assert.True(t, strings.Contains(architecture, "`"+file+"`"), "ARCHITECTURE.md does not name %s", file)
		}
	}
}

func TestEverySnippetOfCONTRIBUTINGIsInTheFileNamedBeforeIt(t *testing.T) {
	snippets := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatchIndex(readDocument(t, "CONTRIBUTING.md"), -1)
	require.NotEmpty(t, snippets)
	for _, at := range snippets {
		before, snippet := readDocument(t, "CONTRIBUTING.md")[:at[0]], readDocument(t, "CONTRIBUTING.md")[at[2]:at[3]]
		files := regexp.MustCompile("`([\\w/]+\\.go)`").FindAllStringSubmatch(before, -1)
		require.NotEmpty(t, files)
		file := files[len(files)-1][1]
		code := map[string]bool{}
		for line := range strings.Lines(readDocument(t, file)) {
			code[strings.TrimSpace(line)] = true
		}
		for line := range strings.Lines(snippet) {
			assert.True(t, code[strings.TrimSpace(line)], "%s does not have the line %q", file, line)
		}
	}
}

func TestTheTestsInTheChaptersAreInTheFileThatTheyName(t *testing.T) {
	const file = "authkittest/application_test.go"
	source := readDocument(t, file)
	for _, document := range []string{"docs/testing.md", "docs/mcp.md"} {
		chapter := readDocument(t, document)
		require.Contains(t, chapter, "`"+file+"`")
		found := 0
		for _, snippet := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(chapter, -1) {
			if strings.Contains("\n"+snippet[1], "\nfunc Test") {
				found++
				assert.Contains(t, source, snippet[1], "%s does not have the tests as %s shows them", file, document)
			}
		}
		assert.Equal(t, 1, found, document)
	}
}

// testInBackticks matches the name of a test or fuzz target in Markdown.
var testInBackticks = regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")

func readDocument(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

// testNames returns the names of all tests and fuzz targets of the module, and of all cases of the suite in
// internal/behaviour.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, pattern := range []string{"*_test.go", "*/*_test.go", "*/*/*_test.go", "cmd/*/internal/*/*_test.go", "internal/behaviour/suite_*.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			for _, name := range testsIn(readDocument(t, file)) {
				names[name] = true
			}
		}
	}
	return names
}

// testDeclaration matches the begin of a line that declares a test or fuzz target.
var testDeclaration = regexp.MustCompile(`^func ((?:Test|Fuzz)\w+)\(`)

// testsIn returns the names of the tests and fuzz targets that Go code declares. One expression for the whole code takes ten times
// as long.
func testsIn(code string) (names []string) {
	for line := range strings.Lines(code) {
		if !strings.HasPrefix(line, "func ") {
			continue
		}
		if name := testDeclaration.FindStringSubmatch(line); name != nil {
			names = append(names, name[1])
		}
	}
	return names
}

// tableRows returns the rows of all Markdown tables in a text, without their headers.
func tableRows(text string) (rows []string) {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		isRow := strings.HasPrefix(line, "| ")
		isHeader := i+1 < len(lines) && strings.HasPrefix(lines[i+1], "|---")
		if isRow && !isHeader {
			rows = append(rows, line)
		}
	}
	return rows
}
