// The operations of the API: which method makes each of them, or why no method does.
//
// testdata/operations.txt has the operations of the published OpenAPI description (method, path and tag). The wire tests say
// which call makes which operation. docs/workos-operations.md and the table in doc.go are written from both.

package workos_test

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/openapi"
	"github.com/authkit-go/authkit/workos"
)

// update makes TestTheListsOfOperationsAreCurrent write the lists: go test ./workos -run Operations -update
var update = flag.Bool("update", false, "write docs/workos-operations.md and the table of operations in doc.go")

const (
	operationsDocument = "../docs/workos-operations.md"
	descriptionVersion = "0.61"
	operationCount     = 212
)

// operation is an operation of the API. Its path has a {name} for each ID.
type operation struct{ method, path, tag string }

func (o operation) String() string { return o.method + " " + o.path }

// operations reads the operations of the description.
func operations(t *testing.T) []operation {
	t.Helper()
	text, err := os.ReadFile("testdata/operations.txt")
	require.NoError(t, err)
	var all []operation
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		require.Len(t, fields, 3, line)
		all = append(all, operation{fields[0], fields[1], fields[2]})
	}
	return all
}

// findOperation returns the operation of a request with the escaped path.
func findOperation(all []operation, method, path string) (found operation, ok bool) {
	byName := map[string]operation{}
	for _, o := range all {
		byName[o.String()] = o
	}
	name, ok := openapi.Match(slices.Collect(maps.Keys(byName)), method, path)
	return byName[name], ok
}

// undescribed are operations that the description does not have. Their tags say where they are documented.
var undescribed = []operation{
	{"GET", "/user_management/{client_id}/.well-known/openid-configuration", "OpenID Connect Discovery 1.0"},
	{"GET", "/user_management/waitlists", "@workos-inc/node 11"},
	{"GET", "/user_management/waitlists/{waitlist_id}", "@workos-inc/node 11"},
	{"GET", "/user_management/waitlists/{waitlist_id}/entries", "@workos-inc/node 11"},
	{"POST", "/user_management/waitlists/{waitlist_id}/entries", "@workos-inc/node 11"},
	{"POST", "/user_management/waitlist_entries/{waitlist_entry_id}/approve", "@workos-inc/node 11"},
	{"POST", "/user_management/waitlist_entries/{waitlist_entry_id}/deny", "@workos-inc/node 11"},
	{"DELETE", "/user_management/waitlist_entries/{waitlist_entry_id}", "@workos-inc/node 11"},
}

// madeBy returns the methods that make each operation, as the wire tests and the URLs show it.
func madeBy(t *testing.T, all []operation) map[operation][]string {
	t.Helper()
	methods := map[operation][]string{}
	known := slices.Concat(all, undescribed)
	add := func(name, method, path string) {
		o, ok := findOperation(known, method, path)
		assert.True(t, ok, "%s makes %s %s, which is neither in testdata/operations.txt nor in undescribed", name, method, path)
		if !slices.Contains(methods[o], name) {
			methods[o] = append(methods[o], name)
		}
	}
	for name, tt := range calls {
		if name, _, _ = strings.Cut(name, " "); name != "Call" {
			add(name, tt.method, tt.path)
		}
	}
	client := newClient(t, workos.WithAPIKey(apiKey))
	authorize, err := client.AuthorizationURL(workos.AuthorizationParams{Provider: "authkit", RedirectURI: "https://app.acme.test/callback"})
	require.NoError(t, err)
	for name, address := range map[string]string{
		"AuthorizationURL": authorize, "LogoutURL": client.LogoutURL("session_01A", ""), "JWKSURL": client.JWKSURL(),
	} {
		parsed, err := url.Parse(address)
		require.NoError(t, err)
		add(name, "GET", parsed.EscapedPath())
	}
	for o := range methods {
		slices.Sort(methods[o])
	}
	return methods
}

// withoutMethod says why an operation has no method. A key is an operation or a tag.
var withoutMethod = map[string]string{
	"agents":                     "agents are registered and claimed by WorkOS's own flows",
	"application.client-secrets": "the applications of Connect are managed in the dashboard",
	"applications":               "the applications of Connect are managed in the dashboard",
	"audit-logs":                 "schemas, retention and exports of audit logs are managed in the dashboard and the Admin Portal",
	"connections":                "SSO without AuthKit",
	"directories":                "Directory Sync",
	"directory-groups":           "Directory Sync",
	"directory-users":            "Directory Sync",
	"POST /data-integrations/{slug}/credentials":       "accounts with an API key or client credentials have no types here",
	"PUT /data-integrations/{slug}/api-key":            "accounts with an API key or client credentials have no types here",
	"PUT /data-integrations/{slug}/client-credentials": "accounts with an API key or client credentials have no types here",
	"pipes":          "the set-up of Pipes is managed in the dashboard",
	"pipes.provider": "the set-up of Pipes is managed in the dashboard",
	"radar":          "Radar without AuthKit, for sign-ins that WorkOS does not make",
	"sso":            "SSO without AuthKit",
	"vault":          "Vault",
}

// authKitTags are the tags of the description whose operations an application with AuthKit uses, or their beginnings.
var authKitTags = []string{
	"admin-portal", "api_keys", "authorization", "events", "feature-flags", "groups", "multi-factor-auth", "organization-domains",
	"organizations", "permissions", "user-management", "webhooks", "widgets", "workos-connect",
}

func isAuthKitTag(tag string) bool {
	return slices.ContainsFunc(authKitTags, func(name string) bool { return tag == name || strings.HasPrefix(tag, name+".") })
}

