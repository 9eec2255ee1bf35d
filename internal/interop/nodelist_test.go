// docs/node.md: the list of the calls of @workos-inc/node, written from what was checked.

package interop_test

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	nodeDocument       = "../../docs/node.md"
	operationsDocument = "../../docs/workos-operations.md"
)

const nodeIntroduction = `# Calls of the library for Node.js

This page is for engineers who test an application in Node.js with the fake AuthKit.

The fake of [` + "`authkittest`" + `](../authkittest) also serves applications in Node.js. This list shows which methods of WorkOS's library for
Node.js ([` + "`@workos-inc/node`" + `](https://www.npmjs.com/package/@workos-inc/node)) work with it. Each line is a call over HTTP.

*Works* says whether the fake has the route. *N fields*: the test knows each member of the object that the library returns, and
compares all N of them. The other words are further checks. *No route*: the fake answers 404, for the reason that
[workos-operations.md](workos-operations.md) gives, or because WorkOS's OpenAPI description 0.61 does not have the operation.

Point the library at the fake with the variables that [` + "`authkit dev`" + `](dev.md) sets for its command, or prints without
one. ` + "`authkittest.Server.Env`" + ` returns them in a test in Go:

` + "```js\n" + nodeSetup + "```" + `

The tests write this list: ` + "`go test ./internal/interop -run CallOfTheLibrary -update`" + `. They find the methods in the library itself, so
a method that is not in this list fails the tests.

| version | members | lines that were checked | lines without a route |
|---|---|---|---|
`

// nodeSetup points the library at the fake, as neighbour.mjs does.
const nodeSetup = `const workos = new WorkOS(WORKOS_API_KEY, {
  clientId: WORKOS_CLIENT_ID, apiHostname: WORKOS_API_HOSTNAME, port: Number(WORKOS_API_PORT), https: false,
});
`

func TestTheListForNodeShowsASetupThatIsTested(t *testing.T) {
	program, err := os.ReadFile("neighbour.mjs")
	require.NoError(t, err)
	require.True(t, strings.Contains(string(program), nodeSetup), "neighbour.mjs")
	document, err := os.ReadFile(nodeDocument)
	require.NoError(t, err)
	require.True(t, strings.Contains(string(document), nodeSetup), nodeDocument)
}

// otherPath is a path at which the library calls an operation. The description has the names in the other order.
const otherPath = "GET /authorization/resources/{resource_id}/organization_memberships/{organization_membership_id}/permissions"

// apiOperation is an operation of docs/workos-operations.md.
type apiOperation struct {
	text    string // "GET /organizations/{id}"
	pattern *regexp.Regexp
	reason  string // why package workos has no method for it; empty if it has one
}

func newOperation(text, reason string) apiOperation {
	pattern := regexp.MustCompile(`\\\{[^/]+\\\}`).ReplaceAllString(regexp.QuoteMeta(text), `[^/]+`)
	return apiOperation{text, regexp.MustCompile("^" + pattern + "$"), reason}
}

// operations reads docs/workos-operations.md. An operation with fewer names in its path is first, as "/a/b" before "/a/{id}".
func operations(t *testing.T) (all []apiOperation) {
	t.Helper()
	text, err := os.ReadFile(operationsDocument)
	require.NoError(t, err)
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z]+ /\\S+)` \\| (?:`Call`: )?(.*?) \\|").FindAllStringSubmatch(string(text), -1) {
		o := newOperation(row[1], row[2])
		if strings.HasPrefix(o.reason, "`") { // names of methods
			o.reason = ""
		}
		all = append(all, o)
	}
	require.NotEmpty(t, all)
	all = append(all, newOperation(otherPath, ""))
	slices.SortStableFunc(all, func(a, b apiOperation) int { return strings.Count(a.text, "{") - strings.Count(b.text, "{") })
	return all
}

// nodeLine is a line of docs/node.md.
type nodeLine struct{ part, method, requests, works, checks string }