func TestEveryOperationHasAMethodOrAReason(t *testing.T) {
	all := operations(t)
	assert.Len(t, all, operationCount)
	methods := madeBy(t, all)
	seen := map[string]bool{}
	used := map[string]bool{}
	for _, o := range all {
		assert.False(t, seen[o.String()], "%s is there twice", o)
		seen[o.String()] = true
		assert.Contains(t, []string{"GET", "POST", "PUT", "PATCH", "DELETE"}, o.method)
		key, reason := reasonOf(o)
		if len(methods[o]) > 0 {
			assert.Empty(t, withoutMethod[o.String()], "%s has a method and a reason to have none", o)
			continue
		}
		assert.NotEmpty(t, reason, "%s (%s) has neither a method nor a reason", o, o.tag)
		used[key] = true
	}
	for _, o := range undescribed {
		assert.NotEmpty(t, methods[o], "no method makes %s", o)
		assert.False(t, seen[o.String()], "%s is in the description", o)
	}
	for key := range withoutMethod {
		assert.True(t, used[key], "withoutMethod has a reason for %q that no operation needs", key)
	}
}

// reasonOf returns the reason why an operation has no method, and its key in withoutMethod.
func reasonOf(o operation) (key, reason string) {
	if reason := withoutMethod[o.String()]; reason != "" {
		return o.String(), reason
	}
	return o.tag, withoutMethod[o.tag]
}

func TestTheListsOfOperationsAreCurrent(t *testing.T) {
	all := operations(t)
	methods := madeBy(t, all)
	source, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	table := regexp.MustCompile(`(?s)//\ttag +operations +with a method\n.*?\n//\n`)
	require.Len(t, table.FindAll(source, -1), 1)
	doc := table.ReplaceAllLiteralString(string(source), tagTable(all, methods))
	list := operationList(all, methods)
	if *update {
		require.NoError(t, os.WriteFile("doc.go", []byte(doc), 0o644))
		require.NoError(t, os.WriteFile(operationsDocument, []byte(list), 0o644))
	}
	assert.Equal(t, doc, string(source), "doc.go: run go test ./workos -run Operations -update")
	written, err := os.ReadFile(operationsDocument)
	require.NoError(t, err)
	assert.Equal(t, list, string(written), operationsDocument+": run go test ./workos -run Operations -update")
}

// byTag returns the operations by tag, and the tags in order: those of AuthKit first.
func byTag(all []operation) (groups map[string][]operation, tags []string) {
	groups = map[string][]operation{}
	for _, o := range all {
		groups[o.tag] = append(groups[o.tag], o)
	}
	tags = slices.SortedFunc(maps.Keys(groups), func(a, b string) int {
		if isAuthKitTag(a) != isAuthKitTag(b) {
			return map[bool]int{true: -1, false: 1}[isAuthKitTag(a)]
		}
		return cmp.Compare(a, b)
	})
	return groups, tags
}

// tagTable returns the table in doc.go.
func tagTable(all []operation, methods map[operation][]string) string {
	var text strings.Builder
	row := func(columns ...any) {
		fmt.Fprintf(&text, "//\t%s\n", strings.TrimRight(fmt.Sprintf("%-47v %-11v %v", columns...), " "))
	}
	row("tag", "operations", "with a method")
	groups, tags := byTag(all)
	var rest, restWith int
	for _, tag := range tags {
		with := 0
		for _, o := range groups[tag] {
			if len(methods[o]) > 0 {
				with++
			}
		}
		if !isAuthKitTag(tag) {
			rest, restWith = rest+len(groups[tag]), restWith+with
			continue
		}
		row(tag, len(groups[tag]), with)
	}
	row("other products of WorkOS", rest, restWith)
	return text.String() + "//\n"
}

// operationList returns docs/workos-operations.md.
func operationList(all []operation, methods map[operation][]string) string {
	var text strings.Builder
	with := 0
	for _, o := range all {
		if len(methods[o]) > 0 {
			with++
		}
	}
	fmt.Fprintf(&text, `# Operations of the WorkOS API

This page is for engineers who look for the method of a call of WorkOS's API.

WorkOS publishes an [OpenAPI description](https://github.com/workos/openapi-spec) of its API. Version %s has %d operations.
The package [`+"`workos`"+`](../workos) has a method for %d of them. `+"`Client.Call`"+` makes the others; the last column says why
they have no method.

This list is written from the tests of the package: `+"`go test ./workos -run Operations -update`"+`. A test compares it with the
operations of the description and with the requests that the methods make.
`, descriptionVersion, len(all), with)
	groups, tags := byTag(all)
	heading := ""
	for _, tag := range tags {
		area := "AuthKit"
		if !isAuthKitTag(tag) {
			area = "Other products of WorkOS"
		}
		if area != heading {
			heading = area
			fmt.Fprintf(&text, "\n## %s\n", area)
		}
		fmt.Fprintf(&text, "\n### %s\n\n| operation | method of `Client` |\n|---|---|\n", tag)
		for _, o := range groups[tag] {
			made := "`" + strings.Join(methods[o], "`, `") + "`"
			if len(methods[o]) == 0 {
				_, reason := reasonOf(o)
				made = "`Call`: " + reason
			}
			fmt.Fprintf(&text, "| `%s` | %s |\n", o, made)
		}
	}
	text.WriteString("\n## Not in the description\n\n| operation | method of `Client` | documented in |\n|---|---|---|\n")
	for _, o := range undescribed {
		fmt.Fprintf(&text, "| `%s` | `%s` | %s |\n", o, strings.Join(methods[o], "`, `"), o.tag)
	}
	return text.String()
}