// line returns the line of a row.
func (row nodeRow) line(operations []apiOperation) nodeLine {
	part, method, isMethod := strings.Cut(row.Row, ".")
	if !isMethod {
		part, method = "exceptions", strings.TrimPrefix(row.Row, "refusal: ")
	}
	var requests []string
	reason := "not in the description"
	for _, request := range row.Requests {
		text := strings.NewReplacer("%7B", "{", "%7D", "}").Replace(request)
		if i := slices.IndexFunc(operations, func(o apiOperation) bool { return o.pattern.MatchString(request) }); i >= 0 {
			text, reason = operations[i].text, operations[i].reason
		}
		if text = "`" + text + "`"; !slices.Contains(requests, text) {
			requests = append(requests, text)
		}
	}
	checks, works := row.Facts, "yes"
	if row.Absent {
		works = "**no route**"
	}
	switch {
	case row.Absent && reason == "":
		checks = []string{"it is in the client `workos` only"}
	case row.Absent:
		checks = []string{reason}
	case row.Fields > 0:
		checks = append([]string{fieldCount(row.Fields)}, checks...)
	}
	return nodeLine{part, method, strings.Join(requests, ", "), works, strings.Join(checks, "; ")}
}

func fieldCount(n int) string {
	if n == 1 {
		return "1 field"
	}
	return fmt.Sprintf("%d fields", n)
}

// nodeList returns docs/node.md for the runs of all versions.
func nodeList(operations []apiOperation, runs []nodeRun) string {
	var text strings.Builder
	text.WriteString(nodeIntroduction)
	versions := map[nodeLine][]string{}
	internals := map[nodeInternal]bool{}
	for _, run := range runs {
		absent := 0
		for _, row := range run.Rows {
			if row.Absent {
				absent++
			}
			line := row.line(operations)
			versions[line] = append(versions[line], run.Version)
		}
		fmt.Fprintf(&text, "| %s | %d | %d | %d |\n", run.Version, len(run.Methods), len(run.Rows)-absent, absent)
		for _, internal := range run.Internals {
			internals[internal] = true
		}
	}
	text.WriteString(nodeSummary(operations, runs[len(runs)-1]))
	part := ""
	for _, line := range slices.SortedFunc(maps.Keys(versions), compareLines) {
		if line.part != part {
			part = line.part
			fmt.Fprintf(&text, "\n## %s\n\n| method | requests | works | checked, or why there is no route |\n|---|---|---|---|\n", part)
		}
		note := ""
		if in := versions[line]; len(in) < len(runs) {
			note = " (" + strings.Join(in, ", ") + ")"
		}
		fmt.Fprintf(&text, "| `%s`%s | %s | %s | %s |\n", line.method, note, line.requests, line.works, line.checks)
	}
	text.WriteString("\n## Members without a line\n\n| member | why |\n|---|---|\n")
	for _, internal := range slices.SortedFunc(maps.Keys(internals), func(a, b nodeInternal) int { return cmp.Compare(a.Method, b.Method) }) {
		fmt.Fprintf(&text, "| `%s` | %s |\n", internal.Method, internal.Reason)
	}
	return text.String()
}

// nodeSummary returns a table of the parts of one version.
func nodeSummary(operations []apiOperation, run nodeRun) string {
	type part struct {
		work, all int
		reasons   []string
	}
	parts := map[string]*part{}
	for _, row := range run.Rows {
		line := row.line(operations)
		p := parts[line.part]
		if p == nil {
			p = &part{}
			parts[line.part] = p
		}
		p.all++
		if !row.Absent {
			p.work++
		} else if !slices.Contains(p.reasons, line.checks) {
			p.reasons = append(p.reasons, line.checks)
		}
	}
	var text strings.Builder
	fmt.Fprintf(&text, "\nVersion %s by part. `Call` of package `workos` makes the calls without a route too, at WorkOS:\n\n", run.Version)
	text.WriteString("| part | works | why the others have no route |\n|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		p := parts[name]
		slices.Sort(p.reasons)
		fmt.Fprintf(&text, "| [%s](#%s) | %d of %d | %s |\n", name, strings.ToLower(name), p.work, p.all, strings.Join(p.reasons, "; "))
	}
	return text.String()
}

func compareLines(a, b nodeLine) int {
	return cmp.Or(cmp.Compare(a.part, b.part), cmp.Compare(a.method, b.method), cmp.Compare(a.requests+a.checks, b.requests+b.checks))
}
